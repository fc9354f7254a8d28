"""The checks themselves: each fault they look for is planted in a small page and must be found."""

import checks
import pytest

HEAD = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Fine</title>"
PLAIN = "<h1>Fine</h1><p>Text.</p><a id='here' href='#here'>a link</a>"
# A stand-in for typeset mathematics, so that the sound page needs no MathJax.
TYPESET = "<span class='math'><mjx-container>x</mjx-container></span>"
DRAWING = (
    "<svg aria-label='A line' font-size='10'><g id='f0-text_1'><g transform='scale({})'/></g></svg>"
)

TABLE = "<figure id='b'><figcaption><span class='caption-number'>Table 1 </span>What it shows."
TABLE += "</figcaption><table><tr><td>1</td></tr></table></figure>"
CHECKS = (
    "<details class='check'><summary>Holds</summary><table><tr><td>1</td></tr></table></details>"
)

FAULTY = {
    "a script from a CDN": (
        "<script src='https://cdn.example.org/a.js'></script>",
        "request to the network: https://cdn.example.org/a.js",
    ),
    "a font from the network": (
        "<style>@import url('https://fonts.example.org/f.css');</style>",
        "request to the network: https://fonts.example.org/f.css",
    ),
    "a missing local script": ("<script src='gone.js'></script>", "request failed: "),
    "an error on the console": ("<script>console.error('oh')</script>", "console error: oh"),
    "an exception": ("<script>throw new Error('ouch')</script>", "page error: ouch"),
    "mathematics left as text": ("<span class='math'>\\(x\\)</span>", "not typeset"),
    "broken mathematics": (
        TYPESET.replace("x<", "<mjx-merror data-mjx-error='Undefined'></mjx-merror><"),
        "mathematics in error: Undefined",
    ),
    "an unread role": ("<p>the value {glue:text}`a:.3f` is</p>", "markup left unread"),
    "an unread directive": ("<p>:::{prf:theorem} Name</p>", "markup left unread"),
    "a failed cell": (
        "<div class='cell_output'><div class='output traceback'>Error</div></div>",
        "a cell ended in an error",
    ),
    "an image without alt text": (
        "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=='>",
        "image without alt text",
    ),
    "a table without a number": (
        f"<article>{TABLE.replace('caption-number', '')}</article>",
        "a table without number, caption or id: <table>",
    ),
    "a table that nothing can link to": (
        f"<article>{TABLE.replace(' id=', ' class=')}</article>",
        "a table without number, caption or id: <table>",
    ),
    "a drawing without a label": ("<figure><svg></svg></figure>", "drawing without a label"),
    "a figure too wide for a phone": ("<div style='width: 600px'>wide</div>", "390 px: wider"),
    "a formula cut on a laptop": (
        "<article><div class='math' style='width: 300px'><mjx-container display='true' "
        "style='display: block; overflow-x: auto'><div style='width: 310px'>x</div>"
        "</mjx-container></div></article>",
        "1280 px: cut: <mjx-container",
    ),
    "a formula cut in a folded proof": (
        "<style>.toggle-hidden { visibility: hidden; height: 0 }</style><article>"
        "<div class='toggle-hidden' style='width: 300px'><mjx-container display='true' "
        "style='display: block; overflow-x: auto'><div style='width: 310px'>x</div>"
        "</mjx-container></div></article>",
        "1280 px: cut: <mjx-container",
    ),
    "a line of code cut on a laptop": (
        f"<article><pre style='width: 300px; overflow-x: auto'>{'x = 1; ' * 20}</pre></article>",
        "1280 px: cut: <pre",
    ),
    "a table cut on a laptop": (
        "<article><div class='cell_output' style='width: 300px; overflow-x: auto'>"
        "<table style='width: 310px'><tr><td>1</td></tr></table></div></article>",
        "1280 px: cut: <div",
    ),
    "a line of code cut on a large screen": (
        "<style>@media (min-width: 1500px) { pre { width: 300px } }</style>"
        f"<article><pre style='overflow-x: auto'>{'x = 1; ' * 20}</pre></article>",
        "1920 px: cut: <pre",
    ),
    "an id that is given twice": ("<p id='one'></p><p id='one'></p>", "an id that is there before"),
    "a formula to stop at": (TYPESET.replace(">x", " tabindex='0'>x"), "in the tab order"),
    "outlines of small text": (
        f"<article>{DRAWING.format(0.1)}</article>",
        "390 px: text of 10.0 px: A line",
    ),
    "small text": (
        f"<article>{DRAWING.format(0.2).replace('</svg>', '<text>x</text></svg>')}</article>",
        "390 px: text of 10.0 px: A line",
    ),
    "a button without a name": ("<button></button>", "axe, critical: button-name: <button>"),
    "grey on grey in the navigation": (
        "<nav style='color: #bbb'>faint</nav>",
        "axe, serious: color-contrast: <nav",
    ),
    "too large a page": (f"<p hidden>{'word ' * 500_000}</p>", "the page is 2.5 MB, more than 2.5"),
    "a table cut in an output of several": (
        "<article><div class='cell_output'><div style='overflow-x: auto; width: 300px'>"
        "<table style='width: 310px'><tr><td>1</td></tr></table></div></div></article>",
        "1280 px: cut: <div",
    ),
    "black on black once it is dark": (
        "<style>@media (prefers-color-scheme: dark) { article { background: #111 } }</style>"
        "<article><p style='color: #000'>gone</p></article>",
        "in the dark: contrast 1.1",
    ),
    "a navigation that is gone once it is dark": (
        "<style>@media (prefers-color-scheme: dark) { nav { color: #ddd } }</style>"
        "<nav>faint</nav>",
        "in the dark: axe, serious: color-contrast: <nav",
    ),
    "a page that stays light": (
        "<script>document.documentElement.dataset.theme = 'light'</script>",
        "in the dark: theme is light, not dark",
    ),
    "grey code": (
        "<article><pre><span style='color: #bbb'>faint</span></pre></article>",
        "contrast 1.9 < 4.5: <span",
    ),
    "grey on grey": ("<article><p style='color: #bbb'>faint</p></article>", "contrast"),
}


