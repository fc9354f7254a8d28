"""The built book and a browser to read it in."""

from pathlib import Path

import pytest
from browser import NoBrowserError, chromium

ROOT = Path(__file__).resolve().parents[2]
HTML = ROOT / "_build" / "html"
KEY = ROOT / ".cache" / "book" / "html.key"  # there only while the HTML is that of the last build


def pages():
    """Every page of the built book."""
    return sorted(p for p in HTML.rglob("*.html") if "_static" not in p.parts)


@pytest.fixture(scope="session")
def html():
    """The folder of the built book."""
    assert (HTML / "index.html").is_file(), "the book is not built: run `make book` first"
    assert KEY.is_file(), "the last build failed, and this HTML is older: run `make book`"
    return HTML


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium: $CHROMIUM, else one on PATH, else Playwright's own."""
    try:
        with chromium() as found:
            yield found
    except NoBrowserError as error:
        pytest.fail(str(error), pytrace=False)


def pytest_generate_tests(metafunc):
    """One test for each page of the book, or for each chapter."""
    if "page_file" in metafunc.fixturenames:
        metafunc.parametrize("page_file", pages(), ids=lambda p: str(p.relative_to(HTML)))
    if "chapter_file" in metafunc.fixturenames:
        chapters = sorted(HTML.glob("book/[0-9][0-9]-*.html"))
        metafunc.parametrize("chapter_file", chapters, ids=lambda p: p.stem)
