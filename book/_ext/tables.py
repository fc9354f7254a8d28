"""Number a table, and say above it what it shows.

    ```{captioned} pretext-savings
    :name: tab-pretext-savings
    **What a pretext saves.** The text refers to it by {numref}`tab-pretext-savings`.
    ```

The table is the one that a cell placed under the name, as figures are; without a name it is the
Markdown table that follows the caption, after an empty line.
"""

from docutils import nodes
from docutils.parsers.rst import directives
from myst_nb.core.variables import RetrievalError, render_variable_outputs
from myst_nb.ext.glue.utils import retrieve_glue_data
from sphinx.util.docutils import SphinxDirective


class captioned(nodes.Element):  # noqa: N801  writers name their visitors after the class
    """A table under its caption."""


class above(nodes.caption):  # noqa: N801
    """The caption of a table."""


class Captioned(SphinxDirective):
    """The directive, with the name under which a cell placed the table."""

    optional_arguments = 1
    has_content = True
    option_spec = {"name": directives.unchanged_required}  # noqa: RUF012  as docutils has it

    def run(self):
        if "name" not in self.options:
            raise self.error("a table must have a :name: that the text can refer to")
        box, parsed = captioned(classes=["captioned"]), nodes.Element()
        self.state.nested_parse(self.content, self.content_offset, parsed)
        caption, *shown = parsed.children or [None]
        if not isinstance(caption, nodes.paragraph):
            raise self.error("a table must have a caption, which says what it shows")
        if self.arguments:
            shown += self.placed(self.arguments[0])
        if not shown:
            raise self.error("a table must be placed by a cell, or follow its caption")
        box += [above(caption.rawsource, "", *caption.children), *shown]
        self.set_source_info(box)
        self.add_name(box)
        return [box]

    def placed(self, name):
        """What a cell of this page placed under the name, as the page shows it."""
        try:
            data = retrieve_glue_data(self.state.document, name)
        except RetrievalError as error:
            raise self.error(str(error)) from error
        source, line = self.get_source_info()
        return render_variable_outputs([data], self.state.document, line, source)


def begin_table(writer, node):
    """Open the figure that holds a table and its caption."""
    writer.body.append(writer.starttag(node, "figure", ""))


def end_table(writer, node):
    """Close it."""
    writer.body.append("</figure>\n")


def begin_caption(writer, node):
    """Open a caption, with the number of the table."""
    writer.body.append("<figcaption>")
    writer.visit_caption(node)


def end_caption(writer, node):
    """Close it, with a link to the table."""
    writer.body.append("</span>")
    writer.add_permalink_ref(node.parent, "Link to this table")
    writer.body.append("</p></figcaption>")


def setup(app):
    """Register with Sphinx."""
    app.add_enumerable_node(captioned, "table", html=(begin_table, end_table))
    app.add_node(above, html=(begin_caption, end_caption))
    app.add_directive("captioned", Captioned)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
