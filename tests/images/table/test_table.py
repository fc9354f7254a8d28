"""The table: its rows, its file, its command line, and what interrupts it."""

import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import replace

import joblib
import numpy as np
import pytest
import torch

from sslboost.core import files
from sslboost.images import __main__ as command
from sslboost.images import data, training
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.probe import network_outputs
from sslboost.images.processor import initial_processor
from sslboost.images.supervised import train_classifier
from sslboost.images.table import cells, common, processed, record, recording
from sslboost.images.table.part import part_of
from sslboost.images.table.profiles import PROFILES, SMOKE

SMALL = {
    "arms": ("untrained", "ssl", "processor"),
    **{"adversaries": ("linear",), "n0": (100, 200), "seeds": (0,)},
}
FIELDS = {
    *record.KEY,
    *("accuracy", "held_out", "pretext_accuracy", "seconds"),
    *("training_seconds", "train_y_error", "told", "told_in_batches"),
}


def private_cache(folder):
    """A data folder with the real images and no finished cells."""
    folder.mkdir()
    (folder / "cifar10").symlink_to(data.folder() / "cifar10", target_is_directory=True)
    return folder


@pytest.fixture(autouse=True)
def own_cache(cifar, tmp_path, monkeypatch):
    monkeypatch.setenv("SSLBOOST_DATA", str(private_cache(tmp_path / "data")))


@pytest.fixture(scope="module")
def rows(cifar, tmp_path_factory):
    folder = private_cache(tmp_path_factory.mktemp("shared") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSLBOOST_DATA", str(folder))
        return record.run("smoke", **SMALL)


def with_processor(adversary, n0, borrow, lam=1):
    return processed.processor("smoke", "rotation", adversary, lam, n0, borrow, 0, "cpu", False)


def told(images, batch=2):
    f = initial_processor(SMOKE.processor, seed=0)
    return processed.told_linearly(f, images, PRETEXTS["rotation"], seed=0, batch=batch)


def untimed(rows):
    return [{name: value for name, value in row.items() if "seconds" not in name} for row in rows]


def test_every_row_names_its_arm_and_says_what_was_measured(rows):
    # Pixels; five layers and the best of them; these, two further readings and the output of ssl.
    plain = 1 + 6 + 9
    # Of f its output, five layers and the best; linear; twice a network's output, layers and best.
    processed = 7 + 1 + 2 * 5
    assert len(rows) == 2 * (plain + 2 * processed)  # all and half of the labels; two n0
    for row in rows:
        assert row.keys() >= FIELDS
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert np.isfinite(numbers).all()
        assert 0 <= row["accuracy"] <= 1
    readings = {"none", "linear", "network", "network-no-decay"}
    assert {row["psi"] for row in rows if row["arm"] == "processor"} == readings


def test_a_table_is_written_read_and_joined(rows, tmp_path):
    path = tmp_path / "table.json"
    record.write(rows[:5], "smoke", path, seconds=2.0)
    record.write(rows[3:], "smoke", path, seconds=3.0)
    found = record.read(path)
    assert found["provenance"]["seconds"] == 5.0

    def key(row):
        return str(row)

    assert sorted(found["runs"], key=key) == sorted(rows, key=key)
    assert {p.name for p in tmp_path.iterdir()} == {"data", "table.json", ".table.json.lock"}


@pytest.mark.parametrize(("field", "value"), [("profile", "laptop"), ("code_version", "0" * 16)])
def test_results_of_another_profile_or_code_are_never_joined(rows, tmp_path, field, value):
    path = tmp_path / "table.json"
    record.write(rows, "smoke", path, seconds=1.0)
    other = json.loads(path.read_text())
    other["provenance"][field] = value
    path.write_text(json.dumps(other))
    with pytest.raises(ValueError, match=f"path must hold results of {field}"):
        record.write(rows, "smoke", path, seconds=1.0)
    assert json.loads(path.read_text()) == other
    record.write(rows, "smoke", path, seconds=1.0, replace=True)
    assert record.read(path)["provenance"][field] != value


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b'{"runs": []}', b'{"provenance": {}, "runs": [{}]}', b"[]", b"\xff\xfe", b"3"),
        b'{"provenance": {"profile": 1, "code_version": 2}, "runs": [[]]}',
        b'{"provenance": {"profile": 1, "code_version": 2}, "runs": [{"arm": []}]}',
    ],
)
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "table.json").write_bytes(content)
    with pytest.raises(ValueError, match="path must hold a recorded table"):
        record.read(tmp_path / "table.json")


