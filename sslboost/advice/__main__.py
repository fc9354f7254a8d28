"""Command line of the advice: ``sslboost advise data.parquet --x ... --z ... --y ...``."""

import argparse
import sys
import warnings

from sslboost import __version__
from sslboost.core import files
from sslboost.core.command import Parser, count, finish, output, seed


def main(arguments=None):
    """Run ``sslboost`` and return its exit status."""
    parser = Parser(prog="sslboost", description="What labels can do for a pretext representation.")
    parser.add_argument("--version", action="version", version=f"sslboost {__version__}")
    commands = parser.add_subparsers(dest="command", required=True)
    advise = commands.add_parser(
        "advise",
        help="say what labels can do for one's own data",
        description="Measure the criteria on a file of rows (x, z, y), predict the risk of every "
        "use of the labels as a share of the variance of y, and say which is best. Columns are "
        "given by names, patterns such as 'z*', or beginnings of names; of an npz file, arrays.",
    )
    advise.add_argument("path", help="a parquet, csv or npz file")
    advise.add_argument("--x", nargs="+", help="inputs (all other columns when omitted)")
    advise.add_argument("--z", nargs="+", required=True, help="pretext labels")
    advise.add_argument("--y", nargs="+", required=True, help="labels; empty where there is none")
    advise.add_argument(
        "--labels", type=count, help="the budget, 2 or more (the labelled rows when omitted)"
    )
    advise.add_argument(
        "--categorical", nargs="+", default=[], choices=["z", "y"], help="whose numbers are names"
    )
    advise.add_argument("--bootstrap", type=_resamples, default=200, help="resamples; 0 for none")
    advise.add_argument("--seed", type=seed, default=0, help="of the bootstrap (0 when omitted)")
    advise.add_argument("--plot", type=_picture, help="write the figure: .svg, .pdf or .png")
    advise.add_argument("--json", type=output, help="write the report as JSON")
    options = parser.parse_args(arguments)
    return finish(parser, lambda: _told(parser, options), OSError, ImportError)


def _resamples(text):
    return 0 if text == "0" else count(text)


def _picture(text):
    path = output(text)
    if path.suffix.lower() not in (".svg", ".pdf", ".png"):
        raise argparse.ArgumentTypeError(f"must end in .svg, .pdf or .png, got {text!r:.80}")
    return path


def _told(parser, options):
    """Advise, or say in one line what is wrong with the data, which no help explains."""
    try:
        _advise(options)
    except ValueError as error:
        parser.exit(2, f"{parser.prog} advise: {' '.join(str(error).split())}\n")


def _advise(options):
    from sslboost.advice import AdviceWarning, advise_file

    with warnings.catch_warnings():
        warnings.simplefilter("ignore", AdviceWarning)  # the report holds them
        report = advise_file(
            options.path,
            options.z,
            options.y,
            options.x,
            labels=options.labels,
            categorical=options.categorical,
            bootstrap=options.bootstrap,
            rng=options.seed,
        )
    print(report)
    if options.json:
        files.write_text(options.json, report.to_json())
    if options.plot:
        with files.replacing(options.plot) as scratch:
            report.plot().savefig(scratch, format=options.plot.suffix[1:].lower())


if __name__ == "__main__":
    sys.exit(main())
