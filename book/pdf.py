"""Print the built book as one PDF.

    python book/pdf.py              _build/html to _build/sslboost.pdf

The pages are merged into one document in reading order, every fold open and every id made unique,
so that a link between pages becomes a link inside the PDF. Chromium prints it twice: the first time
tells on which page everything stands, and the second has those numbers in its table of contents.
What is wider than the paper is made smaller; what would be too small to read is an error.
"""

import io
import re
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import yaml
from browser import NoBrowserError, chromium
from playwright.sync_api import Page
from pypdf import PdfReader

import sslboost
from sslboost.core import files
from sslboost.core.command import Parser, output

ROOT = Path(__file__).resolve().parent.parent
MERGE = Path(__file__).with_name("merge.js").read_text("utf-8")

#: The paper in CSS pixels (A4 at 96 to the inch), its margins, and how much smaller than on a
#: screen everything is, so that the column of a laptop's page fits.
PAPER, MARGIN, SCALE = (794, 1123), 64, 0.85
COLUMN = int((PAPER[0] - 2 * MARGIN) / SCALE)
SMALLEST = 0.55  # of its size on a screen; below that nothing can be read
MINUTES = 20 * 60 * 1000  # milliseconds in which a whole book is set, on a slow machine

FOOTER = """<div style="width: 100%; font-size: 9px; text-align: center">
<span class="pageNumber"></span></div>"""

#: The pages of the book by the navigation of one of them: address, and the part they are in.
ORDER = """
(html) => {
  const nav = new DOMParser().parseFromString(html, "text/html").querySelector("nav.bd-links");
  let caption = "";
  const found = [];
  for (const node of nav?.querySelectorAll(".caption, a.internal") ?? []) {
    if (node.matches(".caption")) caption = node.textContent.trim();
    else found.push([node.getAttribute("href"), caption]);
  }
  return found;
}
"""

#: Make what is wider than the column as small as it must be; return what would get too small.
FIT = """
(smallest) => {
  const within = "mjx-container[display], .cell_output, .pst-scrollable-table-container, div.wide, "
    + "details, pre, table, figure, svg";
  const room = (e) => e.parentElement.getBoundingClientRect().width;
  const tooSmall = [];
  for (const e of document.querySelectorAll(`article :is(${within})`)) {
    if (!e.checkVisibility() || e.closest("svg svg")) continue;
    const inner = e.matches("mjx-container") ? e.firstElementChild : e;
    const wide = Math.max(inner.getBoundingClientRect().width, e.scrollWidth ?? 0);
    const ratio = room(e) / wide;
    if (ratio > 0.999) continue;
    if (ratio < smallest) {
      const page = e.closest("article").id;
      tooSmall.push(`${page}: ${Math.round(100 * ratio)} % of ${e.outerHTML.slice(0, 100)}`);
    }
    e.style.zoom = 0.99 * ratio;
  }
  return tooSmall;
}
"""

#: The links inside the document that have no target.
NOWHERE = """
() => [...new Set([...document.querySelectorAll('a[href^="#"]')]
  .map((link) => link.getAttribute("href").slice(1))
  .filter((id) => !document.getElementById(id)))].sort()
"""

NUMBER = """
(places) => {
  for (const entry of document.querySelectorAll("nav.book-contents a"))
    entry.querySelector(".place").textContent = places[entry.getAttribute("href").slice(1)] ?? "";
}
"""


class PrintError(Exception):
    """The book cannot be printed; the message says why."""


def pages_of(html: Path, page: Page) -> list[dict[str, str]]:
    """The pages of the built book in reading order, with the name that each has in the document."""
    index = html / "index.html"
    if not index.is_file():
        raise PrintError(f"the book is not built: {index} is missing, run `make book` first")
    home = index
    if redirect := re.search(r'http-equiv="refresh" content="0; *url=([^"]+)"', text(index), re.I):
        home = html / redirect[1]
    found = {}
    for link, caption in page.evaluate(ORDER, text(home)):
        file = (home.parent / link.partition("#")[0]).resolve() if link != "#" else home.resolve()
        name = file.relative_to(html.resolve()).with_suffix("").as_posix().replace("/", "-")
        found[file] = {"uri": file.as_uri(), "name": name, "caption": caption, "html": text(file)}
    if not found:
        raise PrintError(f"{home} names no page in its navigation")
    return list(found.values())


def text(file: Path) -> str:
    """The text of a page."""
    return file.read_text("utf-8")


def cover(html: Path) -> dict:
    """What stands on the first page."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text("utf-8"))
    built = datetime.fromtimestamp((html / "index.html").stat().st_mtime, UTC)
    version = f"Version {sslboost.__version__}, {built.day} {built:%B %Y}"
    return {"title": config["title"], "lines": [config["author"], version]}


def printed(page: Page, marked: bool) -> bytes:
    """The document as Chromium prints it, if `marked` with bookmarks and for screen readers."""
    margin = {side: f"{MARGIN}px" for side in ("top", "right", "bottom", "left")}
    return page.pdf(
        format="A4",
        margin=margin,
        scale=SCALE,
        print_background=True,
        display_header_footer=True,
        header_template="<span></span>",
        footer_template=FOOTER,
        outline=marked,
        tagged=marked,
    )


def places(pdf: bytes) -> dict[str, int]:
    """The page on which everything stands that a link leads to, counted from 1."""
    reader = PdfReader(io.BytesIO(pdf))
    named = reader.named_destinations
    return {
        name.removeprefix("/"): reader.get_destination_page_number(where) + 1
        for name, where in named.items()
    }


def print_book(html: Path, out: Path) -> int:
    """Write the book in the folder `html` to the file `out`; return its number of pages."""
    with chromium() as browser, tempfile.TemporaryDirectory() as folder:
        context = browser.new_context(offline=True, color_scheme="light")
        page = context.new_page()
        page.set_default_timeout(MINUTES)
        page.set_viewport_size({"width": COLUMN, "height": PAPER[1]})
        pages = pages_of(html, page)
        document = Path(folder, "book.html")
        merged = page.evaluate(MERGE, {"pages": pages, "cover": cover(html)})
        document.write_text(merged, "utf-8")
        page.goto(document.as_uri())
        page.evaluate("() => window.MathJax?.startup?.promise")
        page.evaluate("() => document.fonts.ready")
        page.emulate_media(media="print", color_scheme="light")
        if small := page.evaluate(FIT, SMALLEST):
            raise PrintError("too wide for the paper:\n  " + "\n  ".join(small))
        if links := page.evaluate(NOWHERE):
            raise PrintError("links that lead nowhere: " + ", ".join(links))
        page.evaluate(NUMBER, places(printed(page, marked=False)))
        pdf = printed(page, marked=True)
    with files.replacing(out) as file:
        file.write(pdf)
    return len(PdfReader(io.BytesIO(pdf)).pages)


def main() -> None:
    parser = Parser(description="Print the built book as one PDF.")
    parser.add_argument("--html", type=Path, default=ROOT / "_build" / "html")
    parser.add_argument("--out", type=output, default=ROOT / "_build" / "sslboost.pdf")
    asked = parser.parse_args()
    try:
        count = print_book(asked.html, asked.out)
    except (PrintError, NoBrowserError, OSError) as error:
        sys.exit(f"error: {error}")
    print(f"{count} pages: {asked.out}")


if __name__ == "__main__":
    main()
