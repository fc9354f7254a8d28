"""The evidence behind the package: what was tried against it, what held, and what did not.

    python -m tests.evidence [mutations|calls|commands|kills|all] [--out _build/evidence.json]

Planted faults, malformed calls, wrong command lines and kills are tried in turn, and their figures
are merged into a JSON file. Ends with status 1 if anything is lost without a reason.
"""

import json
import multiprocessing
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from sslboost.core import files, provenance
from sslboost.core.command import Parser, finish, output

#: Share of the planted faults that the tests must notice.
NOTICED = 0.95

#: In the place of a reason.
UNEXPLAINED = "no reason is known"


def _mutations():
    from tests.evidence.mutations import lost_faults

    return lost_faults(report=_say)


def _calls():
    from tests.evidence.calls import lost_calls

    return lost_calls(report=_say)


def _commands():
    from tests.evidence.commands import lost_lines

    return lost_lines(report=_say)


def _kills():
    from tests.evidence.kills import lost_kills

    return lost_kills(report=_say)


#: What is tried, by the name of the command, and what the pages call it.
KINDS = {
    "mutations": ("planted faults", _mutations),
    "calls": ("malformed calls", _calls),
    "commands": ("command lines", _commands),
    "kills": ("kills", _kills),
}


def _say(line):
    print(line, flush=True)


def row(kind, tried, lost, seconds=0.0):
    """Return the figures of one kind: how many were tried, held and lost, and the lost by name."""
    facts = provenance.describe()
    return {
        "kind": kind,
        "commit": facts["commit"],
        "date": facts["date"],
        "seconds": round(seconds, 1),
        "tried": tried,
        "held": tried - len(lost),
        "lost": len(lost),
        "survivors": [{"what": one["what"], "why": one["why"] or UNEXPLAINED} for one in lost],
    }


def accepted(row):
    """Whether nothing is lost without a reason, and few enough of the planted faults survive."""
    if row["kind"] == "planted faults":
        return row["held"] >= NOTICED * row["tried"] and all(
            survivor["why"] != UNEXPLAINED for survivor in row["survivors"]
        )
    return row["lost"] == 0


def merge(path, rows):
    """Put rows into a file of evidence, in the place of earlier ones of their kinds."""
    with files.locked(path):
        earlier = json.loads(path.read_text("utf-8")) if path.exists() else {"kinds": []}
        by_kind = {row["kind"]: row for row in [*earlier["kinds"], *rows]}
        kinds = [by_kind[kind] for kind, _ in KINDS.values() if kind in by_kind]
        total = round(sum(kind["seconds"] for kind in kinds), 1)
        facts = {"provenance": provenance.describe(), "seconds": total}
        files.write_json(path, facts | {"kinds": kinds})


def main(arguments=None):
    """Try what was asked for and return the exit status."""
    parser = Parser(prog="python -m tests.evidence", description=__doc__.splitlines()[0])
    parser.add_argument("kind", nargs="?", choices=[*KINDS, "all"], default="all")
    parser.add_argument("--out", type=Path, default=Path("_build/evidence.json"))
    options = parser.parse_args(arguments)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    output(str(options.out))
    return finish(parser, lambda: _try(options), OSError)


def _try(options):
    chosen = KINDS if options.kind == "all" else {options.kind: KINDS[options.kind]}
    rows = []
    for kind, attempt in chosen.values():
        started = time.perf_counter()
        # In a process of its own: what one attempt replaces is in its place for the next.
        with ProcessPoolExecutor(1, multiprocessing.get_context("fork")) as apart:
            found = apart.submit(attempt).result()
        rows.append(row(kind, *found, time.perf_counter() - started))
        merge(options.out, rows[-1:])
    for found in rows:
        _say("{kind}: {tried} tried, {held} held, {lost} lost".format(**found))
        for survivor in found["survivors"]:
            _say(f"    {survivor['what']}: {survivor['why']}")
    return 0 if all(map(accepted, rows)) else 1


if __name__ == "__main__":
    sys.exit(main())
