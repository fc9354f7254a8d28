"""What is wrong with a rendered page: the questions the browser and the link checker answer."""

import re
from collections import Counter
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import TimeoutError

LOCAL = {"file", "data", "blob", "about"}
WIDTHS = (390, 1920, 1280)  # a phone, a large screen and a laptop, in CSS pixels
LAPTOP = {"width": 1280, "height": 900}
CHAPTER = re.compile(r"\d\d-.*\.html")
CONTRAST = 4.5  # WCAG 2 AA for body text
AXE, GRAVE = Axe(), {"serious", "critical"}
SLOWEST = 180_000  # milliseconds until a page is there, on a busy machine
SITE, PAGE = 45e6, 2.5e6  # bytes: all files, and one page with what it loads but shared scripts
REDIRECT = re.compile(r'http-equiv="refresh" content="0; *url=([^"]+)"', re.I)

# Runs in the page once mathematics is typeset; returns one sentence for each fault of what `where`
# selects.
FAULTS = """
([scheme, contrast, where]) => {
  const faults = [];
  const clip = (e) => (e.outerHTML ?? String(e)).replace(/\\s+/g, " ").slice(0, 120);
  const root = document.querySelector(where);
  const all = (selector) => [...root.querySelectorAll(selector)];
  if (document.documentElement.dataset.theme && document.documentElement.dataset.theme !== scheme)
    faults.push(`theme is ${document.documentElement.dataset.theme}, not ${scheme}`);

  for (const math of all(".math"))
    if (!math.querySelector("mjx-container")) faults.push(`mathematics not typeset: ${clip(math)}`);
  for (const error of all("mjx-merror, [data-mjx-error]"))
    faults.push(`mathematics in error: ${error.dataset.mjxError ?? clip(error)}`);
  for (const output of all(".cell_output .traceback, .cell_output .output.error"))
    faults.push(`a cell ended in an error: ${clip(output)}`);

  const walker = document.createTreeWalker(root, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.parentElement.closest("pre, code, script, style, mjx-container, .math")) continue;
    if (/\\{[a-z]+([:-][a-z]+)*\\}`|\\{(glue|prf)|\\$\\$/.test(node.data))
      faults.push(`markup left unread: ${node.data.trim().slice(0, 120)}`);
  }

  for (const img of all("img"))
    if (!img.getAttribute("alt")?.trim()) faults.push(`image without alt text: ${clip(img)}`);
    else if (img.checkVisibility() && img.complete && !img.naturalWidth)
      faults.push(`image did not load: ${clip(img)}`);
  const decoration = "[aria-hidden=true], [aria-hidden=true] *, svg svg, button *, summary *";
  for (const svg of all(`svg:not(${decoration})`))
    if (!(svg.getAttribute("aria-label") ?? svg.querySelector("title")?.textContent)?.trim())
      faults.push(`drawing without a label: ${clip(svg)}`);

  const ids = new Set();
  for (const e of document.querySelectorAll("[id]"))
    if (ids.has(e.id)) faults.push(`an id that is there before: ${clip(e)}`);
    else ids.add(e.id);
  for (const formula of all("mjx-container:not(.wide)"))
    if (formula.tabIndex >= 0) faults.push(`a formula in the tab order: ${clip(formula)}`);

  // A table of checks stands under the line that sums it up, and an index is no table to a reader.
  const named = "figure[id]:has(> figcaption .caption-number)";
  for (const table of all("article table:not(.indextable)"))
    if (!table.closest(`details.check, #preview, ${named}`))
      faults.push(`a table without number, caption or id: ${clip(table)}`);

  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const drawn = new Map();
  const rgba = (color) => {
    if (!drawn.has(color)) {
      canvas.clearRect(0, 0, 1, 1);
      canvas.fillStyle = color;
      canvas.fillRect(0, 0, 1, 1);
      drawn.set(color, [...canvas.getImageData(0, 0, 1, 1).data]);
    }
    return drawn.get(color);
  };
  const luminance = (c) => {
    const [r, g, b] = c.slice(0, 3).map((v) => v / 255)
      .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const backdrop = (e) => {
    for (; e; e = e.parentElement) {
      const color = rgba(getComputedStyle(e).backgroundColor);
      if (color[3] > 200) return color;
    }
    return [255, 255, 255, 255];
  };
  const text = "p, li, td, th, dt, h1, h2, h3, figcaption, .caption, figure svg, pre, pre span";
  for (const e of all(text.split(", ").map((s) => `article ${s}`).join())) {
    if (!e.checkVisibility() || !e.textContent.trim()) continue;
    const [a, b] = [rgba(getComputedStyle(e).color), backdrop(e)].map(luminance);
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < contrast) faults.push(`contrast ${ratio.toFixed(1)} < ${contrast}: ${clip(e)}`);
  }
  return faults;
}
"""

