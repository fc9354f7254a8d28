"""Turn a rendered chapter into a notebook that plain Jupyter shows as it is meant.

The text is taken from the page, where numbers, references, citations and values are resolved, and
becomes Markdown. The cells and their outputs are those that were executed. Whatever Markdown could
garble, formulas and code cells above all, is replaced by a token before the conversion and put in
place after it.
"""

import base64
import re
from html import escape

import nbformat
from bs4 import BeautifulSoup
from markdownify import ATX, MarkdownConverter
from pictures import move_back

INSTALL = '# %pip install "sslboost[notebook]"'
CELL = re.compile(r"^xqCELL(\d+)qx$", re.M)
TOKEN = re.compile(r"xqTEXT(\d+)qx")
SECTION = re.compile(r"^(?=#{1,3} )", re.M)
HIDDEN = {"hide-input", "remove-input", "hide-cell", "remove-cell"}


class Converter(MarkdownConverter):
    """HTML to the Markdown that Jupyter reads, in which $ begins a formula."""

    def escape(self, text, parent_tags):
        return re.sub(r"([\\*_`<$~|]|\](?=[(\[:])|&(?=#?\w+;))", r"\\\1", text)

    def convert_p(self, el, text, parent_tags):
        text = re.sub(r"^\s*(\d*)([.)#>+-])(?=\s)", r"\1\\\2", text)  # begins no list
        return super().convert_p(el, text, parent_tags)

    def convert_dt(self, el, text, parent_tags):
        return f"\n\n**{' '.join(text.split())}**\n\n"

    def convert_dd(self, el, text, parent_tags):
        return f"\n\n{text.strip()}\n\n"


def notebook(body, executed, about):
    """Return the notebook of a page.

    Parameters
    ----------
    body : str
        HTML of the page's text.
    executed : nbformat.NotebookNode
        With its outputs.
    about : str
        Markdown of the first cell: what the notebook is, and where it comes from.

    Raises
    ------
    ValueError
        If the page holds something that the notebook would lose.
    """
    page, texts = BeautifulSoup(_drawn(body), "html.parser"), []
    cells = [c for c in executed.cells if c.cell_type == "code" and c.source.strip()]
    move_back(page)
    _tidy(page)
    pictures = _cells(page, [cell for cell in cells if "remove-cell" not in _tags(cell)])
    _cite(page)
    _formulas(page, texts)
    _boxes(page, texts)
    # A paragraph is one line: a number or dash at the start of another would begin a list.
    one_line = {"wrap": True, "wrap_width": None}
    markdown = Converter(
        heading_style=ATX, bullets="-", code_language_callback=_language, **one_line
    )
    pieces = CELL.split(markdown.convert_soup(page))
    parts = [nbformat.v4.new_markdown_cell(about), nbformat.v4.new_code_cell(INSTALL)]
    waiting = iter(cells)
    for i, piece in enumerate(pieces):
        if i % 2 == 0:
            found = SECTION.split(TOKEN.sub(lambda token: texts[int(token[1])], piece))
            parts += [nbformat.v4.new_markdown_cell(s.strip()) for s in found if s.strip()]
            continue
        for cell in waiting:
            parts.append(_plain(cell))
            if "remove-cell" not in _tags(cell):
                break
        parts[-1].outputs += pictures[int(piece)]
    parts += map(_plain, waiting)
    if lost := re.search(r"xq(?:CELL|TEXT)\d+qx", "".join(part.source for part in parts)):
        raise ValueError(f"a cell or formula must stand where Markdown can hold it, got {lost[0]}")
    for i, part in enumerate(parts):
        part.id = f"part-{i}"
    ours = ("kernelspec", "language_info")
    kept = {key: value for key, value in executed.metadata.items() if key in ours}
    made = nbformat.v4.new_notebook(cells=parts, metadata=kept)
    nbformat.validate(made)
    return made


def _tags(cell):
    return set(cell.metadata.get("tags", ()))


def _plain(cell):
    """A cell without what only the book's renderer reads."""
    tags = _tags(cell)
    shown = "remove-output" not in tags and "remove-cell" not in tags
    return nbformat.v4.new_code_cell(
        cell.source,
        execution_count=cell.execution_count,
        metadata={"jupyter": {"source_hidden": True}} if tags & HIDDEN else {},
        outputs=[_still(output) for output in cell.outputs if shown],
    )


def _still(output):
    """An output with its drawings as images: Jupyter shows no others before a notebook is run."""
    if html := output.get("data", {}).get("text/html"):
        output.data["text/html"] = _drawn("".join(html))
    return output


def _drawn(html):
    def image(svg):
        alt = re.search(r'aria-label="([^"]*)"', svg[0])
        data = base64.b64encode(svg[0].encode()).decode()
        source = f'src="data:image/svg+xml;base64,{data}" style="background: white"'
        return f'<img alt="{alt[1] if alt else ""}" {source}>'

    return re.sub(r"<svg\b.*?</svg>", image, html, flags=re.S)


