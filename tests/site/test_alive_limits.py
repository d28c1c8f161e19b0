"""Whatever an address or a slider says, an interactive figure shows nothing wrong."""

import math
from collections.abc import Callable
from itertools import pairwise
from urllib.parse import quote

import contourpy
import mpmath
import numpy as np
import pytest
from alive_pages import FIGURES, record, visit
from playwright.sync_api import Page
from trouble import Trouble

from hwlib.losses import sigmoid
from studies import figures

# Names that every object of JavaScript has, numbers at and beyond the ends, and no numbers at all.
STRANGE = ["constructor", "__proto__", "toString", "hasOwnProperty", "1e308", "-1e308", "1e999"]
STRANGE += ["NaN", "-Infinity", "5e-324", "-0", "0.5", "", " ", "null", "%00", "9" * 400, "-1,7,1"]
KEYS = ["z", "y", "range", "step", "rate", "x1", "x2", "w111", "w112", "w121", "w122", "w21", "w22"]
KEYS += ["surface", "startx", "starty", "factor", "without", "curve", "epoch"]
KEYS += ["image", "dx", "dy", "mirrored", "drawing"]
# Another address of the same page, which the figures follow without being loaded again.
FOLLOW = """(query) => new Promise((done) => {
  const hash = `#again=${Math.random()}&${query}`;
  addEventListener("hashchange", () => setTimeout(done), {once: true});
  location.hash = hash;
})"""

# What the figure shows that no reader should see. The naive loss is NaN in earnest.
WRONG = """(name) => {
  const app = document.querySelector(`[data-alive="${name}"]`);
  const found = [];
  if (!app.checkVisibility()) found.push("the figure is hidden");
  const words = name === "loss" ? /undefined|object|null|Infinity/
    : /\\bNaN\\b|undefined|object O|null|Infinity/;
  if (words.test(app.innerText)) found.push(app.innerText.match(words)[0] + " in the text");
  for (const drawn of app.querySelectorAll("svg *")) {
    for (const {name: key, value} of drawn.attributes) {
      if (!key.startsWith("data-") && /NaN|undefined|Infinity/.test(value))
        found.push(`${drawn.tagName} ${key}=${value.slice(0, 60)}`);
    }
  }
  for (const box of app.querySelectorAll("input[type=number], input[type=range]")) {
    if (!Number.isFinite(box.valueAsNumber)) found.push(`${box.outerHTML} holds ${box.value}`);
  }
  for (const [key, value] of Object.entries(window.alive.figures[name].state)) {
    if (typeof value === "number" && !Number.isFinite(value)) found.push(`${key} is ${value}`);
  }
  return found;
}"""
# Every slider at its lowest or highest place, by the bits of `choice`; boxes of numbers likewise.
PUSH = """([name, choice, typed]) => {
  const app = document.querySelector(`[data-alive="${name}"]`);
  const kind = typed ? "number" : "range";
  [...app.querySelectorAll(`input[type=${kind}]`)].forEach((slider, i) => {
    const high = (choice >> (i % 20)) & 1;
    slider.value = typed ? (high ? 1e300 : -1e300) : high ? slider.max : slider.min;
    slider.dispatchEvent(new Event(typed ? "change" : "input", {bubbles: true}));
  });
}"""

each_figure = pytest.mark.parametrize("name", [name for name in FIGURES if name != "garment"])


@each_figure
def test_any_address_leads_to_a_figure(page: Page, name: str) -> None:
    visit(page, name, "?" + "&".join(f"{key}=constructor" for key in KEYS))
    keys = list(page.evaluate(f"window.alive.figures.{name}.state"))
    assert len(keys) >= 3
    assert set(keys) <= set(KEYS)
    assert not page.evaluate(WRONG, name)
    queries = ["&".join(f"{key}={quote(word)}" for key in keys) for word in STRANGE]
    queries += [f"{key}={word}" for key in keys for word in ("constructor", "1e308", "-1e308")]
    for query in queries:
        page.evaluate(FOLLOW, query)
        assert not page.evaluate(WRONG, name), query


@each_figure
def test_sliders_at_their_ends_break_nothing(page: Page, name: str) -> None:
    visit(page, name)
    page.evaluate("document.querySelectorAll('.alive-app details').forEach((d) => d.open = true)")
    choices = [0, 2**20 - 1, *map(int, np.random.default_rng(0).integers(0, 2**20, 12))]
    for choice in choices:
        for typed in (False, True):
            page.evaluate(PUSH, [name, choice, typed])
            assert not page.evaluate(WRONG, name), (choice, typed)
    page.evaluate(f"window.alive.figures.{name}.flush()")
    state = page.evaluate(f"window.alive.figures.{name}.state")
    page.reload()
    page.wait_for_selector(f'[data-alive="{name}"][data-ready="yes"]')
    assert page.evaluate(f"window.alive.figures.{name}.state") == state


