"""Buttons that lead from a page to the repository, once its address is known.

    sphinx:
      config:
        book_repository: https://github.com/owner/name

Until `book_repository` is set no page has any of them. Binder runs the chapter's file; Colab reads
notebooks only, and finds them on the branch that the publishing workflow writes them to.
"""

import re
from urllib.parse import quote, urlencode

from sphinx.errors import ConfigError

BRANCH, NOTEBOOKS = "main", "notebooks"
GITHUB = re.compile(r"https://github\.com/([\w.-]+/[\w.-]+?)(?:\.git)?/?")


def links(repository, page, is_notebook):
    """The buttons of a page, as (text, address, icon)."""
    found = GITHUB.fullmatch(repository)
    if not found:
        need = "must be empty or like https://github.com/owner/name"
        raise ConfigError(f"book_repository {need}, got {repository!r}")
    name, file = found[1], f"{quote(page)}.md"
    home = f"https://github.com/{name}"
    report = urlencode({"template": "fault.yml", "title": f"{page}: "})
    buttons = [
        ("Edit this page", f"{home}/edit/{BRANCH}/{file}", "fas fa-pencil-alt"),
        ("Report an error", f"{home}/issues/new?{report}", "fas fa-lightbulb"),
    ]
    if is_notebook:
        binder = f"https://mybinder.org/v2/gh/{name}/{BRANCH}?urlpath=lab/tree/{file}"
        colab = f"https://colab.research.google.com/github/{name}/blob/{NOTEBOOKS}/"
        buttons += [
            ("Run in Binder", binder, "fas fa-rocket"),
            ("Run in Colab", f"{colab}{quote(page)}.ipynb", "fas fa-rocket"),
        ]
    return buttons


def add(app, pagename, templatename, context, doctree):
    """Add the buttons to what stands above a page that has a source."""
    repository = app.config.book_repository
    if not repository or doctree is None:
        return
    is_notebook = "kernelspec" in app.env.metadata.get(pagename, {})
    buttons = [
        {"type": "link", "text": text, "url": url, "icon": icon}
        for text, url, icon in links(repository, pagename, is_notebook)
    ]
    group = {"type": "group", "label": "repository-buttons", "icon": "fab fa-github"}
    context["header_buttons"].append(group | {"tooltip": "Edit, report, run", "buttons": buttons})


def setup(app):
    """Register with Sphinx, after the theme has made the list of buttons (priority 500)."""
    app.add_config_value("book_repository", "", "html", str)
    app.connect("html-page-context", add, priority=600)
    return {"parallel_read_safe": True}
