"""The pages of the book: which of them are notebooks, and how those are executed."""

import os
import re
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import jupytext
import nbformat
import yaml
from nbformat import NotebookNode
from sphinx_external_toc.api import FileItem, SiteMap
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml

#: What is said of a kernel that ran no cell: two that start at once may choose the same port.
NOT_STARTED, STARTS = "Kernel died before replying to kernel_info", 3
CELL_TIMEOUT = 900  # seconds

#: What only a notebook has: a kernel in its front matter, or a cell.
MARKS = re.compile(
    r"\A(?:.*\n){0,30}? *(?:kernelspec|jupytext) *:"
    r"|^ *(?:`{3,}|~{3,}|:{3,}) *\{code-cell\}"
    r"|^ *\.\. +(?:code-cell|jupyter-execute)::",
    re.M,
)


class BuildError(Exception):
    """The book cannot be built; the message says why."""


def named_pages(toc: Path) -> list[str]:
    """Every page that `_toc.yml` names, in reading order, without extension."""
    try:
        site = parse_toc_yaml(toc)
    except (MalformedError, yaml.YAMLError, ValueError) as error:
        raise BuildError(f"{toc} cannot be read: {' '.join(str(error).split())}") from error
    return list(_walk(site, site.root.docname))


def _walk(site: SiteMap, page: str) -> Iterator[str]:
    yield page
    for item in (item for part in site[page].subtrees for item in part.items):
        if isinstance(item, FileItem):
            yield from _walk(site, str(item))
        elif isinstance(item, str):
            raise BuildError(f"_toc.yml must name every page, got the pattern {item}")


def source(root: Path, page: str) -> str:
    """The text of a page, without a byte order mark and with plain line ends."""
    folder, name = (root / page).parent, Path(page).name
    found = [f for f in folder.iterdir() if f.stem == name] if folder.is_dir() else []
    known = sorted(f.name for f in found if f.suffix.lower() in {".md", ".rst", ".ipynb"})
    for suffix in (".md", ".rst"):
        if name + suffix in known:
            try:
                return (folder / (name + suffix)).read_text("utf-8-sig")
            except UnicodeDecodeError as error:
                raise BuildError(f"{page}{suffix} must be UTF-8: {error}") from error
    if known:
        raise BuildError(
            f"a page is a file .md, or .rst without cells, and would not be executed as "
            f"{page.removesuffix(name)}{known[0]} (jupytext --to md:myst makes one of a notebook)"
        )
    raise BuildError(f"_toc.yml names a page that does not exist: {page}.md")


def chapters(root: Path) -> dict[str, str]:
    """The source of each page that is a notebook, by its path without extension."""
    texts = {page: source(root, page) for page in named_pages(root / "_toc.yml")}
    return {page: text for page, text in texts.items() if is_notebook(page, text)}


def is_notebook(page: str, text: str) -> bool:
    """Whether a page has a kernel and so is executed; one that only looks so is an error."""
    try:
        notebook = jupytext.reads(text, "md")
    except (ValueError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise BuildError(f"the front matter of {page} cannot be read: {reason}") from error
    if "kernelspec" in notebook.metadata:
        return True
    if MARKS.search(text):
        raise BuildError(
            f"{page} looks like a notebook and would not be executed: its first line must be --- "
            "and its front matter must name a kernelspec"
        )
    return False


def executed(
    sources: dict[str, str], folder: Path, jobs: int, keep: Callable[[str, NotebookNode], None]
) -> list[str]:
    """Execute notebooks with nbmake, `jobs` at a time; return the names of those that failed.

    Each that ran to its end is handed to `keep` at once. One that fails says so, and the others
    go on.
    """

    def one(name: str) -> str | None:
        started = time.perf_counter()
        try:
            notebook = run(sources[name], folder / f"{name}-{secrets.token_hex(4)}.ipynb")
            seconds = time.perf_counter() - started
            notebook.metadata["sslboost"] = {"seconds": round(seconds, 2)}
            keep(name, notebook)
        except BuildError as error:
            print(f"FAILED     {name}\n{error}", flush=True)
            return name
        print(f"{seconds:7.1f} s  {name}", flush=True)
        return None

    pool = ThreadPoolExecutor(jobs)
    try:
        return [name for name in pool.map(one, sources) if name]
    finally:
        pool.shutdown(cancel_futures=True)


def run(text: str, path: Path) -> NotebookNode:
    """Execute one notebook where `path` says, in its folder and in a process of its own.

    The path is nobody else's, so that what a killed build left running writes over nothing.
    """
    nbformat.write(jupytext.reads(text, "md"), path)
    # Relative to its folder, so that no name above it can mean anything to pytest.
    options = ["--nbmake", "--overwrite", f"--nbmake-timeout={CELL_TIMEOUT}", "-q", "--no-header"]
    isolated = ["--rootdir=.", "-c", os.devnull, "-p", "no:cacheprovider"]
    for _ in range(STARTS):
        ended = subprocess.run(
            [sys.executable, "-m", "pytest", *options, *isolated, path.name],
            cwd=path.parent,
            env={k: v for k, v in os.environ.items() if not k.startswith("PYTEST_")},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if NOT_STARTED not in ended.stdout:
            break
    if ended.returncode:
        raise BuildError(ended.stdout)
    notebook = nbformat.read(path, as_version=4)
    path.unlink()
    return notebook