@pytest.fixture
def faults(browser, tmp_path):
    """Find the faults of a page with the given body."""

    def find(body):
        file = tmp_path / "page.html"
        file.write_text(f"{HEAD}{PLAIN}{body}", "utf-8")
        return checks.faults_of(browser, file)

    return find


def test_a_sound_page_has_no_faults(faults):
    article = f"<article>{DRAWING.format(0.11)}{TABLE}{CHECKS}</article>"
    assert faults(TYPESET + article) == []


@pytest.mark.parametrize("name", FAULTY)
def test_a_planted_fault_is_found(faults, name):
    body, expected = FAULTY[name]
    assert any(expected in fault for fault in faults(body))


FIGURE = "<figure id='a'><svg></svg><figcaption><span class='caption-number'>Fig. 1</span> "
FIGURE += "What it shows.</figcaption></figure>"
SOUND = f"<h1>Fine</h1>{FIGURE}<div style='height: 3000px'>Text.</div>"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (SOUND, []),
        (SOUND.replace(" id='a'", ""), ["a figure without number, caption or id: <figure><svg>"]),
        (SOUND.replace("class='caption-number'", ""), ["a figure without number"]),
        (f"<div style='height: 900px'></div>{SOUND}", ["first figure at"]),
        ("<h1>Nothing</h1>", ["first figure at 100% of the page, not 12%"]),
        (SOUND + "<pre style='height: 900px'>code</pre>", ["visible code is"]),
        (SOUND + "<details><pre style='height: 900px'>code</pre></details>", []),
        (SOUND + "<pre style='height: 900px; visibility: hidden'>code</pre>", []),
        (SOUND + "<p style='height: 0'>" + "word " * 4001 + "</p>", ["words are visible, more"]),
        (SOUND + "<details><p>" + "word " * 4001 + "</p></details>", []),
    ],
)
def test_a_chapter_that_begins_with_code_or_has_no_picture_is_found(
    browser, tmp_path, body, expected
):
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'><article>{body}</article>", "utf-8")
    with checks.opened(browser, file, []) as page:
        found = checks.faults_of_anatomy(page)
    assert len(found) == len(expected)
    assert all(part in fault for part, fault in zip(expected, found, strict=True))


def test_a_book_that_takes_too_much_room_is_found(tmp_path):
    with open(tmp_path / "large", "wb") as file:
        file.truncate(45_000_000)
    assert checks.too_heavy(tmp_path) == []
    (tmp_path / "page.html").write_text("word " * 20_000, "utf-8")
    assert checks.too_heavy(tmp_path) == ["the book is 45.1 MB, more than 45"]


def test_a_broken_link_is_found(tmp_path):
    page, other = tmp_path / "page.html", tmp_path / "other.html"
    other.write_text("<p id='a'></p><p id='twice'></p><p id='twice'></p>", "utf-8")
    links = ["other.html#a", "other.html#b", "other.html#twice", "gone.html", "https://x.org"]
    page.write_text("".join(f"<a href='{link}'></a>" for link in links), "utf-8")
    assert checks.broken_links([page, other]) == [
        "page.html: other.html#b: 0 places have that name",
        "page.html: other.html#twice: 2 places have that name",
        "page.html: gone.html: no such file",
    ]