def test_a_row_recorded_twice_is_refused(rows, tmp_path):
    record.write(rows, "smoke", tmp_path / "table.json", seconds=1.0)
    twice = json.loads((tmp_path / "table.json").read_text())
    twice["runs"].append(twice["runs"][0])
    (tmp_path / "table.json").write_text(json.dumps(twice))
    with pytest.raises(ValueError, match="every row once"):
        record.read(tmp_path / "table.json")


def test_a_full_disk_keeps_the_file_before(rows, tmp_path, monkeypatch):
    path = tmp_path / "table.json"
    record.write(rows[:5], "smoke", path, seconds=1.0)
    before = path.read_bytes()

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(OSError, match=r"table\.json could not be written"):
        record.write(rows, "smoke", path, seconds=1.0)
    assert path.read_bytes() == before and not list(tmp_path.glob("*.part"))


FORK = multiprocessing.get_context("fork")


def write_four(writer, path, barrier):
    barrier.wait(timeout=60)
    for j in range(4):
        row = dict.fromkeys(record.KEY, "x") | {"seed": 4 * writer + j}
        record.write([row], "smoke", path, seconds=1.0)


def written_by_six(path):
    """Rows in a file to which six processes write four each, all of them at once."""
    barrier = FORK.Barrier(6)
    writers = [FORK.Process(target=write_four, args=(i, path, barrier)) for i in range(6)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join(timeout=120)
    assert [writer.exitcode for writer in writers] == [0] * 6
    table = record.read(path)
    return sorted(row["seed"] for row in table["runs"]), table["provenance"]["seconds"]


def test_six_processes_lose_no_row(tmp_path):
    assert written_by_six(tmp_path / "table.json") == (list(range(24)), 24.0)


def test_a_lost_row_would_be_noticed(tmp_path, monkeypatch):
    """The control: without the lock, all of them read before any of them writes."""
    both, merged = FORK.Barrier(6), recording.joined

    def slowly(*given):
        both.wait(timeout=60)
        return merged(*given)

    monkeypatch.setattr(files, "locked", lambda path: nullcontext())
    monkeypatch.setattr(recording, "joined", slowly)
    found, seconds = written_by_six(tmp_path / "table.json")
    assert len(found) < 24 and seconds < 24


def refused(arguments, capfd):
    """What is said of a wrong call: one line, with exit status 2."""
    with pytest.raises(SystemExit) as stopped:
        command.main(arguments)
    assert stopped.value.code == 2
    (line,) = capfd.readouterr().err.strip().splitlines()
    return line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "huge"], "profile must be one of laptop, workstation, paper, smoke"),
        (["--arms", "magic"], "arms must be one of"),
        (["--arms", "ssl", "ssl"], "arms must be different"),
        (["--pretexts", "jigsaw"], "pretexts must be one of"),
        (["--adversaries", "oracle"], "adversaries must be one of"),
        (["--arms", "processor", "--n0", "501"], "n0 must be at most 500 labels"),
        (["--arms", "processor", "--n0", "1"], "n0 must reach labels of two classes, got 1"),
        (["--arms", "alternative", "--n0", "1"], "n0 must reach labels of two classes, got 1"),
        (["--arms", "alternative", "--n0", "0"], "--n0: must be a positive integer"),
        (["--arms", "ssl", "--n0", "many"], "--n0: must be a positive integer"),
        (["--arms", "beyond", "--beyond", "2501"], "beyond must be at most 2500 labels"),
        (["--arms", "beyond", "--beyond", "1"], "beyond must reach labels of two classes, got 1"),
        (["--seeds", "-1"], "--seeds: must be an integer of at least 0"),
        (["--seeds", "0", "0"], "seeds must be different"),
        (["--jobs", "0"], "--jobs: must be a positive integer"),
        (["--n0", "10", "--beyond", "10", "--device", "nowhere"], "device must be one"),
        (["--device", "cuda:99"], "device must be one"),
        (["--device", ""], "device must be one"),
        (["--out", "nowhere/table.json"], "--out: the output must be in a folder that is there"),
        (["--out", "."], "--out: the output must be a file"),
        (["--unknown"], "unrecognized arguments: --unknown"),
        (["more"], "unrecognized arguments: more"),
    ],
)
def test_a_wrong_call_is_one_line(arguments, message, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    arguments = ["--profile", "smoke", "--out", "table.json", *arguments]
    assert message in refused(["table", *arguments], capfd)
    assert {path.name for path in tmp_path.iterdir()} == {"data"}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "the following arguments are required: command"),
        (["collapse"], "the following arguments are required: path"),
        (["collapse", "nowhere/c.json"], "the output must be in a folder that is there"),
        (["collapse", "."], "the output must be a file, got the folder"),
        (["collapse", "c.json", "--jobs", "two"], "--jobs: must be a positive integer"),
        (["chance"], "the following arguments are required: path"),
        (["chance", "nowhere/c.json"], "the output must be in a folder that is there"),
        (["chance", "c.json", "--profile", "huge"], "profile must be one of laptop"),
        (["chance", "c.json", "--seeds", "-1"], "--seeds: must be an integer of at least 0"),
        (["table"], "path must be in a folder that is there, got sslboost/pages/recorded"),
        (["table", "--profile", "paper"], "recorded/cifar10-paper.json"),
        (["fetch", "more"], "unrecognized arguments: more"),
    ],
)
def test_a_wrong_command_is_one_line(arguments, message, tmp_path, monkeypatch, capfd):
    monkeypatch.chdir(tmp_path)
    assert message in refused(arguments, capfd)


