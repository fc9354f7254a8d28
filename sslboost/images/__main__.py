"""Command line of the image experiments: ``fetch``, ``table``, ``chance`` and ``collapse``."""

import sys
from pathlib import Path

from sslboost.core.command import Parser, count, finish, output, seed
from sslboost.images import data

#: Where recorded tables lie in the repository.
FOLDER = "sslboost/pages/recorded"


def main(arguments=None):
    """Run ``python -m sslboost.images`` and return its exit status."""
    parser = Parser(prog="python -m sslboost.images", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("fetch", help="fetch CIFAR-10, verify it and keep it in the cache")
    collapse = commands.add_parser("collapse", help="measure psi on f(x) under weight decay 0.05")
    collapse.add_argument("path", type=output, help="JSON file to write")
    collapse.add_argument("--jobs", type=count, help="cells at a time (1 when omitted)")
    chance = commands.add_parser("chance", help="measure what might give the slides' chance")
    chance.add_argument("path", type=output, help="JSON file to write")
    chance.add_argument("--profile", default="laptop", help="laptop, workstation, paper, ...")
    chance.add_argument("--arms", nargs="+", help="of lagging, decayed, plain")
    chance.add_argument("--seeds", nargs="+", type=seed, help="0 to 4 when omitted")
    chance.add_argument("--device", default="cpu", help="cpu when omitted; cuda, cuda:1, mps")
    chance.add_argument("--replace", action="store_true", help="replace a file of other code")
    chance.add_argument("--jobs", type=count, help="cells at a time (1 when omitted)")
    _add_table(commands)
    options = parser.parse_args(arguments)
    work = {"fetch": _fetch, "chance": _chance, "collapse": _collapse, "table": _table}
    work = work[options.command]
    return finish(parser, lambda: work(options), OSError, RuntimeError)


def _fetch(options):
    data.load()
    print(f"CIFAR-10 is verified in {data.folder() / 'cifar10'}")


def _collapse(options):
    from sslboost.images.table.collapse import record_collapse

    record_collapse(options.path, n_jobs=options.jobs)


def _chance(options):
    from sslboost.images.table.chance import record_chance

    given = {name: getattr(options, name) for name in ("arms", "seeds") if getattr(options, name)}
    how = {name: getattr(options, name) for name in ("profile", "device", "replace")}
    rows = record_chance(options.path, n_jobs=options.jobs, **how, **given)
    print(f"{len(rows)} rows are recorded in {options.path}")


def _add_table(commands):
    table = commands.add_parser(
        "table",
        help="measure the table of plain SSL and processors and record it",
        description="Measure the table, or the part that the options name. Finished cells are kept "
        "in the data folder: an interrupted command, given again, goes on where it stopped. "
        "The file is written beside earlier rows of the same code, never mixed with others.",
    )
    table.add_argument("--profile", default="laptop", help="laptop, workstation, paper, ...")
    table.add_argument(
        "--arms", nargs="+", help="of untrained, ssl, supervised, processor, beyond, alternative"
    )
    table.add_argument("--pretexts", nargs="+", help="of rotation, colourisation, inpainting")
    table.add_argument("--adversaries", nargs="+", help="of linear, network")
    table.add_argument("--lams", nargs="+", type=float, help="weights of the pretext term")
    table.add_argument("--n0", nargs="+", type=count, help="extra labels, at most 5000")
    table.add_argument("--beyond", nargs="+", type=count, help="labels where some are borrowed")
    table.add_argument("--seeds", nargs="+", type=seed, help="0 1 2 when omitted")
    table.add_argument("--device", help="cpu when omitted; cuda, cuda:1, mps")
    table.add_argument("--compile", dest="compiled", action="store_true", help="torch.compile")
    table.add_argument("--jobs", type=count, help="cells at a time (1 when omitted)")
    table.add_argument("--out", type=output, help=f"{FOLDER}/cifar10-PROFILE.json when omitted")
    table.add_argument("--replace", action="store_true", help="replace a file of other code")


def _table(options):
    from sslboost.images import table

    names = ("arms", "pretexts", "adversaries", "lams", "n0", "beyond", "seeds", "device")
    given = {name: getattr(options, name) for name in names if getattr(options, name) is not None}
    path = options.out or Path(FOLDER) / f"cifar10-{options.profile}.json"
    rows = table.measure(
        options.profile,
        path,
        replace=options.replace,
        compiled=options.compiled,
        n_jobs=options.jobs,
        **given,
    )
    for row in rows:
        print(" ".join(f"{name}={row[name]}" for name in (*table.KEY, "accuracy")))
    print(f"{len(rows)} rows are recorded in {path}")


if __name__ == "__main__":
    sys.exit(main())