def test_a_planted_fault_is_found(page: Page, trouble: Trouble) -> None:
    visit(page, "race")
    assert not page.evaluate(WRONG, "race")
    page.evaluate("document.querySelector('.alive-app svg path').setAttribute('d', 'M NaN 1')")
    page.evaluate("document.querySelector('.alive-says').textContent = 'undefined is lowest'")
    assert len(page.evaluate(WRONG, "race")) == 2
    trouble.clear()  # the browser complains about the path, too


# --- Loss ---------------------------------------------------------------------------------------


def test_the_true_loss_is_shown_with_16_digits_of_mpmath(page: Page) -> None:
    points = [[z, y] for z, y, *_ in record("loss")["reference"]]
    found = visit(page, "loss").evaluate(
        "(points) => points.map(([z, y]) => window.alive.figures.loss.at(y, z).decimal)", points
    )
    for (z, y), shown in zip(points, found, strict=True):
        with mpmath.workprec(figures.PRECISION):
            exact, label = mpmath.mpf(z), mpmath.mpf(y)
            loss = label * mpmath.log1p(mpmath.exp(-exact))
            loss += (1 - label) * mpmath.log1p(mpmath.exp(exact))
            text = f"{shown['mantissa']}e{shown['exponent']}"
            assert abs(mpmath.mpf(text) / loss - 1) <= mpmath.mpf("5.01e-16"), (z, y, text)


def test_digits_are_counted_against_the_loss_and_not_against_its_rounding(page: Page) -> None:
    visit(page, "loss", "?z=745&y=1&range=800")
    rows = page.locator(".alive-app tbody tr")
    assert rows.nth(4).locator("td").all_inner_texts()[1] == "none"
    true = page.locator(".alive-true").inner_text()
    assert "2.8223" in true
    assert "10⁻³²⁴" in true
    assert "all" not in true
    said = page.locator(".alive-says").first.inner_text()
    assert "the loss is 2.822" in said
    assert "no float64 number is nearer" in said


# --- Graph --------------------------------------------------------------------------------------


def test_derivatives_of_a_saturated_network_are_numbers(page: Page) -> None:
    rng = np.random.default_rng(1)
    visit(page, "graph")
    for _ in range(20):
        example = {
            "x": rng.choice([-1e6, -50, 3, 1e6], (1, 2)),
            "y": rng.choice([0.0, 0.5, 1.0], (1, 1)),
            "w1": rng.choice([-1e6, -20, 20, 1e6], (2, 2)),
            "w2": rng.choice([-1e6, -900, 900, 1e6], (2, 1)),
        }
        state = {f"x{i + 1}": v for i, v in enumerate(example["x"][0])} | {"y": example["y"][0, 0]}
        state |= {f"w1{i + 1}{k + 1}": example["w1"][i, k] for i in (0, 1) for k in (0, 1)}
        state |= {f"w2{k + 1}": example["w2"][k, 0] for k in (0, 1)}
        found = page.evaluate("(s) => window.alive.figures.graph.compute(s)", state)
        z = sigmoid(example["x"] @ example["w1"]) @ example["w2"]
        assert found["value"]["z"] == pytest.approx(z[0, 0], rel=1e-12)
        assert found["slope"]["z"] == pytest.approx(
            float(sigmoid(z)[0, 0] - example["y"][0, 0]), abs=1e-12
        )
        assert not any(math.isnan(float(v)) for part in found.values() for v in part.values())


# --- Race ---------------------------------------------------------------------------------------


SAID = [
    ({"step": 0}, "all 4 are at the same height"),
    (
        {"surface": "saddle", "startx": 0, "starty": 1, "step": 50},
        "all 4 are at the same height, 0.",
    ),
    ({"step": 0, "without": "0,1"}, "all 2 are at the same height"),
    ({"step": 60}, "Nesterov 0.01 is lowest"),
    (
        {"factor": 100, "step": 300},
        "SGD 0.01 and Nesterov 0.01 went beyond the numbers of float64.",
    ),
    ({"without": "0,1,2,3"}, "No optimiser is switched on."),
]


def test_who_is_lowest_is_said_of_ties_and_of_the_lost_too(page: Page) -> None:
    visit(page, "race")
    first = page.evaluate("({...window.alive.figures.race.state})")
    for state, said in SAID:
        page.evaluate("(state) => window.alive.figures.race.set(state)", first | state)
        assert said in page.locator('[data-alive="race"] .alive-says').inner_text(), state


def test_optimisers_switched_off_are_not_drawn(page: Page) -> None:
    visit(page, "race")
    marks = page.locator(".alive-surface .alive-mark")
    assert marks.count() == 4
    off = page.locator('[data-alive="race"]').get_by_role("checkbox", name="Adam 1")
    off.uncheck()
    assert marks.count() == 3
    assert off.evaluate("(e) => e === document.activeElement")
    page.wait_for_function("location.search.includes('without=3')")