def test_a_file_of_other_results_is_found_before_anything_is_measured(
    rows, tmp_path, monkeypatch, capfd
):
    monkeypatch.setattr(record, "run", None)
    (tmp_path / "table.json").write_text("[]")
    line = refused(["table", "--profile", "smoke", "--out", str(tmp_path / "table.json")], capfd)
    assert "path must hold a recorded table" in line


def test_a_cell_that_fails_is_one_line(tmp_path, monkeypatch, capfd):
    def failing(*_, **__):
        raise MemoryError("of this cell")

    monkeypatch.setattr(cells, "part_of", failing)
    out = ["--out", str(tmp_path / "table.json")]
    status = command.main(["table", "--profile", "smoke", "--arms", "ssl", "--seeds", "0", *out])
    (line,) = capfd.readouterr().err.strip().splitlines()[-1:]
    assert status == 1 and "of this cell" in line and "'profile': 'smoke'" in line


def test_a_checkpoint_that_cannot_be_kept_is_found_before_training(tmp_path, monkeypatch):
    (tmp_path / "data" / "checkpoints").write_text("not a folder")
    monkeypatch.setattr("sslboost.images.training.augment", None)
    with pytest.raises(RuntimeError, match="the folder of a checkpoint must be a folder"):
        record.run("smoke", arms=("ssl",), seeds=(0,))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"arms": "ssl"}, "arms must be a sequence of untrained, ssl, supervised"),
        ({"arms": ()}, "arms must be a sequence of untrained, ssl, supervised"),
        ({"arms": [["ssl"]]}, "arms must be one of untrained, ssl, supervised"),
        ({"n0": 100}, "n0 must be a sequence of integers, got 100"),
        ({"n0": [100.5]}, "n0.0. must be a positive integer, got 100.5"),
        ({"n0": "100"}, "n0 must be a sequence of integers, got '100'"),
        ({"seeds": None}, "seeds must be a sequence of integers"),
        ({"lams": 1.0}, "lams must be a sequence of numbers, got 1.0"),
        ({"lams": [-1]}, "lams must be at least 0"),
        ({"lams": [1, 1.0]}, "lams must be different"),
        ({"seeds": [True]}, "seeds.0. must be an integer of at least 0"),
        ({"compiled": "no"}, "compiled must be True or False"),
        ({"device": None}, "device must be one that is there, got None"),
        ({"profile": 3}, "profile must be one of laptop, workstation, paper, smoke"),
        ({"cache_dir": ["a"], "arms": ["ssl"]}, "cache_dir must be a path"),
    ],
)
def test_a_wrong_table_is_named(arguments, named):
    with pytest.raises(ValueError, match=named):
        record.run(**{"profile": "smoke", **arguments})


