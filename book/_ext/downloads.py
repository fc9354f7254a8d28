"""Give every chapter a download: a plain notebook, with its outputs, beside its page.

A page that was opened from a file may fetch nothing, but may load a script: the notebook is there
a second time inside of one, which hands it to book.js to save.
"""

import json
import re
from html import unescape
from pathlib import Path

import nbformat
import plain
from sphinx.errors import ExtensionError
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
CHAPTER = re.compile(r"(?:.*/)?\d\d-[^/]+")


def offer(app, pagename, templatename, context, doctree):
    """Write the notebook of a chapter, and let the page's button lead to it.

    Other pages that are notebooks need more than the package to run, and offer none.
    """
    executed = Path(app.outdir).parent / "jupyter_execute" / f"{pagename}.ipynb"
    if doctree is None or not executed.is_file():
        return
    name = None
    if CHAPTER.fullmatch(pagename):
        source = nbformat.read(executed, as_version=4)
        name = _write(app, pagename, source, context)
    context["sourcename"] = ""  # the page's source, which only the book can render, is not copied
    _lead(context["header_buttons"], name)


def _write(app, pagename, source, context):
    """Write the notebook and its script beside the page; return the notebook's name."""
    if not any(cell.get("execution_count") for cell in source.cells):
        LOGGER.warning(f"{pagename} did not run in this build: its download has no outputs")
    try:
        notebook = plain.notebook(context["body"], source, _about(app, pagename, context))
    except ValueError as error:
        raise ExtensionError(f"{pagename} has no download: {error}") from error
    text = nbformat.writes(notebook) + "\n"
    target = Path(app.outdir, f"{pagename}.ipynb")
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(text, "utf-8")
    script = f"saveNotebook({json.dumps(target.name)}, {json.dumps(text)});\n"
    target.with_name(f"{target.name}.js").write_text(script, "utf-8")
    return target.name


def _about(app, pagename, context):
    title = unescape(re.sub("<[^>]+>", "", context["title"]))
    title = re.sub(r"\\\((.*?)\\\)", r"$\1$", title)
    base = app.config.html_baseurl
    named = f"[{title}]({base.rstrip('/')}/{pagename}.html)" if base else f"“{title}”"
    return (
        f"This notebook is the chapter {named} of the book *{app.config.html_title}*, with the "
        "outputs of the book. It needs the package: where that is missing, remove the # below, "
        "and run the line."
    )


def _lead(buttons, name):
    """Put the notebook, if there is one, in the place of what the theme offers; printing stays."""
    link = {
        "type": "link",
        "url": name,
        "text": ".ipynb",
        "icon": "fas fa-code",
        "tooltip": "Download the chapter as a notebook",
        "label": "download-notebook-button",
    }
    for group in buttons:
        if group.get("label") == "download-buttons":
            rest = [button for button in group["buttons"] if button["type"] != "link"]
            group["buttons"] = [link, *rest] if name else rest


def setup(app):
    """Register with Sphinx, after the theme, which makes its buttons at 501."""
    app.connect("html-page-context", offer, priority=600)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
