// Makes one document of the pages of the built book, in their order. It runs in an empty page of
// Chromium, with a list of {uri, name, html} and what the cover says; it returns the HTML.
({ pages, cover }) => {
  const parse = (html) => new DOMParser().parseFromString(html, "text/html");
  const front = parse(pages[0].html);
  const book = parse("<!doctype html><html lang=en data-theme=light><meta charset=utf-8></html>");
  const element = (tag, attributes, ...children) => {
    const made = book.createElement(tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    made.append(...children);
    return made;
  };

  // The look and the mathematics of the pages, and none of their other scripts: those fold, search
  // and replace pictures by moving ones.
  const wanted = 'link[rel="stylesheet"], style, script';
  for (const node of front.head.querySelectorAll(wanted)) {
    if (node.matches("script") && !/MathJax\s*=|mathjax/.test(node.outerHTML)) continue;
    for (const name of ["src", "href"])
      if (node.hasAttribute(name))
        node.setAttribute(name, new URL(node.getAttribute(name), pages[0].uri).href);
    book.head.append(node);
  }
  book.head.append(element("title", {}, cover.title));

  // An id is known in its page alone, and in the book by the name of its page as well.
  const names = new Map(pages.map(({ uri, name }) => [uri, name]));
  const rename = (node, uri, name) => {
    const own = (id) => `${name}--${id}`;
    for (const { name: key, value } of [...node.attributes]) {
      if (key === "id" || (key === "name" && node.matches("a"))) node.setAttribute(key, own(value));
      else if (/^(for|headers|aria-(labelledby|describedby|controls|owns))$/.test(key))
        node.setAttribute(key, value.split(/\s+/).map(own).join(" "));
      else if (key === "href" || key === "xlink:href") {
        const target = new URL(value, uri);
        const fragment = decodeURIComponent(target.hash.slice(1));
        target.hash = "";
        const page = names.get(target.href);
        if (page) node.setAttribute(key, `#${fragment ? `${page}--${fragment}` : page}`);
        else if (node.matches("a") && target.protocol === "file:")
          node.replaceWith(...node.childNodes); // a file beside the pages, which the PDF lacks
      } else if (key === "src") node.setAttribute(key, new URL(value, uri).href);
      else if (value.includes("url(#"))
        node.setAttribute(key, value.replace(/url\(#([^)]*)\)/g, (_, id) => `url(#${own(id)})`));
    }
  };

  const contents = element("nav", { class: "book-contents" }, element("h1", {}, "Contents"));
  const body = element("main", { class: "bd-content" });
  const entry = (level, heading, target) => {
    const title = heading.cloneNode(true);
    for (const mark of title.querySelectorAll("[id]")) mark.removeAttribute("id");
    const words = element("span", { class: "title" }, ...title.childNodes);
    const place = element("span", { class: "place" });
    contents.append(element("a", { class: level, href: `#${target}` }, words, place));
  };
  let part;
  for (const { uri, name, html, caption } of pages) {
    const article = parse(html).querySelector("article");
    for (const node of article.querySelectorAll("a.headerlink, script, button")) node.remove();
    for (const node of article.querySelectorAll("noscript")) node.replaceWith(...node.childNodes);
    for (const folded of article.querySelectorAll("details")) folded.open = true;
    for (const node of article.querySelectorAll("*")) rename(node, uri, name);
    if (caption !== part) contents.append(element("p", { class: "part" }, (part = caption)));
    const [title, ...others] = article.querySelectorAll("h1, section > section > h2");
    entry("chapter", title, name);
    for (const heading of others)
      if (heading.matches("article > section > section > h2"))
        entry("section", heading, heading.parentElement.id);
    article.id = name;
    body.append(element("div", { class: "bd-article-container" }, article));
  }

  const lines = cover.lines.map((line) => element("p", {}, line));
  const opening = element("section", { class: "cover" }, element("h1", {}, cover.title), ...lines);
  book.body.append(element("div", { class: "one-document" }, opening, contents, body));
  return `<!doctype html>\n${book.documentElement.outerHTML}`;
}
