"""Provenance names the code, the machine and the versions that made a result."""

import importlib.metadata
import json
import shutil
from datetime import datetime
from pathlib import Path

from sslboost.core import provenance


def test_describe_is_complete_and_can_be_stored():
    facts = json.loads(json.dumps(provenance.describe()))
    assert set(facts) == {"commit", "command", "hardware", "versions", "date"}
    assert facts["versions"]["numpy"] == importlib.metadata.version("numpy")
    assert datetime.fromisoformat(facts["date"]).tzinfo is not None


def test_code_version_follows_every_source_file(tmp_path, monkeypatch):
    package = tmp_path / "sslboost"
    shutil.copytree(Path(provenance.__file__).parent, package)
    monkeypatch.setattr(provenance, "__file__", str(package / "provenance.py"))
    before = provenance.code_version()
    assert before == provenance.code_version()
    with (package / "risk.py").open("a") as file:
        file.write("\n")
    assert provenance.code_version() != before
