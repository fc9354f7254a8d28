"""The table: its rows, its file, its command line, and what interrupts it."""

import json
import os
import signal
import subprocess
import sys
import time

import joblib
import numpy as np
import pytest

from sslboost.images import __main__ as command
from sslboost.images import data
from sslboost.images.pretexts import PRETEXTS
from sslboost.images.table import cells, record
from sslboost.images.table.profiles import PROFILES
from sslboost.pages import mechanism, report

SMALL = {"arms": ("ssl", "processor"), "adversaries": ("linear",), "n0": (100, 200), "seeds": (0,)}
FIELDS = {
    *("arm", "psi", "adversary", "pretext", "n0", "labels", "seed", "accuracy"),
    *("accuracy_last_layer", "accuracy_output", "pretext_accuracy", "train_y_error", "seconds"),
}


def private_cache(folder):
    """A data folder with the real images and no finished cells."""
    folder.mkdir()
    (folder / "cifar10").symlink_to(data.folder() / "cifar10", target_is_directory=True)
    return folder


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    data.load()
    monkeypatch.setenv("SSLBOOST_DATA", str(private_cache(tmp_path / "data")))


@pytest.fixture(scope="module")
def rows(tmp_path_factory):
    data.load()
    folder = private_cache(tmp_path_factory.mktemp("shared") / "data")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SSLBOOST_DATA", str(folder))
        return record.run("smoke", **SMALL)


def untimed(rows):
    return [{name: value for name, value in row.items() if name != "seconds"} for row in rows]


def test_every_row_names_its_arm_and_says_what_was_measured(rows):
    assert len(rows) == 3 * 2 + 2 * 4 * 2  # pixels, random, ssl; two n0, four readings; two labels
    for row in rows:
        assert row.keys() >= FIELDS
        numbers = [value for value in row.values() if isinstance(value, float)]
        assert np.isfinite(numbers).all()
        assert 0 <= row["accuracy"] <= 1
    assert {row["psi"] for row in rows if row["arm"] == "processor"} == set(report.READINGS)


def test_half_of_the_labels_are_among_all_of_them_and_drawn_by_the_seed():
    part, other = (cells.Part(PROFILES["smoke"], PRETEXTS["rotation"], seed) for seed in (0, 1))
    half = part.rows["half"]
    assert len(half) == len(part.rows["full"]) // 2 == len(set(half.tolist()))
    assert not np.array_equal(half, other.rows["half"])


def test_a_table_is_written_read_and_joined(rows, tmp_path):
    path = tmp_path / "table.json"
    record.write(rows[:5], "smoke", path, seconds=2.0)
    record.write(rows[3:], "smoke", path, seconds=3.0)
    found = record.read(path)
    assert found["provenance"]["seconds"] == 5.0

    def key(row):
        return str(row)

    assert sorted(found["runs"], key=key) == sorted(rows, key=key)
    assert [p.name for p in tmp_path.iterdir() if p.suffix != ""] == ["table.json"]


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


@pytest.mark.parametrize("content", ["", '{"runs": []}', '{"provenance": {}, "runs": [{}]}'])
def test_a_file_that_is_no_table_is_refused(tmp_path, content):
    (tmp_path / "table.json").write_text(content)
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


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--profile", "huge"], "profile must be among laptop, paper, smoke"),
        (["--arms", "magic"], "arms must be among"),
        (["--pretexts", "jigsaw"], "pretexts must be among"),
        (["--adversaries", "oracle"], "adversaries must be among"),
        (["--arms", "processor", "--n0", "501"], "n0 must be at most 500 labels"),
        (["--arms", "alternative", "--n0", "0"], "n0 must be"),
        (["--arms", "beyond", "--beyond", "2501"], "beyond must be at most 2500 labels"),
        (["--seeds", "-1"], "seeds must be"),
        (["--n0", "10", "--beyond", "10", "--device", "nowhere"], "device must be one"),
    ],
)
def test_a_wrong_argument_is_one_line(arguments, message, tmp_path, capfd):
    out = ["--out", str(tmp_path / "table.json")]
    assert command.main(["table", "--profile", "smoke", *out, *arguments]) == 1
    lines = capfd.readouterr().err.strip().splitlines()
    assert len(lines) == 1 and message in lines[0]
    assert not (tmp_path / "table.json").exists()


def test_a_missing_folder_is_found_before_anything_is_measured(tmp_path, capsys):
    path = str(tmp_path / "nowhere" / "table.json")
    assert command.main(["table", "--profile", "smoke", "--out", path]) == 1
    assert "path must be in a folder that is there" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["--n0", "many"], ["--unknown"]])
def test_what_cannot_be_parsed_is_one_line(arguments, capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["table", *arguments])
    assert stopped.value.code == 2
    assert len(capsys.readouterr().err.strip().splitlines()) == 1


def test_help_explains_every_option(capsys):
    with pytest.raises(SystemExit) as stopped:
        command.main(["table", "--help"])
    text = capsys.readouterr().out
    assert stopped.value.code == 0
    assert all(f"--{name}" in text for name in ("profile", "seeds", "device", "jobs", "replace"))


def test_a_killed_table_goes_on_and_ends_the_same(rows, tmp_path):
    cache, path = tmp_path / "data" / "table", tmp_path / "table.json"
    arguments = [sys.executable, "-m", "sslboost.images", "table", "--profile", "smoke"]
    arguments += ["--arms", "ssl", "processor", "--adversaries", "linear", "--n0", "100", "200"]
    arguments += ["--seeds", "0", "--out", str(path)]
    process = subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while process.poll() is None and not list(cache.glob("*.json")):
        time.sleep(0.05)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL and not path.exists()
    finished = {file: file.stat().st_mtime_ns for file in cache.glob("*.json")}
    assert 0 < len(finished) < 3
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
    assert {(row["arm"], row["n0"]) for row in beyond} == {("beyond", 600)}


def test_the_alternatives_start_from_plain_ssl():
    found = record.run("smoke", arms=("alternative",), n0=(300,), seeds=(0,))
    assert {row["arm"] for row in found} == {"head", "encoder"}
    assert len(list((data.folder() / "checkpoints" / cells.version()).glob("*-ssl-*.pt"))) == 1


def test_paired_differences_are_taken_seed_by_seed():
    runs = [
        {"arm": arm, "seed": seed, "accuracy": level + 0.1 * seed}
        for arm, level in [("a", 0.5), ("b", 0.4)]
        for seed in range(3)
    ]
    runs[0]["accuracy"] += 0.003
    difference = np.array([0.103, 0.1, 0.1])
    error = difference.std(ddof=1) / np.sqrt(3)
    value = report.separation(runs, {"arm": "a"}, {"arm": "b"})
    assert value == pytest.approx(difference.mean() / error)
    with pytest.raises(ValueError, match="better and worse must share two seeds"):
        report.separation(runs, {"arm": "a"}, {"arm": "c"})


def test_the_label_explains_colours_and_not_turns():
    import torch

    cifar = data.load()
    images, labels = torch.tensor(cifar.train_images[:4000]), cifar.train_labels[:4000]
    rotation, colours = (
        mechanism.dependence(images, labels, PRETEXTS[name])
        for name in ("rotation", "colourisation")
    )
    # 27 chi-squared terms of mean 9 / (n - 1) in all: four times the mean is beyond 1e-9.
    assert rotation.label < 4 * rotation.chance < colours.label
    assert colours.shuffled < 4 * colours.chance < colours.yhat
