"""Every chapter of the table of contents was executed, and its outputs are in the pages."""

import json
import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
RECORD = ROOT / ".cache" / "book" / "executed.json"


def notebooks_in_toc():
    """The notebook pages of `_toc.yml`, counted here without the builder's code."""
    named = re.findall(r"^\s*(?:- file|root): *(\S+)", (ROOT / "_toc.yml").read_text("utf-8"), re.M)
    return [n for n in named if "\nkernelspec:" in (ROOT / f"{n}.md").read_text("utf-8")]


def test_every_chapter_was_executed(html):
    rows = json.loads(RECORD.read_text("utf-8"))
    assert [row["chapter"] for row in rows] == notebooks_in_toc()
    assert all(row["seconds"] > 0 for row in rows)


def test_every_code_cell_ran(html):
    for name in notebooks_in_toc():
        notebook = json.loads((ROOT / ".cache/book/src" / f"{name}.ipynb").read_text("utf-8"))
        cells = [c for c in notebook["cells"] if c["cell_type"] == "code" and c["source"]]
        assert cells, f"{name} has no code"
        assert [c["execution_count"] for c in cells] == list(range(1, len(cells) + 1)), name
        shown = [c for c in cells if "remove-cell" not in c["metadata"].get("tags", ())]
        page = (html / f"{name}.html").read_text("utf-8")
        assert page.count('<div class="cell ') == len(shown), name
        assert re.search(r'class="(cell_output|captioned) ?', page), name
