"""A click on a chapter's button saves its notebook, from a file and with the network off."""

import json
import shutil
from pathlib import Path

import checks
import nbformat

STATIC = Path(__file__).resolve().parents[2] / "book" / "_static"
PAGE = """<!doctype html><meta charset='utf-8'><script>DOCUMENTATION_OPTIONS = {}</script>
<script src='book.js' defer></script><a class='btn btn-download-notebook-button'
href='one.ipynb' target='_blank'>notebook</a>"""


def saved(browser, file, folder):
    """Click on the page's download; return its name, the text that was saved, and what was wrong.

    The button is in a menu, where there is one.
    """
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 900})
    page, faults = context.new_page(), []
    checks.watch(page, faults)
    checks.without_mathematics(page)
    page.goto(file.as_uri())
    if page.locator(".dropdown-download-buttons > button").count():
        page.click(".dropdown-download-buttons > button")
    with page.expect_download() as download:
        page.click("a.btn-download-notebook-button")
    download.value.save_as(folder / "saved")
    faults += [f"{len(context.pages)} pages are open"] if len(context.pages) > 1 else []
    context.close()
    return download.value.suggested_filename, (folder / "saved").read_text("utf-8"), faults


def test_a_click_saves_and_opens_nothing(browser, tmp_path):
    shutil.copy(STATIC / "book.js", tmp_path)
    (tmp_path / "page.html").write_text(PAGE, "utf-8")
    text = "ψ </script> \u2028 \\( \n"
    script = f"saveNotebook('one.ipynb', {json.dumps(text)})"
    (tmp_path / "one.ipynb.js").write_text(script, "utf-8")
    for _ in range(2):
        found = saved(browser, tmp_path / "page.html", tmp_path)
        assert found == ("one.ipynb", text, [])


def test_a_chapter_is_saved_as_a_notebook_with_its_outputs(browser, html, chapter_file, tmp_path):
    name, text, faults = saved(browser, chapter_file, tmp_path)
    assert (name, faults) == (f"{chapter_file.stem}.ipynb", [])
    assert text == chapter_file.with_suffix(".ipynb").read_text("utf-8")
    notebook = nbformat.reads(text, as_version=4)
    nbformat.validate(notebook)
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    assert [cell.execution_count for cell in code] == [None, *range(1, len(code))]
    assert any(cell.outputs for cell in code)
    prose = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
    assert not [mark for mark in ("{glue:", "{prf:", "{cite", "{numref}", ":::") if mark in prose]
