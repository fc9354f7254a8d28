"""Sweeps among others: writers, kills, damaged caches and folders that cannot be written to."""

import copy
import errno
import functools
import hashlib
import json
import math
import os
import struct
import subprocess
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sslboost.core import sweep
from sslboost.core.sweep import CellError, grids

WRITERS = 4
together = threading.Barrier(WRITERS)


def cell(i, rng):
    return {"value": rng.standard_normal(), "third": i / 3}


def cell_in_step(i, rng):
    together.wait(60)  # so that every thread writes the same cell at the same time
    return cell(i, rng)


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_threads_that_write_the_same_cells_all_get_their_rows(tmp_path):
    expected = sweep.run(cell, sweep.grid(i=range(30)), tmp_path / "alone")

    def run(_):
        return sweep.run(cell_in_step, sweep.grid(i=range(30)), tmp_path / "shared")

    with ThreadPoolExecutor(WRITERS) as threads:
        tables = list(threads.map(run, range(WRITERS)))
    assert tables == [expected] * WRITERS
    assert len(contents(tmp_path / "shared")) == 30
    assert {Path(name).suffix for name in contents(tmp_path / "shared")} == {".json"}


SHARED = """
import sys
sys.path.insert(0, sys.argv[1])
import cells
from sslboost.core import files, sweep
if __name__ == "__main__":
    for i in range(40):
        files.write_json(sys.argv[3], {"writer": sys.argv[4], "values": list(range(1000))})
    grid = sweep.grid(i=range(40))
    print(sweep.run(cells.cell, grid, sys.argv[2], n_jobs=int(sys.argv[4]))[::-1])
"""


def test_processes_that_share_a_folder_all_get_their_rows(tmp_path):
    source = "def cell(i, rng):\n    return {'value': rng.standard_normal(i + 1).sum()}\n"
    (tmp_path / "cells.py").write_text(source)

    def start(cache, jobs):
        command = [sys.executable, "-c", SHARED, tmp_path, tmp_path / cache]
        command += [tmp_path / "one.json", str(jobs)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)

    processes = [start("shared", 1), start("shared", 2), start("alone", 1)]
    printed = [process.communicate()[0] for process in processes]
    assert [process.returncode for process in processes] == [0, 0, 0]
    assert printed[0] and printed == [printed[0]] * 3
    assert contents(tmp_path / "shared") == contents(tmp_path / "alone")
    assert json.loads((tmp_path / "one.json").read_text())["values"] == list(range(1000))
    assert not list(tmp_path.rglob("*.part"))


@pytest.mark.parametrize("code", [errno.EXDEV, errno.ENOSPC])
def test_a_rename_that_fails_is_told_with_the_cell(tmp_path, monkeypatch, code):
    def refuse(source, target):
        raise OSError(code, os.strerror(code), source, None, target)

    sweep.run(cell, [{"i": 1}], tmp_path)
    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(
        OSError, match=r"the cell \{'i': 2\} is not kept: .*json could not be wr"
    ) as told:
        sweep.run(cell, [{"i": 1}, {"i": 2}], tmp_path)
    assert told.value.errno == code
    assert len(contents(tmp_path)) == 1


DYING = """
import json, os, signal, sys, time
from pathlib import Path
sys.path.insert(0, sys.argv[1])
import cells
from sslboost.core import sweep

if __name__ == "__main__":
    for how in ("_exit", "kill", "exit", "interrupt", "unpickled"):
        cache, cell = Path(sys.argv[1], how), cells.cell
        if how == "unpickled":
            cell = cells.Unpicklable()
        told = None
        try:
            sweep.run(cell, sweep.grid(i=range(20), how=[how]), cache, n_jobs=2)
        except BaseException as error:
            told = [type(error).__name__, str(error)]
        bodies = [path.read_text().partition("\\n")[2] for path in cache.glob("*.json")]
        kept = sorted(json.loads(body)["identity"]["configuration"]["i"] for body in bodies)
        print(json.dumps([how, told, kept, len(list(cache.iterdir()))]))
"""

CELLS = """
import os, signal, sys, time
from pathlib import Path

def cell(i, how, rng):
    if i == 3:
        while len(list(Path(__file__).with_name(how).glob("*.json"))) < 3:
            time.sleep(0.01)
        if how == "_exit":
            os._exit(0)
        if how == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "exit":
            sys.exit(0)
        raise KeyboardInterrupt
    if i > 3:
        time.sleep(60)
    return {"value": i}

class Unpicklable:
    def __call__(self, i, how, rng):
        return {"value": i}

    def __setstate__(self, state):
        raise RuntimeError("not in a worker")

    def __getstate__(self):
        return {"held": 1}
"""


