"""Names by contents: the same in every process for what is equal, and never for what is not."""

import enum
import functools
import importlib
import json
import os
import subprocess
import sys
import textwrap
import threading
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from sslboost.core import sweep
from sslboost.core.sweep import grids
from sslboost.core.sweep.contents import digest, module_name
from sslboost.core.validation import takes
from sslboost.population import latent_population

FACTOR = 2


class Colour(enum.Enum):
    RED = 1
    BLUE = 2


@dataclass
class Scaled:
    """A callable object, whose method is a cell as well."""

    factor: object
    unit = "m"

    def cell(self, n, rng):
        return {"value": n * self.factor}

    def __call__(self, n, rng):
        return {"value": n * self.factor}


class Slotted:
    __slots__ = ("factor",)

    def __init__(self, factor):
        self.factor = factor


def cell(n, rng, factor=3):
    return {"value": n * factor}


def reads_a_global(n, rng):
    return {"value": sum(n * FACTOR for _ in range(1))}


def calls_what_reads_it(n, rng):
    return reads_a_global(n, rng)


def times(factor):
    """A decorator with a state of its own."""

    def decorate(function):
        @functools.wraps(function)
        def wrapper(n, rng):
            return {"value": function(n, rng)["value"] * factor}

        return wrapper

    return decorate


def with_attribute(value):
    def function(n, rng):
        return {}

    function.value = value
    return function


def recursive():
    def inner(n, rng):
        return inner(n, rng) if n else {}

    return inner


def cyclic(last):
    values = [1]
    values.append([values, last])
    return values


def structured(value):
    return np.array([(value, 2)], dtype=[("a", float), ("b", int)])


def generator(seed, draws=0):
    rng = np.random.default_rng(seed)
    rng.standard_normal(draws)
    return rng


def population(seed, touched=False):
    made = latent_population(1, 1, dims_x=(1, 1, 1), dims_z=(1, 1), y_to_x=1 + seed)
    if touched:
        assert made.whitening is made.whitening  # a cached property, kept in the object
    return made


MATRIX = np.arange(6.0).reshape(2, 3)

EQUAL = {
    "a dict in another order": ({"a": 1, "b": [2]}, {"b": [2], "a": 1}),
    "a set": ({"x", "y", "z", 3}, {3, "z", "y", "x"}),
    "an array in another layout": (MATRIX, np.asfortranarray(MATRIX)),
    "an array seen through a view": (MATRIX, np.repeat(MATRIX, 2, axis=0)[::2]),
    "one array twice, and two": ([MATRIX, MATRIX], [MATRIX.copy(), MATRIX.copy()]),
    "not a number": (float("nan"), -float("nan")),
    "text": ("a\udc80" * 2, "a\udc80a\udc80"),
    "an object": (Scaled(MATRIX), Scaled(MATRIX.copy())),
    "a bound method": (Scaled(2).cell, Scaled(2).cell),
    "a partial": (functools.partial(cell, factor=2), functools.partial(cell, factor=2)),
    "a cached property": (population(0), population(0, touched=True)),
    "a generator": (generator(1, 5), generator(1, 5)),
    "a tensor": (torch.arange(3), torch.arange(6)[:3]),
    "a decorated function": (times(2)(cell), times(2)(cell)),
    "an object array": (np.array([1, "a"], object), np.array([1, "a"], object)),
    "a recursive function": (recursive(), recursive()),
    "a cycle": (cyclic(1), cyclic(1)),
    "a path": (Path("a/b"), Path("a") / "b"),
}

DIFFERENT = {
    "kinds of one": (1, 1.0, True, "1", b"1", 1j, np.float64(1), np.int64(1), None),
    "signs of zero": (0.0, -0.0),
    "large integers": (10**5000, 10**5000 + 1, -(10**5000)),
    "where text ends": (["ab", "c"], ["a", "bc"], ["abc"], ("ab", "c")),
    "nesting": ([1, [2]], [[1], 2], [1, 2], {1, 2}, frozenset({1, 2})),
    "shapes": (MATRIX, MATRIX.T, MATRIX.ravel(), MATRIX.astype(np.float32), MATRIX + 1),
    "object arrays": (np.array([1, "a"], object), np.array([1, "b"], object)),
    "structured arrays": (structured(1), structured(2)),
    "objects": (Scaled(1), Scaled(2), Scaled(MATRIX), Scaled(MATRIX + 1)),
    "slots": (Slotted(1), Slotted(2)),
    "bound methods": (Scaled(1).cell, Scaled(2).cell, Scaled.cell, Scaled(1)),
    "partials": (cell, *(functools.partial(cell, factor=k) for k in (1, 2)), Scaled(1).cell),
    "closures": (cell, times(2)(cell), times(3)(cell), times(2)(reads_a_global)),
    "attributes": (with_attribute(1), with_attribute(2)),
    "members": (Colour.RED, Colour.BLUE, Colour),
    "generators": (generator(1), generator(2), generator(1, 1)),
    "populations": (population(0), population(1)),
    "tensors": (torch.zeros(2), torch.ones(2), torch.zeros(2, dtype=torch.float64)),
    "functions of libraries": (np.exp, np.log, len, sorted, os.path.join, os.path.split),
    "modules": (np, os, np.linalg),
    "ordered": (OrderedDict(a=1, b=2), OrderedDict(b=2, a=1)),
    "cycles": (cyclic(1), cyclic(2)),
    "caches": (functools.lru_cache(cell), functools.lru_cache(reads_a_global)),
    "checked": (takes(n=int)(cell), takes(n=int)(reads_a_global), takes(n=float)(cell)),
    "classes": (type("A", (Scaled,), {"unit": "cm"}), type("A", (Scaled,), {"unit": "km"})),
}


