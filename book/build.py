"""Render the book: execute the chapters whose inputs changed, then build the HTML from them.

    python book/build.py            execute what is stale, render when anything changed
    python book/build.py --force    execute every chapter again, and render

A chapter's outputs are kept under a key made of everything that can change them: its own source,
the package with its recorded results, the lock file, the installed distributions, the interpreter,
and whether CIFAR-10 is there. They are stored only when the chapter ran to its end and none of this
changed meanwhile, so stale output cannot be found. The HTML is never patched: when any of its
inputs changed it is rendered from nothing, with warnings as errors, beside the old one, which
stays until the new one is complete.
"""

import importlib.util
import json
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from contextlib import AbstractContextManager
from importlib.metadata import distributions
from pathlib import Path

import joblib
import nbformat
import yaml
from filelock import FileLock, Timeout
from kept import LITTER, Store, digest, publish, put_back, remove, seal, sealed, tree
from notebooks import BuildError, chapters, executed, source

from sslboost.core import files
from sslboost.core.command import Parser

ROOT = Path(__file__).resolve().parent.parent


#: What builds the book and is no page of it.
MACHINERY = ("book/build.py", "book/kept.py", "book/notebooks.py")

#: What is beside the chapters, and neither builds the pages nor is one.
APART = tuple(
    f"book/{name}"
    for name in ("_jupyter", "_template", "browser.py", "merge.js", "new_chapter.py", "pdf.py")
)


class Layout:
    """Where things are, for the repository at `root`."""

    def __init__(self, root: Path):
        self.root = root
        self.cache = root / ".cache" / "book"
        self.stage = self.cache / "src"  # what Sphinx reads
        self.store = self.cache / "executed"  # <key>.ipynb and its seal, for each chapter
        self.record = self.cache / "executed.json"
        self.html = root / "_build" / "html"
        self.html_key = self.cache / "html.key"
        self.certificates = root / "_build" / "certificates.json"
        self.certificates_key = self.cache / "certificates.key"


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


def keys(layout: Layout, sources: dict[str, str], *facts: str) -> dict[str, str]:
    """The key of each chapter: a digest of everything that its outputs depend on."""
    root = layout.root
    tops = ("sslboost", "constraints.txt", *MACHINERY)
    common = tree(*(root / top for top in tops))
    return {name: digest(common, root, name, text, *facts) for name, text in sources.items()}


def make_room(layout: Layout) -> None:
    """Make sure, before any work, that everything can be written where it belongs."""
    if "_build" in layout.root.parts:
        raise BuildError(
            f"nbmake passes over folders named _build: move the book from {layout.root}"
        )
    target = layout.html.resolve()
    for folder in (layout.cache, layout.certificates.parent, target.parent):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            tempfile.TemporaryFile(dir=folder).close()
        except OSError as error:
            reason = f"must be a folder that can be written to: {error.strerror}"
            raise BuildError(f"{folder} {reason}") from error
    if target.exists() and (not target.is_dir() or target.is_mount()):
        raise BuildError(f"{target} must be a folder that can be replaced, and is not")
    if layout.certificates.is_dir():
        raise BuildError(f"{layout.certificates} must be a file, and is a folder")


def alone(layout: Layout) -> AbstractContextManager:
    """Wait for other builds of this book to end, and return what keeps them out until this ends."""
    lock = FileLock(layout.cache / "build.lock")
    try:
        return lock.acquire(timeout=0)
    except Timeout:
        print("another build of this book is at work: waiting for its end", flush=True)
        return lock.acquire()


def settle(layout: Layout) -> None:
    """Let nothing of this machine or its user reach the chapters that the keys do not name."""
    # Sums are taken in another order by another number of threads; and the theory's matrices are
    # small, so that a second thread costs more than it does, most of all beside another chapter.
    libraries = ("OMP_NUM", "OPENBLAS_NUM", "MKL_NUM", "VECLIB_MAXIMUM")
    os.environ |= {f"{library}_THREADS": "1" for library in libraries}
    os.environ["SSLBOOST_BOOK"] = "1"  # figures wait for the place of their caption
    # Nobody's start-up files or styles; and there may be no home to keep any.
    own = layout.cache / "home"
    own.mkdir(exist_ok=True)
    names = ("IPYTHONDIR", "JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")
    os.environ |= {name: str(own / name.lower()) for name in (*names, "MPLCONFIGDIR")}
    if not os.path.isdir(os.path.expanduser("~")):
        os.environ["HOME"] = str(own)


def certify(layout: Layout, force: bool, *facts: str) -> None:
    """Check every claim of the registry; the front page's board is made from what this writes."""

    def now() -> str:
        return digest(tree(layout.root / "sslboost"), layout.root, *facts)

    key = now()
    if not force and sealed(layout.certificates, layout.certificates_key, key):
        return
    layout.certificates_key.unlink(missing_ok=True)
    command = [sys.executable, "-m", "sslboost.theorems", "--out", str(layout.certificates)]
    if subprocess.run(command).returncode:
        raise BuildError("a claim failed, or its negative control held: see the board above")
    if now() != key:
        raise BuildError("the package changed while its claims were checked: build again")
    files.write_text(layout.certificates_key, seal(layout.certificates, key))


