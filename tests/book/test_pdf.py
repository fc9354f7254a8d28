"""The book on paper: every page in its order, every link inside it, nothing folded, nothing cut."""

import io
import shutil

import pdf
import pytest
from browser import chromium
from pypdf import PdfReader

NAV = """<nav class="bd-links"><a class="internal" href="{front}">Front</a>
<p class="caption">Chapters</p><a class="internal" href="{one}">One</a></nav>"""
PAGE = """<!doctype html><html><head><meta charset="utf-8"><title>x</title>
<link rel="stylesheet" href="../_static/book.css">
<script>document.title = "a script of the page";</script></head><body>{nav}
<article class="bd-article"><section id="top">
<h1>{title}<a class="headerlink" href="#top">#</a></h1>
{body}</section></article></body></html>"""
FRONT = """<p>See <a href="01-one.html#here">there</a>, <a href="01-one.html">all</a>, the
<a href="../genindex.html">index</a> and <a href="https://example.org/x">a paper</a>.</p>
<section id="part"><h2>A part</h2></section>"""
ONE = """<details><summary>Show</summary><p>what was folded</p></details>
<noscript><p>the still picture</p></noscript><div style="height: 3000px"></div>
<section id="here"><h2>Here</h2><p id="part">Back to <a href="index.html#part">a part</a>.</p>
<svg role="img" aria-labelledby="t"><title id="t">A dot</title><clipPath id="c"><path/></clipPath>
<g clip-path="url(#c)"/></svg></section>"""


@pytest.fixture
def book(tmp_path):
    """Write the built book of two pages, with the given body of its chapter; return its folder."""

    def write(body=ONE):
        folder = tmp_path / "html"
        (folder / "book").mkdir(parents=True, exist_ok=True)
        shutil.copytree(pdf.ROOT / "book/_static", folder / "_static", dirs_exist_ok=True)
        redirect = '<meta http-equiv="Refresh" content="0; url=book/index.html" />\n'
        (folder / "index.html").write_text(redirect, "utf-8")
        nav = NAV.format(front="#", one="01-one.html")
        front = PAGE.format(nav=nav, title="Front", body=FRONT)
        (folder / "book" / "index.html").write_text(front, "utf-8")
        one = PAGE.format(nav=NAV.format(front="index.html", one="#"), title="One", body=body)
        (folder / "book" / "01-one.html").write_text(one, "utf-8")
        return folder

    return write


def links(page):
    """Where the links of a printed page lead: an address, or a name in the document."""
    for link in page.get("/Annots", ()):
        link = link.get_object()
        yield link["/A"]["/URI"] if "/A" in link else str(link["/Dest"]).removeprefix("/")


def test_the_pages_become_one_document_whose_links_stay_inside_it(book, tmp_path):
    out = tmp_path / "book.pdf"
    count = pdf.print_book(book(), out)
    reader = PdfReader(io.BytesIO(out.read_bytes()))
    texts = [page.extract_text() for page in reader.pages]
    assert count == len(texts) == 6  # cover, contents, front, and a chapter on three pages
    config = pdf.yaml.safe_load((pdf.ROOT / "_config.yml").read_text("utf-8"))
    assert config["title"].split()[0] in texts[0] and config["author"] in texts[0]
    assert [line.split()[-1] for line in texts[1].splitlines() if line.startswith("One")] == ["4"]
    assert "Chapters" in texts[1] and "#" not in texts[2]
    assert "what was folded" in texts[3] and "the still picture" in texts[3]
    inside = {"book-01-one--here", "book-01-one", "https://example.org/x"}
    assert set(links(reader.pages[2])) == inside  # the index, which is not in the PDF, is no link
    assert set(links(reader.pages[-1])) == {"book-index--part"}
    assert inside | {"book-index--part"} <= {*reader_places(reader), "https://example.org/x"}
    assert [entry.title for entry in reader.outline if hasattr(entry, "title")]


def reader_places(reader):
    """The names to which a link can lead."""
    return {name.removeprefix("/") for name in reader.named_destinations}


def test_an_id_is_renamed_wherever_it_is_meant(book):
    with chromium() as browser:
        page = browser.new_page()
        asked = {"pages": pdf.pages_of(book(), page), "cover": {"title": "T", "lines": []}}
        merged = page.evaluate(pdf.MERGE, asked)
    assert 'aria-labelledby="book-01-one--t"' in merged and 'id="book-01-one--t"' in merged
    assert 'clip-path="url(#book-01-one--c)"' in merged and 'id="book-01-one--c"' in merged
    assert 'id="book-index--part"' in merged and 'id="book-01-one--part"' in merged
    assert "a script of the page" not in merged


WIDE = (
    "<table id='here'><tr><td style='min-width: {}px; height: 9px'>the last word</td></tr></table>"
)


def test_what_is_wider_than_the_paper_is_made_smaller_or_is_an_error(book, tmp_path):
    out = tmp_path / "book.pdf"
    pdf.print_book(book(WIDE.format(pdf.COLUMN + 100)), out)
    before = out.read_bytes()
    with pytest.raises(pdf.PrintError, match=r"too wide for the paper:\n  book-01-one: \d+ % of"):
        pdf.print_book(book(WIDE.format(3 * pdf.COLUMN)), out)
    assert out.read_bytes() == before


def test_a_link_that_leads_nowhere_and_a_book_that_is_not_built_are_errors(book, tmp_path):
    out = tmp_path / "book.pdf"
    with pytest.raises(pdf.PrintError, match="lead nowhere: book-index--gone"):
        pdf.print_book(book('<a id="here" href="index.html#gone">gone</a>'), out)
    with pytest.raises(pdf.PrintError, match=r"the book is not built: .* run `make book` first"):
        pdf.print_book(tmp_path, out)
    assert not out.exists()
