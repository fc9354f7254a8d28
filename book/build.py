"""Render the book: execute the chapters whose inputs changed, then build the HTML from them.

    python book/build.py            execute what is stale, render when anything changed
    python book/build.py --force    execute every chapter again, and render

A chapter's outputs are kept under a key made of everything that can change them: its own source,
the package, the recorded results, the lock file, the installed distributions, the interpreter, and
whether CIFAR-10 is there. The key names the stored notebook, which is written only after the
chapter ran to its end, so stale output cannot be found. The HTML is never patched: when any of its
inputs changed it is rendered from nothing, with warnings as errors.
"""

import argparse
import hashlib
import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterable, Iterator
from importlib.metadata import distributions
from pathlib import Path

import jupytext
import nbformat
import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
CELL_TIMEOUT = 900  # seconds


class BuildError(Exception):
    """The book cannot be built; the message says why."""


class Layout:
    """Where things are, for the repository at `root`."""

    def __init__(self, root: Path):
        self.root = root
        self.cache = root / ".cache" / "book"
        self.stage = self.cache / "src"  # what Sphinx reads; nbmake skips paths named _build
        self.store = self.cache / "executed"  # <key>.ipynb, one per chapter
        self.record = self.cache / "executed.json"
        self.html_key = self.cache / "html.key"
        self.html = root / "_build" / "html"
        self.certificates = root / "_build" / "certificates.json"
        self.certificates_key = self.cache / "certificates.key"


def toc_files(toc: Path) -> list[str]:
    """Every file that `_toc.yml` names, in reading order, without extension."""

    def walk(node: dict) -> Iterator[str]:
        yield from (node[k] for k in ("root", "file") if k in node)
        for group in ("parts", "chapters", "sections"):
            for child in node.get(group, ()):
                yield from walk(child)

    return list(walk(yaml.safe_load(toc.read_text("utf-8"))))


def is_notebook(page: Path) -> bool:
    """Whether a Markdown page has a kernel in its front matter, and so is to be executed."""
    parts = page.read_text("utf-8").split("---\n", 2)
    return len(parts) == 3 and not parts[0] and "kernelspec" in (yaml.safe_load(parts[1]) or {})


def chapters(root: Path) -> list[str]:
    """The pages of the book that are notebooks, as paths without extension."""
    pages = toc_files(root / "_toc.yml")
    missing = [p for p in pages if not (root / f"{p}.md").is_file()]
    if missing:
        raise BuildError("_toc.yml names pages that do not exist: " + ", ".join(missing))
    return [p for p in pages if is_notebook(root / f"{p}.md")]


def tree(*tops: Path) -> list[Path]:
    """The files under `tops`, sorted, without what Python and Jupyter leave behind."""
    found = (f for top in tops for f in (top.rglob("*") if top.is_dir() else [top]))
    litter = {"__pycache__", ".ipynb_checkpoints"}
    return sorted(f for f in found if f.is_file() and not litter & set(f.parts))


def digest(files: Iterable[Path], root: Path, *facts: str) -> str:
    """SHA-256 of names and contents of `files` and of `facts`; lengths keep the parts apart."""
    total = hashlib.sha256()
    for fact in facts:
        total.update(f"{len(fact)}:{fact}".encode())
    for file in files:
        name, content = str(file.relative_to(root)), file.read_bytes()
        total.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
    return total.hexdigest()


def environment() -> list[str]:
    """The interpreter and the installed distributions: what runs the chapters."""
    installed = {f"{d.metadata['Name']}=={d.version}" for d in distributions()}
    return [platform.python_version(), platform.machine(), *sorted(installed)]


def data_present() -> bool:
    """Whether CIFAR-10 is there. In CI it must be: a missing data set is a failure, not a skip."""
    from sslboost.images import data

    present = data.present()
    if not present and os.environ.get("CI") == "true":
        raise BuildError("CIFAR-10 is missing and CI=true: run `python -m sslboost.images fetch`")
    return present


