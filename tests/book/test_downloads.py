"""What a reader downloads: a chapter as a notebook that plain Jupyter shows as it is meant."""

import json
import re

import nbformat
import plain
import pytest

PAGE = r"""
# Saying $n_0 \le m$ & more

Take $k$ of *these*, {glue:text}`answer` in all, for 2 < 3, &amp;lt; and \$5 a_b; see {doc}`index`,
{eq}`eq-one`, {numref}`fig-one`, {prf:ref}`thm-one` and [a page](https://example.org/a_b).
Lee {cite}`lee2021`.

```{code-cell} ipython3
:tags: [remove-cell]
from myst_nb import glue
class Shown:
    def __init__(self, html):
        self.html = html
    def _repr_html_(self):
        return self.html
```

```{code-cell} ipython3
:tags: [hide-input]
glue("answer", 41, display=False)
drawing = '<svg aria-label="It falls" viewBox="0 0 9 9" xmlns="http://www.w3.org/2000/svg"></svg>'
moving = "<template><input></template>"
glue("drawing", Shown(f"<figure>{drawing}{moving}</figure><script>1</script>"), display=False)
glue("counts", Shown("<table><tr><td>41</td></tr></table>"), display=False)
print("said")
```

```{glue:figure} drawing
:name: fig-one
**Falls.** As $x$ does.
```

```{captioned} counts
:name: tab-counts
**Counts.** Of $y$.
```

## A claim

$$
\begin{aligned}
a &= b \\
c &= d   % a remark
\end{aligned}
$$ (eq-one)

```{prf:assumption} Order
:label: asm-one

The {term}`numbers <number>` are ordered.
```

```{prf:theorem} Of $x$
:label: thm-one

1. Under {prf:ref}`asm-one` let $\|x\| = |y|$, so

   $$
   x = y .
   $$
```

```{prf:proof}
It is so.
```

````{admonition} Proof of $z$
:class: dropdown

By hand:

```{source} sslboost.core.files.write_text
```
````

```{note}
Beware.
```

A term
: What it means.

```{captioned}
:name: tab-words
**Words.** Beside {numref}`tab-counts`.

| slides | here |
| --- | --- |
| $\|x\|$ | *proved* |
```

```{exercise} A case
:label: ex-one

Do it.
```

```{solution-start} ex-one
:class: dropdown
```

Done thus.

```{code-cell} ipython3
Shown(drawing + "<p>drawn</p>")
```

```{solution-end}
```

1\. is no list.
"""
BIB = """@article{lee2021, author = {Lee, Ann}, title = {On it}, journal = {J}, year = {2021},
url = {https://example.org/lee_2021}}"""
FRONT = """
# Front

See {doc}`01-one`.

```{code-cell} ipython3
1
```

```{eval-rst}
.. py:function:: sslboost.core.files.write_text(path, text)
```

```{glossary}
number
  What is counted.
```

```{bibliography}
```
"""

#: What the Markdown of the download must hold, in this order.
TEXTS = [
    r"""# 1. Saying $n_0 \le m$ & more

Take $k$ of *these*, 41 in all, for 2 \< 3, \&lt; and \$5 a\_b; see Front, \
(1.1), Fig. 1.1, Theorem 1.1 and [a page](https://example.org/a_b). Lee [Lee, 2021].""",
    "**Fig. 1.1** **Falls.** As $x$ does.",
    "**Table 1.1** **Counts.** Of $y$.",
    r"""## 1.1. A claim

$$\begin{split} \begin{aligned} a &= b \\ c &= d \end{aligned} \end{split} \tag{1.1}$$

> **Assumption 1.1 (Order)**
>
> The numbers are ordered.

> **Theorem 1.1 (Of $x$)**
>
> 1. Under Assumption 1.1 let $\|x\| = |y|$, so
>
>    $$x = y .$$

*Proof.* It is so.

<details><summary>Proof of $z$</summary>

By hand:

`sslboost.core.files.write_text`

```python
def write_text""",
    r"""</details>

> **Note**
>
> Beware.

**A term**

What it means.

**Table 1.2** **Words.** Beside Table 1.1.

| slides | here |
| --- | --- |
| $\vert x\vert $ | *proved* |

> **Exercise 1.1 (A case)**
>
> Do it.

**Solution to Exercise 1.1 (A case)**

Done thus.""",
    r"1\. is no list.",
    "## References\n\n- Ann Lee. On it. J, 2021. URL: <https://example.org/lee_2021>.",
]


