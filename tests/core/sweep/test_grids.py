"""Sweeps: resumed after a kill bit for bit, never mixed, whole or absent on disk."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from joblib import parallel_config

from sslboost.core import sweep

calls = []


def cell(n0, lam, kind="a", rng=None):
    calls.append((n0, lam, kind))
    draws = rng.standard_normal(n0)
    return {"mean": draws.mean(), "worst": float(np.max(draws)) * lam, "kind_again": kind}


def several(n0, rng=None):
    return [{"seed": s, "value": rng.standard_normal()} for s in range(n0)]


def failing(n0, rng=None):
    if n0 == 2:
        raise ZeroDivisionError("no such n0")
    return {"value": n0}


def returning(value, rng=None):
    return {"value": float("nan")} if value == "nan" else value_of[value]


value_of = {
    "array": {"value": np.zeros(2)},
    "repeats": {"value": 1, "n": 2},
    "nothing": None,
    "keys": {1: 2},
}

GRID = sweep.grid(n0=[3, 10, 30], lam=[0.1, 2], kind=["a", "b"])


def run(path, grid=GRID, function=cell, **options):
    calls.clear()
    return sweep.run(function, grid, path, **options)


def test_grid_is_the_product_in_order():
    assert sweep.grid(a=[1, 2], b=["x", "y"]) == [
        {"a": 1, "b": "x"},
        {"a": 1, "b": "y"},
        {"a": 2, "b": "x"},
        {"a": 2, "b": "y"},
    ]


def test_rows_are_tidy_and_in_the_order_of_the_grid(tmp_path):
    rows = run(tmp_path)
    assert [{name: row[name] for name in GRID[0]} for row in rows] == GRID
    assert list(rows[0]) == ["n0", "lam", "kind", "mean", "worst", "kind_again"]
    table = sweep.columns(rows)
    assert table["mean"].shape == (len(GRID),)
    assert table["mean"].dtype == float
    assert len(set(table["mean"])) == len(GRID)


def test_a_cell_may_return_several_rows(tmp_path):
    rows = run(tmp_path, [{"n0": 2}, {"n0": 1}], several)
    assert [(row["n0"], row["seed"]) for row in rows] == [(2, 0), (2, 1), (1, 0)]


def test_finished_cells_are_read_back_exactly_and_not_computed(tmp_path):
    first = run(tmp_path)
    assert len(calls) == len(GRID)
    again = run(tmp_path)
    assert calls == []
    assert again == first
    assert [json.dumps(row) for row in again] == [json.dumps(row) for row in first]


def test_a_cell_depends_on_its_configuration_and_seed_alone(tmp_path):
    rows = run(tmp_path / "all")
    some = run(tmp_path / "some", [dict(reversed(c.items())) for c in GRID[::-2]])
    assert some == rows[::-2]
    other = run(tmp_path / "all", seed=1)
    assert len(calls) == len(GRID)
    assert all(a["mean"] != b["mean"] for a, b in zip(rows, other, strict=True))


def test_integers_floats_and_booleans_are_different_configurations(tmp_path):
    grid = [{"n0": 1, "lam": lam} for lam in (1, 1.0, True, np.float64(0.5))]
    rows = run(tmp_path, grid)
    assert len(calls) == 4
    assert len({row["mean"] for row in rows}) == 4
    assert [type(row["lam"]) for row in run(tmp_path, grid)] == [int, float, bool, float]
    assert calls == []


@pytest.mark.parametrize("backend", ["threading", "loky", "multiprocessing"])
def test_any_joblib_backend_gives_the_same_table(tmp_path, backend):
    script = tmp_path / "cells.py"
    script.write_text("def cell(n0, rng):\n    return {'value': rng.standard_normal() * n0}\n")
    code = (
        "import json, sys; sys.path.insert(0, sys.argv[1]); import cells\n"
        "from joblib import parallel_config\n"
        "from sslboost.core import sweep\n"
        "if __name__ == '__main__':\n"
        "    with parallel_config(sys.argv[2], n_jobs=2):\n"
        "        rows = sweep.run(cells.cell, sweep.grid(n0=[1, 2, 3, 4, 5]), sys.argv[3])\n"
        "    print(json.dumps(rows))\n"
    )
    tables = []
    for name in ("sequential", backend):
        command = [sys.executable, "-c", code, tmp_path, name, tmp_path / name]
        result = subprocess.run(command, capture_output=True, text=True, check=True)
        tables.append(json.loads(result.stdout))
    assert tables[0] == tables[1]


def test_the_surrounding_joblib_configuration_is_used(tmp_path):
    expected = run(tmp_path / "serial")
    with parallel_config("threading", n_jobs=3):
        assert run(tmp_path / "threads") == expected


BLOCKING = """
import sys, time
from pathlib import Path
from joblib import parallel_config
from sslboost.core import sweep

