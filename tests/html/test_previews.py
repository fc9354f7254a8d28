"""A reference shows what it leads to, to a mouse and to the keyboard, and is never in the way."""

import json
import shutil
from pathlib import Path

import checks
import pytest

STATIC = Path(__file__).resolve().parents[2] / "book" / "_static"
PAGE = """<!doctype html><html data-content_root='./'><meta charset='utf-8'>
<script>DOCUMENTATION_OPTIONS = {pagename: 'page'}</script><script src='previews.js' defer></script>
<link rel='stylesheet' href='book.css'><article style='position: relative; padding: 20px'>
<h1>Fine</h1><p><a id='near' href='#thm-a'>Theorem 1</a> and
<a id='far' href='other.html#thm-b'>Theorem 2</a>, <a id='gone' href='other.html#thm-c'>3</a>.</p>
<p>More.</p><div class='proof' id='thm-a'><p class='admonition-title'>Theorem 1
<a class='headerlink' href='#thm-a'>#</a></p><p id='inside'>It is so.</p></div></article>"""
OTHERS = {"other.html#thm-b": "<div class='proof' id='thm-b'><a href='#x'>Thus</a>.</div>"}


@pytest.fixture
def file(tmp_path):
    """A small page with references to itself and to another."""
    for name in ("previews.js", "book.css"):
        shutil.copy(STATIC / name, tmp_path)
    (tmp_path / "page.previews.js").write_text(f"bookPreviews({json.dumps(OTHERS)})", "utf-8")
    (tmp_path / "page.html").write_text(PAGE, "utf-8")
    return tmp_path / "page.html"


@pytest.fixture
def page(browser, file):
    """That page, opened from its file."""
    context = browser.new_context(offline=True, has_touch=True)
    page, faults = context.new_page(), []
    checks.watch(page, faults)
    page.goto(file.as_uri())
    yield page
    context.close()
    assert faults == []


def test_a_mouse_and_the_keyboard_see_it_and_escape_closes_it(page):
    page.hover("#near")
    preview = page.locator("#preview")
    preview.wait_for()
    assert " ".join(preview.inner_text().split()) == "Theorem 1 It is so."
    assert page.locator("#thm-a").count() == page.locator("#inside").count() == 1
    assert page.get_attribute("#near", "aria-describedby") == "preview"
    page.keyboard.press("Escape")
    assert preview.count() == 0
    assert page.get_attribute("#near", "aria-describedby") is None
    page.mouse.move(0, 0)
    page.keyboard.press("Tab")
    preview.wait_for()
    page.keyboard.press("Tab")  # to the reference to the other page, whose links lead from there
    preview.get_by_text("Thus").wait_for()
    assert preview.locator("a").evaluate("a => a.href").endswith("other.html#x")


def test_the_mouse_can_go_to_it_and_leaving_it_closes_it(page):
    page.hover("#near")
    preview = page.locator("#preview")
    preview.wait_for()
    preview.hover()
    page.wait_for_timeout(600)
    assert preview.count() == 1
    page.mouse.move(700, 5)
    preview.wait_for(state="detached")


def test_a_finger_follows_the_link_and_what_is_unknown_shows_nothing(page):
    page.tap("#near")
    page.hover("#gone")
    page.wait_for_timeout(600)
    assert page.locator("#preview").count() == 0


def test_a_reference_that_shows_nothing_is_found(browser, file):
    def faults():
        with checks.opened(browser, file, []) as page:
            return checks.faults_of_previews(page)

    assert [fault[:17] for fault in faults()] == [
        "no preview of thm",  # to a mouse, and to the keyboard
        "no preview of thm",
    ]
    file.write_text(PAGE.replace("id='gone'", "hidden"), "utf-8")
    assert faults() == []
    script = file.with_name("previews.js")
    script.write_text(script.read_text("utf-8").replace('"Escape"', '"F9"'), "utf-8")
    assert faults() == ["the preview of thm stays"] * 2


def test_a_preview_with_a_fault_is_found(browser, file):
    file.write_text(PAGE.replace("id='gone'", "hidden"), "utf-8")
    pale = {
        name: html.replace("<a ", "<p style='color: #ddd'>So.</p><a ")
        for name, html in OTHERS.items()
    }
    file.with_name("page.previews.js").write_text(f"bookPreviews({json.dumps(pale)})", "utf-8")
    with checks.opened(browser, file, []) as page:
        found = checks.faults_of_previews(page)
    assert len(found) == 2
    assert all(fault.startswith("with the preview of thm: contrast") for fault in found)


def test_a_chapter_is_looked_at_for_all_of_it(browser, file):
    chapter = file.rename(file.with_name("01-chapter.html"))
    found = checks.faults_of(browser, chapter)
    assert "no preview of thm: other.html#thm-c" in found
    assert any(fault.startswith("first figure at") for fault in found)
