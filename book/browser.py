"""The browser that reads the book, for the checks of its pages and for printing."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
ADVICE = """no browser: install Chromium (`apt-get install chromium`, or
`.venv/bin/playwright install chromium`), or name one in the environment variable CHROMIUM"""


class NoBrowserError(Exception):
    """No Chromium could be started; the message says what to do."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """A headless Chromium: $CHROMIUM, else one on PATH, else Playwright's own."""
    path = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=path, args=OPTIONS)
        except Error as error:
            raise NoBrowserError(f"{ADVICE}\n{error}") from error
        yield browser
        browser.close()
