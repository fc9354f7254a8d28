"""Certify every theorem: ``python -m sslboost.theorems --out _build/certificates.json``."""

import sys

from sslboost.core import files
from sslboost.core.command import Parser, finish, output, seed
from sslboost.theorems import certify_all
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
    options = parser.parse_args(arguments)
    if options.out is not None and options.out == options.board:
        parser.error("arguments --out and --board: must be two files")
    return finish(parser, lambda: _certify(options), OSError)


def _certify(options):
    board = Board(certify_all(seed=options.seed))
    if options.out:
        files.write_json(options.out, board.rows)
    if options.board:
        files.write_text(options.board, board._repr_html_() + "\n")
    print(board)
    return 0 if board.passes else 1


if __name__ == "__main__":
    sys.exit(main())
