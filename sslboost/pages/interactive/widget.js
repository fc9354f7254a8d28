// Moves an interactive figure. It computes nothing: whatever a position of the sliders shows was
// computed when the page was built, and is looked up here.
(figure) => {
  const template = figure?.querySelector("template");
  if (!template) return;
  const { sliders, parts, drags } = JSON.parse(template.content.querySelector("script").textContent);
  const controls = template.content.querySelector(".controls").cloneNode(true);
  template.replaceWith(controls);
  const inputs = [...controls.querySelectorAll("input")];
  const targets = parts.map(({ target }) => figure.querySelector(target));

  const show = () => {
    inputs.forEach((input, i) => {
      const shown = sliders[i][input.value];
      input.setAttribute("aria-valuetext", shown);
      input.nextElementSibling.textContent = shown;
    });
    parts.forEach(({ by, path, words }, i) => {
      const state = by.reduce((at, s) => at * sliders[s].length + Number(inputs[s].value), 0);
      if (path) targets[i].setAttribute("d", path[state]);
      else targets[i].textContent = words[state];
    });
  };
  controls.addEventListener("input", show);
  show();

  // A point is also moved by hand, to the nearest position of the sliders that run along the axes.
  const svg = figure.querySelector("svg");
  const nearest = (places, at) =>
    places.reduce((best, p, i) => (Math.abs(p - at) < Math.abs(places[best] - at) ? i : best), 0);
  const where = (event) => {
    const drawn = svg.getBoundingClientRect();
    const { width, height } = svg.viewBox.baseVal;
    return [
      ((event.clientX - drawn.left) / drawn.width) * width,
      ((event.clientY - drawn.top) / drawn.height) * height,
    ];
  };
  let held;
  const move = (event) => {
    const point = where(event);
    for (const { slider, axis, places } of held.along)
      inputs[slider].value = nearest(places, point[axis]);
    show();
  };
  const release = () => (held = undefined);
  svg.addEventListener("pointerdown", (event) => {
    const [x, y] = where(event);
    held = drags.find(({ box: [left, top, right, bottom] }) =>
      x >= left && x <= right && y >= top && y <= bottom);
    if (!held) return;
    svg.setPointerCapture(event.pointerId);
    move(event);
  });
  svg.addEventListener("pointermove", (event) => held && move(event));
  svg.addEventListener("pointerup", release);
  svg.addEventListener("pointercancel", release);
}
