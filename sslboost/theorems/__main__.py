"""Certify every theorem: ``python -m sslboost.theorems --out _build/certificates.json``."""

import sys

from tqdm import tqdm

from sslboost.core import files
from sslboost.core.command import Parser, count, finish, output, seed
from sslboost.theorems import REGISTRY, certify_all
from sslboost.theorems.board import Board


def main(arguments=None):
    """Run the registry, write what was asked for, and return its exit status."""
    parser = Parser(
        prog="python -m sslboost.theorems",
        description="Check every claim of the book and that every negative control fails.",
    )
    parser.add_argument("--out", type=output, metavar="FILE", help="write the certificates as JSON")
    parser.add_argument("--board", type=output, metavar="FILE", help="write the board as HTML")
    parser.add_argument("--seed", type=seed, default=0, help="draws the problems (default: 0)")
    parser.add_argument(
        "--seeds",
        type=count,
        metavar="N",
        help="draw N problems of each claim, from --seed on, and count",
    )
    parser.add_argument(
        "--only", nargs="+", metavar="LABEL", help="the claims of these labels, as thm-repair"
    )
    options = parser.parse_args(arguments)
    if options.out is not None and options.out == options.board:
        parser.error("arguments --out and --board: must be two files")
    if options.seeds and (options.out or options.board):
        parser.error("argument --seeds: prints counts and writes no file")
    chosen = [one for one in REGISTRY if not options.only or one.label in options.only]
    for label in options.only or ():
        if not any(one.label == label for one in chosen):
            parser.error(f"argument --only: no claim has the label {label!r:.80}")
    work = _count if options.seeds else _certify
    return finish(parser, lambda: work(options, chosen), OSError)


def _count(options, theorems):
    """How often each claim holds, and how often its control fails."""
    always = True
    for theorem in tqdm(theorems, disable=None):
        rows = [
            certify_all([theorem], seed=options.seed + i, progress=False)[0]
            for i in range(options.seeds)
        ]
        held, failed = (sum(row[key] for row in rows) for key in ("holds", "control_fails"))
        always &= held == failed == options.seeds
        tqdm.write(
            f"{theorem.name} ({theorem.label or theorem.chapter}): "
            f"holds {held} of {options.seeds}, its control fails {failed} of {options.seeds}"
        )
    return 0 if always else 1


def _certify(options, theorems):
    board = Board(certify_all(theorems, seed=options.seed))
    if options.out:
        files.write_json(options.out, board.rows)
    if options.board:
        files.write_text(options.board, board._repr_html_() + "\n")
    print(board)
    return 0 if board.passes else 1


if __name__ == "__main__":
    sys.exit(main())