@pytest.fixture(scope="module")
def planted(make, run, tmp_path_factory):
    """The HTML folder of a book whose chapter holds every kind of directive."""
    book = make(tmp_path_factory.mktemp("planted") / "book")
    chapter = book / "book" / "01-one.md"
    head = chapter.read_text("utf-8").partition("\n# One")[0]
    chapter.write_text(head + PAGE, "utf-8")
    (book / "book/references.bib").write_text(BIB, "utf-8")
    (book / "book/index.md").write_text(head + FRONT, "utf-8")
    toc = book / "_toc.yml"
    toc.write_text(toc.read_text().replace("chapters:", "options:\n  numbered: true\nchapters:"))
    status, output = run(book)
    assert status == 0, output
    return book / "_build" / "html"


@pytest.fixture(scope="module")
def download(planted):
    """The download of that chapter."""
    return nbformat.read(planted / "book" / "01-one.ipynb", as_version=4)


def test_a_download_says_what_it_is_and_how_to_install_what_it_needs(download):
    nbformat.validate(download)
    about, install = download.cells[:2]
    assert r"chapter “1. Saying $n_0 \le m$ & more” of the book" in about.source
    assert "*Boosting pretext-based self-supervised learning*" in about.source
    assert install.source == '# %pip install "sslboost[notebook]"'
    assert set(download.metadata) == {"kernelspec", "language_info"}


def test_every_directive_is_markdown_that_plain_jupyter_renders(download):
    whole = "\n\n".join(c.source for c in download.cells[2:] if c.cell_type == "markdown")
    place = 0
    for text in (text.replace("\\\n", "") for text in TEXTS):
        assert text in whole[place:], whole[place:]
        place = whole.index(text, place) + len(text)
    assert not re.search(r":::|\{[a-z:]+\}|xq[A-Z]+\d+qx", re.sub(r"\$\$?.*?\$\$?", "", whole))


def test_the_cells_run_in_order_with_their_outputs_and_their_figures(download):
    hidden, first, last = [c for c in download.cells if c.cell_type == "code"][1:]
    assert [c.execution_count for c in (hidden, first, last)] == [1, 2, 3]
    assert hidden.outputs == [] and hidden.source.startswith("from myst_nb import glue")
    folded = {"jupyter": {"source_hidden": True}}
    assert [c.metadata for c in (hidden, first, last)] == [folded, folded, {}]
    printed, figure, counts = first.outputs
    assert printed.text == "said\n"
    data = r"data:image/svg\+xml;base64,[\w+/=]+"
    image = rf'<img alt="It falls" src="{data}" style="background: white"/?>'
    assert re.fullmatch(rf"<figure>{image}</figure>", figure.data["text/html"])
    assert counts.data["text/html"] == "<table><tr><td>41</td></tr></table>"
    assert re.fullmatch(rf"{image}<p>drawn</p>", last.outputs[0].data["text/html"])


def test_a_chapter_leads_to_its_download_and_no_page_to_its_source(planted, download):
    for name, links in (("01-one", ["01-one.ipynb"]), ("index", [])):
        page = (planted / "book" / f"{name}.html").read_text("utf-8")
        assert re.findall(r'href="([^"]*\.(?:ipynb|md))"', page) == links
        assert not list(planted.glob(f"_sources/book/{name}*"))
    script = (planted / "book" / "01-one.ipynb.js").read_text("utf-8")
    arguments = re.fullmatch(r"saveNotebook\((.*)\);\n", script)[1]
    name, text = json.loads(f"[{arguments}]")
    assert name == "01-one.ipynb"
    assert nbformat.reads(text, as_version=4) == download


CELL = "<div class='cell'></div>"


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("<p>No cell.</p>", "a page must show every cell, got 0 of 1"),
        (f"<div class='output text_html'>early</div>{CELL}", "a picture must come after its cell"),
        (f"{CELL}<div class='output text_plain'>1</div>", "a picture must come after its cell"),
        (f"{CELL}<figure><img src='../a.png'></figure>", "a picture must be shown by a cell"),
        (f"<ul><li>one {CELL}</li></ul>", "must stand where Markdown can hold it, got xqCELL0qx"),
        (f"{CELL}<span class='math'>x</span>", r"a formula must be \(...\) or \[...\], got x"),
    ],
)
def test_what_a_notebook_would_lose_is_an_error(body, says):
    executed = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")])
    with pytest.raises(ValueError, match=re.escape(says)):
        plain.notebook(body, executed, "about")
