// What a reference leads to, shown beside it: for a mouse that rests on it, and for the keyboard.
// Escape closes it. A touch follows the link and shows nothing.
(() => {
  const KINDS = ".proof, .exercise, .citation, div.math, figure, .glossary dt";
  const LINK = 'article a[href*="#"]:not(.headerlink)';
  const [OPEN, CLOSE] = [200, 300]; // milliseconds: time to pass over a link, to reach the preview
  let elsewhere, link, box, timer;

  // What lies on other pages is in a script beside this one.
  const others = () =>
    (elsewhere ??= new Promise((resolve) => {
      window.bookPreviews = resolve;
      const script = document.createElement("script");
      const root = document.documentElement.dataset.content_root ?? "";
      script.src = `${root}${DOCUMENTATION_OPTIONS.pagename}.previews.js`;
      script.onerror = () => resolve({});
      document.head.append(script);
    }));

  async function target(to) {
    const holder = document.createElement("div");
    if (to.pathname === location.pathname) {
      const found = document.getElementById(decodeURIComponent(to.hash.slice(1)));
      if (!found?.matches(KINDS)) return null;
      holder.append(found.cloneNode(true));
      let meaning = found.matches("dt") && found;
      while (meaning?.matches?.("dt")) meaning = meaning.nextElementSibling;
      if (meaning) holder.append(meaning.cloneNode(true));
    } else {
      const html = (await others())[to.getAttribute("href")];
      if (!html) return null;
      const parsed = new DOMParser().parseFromString(html, "text/html");
      holder.append(...parsed.body.childNodes);
    }
    for (const gone of holder.querySelectorAll("script, button, .headerlink")) gone.remove();
    // An id is known once: where the page has it, the copy does without.
    for (const copy of holder.querySelectorAll("[id]"))
      if (document.getElementById(copy.id)) copy.removeAttribute("id");
    for (const name of ["href", "src"])
      for (const copy of holder.querySelectorAll(`:is(a, img)[${name}]`))
        copy[name] = new URL(copy.getAttribute(name), to.href).href;
    return holder.childNodes;
  }

  function hide() {
    clearTimeout(timer);
    link?.removeAttribute("aria-describedby");
    box?.remove();
    link = box = undefined;
  }

  async function show(to) {
    hide();
    link = to;
    const content = await target(to);
    if (!content || link !== to) return;
    box = document.createElement("div");
    box.id = "preview";
    box.role = "tooltip";
    box.append(...content);
    to.closest("article").append(box);
    to.removeAttribute("title"); // the browser would show it as well
    to.setAttribute("aria-describedby", box.id);
    place();
    if (![...box.querySelectorAll(".math")].every((m) => m.querySelector("mjx-container"))) {
      await window.MathJax?.typesetPromise?.([box]);
      if (link === to && box) place();
    }
  }

  // Under the link, or above it where there is more room; never outside of the window.
  function place() {
    const { left, top, bottom } = link.getClientRects()[0] ?? link.getBoundingClientRect();
    const from = box.offsetParent.getBoundingClientRect();
    const below = innerHeight - bottom;
    box.style.maxHeight = `${Math.max(top, below) - 24}px`;
    const { width, height } = box.getBoundingClientRect();
    const x = Math.max(8, Math.min(left, document.documentElement.clientWidth - width - 8));
    const y = height + 12 < below || below >= top ? bottom + 6 : top - height - 6;
    box.style.left = `${x - from.left}px`;
    box.style.top = `${y - from.top}px`;
  }

  const later = (act, wait) => {
    clearTimeout(timer);
    timer = setTimeout(act, wait);
  };
  addEventListener("pointerover", (event) => {
    if (event.pointerType !== "mouse") return;
    const over = event.target.closest?.(LINK);
    if (event.target.closest?.("#preview") || (over && over === link)) clearTimeout(timer);
    else if (over) later(() => show(over), OPEN);
    else later(hide, CLOSE);
  });
  addEventListener("focusin", (event) => {
    const to = event.target.closest(LINK);
    if (to?.matches(":focus-visible")) show(to);
    else if (!event.target.closest("#preview")) hide();
  });
  addEventListener("focusout", () => later(hide, CLOSE));
  addEventListener("keydown", (event) => event.key === "Escape" && hide());
})();
