"""Command lines: a wrong call is one line and status 2, a failure one line and status 1."""

import argparse
import io
import sys

import pytest

from sslboost.core.command import Parser, count, finish, output, seed


def parser():
    made = Parser(prog="tool")
    made.add_argument("--n", type=count)
    made.add_argument("--seed", type=seed)
    made.add_argument("--out", type=output)
    made.add_subparsers().add_parser("sub").add_argument("--deep", type=count)
    return made


def refused(capsys, *arguments):
    with pytest.raises(SystemExit) as left:
        parser().parse_args(arguments)
    assert left.value.code == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.count("\n") == 1
    assert err.endswith("; --help explains\n")
    return err


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "x", "", str(2**31), "9" * 5000, "nan"])
def test_what_is_no_count_is_one_line(capsys, text):
    line = refused(capsys, "--n", text)
    assert line.startswith(
        "tool: argument --n: must be a positive integer, at most 2147483647, got"
    )
    assert len(line) < 200


@pytest.mark.parametrize("text", ["-1", "1.5", "x", "", str(2**31)])
def test_what_is_no_seed_is_one_line(capsys, text):
    assert "argument --seed: must be an integer of at least 0" in refused(capsys, f"--seed={text}")


@pytest.mark.parametrize("arguments", [["--unknown"], ["--n"], ["more"], ["sub", "--deep", "0"]])
def test_other_wrong_calls_are_one_line(capsys, arguments):
    assert refused(capsys, *arguments).startswith("tool")


@pytest.mark.parametrize("place", ["", "missing/file", "."])
def test_a_place_that_takes_no_file_is_one_line(capsys, tmp_path, place):
    assert "argument --out: the output must be" in refused(capsys, "--out", str(tmp_path / place))


def test_right_arguments_are_passed(tmp_path):
    options = parser().parse_args(["--n", "1", "--seed", "0", "--out", str(tmp_path / "a\nb")])
    assert (options.n, options.seed, options.out) == (1, 0, tmp_path / "a\nb")
    assert (count("2147483647"), seed(" 7 ")) == (2**31 - 1, 7)
    wrong = [(count, "0"), (count, None), (seed, "-1"), (seed, 1.5), (output, str(tmp_path))]
    for check, text in wrong:
        with pytest.raises(argparse.ArgumentTypeError):
            check(text)


@pytest.mark.parametrize(
    ("returned", "status"), [(None, 0), (0, 0), (1, 1), (3, 3), (False, 0), (True, 1)]
)
def test_work_that_ends_says_its_status(returned, status):
    ended = finish(Parser(prog="tool"), lambda: returned)
    assert (ended, type(ended)) == (status, int)


def raising(error):
    def work():
        raise error

    return work


def test_a_wrong_value_is_status_2_and_a_failure_status_1(capsys):
    with pytest.raises(SystemExit) as left:
        finish(Parser(prog="tool"), raising(ValueError("n must be\n  odd")), OSError)
    assert left.value.code == 2
    assert capsys.readouterr().err == "tool: n must be odd; --help explains\n"
    assert finish(Parser(prog="tool"), raising(OSError(5, "no\n disk")), KeyError, OSError) == 1
    assert capsys.readouterr().err == "tool: [Errno 5] no disk\n"


def test_what_nobody_foresaw_is_raised():
    with pytest.raises(OSError, match="no disk"):
        finish(Parser(prog="tool"), raising(OSError("no disk")))
    with pytest.raises(ZeroDivisionError):
        finish(Parser(prog="tool"), raising(ZeroDivisionError()), OSError)
    with pytest.raises(KeyboardInterrupt):
        finish(Parser(prog="tool"), raising(KeyboardInterrupt()), OSError)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((None, print), "parser must be a ArgumentParser, got NoneType"),
        ((Parser(), 3), "work must be callable, got int"),
        ((Parser(), print, 3), "failures must be exception classes, got 3"),
        ((Parser(), print, OSError()), "failures must be exception classes"),
    ],
)
def test_what_is_no_command_is_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        finish(*arguments)


def test_letters_that_a_terminal_lacks_do_not_end_the_work(monkeypatch):
    terminal = io.TextIOWrapper(io.BytesIO(), encoding="ascii")
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setattr(sys, "stderr", None)
    assert finish(Parser(prog="tool"), lambda: print("λ < 1")) == 0
    terminal.flush()
    assert terminal.buffer.getvalue() == b"\\u03bb < 1\n"
