"""Provenance names the code, the machine and the versions that made a result."""

import importlib.metadata
import json
import platform
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path

import pytest

from sslboost.core import provenance

PACKAGE = Path(provenance.__file__).parents[1]


def test_describe_is_complete_and_can_be_stored():
    facts = json.loads(json.dumps(provenance.describe()))
    assert set(facts) == {"commit", "code_version", "command", "hardware", "versions", "date"}
    assert facts["versions"]["numpy"] == importlib.metadata.version("numpy")
    assert datetime.fromisoformat(facts["date"]).tzinfo is not None


def test_the_command_can_be_given_again(monkeypatch):
    monkeypatch.setattr(sys, "orig_argv", ["/usr/bin/python3.11", "-c", "print(1); 2", "a b"])
    assert provenance.describe()["command"] == "python -c 'print(1); 2' 'a b'"


def test_a_table_escapes_what_it_shows(monkeypatch):
    monkeypatch.setattr(provenance, "_processor", lambda: "fast & <small>")
    html = provenance.table()._repr_html_()
    assert "fast &amp; &lt;small&gt;</td>" in html
    assert f"source {provenance.code_version()}" in html


def test_what_is_not_there_is_said(monkeypatch):
    monkeypatch.setattr(provenance, "_PACKAGES", ("no-such-package",))
    monkeypatch.setattr(Path, "read_text", lambda *_: (_ for _ in ()).throw(OSError))
    facts = provenance.describe()
    assert facts["versions"]["no-such-package"] == "not installed"
    assert facts["commit"] == "unknown"
    assert facts["hardware"].endswith((platform.processor(), platform.machine()))


@pytest.fixture
def copied(tmp_path, monkeypatch):
    """``copied(folder)`` puts the package into it and makes it the one that is asked."""

    def copy(folder):
        package = folder / "sslboost"
        shutil.copytree(PACKAGE, package, ignore=shutil.ignore_patterns("__pycache__"))
        monkeypatch.setattr(provenance, "__file__", str(package / "core" / "provenance.py"))
        return package

    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GIT_DIR", raising=False)
    return copy


def git(folder, *arguments):
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
    command = ["git", "-C", str(folder), *who, *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


def commit(folder):
    """Make the folder a repository where it is none, commit all of it, return the commit."""
    git(folder, "init", "--quiet")
    git(folder, "add", "--all")
    git(folder, "commit", "--quiet", "--message", "all")
    return git(folder, "rev-parse", "HEAD")


def recorded():
    return provenance.describe()["commit"]


OURS = '[project]\nname = "sslboost"\n'
OTHERS = '[project]\nname = "other"\n'


@pytest.fixture
def ours(tmp_path, copied):
    """The package in a repository of its own, and that repository's commit."""
    root = tmp_path / "ours"
    root.mkdir()
    (root / "pyproject.toml").write_text(OURS)
    (root / ".gitignore").write_text("__pycache__/\nignored.py\n.venv\n")
    copied(root)
    return root, commit(root)


def test_the_commit_is_that_of_the_packages_repository(ours):
    assert recorded() == ours[1]


@pytest.mark.parametrize(
    ("name", "changed"),
    [
        ("pyproject.toml", True),
        ("sslboost/core/linalg.py", True),
        ("sslboost/new.py", True),
        ("sslboost/core/new.py", True),
        ("sslboost/ignored.py", True),
        ("notes.txt", False),
        ("book/new.py", False),
    ],
)
def test_changes_and_new_files_of_the_package_are_told(ours, name, changed):
    root, commit = ours
    (root / name).parent.mkdir(exist_ok=True)
    with (root / name).open("a") as file:
        file.write("\n")
    assert recorded() == commit + ("+changes" if changed else "")


def test_a_file_that_is_gone_is_a_change(ours):
    (ours[0] / "sslboost" / "core" / "linalg.py").unlink()
    assert recorded() == ours[1] + "+changes"


def test_compiled_files_are_no_change(ours):
    (ours[0] / "sslboost" / "__pycache__").mkdir()
    (ours[0] / "sslboost" / "__pycache__" / "a.pyc").write_bytes(b"x")
    assert recorded() == ours[1]


def test_another_repository_of_the_environment_misleads_nobody(ours, tmp_path, monkeypatch):
    other = tmp_path / "other"
    other.mkdir()
    (other / "file").write_text("other")
    assert commit(other) != ours[1]
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other / ".git" / "index"))
    assert recorded() == ours[1]


def test_a_worktree_tells_its_own_commit(ours, tmp_path, monkeypatch):
    root, first = ours
    git(root, "worktree", "add", "--quiet", str(tmp_path / "tree"))
    (root / "file").write_text("more")
    assert commit(root) != first
    file = tmp_path / "tree" / "sslboost" / "core" / "provenance.py"
    monkeypatch.setattr(provenance, "__file__", str(file))
    assert recorded() == first


def test_a_link_to_the_package_leads_to_its_repository(ours, tmp_path, monkeypatch):
    (tmp_path / "sslboost").symlink_to(ours[0] / "sslboost")
    file = tmp_path / "sslboost" / "core" / "provenance.py"
    monkeypatch.setattr(provenance, "__file__", str(file))
    assert recorded() == ours[1]


@pytest.mark.parametrize(
    ("where", "project", "tracked"),
    [
        (".venv/lib/site-packages", OURS, False),
        (".venv/lib/site-packages", OTHERS, True),
        ("vendored", OURS, True),
        (".", OURS, False),
        (".", OTHERS, True),
        (".", "no TOML [", True),
        (".", "a = 1", True),
        (".", "project = 1", True),
        (".", None, True),
    ],
)
def test_the_commit_of_a_repository_around_the_package_is_not_ours(
    tmp_path, copied, where, project, tracked
):
    around = tmp_path / "around"
    inner = around / where
    inner.mkdir(parents=True)
    (around / "file").write_text("theirs")
    if project:
        (around / "pyproject.toml").write_text(project)
        (inner / "pyproject.toml").write_text(project)
    if tracked:
        copied(inner)
    commit(around)
    if not tracked:
        copied(inner)
    assert recorded() == "unknown"


def test_without_a_commit_a_repository_or_git_it_is_unknown(ours, tmp_path, copied, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert recorded() == "unknown"
    monkeypatch.undo()
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "pyproject.toml").write_text(OURS)
    package = copied(tmp_path / "bare")
    monkeypatch.setattr(provenance, "__file__", str(package / "core" / "provenance.py"))
    assert recorded() == "unknown"
    git(tmp_path / "bare", "init", "--quiet")
    git(tmp_path / "bare", "add", "--all")
    assert recorded() == "unknown"


def test_code_version_follows_every_source_file(tmp_path, copied):
    package = copied(tmp_path)
    before = provenance.code_version()
    assert before == provenance.code_version()
    with (package / "core" / "sweep" / "grids.py").open("a") as file:
        file.write("\n")
    changed = provenance.code_version()
    assert changed != before
    (package / "images" / "new.py").write_text("")
    assert len({before, changed, provenance.code_version()}) == 3
