"""Let Sphinx read the package's docstrings as they are meant.

A line "Source: ..." closes a docstring and is a section of its own, not one more exception, and a
property's first line is a sentence, not a "type: description" pair. A folder says which names it
hands on, and a reference leads to where its name is defined, whoever imported or handed it on.
"""

import pydoc


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
    """Find what a name means in its module, or by its folder, where it is defined."""
    if node.get("refdomain") != "py":
        return None
    target = node["reftarget"]
    for path in (target, f"{node.get('py:module')}.{target}"):
        thing = pydoc.locate(path)
        home = f"{getattr(thing, '__module__', '')}.{getattr(thing, '__qualname__', '')}"
        if thing is not None and (not home.startswith("sslboost.") or "._" in home):
            return contnode  # of another package, or private: there is no entry to lead to
        found = env.get_domain("py").resolve_xref(
            env, node["refdoc"], app.builder, node["reftype"], home, node, contnode
        )
        if found is not None:
            return found
    return None


def setup(app):
    """Register with Sphinx, ahead of napoleon (priority 500)."""
    app.connect("autodoc-process-docstring", prepare, priority=400)
    app.connect("missing-reference", resolve)
    return {"parallel_read_safe": True}
