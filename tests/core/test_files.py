"""Files: whole or absent whoever else writes, and places that are checked before the work."""

import errno
import json
import os
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from sslboost.core import files

WRITERS = 6


def left(folder):
    return sorted(path.name for path in folder.rglob("*"))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path):
    path = tmp_path / "one.txt"
    files.write_text(path, "old µ\n")
    with pytest.raises(ZeroDivisionError), files.replacing(path) as file:
        file.write(b"half")
        raise ZeroDivisionError
    assert path.read_bytes() == "old µ\n".encode()
    with files.replacing(str(path)) as file:
        file.write(b"new")
        assert path.read_bytes() == "old µ\n".encode()
        assert len(left(tmp_path)) == 2
    assert path.read_bytes() == b"new"
    assert left(tmp_path) == ["one.txt"]


def test_writers_in_many_threads_leave_one_of_their_files_and_readers_see_whole_ones(tmp_path):
    path, start = tmp_path / "shared.json", threading.Barrier(WRITERS + 1)
    values = [{"writer": i, "values": [i] * 10_000} for i in range(WRITERS)]
    files.write_json(path, values[0])

    def write(i):
        start.wait(60)
        for _ in range(20):
            files.write_json(path, values[i])

    with ThreadPoolExecutor(WRITERS) as threads:
        writing = [threads.submit(write, i) for i in range(WRITERS)]
        start.wait(60)
        while not all(one.done() for one in writing):
            assert json.loads(path.read_text()) in values
        assert [one.exception() for one in writing] == [None] * WRITERS
    assert json.loads(path.read_text()) in values
    assert left(tmp_path) == ["shared.json"]


def test_locked_writers_lose_no_entry(tmp_path):
    path = tmp_path / "table.json"
    files.write_json(path, [])

    def add(i):
        for j in range(10):
            with files.locked(path):
                files.write_json(path, [*json.loads(path.read_text()), [i, j]])

    with ThreadPoolExecutor(WRITERS) as threads:
        list(threads.map(add, range(WRITERS)))
    rows = json.loads(path.read_text())
    assert sorted(rows) == [[i, j] for i in range(WRITERS) for j in range(10)]
    assert left(tmp_path) == [".table.json.lock", "table.json"]


def test_a_lock_is_given_back_after_an_error(tmp_path):
    with pytest.raises(ZeroDivisionError), files.locked(tmp_path / "a"):
        raise ZeroDivisionError
    with files.locked(tmp_path / "a") as lock:
        assert lock.is_locked
    assert not lock.is_locked


def test_what_is_no_file_is_not_replaced_by_one(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ValueError, match="path must be a file, got the device"):
        files.write_text(tmp_path / "pipe", "x")
    assert (tmp_path / "pipe").is_fifo()


@pytest.mark.parametrize("write", [files.write_text, files.write_json])
def test_a_rename_that_fails_names_the_file_and_keeps_the_old_one(tmp_path, monkeypatch, write):
    path = tmp_path / "one.txt"
    path.write_text("old")

    def refuse(source, target):
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), source, None, target)

    monkeypatch.setattr(os, "replace", refuse)
    with pytest.raises(OSError, match=r"one\.txt could not be written: Invalid cross") as told:
        write(path, "new")
    assert told.value.errno == errno.EXDEV
    assert path.read_text() == "old"
    assert left(tmp_path) == ["one.txt"]


def test_errors_of_other_kinds_of_files_are_told_in_the_same_way(tmp_path):
    class OddError(OSError):
        def __init__(self, url, *, code):
            super().__init__(errno.EIO, f"{url} answers {code}")

    with pytest.raises(OSError, match=r"one could not be written: there answers 404"):
        with files.replacing(tmp_path / "one"):
            raise OddError("there", code=404)
    with pytest.raises(FileNotFoundError, match="one could not be written: No such file"):
        files.write_text(tmp_path / "missing" / "one", "")
    assert left(tmp_path) == []


def test_a_link_stays_one_and_the_file_it_points_to_is_replaced(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "elsewhere" / "file")
    for text in ("new", "newer"):
        assert files.destination("out", tmp_path / "link") == tmp_path / "link"
        files.write_text(tmp_path / "link", text)
        assert (tmp_path / "link").is_symlink()
        assert (tmp_path / "elsewhere" / "file").read_text() == text
    (tmp_path / "astray").symlink_to(tmp_path / "missing" / "file")
    with pytest.raises(ValueError, match=r"out must be in a folder that is there, got .*astray"):
        files.destination("out", tmp_path / "astray")
    assert left(tmp_path) == ["astray", "elsewhere", "file", "link"]