def _tidy(page):
    """Take away what leads or shows only in a page; a reference is left as its text."""
    for gone in page.select("a.headerlink, script, style, template"):
        gone.decompose()
    for link in page.select("a[href]"):
        if "://" not in link["href"] and not link["href"].startswith("mailto:"):
            link.name = "span"
    for number in page.select(".caption-number, .section-number"):
        number.string = number.get_text().strip()
        if not str(number.next_sibling).startswith((" ", "\n")):
            number.insert_after(" ")


def _cells(page, shown):
    """Put tokens for the cells; return, for each, the outputs that the page shows elsewhere."""
    boxes = page.select("div.cell")
    if len(boxes) != len(shown):
        raise ValueError(f"a page must show every cell, got {len(boxes)} of {len(shown)}")
    pictures, number = [[] for _ in shown], -1
    both = page.select("div.cell, div.output")
    for found in [one for one in both if not one.find_parent("div", class_="cell")]:
        if "cell" in found["class"]:
            number += 1
            found.clear()
            found.append(_paragraph(page, f"xqCELL{number}qx"))
            continue
        if number < 0 or "text_html" not in found["class"] or found.find("img", src=_of_the_page):
            raise ValueError(f"a picture must come after its cell, as HTML, got {found!s:.200}")
        html = {"text/html": found.decode_contents().strip()}
        pictures[number].append(nbformat.v4.new_output("display_data", html))
        found.extract()
    if picture := page.find("img", src=_of_the_page):
        raise ValueError(f"a picture must be shown by a cell, got {picture!s:.200}")
    return pictures


def _of_the_page(src):
    return src is not None and not re.match("https?:|data:", src)


def _paragraph(page, text, tag="p"):
    made = page.new_tag(tag)
    made.string = text
    return made


def _cite(page):
    """List what the text cites; a citation itself is its author and year."""
    cited = sorted({a["title"] for a in page.select(".bibtex-citation .reference[title]")})
    if not cited:
        return
    page.append(_paragraph(page, "References", "h2"))
    entries = page.new_tag("ul")
    page.append(entries)
    for entry in cited:
        linked = re.sub(r"https?://\S+[^\s.,)]", r'<a href="\g<0>">\g<0></a>', escape(entry))
        entries.append(BeautifulSoup(f"<li>{linked}</li>", "html.parser"))


def _keep(texts, text):
    texts.append(text)
    return f"xqTEXT{len(texts) - 1}qx"


def _formulas(page, texts):
    """Put tokens for the formulas, each on one line, as a quotation or a list needs it."""
    for formula in page.select("span.math, div.math"):
        number = formula.find("span", class_="eqno")
        tag = rf" \tag{{{number.extract().get_text().strip(' ()')}}}" if number else ""
        tex = re.sub(r"(?<!\\)%.*", "", formula.get_text())
        tex = " ".join(tex.split())
        inside = re.fullmatch(r"\\\((.*)\\\)|\\\[(.*)\\\]", tex)
        if inside is None:
            raise ValueError(rf"a formula must be \(...\) or \[...\], got {tex:.80}")
        tex = (inside[1] or inside[2] or "").strip()
        if formula.find_parent(["td", "th"]):  # where a bar would end the column
            tex = tex.replace(r"\|", r"\Vert ").replace("|", r"\vert ")
        if formula.name == "span":
            formula.replace_with(_keep(texts, f"${tex}$"))
        else:
            formula.replace_with(_paragraph(page, _keep(texts, f"$${tex}{tag}$$")))


def _boxes(page, texts):
    """Quote statements, fold what is folded, and say in the text what a style sheet would."""
    for box in page.select("div.admonition"):
        kinds = set(box["class"])
        title = box.find("p", class_="admonition-title", recursive=False)
        if title is None:
            _proof(page, box)
            continue
        words = " ".join(title.get_text().split())
        if box.find("div", class_="cell"):
            _name(page, title)
        elif "dropdown" in kinds:
            title.string = _keep(texts, f"<details><summary>{_filled(words, texts)}</summary>")
            box.append(_paragraph(page, _keep(texts, "</details>")))
        else:
            _name(page, title)
            box.name = "blockquote"
    for caption in page.select("figcaption"):
        if number := caption.find("span", class_="caption-number"):
            number.name = "strong"


def _proof(page, box):
    """A visible proof: it begins with its name, which the style sheet sets apart."""
    first = box.find("p")
    if first and first.contents and str(first.contents[0]).startswith("Proof. "):
        first.contents[0].replace_with(str(first.contents[0]).removeprefix("Proof. "))
        first.insert(0, _paragraph(page, "Proof.", "em"), " ")


def _name(page, title):
    title.name = "p"
    bold = title.wrap(page.new_tag("strong"))
    title.unwrap()
    bold.wrap(page.new_tag("p"))


def _filled(words, texts):
    """Words for HTML, with the formulas that they hold tokens of."""
    return TOKEN.sub(lambda token: escape(texts[int(token[1])], False), escape(words, False))


def _language(pre):
    box = pre.find_parent("div", class_=re.compile("highlight-"))
    named = re.search(r"highlight-(\w+)", " ".join(box["class"])) if box else None
    known = named and named[1] not in {"default", "none", "text"}
    return {"ipython3": "python"}.get(named[1], named[1]) if known else ""