@pytest.mark.parametrize("values", EQUAL.values(), ids=EQUAL)
@pytest.mark.parametrize("code", [True, False])
def test_equal_values_have_one_name(values, code):
    names = {digest(value, code=code) for value in values}
    assert len(names) == 1
    assert len(names.pop()) == 32


@pytest.mark.parametrize("values", DIFFERENT.values(), ids=DIFFERENT)
@pytest.mark.parametrize("code", [True, False])
def test_other_values_have_other_names(values, code):
    assert len({digest(value, code=code) for value in values}) == len(values)


def test_constants_that_a_function_reads_count_also_through_another(monkeypatch):
    functions = (reads_a_global, calls_what_reads_it, cell)
    before = [digest(function) for function in functions]
    monkeypatch.setattr(sys.modules[__name__], "FACTOR", 5)
    after = [digest(function) for function in functions]
    assert [a == b for a, b in zip(before, after, strict=True)] == [False, False, True]


def test_a_number_of_the_class_counts(monkeypatch):
    before = digest(Scaled(1).cell)
    monkeypatch.setattr(Scaled, "unit", "km")
    assert digest(Scaled(1).cell) != before


def local_class():
    class Local:
        pass

    return Local


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (functools.partial(cell, factor=threading.Lock()), "lock.* cannot be pickled"),
        (Scaled(open(os.devnull)), "TextIOWrapper.* cannot be pickled"),
        (Scaled(local_class()()), "Local.* is a class that a function defined"),
        (Scaled(torch.zeros(2, dtype=torch.bfloat16)), "tensor.* has no array"),
        (eval("lambda n, rng: {}"), "no file defines its code, <string> cannot be read"),
        (functools.reduce(lambda inner, _: [inner], range(10**5), []), "nested too deeply"),
    ],
)
def test_what_has_no_contents_is_refused_where_no_version_stands_for_it(value, message):
    with pytest.raises(ValueError, match=message):
        digest(value)


def test_with_a_version_the_rest_of_an_object_still_counts():
    def name(factor):
        return digest(Scaled((factor, threading.Lock())).cell, code=False)

    assert name(1) == name(1)
    assert name(1) != name(2)


def test_without_code_lambdas_are_still_told_apart():
    functions = [functools.partial(cell, factor=f) for f in (lambda: 1, lambda: 2)]
    assert digest(functions[0], code=False) != digest(functions[1], code=False)


SOURCES = {
    "wrapping.py": """
        import functools

        def wrapped_by(function):
            @functools.wraps(function)
            def wrapper(n, rng):
                return {"value": 10 * function(n, rng)["value"]}
            return wrapper
        """,
    "inner.py": "def cell(n, rng):\n    return {'value': n}\n",
    "outer.py": "import inner, wrapping\ncell = wrapping.wrapped_by(inner.cell)\n",
    "held.py": "class Base:\n    def cell(self, n, rng):\n        return {'value': n}\n",
    "holding.py": "import held\nclass Cell(held.Base):\n    pass\n",
}


@pytest.fixture
def modules(tmp_path, monkeypatch):
    """Write modules that import each other; ``edit(file, old, new)`` changes one on disk."""
    folder = tmp_path / "modules"
    folder.mkdir()
    monkeypatch.syspath_prepend(folder)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name, text in SOURCES.items():
        (folder / name).write_text(textwrap.dedent(text))

    def edit(name, old, new):
        text = (folder / name).read_text()
        assert old in text
        (folder / name).write_text(text.replace(old, new))

    yield edit
    forget()


def forget():
    for name in SOURCES:
        sys.modules.pop(name.removesuffix(".py"), None)
    importlib.invalidate_caches()


def rows(cell, cache, **options):
    return [row["value"] for row in sweep.run(cell, [{"n": 1}, {"n": 2}], cache, **options)]


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("wrapping.py", "10 *", "20 *", [20, 40]),
        ("inner.py", "'value': n", "'value': -n", [-10, -20]),
    ],
)
def test_a_decorated_cell_follows_the_files_of_wrapper_and_wrapped(
    tmp_path, modules, file, old, new, expected
):
    assert rows(importlib.import_module("outer").cell, tmp_path / "cache") == [10, 20]
    modules(file, old, new)
    forget()
    assert rows(importlib.import_module("outer").cell, tmp_path / "cache") == expected
    modules(file, new, old)
    forget()
    assert rows(importlib.import_module("outer").cell, tmp_path / "cache") == [10, 20]
    assert len(list((tmp_path / "cache").iterdir())) == 4


