"""What a page says of itself: to a search engine, to who shares its address, and in its footer."""

import re
from html import escape, unescape

from docutils import nodes

import sslboost

MOST = 300  # letters of a description


def description(doctree, otherwise):
    """The answer that a page gives, or its question, or its first paragraph, without formulas."""
    plain = [
        " ".join(paragraph.astext().split())
        for paragraph in (doctree.findall(nodes.paragraph) if doctree is not None else ())
        if not any(paragraph.findall(nodes.math))
    ]
    for start in ("Answer. ", "Question. ", ""):
        for text in plain:
            if text.startswith(start) and len(text) > 40:
                return shortened(text.removeprefix(start))
    return otherwise


def shortened(text):
    """The text, or as many of its words as a description may have."""
    return text if len(text) <= MOST else text[:MOST].rpartition(" ")[0].rstrip(" ,;:.") + " …"


def add(app, pagename, templatename, context, doctree):
    """Write the description and the Open Graph data into the head of a page."""
    about = description(doctree, app.config.book_description)
    title = unescape(re.sub("<[^>]*>", "", context.get("title", ""))) or app.config.html_title
    data = {
        "og:type": "article",
        "og:site_name": app.config.html_title,
        "og:title": title,
        "og:description": about,
    }
    tags = [f'<meta name="description" content="{escape(about)}" />']
    tags += [f'<meta property="{k}" content="{escape(v)}" />' for k, v in data.items()]
    context["metatags"] = context.get("metatags", "") + "\n".join(tags) + "\n"


def sign(app, config):
    """Write the version into the footer of every page."""
    config.html_theme_options["extra_footer"] = f"<p>Version {sslboost.__version__}.</p>"


def setup(app):
    """Register with Sphinx."""
    app.add_config_value("book_description", "", "html", str)
    app.connect("config-inited", sign)
    app.connect("html-page-context", add)
    return {"parallel_read_safe": True}
