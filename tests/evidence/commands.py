"""Wrong command lines: each must end with exit status 2 and one line on standard error."""

import importlib
import inspect
import io
import os
import shutil
import subprocess
import sys
import tempfile
from contextlib import redirect_stderr, redirect_stdout
from functools import partial
from pathlib import Path

from tests.evidence.apart import apart

ROOT = Path(__file__).resolve().parents[2]

#: The modules whose ``main`` is called, by how a shell calls them.
PROGRAMS = {
    "-m sslboost.advice": "sslboost.advice.__main__",
    "-m sslboost.images": "sslboost.images.__main__",
    "-m sslboost.pages": "sslboost.pages.__main__",
    "-m sslboost.theorems": "sslboost.theorems.__main__",
    "-m sslboost.bounds.trained_capacity": "sslboost.bounds.trained_capacity",
    "book/build.py": "build",
}

COUNTS = ("0", "-1", "1.5", "three", "", "1e3", "nan", "9" * 20)
SEEDS = ("-1", "1.5", "x", "", "1e400")
_ADVISE = ["advise", "none.csv", "--z", "z", "--y", "y"]
OUTPUTS = ("", ".", "folder", "missing/out.json", "file/out.json", f"{'long' * 100}.json")
_TABLE = ("table", "--profile", "smoke")
_TABLE_OUT = (*_TABLE, "--out", "out.json")


def wrong_lines():
    """Return (program, arguments) of every wrong command line."""
    advice, images, pages, theorems, capacity, book = PROGRAMS
    lines = [(program, ["--unknown"]) for program in PROGRAMS]
    lines += [(program, ["unknown"]) for program in PROGRAMS]
    lines += [(program, []) for program in (images, pages)]
    lines += [(images, ["fetch", "more"]), (images, ["collapse"]), (images, ["fetch", "--jobs"])]
    lines += [(images, ["collapse", out]) for out in OUTPUTS]
    lines += [(images, ["collapse", "out.json", "--jobs", jobs]) for jobs in COUNTS]
    for option, values in {
        "--jobs": COUNTS,
        "--n0": (*COUNTS, "501"),
        "--beyond": (*COUNTS, "2501"),
        "--seeds": SEEDS,
        "--arms": ("unknown", "", "SSL"),
        "--pretexts": ("unknown", "", "jigsaw"),
        "--adversaries": ("unknown", "", "Linear"),
        "--device": ("unknown", "", "cuda:99", "tpu"),
    }.items():
        lines += [(images, [*_TABLE_OUT, option, value]) for value in values]
        lines += [(images, [*_TABLE_OUT, option])]
    lines += [(images, [*_TABLE, "--out", out]) for out in (*OUTPUTS, "file", "laptop.json")]
    lines += [
        (images, ["table", "--out", "out.json", "--profile", p]) for p in ("", "huge", "../x")
    ]
    lines += [(images, [*_TABLE_OUT, "more"]), (images, [*_TABLE_OUT, "--replace=yes"])]
    lines += [(pages, [command, out]) for command in ("overview", "live") for out in OUTPUTS]
    lines += [(pages, ["overview"]), (pages, ["live"]), (pages, ["live", "a", "b"])]
    lines += [(advice, []), (advice, ["advise"]), (advice, [*_ADVISE, "more"])]
    lines += [(advice, ["advise", path, *_ADVISE[2:]]) for path in ("", ".", "file", "folder")]
    for option, values in {
        "--labels": COUNTS,
        "--bootstrap": COUNTS[1:],
        "--seed": SEEDS,
        "--json": OUTPUTS,
        "--plot": (*OUTPUTS, "out.txt", "out"),
        "--categorical": ("x", "", "Y"),
    }.items():
        lines += [(advice, [*_ADVISE, option, value]) for value in values]
        lines += [(advice, [*_ADVISE, option])]
    lines += [(theorems, [option, out]) for option in ("--out", "--board") for out in OUTPUTS]
    lines += [(theorems, ["--seed", seed]) for seed in SEEDS]
    lines += [(theorems, ["--seeds", number]) for number in COUNTS]
    lines += [(theorems, ["--only", *labels]) for labels in ((), ("",), ("thm-risk", "unknown"))]
    lines += [(capacity, ["--out", out]) for out in OUTPUTS]
    for option in ("--networks", "--steps", "--jobs"):
        lines += [(capacity, ["--out", "out.json", option, value]) for value in COUNTS]
    lines += [(capacity, ["--out", "out.json", "--cache", "file"])]
    lines += [(book, ["--force=1"]), (book, ["--force", "more"]), (book, ["--forc", "--quick"])]
    return lines


def lost_lines(report=print):
    """Give every wrong line to its program; return how many, and those not refused as they must be.

    The lines run in forks of this process, which is quick; one of each program runs as a shell
    would run it.

    Parameters
    ----------
    report : callable

    Returns
    -------
    tried : int
    lost : list of dict
    """
    lines = wrong_lines()
    sys.path.insert(0, str(ROOT / "book"))
    mains = {program: importlib.import_module(name).main for program, name in PROGRAMS.items()}
    with tempfile.TemporaryDirectory() as folder:
        _furnish(Path(folder))
        answers = apart([partial(_judge, mains[p], p, words, folder) for p, words in lines])
        shelled = [(program, ["--unknown"]) for program in PROGRAMS]
        answers += [_shell(program, words, folder) for program, words in shelled]
    lost = [
        {"what": " ".join(["python", program, *(word or "''" for word in words)]), "why": answer}
        for (program, words), answer in zip(lines + shelled, answers, strict=True)
        if answer is not None
    ]
    report(f"command lines: {len(answers)}, {len(lost)} lost")
    return len(answers), lost


def _furnish(folder):
    (folder / "folder").mkdir()
    (folder / "file").write_text("no table")
    shutil.copy(ROOT / "sslboost/pages/recorded/cifar10-laptop.json", folder / "laptop.json")


def _judge(main, program, words, folder):
    os.chdir(folder)
    sys.argv = [program, *words]
    said, shown = io.StringIO(), io.StringIO()
    with redirect_stderr(said), redirect_stdout(shown):
        try:
            status = main(words) if inspect.signature(main).parameters else main()
        except SystemExit as end:
            status = end.code
        except BaseException as error:
            return f"ended with {error!r}"
    return verdict(status, said.getvalue())


def _shell(program, words, folder):
    module = program.split()
    if not program.startswith("-m"):
        module = [str(ROOT / program)]
    ran = subprocess.run(
        [sys.executable, *module, *words],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )
    return verdict(ran.returncode, ran.stderr)


def verdict(status, said):
    """Why an answer to a wrong line is lost; None for status 2 and one line that says something."""
    lines = said.splitlines()
    if status != 2:
        return f"status {status}: {lines[-1] if lines else 'nothing said'}"
    if len(lines) != 1 or not lines[0].strip():
        return f"{len(lines)} lines on standard error: {said[:200]!r}"
    return None
