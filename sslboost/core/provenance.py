"""Where a result came from: code, commit, hardware, versions, command and date."""

import hashlib
import os
import platform
import shlex
import subprocess
import sys
import tomllib
from datetime import UTC, datetime
from html import escape
from importlib import metadata
from pathlib import Path

from sslboost import __version__

_PACKAGES = ("numpy", "scipy", "matplotlib", "joblib", "torch", "torchvision")


def describe():
    """Return what is needed to know how a result was computed.

    Returns
    -------
    dict
        ``commit`` (with ``+changes`` when files differ from it or the package has more of them;
        ``unknown`` where the package does not lie in a repository of its own), ``code_version``
        as of :func:`code_version`, ``command``, ``hardware``, ``versions`` (a dict) and ``date``
        (UTC, ISO 8601).
    """
    return {
        "commit": _commit(),
        "code_version": code_version(),
        "command": shlex.join(["python", *sys.orig_argv[1:]]),
        "hardware": f"{os.cpu_count()} cores, {_processor()}",
        "versions": {"Python": platform.python_version()}
        | {name: _version(name) for name in _PACKAGES},
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
    }


class _Table:
    def __init__(self, facts):
        self.facts = facts

    def _repr_html_(self):
        rows = "".join(
            f"<tr><th>{escape(name)}</th><td>{escape(value)}</td></tr>"
            for name, value in self.facts.items()
        )
        return f'<table class="provenance"><tbody>{rows}</tbody></table>'


def table():
    """Return the provenance of this run as a table.

    Returns
    -------
    object
        Displayed by Jupyter.
    """
    facts = describe()
    shown = {
        "sslboost": f"{__version__}, source {code_version()}",
        "hardware": facts["hardware"],
        "date": facts["date"],
    }
    return _Table(shown | facts["versions"])


def code_version():
    """Return 12 hexadecimal digits that change with any source file of the package.

    Returns
    -------
    str
    """
    root = Path(__file__).parents[1]
    digest = hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        digest.update(path.relative_to(root).as_posix().encode() + b"\0")
        digest.update(path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


def _commit():
    """Commit of the package's own repository, which is not that of a project around it."""
    package = Path(__file__).resolve().parents[1]
    root = package.parent
    try:
        project = tomllib.loads((root / "pyproject.toml").read_text("utf-8"))["project"]["name"]
        top = Path(_git(root, "rev-parse", "--show-toplevel"))
        if project != package.name or not top.samefile(root):
            return "unknown"
        own = [
            "pyproject.toml",
            f"{package.name}/__init__.py",
            f"{package.name}/core/provenance.py",
        ]
        _git(root, "ls-files", "--error-unmatch", *own)
        commit = _git(root, "rev-parse", "--verify", "HEAD")
        changed = _git(root, "status", "--porcelain", "--untracked-files=no")
        untracked = _git(root, "ls-files", "--others", f":(glob){package.name}/**/*.py")
    except (OSError, KeyError, TypeError, ValueError, subprocess.CalledProcessError):
        return "unknown"  # no git, no repository, or a project that is not ours
    return commit + ("+changes" if changed or untracked else "")


def _git(root, *arguments):
    """What git says in a folder, whatever repository the environment points to."""
    named = {k: v for k, v in os.environ.items() if k[:4] != "GIT_" or k[:10] == "GIT_CONFIG"}
    return subprocess.run(
        ["git", "-C", str(root), *arguments],
        env=named | {"GIT_OPTIONAL_LOCKS": "0"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()


def _processor():
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _version(name):
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"