def stage(layout: Layout, names: Iterable[str]) -> None:
    """Lay out a fresh copy of the book, without the chapters, for Sphinx and the kernels."""
    root, to = layout.root, layout.stage
    remove(to)
    left_out = {*(f"{name}.md" for name in names), *APART, *MACHINERY}
    litter = shutil.ignore_patterns(*LITTER, "*.ipynb")

    def skip(folder: str, entries: list[str]) -> set[str]:
        apart = {e for e in entries if Path(folder, e).relative_to(root).as_posix() in left_out}
        return apart | litter(folder, entries)

    shutil.copytree(root / "book", to / "book", ignore=skip)
    shutil.copy(layout.certificates, to / "book")
    (to / "sslboost").symlink_to(root / "sslboost", target_is_directory=True)
    shutil.copy(root / "_toc.yml", to)
    config = yaml.safe_load((root / "_config.yml").read_text("utf-8"))
    config["execute"]["execute_notebooks"] = "off"
    (to / "_config.yml").write_text(yaml.safe_dump(config), "utf-8")


def execute(
    layout: Layout, store: Store, stale: dict[str, str], by_key: dict[str, str], *facts: str
) -> None:
    """Run the stale chapters side by side; all of them must run to their end."""

    def keep(name: str, notebook: nbformat.NotebookNode) -> None:
        now = keys(layout, {name: source(layout.root, name)}, *facts)
        if now[name] != by_key[name]:
            raise BuildError("what the chapter depends on changed while it ran: build again")
        store.put(by_key[name], notebook)

    import matplotlib.font_manager  # noqa: F401  its cache is made here, not by each chapter

    jobs = min(joblib.cpu_count(), len(stale))
    print(f"\nexecuting {len(stale)} chapters, {jobs} at a time", flush=True)
    # The last chapters take longest: whoever starts with them waits least at the end.
    last_first = dict(reversed(stale.items()))
    failed = executed(last_first, layout.stage, jobs, keep)
    if failed:
        raise BuildError("a chapter failed, see above: " + ", ".join(sorted(failed)))


def collect(layout: Layout, store: Store, stale: Iterable[str], by_key: dict[str, str]) -> None:
    """Put the stored chapters in place, record and print their seconds, drop the outdated."""
    rows = []
    for name, key in by_key.items():
        shutil.copy(store.path(key), layout.stage / f"{name}.ipynb")
        seconds = json.loads(store.path(key).read_text("utf-8"))["metadata"]["sslboost"]["seconds"]
        rows.append({"chapter": name, "seconds": seconds, "executed": name in stale})
    files.write_json(layout.record, rows)
    store.drop_all_but(by_key.values())
    width = max(map(len, by_key), default=7)
    print(f"\n{'chapter':{width}}  seconds")
    for row in rows:
        note = "" if row["executed"] else "  (kept: nothing it depends on changed)"
        print(f"{row['chapter']:{width}}  {row['seconds']:7.1f}{note}")
    ran = [row["seconds"] for row in rows if row["executed"]]
    print(f"chapters executed: {len(ran)} of {len(rows)} in _toc.yml, {sum(ran):.1f} s")


def render(layout: Layout, *facts: str) -> bool:
    """Build the HTML from nothing unless its inputs are those of the last build."""
    key = digest(tree(layout.stage), layout.stage, *facts)
    if sealed(layout.html, layout.html_key, key):
        return False
    layout.html_key.unlink(missing_ok=True)
    target = layout.html.resolve()
    for killed in target.parent.glob(f".{target.name}.new-*"):
        shutil.rmtree(killed, ignore_errors=True)
    out = tempfile.mkdtemp(prefix=f".{target.name}.new-", dir=target.parent)
    jupyter_book = "from jupyter_book.cli.main import main; main()"
    command = [sys.executable, "-c", jupyter_book, "build", str(layout.stage)]
    strict = ["--path-output", out, "--all", "-W", "-n", "--keep-going", "-q"]
    # Sphinx speaks of its warnings and errors on stderr; stdout is only chatter about `out`.
    if subprocess.run([*command, *strict], stdout=subprocess.DEVNULL).returncode:
        raise BuildError("the HTML was not built: see the warnings above (they are errors)")
    publish(Path(out, "_build", "html"), target)
    shutil.rmtree(out)
    files.write_text(layout.html_key, seal(layout.html, key))
    return True


def build(root: Path, force: bool) -> None:
    """Execute what is stale (everything, if `force`) and render the HTML."""
    layout = Layout(root)
    spec = importlib.util.find_spec("sslboost")
    if spec is None or Path(spec.origin).resolve().parent != root / "sslboost":
        raise BuildError(f"sslboost must be installed from {root}: pip install -e '.[book,test]'")
    make_room(layout)
    with alone(layout):
        settle(layout)
        put_back(layout.html.resolve())
        sources, facts = chapters(root), environment()
        certify(layout, force, *facts)
        facts.append(f"data={data_present()}")
        by_key = keys(layout, sources, *facts)
        stage(layout, sources)
        store = Store(layout.store)
        stale = {n: text for n, text in sources.items() if force or not store.has(by_key[n])}
        for name in stale:
            if not force and store.path(by_key[name]).exists():
                print(f"{name}: what is stored is not as it was written, and is executed again")
        if stale:
            layout.html_key.unlink(missing_ok=True)  # from here on the old HTML is out of date
            execute(layout, store, stale, by_key, *facts)
        collect(layout, store, stale, by_key)
        rendered = render(layout, *facts, *by_key.values())
    state = "" if rendered else " (unchanged)"
    print(f"\nThe book{state}: {(layout.html / 'index.html').as_uri()}")


def main() -> None:
    parser = Parser(description="Execute the chapters and render the book.")
    parser.add_argument("--force", action="store_true", help="execute every chapter again")
    try:
        build(ROOT, parser.parse_args().force)
    except (BuildError, OSError) as error:
        sys.exit(f"error: {error}")
    except KeyboardInterrupt:
        sys.exit("error: interrupted; what was finished is kept")


if __name__ == "__main__":
    main()