def test_folders_that_are_closed_are_told_in_one_line(public_folder, closed):
    path = public_folder / "one.json"
    with closed(public_folder):
        with pytest.raises(ValueError, match=r"out must be where .* got .*one\.json: Permission"):
            files.destination("out", path)
        with pytest.raises(OSError, match=r"one\.json could not be written: Permission denied$"):
            files.write_json(path, 1)
        with pytest.raises(OSError, match=r"cache \S+ cannot be written to: Permission denied$"):
            files.made("cache", public_folder / "below")
        with pytest.raises(OSError, match=r"one\.json cannot be locked for writing: Permission d"):
            with files.locked(path):
                pass
    assert left(public_folder) == []


def test_a_lock_in_a_folder_that_is_not_there_does_not_wait(tmp_path):
    with pytest.raises(OSError, match="one cannot be locked for writing: No such file"):
        with files.locked(tmp_path / "missing" / "one"):
            pass
    assert left(tmp_path) == []


def test_a_destination_is_checked_and_nothing_is_left_there(tmp_path):
    (tmp_path / "old").write_text("old")
    for name in ("old", "new"):
        assert files.destination("out", str(tmp_path / name)) == tmp_path / name
    assert files.made("cache", str(tmp_path / "a" / "b")) == tmp_path / "a" / "b"
    assert files.made("cache", tmp_path / "a") == tmp_path / "a"
    assert left(tmp_path) == ["a", "b", "old"]


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("", r"out must be a file, got the folder \."),
        ("/", "out must be a file, got the folder /"),
        (".", "out must be a file, got the folder"),
        (os.devnull, "out must be a file, got the device /dev/null"),
        ("/no/such/folder/file", "out must be in a folder that is there, got /no/such"),
        ("x" * 300, "out must be .*got xxx.*File name too long"),
        (__file__ + "/below", "out must be in a folder that is there"),
        ("nul\0", "out must be a path, got"),
        (None, "out must be a path, got None"),
        (3, "out must be a path, got 3"),
        (b"bytes", "out must be a path, got b'bytes'"),
        (["a"], "out must be a path, got"),
    ],
)
def test_a_place_where_no_file_can_be_is_refused(path, message):
    with pytest.raises(ValueError, match=message):
        files.destination("out", path)


@pytest.mark.skipif(sys.platform != "linux", reason="/proc is Linux's")
def test_a_folder_that_takes_no_files_is_refused_whatever_its_permissions_say():
    with pytest.raises(ValueError, match="out must be where files can be written, got /proc/file"):
        files.destination("out", "/proc/file")
    with pytest.raises(OSError, match="cache /proc cannot be written to"):
        files.made("cache", "/proc")


def test_a_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("mine")
    for path in ("file", "file/below"):
        with pytest.raises(ValueError, match="cache must be a folder, got the file"):
            files.made("cache", tmp_path / path)
    assert (tmp_path / "file").read_text() == "mine"


@pytest.mark.parametrize("value", [np.eye(2), {1, 2}, np.int64(1), Path("a"), b"a", {(1, 2): 3}])
def test_what_json_cannot_hold_is_named_before_anything_is_written(tmp_path, value):
    path = tmp_path / "one.json"
    files.write_json(path, "old")
    with pytest.raises(ValueError, match="value must hold what JSON can, got"):
        files.write_json(path, [value])
    assert json.loads(path.read_text()) == "old"


def test_cycles_and_text_that_is_none_are_named(tmp_path):
    cycle = []
    cycle.append(cycle)
    with pytest.raises(ValueError, match="value must hold what JSON can"):
        files.write_json(tmp_path / "one", cycle)
    for text in (None, 3, b"bytes", "\udc80"):
        with pytest.raises(ValueError, match="text must be text that UTF-8 can hold"):
            files.write_text(tmp_path / "one", text)
    for path in (None, 3):
        with pytest.raises(ValueError, match="path must be a path"):
            files.write_text(path, "")
        with pytest.raises(ValueError, match="path must be a path"):
            with files.locked(path):
                pass
    assert left(tmp_path) == []
    with pytest.raises(OSError, match="could not be written: Is a directory"):
        files.write_text(tmp_path, "")
    with pytest.raises(OSError, match="/ could not be written"):
        files.write_text("/", "")