def pieces(path: str) -> int:
    """Return into how many lines the short strokes of a contour join, by the places they share."""
    strokes = [stroke.split("L") for stroke in path.split("M")[1:]]
    root = {place: place for stroke in strokes for place in stroke}

    def find(place: str) -> str:
        while root[place] != place:
            root[place] = place = root[root[place]]
        return place

    for a, b in strokes:
        root[find(a)] = find(b)
    return len({find(place) for place in root})


@pytest.mark.parametrize("surface", figures.SURFACES)
def test_contours_are_whole(page: Page, surface: str) -> None:
    visit(page, "race", f"?surface={surface}")
    shown = page.evaluate("window.alive.figures.race.surfaces")[surface]
    levels = page.evaluate("window.alive.figures.race.levels")
    paths = page.locator(".alive-contour").evaluate_all(
        "(all) => all.map((e) => e.getAttribute('d'))"
    )
    x, y = (np.linspace(*shown[axis], 1501) for axis in "xy")
    height = figures.SURFACES[surface][1](*np.meshgrid(x, y))
    true = contourpy.contour_generator(x, y, height, line_type="Separate")
    assert len(levels) == len(paths) > 8
    assert all(low < high for low, high in pairwise(levels))
    for level, path in zip(levels, paths, strict=True):
        assert pieces(path) == len(true.lines(level)), level


# --- Networks -----------------------------------------------------------------------------------


def test_an_empty_canvas_is_none_of_the_ten(page: Page) -> None:
    visit(page, "network", "?image=2")
    page.get_by_role("button", name="Clear, and draw").click()
    said = page.locator(".alive-says").first
    assert said.inner_text().startswith("None of the ten")
    assert page.locator(".alive-best").count() == 0
    page.get_by_role("button", name="Undo").click()
    assert said.inner_text().startswith("The MLP says")
    assert page.locator(".alive-best").count() == 2
    visit(page, "network", "?image=2&dx=14&dy=14&mirrored=1")
    assert page.evaluate("window.alive.figures.network.state.dx") == 14


def test_no_garment_counts_as_nothing(page: Page) -> None:
    visit(page, "network")
    empty = page.evaluate(
        """() => { const {figures: {network}, nets} = window.alive;
          const both = nets.both(window.aliveData.network);
          return Array.from({length: both.count}, (_, i) => network.empty(both.image(i))); }"""
    )
    assert len(empty) == 40
    assert not any(empty)


def test_every_stroke_and_move_can_be_undone(page: Page) -> None:
    visit(page, "network", "?image=3")
    pixels = "window.alive.figures.network.pixels()"
    seen = [page.evaluate(pixels)]
    board = page.get_by_role("application", name="Drawing area")

    def paint() -> None:
        board.focus()
        page.keyboard.down(" ")
        page.keyboard.press("ArrowRight")
        page.keyboard.press("ArrowDown")
        page.keyboard.up(" ")

    actions: list[Callable[[], None]] = [
        lambda: page.get_by_role("button", name="Move left").click(),
        paint,
        lambda: page.get_by_role("button", name="Mirror").click(),
        lambda: page.get_by_role("button", name="Eraser").click() or paint(),
        lambda: page.get_by_role("button", name="Clear, and draw").click(),
        lambda: page.get_by_role("radio", name="image 5", exact=False).first.click(),
    ]
    for act in actions:
        act()
        seen.append(page.evaluate(pixels))
        assert seen[-1] != seen[-2]
    for before in reversed(seen[:-1]):
        page.get_by_role("button", name="Undo").click()
        assert page.evaluate(pixels) == before
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_the_eraser_is_named_and_erases(page: Page) -> None:
    visit(page, "network", "?image=2")
    eraser = page.get_by_role("button", name="Eraser")
    eraser.click()
    assert eraser.get_attribute("aria-pressed") == "true"
    box = page.get_by_role("application", name="Drawing area").bounding_box()
    assert box is not None
    before = page.evaluate("window.alive.figures.network.pixels()[14 * 28 + 14]")
    page.mouse.click(box["x"] + box["width"] * 14.5 / 28, box["y"] + box["height"] * 14.5 / 28)
    assert before > 100
    assert page.evaluate("window.alive.figures.network.pixels()[14 * 28 + 14]") == 0


def test_images_are_named_by_their_class(page: Page) -> None:
    visit(page, "network")
    names = page.locator(".alive-gallery input").evaluate_all(
        "(all) => all.map((e) => e.ariaLabel)"
    )
    labels = page.evaluate("window.aliveData.network.images.labels")
    classes = record("network")["classes"]
    assert names == [f"{classes[label]}, image {i + 1}" for i, label in enumerate(labels)]