@pytest.mark.parametrize(
    ("call", "named"),
    [
        (lambda path: record.write([], "tiny", path, seconds=1.0), "profile must be one of"),
        (lambda path: record.write([{}], "smoke", path, seconds=1.0), "rows must be rows of a"),
        (lambda path: record.write("rows", "smoke", path, seconds=1.0), "rows must be rows of a"),
        (lambda path: record.write([], "smoke", path, seconds=-1), "seconds must be at least 0"),
        (lambda path: record.write([], "smoke", path.parent, seconds=1.0), "path must be a file"),
        (lambda path: record.write([], "smoke", None, seconds=1.0), "path must be a path"),
        (lambda path: record.read(None), "path must be a path"),
        (lambda path: record.measure("smoke", path.parent), "path must be a file"),
        (lambda path: record.measure("tiny", path), "profile must be one of"),
        (lambda path: record.select([{"a": 1}], b=1), "runs must be rows with the column b"),
        (lambda path: record.select([3], b=1), "runs must be a list of rows"),
        (lambda path: record.select(None), "runs must be a list of rows, got None"),
        (lambda path: record.write([], "smoke", path, seconds=1.0, replace="no"), "replace must"),
        (lambda path: record.measure("smoke", path, replace=1), "replace must be True or False"),
        (lambda path: cells.ssl("tiny", "rotation", 0, "cpu", False), "profile must be one of"),
        (lambda path: cells.ssl("smoke", "turns", 0, "cpu", False), "pretext must be one of"),
        (lambda path: cells.ssl("smoke", "rotation", -1, "cpu", False), "seed must be an integer"),
        (lambda path: cells.ssl("smoke", "rotation", 0, "tpu", False), "device must be one"),
        (lambda path: cells.ssl("smoke", "rotation", 0, "cpu", 1), "compiled must be True or"),
        (
            lambda path: cells.alternative("smoke", "rotation", 501, False, 0, "cpu", False),
            "n0 must be at most 500, got 501",
        ),
        (
            lambda path: with_processor("x", 9, False),
            "adversary must be one of",
        ),
        (
            lambda path: with_processor("linear", 1, False),
            "labelled must hold at least 2 images",
        ),
        (
            lambda path: with_processor("linear", 9, 1),
            "borrow must be True or False",
        ),
        (
            lambda path: processed.train_y_error(
                initial_processor(SMOKE.processor, seed=0), 3, [1]
            ),
            "extra must be a uint8 tensor",
        ),
        (lambda path: with_processor("linear", 9, False, lam=-1), "lam must be at least 0"),
        (lambda path: told(None), "images must be a uint8 tensor"),
        (lambda path: told(torch.zeros(4, 3, 32, 32, dtype=torch.uint8), 5), "batch must be at mo"),
        (lambda path: processed.train_y_error("f", None, None), "f must be a Processor, got str"),
    ],
)
def test_what_is_no_table_is_named(call, named, tmp_path):
    with pytest.raises(ValueError, match=named):
        call(tmp_path / "table.json")


def test_help_explains_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["table", "--help"])
    text = capsys.readouterr().out
    assert stopped.value.code == 0
    assert all(f"--{name}" in text for name in ("profile", "seeds", "device", "jobs", "replace"))