# Formulas, code and tables that a reader must scroll to read to their end.
CUT = """
() => {
  const all = (selector) =>
    [...document.querySelectorAll(`article :is(${selector})`)].filter((e) =>
      e.checkVisibility({ visibilityProperty: true }));
  const width = (e) => e.getBoundingClientRect().width;
  const ends = (e) => getComputedStyle(e).overflowX !== "visible";
  return [
    ...all("mjx-container[display], mjx-container.wide")
      .filter((e) => width(e.firstElementChild) > width(e) + 1),
    ...all("div, pre, details").filter((e) => e.scrollWidth > e.clientWidth + 1 && ends(e)),
  ].map((e) => `cut: ${e.outerHTML.replace(/\\s+/g, " ").slice(0, 160)}`);
}
"""

# Drawings with text that is smaller than it may be, in CSS pixels. Matplotlib draws text as
# outlines of glyphs, 100 units high.
SMALL = """
(least) => {
  const height = ([text, size]) => {
    const m = text.getScreenCTM();
    return size * Math.sqrt(Math.abs(m.a * m.d - m.b * m.c));
  };
  const smallest = (svg) => Math.min(...[
    ...[...svg.querySelectorAll('g[id*="text_"] > g')].map((e) => [e, 100]),
    ...[...svg.querySelectorAll("text")].map((e) => [e, parseFloat(getComputedStyle(e).fontSize)]),
  ].map(height));
  return [...document.querySelectorAll("article svg")]
    .filter((svg) => svg.checkVisibility() && smallest(svg) < least - 0.05)
    .map((svg) => `text of ${smallest(svg).toFixed(1)} px: ${svg.getAttribute("aria-label")}`);
}
"""
LEGIBLE = 11  # CSS pixels

# Everything that a reader may open.
UNFOLD = """
() => {
  for (const folded of document.querySelectorAll("details")) folded.open = true;
  for (const folded of document.querySelectorAll(".toggle-hidden"))
    folded.classList.remove("toggle-hidden");
}
"""

# What a chapter must be like before anything of it is unfolded: where its first figure stands and
# how much of it is code, as shares of its height; its words; and figures without number or caption.
ANATOMY = """
() => {
  const article = document.querySelector("article");
  const { top, height } = article.getBoundingClientRect();
  const shown = (e) => e.checkVisibility({ visibilityProperty: true });
  const all = (selector) => [...article.querySelectorAll(selector)].filter(shown);
  const figures = all("figure").filter((e) => !e.parentElement.closest("figure"));
  const code = all("pre").filter((e) => !e.closest(".cell_output"));
  const prose = article.cloneNode(true);
  const unread = "pre, details, .dropdown, svg, mjx-container, script, style";
  for (const e of prose.querySelectorAll(unread)) e.remove();
  const bare = figures.filter((e) => !e.id || !e.querySelector("figcaption .caption-number"));
  return {
    figure: figures.length ? (figures[0].getBoundingClientRect().top - top) / height : 1,
    code: code.reduce((sum, e) => sum + e.getBoundingClientRect().height, 0) / height,
    words: prose.textContent.trim().split(/\\s+/).length,
    bare: bare.map((e) => e.outerHTML.replace(/\\s+/g, " ").slice(0, 120)),
  };
}
"""
FIRST_FIGURE, CODE, WORDS = 0.12, 0.15, 4000


def faults_of_anatomy(page):
    """What a chapter has too much of, or too late, for a reader who unfolds nothing."""
    found = page.evaluate(ANATOMY)
    faults = [f"a figure without number, caption or id: {figure}" for figure in found["bare"]]
    if found["figure"] > FIRST_FIGURE:
        faults.append(f"first figure at {found['figure']:.0%} of the page, not {FIRST_FIGURE:.0%}")
    if found["code"] > CODE:
        faults.append(f"visible code is {found['code']:.0%} of the page, more than {CODE:.0%}")
    if found["words"] > WORDS:
        faults.append(f"{found['words']} words are visible, more than {WORDS}")
    return faults


TYPESET = """
() =>
  [...document.querySelectorAll("#preview .math")].every((math) =>
    math.querySelector("mjx-container"))
"""

