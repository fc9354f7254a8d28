"""Hand the previews of a page's references to previews.js, and give statements a link of their own.

What a reference leads to on its own page is there to be shown. What lies on another page is written
into a script beside the page, for a page that was opened from a file may fetch nothing but scripts.
"""

import json
import posixpath
import re
from pathlib import Path
from urllib.parse import unquote

from bs4 import BeautifulSoup

#: What is worth a look before one goes there; previews.js has the same list.
KINDS = ".proof, .exercise, .citation, div.math, figure, .glossary dt"
LINK = re.compile(r'<a\b[^>]*\bhref="([^":#]+\.html)#([^"]+)"')
TITLE = re.compile(
    r'(<div class="(?:proof|exercise) [^"]*" id="([^"]+)">\s*<p class="admonition-title">.*?)</p>',
    re.S,
)
SVG = re.compile(r"<svg\b.*?</svg>", re.S)


def anchor(app, pagename, templatename, context, doctree):
    """Lead from a statement's title to itself."""
    link = r'\1<a class="headerlink" href="#\2" title="Link to this statement">#</a></p>'
    context["body"] = TITLE.sub(link, context.get("body", ""))


def write(app, error):
    """Write, beside each page, what its references to other pages lead to."""
    if error or app.builder.name != "html":
        return
    pages = {name: Path(app.outdir, f"{name}.html") for name in app.env.found_docs}
    texts = {name: page.read_text("utf-8") for name, page in pages.items()}
    targets = {name: Targets(text) for name, text in texts.items()}
    for name, text in texts.items():
        found = {}
        for path, place in set(LINK.findall(text)):
            other = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            other = targets.get(unquote(other).removesuffix(".html"))
            if other and (shown := other.find(unquote(place))):
                found[f"{path}#{place}"] = shown
        script = f"bookPreviews({json.dumps(dict(sorted(found.items())))});\n"
        pages[name].with_suffix(".previews.js").write_text(script, "utf-8")


class Targets:
    """What references can lead to in a page; its drawings are kept apart, for they are long."""

    def __init__(self, page):
        self.drawings = []
        self.soup = BeautifulSoup(SVG.sub(self._keep, page), "html.parser")

    def _keep(self, drawing):
        self.drawings.append(drawing[0])
        return f'<svg data-drawing="{len(self.drawings) - 1}"></svg>'

    def find(self, place):
        """The HTML of a target, or nothing where it is none that is worth a look."""
        target = self.soup.find(id=place)
        if target is None or not target.css.match(KINDS):
            return ""
        shown = [target, target.find_next_sibling("dd")] if target.name == "dt" else [target]
        html = "".join(map(str, shown))
        return re.sub(
            r'<svg data-drawing="(\d+)"></svg>', lambda one: self.drawings[int(one[1])], html
        )


def setup(app):
    """Register with Sphinx; the titles get their links before the downloads read the pages."""
    app.connect("html-page-context", anchor)
    app.connect("build-finished", write)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
