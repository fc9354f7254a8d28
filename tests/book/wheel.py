"""Run the downloads of the built book where nothing but the wheel is.

    python -m tests.book.wheel [NAME ...]

A wheel is built and installed, with its `notebook` extra, in a new environment. There each download
(or those whose names are given, as 05-theorem-3) runs in an empty folder, as a reader would run it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"


def install(folder):
    """Build the wheel and install it in a new environment; return its interpreter."""
    wheels = folder / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "-w", str(wheels), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = wheels.glob("sslboost-*.whl")
    venv.create(folder / "venv", with_pip=True)
    python = folder / "venv" / "bin" / "python"
    locked = ["-c", str(ROOT / "constraints.txt")]
    subprocess.run(
        [python, "-m", "pip", "install", "-q", *locked, f"{wheel}[notebook]"], check=True
    )
    return python


def runs(python, notebook, folder):
    """Whether a notebook runs to its end in a new folder that holds nothing else."""
    folder.mkdir()
    shutil.copy(notebook, folder)
    own = {"HOME": str(folder), "JUPYTER_PREFER_ENV_PATH": "1", "OMP_NUM_THREADS": "1"}
    left_out = ("PYTHON", "JUPYTER", "IPYTHON", "SSLBOOST")
    inherited = {k: v for k, v in os.environ.items() if not k.startswith(left_out)}
    execute = ["-m", "nbconvert", "--to", "notebook", "--execute", "--inplace", "--log-level=WARN"]
    limit = "--ExecutePreprocessor.timeout=900"
    return not subprocess.run(
        [python, *execute, limit, notebook.name], cwd=folder, env=inherited | own
    ).returncode


def main(names):
    downloads = {one.stem: one for one in sorted(HTML.glob("book/*.ipynb"))}
    chosen = [downloads.get(name) for name in names or downloads]
    if not chosen or None in chosen:
        sys.exit(f"error: no such download; there are {list(downloads)}: run `make book`")
    with tempfile.TemporaryDirectory() as folder:
        python = install(Path(folder))
        failed = []
        for one in chosen:
            well = runs(python, one, Path(folder, one.stem))
            print(f"{'runs  ' if well else 'FAILED'}  {one.stem}", flush=True)
            failed += [] if well else [one.stem]
    sys.exit(f"error: {len(failed)} of {len(chosen)} downloads failed" if failed else 0)


if __name__ == "__main__":
    main(sys.argv[1:])
