"""Figures with sliders, moved by keys and by a pointer: they say what the package says there."""

import json
import math

import checks
import matplotlib.pyplot as plt
import numpy as np
import pytest

from sslboost import criteria, processor
from sslboost.bounds import past_threshold
from sslboost.pages import figures
from sslboost.pages.interactive import Move, Reading, Slider, show
from sslboost.population import copying_population, latent_population
from sslboost.representation import risk
from sslboost.uses import budget

POSITIONS = 24  # at which every figure is read, by keys and by a pointer each
FAMILY = {"d_y": 2, "d_s": 3, "dims_x": (5, 6, 5), "dims_z": (3, 5), "y_to_z": [1.0, 0.5]}


def labels(n2, d_y, d_z, d_x, signal):
    n2, floor = int(n2), 1 - float(signal.removesuffix(" %")) / 100
    said = {"n2": n2, "floor": floor}
    for way, k in {"d_y": int(d_y), "d_z": int(d_z), "d_x": int(d_x)}.items():
        if n2 > k + 1:
            said[f"risk_{way}"] = risk.expected_risk([[floor]], k, n2)
        elif n2 >= k - 1:
            said[f"risk_{way}"] = math.inf
        else:
            said[f"risk_{way}"] = "beyond the formula (fewer labels than features)"
        needed = risk.sample_complexity([[floor]], k, 0.1 * floor)
        said[f"need_{way}"] = math.ceil(needed * (1 - 1e-12))
    return said


def front(n0, lam):
    limit = past_threshold.limit(int(n0) / 80, float(lam), k2=0.8, kappa2=0.8)
    return {"n0": int(n0), "lam": float(lam), "risk": float(limit.risk)}


def phases(ratio, lam):
    share = float(past_threshold.limit(float(ratio), float(lam), 0.9, 1.5).risk)
    fitted = float(ratio) > 1  # up to m there is nothing for a head to fit
    processed, plain = share * (99 / 98 if fitted else 1), 0.1 * 99 / 79
    said = {"ratio": float(ratio), "lam": float(lam), "risk": share, "processed": processed}
    return said | {"verdict": "wins" if processed < plain else "loses"}


def _kept(lam, **links):
    population = latent_population(**FAMILY, **links)
    star = processor.lambda_star(latent_population(**FAMILY))
    weight = float(lam.removesuffix(" λ*")) * star
    optimum = processor.population_optimum(population, 6, weight)
    lost = criteria.c2_gap(population, optimum.matrix) / np.sum(population.K_y**2)
    gap = criteria.c1_gap(population, optimum.matrix)
    return {"kept": optimum.rank, "c1": gap, "lost": 100 * lost}


def gaps(lam):
    links = {"member": {}, "mixed": {"mix": 0.5}, "leaky": {"leak": 0.5}}
    rows = {name: _kept(lam, **link) for name, link in links.items()}
    return {"lam": lam} | {f"{k}_{name}": v for name, row in rows.items() for k, v in row.items()}


def worth(lam):
    return {"lam": lam} | _kept(lam)


def spent(labels, signal, rho):
    k2, share = (float(one.removesuffix(" %")) / 100 for one in (signal, rho))
    population = copying_population(k2, share, 1.5, 10, noise=30)
    found = budget.risks(population, int(labels))
    told = budget.told_delta(population, int(labels))
    names = {
        "plain": "plain SSL",
        "norm": "minimum norm",
        "joint": "joint head",
        "augmented": "augmented head",
        "reduced": "reduced-rank SSL",
        "direct": "x directly",
        "slides": "slides' processor",
    }
    said = {key: found[use] for key, use in names.items()} | {"told": told, "floor": 1 - k2}
    return said | {"labels": int(labels), "best": budget.best(found), "risk": min(found.values())}


#: The page, the figure on it, and what it must say where the sliders stand.
MOVING = [
    ("book/01-pretext-ssl.html", "fig-pretext-labels", labels),
    ("book/index.html", "fig-front-cliff", front),
    ("book/04-theorem-2.html", "fig-too-few-phases", phases),
    ("book/03-the-loss-and-theorem-1.html", "fig-loss-gaps", gaps),
    ("book/03-the-loss-and-theorem-1.html", "fig-loss-worth", worth),
    ("book/10-the-label-budget.html", "fig-budget-moving", spent),
]


# The values of the sliders as a screen reader is told them, and the words of the sentence by name.
SAID = """
(figure) => [
  [...figure.querySelectorAll("input")].map((e) => e.getAttribute("aria-valuetext")),
  Object.fromEntries([...figure.querySelectorAll("output b")].map((e) => [e.dataset.says,
    e.textContent])),
]
"""


def mismatches(figure, expected):
    """What a figure says where it stands, and should not."""
    values, said = figure.evaluate(SAID)
    wanted = expected(*values)
    faults = [f"says {set(said)}, not {set(wanted)}"] if set(said) != set(wanted) else []
    for name in set(said) & set(wanted):
        word, value = said[name], wanted[name]
        if isinstance(value, str) or math.isinf(value):
            right = word == (value if isinstance(value, str) else "infinite")
        else:
            digits = len(word.partition(".")[2])
            right = abs(float(word) - value) <= 0.5 * 10**-digits + 1e-9
        if not right:
            faults.append(f"{name} is {word}, not {value}, at {values}")
    return faults


def by_keys(page, figure, rng):
    """Walk at random with the keys of a slider; yield at every stop."""
    for _ in range(POSITIONS):
        slider = figure.locator("input").nth(rng.integers(figure.locator("input").count()))
        slider.focus()
        page.keyboard.press(rng.choice(["Home", "End", "PageUp", "PageDown"]))
        for _ in range(rng.integers(5)):
            page.keyboard.press(rng.choice(["ArrowRight", "ArrowLeft", "ArrowUp"]))
        yield


