"""The package as a whole: what it imports, in which order, and what it says of itself."""

import ast
import inspect
import json
import re
import subprocess
import sys
import textwrap
from collections import Counter
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sslboost"

MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__main__.py")


def dotted(path):
    """The dotted name of a module of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def public(kind):
    """The functions or classes that the package's public modules define, as test parameters."""
    for path in MODULES:
        module = import_module(dotted(path))
        for name, thing in vars(module).items():
            own = kind(thing) and thing.__module__ == module.__name__
            hidden = "._" in f".{module.__name__}.{name}" or name == "main"
            if own and not hidden:
                yield pytest.param(thing, id=f"{module.__name__}.{name}")


def loaded_by(statement):
    """The top-level modules that a fresh interpreter has loaded after `statement`."""
    tell = "; import sys, json; print(json.dumps(sorted({m.split('.')[0] for m in sys.modules})))"
    output = subprocess.run(
        [sys.executable, "-c", statement + tell], capture_output=True, text=True, check=True
    )
    return set(json.loads(output.stdout))


def test_importing_the_package_loads_neither_torch_nor_plotting():
    heavy = {"torch", "torchvision", "matplotlib", "IPython", "pandas", "sklearn"}
    assert loaded_by("import sslboost") & heavy == set()
    assert "torch" in loaded_by("import torch")  # the question can be answered with yes


def test_the_theory_loads_without_torch():
    networks = ("images", "pages", "trained_capacity", "differentiable", "checkpoints")
    theory = [m for m in map(dotted, MODULES) if not set(networks) & set(m.split("."))]
    assert len(theory) > 20
    assert "torch" not in loaded_by("; ".join(f"import {m}" for m in theory))


@pytest.mark.parametrize("function", list(public(inspect.isfunction)))
def test_a_public_function_documents_its_arguments_and_its_value(function):
    doc = inspect.getdoc(function) or ""
    assert doc.splitlines() and doc.splitlines()[0].endswith("."), "no one-line summary"
    parameters = list(inspect.signature(function).parameters)
    if parameters:
        section = doc.partition("Parameters\n----------")[2].partition("\n---")[0]
        named = {
            n.strip(" *")
            for line in section.splitlines()
            for n in line.partition(":")[0].split(",")
        }
        assert set(parameters) <= named
    body = ast.walk(ast.parse(textwrap.dedent(inspect.getsource(function))))
    if any(isinstance(n, ast.Return) and n.value is not None for n in body):
        assert "Returns\n-------" in doc


def test_the_layers_are_kept():
    contract = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PACKAGE.parent,
        capture_output=True,
        text=True,
    )
    assert contract.returncode == 0, contract.stdout


def test_no_module_and_no_folder_grows_too_large():
    long = {dotted(p): n for p in MODULES if (n := len(p.read_text("utf-8").splitlines())) > 350}
    assert long == {}
    full = {f: n for f, n in Counter(p.parent for p in PACKAGE.rglob("*.py")).items() if n > 12}
    assert full == {}


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_a_source_is_a_paper_an_equation_or_a_slide(path):
    vague = re.findall(
        r"Source: (?:the book's|the README|the documentation)[^\n]*", path.read_text()
    )
    assert vague == []


@pytest.mark.parametrize("cls", list(public(inspect.isclass)))
def test_a_public_class_and_its_methods_are_documented(cls):
    assert (inspect.getdoc(cls) or "").strip()
    for name, member in vars(cls).items():
        if not name.startswith("_") and (callable(member) or isinstance(member, property)):
            assert inspect.getdoc(member), f"{cls.__name__}.{name}"


FORBIDDEN = {
    "inv": "an explicit inverse",
    "seed": "global seeding",
    "manual_seed": "global seeding",
    "RandomState": "the legacy generator",
}


def forbidden(source):
    """What the source calls on numpy, scipy or torch themselves that the house rules forbid."""
    tree = ast.parse(source)
    # Seeding torch is harmless where its global generator is forked, and restored on leaving.
    forked = {
        inner
        for block in ast.walk(tree)
        if isinstance(block, ast.With) and "fork_rng" in ast.unparse(block.items[0])
        for inner in ast.walk(block)
    }
    for call in ast.walk(tree):
        if isinstance(call, ast.Call) and call not in forked:
            root, _, name = ast.unparse(call.func).rpartition(".")
            if name in FORBIDDEN and re.fullmatch(r"(np|numpy|linalg|scipy|torch)(\.\w+)*", root):
                yield FORBIDDEN[name]


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_no_explicit_inverse_and_no_global_state_of_chance(path):
    assert list(forbidden(path.read_text("utf-8"))) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("np.linalg.inv(a)", ["an explicit inverse"]),
        ("np.random.seed(1)", ["global seeding"]),
        ("torch.manual_seed(1)", ["global seeding"]),
        ("torch.Generator().manual_seed(1)", []),
        ("with torch.random.fork_rng():\n    torch.manual_seed(1)", []),
    ],
)
def test_the_house_rules_are_recognised(source, found):
    assert list(forbidden(source)) == found
