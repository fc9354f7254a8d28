"""Let Sphinx read the package's docstrings as they are meant.

A line "Source: ..." closes a docstring and is a section of its own, not one more exception, and a
property's first line is a sentence, not a "type: description" pair. A folder says which names it
hands on, and a reference to a name by the folder that hands it on leads to where it is defined.
"""

from importlib import import_module

from sphinx.errors import NoUri


def prepare(app, what, name, obj, options, lines):
    """Rewrite one docstring in place, before napoleon parses it."""
    for i, line in enumerate(lines):
        if line.startswith("Source: "):
            lines[i : i + 1] = ["Source", "------", line.removeprefix("Source: ")]
            break
    if what in {"attribute", "data", "property"}:
        lines[:0] = ["..", ""]  # an empty comment: the first line that napoleon takes apart
    if what == "module" and hasattr(obj, "__path__") and getattr(obj, "__all__", ()):
        lines += ["", f"Imported from here: {', '.join(f'``{n}``' for n in obj.__all__)}."]


def resolve(app, env, node, contnode):
    """Find what a reference means by ``sslboost.folder.name`` in the module that defines it."""
    folder, _, name = node.get("reftarget", "").rpartition(".")
    if node.get("refdomain") != "py" or not folder.startswith("sslboost."):
        return None
    try:
        target = getattr(import_module(folder), name)
        home = f"{target.__module__}.{target.__qualname__}"
        return env.get_domain("py").resolve_xref(
            env, node["refdoc"], app.builder, node["reftype"], home, node, contnode
        )
    except (ImportError, AttributeError, NoUri):
        return None


def setup(app):
    """Register with Sphinx, ahead of napoleon (priority 500)."""
    app.connect("autodoc-process-docstring", prepare, priority=400)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}