def test_a_method_follows_the_file_of_the_class_that_defines_it(tmp_path, modules):
    assert rows(importlib.import_module("holding").Cell().cell, tmp_path) == [1, 2]
    modules("held.py", "'value': n", "'value': 7")
    forget()
    assert rows(importlib.import_module("holding").Cell().cell, tmp_path) == [7, 7]


def test_rows_of_code_that_was_edited_while_it_ran_are_not_those_of_the_edited(tmp_path, modules):
    cell = importlib.import_module("inner").cell
    modules("inner.py", "'value': n", "'value': -n")
    assert rows(cell, tmp_path) == [1, 2]  # the code in memory
    forget()
    assert rows(importlib.import_module("inner").cell, tmp_path) == [-1, -2]


def test_rows_are_not_those_of_a_package_that_was_edited_since(tmp_path, monkeypatch):
    before = {path.name for path in tmp_path.iterdir()}
    rows(cell, tmp_path)
    monkeypatch.setattr(grids, "_AT_IMPORT", "0" * 16)
    rows(cell, tmp_path)
    assert len({path.name for path in tmp_path.iterdir()} - before) == 4


CELLS = {
    "bound method": lambda k: Scaled(k).cell,
    "callable object": Scaled,
    "partial": lambda k: functools.partial(cell, factor=k),
    "partial of a method": lambda k: functools.partial(Scaled(k).cell),
    "decorated": lambda k: times(k)(unit),
}


def unit(n, rng):
    return {"value": n}


@pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)
@pytest.mark.parametrize("version", [None, "1"])
def test_a_sweep_never_returns_the_rows_of_another_object(tmp_path, make, version):
    for factor in (2, 3, 2):
        expected = [factor, 2 * factor]
        assert rows(make(factor), tmp_path, code_version=version) == expected
    assert len(list(tmp_path.iterdir())) == 4


def test_a_cell_that_cannot_be_known_asks_for_a_version(tmp_path):
    held = functools.partial(Scaled(2).cell)
    assert rows(held, tmp_path) == [2, 4]
    unknown = Scaled(2)
    unknown.lock = threading.Lock()
    with pytest.raises(
        ValueError, match="cell must be a plain function, or come with a code_version"
    ):
        rows(unknown, tmp_path)
    assert rows(unknown, tmp_path, code_version="mine") == [2, 4]


IN_ANOTHER_PROCESS = """
import json, sys
sys.path.insert(0, sys.argv[1])
import holding, numpy as np, outer, functools
from sslboost.core import sweep
from sslboost.core.sweep import grids
from sslboost.core.sweep.contents import digest
from sslboost.population import latent_population

made = holding.Cell()
made.names, made.array = {"a", "b", "c", "d"}, np.eye(3)
made.by_name = {name: frozenset(made.names) for name in made.names}
made.population = latent_population(1, 1, dims_x=(1, 1, 1), dims_z=(1, 1), rng=0)
cells = [made.cell, outer.cell, functools.partial(made.cell, n=2)]
sweep.run(made.cell, [{"n": 1}], sys.argv[2])
print(json.dumps([digest(cell, code=code) for cell in cells for code in (True, False)]))
"""


def test_equal_objects_of_other_processes_share_their_cells(tmp_path, modules):
    printed = []
    for seed in "12":
        command = [sys.executable, "-c", IN_ANOTHER_PROCESS, tmp_path / "modules", tmp_path / "c"]
        environment = os.environ | {"PYTHONHASHSEED": seed}
        result = subprocess.run(
            command, env=environment, capture_output=True, text=True, check=True
        )
        printed.append(json.loads(result.stdout))
    assert printed[0] == printed[1]
    assert len(set(printed[0])) == 6
    assert len(list((tmp_path / "c").iterdir())) == 1


def test_the_main_module_is_named_by_its_file_or_as_it_is_imported(monkeypatch):
    assert module_name("a.b") == "a.b"
    main = sys.modules["__main__"]
    monkeypatch.setattr(main, "__spec__", None, raising=False)
    monkeypatch.setattr(main, "__file__", "/somewhere/script.py", raising=False)
    assert module_name("__main__") == "script"
    monkeypatch.delattr(main, "__file__")
    assert module_name("__main__") == "__main__"
    monkeypatch.setattr(main, "__spec__", importlib.util.find_spec("json.tool"))
    assert module_name("__main__") == "json.tool"


@pytest.mark.parametrize("module", ["no_such_module", "", ".relative", 5, None, sys, Scaled])
def test_modules_without_a_source_are_refused(module):
    with pytest.raises(ValueError, match="modules must"):
        sweep.code_version(module)


def test_wrong_arguments_are_named():
    with pytest.raises(ValueError, match="code must be True or False, got 'no'"):
        digest(cell, code="no")
    with pytest.raises(ValueError, match="name must be text, got None"):
        module_name(None)
