"""The command line of the pages: a file, or one line that says what was wrong."""

import pytest

from sslboost.pages import __main__ as command
from sslboost.pages import overview
from sslboost.pages.cifar10 import live


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["unknown"],
        ["overview"],
        ["overview", "a.svg", "b.svg"],
        ["overview", "none/a.svg"],
        ["overview", "."],
        ["live", ""],
        ["live", "none/a.json"],
    ],
)
def test_a_wrong_call_is_one_line_and_status_2(arguments, capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as exit:
        command.main(arguments)
    assert exit.value.code == 2
    told = capsys.readouterr()
    assert told.out == "" and told.err.count("\n") == 1
    assert told.err.startswith("python -m sslboost.pages")


def test_the_overview_is_written(tmp_path):
    assert command.main(["overview", str(tmp_path / "a.svg")]) == 0
    assert "<svg" in (tmp_path / "a.svg").read_text()


def test_the_live_run_is_recorded(tmp_path, monkeypatch):
    written = []
    monkeypatch.setattr("sslboost.images.data.load", lambda: "images")
    monkeypatch.setattr(live, "run", lambda cifar: f"a run on {cifar}")
    monkeypatch.setattr(live, "record", lambda *arguments: written.append(arguments))
    assert command.main(["live", str(tmp_path / "a.json")]) == 0
    assert written == [("a run on images", tmp_path / "a.json")]


@pytest.mark.parametrize(
    "failure", [OSError("the disk\nis full"), RuntimeError("the disk is full")]
)
def test_a_failure_is_one_line_and_status_1(tmp_path, monkeypatch, capsys, failure):
    def fail(path):
        raise failure

    monkeypatch.setattr(overview, "write", fail)
    assert command.main(["overview", str(tmp_path / "a.svg")]) == 1
    assert capsys.readouterr().err == "python -m sslboost.pages: the disk is full\n"