here = Path(sys.argv[1])

def cell(i, rng, here=here):
    with open(here / "log", "a") as log:
        log.write(f"{i}\\n")
    while i >= 5 and not (here / "go").exists():
        time.sleep(0.01)
    return {"value": rng.standard_normal(), "third": i / 3}

if __name__ == "__main__":
    with parallel_config(sys.argv[3], n_jobs=2):
        rows = sweep.run(cell, sweep.grid(i=range(10)), sys.argv[2])
    print(repr(rows))
"""


@pytest.mark.parametrize("backend", ["loky", "multiprocessing"])
def test_a_sweep_killed_half_way_resumes_bit_for_bit(tmp_path, backend):
    script = tmp_path / "script.py"
    script.write_text(BLOCKING)

    def command(cache, backend):
        return [sys.executable, script, tmp_path, tmp_path / cache, backend]

    killed = subprocess.Popen(
        command("cache", backend), stdout=subprocess.DEVNULL, start_new_session=True
    )
    while len(list((tmp_path / "cache").glob("*.json"))) < 5:
        assert killed.poll() is None
        time.sleep(0.01)
    os.killpg(killed.pid, signal.SIGKILL)
    assert killed.wait() == -signal.SIGKILL
    finished = {path.name: path.read_bytes() for path in (tmp_path / "cache").glob("*.json")}
    assert len(finished) == 5
    (tmp_path / "go").touch()
    (tmp_path / "log").unlink()

    resumed = subprocess.run(command("cache", backend), capture_output=True, check=True).stdout
    assert sorted((tmp_path / "log").read_text().split()) == ["5", "6", "7", "8", "9"]
    whole = subprocess.run(command("fresh", "sequential"), capture_output=True, check=True).stdout
    assert resumed == whole
    files = {path.name: path.read_bytes() for path in (tmp_path / "cache").glob("*.json")}
    assert files.items() >= finished.items()
    assert files == {path.name: path.read_bytes() for path in (tmp_path / "fresh").glob("*.json")}


@pytest.mark.parametrize("damage", ["truncated", "flipped", "empty", "swapped"])
def test_a_damaged_file_is_computed_again(tmp_path, damage):
    expected = run(tmp_path)
    first, second = sorted(tmp_path.glob("*.json"))[:2]
    content = bytearray(first.read_bytes())
    if damage == "flipped":
        content[len(content) // 2] ^= 1
    shorter = {"truncated": content[:-3], "flipped": content, "empty": b""}
    first.write_bytes(shorter.get(damage, second.read_bytes()))
    with pytest.warns(UserWarning, match="damaged"):
        assert run(tmp_path) == expected
    assert len(calls) == 1
    assert run(tmp_path) == expected
    assert calls == []


def test_versions_of_the_code_are_never_mixed(tmp_path):
    run(tmp_path, GRID[:4], code_version="old")
    run(tmp_path, GRID, code_version="new")
    assert len(calls) == len(GRID)
    run(tmp_path, GRID, code_version="old")
    assert len(calls) == len(GRID) - 4


def test_functions_that_share_a_folder_are_never_mixed(tmp_path):
    assert run(tmp_path, [{"n0": 1}], several) != run(tmp_path, [{"n0": 1}], failing)


def test_the_version_follows_the_source(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    source = tmp_path / "some_cells.py"
    versions = []
    for constant in (1, 2):
        source.write_text(f"VALUE = {constant}\n")
        versions.append(sweep.code_version("some_cells"))
    assert versions[0] != versions[1]
    assert sweep.code_version("some_cells") == versions[1]
    package = sweep.code_version("sslboost")
    assert package != sweep.code_version(sweep)
    assert len(package) == 16


def test_a_failing_cell_is_named_and_the_finished_ones_are_kept(tmp_path):
    with pytest.raises(RuntimeError, match=r"\{'n0': 2\} failed: ZeroDivisionError\('no such n0'"):
        run(tmp_path, sweep.grid(n0=[1, 2]), failing)
    assert len(list(tmp_path.iterdir())) == 1


FULL = """
import resource, signal, sys
sys.path.insert(0, sys.argv[1])
from sslboost.core import sweep
import cells
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
sweep.run(cells.cell, [{"n": 1}], sys.argv[2])
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
sweep.run(cells.cell, [{"n": 1}, {"n": 2000}], sys.argv[2])
"""


def test_a_cell_that_cannot_be_written_leaves_nothing_behind(tmp_path):
    (tmp_path / "cells.py").write_text("def cell(n, rng):\n    return {'value': 'x' * n}\n")
    cache = tmp_path / "cache"
    command = [sys.executable, "-c", FULL, tmp_path, cache]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 1
    assert "the cell {'n': 2000} is not kept: " in result.stderr
    assert "could not be written: File too large" in result.stderr
    assert [path.suffix for path in cache.iterdir()] == [".json"]


@pytest.mark.parametrize(
    ("grid", "message"),
    [
        ([], "grid must hold at least one"),
        ([{"n0": 1, "lam": 2}] * 2, "grid must hold different"),
        ([{"n0": [1], "lam": 2}], r"configuration must hold numbers.*n0 = \[1\]"),
        ([("n0", 1)], "configuration must be a dict"),
        ([{1: 2}], "configuration must be a dict with names"),
    ],
)
def test_bad_grids(tmp_path, grid, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, grid)


@pytest.mark.parametrize("bad", ["a string", 3, []])
def test_bad_axes(bad):
    with pytest.raises(ValueError, match="n0 must be a sequence"):
        sweep.grid(n0=bad)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("array", r"row of the cell \{'value': 'array'\} must hold numbers"),
        ("repeats", r"row must not repeat arguments of the cell, got \['value'\]"),
        ("keys", "row of the cell .* must be a dict with names"),
        ("nothing", "row of the cell .* must be a dict with names as keys, got None"),
    ],
)
def test_bad_rows(tmp_path, value, message):
    with pytest.raises(ValueError, match=message):
        run(tmp_path, [{"value": value}], returning)
    assert list(tmp_path.iterdir()) == []


def test_bad_functions_and_seeds(tmp_path):
    with pytest.raises(ValueError, match="cell must be a function of a module"):
        run(tmp_path, function=lambda rng: {})
    with pytest.raises(ValueError, match="seed must be an integer"):
        run(tmp_path, seed=-1)
    with pytest.raises(ValueError, match="modules must name at least one"):
        sweep.code_version()
    with pytest.raises(ValueError, match="modules must have source files"):
        sweep.code_version(sys)
    namespace = {"__name__": "nowhere"}
    exec("def cell(rng): return {}", namespace)
    with pytest.raises(ValueError, match=r"come with a code_version.*no file defines its code"):
        run(tmp_path, [{}], namespace["cell"])


def test_columns_need_rows_with_the_same_names():
    for rows in ([], [{"a": 1}, {"b": 2}]):
        with pytest.raises(ValueError, match="rows must share their names"):
            sweep.columns(rows)


def test_the_progress_bar_starts_at_what_is_finished(tmp_path, capsys):
    run(tmp_path, GRID[:6])
    run(tmp_path, GRID, progress=True)
    assert f"{len(GRID)}/{len(GRID)}" in capsys.readouterr().err
    run(tmp_path, GRID)
    assert capsys.readouterr().err == ""
    assert Path(tmp_path).is_dir()
