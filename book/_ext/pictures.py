"""Show a picture or a table first, and below it the folded code that made it."""

from docutils import nodes
from tables import captioned


def show_first(app, doctree, docname):
    """Move each figure and table of a page before the folds that stand between it and the text."""
    for shown in list(doctree.findall(made_by_a_cell)):
        parent, place = shown.parent, shown.parent.index(shown)
        start = place
        while start and folded(parent[start - 1]):
            start -= 1
            parent[start]["classes"].append("made")
        if start < place:
            shown["classes"].append("moved")
            parent.remove(shown)
            parent.insert(start, shown)


def made_by_a_cell(node):
    """Whether a node is a figure or a table, and no table that stands in the text."""
    written = isinstance(node, captioned) and any(isinstance(n, nodes.table) for n in node.children)
    return isinstance(node, nodes.figure | captioned) and not written


def folded(node):
    """Whether a node is a cell of which a reader sees a fold alone, and which made nothing yet."""
    classes = set(node["classes"] if isinstance(node, nodes.container) else ())
    if "made" in classes or not {"cell", "tag_hide-input"} <= classes:
        return False
    return not any("cell_output" in child["classes"] for child in node.children)


def move_back(page):
    """Move what was moved on a page of HTML, as BeautifulSoup has it, to where it was."""
    for shown in page.select(".moved"):
        for cell in shown.find_next_siblings(True):
            if "made" not in cell.get("class", ()):
                break
            cell.insert_after(shown.extract())


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-resolved", show_first)
    return {"parallel_read_safe": True}
