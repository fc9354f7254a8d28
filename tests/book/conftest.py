"""A book of one chapter around a package of one number, and a way to build it."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import build
import pytest

from sslboost.core import files

REPOSITORY = Path(__file__).resolve().parents[2]

FRONT = """\
---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---
"""
CHAPTER = f"""{FRONT}
# One

```{{code-cell}} ipython3
from myst_nb import glue
from sslboost.answer import ANSWER
glue("answer", ANSWER, display=False)
```

The answer is {{glue:text}}`answer`.
"""
THEOREMS = """\
import os, sys
from pathlib import Path

Path(sys.argv[sys.argv.index("--out") + 1]).write_text("[]")
sys.exit("CLAIM_FAILS" in os.environ)
"""
DATA = "import os\n\ndef present():\n    return 'NO_DATA' not in os.environ\n"
TOC = "format: jb-book\nroot: book/index\nchapters:\n  - file: book/01-one\n"

#: Imported by every Python at its start: finds the package, and may not know its user.
SITE = """\
import os, pwd, sys

def unknown(uid):
    raise KeyError(uid)

sys.path.insert(0, os.environ["BOOK"])
if "NOBODY" in os.environ:
    pwd.getpwuid = unknown
"""


def write(root, texts):
    """Write files, by their path below `root`."""
    for name, text in texts.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")


def make_book(root):
    """Write the small book under the real configuration."""
    texts = {
        "_toc.yml": TOC,
        "constraints.txt": "numpy==1\n",
        "sslboost/__init__.py": '__version__ = "9.9"\n',
        "sslboost/answer.py": "ANSWER = 41\n",
        "sslboost/core/__init__.py": "",
        "sslboost/images/__init__.py": "",
        "sslboost/theorems.py": THEOREMS,
        "sslboost/images/data.py": DATA,
        "book/index.md": "# Front\n\nSee {doc}`01-one`.\n",
        "book/01-one.md": CHAPTER,
        "book/references.bib": "",
        "sslboost/pages/recorded/table.json": "{}",
    }
    write(root, texts)
    core = [f"sslboost/core/{name}.py" for name in ("command", "files", "validation")]
    for name in ("_config.yml", *build.MACHINERY, *core):
        shutil.copy(REPOSITORY / name, root / name)
    for folder in ("_ext", "_static"):
        shutil.copytree(REPOSITORY / "book" / folder, root / "book" / folder)
    return root


def start(book, *options, **environment):
    """Start to build the small book in a process of its own."""
    site = book.parent / "site" / "sitecustomize.py"
    site.parent.mkdir(exist_ok=True)
    files.write_text(site, SITE)  # whole at every moment: another build may be starting
    inherited = {k: v for k, v in os.environ.items() if k not in {"CI", "NO_DATA", "HOME"}}
    own = {"PYTHONPATH": str(book.parent / "site"), "BOOK": str(book)}
    home = {"HOME": os.path.expanduser("~"), "PYTHONDONTWRITEBYTECODE": "1"}
    given = {k: v for k, v in (inherited | home | own | environment).items() if v is not None}
    return subprocess.Popen(
        [sys.executable, "book/build.py", *options],
        cwd=book,
        env=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )


@pytest.fixture
def book(tmp_path):
    """The small book."""
    return make_book(tmp_path / "book")


@pytest.fixture
def begin():
    """Start to build a book; return the process."""
    return start


@pytest.fixture(scope="session")
def run():
    """Build a book; return the exit status and what was printed."""

    def finish(book, *options, **environment):
        process = start(book, *options, **environment)
        output, _ = process.communicate()
        return process.returncode, output

    return finish


@pytest.fixture(scope="session")
def make():
    """Write the small book to a folder."""
    return make_book
