"""What is said of recorded results: by which code they were made, and of the evidence."""

import json
import re

import pytest

from sslboost.core import provenance
from sslboost.images.table import chance
from sslboost.images.table import common as table_common
from sslboost.pages import recordings

FACTS = {"commit": "0123456789abcdef+changes", "command": "a && b", "date": "2026-11-24T07:06:56"}


def write(path, content):
    path.write_text(json.dumps(content))
    return path


def test_a_recording_without_a_version_is_of_an_earlier_one(tmp_path):
    found = recordings.read(write(tmp_path / "a.json", {"provenance": FACTS, "rows": []}))
    assert (found.name, found.date, found.commit) == ("a.json", "2026-11-24", "0123456")
    assert found.command == "a\nb" and not found.current
    assert recordings.note(found).html == (
        '<p class="recorded">Recorded on 2026-11-24 with an earlier version of the code '
        "(commit 0123456).</p>"
    )


@pytest.mark.parametrize(
    ("facts", "current"),
    [
        ({"code_version": provenance.code_version()}, True),
        ({"code_version": "0" * 12}, False),
        ({"code_version": table_common.version(), "profile": "laptop"}, True),
        ({"code_version": chance.version(), "profile": "laptop"}, True),
        ({"code_version": table_common.version()}, False),
        ({"code_version": provenance.code_version(), "profile": "laptop"}, False),
    ],
)
def test_a_recording_of_this_code_says_so(tmp_path, facts, current):
    found = recordings.read(write(tmp_path / "a.json", {"provenance": FACTS | facts}))
    assert found.current == current
    assert ("this version of the code" in recordings.note(found).html) == current


def test_the_recordings_of_the_book_are_listed(cells):
    head, *rows = cells(recordings.table(recordings.FOLDER))
    assert head == ["file", "recorded on", "commit", "code", "command"]
    assert [row[0] for row in rows] == sorted(
        path.name for path in recordings.FOLDER.glob("*.json")
    )
    for row in rows:
        assert re.fullmatch(r"\d{4}-\d\d-\d\d", row[1]) and re.fullmatch("[0-9a-f]{7}", row[2])
        assert row[3] in ("of this build", "earlier") and row[4].startswith("python -m ")


@pytest.mark.parametrize(
    "content", ["", "[", "[]", "{}", '{"provenance": {}}', '{"provenance": 1}', "null"]
)
def test_a_file_without_its_origin_is_named(tmp_path, content):
    (tmp_path / "a.json").write_text(content)
    for function, path in ((recordings.read, tmp_path / "a.json"), (recordings.table, tmp_path)):
        with pytest.raises(ValueError, match="path must hold recorded results with their prov"):
            function(path)


def test_other_malformed_calls_are_named(tmp_path):
    with pytest.raises(FileNotFoundError):
        recordings.read(tmp_path / "none.json")
    with pytest.raises(ValueError, match="path must be a path"):
        recordings.read(3)
    with pytest.raises(ValueError, match="recording must be a Recording, got dict"):
        recordings.note({})
    with pytest.raises(ValueError, match="folder must hold recorded results"):
        recordings.table(tmp_path)
    with pytest.raises(ValueError, match="folder must be a path"):
        recordings.table(None)


EVIDENCE = {
    "provenance": {"date": "2026-11-25T10:00:00+00:00", "commit": "fedcba9876543210"},
    "kinds": [
        {
            "kind": "planted faults",
            "tried": 1080,
            "held": 1078,
            "lost": 2,
            "survivors": [{"what": "a <b>", "why": "c & d"}, {"what": "e", "why": "f"}],
        },
        {
            "kind": "kills",
            **{"tried": 60, "held": 60, "lost": 0, "survivors": []},
            **{"date": "2026-11-26T01:00:00+00:00", "commit": "0123456789abcdef+changes"},
        },
    ],
}


def test_the_evidence_shows_every_count_and_every_survivor(tmp_path, cells):
    shown = recordings.evidence(write(tmp_path / "evidence.json", EVIDENCE))
    assert cells(shown) == [
        ["what was tried", "tried", "held", "lost", "on", "commit"],
        ["planted faults", "1,080", "1,078", "2", "2026-11-25", "fedcba9"],
        ["kills", "60", "60", "0", "2026-11-26", "0123456"],
        ["what survived", "why"],
        ["a <b>", "c & d"],
        ["e", "f"],
    ]


def test_without_survivors_there_is_no_table_of_them(tmp_path):
    found = EVIDENCE | {"kinds": EVIDENCE["kinds"][1:]}
    assert "survived" not in recordings.evidence(write(tmp_path / "e.json", found)).html


def test_without_evidence_there_is_a_note(tmp_path):
    assert "No evidence here" in recordings.evidence(tmp_path / "none.json").html


@pytest.mark.parametrize(
    "change",
    [
        lambda found: found.pop("provenance"),
        lambda found: found["provenance"].update(date=3),
        lambda found: found.update(kinds=[]),
        lambda found: found["kinds"][0].update(kind=""),
        lambda found: found["kinds"][0].update(lost=1),
        lambda found: found["kinds"][0].update(lost=3),
        lambda found: found["kinds"][0].update(tried="1080"),
        lambda found: found["kinds"][0].update(held=-1, lost=1081),
        lambda found: found["kinds"][0].pop("survivors"),
        lambda found: found["kinds"][0]["survivors"][0].update(why=" "),
        lambda found: found["kinds"][0]["survivors"][0].pop("what"),
    ],
)
def test_evidence_that_does_not_add_up_is_named(tmp_path, change):
    found = json.loads(json.dumps(EVIDENCE))
    change(found)
    with pytest.raises(ValueError, match=r"path must hold evidence, got .*e.json"):
        recordings.evidence(write(tmp_path / "e.json", found))


def test_the_committed_evidence_can_be_shown():
    assert recordings.evidence(recordings.FOLDER / "evidence.json").html
