"""The machinery of the evidence: it notices what it is there to notice, and nothing else."""

import json
import os
import subprocess

import pytest

from sslboost.core.validation import as_count
from tests.evidence import __main__ as evidence
from tests.evidence import calls, commands, kills, kinds, mutations, victims

SOURCE = "def double(n):\n    return 2 * n\n"
TEST = "from sslboost.toys.toy import double\n\n\ndef test_double():\n    assert double(3) == 6\n"


@pytest.fixture
def repository(tmp_path):
    """A repository with one function and one test."""
    files = {
        "sslboost/__init__.py": "",
        "sslboost/toys/__init__.py": "",
        "sslboost/toys/toy.py": SOURCE,
        "tests/toys/test_toy.py": TEST,
        "litter.pyc": "",
        ".gitignore": "*.pyc\n",
    }
    for name, text in files.items():
        (tmp_path / "repository" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "repository" / name).write_text(text)
    subprocess.run(["git", "init", "-q", str(tmp_path / "repository")], check=True)
    to = tmp_path / "copy"
    mutations.copy_repository(to, tmp_path / "repository")
    return to


def fault(new, old="2 * n"):
    return mutations.Fault("sslboost/toys/toy.py", old, new, "another number")


def test_a_copy_holds_what_git_knows_and_is_what_its_tests_import(repository):
    assert (repository / "sslboost/toys/toy.py").read_text() == SOURCE
    assert not (repository / "litter.pyc").exists()
    mutations.check_imports(repository)
    with pytest.raises(RuntimeError, match="must be imported"):
        mutations.check_imports(repository / "tests")


def test_a_planted_fault_is_noticed_and_a_harmless_edit_is_not(repository):
    assert mutations.noticed(fault("3 * n"), repository) == "tests/toys/test_toy.py::test_double"
    assert mutations.noticed(fault("n * 2"), repository) is None
    assert (repository / "sslboost/toys/toy.py").read_text() == SOURCE


def test_a_fault_that_does_not_fit_the_source_is_named(repository):
    for wrong in (fault("3 * n", "4 * n"), fault("m", "n"), fault("2 * n")):
        with (
            pytest.raises(LookupError, match="another number"),
            mutations.planted(wrong, repository),
        ):
            pass


def test_every_fault_of_the_list_fits_the_source(tmp_path):
    faults = mutations.load()
    mutations.copy_repository(tmp_path)
    assert len({(f.file, f.old, f.new) for f in faults}) == len(faults) >= 80
    for one in faults:
        with mutations.planted(one, tmp_path):
            pass


def refusing(n):
    """Refuse what is no count, but say so badly where it is None."""
    if n is None:
        raise ValueError("that will not do")
    return as_count("n", n)


def leaking(n):
    return abs(n)


def dying(n):
    os._exit(3)


def test_leaks_of_a_door_are_counted_and_refusals_are_not():
    door = calls.Door("toy", refusing, {"n": kinds.count(2)})
    tried, lost = calls.lost_of(door)
    assert tried > 20
    # The toy's own ValueError does not count either: it is raised outside the package.
    assert [found["what"] for found in lost] == ["toy: n = None"]
    tried, lost = calls.lost_of(calls.Door("toy", leaking, {"n": kinds.count(2)}))
    assert {"what": "toy: n = -1", "why": "was answered"} in lost
    assert any("TypeError" in found["why"] for found in lost if found["what"] == "toy: n = text")


def test_a_call_that_ends_its_process_is_lost_and_the_next_one_is_still_made():
    door = calls.Door("toy", dying, {"n": kinds.Kind(int, lambda right: {"a": 1, "b": 2})})
    tried, lost = calls.lost_of(door)
    assert (tried, len(lost)) == (2, 3)
    assert all("exit status 3" in found["why"] for found in lost)


def test_every_public_function_is_a_door_and_of_most_the_right_call_succeeds():
    names = {door.name for door in calls.doors()}
    assert {"criteria.gaps.c1_gap", "population.gaussian.GaussianPopulation.sample"} <= names
    assert len(names) > 200


@pytest.mark.parametrize(
    ("status", "said", "held"),
    [
        (2, "program: one line\n", True),
        (1, "program: one line\n", False),
        (0, "", False),
        (2, "", False),
        (2, "Traceback\nValueError: n\n", False),
    ],
)
def test_a_command_line_is_held_by_status_two_and_one_line(status, said, held):
    assert (commands.verdict(status, said) is None) == held


def test_wrong_lines_are_many_and_different():
    lines = [(program, *words) for program, words in commands.wrong_lines()]
    assert len(set(lines)) == len(lines) >= 80


def counting(folder, member):
    """Write ten numbers, each whole; the last tells the result."""
    for number in range(10):
        (folder / f"{member}").write_text(f"{number}")
    return "9"


def forgetting(folder, member):
    """A writer that says it wrote a row, and did not."""
    victims._done(folder, member).write_text("7\n")
    return "done"


def tearing(folder, member):
    """A writer whose second run does not get over what the first one left."""
    left = folder / "left"
    if left.exists():
        return "another result"
    left.write_text("")
    victims.time.sleep(30)


def test_a_lost_write_is_noticed(tmp_path):
    folder = tmp_path / "work"
    folder.mkdir()
    assert victims.lost_rows(folder) is None
    kills.finish(victims.Victim("forgetting", forgetting, members=1), folder)
    assert victims.lost_rows(folder) == "rows [7] were written and are not there"


def test_kills_that_leave_nothing_torn_are_held_and_others_are_lost():
    good = victims.Victim("good", counting, members=1, disk=False)
    tried, lost = kills.kill_often(good, [("9", None)], 0.001, 1, seed=0)
    assert (tried, lost) == (1, [])
    bad = victims.Victim("bad", tearing, members=1)
    tried, lost = kills.kill_often(bad, [("done", None)], 0.5, 1, seed=0)
    assert tried == 1 and "returned another result" in lost[0]["why"]


def test_figures_are_merged_kind_by_kind(tmp_path):
    path = tmp_path / "evidence.json"
    lost = [{"what": "a", "why": ""}]
    evidence.merge(path, [evidence.row("kills", 3, []), evidence.row("command lines", 5, lost)])
    evidence.merge(path, [evidence.row("command lines", 6, [])])
    kinds_found = json.loads(path.read_text())["kinds"]
    assert [(k["kind"], k["tried"], k["lost"]) for k in kinds_found] == [
        ("command lines", 6, 0),
        ("kills", 3, 0),
    ]


def test_what_is_accepted():
    survivors = [{"what": "a", "why": "equivalent"}]
    assert evidence.accepted(evidence.row("planted faults", 20, survivors))
    assert not evidence.accepted(evidence.row("planted faults", 19, survivors))
    assert not evidence.accepted(evidence.row("planted faults", 99, [{"what": "a", "why": ""}]))
    assert not evidence.accepted(evidence.row("kills", 99, survivors))


def replacing():
    os.environ["REPLACED_BY_AN_ATTEMPT"] = "1"
    return 3, []


def test_what_one_attempt_replaces_is_in_its_place_for_the_next(tmp_path, monkeypatch):
    monkeypatch.setattr(evidence, "KINDS", {"calls": ("malformed calls", replacing)})
    assert evidence.main(["calls", "--out", str(tmp_path / "evidence.json")]) == 0
    (found,) = json.loads((tmp_path / "evidence.json").read_text())["kinds"]
    assert found["tried"] == found["held"] == 3
    assert "REPLACED_BY_AN_ATTEMPT" not in os.environ