def test_cells_that_ended_their_worker_are_named_and_the_finished_ones_kept(tmp_path):
    (tmp_path / "cells.py").write_text(CELLS)
    command = [sys.executable, "-c", DYING, tmp_path]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    told = {how: rest for how, *rest in map(json.loads, result.stdout.splitlines())}
    for how in ("_exit", "kill"):
        (kind, message), kept, files = told[how]
        assert kind == "CellError"
        assert "TerminatedWorkerError" in message
        named = [{"i": i, "how": how} for i in (3, 4, 5, 6)]
        assert message.endswith(f"done: {named}, and 13 more had not begun")
        assert (kept, files) == ([0, 1, 2], 3)
    assert told["exit"] == [
        ["CellError", "the cell {'i': 3, 'how': 'exit'} failed: SystemExit(0)"],
        [0, 1, 2],
        3,
    ]
    assert told["interrupt"][0][0] == "KeyboardInterrupt"
    assert told["interrupt"][1:] == [[0, 1, 2], 3]
    kind, message = told["unpickled"][0]
    assert kind == "CellError"
    assert "before these cells were done: [{'i': 0, 'how': 'unpickled'}" in message


def test_workers_that_stop_are_told_with_what_they_had_not_finished(tmp_path, monkeypatch):
    def stop(cell, task):
        if task.configuration["i"] == 1:
            raise EOFError("the line is dead")
        return grids_compute(cell, task)

    grids_compute = grids.compute
    monkeypatch.setattr(grids, "compute", stop)
    with pytest.raises(CellError, match=r"EOFError.* done: \[\{'i': 1\}, \{'i': 2\}\]$"):
        sweep.run(cell, sweep.grid(i=range(3)), tmp_path)
    assert len(contents(tmp_path)) == 1


def test_rows_of_a_worker_that_does_not_see_the_folder_are_kept(tmp_path, monkeypatch):
    expected = sweep.run(cell, sweep.grid(i=range(3)), tmp_path / "seen")

    def elsewhere(cell, task):
        task.path = tmp_path / "unseen" / task.path.name
        return task.key, task.checked([cell(**task.configuration, rng=None)])

    def plain(i, rng):
        return {key: value for key, value in expected[i].items() if key != "i"}

    monkeypatch.setattr(grids, "compute", lambda _, task: elsewhere(plain, copy.copy(task)))
    assert sweep.run(cell, sweep.grid(i=range(3)), tmp_path / "cache") == expected
    monkeypatch.undo()
    assert contents(tmp_path / "cache") == contents(tmp_path / "seen")


def test_a_function_that_tells_no_signature_is_asked_when_it_is_called(tmp_path):
    with pytest.raises(ValueError, match=r"row of the cell \{'i': 1\} must hold .* got rng = Gen"):
        sweep.run(dict, [{"i": 1}], tmp_path)


def leaving(i, rng):
    if i == 1:
        sys.exit("gone")
    if i == 2:
        raise KeyboardInterrupt
    return {"value": i}


def test_leaving_a_cell_ends_it_and_not_the_sweep_in_silence(tmp_path):
    with pytest.raises(CellError, match=r"the cell \{'i': 1\} failed: SystemExit\('gone'\)"):
        sweep.run(leaving, [{"i": 0}, {"i": 1}, {"i": 3}], tmp_path)
    assert len(contents(tmp_path)) == 1
    with pytest.raises(KeyboardInterrupt):
        sweep.run(leaving, [{"i": 2}], tmp_path)
    assert isinstance(CellError(""), RuntimeError)


#: Bodies of files whose checksum is right; %s stands for the identity of the cell.
BODIES = {
    "no JSON": b"no JSON",
    "not UTF-8": b"\xff\xfe",
    "a list": b"[1, 2]",
    "a number": b"3",
    "nothing": b"",
    "null": b"null",
    "no rows": b'{"identity": %s}',
    "no identity": b'{"rows": []}',
    "rows of numbers": b'{"identity": %s, "rows": [1]}',
    "rows of lists": b'{"identity": %s, "rows": [{"value": [1]}]}',
    "rows that repeat": b'{"identity": %s, "rows": [{"i": 1}]}',
    "rows that are a number": b'{"identity": %s, "rows": 1}',
    "deep": b"[" * 100_000,
    "another's": b'{"identity": {"cell": 1}, "rows": []}',
}


