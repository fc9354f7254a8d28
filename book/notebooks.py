"""The pages of the book: which of them are notebooks, and how those are executed."""

import asyncio
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import jupytext
import yaml
from jupyter_client.kernelspec import NoSuchKernel
from nbclient import NotebookClient
from nbclient.exceptions import CellControlSignal
from nbformat import NotebookNode
from sphinx_external_toc.api import FileItem, SiteMap
from sphinx_external_toc.parsing import MalformedError, parse_toc_yaml
from traitlets.config import Config

CELL_TIMEOUT = 900  # seconds
START_TIMEOUT = 300  # seconds, for a kernel on a busy machine

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


async def executed(
    sources: dict[str, str], folder: Path, jobs: int, keep: Callable[[str, NotebookNode], None]
) -> list[str]:
    """Execute notebooks, `jobs` at a time; return the names of those that failed.

    Each that ran to its end is handed to `keep` at once. One that fails says so, and the others
    go on.
    """
    slots = asyncio.Semaphore(jobs)

    async def one(name: str) -> str | None:
        async with slots:
            started = time.perf_counter()
            try:
                notebook = await run(sources[name], (folder / name).parent)
                seconds = time.perf_counter() - started
                notebook.metadata["sslboost"] = {"seconds": round(seconds, 2)}
                keep(name, notebook)
            except (BuildError, CellControlSignal, NoSuchKernel, RuntimeError) as error:
                print(f"FAILED     {name}\n{error}", flush=True)
                return name
            print(f"{seconds:7.1f} s  {name}", flush=True)
            return None

    return [name for name in await asyncio.gather(*map(one, sources)) if name]


async def run(text: str, folder: Path) -> NotebookNode:
    """Execute one notebook in a kernel of its own that starts in `folder`."""
    notebook = jupytext.reads(text, "md")
    loop = asyncio.get_running_loop()

    def leave_signals(**_: object) -> None:
        # nbclient would end one kernel at Ctrl-C and let the others go on.
        loop.remove_signal_handler(signal.SIGINT)
        loop.remove_signal_handler(signal.SIGTERM)

    return await NotebookClient(
        notebook,
        timeout=CELL_TIMEOUT,
        startup_timeout=START_TIMEOUT,
        record_timing=False,
        resources={"metadata": {"path": str(folder)}},
        config=Config(KernelManager={"transport_encryption": "auto"}),  # others may be listening
        on_notebook_start=leave_signals,
    ).async_execute()
