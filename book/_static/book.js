// Search results quote the pages they point to, which a browser may not read from file://.
if (location.protocol === "file:") DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;

// What is folded is printed too.
addEventListener("beforeprint", () => {
  for (const folded of document.querySelectorAll("details:not([open])")) {
    folded.open = true;
    folded.dataset.printed = "";
  }
});
addEventListener("afterprint", () => {
  for (const folded of document.querySelectorAll("details[data-printed]")) {
    folded.open = false;
    delete folded.dataset.printed;
  }
});

// Whatever is to be scrolled sideways fades out where it is cut, as soon as it is unfolded.
const SCROLL = `article :is(mjx-container:is([display], .wide), .cell_output, .captioned > .output,
  div.wide, details.check, .pst-scrollable-table-container)`;
const scrolling = new ResizeObserver((boxes) => {
  for (const { target } of boxes) target.classList.remove("scrolls"); // it takes room itself
  const cut = boxes.map(({ target }) => target.scrollWidth > target.clientWidth + 1);
  boxes.forEach(({ target }, i) => target.classList.toggle("scrolls", cut[i]));
});

// A formula in the text that is, with the marks beside it, wider than its column gets a scroll bar of its own.
// All are measured before any is changed, so that the page is laid out once and not once for each.
function boxWideMathematics() {
  const formulas = [...document.querySelectorAll("span.math > mjx-container")];
  for (const formula of formulas) {
    formula.classList.remove("wide", "scrolls");
    scrolling.unobserve(formula);
  }
  const wide = formulas.map((formula) => {
    const column = formula.closest("p, li, dd, td, div").clientWidth;
    const whole = formula.closest(".whole") ?? formula;
    return whole.getBoundingClientRect().width > column;
  });
  formulas.forEach((formula, i) => {
    formula.classList.toggle("wide", wide[i]);
    formula.tabIndex = wide[i] ? 0 : -1; // no formula is a stop for the keyboard but to be scrolled
  });
  for (const box of document.querySelectorAll(SCROLL)) scrolling.observe(box, { box: "border-box" });
}

addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  boxWideMathematics();
  addEventListener("resize", boxWideMathematics);
});

// A chapter's notebook is saved, not opened. A page opened from a file may fetch nothing, but it may
// load a script: that of the notebook calls this with its text.
window.saveNotebook = (name, text) => {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([text], { type: "application/x-ipynb+json" }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
};
addEventListener("click", (event) => {
  const button = event.target.closest("a.btn-download-notebook-button");
  if (!button) return;
  event.preventDefault();
  const script = document.createElement("script");
  script.src = `${button.href}.js`;
  script.onload = () => script.remove();
  document.head.append(script);
});