# One reference of each kind that has a preview, as the numbers of links; and that of its target.
REFERENCES = """
() => {
  const kinds = ["thm", "def", "asm", "equation", "fig", "tab", "ex", "term", "id"];
  const links = [...document.querySelectorAll("article a[href*='#']:not(.headerlink)")];
  const kind = ({ hash }) => kinds.find((k) => new RegExp(`^#${k}(-|[0-9])`).test(hash));
  const found = new Map();
  links.forEach((link, i) => {
    if (link.checkVisibility({ visibilityProperty: true }) && kind(link))
      found.set(kind(link), i);
  });
  return [...found];
}
"""


def faults_of_previews(page):
    """Rest on a reference of each kind; list what is wrong with what it shows.

    Its colours alone depend on the scheme, and they are those of the page.
    """
    faults = []
    links = page.locator("article a[href*='#']:not(.headerlink)")
    preview = page.locator("#preview")
    for kind, number in page.evaluate(REFERENCES):
        for open_it in (links.nth(number).hover, links.nth(number).focus):
            page.keyboard.press("Shift")  # a reader at the keyboard, whose focus is seen
            open_it()
            try:
                preview.wait_for(timeout=5000)
            except TimeoutError:
                faults.append(f"no preview of {kind}: {links.nth(number).get_attribute('href')}")
                continue
            page.wait_for_function(TYPESET, timeout=5000)
            found = page.evaluate(FAULTS, ["light", CONTRAST, "#preview"])
            found += page.evaluate(OVERFLOW, "#preview")
            faults += [f"with the preview of {kind}: {fault}" for fault in found]
            page.keyboard.press("Escape")
            if preview.count():
                faults.append(f"the preview of {kind} stays")
            page.mouse.move(0, 0)
    return faults


# Elements that stick out of the window, save those inside a box that scrolls by itself.
OVERFLOW = """
async (where) => {
  for (let frame = 0; frame < 2; frame++) await new Promise(requestAnimationFrame);
  const width = document.documentElement.clientWidth;
  const scrolls = (e) => /auto|scroll|hidden|clip/.test(getComputedStyle(e).overflowX);
  const boxed = (e) => {
    for (e = e.parentElement; e && !e.matches("article, body"); e = e.parentElement)
      if (scrolls(e)) return true;
    return false;
  };
  const wide = [...(document.querySelector(where) ?? document.body).querySelectorAll("*")]
    .filter((e) => e.getBoundingClientRect().right > width + 1 && e.checkVisibility() && !boxed(e))
    .filter((e) => getComputedStyle(e).position !== "fixed")
    .map((e) => `wider than the window: ${e.outerHTML.replace(/\\s+/g, " ").slice(0, 120)}`);
  if (document.documentElement.scrollWidth > width + 1)
    wide.push(`the page scrolls sideways: ${document.documentElement.scrollWidth} > ${width}`);
  return wide.slice(0, 5);
}
"""


# Axe takes minutes for thousands of elements that are all alike: it is shown formulas and code as
# their text, drawings without their outlines, and of the reference the first entries. What FAULTS
# finds of colours is found in all of them. Restoring puts everything back.
ABRIDGE = """
(entries) => {
  const all = (selector) => [...document.querySelectorAll(selector)];
  const left = [];
  const leave = (element, instead) => {
    element.replaceWith(instead);
    left.push([element, instead]);
  };
  for (const element of all("mjx-assistive-mml math, pre")) {
    const plain = element.cloneNode();
    plain.textContent = element.textContent;
    leave(element, plain);
  }
  const outlines = all("mjx-container > :not(mjx-assistive-mml), svg :is(path, use, defs)");
  for (const element of [...outlines, ...all("article dl.py").slice(entries)])
    leave(element, document.createComment(""));
  window.restore = () => {
    for (const [element, instead] of left.reverse()) instead.replaceWith(element);
  };
}
"""
ENTRIES = 20


def faults_of_access(page, **what):
    """What axe finds serious or critical for who reads with a keyboard or a screen reader."""
    page.evaluate(ABRIDGE, ENTRIES)
    found = _violations(page, **what)
    page.evaluate("() => window.restore()")
    return [
        f"axe, {rule['impact']}: {rule['id']}: {' '.join(node['html'].split())[:120]}"
        for rule in found
        if rule["impact"] in GRAVE
        for node in rule["nodes"]
    ]


def _violations(page, **what):
    options = {"resultTypes": ["violations"], "preload": False, **what}
    return AXE.run(page, options=options).response["violations"]


