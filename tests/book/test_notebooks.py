"""Every page that looks like a notebook is executed, or the build says why it is not."""

import re
import subprocess

import notebooks
import pytest
from notebooks import BuildError


def rewrite(book, change, name="book/01-one.md"):
    """Change the bytes of the chapter; return which pages are chapters then."""
    path = book / name
    path.write_bytes(change((book / "book/01-one.md").read_bytes()))
    return list(notebooks.chapters(book))


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text,
        lambda text: b"\xef\xbb\xbf" + text,
        lambda text: text.replace(b"---\n", b"--- \n", 1),
        lambda text: text.replace(b"\n---\n", b"\n---  \n", 1),
        lambda text: text.replace(b"\n---\n", b"\n...\n", 1),
        lambda text: text.replace(b"\n", b"\r\n"),
        lambda text: text.replace(b"\n", b"\r"),
        lambda text: text.replace(b"```", b"~~~"),
        lambda text: text.replace(b"jupytext:", b"other: 1\njupytext:"),
    ],
)
def test_a_chapter_is_known_however_its_front_matter_is_typed(book, change):
    assert rewrite(book, change) == ["book/01-one"]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda text: b"\n" + text, "book/01-one looks like a notebook"),
        (lambda text: text[text.index(b"# One") :], "book/01-one looks like a notebook"),
        (lambda text: text.replace(b"kernelspec", b"kernel"), "book/01-one looks like a notebook"),
        (
            lambda text: b"---\njupytext:\n  formats: md:myst\n---\n# One\n",
            "book/01-one looks like a notebook",
        ),
        (lambda text: b"# One\n\n  :::{code-cell}\n  :::\n", "book/01-one looks like a notebook"),
        (lambda text: text.replace(b"\n---\n", b"\n", 1), "front matter of book/01-one"),
        (
            lambda text: text.replace(b"kernelspec:", b"kernelspec: ["),
            "front matter of book/01-one",
        ),
        (lambda text: text.replace(b"One", b"\xe9"), "book/01-one.md must be UTF-8"),
        (lambda text: text.decode().encode("utf-16"), "book/01-one.md must be UTF-8"),
    ],
)
def test_a_page_that_only_looks_like_a_notebook_is_named(book, change, says):
    with pytest.raises(BuildError, match=re.escape(says)):
        rewrite(book, change)


@pytest.mark.parametrize(
    "text",
    [
        "# A page\n\nSome code:\n\n```python\n1 + 1\n```\n",
        "# A page\n\nA cell is written `{code-cell}`, and jupytext reads it.\n",
        "---\ntitle: A page\n---\n\n# A page\n\n---\n\nAfter a rule.\n",
        "",
    ],
)
def test_an_ordinary_page_is_no_notebook(book, text):
    assert rewrite(book, lambda _: text.encode()) == []


def test_a_page_in_another_format_is_plain_or_an_error(book):
    page, name = book / "book" / "01-one.md", "book/01-one"
    assert rewrite(book, lambda text: text, f"{name}.ipynb") == [name]  # a copy beside the page
    page.unlink()
    with pytest.raises(BuildError, match=r"would not be executed as book/01-one.ipynb"):
        notebooks.chapters(book)
    page.with_suffix(".ipynb").rename(page.with_suffix(".MD"))
    with pytest.raises(BuildError, match=r"would not be executed as book/01-one.MD"):
        notebooks.chapters(book)
    page.with_suffix(".MD").unlink()
    page.with_suffix(".rst").write_text("One\n===\n")
    assert notebooks.chapters(book) == {}
    page.with_suffix(".rst").write_text("One\n===\n\n.. code-cell::\n\n   1 + 1\n")
    with pytest.raises(BuildError, match="book/01-one looks like a notebook"):
        notebooks.chapters(book)


@pytest.mark.parametrize("name", ["book/02-two", "elsewhere/page", "book/01-one.md"])
def test_a_page_that_does_not_exist_is_named(book, name):
    toc = book / "_toc.yml"
    toc.write_text(f"{toc.read_text()}  - file: {name}\n")
    with pytest.raises(BuildError, match=f"names a page that does not exist: {name}"):
        notebooks.chapters(book)


