"""What readers expect around a page: whence it comes, what it is about, how to cite and run it."""

import re
import tomllib
from pathlib import Path

import about
import address
import pictures
import pytest
import tables
import together
import unique
import yaml
from bs4 import BeautifulSoup
from docutils import nodes
from docutils.core import publish_doctree
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from sphinx.errors import ConfigError

import sslboost

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]


def built(run, book):
    """Build the small book; return its pages, the front page first."""
    status, output = run(book)
    assert status == 0, output
    pages = [book / "_build/html/book" / f"{name}.html" for name in ("index", "01-one")]
    return [page.read_text("utf-8") for page in pages]


def test_the_pages_say_what_they_are_and_lead_to_the_repository_once_it_has_an_address(book, run):
    answer = "**Answer.** So many words and <marks> that a description can be made of them."
    (book / "book/index.md").write_text(f"# Front & back\n\nSee {{doc}}`01-one`.\n\n{answer}\n")
    front, one = built(run, book)
    said = "So many words and &lt;marks&gt; that a description can be made of them."
    for tag in ('name="description"', 'property="og:description"'):
        assert f'<meta {tag} content="{said}" />' in front
    assert '<meta property="og:title" content="Front &amp; back" />' in front
    assert "A book whose claims are proved" in one
    for page in (front, one):
        assert re.search(r'<link rel="icon" href="[^"]*favicon.svg', page)
        assert "Version 9.9." in page
        assert re.search(r"Last updated on\s*\d+ \w+ \d{4}", page)
        assert not re.search("github.com/|mybinder|colab", page)
    config = (book / "_config.yml").read_text("utf-8")
    (book / "_config.yml").write_text(
        config.replace('book_repository: ""', "book_repository: https://github.com/o/n"), "utf-8"
    )
    front, one = built(run, book)
    assert "https://github.com/o/n/edit/main/book/index.md" in front and "colab" not in front
    assert "https://github.com/o/n/edit/main/book/01-one.md" in one
    assert "https://github.com/o/n/issues/new?template=fault.yml" in one
    assert "https://mybinder.org/v2/gh/o/n/main?urlpath=lab/tree/book/01-one.md" in one
    assert "/github/o/n/blob/notebooks/book/01-one.ipynb" in one


def test_the_form_that_reports_an_error_is_there():
    ((_, url, _),) = [
        one for one in address.links("https://github.com/o/n", "book/x", False) if "new?" in one[1]
    ]
    assert (ROOT / ".github/ISSUE_TEMPLATE" / re.search(r"template=([\w.]+)", url)[1]).is_file()


@pytest.mark.parametrize("wrong", ["github.com/o/n", "https://github.com/o", "https://x.org/o/n"])
def test_an_address_that_is_none_is_named(wrong):
    with pytest.raises(ConfigError, match=r"book_repository must be empty or like .*, got "):
        address.links(wrong, "book/01-one", True)


def test_a_description_is_the_answer_without_formulas_and_not_too_long():
    text = "One paragraph that is long enough to describe a page.\n\n"
    text += "Question. What is asked on this page, in how many words?\n\n"
    assert (
        about.description(publish_doctree(text), "")
        == "What is asked on this page, in how many words?"
    )
    formula = "Answer. It is :math:`x`, and the rest of the sentence is long enough.\n\n"
    assert about.description(publish_doctree(formula), "the book") == "the book"
    assert about.description(None, "the book") == "the book"
    long = about.description(publish_doctree("Answer. " + "word " * 200), "")
    assert len(long) <= about.MOST + 2 and long.endswith("word …")
    assert isinstance(publish_doctree(text), nodes.document)


def test_the_citation_to_copy_is_that_of_the_citation_file():
    page = (ROOT / "book/appendix/bibliography.md").read_text("utf-8")
    cited = dict(re.findall(r"(\w+) += \{+([^{}]*)\}", page))
    cff = yaml.safe_load((ROOT / "CITATION.cff").read_text("utf-8"))
    assert [cited["title"], cited["version"]] == [cff["title"], cff["version"]]
    assert cited["author"] == cff["authors"][0]["name"]
    assert cited["version"] == sslboost.__version__ and cited["license"] == cff["license"]