def test_a_killed_table_goes_on_and_ends_the_same(rows, tmp_path):
    cache, path = tmp_path / "data" / "table", tmp_path / "table.json"
    arguments = [sys.executable, "-m", "sslboost.images", "table", "--profile", "smoke"]
    arguments += [
        "--arms",
        "untrained",
        "ssl",
        "processor",
        "--adversaries",
        "linear",
        "--n0",
        "100",
        "200",
    ]
    arguments += ["--seeds", "0", "--out", str(path)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(cache.glob("*.json")):
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not path.exists()
    finished = {file: file.stat().st_mtime_ns for file in cache.glob("*.json")}
    assert 0 < len(finished) < 4
    subprocess.run(arguments, check=True, capture_output=True)
    assert all(file.stat().st_mtime_ns == written for file, written in finished.items())

    def key(row):
        return str(row)

    assert sorted(untimed(record.read(path)["runs"]), key=key) == sorted(untimed(rows), key=key)


def test_a_local_dask_cluster_gives_the_same_table(rows):
    distributed = pytest.importorskip("distributed")
    cluster = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None}
    with distributed.Client(**cluster), joblib.parallel_config("dask"):
        found = record.run("smoke", **SMALL)
    assert untimed(found) == untimed(rows)


def test_borrowed_labels_are_an_arm_of_their_own():
    beyond = record.run(
        "smoke", arms=("beyond",), adversaries=("linear",), beyond=(600,), seeds=(0,)
    )
    arms = {"beyond", "head", "encoder", "labels"}
    assert {(row["arm"], row["n0"]) for row in beyond} == {(arm, 600) for arm in arms}


def test_f_sees_every_label_as_often_and_supervised_training_is_no_longer_than_plain_ssl():
    laptop = PROFILES["laptop"]
    steps, batch = laptop.processor.steps, laptop.processor.network.batch
    assert laptop.processor_steps(1000) == laptop.processor_steps(batch) == steps
    assert laptop.processor_steps(5000) == round(steps * 5000 / batch)
    assert laptop.supervised_epochs(7500) == laptop.supervised
    assert laptop.supervised_epochs(35000) * 35000 == laptop.ssl.epochs * laptop.sizes[1]


def test_the_weight_of_the_pretext_term_is_that_of_the_row():
    how = {"arms": ("processor",), "adversaries": ("linear",), "n0": (100,), "seeds": (0,)}
    found = record.run("smoke", lams=(0.0, 1.0), **how)
    left = {row["lam"]: row["train_y_error"] for row in found}
    told = {row["lam"]: row["told"] for row in found}
    assert left.keys() == {0.0, 1.0} and left[0.0] < left[1.0] and told[0.0] > told[1.0]


def test_heads_on_batches_explain_more_by_chance():
    """Of a z that nothing tells, d_f / (n - 1) on average."""
    images = torch.tensor(data.load().train_images[:2000])
    f = initial_processor(SMOKE.processor, seed=0)

    class Drawn(type(PRETEXTS["rotation"])):
        def draw(self, images, generator):
            return images, torch.randint(4, (len(images),), generator=generator)

    whole, batches = processed.told_linearly(f, images, Drawn(), seed=0, batch=100)
    d_f = SMOKE.processor.features
    # A share r of d_f and n - 1 - d_f squares has variance 2 r / (n + 1) at most; twenty batches
    # of three dimensions of z each.
    for share, n, means in ((whole, 2000, 1), (batches, 100, 20)):
        expected = d_f / (n - 1)
        assert abs(share - expected) < 5.2 * np.sqrt(2 * expected / (n + 1) / (3 * means))
    assert batches > 5 * whole


def test_the_alternatives_start_from_plain_ssl():
    found = record.run("smoke", arms=("alternative",), n0=(300,), seeds=(0,))
    assert {row["arm"] for row in found} == {"head", "encoder", "labels"}
    assert len(list((data.folder() / "checkpoints").rglob("*-ssl-*.pt"))) == 1


def test_supervised_training_uses_the_labels_that_its_rows_name():
    how = {"arms": ("supervised",), "seeds": (0,)}
    full, half = record.run("smoke", **how)
    assert (full["labels"], half["labels"]) == ("full", "half")
    assert full["arm"] == "supervised" and full["features"] == "output"
    # Ten classes, 600 labels, two epochs of a tiny network: above chance, by its standard errors.
    assert full["accuracy"] > 0.1 + 4 * np.sqrt(0.09 / SMOKE.test)
    assert not list((data.folder() / "checkpoints").rglob("*supervised*"))
    chosen = PROFILES["smoke"]
    part = part_of(chosen, PRETEXTS["rotation"], 0)
    config = replace(chosen.ssl, epochs=chosen.supervised)
    own = part.rows["half"]
    trained = train_classifier(
        part.downstream[own], part.labels[own], config, seed=0, progress=False
    )
    outputs = sum(network_outputs(trained.network, x) for x in (part.test, part.test.flip(3)))
    assert half["accuracy"] == np.mean(outputs.argmax(1) == part.test_labels)