def damage(path, how):
    """Leave something else where a cell was."""
    if how in BODIES:
        saved = json.loads(path.read_bytes().partition(b"\n")[2])
        body = BODIES[how].replace(b"%s", json.dumps(saved["identity"]).encode())
        path.write_bytes(hashlib.sha256(body).hexdigest().encode() + b"\n" + body)
        return
    path.unlink()
    if how == "no lines":
        path.write_bytes(b"\xff" * 10)
    else:
        path.symlink_to(path.name if how == "a link to itself" else "nowhere")


@pytest.mark.parametrize(
    "how",
    [*BODIES, "a link to itself", "a link to nothing", "no lines"],
)
def test_whatever_stands_for_a_cell_is_computed_again_with_a_warning(tmp_path, how):
    expected = sweep.run(cell, sweep.grid(i=[1, 2]), tmp_path)
    before = contents(tmp_path)
    path = min(tmp_path.iterdir())
    damage(path, how)
    with pytest.warns(UserWarning, match=f"{path.name} is damaged") as told:
        assert sweep.run(cell, sweep.grid(i=[1, 2]), tmp_path) == expected
    assert [warning.filename for warning in told] == [__file__]
    with warnings.catch_warnings(action="error"):
        assert sweep.run(cell, sweep.grid(i=[1, 2]), tmp_path) == expected
    assert before.items() <= contents(tmp_path).items()


def never(i, rng):
    raise AssertionError("computed although it cannot be kept")


def test_a_folder_where_a_cell_is_kept_is_named_before_any_is_computed(tmp_path):
    sweep.run(cell, [{"i": 1}], tmp_path)
    path = next(tmp_path.iterdir())
    path.unlink()
    path.mkdir()
    with pytest.raises(OSError, match=f"the folder .*{path.name} stands where a cell is kept"):
        sweep.run(cell, [{"i": 2}, {"i": 1}], tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == [path.name]


@pytest.mark.parametrize("inner", ["", "below", "below/further"])
def test_a_cache_that_is_a_file_is_refused(tmp_path, inner):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(ValueError, match="cache_dir must be a folder, got the file"):
        sweep.run(never, [{"i": 1}], tmp_path / "file" / inner)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("bad", [None, 5, b"bytes", "nul\0"])
def test_a_cache_that_is_no_path_is_refused(bad):
    with pytest.raises(ValueError, match="cache_dir must be a path"):
        sweep.run(never, [{"i": 1}], bad)


def test_a_cache_that_is_closed_is_read_and_named_before_computing(public_folder, closed):
    kept = sweep.run(cell, [{"i": 1}], public_folder)
    with closed(public_folder):
        assert sweep.run(cell, [{"i": 1}], public_folder) == kept
        for missing in (public_folder, public_folder / "below"):
            with pytest.raises(OSError, match=r"cache_dir .* cannot be written to: Permission den"):
                sweep.run(never, [{"i": 2}], missing)


def test_a_kept_cell_whose_number_was_edited_is_computed_again(tmp_path):
    expected = sweep.run(cell, [{"i": 1}], tmp_path)
    (kept,) = tmp_path.glob("*.json")
    checksum, body = kept.read_text().split("\n")
    edited = json.loads(body)
    edited["rows"][0]["value"] = 7.0
    kept.write_text(f"{checksum}\n{json.dumps(edited)}")
    assert sweep.run(cell, [{"i": 1}], tmp_path) == expected
    # Control: with a checksum of its own it is a cell like others.
    body = json.dumps(edited)
    kept.write_text(f"{hashlib.sha256(body.encode()).hexdigest()}\n{body}")
    assert sweep.run(cell, [{"i": 1}], tmp_path)[0]["value"] == 7.0


ROWS = {
    "nan": float("nan"),
    "inf": math.inf,
    "-inf": -math.inf,
    "negative zero": -0.0,
    "least": 5e-324,
    "largest": sys.float_info.max,
    "third": 1 / 3,
    "large": 10**1000 + 1,
    "negative": -(2**63) - 1,
    "bool": True,
    "none": None,
    "text": "µ\0\n\udc80 ✓",
}


def all_kinds(value, rng):
    return [ROWS | {"third": np.float64(1 / 3), "bool": np.True_}, dict.fromkeys(ROWS)]


def bits(value):
    return struct.pack("d", value) if isinstance(value, float) else value


def test_rows_and_configurations_are_read_back_bit_for_bit(tmp_path):
    values = [math.nan, math.inf, -math.inf, -0.0, 0.0, 0, 10**40, 5e-324, "nan", None, False]
    computed = sweep.run(all_kinds, sweep.grid(value=values), tmp_path)
    assert len(contents(tmp_path)) == len(values)
    read = sweep.run(all_kinds, sweep.grid(value=values), tmp_path)
    plain = ROWS.values()
    for table in (computed, read):
        assert [bits(row["value"]) for row in table[::2]] == [bits(value) for value in values]
        for row in table[::2]:
            assert [bits(row[name]) for name in ROWS] == [bits(value) for value in plain]
            assert [type(row[name]) for name in ROWS] == [type(value) for value in plain]


def test_nan_is_one_configuration():
    with pytest.raises(ValueError, match="grid must hold different configurations"):
        sweep.run(cell, [{"i": math.nan}, {"i": -math.nan}], "unused")
    assert not Path("unused").exists()


class Whole(int):
    pass


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_jobs": 0}, "n_jobs must be an integer other than 0, or None, got 0"),
        ({"n_jobs": "2"}, "n_jobs must be an integer other than 0"),
        ({"n_jobs": True}, "n_jobs must be an integer"),
        ({"n_jobs": 1.0}, "n_jobs must be an integer"),
        ({"progress": "no"}, "progress must be True, False or None, got 'no'"),
        ({"progress": 1}, "progress must be True, False or None"),
        ({"seed": "1"}, "seed must be an integer of at least 0, got '1'"),
        ({"seed": None}, "seed must be an integer"),
        ({"seed": np.array([1, 2])}, "seed must be an integer"),
        ({"code_version": 3}, "code_version must be text, got 3"),
        ({"grid": 5}, "grid must be a sequence of dict, got 5"),
        ({"grid": {"i": 1}}, "grid must be a sequence of dict"),
        ({"grid": "i"}, "grid must be a sequence of dict"),
        ({"grid": [{"i": 1, "rng": 2}]}, "cell must take rng and .*: .*rng"),
        ({"grid": [{"j": 1}]}, r"cell must take rng and \{'j': 1\}: "),
        ({"grid": [{}]}, "cell must take rng and .*: missing a required argument: 'i'"),
        ({"grid": [{"i": 1j}]}, "configuration must hold numbers, .* got i = 1j"),
        ({"grid": [{"i": np.array(1)}]}, "configuration must hold numbers"),
        ({"grid": [{"i": np.datetime64("2020-01-01")}]}, "configuration must hold numbers"),
        ({"grid": [{"i": Whole(1)}]}, "configuration must hold numbers"),
        ({"grid": [{"i": 10**5000}]}, "configuration must hold integers of at most 4096 bits"),
        ({"cell": 5}, "cell must be a function of a module, with a name, got 5"),
        ({"cell": None}, "cell must be a function"),
        ({"cell": "cell"}, "cell must be a function"),
        ({"cell": functools.partial(lambda i, rng: {})}, "cell must be a function of a module"),
    ],
)
def test_wrong_arguments_are_named_before_anything_is_computed(tmp_path, options, message):
    arguments = {"cell": never, "grid": [{"i": 1}], "cache_dir": tmp_path / "cache"} | options
    with pytest.raises(ValueError, match=message):
        sweep.run(**arguments)
    assert not (tmp_path / "cache").exists()