def test_the_toc_is_read_through_parts_and_sections(tmp_path):
    toc = tmp_path / "_toc.yml"
    toc.write_text(
        "format: jb-book\nroot: a\nparts:\n- chapters:\n  - file: b\n    sections:\n"
        "    - file: c\n  - url: https://example.org\n    title: x\n  - file: d\n"
    )
    assert notebooks.named_pages(toc) == ["a", "b", "c", "d"]


@pytest.mark.parametrize(
    ("toc", "says"),
    [
        ("format: jb-book\nroot: a\nchapters:\n- glob: b*\n", "must name every page, got .* b\\*"),
        ("format: jb-book\nchapters: []\n", "_toc.yml cannot be read"),
        ("format: [\n", "_toc.yml cannot be read"),
        ("root: a\nfile: b\n", "_toc.yml cannot be read"),
    ],
)
def test_a_toc_that_hides_pages_is_an_error(tmp_path, toc, says):
    (tmp_path / "_toc.yml").write_text(toc)
    with pytest.raises(BuildError, match=says):
        notebooks.named_pages(tmp_path / "_toc.yml")


def notebook(cell, kernel="python3"):
    """The source of a notebook of one cell."""
    front = f"kernelspec:\n  display_name: x\n  language: python\n  name: {kernel}\n"
    return f"---\n{front}---\n\n```{{code-cell}} ipython3\n{cell}\n```\n"


def test_chapters_run_side_by_side_and_one_that_fails_stops_no_other(tmp_path, capsys):
    sources = {
        "good": notebook("x = 41\nx + 1"),
        "wrong": notebook("1 / 0"),
        "dead": notebook("import os\nos._exit(1)"),
        "stranger": notebook("1", "no-such-kernel"),
    }
    kept = {}
    failed = notebooks.executed(sources, tmp_path, 2, kept.__setitem__)
    assert sorted(failed) == ["dead", "stranger", "wrong"]
    assert list(kept) == ["good"]
    assert kept["good"].cells[-1].outputs[0]["data"]["text/plain"] == "42"
    assert kept["good"].metadata["sslboost"]["seconds"] > 0
    printed = capsys.readouterr().out
    for reason in ("ZeroDivisionError", "Kernel died", "no-such-kernel"):
        assert reason in printed


def test_a_cell_that_does_not_end_fails_its_chapter(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(notebooks, "CELL_TIMEOUT", 1)
    source = {"slow": notebook("import time\ntime.sleep(600)")}
    assert notebooks.executed(source, tmp_path, 1, None) == ["slow"]
    assert "timed out" in capsys.readouterr().out


@pytest.mark.parametrize(("refused", "failed"), [(2, []), (3, ["good"])])
def test_a_kernel_that_found_its_port_taken_is_started_again(
    tmp_path, capsys, monkeypatch, refused, failed
):
    truly, asked = subprocess.run, []

    def run(command, **options):
        asked.append(command)
        if len(asked) > refused:
            return truly(command, **options)
        said = "NBMAKE INTERNAL ERROR\nKernel died before replying to kernel_info\n"
        return subprocess.CompletedProcess(command, 1, said)

    monkeypatch.setattr(notebooks.subprocess, "run", run)
    kept = {}
    sources = {"good": notebook("41 + 1")}
    assert notebooks.executed(sources, tmp_path, 1, kept.__setitem__) == failed
    assert len(asked) == 3 and len(kept) == 1 - len(failed)
    assert ("Kernel died before replying" in capsys.readouterr().out) == bool(failed)


def test_a_notebook_that_nbmake_passes_over_is_an_error(tmp_path, capsys):
    folder = tmp_path / "_build"
    folder.mkdir()
    assert notebooks.executed({"good": notebook("1")}, folder, 1, None) == ["good"]
    assert "no tests ran" in capsys.readouterr().out
