"""The builder of the book: nothing stale is shown, nothing fails in silence."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import build
import pytest

REPOSITORY = Path(__file__).resolve().parents[1]
CHAPTER = """---
jupytext:
  text_representation:
    extension: .md
    format_name: myst
kernelspec:
  display_name: Python 3
  language: python
  name: python3
---

# One

```{code-cell} ipython3
from myst_nb import glue
from sslboost.answer import ANSWER
glue("answer", ANSWER, display=False)
```

The answer is {glue:text}`answer`.
"""
THEOREMS = """import os, sys
from pathlib import Path

out = Path(sys.argv[sys.argv.index("--out") + 1])
out.parent.mkdir(exist_ok=True)
out.write_text("[]")
sys.exit("CLAIM_FAILS" in os.environ)
"""
DATA = "import os\n\ndef present():\n    return 'NO_DATA' not in os.environ\n"


@pytest.fixture
def book(tmp_path):
    """A book of one chapter around a package of one number, under the real configuration."""
    files = {
        "_toc.yml": "format: jb-book\nroot: book/index\nchapters:\n  - file: book/01-one\n",
        "constraints.txt": "numpy==1\n",
        "sslboost/__init__.py": "",
        "sslboost/answer.py": "ANSWER = 41\n",
        "sslboost/images/__init__.py": "",
        "sslboost/theorems.py": THEOREMS,
        "sslboost/images/data.py": DATA,
        "book/index.md": "# Front\n\nSee {doc}`01-one`.\n",
        "book/01-one.md": CHAPTER,
        "book/references.bib": "",
        "book/results/table.json": "{}",
    }
    for name, text in files.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
    shutil.copy(REPOSITORY / "_config.yml", tmp_path)
    shutil.copy(REPOSITORY / "book" / "build.py", tmp_path / "book")
    for folder in ("_ext", "_static"):
        shutil.copytree(REPOSITORY / "book" / folder, tmp_path / "book" / folder)
    return tmp_path


def run(book, *options, **environment):
    """Build the small book in a process of its own; return its exit status and what it printed."""
    inherited = {k: v for k, v in os.environ.items() if k not in {"CI", "NO_DATA"}}
    result = subprocess.run(
        [sys.executable, "book/build.py", *options],
        cwd=book,
        env=inherited | {"PYTHONPATH": str(book), "PYTHONDONTWRITEBYTECODE": "1"} | environment,
        capture_output=True,
        text=True,
    )
    return result.returncode, result.stdout + result.stderr


def shown(book):
    """The number that the chapter's page shows."""
    page = (book / "_build/html/book/01-one.html").read_text("utf-8")
    return int(re.search(r"The answer is\s*<[^>]*>(\d+)<", page)[1])


def executed(output):
    """The number of chapters that the builder says it executed."""
    return int(re.search(r"chapters executed: (\d+) of 1 in _toc.yml", output)[1])


def test_a_changed_number_in_the_package_reaches_the_page_and_returns(book):
    status, output = run(book)
    assert status == 0, output
    assert (executed(output), shown(book)) == (1, 41)
    answer = book / "sslboost" / "answer.py"
    page = book / "_build/html/book/01-one.html"
    before = page.stat().st_mtime_ns
    status, output = run(book)
    assert (status, executed(output)) == (0, 0), output
    assert page.stat().st_mtime_ns == before  # nothing was rendered again
    for number in (42, 41):
        answer.write_text(f"ANSWER = {number}\n")
        status, output = run(book)
        assert (status, executed(output), shown(book)) == (0, 1, number), output


def test_a_failing_chapter_fails_the_build_every_time(book):
    chapter = book / "book" / "01-one.md"
    chapter.write_text(CHAPTER.replace("glue(", "assert ANSWER == 42\nglue("))
    for _ in range(2):
        status, output = run(book)
        assert status != 0
        assert "1 failed" in output and "a chapter failed" in output
        assert not (book / "_build" / "html").exists()


def test_a_warning_fails_the_build(book):
    (book / "book" / "index.md").write_text("# Front\n\nSee {ref}`nowhere`.\n")
    status, output = run(book)
    assert status != 0
    assert "nowhere" in output and "the HTML was not built" in output


def test_a_failing_claim_fails_the_build_every_time(book):
    for _ in range(2):
        status, output = run(book, CLAIM_FAILS="1")
        assert status != 0
        assert "a claim failed" in output and not (book / "_build" / "html").exists()


def test_missing_data_fails_in_continuous_integration(book):
    status, output = run(book, NO_DATA="1", CI="true")
    assert status != 0
    assert "CIFAR-10 is missing" in output


def all_keys(book, *facts):
    return build.keys(build.Layout(book), ["book/01-one"], *facts)["book/01-one"]


@pytest.mark.parametrize(
    "name",
    [
        "book/01-one.md",
        "sslboost/answer.py",
        "sslboost/images/data.py",
        "sslboost/new.py",
        "constraints.txt",
        "book/results/table.json",
        "book/results/new.json",
    ],
)
def test_the_key_depends_on_everything_a_chapter_reads(book, name):
    before = all_keys(book)
    with open(book / name, "a") as file:
        file.write("\n# changed\n")
    assert all_keys(book) != before


def test_the_key_depends_on_the_facts_but_not_on_litter_or_other_pages(book):
    before = all_keys(book, "data=True")
    assert all_keys(book, "data=False") != before
    (book / "sslboost" / "__pycache__").mkdir()
    (book / "sslboost" / "__pycache__" / "answer.pyc").write_bytes(b"x")
    (book / "book" / "index.md").write_text("# Other\n")
    assert all_keys(book, "data=True") == before


def test_a_page_that_does_not_exist_is_named(book):
    toc = book / "_toc.yml"
    toc.write_text(toc.read_text() + "  - file: book/02-two\n")
    with pytest.raises(build.BuildError, match=r"book/02-two"):
        build.chapters(book)


def test_the_toc_is_read_through_parts_and_sections(tmp_path):
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "root: a\nparts:\n- chapters:\n  - file: b\n    sections:\n    - file: c\n  - file: d\n"
    )
    assert build.toc_files(toc) == ["a", "b", "c", "d"]


def test_only_pages_with_a_kernel_are_notebooks(book):
    assert build.chapters(book) == ["book/01-one"]
    assert not build.is_notebook(book / "book" / "index.md")