def test_binder_installs_what_the_package_needs():
    given = yaml.safe_load((ROOT / "binder/environment.yml").read_text("utf-8"))["dependencies"]
    versions = dict(re.fullmatch(r"([\w-]+)(.*)", one).groups() for one in given)
    python = versions.pop("python").removeprefix("=")
    assert python in SpecifierSet(PROJECT["requires-python"])
    needs = {r.name: str(r.specifier) for r in map(Requirement, PROJECT["dependencies"])}
    assert versions == {
        "pip": "",
        "pytorch-cpu": needs["torch"],
        "torchvision": needs["torchvision"],
    }
    script = (ROOT / "binder/postBuild").read_text("utf-8")
    (extra,) = re.findall(r"-e '\.\[(\w+)\]'", script)
    wanted = {Requirement(one).name for one in PROJECT["optional-dependencies"][extra]}
    assert {"jupyterlab", "jupytext"} <= wanted
    for name in ("postBuild", "start"):
        assert (ROOT / "binder" / name).stat().st_mode & 0o111, name
    assert (ROOT / re.search(r"\$PWD/([\w/]+)", (ROOT / "binder/start").read_text())[1]).is_dir()


def test_a_formula_keeps_the_marks_beside_it():
    doctree = publish_doctree("Let (:math:`x`), or a :math:`y`-axis, or some :math:`z` be there.")
    before = doctree.astext()
    together.join(None, doctree, "page")
    assert [box.astext() for box in doctree.findall(nodes.inline)] == ["(x),", "y-"]
    assert doctree.astext() == before


def test_a_number_keeps_its_per_cent_and_code_stays_as_it_is():
    doctree = publish_doctree("From 5 % to *66.1* %, and ``n % 2`` or ``5 %``; a %t::\n\n  7 % 3")
    before = doctree.astext()
    together.unite(None, doctree, "page")
    after = doctree.astext()
    assert after == before.replace("5 % to", "5\u00a0% to").replace("66.1 %", "66.1\u00a0%")


def a_cell(name, *parts):
    return nodes.container("", *parts, classes=["cell", "tag_hide-input"], names=[name])


def test_a_picture_stands_before_the_folds_that_made_it_and_after_what_can_be_read():
    read = a_cell("read", nodes.container(classes=["cell_output"]))
    parts = [
        nodes.paragraph(names=["answer"]),
        *(a_cell("imports"), a_cell("drawn"), nodes.figure(names=["figure"])),
        *(a_cell("counted"), tables.captioned(names=["table"])),
        *(read, nodes.figure(names=["other"])),
        *(a_cell("before"), tables.captioned("", nodes.table(), names=["written"])),
        nodes.container(classes=["cell"], names=["shown"]),
        nodes.figure(names=["last"]),
    ]
    page = nodes.section("", *parts)
    pictures.show_first(None, page, "page")
    assert [part["names"][0] for part in page] == [
        *("answer", "figure", "imports", "drawn", "table", "counted"),
        *("read", "other", "before", "written", "shown", "last"),
    ]


def test_a_notebook_has_a_picture_after_the_cells_that_made_it():
    moved, made = "<figure class='moved'>{}</figure>", "<div class='cell made'>{}</div>"
    parts = [moved.format("a"), made.format(1), made.format(2), moved.format("b"), made.format(3)]
    page = BeautifulSoup("\n".join([*parts, "<div class='cell'>4</div>"]), "html.parser")
    pictures.move_back(page)
    assert "".join(page.get_text().split()) == "12a3b4"


def test_no_two_theorems_have_the_same_id():
    names = (["proof-content"], ["exercise-content"], ["solution-content", "kept"])
    doctree = nodes.section("", *(nodes.section(ids=ids) for ids in names), ids=["page"])
    unique.drop(None, doctree, "page")
    assert [section["ids"] for section in doctree.findall(nodes.section)] == [
        ["page"], [], [], ["kept"]
    ]  # fmt: skip
