"""What the text refers to: numbered, captioned, and with one place to lead to."""

import re

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