def by_pointer(page, figure, rng):
    """Click on sliders, and drag in the picture, at random; yield at every stop."""
    for i in range(POSITIONS):
        if i % 2:
            slider = figure.locator("input").nth(rng.integers(figure.locator("input").count()))
            box = slider.bounding_box()
            at = {"x": float(rng.uniform(1, box["width"] - 1)), "y": box["height"] / 2}
            slider.click(position=at)
        else:
            box = figure.locator("svg").bounding_box()
            place = [box["y"] + box["height"] * rng.uniform(0.4, 0.7)]
            for x in sorted(rng.uniform(0.25, 0.95, 2)):
                page.mouse.move(box["x"] + box["width"] * x, *place)
                page.mouse.down()
            page.mouse.up()
        yield


@pytest.mark.parametrize("walk", [by_keys, by_pointer])
@pytest.mark.parametrize(("file", "name", "expected"), MOVING, ids=[one[1] for one in MOVING])
def test_a_figure_says_what_the_package_says(browser, html, file, name, expected, walk):
    context = browser.new_context(offline=True, viewport={"width": 1280, "height": 1400})
    page, faults = context.new_page(), []
    checks.watch(page, faults)
    checks.without_mathematics(page)
    page.goto((html / file).as_uri())
    figure = page.locator(f"#{name} figure.interactive")
    figure.scroll_into_view_if_needed()
    faults += mismatches(figure, expected)
    seen = set()
    for _ in walk(page, figure, np.random.default_rng(len(name))):
        faults += mismatches(figure, expected)
        paths = figure.locator("svg path").evaluate_all("all => all.map((e) => e.outerHTML)")
        seen.add((figure.locator("output").inner_text(), *paths))
    context.close()
    assert faults == []
    assert len(seen) >= POSITIONS / 3  # it moved, and not between two states


@pytest.mark.parametrize(("file", "name", "expected"), MOVING, ids=[one[1] for one in MOVING])
def test_without_scripts_the_picture_and_its_sentence_are_there(
    browser, html, file, name, expected
):
    context = browser.new_context(offline=True, java_script_enabled=False)
    page, faults = context.new_page(), []
    checks.watch(page, faults)
    page.goto((html / file).as_uri())
    figure = page.locator(f"#{name} figure.interactive")
    box = figure.locator("svg").bounding_box()
    assert box["width"] > 300 and box["height"] > 200
    assert figure.locator("output").inner_text().endswith(".")
    assert figure.locator("input").count() == 0
    context.close()
    # A script that may not run is a request that failed.
    assert [fault for fault in faults if "(csp)" not in fault] == []


@pytest.mark.parametrize(("file", "name", "expected"), MOVING, ids=[one[1] for one in MOVING])
def test_on_a_phone_letters_are_legible_and_sliders_wide_enough(
    browser, html, file, name, expected
):
    page = browser.new_page(viewport={"width": 390, "height": 844})
    checks.without_mathematics(page)
    page.goto((html / file).as_uri())
    figure = page.locator(f"#{name} figure.interactive")
    for label in figure.locator("label").all():
        size = label.evaluate("(e) => parseFloat(getComputedStyle(e).fontSize)")
        assert size >= 11
        assert label.locator("input").bounding_box()["width"] >= 200
        assert label.locator("input").bounding_box()["height"] >= 24
    page.close()


def test_the_book_holds_little_script(html):
    pages = [p for p in html.rglob("*.html") if "_static" not in p.parts]
    script = sum(len(part) for page in pages for part in moving_scripts(page))
    assert 1_000 < script < 100_000


def moving_scripts(page):
    """The scripts of a page that move figures."""
    parts = page.read_text("utf-8").split("</figure><script>")[1:]
    return [part.partition("</script>")[0] for part in parts]


def square(words=("1", "4", "9")):
    """A small figure, of which a slider moves a dot; and what it should say."""
    figures.use()
    fig, ax = plt.subplots()
    (line,) = ax.plot([], [])
    ax.set(xlim=(0, 4), ylim=(0, 10))
    x = np.array([[1, 1.5], [2, 2.5], [3, 3.5]])
    shown = show(
        fig,
        "a line that rises with the square of a number",
        sliders={"x": Slider("number", ("1", "2", "3"))},
        moves=[Move(line, ("x",), x, x**2)],
        says="The square of {x} is {square}.",
        readings={"square": Reading(("x",), words)},
    )
    return shown, lambda x: {"x": int(x), "square": int(x) ** 2}


@pytest.mark.parametrize("words", [("1", "4", "9"), ("1", "4", "8")])
def test_a_wrong_number_at_one_position_is_found(browser, tmp_path, words):
    shown, expected = square(words)
    file = tmp_path / "page.html"
    file.write_text(f"<!doctype html><meta charset='utf-8'>{shown._repr_html_()}", "utf-8")
    page = browser.new_page()
    page.goto(file.as_uri())
    figure = page.locator("figure.interactive")
    faults = []
    for _ in by_keys(page, figure, np.random.default_rng(0)):
        faults += mismatches(figure, expected)
    path = figure.locator("path").evaluate_all("all => all.map((e) => e.getAttribute('d'))")
    page.close()
    assert json.dumps(shown.data).count("M") == 3 and set(path) & set(
        shown.data["parts"][0]["path"]
    )
    assert bool(faults) == (words[-1] == "8")
