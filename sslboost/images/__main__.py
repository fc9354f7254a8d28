"""Command line: ``python -m sslboost.images fetch`` and ``... live``."""

import argparse
import sys
from pathlib import Path

from sslboost.images import data


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line."""

    def error(self, message):
        self.exit(2, f"{self.prog}: {message}; --help explains\n")


def main(arguments=None):
    """Run a command of the image experiments and return its exit status.

    Source: the README, "Data".
    """
    parser = _Parser(prog="python -m sslboost.images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch CIFAR-10, verify it and keep it in the cache")
    live = commands.add_parser("live", help="run the live experiment of the book and record it")
    live.add_argument("path", type=Path, help="JSON file to write")
    options = parser.parse_args(arguments)
    try:
        if options.command == "fetch":
            data.load()
            print(f"CIFAR-10 is verified in {data.folder() / 'cifar10'}")
        else:
            from sslboost.images import live as experiment

            experiment.record(experiment.run(data.load()), options.path)
    except (data.DataUnavailableError, OSError) as error:
        print(f"sslboost.images: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
