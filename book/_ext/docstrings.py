"""Let Sphinx read the package's docstrings as they are meant.

A line "Source: ..." closes a docstring and is a section of its own, not one more exception, and a
property's first line is a sentence, not a "type: description" pair.
"""


def prepare(app, what, name, obj, options, lines):
    """Rewrite one docstring in place, before napoleon parses it."""
    for i, line in enumerate(lines):
        if line.startswith("Source: "):
            lines[i : i + 1] = ["Source", "------", line.removeprefix("Source: ")]
            break
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]  # an empty comment: the first line that napoleon takes apart


def setup(app):
    """Register with Sphinx, ahead of napoleon (priority 500)."""
    app.connect("autodoc-process-docstring", prepare, priority=400)
    return {"parallel_read_safe": True}
