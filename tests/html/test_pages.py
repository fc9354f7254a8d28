"""Every page of the book, opened from its file in a real browser with the network off."""

import checks
import pytest


def test_page_is_faultless(browser, html, page_file):
    assert checks.faults_of(browser, page_file) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_book_opens_in_the_scheme_of_the_system(browser, html, scheme):
    context = browser.new_context(color_scheme=scheme, offline=True)
    page = context.new_page()
    page.goto((html / "book" / "index.html").as_uri())
    assert page.evaluate("() => document.documentElement.dataset.theme") == scheme
    context.close()


def test_the_book_is_not_too_large_to_take_along(html):
    assert checks.too_heavy(html) == []


def test_links_lead_somewhere(html):
    files = [p for p in html.rglob("*.html") if "_static" not in p.parts]
    assert len(files) > 3
    assert checks.broken_links(files) == []


def test_search_finds_a_word_without_a_server(browser, html):
    page, faults = browser.new_page(), []
    checks.watch(page, faults)
    page.goto((html / "search.html").as_uri() + "?q=population")
    page.wait_for_selector("#search-results ul.search li a")
    assert page.locator("#search-results ul.search li a").count() > 0
    page.goto((html / "search.html").as_uri() + "?q=xqzzyplugh")
    page.wait_for_selector("text=did not match any documents")
    page.close()
    assert faults == []
