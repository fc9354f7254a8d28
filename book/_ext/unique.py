"""Keep the ids of a page apart.

sphinx-proof and sphinx-exercise give the body of every theorem, exercise and solution the same id.
No link leads there, for the box around it has the label's.
"""

from docutils import nodes

REPEATED = {"proof-content", "exercise-content", "solution-content"}


def drop(app, doctree, docname):
    """Take the repeated ids from the sections of a page."""
    for section in doctree.findall(nodes.section):
        section["ids"] = [name for name in section["ids"] if name not in REPEATED]


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-resolved", drop)
    return {"parallel_read_safe": True}
