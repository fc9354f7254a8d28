"""What the text refers to: numbered, captioned, and with one place to lead to."""

import json
import re
from pathlib import Path

TABLES = """
```{captioned} nothing
:name: tab-nothing
What no cell placed.
```

```{captioned}
**Without a name.**

| a |
|---|
| 1 |
```

```{captioned}
:name: tab-bare
| a |
|---|
| 1 |
```

```{captioned}
:name: tab-empty
**Without a table.**
```
"""


def test_a_table_without_name_caption_or_rows_fails_the_build(book, run):
    chapter = book / "book" / "01-one.md"
    chapter.write_text(chapter.read_text("utf-8") + TABLES, "utf-8")
    status, output = run(book)
    assert status != 0
    assert re.findall(r"ERROR: (.*?)(?:\x1b|\n)", output)[:4] == [
        "No key 'nothing' found in glue data for this document.",
        "a table must have a :name: that the text can refer to",
        "a table must have a caption, which says what it shows",
        "a table must be placed by a cell, or follow its caption",
    ]


PAGE = """# One

See {prf:ref}`thm-two`, {eq}`eq-two`, {term}`number`, {cite}`lee2021` and {doc}`index`.

```{prf:theorem} Of one
:label: thm-one

It is so.
```
"""
FRONT = """# Front

See {doc}`01-one` and {prf:ref}`thm-one`.

```{prf:theorem} Of *two*
:label: thm-two

Let $x > 0$.
```

$$ x > 0 $$ (eq-two)

```{glossary}
number
n
  What is *counted*.
```

```{bibliography}
```
"""
BIB = """@article{lee2021, author = {Lee, Ann}, title = {On it}, journal = {J}, year = {2021}}
@article{none2021, author = {Ray, Ann}, title = {On none}, journal = {J}, year = {2021}}"""


def test_what_other_pages_hold_is_beside_the_page_and_a_statement_leads_to_itself(book, run):
    (book / "book/index.md").write_text(FRONT, "utf-8")
    (book / "book/references.bib").write_text(BIB, "utf-8")
    chapter = book / "book" / "01-one.md"
    head = chapter.read_text("utf-8").partition("# One")[0]
    chapter.write_text(head + PAGE + "\n```{code-cell} ipython3\n1\n```\n", "utf-8")
    status, output = run(book)
    assert status == 0, output
    built = book / "_build/html/book"
    script = (built / "01-one.previews.js").read_text("utf-8")
    found = json.loads(re.fullmatch(r"bookPreviews\((.*)\);\n", script)[1])
    places = ["equation-eq-two", "term-number", "thm-two"]
    assert [one for one in found if "#id" not in one] == [f"index.html#{one}" for one in places]
    assert "What is <em>counted</em>" in found["index.html#term-number"]
    (work,) = [html for name, html in found.items() if "#id" in name]
    assert "On it" in work
    assert "x &gt; 0" in found["index.html#equation-eq-two"]
    assert "Let" in found["index.html#thm-two"] and "Theorem" in found["index.html#thm-two"]
    assert "thm-one" in (built / "index.previews.js").read_text("utf-8")
    front = (built / "index.html").read_text("utf-8")
    assert re.findall(r'Cited in <a class="reference internal" href="(.*?)"', front) == [
        "01-one.html"
    ]
    page = (built / "01-one.html").read_text("utf-8")
    assert re.search(r'\(Of one\)<a class="headerlink" href="#thm-one"', page)
    assert "proof-content" not in page


def test_who_speaks_of_the_slides_leads_to_them():
    chapters = sorted((Path(__file__).resolve().parents[2] / "book").glob("0*.md"))
    assert len(chapters) > 7
    for chapter in chapters:
        text = chapter.read_text("utf-8")
        assert "slides" not in text or re.search(r"\{cite\}`[\w,]*huang2021slides", text), chapter


def test_the_glossary_is_in_order_and_every_entry_leads_to_a_place():
    page = Path(__file__).resolve().parents[2] / "book/appendix/glossary.md"
    inside = re.search(r"```\{glossary\}\n(.*?)\n```", page.read_text("utf-8"), re.S)[1]
    entries = inside.split("\n\n")
    names = [entry.splitlines()[0] for entry in entries]
    assert len(names) > 30 and names == sorted(names, key=str.casefold)
    bare = [e for e in entries if not re.search(r"\{(prf:ref|eq|doc|numref)\}`", e)]
    assert bare == []
