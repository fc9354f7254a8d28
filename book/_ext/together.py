"""Keep a formula and the marks beside it on one line.

A browser may break a line on either side of a formula, and so before the full stop that follows it.
"""

import re

from docutils import nodes

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
    return {"parallel_read_safe": True}
