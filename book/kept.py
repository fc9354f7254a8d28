"""What is kept between builds: whole, and made from what it says, or not there at all.

A product is kept beside a seal, a file with the digest of the product and of everything that it was
made from. The seal is written last, so that what is stale, cut short or edited is never taken for
finished. A folder of pages takes the place of another by two renames on its own disk.
"""

import hashlib
import shutil
from collections.abc import Iterable
from fnmatch import fnmatch
from pathlib import Path

import nbformat

from sslboost.core import files

#: Left behind by Python, Jupyter and editors; no part of the book.
LITTER = (".*", "*~", "#*#", "__pycache__")


def tree(*tops: Path) -> list[Path]:
    """The files under `tops`, sorted, without litter."""

    def kept(file: Path, top: Path) -> bool:
        parts = file.relative_to(top).parts
        return file.is_file() and not any(fnmatch(part, one) for part in parts for one in LITTER)

    found = ((f, top) for top in tops for f in (top.rglob("*") if top.is_dir() else [top]))
    return sorted(file for file, top in found if kept(file, top))


def digest(paths: Iterable[Path], root: Path, *facts: str) -> str:
    """SHA-256 of names and contents of files and of `facts`; lengths keep the parts apart."""
    total = hashlib.sha256()
    for fact in facts:
        total.update(f"{len(fact)}:{fact}".encode())
    for file in paths:
        name, content = str(file.relative_to(root)), file.read_bytes()
        total.update(f"{len(name)}:{name}{len(content)}:".encode() + content)
    return total.hexdigest()


def seal(product: Path, key: str) -> str:
    """The digest of a finished file or folder, made from the inputs that `key` stands for."""
    return digest(tree(product), product.parent, key)


def sealed(product: Path, by: Path, key: str) -> bool:
    """Whether a product is finished, made from these inputs, and as it was when it was sealed."""
    return by.is_file() and product.exists() and by.read_bytes() == seal(product, key).encode()


class Store:
    """The executed chapters, each under its key and beside its seal."""

    def __init__(self, folder: Path):
        self.folder = folder
        if not folder.is_dir():
            remove(folder)
            folder.mkdir(parents=True)

    def path(self, key: str) -> Path:
        """Where the chapter of a key is kept."""
        return self.folder / f"{key}.ipynb"

    def has(self, key: str) -> bool:
        """Whether a chapter is there, as it was written."""
        return sealed(self.path(key), self._seal(key), key)

    def put(self, key: str, notebook: nbformat.NotebookNode) -> None:
        """Keep an executed chapter; until the seal is written it is not there."""
        remove(self.path(key))
        files.write_text(self.path(key), nbformat.writes(notebook) + "\n")
        files.write_text(self._seal(key), seal(self.path(key), key))

    def drop_all_but(self, current: Iterable[str]) -> None:
        """Remove what belongs to no current key."""
        kept = {file for key in current for file in (self.path(key), self._seal(key))}
        for outdated in set(self.folder.iterdir()) - kept:
            remove(outdated)

    def _seal(self, key: str) -> Path:
        return self.folder / f"{key}.seal"


def publish(fresh: Path, target: Path) -> None:
    """Put a finished folder where another may be, on the same disk; a kill leaves one of them."""
    old = beside(target, "old")
    remove(old)
    if target.exists():
        target.rename(old)
    try:
        fresh.rename(target)
    finally:
        put_back(target)
    remove(old)


def put_back(target: Path) -> None:
    """Undo what ended inside :func:`publish`."""
    if not target.exists() and (old := beside(target, "old")).is_dir():
        old.rename(target)


def beside(target: Path, word: str) -> Path:
    """A hidden neighbour of the HTML, on its disk."""
    return target.with_name(f".{target.name}.{word}")


def remove(path: Path) -> None:
    """Remove a file or a folder, if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
