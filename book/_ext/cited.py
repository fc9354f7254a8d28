"""Lead from an entry of the bibliography back to the pages that cite it."""

from docutils import nodes


def lead_back(app, doctree, docname):
    """Add to each entry of the page the pages that cite it, in the order of the book."""
    entries = list(doctree.findall(nodes.citation))
    if not entries:
        return
    domain = app.env.get_domain("cite")
    keys = {one.citation_id: one.key for one in domain.citations}
    order = list(_pages(app.env, app.config.root_doc))
    for entry in entries:
        key = keys.get(entry["ids"][0])
        citing = {
            ref.docname
            for ref in domain.citation_refs
            if any(one.key == key for one in ref.targets)
        }
        links = [_link(app, docname, page) for page in order if page in citing]
        if links:
            line = nodes.paragraph("", "Cited in ", classes=["cited-in"])
            for number, link in enumerate(links):
                line += [nodes.Text(", "), link] if number else [link]
            line += nodes.Text(".")
            entry += line


def _pages(env, page):
    """Every page, in reading order."""
    yield page
    for below in env.toctree_includes.get(page, ()):
        yield from _pages(env, below)


def _link(app, docname, page):
    number = app.env.toc_secnumbers.get(page, {}).get("")
    title = app.env.titles[page].astext()
    text = f"chapter {'.'.join(map(str, number))}" if number else title
    address = app.builder.get_relative_uri(docname, page)
    return nodes.reference("", text, internal=True, refuri=address, reftitle=title)


def unlisted(app, pagename, templatename, context, doctree):
    """Say of the entries that they are works, and not also that they are items of a list.

    docutils puts works (doc-biblioentry) into a list, which by ARIA may hold items alone.
    """
    if body := context.get("body"):
        context["body"] = body.replace('role="list" class="citation-list"', 'class="citation-list"')


def setup(app):
    """Register with Sphinx."""
    app.connect("doctree-resolved", lead_back)
    app.connect("html-page-context", unlisted)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
