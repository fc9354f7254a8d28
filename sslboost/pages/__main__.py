"""Command line of the pages: ``overview`` draws the README's picture, ``live`` records a run."""

import sys

from sslboost.core.command import Parser, finish, output


def main(arguments=None):
    """Run ``python -m sslboost.pages`` and return its exit status."""
    parser = Parser(prog="python -m sslboost.pages", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    overview = commands.add_parser("overview", help="write the README's picture as an SVG file")
    overview.add_argument("path", type=output)
    live = commands.add_parser("live", help="run the live experiment of the book and record it")
    live.add_argument("path", type=output, help="JSON file to write")
    options = parser.parse_args(arguments)
    work = {"overview": _overview, "live": _live}[options.command]
    return finish(parser, lambda: work(options.path), OSError, RuntimeError)


def _overview(path):
    from sslboost.pages import overview

    overview.write(path)


def _live(path):
    from sslboost.images import data
    from sslboost.pages.cifar10 import live

    live.record(live.run(data.load()), path)


if __name__ == "__main__":
    sys.exit(main())
