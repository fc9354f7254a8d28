"""The package as a whole: what it imports, in which order, and what it says of itself."""

import ast
import inspect
import json
import re
import subprocess
import sys
import textwrap
from importlib import import_module
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "sslboost"

# Data flows one way: a module imports only from those above it (those beside it share a line).
ORDER = [
    ["__init__"],
    ["_validation", "certificate", "provenance", "_lbfgs", "differentiable"],
    ["_linalg", "sweep", "asymptotics", "asymptotics_simulation"],
    ["population"],
    ["pretext"],
    ["risk", "capacity"],
    ["criteria", "simulation", "model_free", "model_dependent", "general_loss", "pipeline"],
    ["processor", "capacity_trained"],
    ["_processor_problems", "processor_members", "processor_erasure"],
    ["processor_empirical"],
    ["panels"],
    ["theorems"],
    ["figures"],
    ["capacity_plots"],
    ["images"],
]
LEVEL = {module: level for level, line in enumerate(ORDER) for module in line}
MODULES = sorted(p for p in PACKAGE.rglob("*.py") if p.name != "__main__.py")


def dotted(path):
    """The dotted name of a module of the package."""
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def top(path):
    """The module or subpackage directly under `sslboost` that a file belongs to."""
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(path):
    """The modules directly under `sslboost` that a file imports."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path.name}: relative import"
            parts = (node.module or "").split(".")
            if parts == ["sslboost"]:
                names = [a.name for a in node.names]
                yield from (n if n in LEVEL else "__init__" for n in names)
            elif parts[0] == "sslboost":
                yield parts[1]
        elif isinstance(node, ast.Import):
            split = [a.name.split(".") for a in node.names]
            yield from ((*s, "__init__")[1] for s in split if s[0] == "sslboost")


def public(kind):
    """The functions or classes that the package's public modules define, as test parameters."""
    for path in MODULES:
        module = import_module(dotted(path))
        for name, thing in vars(module).items():
            own = kind(thing) and thing.__module__ == module.__name__
            hidden = name.startswith("_") or path.stem.startswith("_") or name == "main"
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
    networks = {"__init__", "images", "capacity_trained", "capacity_plots", "differentiable"}
    theory = [m for line in ORDER for m in line if m not in networks]
    assert "torch" not in loaded_by("; ".join(f"import sslboost.{m}" for m in theory))


@pytest.mark.parametrize("path", MODULES, ids=dotted)
def test_no_module_imports_one_below_it(path):
    own = top(path)
    assert own in LEVEL, f"give {own} its place in ORDER"
    below = {m for m in imported(path) if m != own and LEVEL[m] >= LEVEL[own]}
    assert below == set()


@pytest.mark.parametrize("function", list(public(inspect.isfunction)))
def test_a_public_function_documents_its_arguments_its_value_and_its_source(function):
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
    assert "Source: " in doc


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
