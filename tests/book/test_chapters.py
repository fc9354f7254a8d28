"""The chapters and the list of functions, held against the package as it is."""

import ast
import inspect
import re
from importlib import import_module
from pathlib import Path

import jupytext
import notebooks
import pytest
import source

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = notebooks.chapters(ROOT)


def code_of(text):
    """The code of a chapter, all cells together."""
    cells = jupytext.reads(text, "md").cells
    return ast.parse("\n".join(cell.source for cell in cells if cell.cell_type == "code"))


def faults(code):
    """What is wrong with what code takes from the package."""
    taken = {}
    for node in ast.walk(code):
        if isinstance(node, ast.ImportFrom) and node.module.startswith("sslboost"):
            for alias in node.names:
                taken[alias.asname or alias.name] = f"{node.module}.{alias.name}"
    names = [node for node in ast.walk(code) if isinstance(node, ast.Name)]
    for name, path in taken.items():
        module, _, attribute = path.rpartition(".")
        if re.search(r"\._", path):
            yield f"{path} is private"
        elif not hasattr(import_module(module), attribute):
            try:
                import_module(path)
            except ImportError:
                yield f"{path} does not exist"
        own = {type(node.ctx) for node in names if node.id == name}
        if own != {ast.Load}:
            yield f"{name} is {'unused' if not own else 'given another meaning'}"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_takes_from_the_package_what_is_there(name):
    assert list(faults(code_of(CHAPTERS[name]))) == []


def test_faults_of_imports_are_found():
    code = """
from sslboost.processor import members, none_such, solve
from sslboost.processor._problems import Problems
members = solve(Problems, none_such)
from sslboost.core import linalg
"""
    assert list(faults(ast.parse(code))) == [
        "members is given another meaning",
        "sslboost.processor.none_such does not exist",
        "sslboost.processor._problems.Problems is private",
        "linalg is unused",
    ]


def test_the_list_of_functions_holds_every_public_module_in_the_order_of_the_folders():
    folders = re.search(r"layers = \[(.*?)\]", (ROOT / "pyproject.toml").read_text(), re.S)[1]
    order = re.findall(r'"(\w+)"', folders)[::-1]
    listed = re.findall(
        r"automodule:: sslboost\.(\S+)", (ROOT / "book/appendix/api.md").read_text("utf-8")
    )
    assert list(dict.fromkeys(name.partition(".")[0] for name in listed)) == order
    paths = (p.relative_to(ROOT / "sslboost") for p in (ROOT / "sslboost").rglob("*.py"))
    modules = {".".join(p.with_suffix("").parts).removesuffix(".__init__") for p in paths}
    public = {name for name in modules if not re.search(r"(^|\.)_", name)}
    assert sorted(listed) == sorted(public)


def test_a_shown_function_has_its_name_its_first_line_and_its_body():
    def shown(a, b):
        """Return the sum.

        Nothing of this is shown.
        """
        # Neither is taken away.
        return a + b

    text = source.shortened(inspect.getsource(shown))
    body = ['    """Return the sum."""', "    # Neither is taken away.", "    return a + b"]
    assert text.splitlines() == ["def shown(a, b):", *body]
    decorated = source.shortened("@takes(\n    a=int,\n)\ndef f(a):\n    return a")
    assert decorated == "def f(a):\n    return a"


def test_every_function_that_a_page_shows_is_there():
    names = [
        name
        for page in (ROOT / "book").rglob("*.md")
        for name in re.findall(r"\{source\} (\S+)", page.read_text("utf-8"))
    ]
    assert len(names) > 20
    for name in names:
        module, _, attribute = name.rpartition(".")
        assert source.shortened(
            inspect.getsource(inspect.unwrap(getattr(import_module(module), attribute)))
        )