def test_a_seed_and_a_pretext_are_those_of_the_row(rows):
    other = untimed(record.run("smoke", arms=("ssl",), pretexts=("inpainting",), seeds=(3,)))
    assert {(row["pretext"], row["seed"]) for row in other} == {("inpainting", 3)}

    def accuracies(table):
        return [row["accuracy"] for row in table if row["arm"] == "ssl"]

    assert accuracies(other) != accuracies(rows)


def test_arithmetic_of_another_kind_is_measured_anew(monkeypatch):
    begun = []
    monkeypatch.setattr(cells, "part_of", lambda *_, **__: begun.append(1))
    for chosen in ("0", "1"):
        monkeypatch.setenv("SSLBOOST_BF16", chosen)
        with pytest.raises(RuntimeError):
            record.run("smoke", arms=("ssl",), seeds=(0,))
    # What one arithmetic measured is no row of the other.
    folder = data.folder() / "table"
    monkeypatch.setattr(record.sweep, "run", lambda cell, grid, cache, **how: [how["code_version"]])
    monkeypatch.setattr(record, "_tidy", lambda row: row)
    versions = set()
    for chosen in ("0", "1"):
        monkeypatch.setenv("SSLBOOST_BF16", chosen)
        versions.update(record.run("smoke", arms=("ssl",), seeds=(0,)))
    assert len(versions) == 2 and len(begun) == 2 and not list(folder.glob("*.json"))


def test_an_untrained_network_gives_numbers_as_large_as_a_trained_one_s():
    cifar = data.load()
    seen, others = (torch.tensor(cifar.train_images[part]) for part in np.split(np.arange(2000), 2))
    before = initial_processor(SMOKE.processor, seed=0)
    f = common.settled(initial_processor(SMOKE.processor, seed=0), seen)
    small, units = (network_outputs(net, others).std(axis=0) for net in (before, f))
    # A thousand images know a standard deviation to a few per cent, and so do a thousand others.
    assert small.max() < 0.2 and np.abs(units - 1).max() < 0.25
    assert not f.training and f.norm.momentum == before.norm.momentum
    weights = zip(before.parameters(), f.parameters(), strict=True)
    assert all(torch.equal(*pair) for pair in weights)
    with pytest.raises(ValueError, match="images must"):
        common.settled(f, others[:1])


def test_what_was_trained_is_found_again_after_a_change_of_what_only_reads(monkeypatch):
    trained = common.checkpoint_of("ssl", 0).path
    monkeypatch.setattr(common, "MODULES", common.MODULES[:-1])
    assert common.checkpoint_of("ssl", 0).path == trained
    assert common.checkpoint_of("ssl", 1).path != trained
    monkeypatch.setattr(training, "MODULES", training.MODULES[:-1])
    assert common.checkpoint_of("ssl", 0).path.parent != trained.parent


def test_every_module_that_decides_a_row_is_in_its_version():
    code = "import sys, sslboost.images.table.record; print(*sys.modules)"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name for name in run.stdout.split() if name.startswith("sslboost.")}
    # What only checks, keeps, fetches or records.
    idle = {f"sslboost.{name}" for name in ("core", "images", "images.checks", "images._sources")}
    idle |= {f"sslboost.images.{name}" for name in ("networks", "probe")}
    idle |= {f"sslboost.core.{name}" for name in ("files", "validation", "provenance")}
    idle |= {f"sslboost.images.table{name}" for name in ("", ".record", ".recording")}
    idle |= {name for name in loaded if name.startswith("sslboost.core.sweep")}
    assert loaded - idle == set(common.MODULES)
