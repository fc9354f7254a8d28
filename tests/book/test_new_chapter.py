"""A chapter that was just started: it is named, it runs, it builds, and no other is touched."""

import re
import subprocess
import sys

import new_chapter
import notebooks
import pytest

TOC = "root: book/index\nchapters:\n- file: book/01-one\n- file: book/02-two\nafter:\n"


@pytest.fixture
def root(tmp_path):
    """A repository with two chapters, as far as a third needs it."""
    (tmp_path / "book").mkdir()
    (tmp_path / "_toc.yml").write_text(TOC, "utf-8")
    return tmp_path


def test_a_chapter_gets_the_next_number_and_follows_the_last(root):
    file = new_chapter.start(root, "what-labels-cost-2")
    assert file == root / "book/03-what-labels-cost-2.md"
    toc = (root / "_toc.yml").read_text("utf-8")
    assert toc == TOC.replace("after", "- file: book/03-what-labels-cost-2\nafter")
    text = file.read_text("utf-8")
    assert "\n# What labels cost 2\n" in text and not re.search("TITLE|NAME", text)
    new_chapter.start(root, "more")
    assert (root / "book/04-more.md").is_file()


@pytest.mark.parametrize("name", ["", "Labels", "two words", "9-lives", "a--b", "-a", "../a", "ö"])
def test_a_bad_name_is_one_line(root, name):
    with pytest.raises(new_chapter.ChapterError, match=r"^NAME must be small letters.*got .*$"):
        new_chapter.start(root, name)
    assert list((root / "book").iterdir()) == []


def test_what_is_there_is_not_written_over(root):
    with pytest.raises(new_chapter.ChapterError, match="NAME is taken by book/02-two"):
        new_chapter.start(root, "two")
    (root / "book/03-three.md").write_text("mine")
    with pytest.raises(new_chapter.ChapterError, match=r"book/03-three.md is there"):
        new_chapter.start(root, "three")
    (root / "_toc.yml").write_text(TOC.replace("02-two", "99-two"))
    with pytest.raises(new_chapter.ChapterError, match="there are 99 chapters"):
        new_chapter.start(root, "three")
    (root / "_toc.yml").write_text("root: book/index\n")
    with pytest.raises(new_chapter.ChapterError, match=r"_toc.yml names no chapter"):
        new_chapter.start(root, "three")
    assert (root / "book/03-three.md").read_text() == "mine"


def test_the_template_runs_and_has_the_parts_of_a_chapter(root):
    text = new_chapter.start(root, "trial").read_text("utf-8")
    assert notebooks.is_notebook("book/03-trial", text)
    parts = ("{.lead}", "**Question.**", "**Answer.**", "{glue:figure}", "## The idea")
    parts += (
        "## The claim",
        "} Proof",
        "## In code",
        "How it is checked",
        "## Where it breaks",
        "## Exercises",
    )
    places = [text.index(part) for part in (*parts, "## In short")]
    assert places == sorted(places)
    notebook = notebooks.run(text, root / "book/trial.ipynb")
    assert "1 check holds, 1 control fails, as it must" in str(notebook.cells)
    assert "np.float64" not in str(notebook.cells)


def test_a_wrong_call_is_one_line():
    command = [sys.executable, "book/new_chapter.py", "--", "-x; touch y"]
    ended = subprocess.run(command, cwd=new_chapter.ROOT, capture_output=True, text=True)
    assert ended.returncode == 1 and ended.stderr.count("\n") == 1
    assert ended.stderr.startswith("error: NAME must be small letters and digits")