def keys(layout: Layout, names: list[str], *facts: str) -> dict[str, str]:
    """The key of each chapter: a digest of everything that its outputs depend on."""
    root = layout.root
    common = [*tree(root / "sslboost", root / "book" / "results"), root / "constraints.txt"]
    return {n: digest([root / f"{n}.md", *common], root, *facts) for n in names}


def certify(layout: Layout, force: bool, *facts: str) -> None:
    """Check every claim of the registry; the front page's board is made from what this writes."""
    key = digest(tree(layout.root / "sslboost"), layout.root, *facts)
    done = layout.certificates.is_file() and layout.certificates_key.is_file()
    if done and not force and layout.certificates_key.read_text("utf-8") == key:
        return
    layout.certificates_key.unlink(missing_ok=True)
    layout.certificates.parent.mkdir(exist_ok=True)
    command = [sys.executable, "-m", "sslboost.theorems", "--out", str(layout.certificates)]
    if subprocess.run(command).returncode:
        raise BuildError("a claim failed, or its negative control held: see the board above")
    layout.cache.mkdir(parents=True, exist_ok=True)
    layout.certificates_key.write_text(key, "utf-8")


def stage(layout: Layout, names: list[str]) -> None:
    """Lay out a fresh copy of the book, without the chapters, for Sphinx and nbmake."""
    root, to = layout.root, layout.stage
    shutil.rmtree(to, ignore_errors=True)
    sources = {f"{Path(n).name}.md" for n in names} | {"build.py", "_jupyter"}
    litter = shutil.ignore_patterns("__pycache__", ".ipynb_checkpoints", "*.ipynb")

    def skip(folder: str, entries: list[str]) -> set[str]:
        own = {e for e in entries if e in sources}
        return own | set(litter(folder, entries))

    shutil.copytree(root / "book", to / "book", ignore=skip)
    shutil.copy(layout.certificates, to / "book")
    (to / "sslboost").symlink_to(root / "sslboost", target_is_directory=True)
    shutil.copy(root / "_toc.yml", to)
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    (to / "_config.yml").write_text(yaml.safe_dump(config), "utf-8")


class Keeper:
    """A pytest plugin that stores each chapter the moment it has passed."""

    def __init__(self, layout: Layout, by_key: dict[str, str]):
        self.layout, self.by_key = layout, by_key

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when != "call" or not report.passed:
            return
        name = report.nodeid.split("::")[0].removesuffix(".ipynb")
        notebook = nbformat.read(self.layout.stage / f"{name}.ipynb", as_version=4)
        notebook.metadata["sslboost"] = {"seconds": round(report.duration, 2)}
        target = self.layout.store / f"{self.by_key[name]}.ipynb"
        partial = target.with_suffix(".part")
        nbformat.write(notebook, partial)
        partial.replace(target)


def execute(layout: Layout, stale: list[str], by_key: dict[str, str]) -> None:
    """Run the stale chapters with nbmake, in reading order; all of them must run and pass."""
    layout.store.mkdir(parents=True, exist_ok=True)
    paths = [layout.stage / f"{n}.ipynb" for n in stale]
    for name, path in zip(stale, paths, strict=True):
        (layout.store / f"{by_key[name]}.ipynb").unlink(missing_ok=True)
        nbformat.write(jupytext.read(layout.root / f"{name}.md"), path)
    options = ["--nbmake", "--overwrite", f"--nbmake-timeout={CELL_TIMEOUT}", "-v", "-ra"]
    isolated = [f"--rootdir={layout.stage}", "-c", os.devnull, "-p", "no:cacheprovider"]
    isolated += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]  # main() runs in this process
    arguments = [*options, *isolated, *map(str, paths)]
    if pytest.main(arguments, plugins=[Keeper(layout, by_key)]) != pytest.ExitCode.OK:
        raise BuildError("a chapter failed: see above")
    skipped = [n for n in stale if not (layout.store / f"{by_key[n]}.ipynb").is_file()]
    if skipped:
        raise BuildError("nbmake passed over " + ", ".join(skipped))


