"""Planted faults: one at a time, in a copy of the repository, to be noticed by the unit tests."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import Queue

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).with_name("faults.toml")
_PATIENCE = 600  # seconds for one run of tests


@dataclass(frozen=True)
class Fault:
    """A fault to be planted.

    Parameters
    ----------
    file : str
        Within the repository.
    old, new : str
        Text that occurs once in the file, and what takes its place.
    what : str
        The fault in words.
    why : str
        Why the tests do not notice it, for one that is known to survive.
    """

    file: str
    old: str
    new: str
    what: str
    why: str = ""


def load(path=FAULTS):
    """Return the faults of a TOML file."""
    return [Fault(**fault) for fault in tomllib.loads(path.read_text("utf-8"))["fault"]]


def copy_repository(to, root=ROOT):
    """Copy the files that git knows, or would know, as they are in the working tree."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (root / name).is_file():
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, to / name)


@contextmanager
def planted(fault, root):
    """Plant a fault in a copy of the repository, and take it out again.

    Raises
    ------
    LookupError
        If the text is not there exactly once, or nothing would change; names the fault.
    """
    path = root / fault.file
    text = path.read_text("utf-8") if path.is_file() else ""
    if (found := text.count(fault.old)) != 1 or fault.old == fault.new:
        raise LookupError(f"{fault.file}: {fault.what}: the text occurs {found} times, not once")
    path.write_text(text.replace(fault.old, fault.new), "utf-8")
    try:
        yield
    finally:
        path.write_text(text, "utf-8")


def check_imports(root):
    """Raise a RuntimeError unless tests run in a copy import the copy."""
    told = subprocess.run(
        [sys.executable, "-c", "import sslboost; print(sslboost.__file__)"],
        cwd=root,
        env=_environment(root),
        capture_output=True,
        text=True,
    ).stdout.strip()
    if root.resolve() not in Path(told).resolve().parents:
        raise RuntimeError(f"the copy in {root} must be imported, got {told}")


def _environment(root):
    one_thread = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    paths = os.pathsep.join([str(root), str(root / "book")])
    return os.environ | one_thread | {"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"}


def stages(file, root):
    """Return the tests to run for a file, nearest first.

    Those named for the module, those of its folder that import it, the others of its folder, those
    of other folders that import it, and those of each folder that imports its folder.
    """
    folder, *inner = Path(file).with_suffix("").parts[1:]
    near = _tests_of(folder, root)
    module = inner[-1].strip("_")
    own = [test for test in near if Path(test).name == f"test_{module}.py"]
    imports = re.compile(rf"^(?:from|import) .*\b{module}\b", re.MULTILINE)
    users = [t for t in near if t not in own and imports.search((root / t).read_text("utf-8"))]
    users.sort(key=lambda test: test.count("/"))
    rest = [test for test in near if test not in own + users]
    others = [test for test in _tests_of(".", root) if test not in near]
    away = [t for t in others if imports.search((root / t).read_text("utf-8"))]
    far = [_tests_of(other, root) for other in _importers(folder, root)]
    return [stage for stage in (own, users, rest, away, *far) if stage]


def _tests_of(folder, root):
    return [str(p.relative_to(root)) for p in sorted((root / "tests" / folder).rglob("test_*.py"))]


def _importers(folder, root):
    """The folders of the package that import a folder, or one that does; the slowest last."""
    imports = {}
    for top in sorted(path for path in (root / "sslboost").iterdir() if path.is_dir()):
        text = "\n".join(path.read_text("utf-8") for path in top.rglob("*.py"))
        found = re.findall(r"from sslboost\.(\w+)|from sslboost import ([\w, ]+)", text)
        imports[top.name] = {word for pair in found for word in re.findall(r"\w+", " ".join(pair))}
    reached = {folder}
    while more := {top for top in imports if imports[top] & reached} - reached:
        reached |= more
    return sorted(reached - {folder}, key=lambda top: (top == "images", top))


def run_tests(tests, root, seconds=_PATIENCE):
    """Return the first test that fails, or None where all pass.

    Raises
    ------
    RuntimeError
        If pytest could not run them.
    """
    options = ["-x", "-q", "-n0", "--no-cov", "--no-header", "-p", "no:cacheprovider"]
    # In a session of its own, so that what hangs ends with all that it has started.
    with subprocess.Popen(
        [sys.executable, "-m", "pytest", *options, *tests],
        cwd=root,
        env=_environment(root),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            said = process.communicate(timeout=seconds)[0]
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, 9)
            return f"no end in {seconds} s"
    if process.returncode == 0:
        return None
    if process.returncode not in (1, 2):
        raise RuntimeError(f"pytest ended with {process.returncode}: {said[-2000:]}")
    failed = re.search(r"^(?:FAILED|ERROR) (.+?)(?: - |$)", said, re.MULTILINE)
    return failed[1] if failed else said[-300:]


def noticed(fault, root):
    """Return the test that notices a fault, or None where it survives them all."""
    with planted(fault, root):
        return next(filter(None, (run_tests(t, root) for t in stages(fault.file, root))), None)


def lost_faults(faults=None, *, workers=2, report=print):
    """Plant every fault; return how many, and the survivors.

    Parameters
    ----------
    faults : list of Fault, optional
        Those of ``faults.toml`` when omitted.
    workers : int
        Copies of the repository that are tested at a time.
    report : callable
        Told of every fault.

    Returns
    -------
    tried : int
    survivors : list of dict
        ``what`` survived and ``why``, where that is known.

    Raises
    ------
    LookupError
        If a fault does not fit the source; named before anything is run.
    RuntimeError
        If tests fail though only comments were changed.
    """
    faults = load() if faults is None else faults
    with tempfile.TemporaryDirectory() as scratch:
        os.chmod(scratch, 0o755)  # some tests give up their rights, and read the package after it
        copies = Queue()
        for i in range(workers):
            copy = Path(scratch) / f"copy{i}"
            copy_repository(copy)
            copies.put(copy)
        check_imports(copy)
        for fault in faults:
            with planted(fault, copy):
                pass

        def borrowed(task):
            copy = copies.get()
            try:
                started = time.perf_counter()
                return task(copy), time.perf_counter() - started
            finally:
                copies.put(copy)

        with ThreadPoolExecutor(workers) as pool:
            _demand_quiet(pool, borrowed, report)
            survivors = []
            tests = pool.map(lambda f: borrowed(lambda copy: noticed(f, copy)), faults)
            for fault, (test, seconds) in zip(faults, tests, strict=True):
                report(f"{test or 'SURVIVED'} ({seconds:.0f} s): {fault.file}: {fault.what}")
                if test is None:
                    survivors.append({"what": f"{fault.file}: {fault.what}", "why": fault.why})
    return len(faults), survivors


def _demand_quiet(pool, borrowed, report):
    """Comments in every module, and no test may notice: else a kill would mean nothing."""

    def quiet(copy, part):
        for module in (copy / "sslboost").rglob("*.py"):
            module.write_text(module.read_text("utf-8") + "# nothing\n", "utf-8")
        folders = [path.name for path in sorted((copy / "sslboost").iterdir()) if path.is_dir()]
        tests = [test for folder in folders for test in _tests_of(folder, copy)]
        return run_tests(tests[part::2], copy)

    halves = pool.map(lambda part: borrowed(lambda copy: quiet(copy, part)), range(2))
    for test, seconds in halves:
        report(f"{test or 'all pass'} ({seconds:.0f} s): comments in every module")
        if test:
            raise RuntimeError(f"{test} fails though only comments were changed")
