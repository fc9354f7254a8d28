"""Certify every theorem: ``python -m sslboost.theorems --out _build/certificates.json``."""

import argparse
import json
import os
import sys
from pathlib import Path

from sslboost.theorems import certify_all
from sslboost.theorems.board import Board


def main(arguments=None):
    """Run the registry, write what was asked for, and return whether everything passed."""
    parser = argparse.ArgumentParser(
        prog="python -m sslboost.theorems",
        description="Check every claim of the book and that every negative control fails.",
    )
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the certificates as JSON")
    parser.add_argument("--board", type=Path, metavar="FILE", help="write the board as HTML")
    parser.add_argument("--seed", type=int, default=0, help="draws the problems (default: 0)")
    options = parser.parse_args(arguments)
    if options.seed < 0:
        parser.error(f"argument --seed: must be at least 0, got {options.seed}")
    board = Board(certify_all(seed=options.seed))
    print(board)
    if options.out:
        _write(options.out, json.dumps(board.rows, indent=1, allow_nan=False, ensure_ascii=False))
    if options.board:
        _write(options.board, board._repr_html_())
    return board.passes


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".part")
    partial.write_text(text + "\n", "utf-8")
    os.replace(partial, path)


if __name__ == "__main__":
    sys.exit(not main())
