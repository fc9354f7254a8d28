"""The command ``sslboost advise``: what it writes, and its one line on a wrong call."""

import json
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from sslboost.advice import advise
from sslboost.advice.__main__ import main
from sslboost.population import GaussianPopulation

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def rows():
    root = np.random.default_rng(0).standard_normal((8, 12))
    parts = GaussianPopulation(root @ root.T, 4, 3, 1).sample(300, np.random.default_rng(1))
    names = ["a", "b", "c", "d", "z1", "z2", "z3", "label"]
    return pd.DataFrame(np.hstack(parts), columns=names)


@pytest.fixture(scope="module")
def files(rows, tmp_path_factory):
    tmp_path = tmp_path_factory.mktemp("files")
    rows.to_parquet(tmp_path / "rows.parquet", row_group_size=70)
    rows.to_csv(tmp_path / "rows.csv", index=False)
    np.savez(
        tmp_path / "rows.npz",
        x=rows.iloc[:, :4].to_numpy(),
        z=rows.iloc[:, 4:7].to_numpy(),
        label=rows["label"].to_numpy(),
    )
    (tmp_path / "text.parquet").write_text("no parquet")
    (tmp_path / "text.npz").write_text("no archive")
    (tmp_path / "binary.csv").write_bytes(b"\x89\xff\xfe\x00" * 9)
    (tmp_path / "empty.csv").write_text("")
    (tmp_path / "rows.txt").write_text("a,z,y\n1,2,3\n")
    rows.assign(a="n/a").to_csv(tmp_path / "words.csv", index=False)
    mixed = pd.concat([rows] * 220)  # more than one block of lines
    mixed = mixed.assign(b=[*["1.5"] * (len(mixed) - 1), "n/a?"])
    mixed.to_csv(tmp_path / "mixed.csv", index=False)
    return tmp_path


def run(*words):
    return main(["advise", *map(str, words)])


@pytest.mark.parametrize(
    ("name", "columns"),
    [
        ("rows.parquet", ["--x", "a", "b", "c", "d", "--z", "z*", "--y", "label"]),
        ("rows.csv", ["--z", "z", "--y", "label"]),
        ("rows.npz", ["--x", "x", "--z", "z", "--y", "label"]),
    ],
)
def test_it_says_what_advise_says_and_writes_figure_and_report(files, rows, capsys, name, columns):
    out = [
        "--labels",
        40,
        "--bootstrap",
        20,
        "--plot",
        files / "out.svg",
        "--json",
        files / "out.json",
    ]
    assert run(files / name, *columns, *out) == 0
    expected = advise(rows.iloc[:, :4], rows.iloc[:, 4:7], rows["label"], labels=40, bootstrap=20)
    printed = capsys.readouterr().out
    assert expected.verdict in " ".join(printed.split())
    written = json.loads((files / "out.json").read_text())
    for one, other in zip(written["uses"], expected.to_dict()["uses"], strict=True):
        assert one["name"] == other["name"]
        for key in ("risk", "low", "high", "ratio"):
            assert one[key] == (
                other[key] if isinstance(other[key], str | None) else pytest.approx(other[key])
            )
    assert (files / "out.svg").read_text().startswith("<?xml")
    left = [path.name for path in files.iterdir() if path.name.startswith(".")]
    assert left == []


WRONG = {
    "no such file": (["none.csv", "--z", "z", "--y", "label"], "must be a file that is there"),
    "another kind": (
        ["rows.txt", "--z", "z", "--y", "y"],
        "path must end with .parquet, .csv, .npz",
    ),
    "no parquet": (
        ["text.parquet", "--z", "z", "--y", "y"],
        "must be a parquet file that can be read",
    ),
    "no archive": (["text.npz", "--z", "z", "--y", "y"], "must be a npz file that can be read"),
    "no text": (["binary.csv", "--z", "z", "--y", "y"], "path must be a csv file|z must name"),
    "an empty file": (["empty.csv", "--z", "z", "--y", "y"], "must be a csv file that can be read"),
    "no such column": (["rows.csv", "--z", "w", "--y", "label"], "z must name columns of the file"),
    "y in x": (
        ["rows.csv", "--x", "a", "label", "--z", "z", "--y", "label"],
        "x and y must be different columns, got 'label' in both",
    ),
    "nothing for x": (["rows.npz", "--z", "x", "z", "--y", "label"], "x must name columns"),
    "one word for numbers": (["words.csv", "--z", "z", "--y", "label"], "X must"),
    "a word among numbers": (
        ["mixed.csv", "--z", "z", "--y", "label"],
        "X must hold numbers in 'b'",
    ),
    "no labels asked": (["rows.csv", "--z", "z", "--y", "label", "--labels", "0"], "--labels"),
    "another figure": (["rows.csv", "--z", "z", "--y", "label", "--plot", "a.txt"], "--plot"),
    "a folder for JSON": (["rows.csv", "--z", "z", "--y", "label", "--json", "."], "--json"),
    "no z": (["rows.csv", "--y", "label"], "--z"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_call_is_one_line_and_status_2(files, capsys, monkeypatch, case):
    words, said = WRONG[case]
    monkeypatch.chdir(files)
    with pytest.raises(SystemExit) as ended:
        run(*words)
    out, err = capsys.readouterr()
    assert ended.value.code == 2 and out == ""
    assert len(err.splitlines()) == 1
    assert any(part in err for part in said.split("|"))


def test_what_is_wrong_with_the_data_is_not_what_help_explains(files, rows, capsys, monkeypatch):
    monkeypatch.chdir(files)
    rows.assign(a=rows["a"].where(rows.index > 6)).to_csv("holes.csv", index=False)
    for words, said, helped in [
        (["holes.csv", "--z", "z", "--y", "label"], "got 7 missing in 'a' among rows 0 to", False),
        (["rows.csv", "--z", "z", "--y", "label", "--plot", "a.jpg2"], "must end in .svg", True),
    ]:
        with pytest.raises(SystemExit) as ended:
            run(*words)
        err = capsys.readouterr().err
        assert ended.value.code == 2 and said in err and ("--help explains" in err) == helped


def test_help_and_wrong_arguments_need_no_library_of_numbers():
    code = "import sys, sslboost.advice.__main__; print(*sys.modules)"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(told.stdout.split())
    assert not {"scipy", "pandas", "sklearn", "matplotlib", "torch"} & loaded
    assert "sslboost.core.command" in loaded


def test_the_command_is_an_entry_point_and_a_module():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["scripts"] == {"sslboost": "sslboost.advice.__main__:main"}
    command = [sys.executable, "-m", "sslboost.advice", "--help"]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert "usage: sslboost" in told and "advise" in told
