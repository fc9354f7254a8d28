"""Show a function of the package as it runs: its signature, what it is for, and its body.

    ```{source} sslboost.representation.risk.excess_risk
    ```

The docstring is cut to its first line, and a reference leads to the whole of it; decorators, which
check arguments, are left out. What the page shows is the code that its cells ran.
"""

import ast
import importlib
import inspect
from textwrap import dedent

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import addnodes


def shortened(source):
    """Return the source of a function or class with the first line of its docstring alone."""
    source = dedent(source)
    lines = source.splitlines()
    (definition,) = ast.parse(source).body
    for node in reversed([n for n in ast.walk(definition) if _has_docstring(n)]):
        text = node.body[0]
        first = text.value.value.strip().splitlines()[0]
        indent = " " * text.col_offset
        lines[text.lineno - 1 : text.end_lineno] = [f'{indent}"""{first}"""']
    return "\n".join(lines[definition.lineno - 1 :])


def _has_docstring(node):
    kinds = (ast.FunctionDef, ast.ClassDef)
    return isinstance(node, kinds) and ast.get_docstring(node, clean=False) is not None


class Source(Directive):
    """The directive, with the dotted name of what is shown."""

    required_arguments = 1

    def run(self):
        name = self.arguments[0]
        module, _, attribute = name.rpartition(".")
        try:
            thing = inspect.unwrap(getattr(importlib.import_module(module), attribute))
            code = shortened(inspect.getsource(thing))
        except (ImportError, AttributeError, TypeError, OSError) as error:
            raise self.error(f"{name} must name a function of the package: {error}") from error
        env = self.state.document.settings.env
        env.note_dependency(inspect.getsourcefile(thing))
        shown = nodes.literal_block(code, code, language="python", classes=["source"])
        if attribute.startswith("_"):
            return [shown]
        target = f"{thing.__module__}.{thing.__qualname__}"
        link = addnodes.pending_xref(
            "", refdomain="py", reftype="obj", reftarget=target, refdoc=env.docname
        )
        link += nodes.literal(target, target)
        line = nodes.paragraph(classes=["source"])
        line += link
        return [line, shown]


def setup(app):
    """Register with Sphinx."""
    app.add_directive("source", Source)
    return {"parallel_read_safe": True}