def watch(page, faults):
    """Add to `faults` every console error, page error, failed or non-local request of `page`."""

    def request(r):
        if urlsplit(r.url).scheme not in LOCAL:
            faults.append(f"request to the network: {r.url}")

    def console(message):
        if message.type == "error":
            faults.append(f"console error: {message.text}")

    page.on("request", request)
    page.on("requestfailed", lambda r: faults.append(f"request failed: {r.url} ({r.failure})"))
    page.on("console", console)
    page.on("pageerror", lambda error: faults.append(f"page error: {error}"))


def without_mathematics(page):
    """Leave the formulas of what `page` will open as they are written, which takes no time."""
    page.route("**/mathjax/**", lambda route: route.fulfill(body=""))  # codespell:ignore fulfill


@contextmanager
def opened(browser, file, faults):
    """`file` as a new reader of it has it before them, with the network off; `faults` will grow."""
    # Where motion is reduced, what is looked at is not on its way from one colour to another.
    seen = {"color_scheme": "light", "reduced_motion": "reduce", "viewport": LAPTOP}
    context = browser.new_context(offline=True, **seen)
    page, loaded = context.new_page(), set()
    page.set_default_timeout(SLOWEST)
    watch(page, faults)
    page.on("requestfinished", lambda request: loaded.add(urlsplit(request.url)))
    page.goto(Path(file).resolve().as_uri())
    if redirect := REDIRECT.search(Path(file).read_text("utf-8")):
        page.wait_for_url((Path(file).resolve().parent / redirect[1]).as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise")
    yield page
    own = [Path(unquote(url.path)) for url in loaded if url.scheme == "file"]
    size = sum(one.stat().st_size for one in own if "_static" not in one.parts)
    if size > PAGE:
        faults.append(f"the page is {size / 1e6:.1f} MB, more than {PAGE / 1e6:g}")
    context.close()


def switch(page, scheme):
    """Let the reader's system change its colours, and the page have time to follow."""
    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    page.wait_for_function(f"() => matchMedia('(prefers-color-scheme: {scheme})').matches")
    for _ in range(2):
        page.evaluate("() => new Promise(requestAnimationFrame)")


def faults_of(browser, file):
    """Go through the page in `file` as it opens, in the dark, unfolded, and at each width.

    What is no colour is the same in both schemes. The longest part is to open the page: it is done
    once.
    """
    faults, colours = [], {"runOnly": ["color-contrast"]}
    with opened(browser, file, faults) as page:
        if CHAPTER.match(Path(file).name):
            faults += faults_of_anatomy(page) + faults_of_previews(page)
        light = faults_of_access(page, **colours)
        switch(page, "dark")
        dark = faults_of_access(page, **colours)
        page.evaluate(UNFOLD)
        dark += page.evaluate(FAULTS, ["dark", CONTRAST, "body"])
        switch(page, "light")
        light += page.evaluate(FAULTS, ["light", CONTRAST, "body"])
        light += faults_of_access(page, rules={"color-contrast": {"enabled": False}})
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 900})
            cut = page.evaluate(CUT) if width >= 1280 else page.evaluate(SMALL, LEGIBLE)
            cut += page.evaluate(OVERFLOW, "article")
            light += [f"{width} px: {fault}" for fault in cut]
        faults += light
        faults += [f"in the dark: {fault}" for fault in dark if fault not in light]
    return faults


def too_heavy(html):
    """Say so if the book in the folder `html` takes more room than it may."""
    size = sum(file.stat().st_size for file in html.rglob("*") if file.is_file())
    return [f"the book is {size / 1e6:.1f} MB, more than {SITE / 1e6:g}"] if size > SITE else []


class _Anchors(HTMLParser):
    def __init__(self):
        super().__init__()
        self.ids, self.links = Counter(), []

    def handle_starttag(self, tag, attrs):
        found = dict(attrs)
        self.ids.update({found[k] for k in ("id", "name") if found.get(k)})
        self.links += [v for k in ("href", "src") if (v := found.get(k))]
        self.links += REDIRECT.findall(self.get_starttag_text())


def broken_links(files):
    """List the links between `files`, and from them to other files, that lead nowhere."""
    pages = {}
    for file in files:
        parser = _Anchors()
        parser.feed(file.read_text("utf-8"))
        pages[file.resolve()] = parser
    broken = []
    for file, parser in pages.items():
        for link in parser.links:
            url = urlsplit(link)
            if url.scheme or url.netloc:
                continue
            target = (file.parent / unquote(url.path)).resolve() if url.path else file
            if not target.is_file():
                broken.append(f"{file.name}: {link}: no such file")
            elif url.fragment and target in pages:
                count = pages[target].ids[unquote(url.fragment)]
                if count != 1:
                    broken.append(f"{file.name}: {link}: {count} places have that name")
    return broken