@pytest.mark.parametrize("n_jobs", [1, np.int64(2), -1, 10**6])
def test_more_jobs_than_cells_are_not_started(tmp_path, n_jobs):
    assert len(sweep.run(cell, sweep.grid(i=[1, 2]), tmp_path / str(n_jobs), n_jobs=1)) == 2
    rows = sweep.run(cell, sweep.grid(i=[1, 2]), tmp_path / str(n_jobs), n_jobs=n_jobs)
    assert [row["i"] for row in rows] == [1, 2]


@pytest.mark.parametrize(
    "bad", [{1: 2}, {1, 2}, (x for x in [1]), b"ab", np.array(1), range(10**30)]
)
def test_axes_that_are_no_sequences_are_refused(bad):
    with pytest.raises(ValueError, match="i must be a sequence of values"):
        sweep.grid(i=bad)


def test_a_grid_beyond_all_sizes_is_refused():
    with pytest.raises(ValueError, match="number of configurations must be at most 10000000"):
        sweep.grid(a=range(10**9), b=range(10**9))


@pytest.mark.parametrize("bad", [None, 5, "rows", {"a": 1}, [5], [{"a": [1]}], [{1: 2}]])
def test_columns_of_what_are_no_rows_are_refused(bad):
    with pytest.raises(ValueError, match=r"rows? must"):
        sweep.columns(bad)


def test_text_among_numbers_does_not_make_numbers_text():
    table = sweep.columns([{"a": 1, "b": "x", "c": None}, {"a": 2.5, "b": 3, "c": 1}])
    assert table["a"].dtype == float
    assert table["b"].tolist() == ["x", 3]
    assert table["c"].tolist() == [None, 1]