def collect(layout: Layout, names: list[str], stale: list[str], by_key: dict[str, str]) -> None:
    """Put the stored chapters in place, record and print their seconds, drop the outdated."""
    rows = []
    for name in names:
        stored = layout.store / f"{by_key[name]}.ipynb"
        shutil.copy(stored, layout.stage / f"{name}.ipynb")
        seconds = json.loads(stored.read_text("utf-8"))["metadata"]["sslboost"]["seconds"]
        rows.append({"chapter": name, "seconds": seconds, "executed": name in stale})
    layout.record.write_text(json.dumps(rows, indent=1), "utf-8")
    current = {layout.store / f"{key}.ipynb" for key in by_key.values()}
    for outdated in set(layout.store.iterdir()) - current:
        outdated.unlink()
    width = max(map(len, names), default=7)
    print(f"\n{'chapter':{width}}  seconds")
    for row in rows:
        note = "" if row["executed"] else "  (kept: nothing it depends on changed)"
        print(f"{row['chapter']:{width}}  {row['seconds']:7.1f}{note}")
    total = sum(r["seconds"] for r in rows if r["executed"])
    print(f"chapters executed: {len(stale)} of {len(names)} in _toc.yml, {total:.1f} s")


def render(layout: Layout, *facts: str) -> bool:
    """Build the HTML from nothing unless its inputs are those of the last build."""
    key = digest(tree(layout.stage), layout.stage, *facts)
    built = layout.html_key.is_file() and (layout.html / "index.html").is_file()
    if built and layout.html_key.read_text("utf-8") == key:
        return False
    out = layout.cache / "out"
    shutil.rmtree(out, ignore_errors=True)
    layout.html_key.unlink(missing_ok=True)
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", jupyter_book, "build", str(layout.stage)]
    strict = ["--path-output", str(out), "--all", "-W", "-n", "--keep-going", "-q"]
    # Sphinx speaks of its warnings and errors on stderr; stdout is only chatter about `out`.
    if subprocess.run([*command, *strict], stdout=subprocess.DEVNULL).returncode:
        raise BuildError("the HTML was not built: see the warnings above (they are errors)")
    shutil.rmtree(layout.html, ignore_errors=True)
    layout.html.parent.mkdir(exist_ok=True)
    (out / "_build" / "html").rename(layout.html)
    layout.html_key.write_text(key, "utf-8")
    return True


def build(root: Path, force: bool) -> None:
    """Execute what is stale (everything, if `force`) and render the HTML."""
    layout, names, facts = Layout(root), chapters(root), environment()
    spec = importlib.util.find_spec("sslboost")
    if spec is None or Path(spec.origin).resolve().parent != root / "sslboost":
        raise BuildError(f"sslboost must be installed from {root}: pip install -e '.[book,test]'")
    by_key = keys(layout, names, *facts, f"data={data_present()}")
    certify(layout, force, *facts)
    stage(layout, names)
    stale = [n for n in names if force or not (layout.store / f"{by_key[n]}.ipynb").is_file()]
    if stale:
        layout.html_key.unlink(missing_ok=True)  # from here on the old HTML is out of date
        execute(layout, stale, by_key)
    collect(layout, names, stale, by_key)
    rendered = render(layout, *facts, *by_key.values())
    state = "" if rendered else " (unchanged)"
    print(f"\nThe book{state}: {(layout.html / 'index.html').as_uri()}")


def main() -> None:
    # The theory's matrices are small: a second BLAS thread costs more than it does, most of all
    # on a busy machine. Networks keep their threads, which are not BLAS's.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    parser = argparse.ArgumentParser(description="Execute the chapters and render the book.")
    parser.add_argument("--force", action="store_true", help="execute every chapter again")
    try:
        build(ROOT, parser.parse_args().force)
    except BuildError as error:
        sys.exit(f"error: {error}")


if __name__ == "__main__":
    main()
