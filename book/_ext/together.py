"""Keep on one line what a browser would break: a formula and its marks, a number and its per cent.

It may break on either side of a formula, and so before the full stop that follows it.
"""

import re

from docutils import nodes

PER_CENT = re.compile(r"(^|(?<=\d)) %")
OPENING, CLOSING = re.compile(r"[(\[“‘]+$"), re.compile(r"^[)\].,;:!?”’…-]+")


def join(app, doctree, docname):
    """Put every formula of a page into one unbreakable box with the marks beside it."""
    for formula in list(doctree.findall(nodes.math)):
        parent, place = formula.parent, formula.parent.index(formula)
        opening = taken(OPENING, parent, place - 1)
        closing = taken(CLOSING, parent, place + 1)
        if opening or closing:
            box = nodes.inline(classes=["whole"])
            parent[place] = box
            box += [nodes.Text(opening), formula, nodes.Text(closing)]


def unite(app, doctree, docname):
    """Let no line of a page's text begin with the per cent of the number before it."""
    for text in list(doctree.findall(nodes.Text)):
        if not isinstance(text.parent, nodes.FixedTextElement | nodes.literal | nodes.math):
            text.parent.replace(text, nodes.Text(PER_CENT.sub("\u00a0%", text)))


def taken(pattern, parent, place):
    """Take away the marks that the text at a place among the children of a node has there."""
    text = parent[place] if 0 <= place < len(parent) else None
    found = pattern.search(text) if isinstance(text, nodes.Text) else None
    if not found:
        return ""
    parent[place] = nodes.Text(pattern.sub("", text))
    return found[0]


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-resolved", join)
    app.connect("doctree-resolved", unite)
    return {"parallel_read_safe": True}
