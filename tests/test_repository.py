"""What maintainers rely on beside the package and the book: spelling, make, integration."""

import re
import shlex
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

import sslboost

ROOT = Path(__file__).resolve().parents[1]


def spelled(*paths):
    """Return what codespell says of the paths, by the repository's settings."""
    command = [sys.executable, "-m", "codespell_lib", *map(str, paths)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True).stdout


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("A behavior, regularized.", ["behaviour", "regularised"]),  # codespell:ignore
        ("The behaviour of teh slides.", ["the"]),  # codespell:ignore
        ("The colour is given to matplotlib as color, the loss to scipy.optimize.minimize.", []),
    ],
)
def test_american_spelling_and_slips_are_found_and_names_of_libraries_are_not(
    tmp_path, text, found
):
    file = tmp_path / "page.md"
    file.write_text(text, "utf-8")
    said = spelled(file)
    assert [line.rpartition(" ")[2] for line in said.splitlines()] == found


def test_a_commit_is_checked_by_what_make_lint_runs():
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text("utf-8"))
    hooks = {hook["id"]: hook for repo in config["repos"] for hook in repo["hooks"]}
    recipe = (ROOT / "Makefile").read_text("utf-8").partition("\nlint:")[2].partition("\n\n")[0]
    for tool in ("ruff check", "ruff format --check", "codespell_lib"):
        assert f"-m {tool}" in recipe
        assert any(f"-m {tool}" in hook.get("entry", "") for hook in hooks.values()), tool
    assert {"end-of-file-fixer", "check-yaml"} <= set(hooks)


def would_run(target, *settings):
    """Return the commands that make would give for a target, were nothing there."""
    command = ["make", "-n", "-B", "PYTHON=python3", *settings, target]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout


def test_pip_looks_where_it_is_told_and_nowhere_else():
    def options(*settings):
        said = would_run("install", *settings).replace("\\\n", " ")
        (line,) = [line for line in said.splitlines() if " -e " in line]
        return shlex.split(line.partition("pip-version-check")[2].partition("-c constraints")[0])

    assert options() == []
    assert options("INDEX=https://example.org/cpu?a&b") == [
        "--extra-index-url",
        "https://example.org/cpu?a&b",
    ]
    assert options("WHEELS=/some folder") == ["--find-links", "/some folder"]


def read(path):
    """Return what a YAML file of the repository holds; `on` is a word, not a truth."""
    return yaml.load((ROOT / path).read_text("utf-8"), yaml.BaseLoader)


def steps_of_integration():
    """Return every step that continuous integration takes."""
    jobs = read(".github/workflows/book.yml")["jobs"].values()
    prepared = read(".github/actions/prepare/action.yml")["runs"]["steps"]
    return [step for job in jobs for step in job["steps"]] + prepared


def test_integration_tests_every_supported_python_and_publishes_from_main_alone():
    jobs = read(".github/workflows/book.yml")["jobs"]
    pythons = jobs["test"]["strategy"]["matrix"]["python"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert project["requires-python"] == f">={pythons[0]}"
    assert pythons == [f"3.{minor}" for minor in range(11, 15)]
    assert {"run": "make test"} in jobs["test"]["steps"]
    assert {"run": "make coverage"} in jobs["coverage"]["steps"]
    assert jobs["build"]["needs"] == ["test", "coverage"] and jobs["publish"]["needs"] == "build"
    assert "refs/heads/main" in jobs["build"]["if"]
    for job in jobs.values():
        assert "timeout-minutes" in job


def test_integration_takes_actions_of_one_version_and_targets_and_settings_that_are_there():
    steps = steps_of_integration()
    used = [step["uses"] for step in steps if not step.get("uses", "./").startswith("./")]
    assert len(used) >= 6
    assert [one for one in used if not re.fullmatch(r"[\w-]+/[\w-]+@v\d+\.\d+\.\d+", one)] == []
    commands = "\n".join(step.get("run", "") for step in steps)
    targets = set(re.findall(r"\bmake ([a-z-]+)", commands))
    assert targets == {"install", "pdf", "test", "coverage"}
    makefile = (ROOT / "Makefile").read_text("utf-8")
    assert [one for one in targets if not re.search(rf"^{one}:", makefile, re.M)] == []
    assert 'book_repository: ""' in (ROOT / "_config.yml").read_text("utf-8")  # what sed replaces
    (printed,) = re.findall(r"ROOT / (.*\.pdf\")", (ROOT / "book/pdf.py").read_text("utf-8"))
    assert printed.replace('" / "', "/").strip('"') in commands


@pytest.mark.parametrize("name", ["fault", "mathematics", "question"])
def test_a_form_says_what_it_is_for_and_asks_where(name):
    form = read(f".github/ISSUE_TEMPLATE/{name}.yml")
    assert form["name"] and form["description"].endswith(".")
    fields = {field["id"]: field for field in form["body"]}
    assert fields["where"]["validations"]["required"] == "true"
    assert len(fields) == len(form["body"]) >= 2


def test_the_changelog_names_what_make_can_do_and_no_other_version():
    text = (ROOT / "CHANGELOG.md").read_text("utf-8")
    makefile = (ROOT / "Makefile").read_text("utf-8")
    for target in re.findall(r"`make ([a-z-]+)", text):
        assert re.search(rf"^{target}:", makefile, re.M), target
    assert set(re.findall(r"\b\d+\.\d+\.\d+\b", text)) == {"1.1.0", sslboost.__version__}
