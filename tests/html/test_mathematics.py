"""What is too wide for a phone has a scroll bar of its own, and shows that it goes on."""

import shutil
from pathlib import Path

import pytest

STATIC = Path(__file__).resolve().parents[2] / "book" / "_static"
PAGE = """<!doctype html><meta charset='utf-8'><script>DOCUMENTATION_OPTIONS = {}</script>
<script src='book.js'></script><link rel='stylesheet' href='book.css'><article>
<p><span class='math'><mjx-container id='inline' style='display: inline-block'>
<b style='display: block; width: 500px'>x</b></mjx-container></span></p>
<details><summary>Proof</summary><div class='math'><mjx-container id='display' display='true'
style='display: block; overflow-x: auto'><b style='display: block; width: 500px'>x</b>
</mjx-container></div></details></article>"""


@pytest.fixture
def page(browser, tmp_path):
    """A page with a wide formula in the text, and another in a fold, on a phone."""
    for name in ("book.js", "book.css"):
        shutil.copy(STATIC / name, tmp_path)
    (tmp_path / "page.html").write_text(PAGE, "utf-8")
    page = browser.new_page(viewport={"width": 390, "height": 900})
    page.goto((tmp_path / "page.html").as_uri())
    yield page
    page.close()


def fades(page, name):
    mask = "(name) => getComputedStyle(document.getElementById(name)).maskImage"
    return page.evaluate(mask, name) != "none"


def test_a_formula_in_the_text_scrolls_by_itself_where_the_window_is_narrow(page):
    page.wait_for_selector("#inline.wide.scrolls")
    assert page.get_attribute("#inline", "tabindex") == "0" and fades(page, "inline")
    page.set_viewport_size({"width": 1280, "height": 900})
    page.wait_for_selector("#inline:not(.wide)")
    assert not page.locator(".scrolls").count()
    assert page.get_attribute("#inline", "tabindex") == "-1" and not fades(page, "inline")


def test_a_formula_in_a_fold_fades_once_it_is_seen(page):
    page.wait_for_selector("#inline.scrolls")
    assert not fades(page, "display")
    page.click("summary")
    page.wait_for_selector("#display.scrolls")
    assert fades(page, "display")
    page.evaluate("() => document.getElementById('display').scrollTo(1e6, 0)")
    end = "() => document.querySelector('#display > b').getBoundingClientRect().right"
    assert page.evaluate(end) <= 390 - 32  # what is scrolled to its end is seen to its end


def test_nothing_fades_on_paper(page):
    page.wait_for_selector("#inline.scrolls")
    page.emulate_media(media="print")
    assert not fades(page, "inline")
