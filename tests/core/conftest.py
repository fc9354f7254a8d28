"""Folders that nobody may write to, not even whoever may do everything."""

import os
import tempfile
from contextlib import contextmanager
from pathlib import Path

import pytest

NOBODY = 65534


@pytest.fixture
def public_folder():
    """A folder that every user may enter, unlike tmp_path."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def closed():
    """``with closed(folder):`` runs a block that may read the folder and not write to it."""

    @contextmanager
    def closing(folder):
        root = os.geteuid() == 0
        folder.chmod(0o555)
        if root:
            os.seteuid(NOBODY)
        try:
            yield
        finally:
            if root:
                os.seteuid(0)
            folder.chmod(0o755)

    return closing
