"""The interactive figures compute in the browser what the package computes in Python."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from alive_pages import FIGURES, box_of, drag, record, visit
from look import turn
from playwright.sync_api import Browser, Page
from trouble import Trouble

from hwlib.train import OPTIMIZERS
from studies import figures
from studies.networks import NETWORKS, stored_network
from tools.sphinx_ext.alive import first_images

ULP = 2.0**-52


def relative(found: float, true: float) -> float:
    """Return how far ``found`` is off, relative to ``true``."""
    return 0.0 if found == true else abs(found - true) / max(abs(true), 5e-324)


TOO_WIDE = """[...document.querySelectorAll('.alive-app *')].filter((e) => {
  const outer = e.closest('.alive-app').getBoundingClientRect();
  const inner = e.getBoundingClientRect();
  return inner.width && getComputedStyle(e).clipPath === 'none'
    && !e.closest('clipPath, [clip-path]') && inner.right > outer.right + 1;
}).map((e) => e.outerHTML.slice(0, 80))"""


# --- Every figure -------------------------------------------------------------------------------

each_figure = pytest.mark.parametrize("name", FIGURES)


@each_figure
def test_without_javascript_a_table_and_the_caption_stand_in(
    open_page: Callable[..., Page], trouble: Trouble, name: str
) -> None:
    page = open_page(java_script_enabled=False)
    page.goto(f"book/{FIGURES[name]}.html")
    figure = page.locator(f'figure.alive:has([data-alive="{name}"])')
    assert figure.locator("tbody tr").count() >= 3
    assert figure.locator("table").is_visible()
    assert figure.locator("figcaption").is_visible()
    assert not figure.locator(".alive-app").is_visible()
    trouble.failed.clear()  # the scripts that were not to be loaded


@each_figure
def test_figure_fits_its_page_in_both_modes(page: Page, name: str) -> None:
    visit(page, name, whole=True)
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        for scheme in ("light", "dark"):
            turn(page, scheme)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            inside = page.locator(f'[data-alive="{name}"]').bounding_box()
            assert inside is not None
            assert inside["width"] > 300
            assert not page.evaluate(TOO_WIDE)


# What has no name or is not reached by the keyboard, and pictures without words.
MUTE = """() => {
  document.querySelectorAll(".alive-app details").forEach((d) => { d.open = true; });
  const all = (what) => [...document.querySelectorAll(`.alive-app ${what}`)];
  const named = (e) => (e.ariaLabel || e.textContent || e.labels?.[0]?.textContent || "").trim();
  return [
    ...all(":is(button, input, select, summary)").filter((e) => !named(e) || e.tabIndex < 0),
    ...all("svg:not([aria-hidden])").filter((e) =>
      !["img", "group"].includes(e.role) || !(e.ariaLabel?.length > 20)),
  ].map((e) => e.outerHTML.slice(0, 200));
}"""


@pytest.mark.parametrize("name", {page: name for name, page in FIGURES.items()}.values())
def test_every_control_has_a_name_and_is_reached_by_the_keyboard(page: Page, name: str) -> None:
    visit(page, name)
    assert page.evaluate(MUTE) == []
    page.evaluate(
        """() => {
            document.querySelector(".alive-app button").replaceChildren();
            document.querySelector(".alive-app button").ariaLabel = "";
            document.querySelectorAll(".alive-app button")[1].tabIndex = -1;
            document.querySelector(".alive-app svg:not([aria-hidden])")?.removeAttribute("role");
        }"""
    )
    on_a_canvas = name in ("network", "garment")  # without a drawing to name
    assert len(page.evaluate(MUTE)) == (2 if on_a_canvas else 3)


@each_figure
def test_the_figure_works_when_the_page_is_opened_from_the_disk(
    browser: Browser, site: Path, name: str
) -> None:
    page = browser.new_page()
    errors: list[str] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto((site / "book" / f"{FIGURES[name]}.html").as_uri())
    page.wait_for_selector(f'[data-alive="{name}"][data-ready="yes"]')
    page.close()
    assert not errors


def test_other_pages_load_nothing_of_the_figures(site: Path) -> None:
    pages = {path.stem: path.read_text("utf-8") for path in (site / "book").glob("*.html")}
    with_figures = {name for name, text in pages.items() if "_static/alive/" in text}
    assert with_figures == set(FIGURES.values())


# --- Loss explorer ------------------------------------------------------------------------------


def test_the_true_loss_of_the_page_is_that_of_mpmath_to_the_last_bit(page: Page) -> None:
    points = record("loss")["reference"]
    found = visit(page, "loss").evaluate(
        """(points) => points.map(([z, y]) => {
            const f = window.alive.figures.loss.at(y, z);
            return [f.true, f.trueSigma];
        })""",
        points,
    )
    assert len(points) >= 100
    assert [list(map(float, pair)) for pair in found] == [point[2:] for point in points]


def test_digits_in_the_page_follow_from_the_errors(page: Page) -> None:
    points = record("loss")["reference"]
    found = visit(page, "loss").evaluate(
        """(points) => points.map(([z, y]) => {
            const {true: t, digits, ...f} = window.alive.figures.loss.at(y, z);
            return ['naive', 'usual', 'stable'].map((k) => [String(f[k]), digits[k]]);
        })""",
        points,
    )
    lost = 0
    for (z, y, true, _), forms in zip(points, found, strict=True):
        for name, (text, digits) in zip(("naive", "usual", "stable"), forms, strict=True):
            value = float(text.replace("Infinity", "inf"))
            with np.errstate(all="ignore"):
                off = relative(value, true) if math.isfinite(value) else math.inf
            if off > 8 * ULP and true > 1e-300:
                expected = max(0.0, -math.log10(off))
                assert digits == pytest.approx(expected, abs=0.3), (name, z, y)
                lost += 1
            if name == "stable" and true > 1e-300:
                assert off <= 4 * ULP, (z, y)
                assert digits >= 15
    assert lost > 20


def test_the_address_of_the_loss_explorer_holds_its_state(page: Page) -> None:
    visit(page, "loss", "?z=-40&y=0")
    rows = page.locator(".alive-app tbody tr")
    assert rows.nth(2).get_attribute("data-value") == "0"
    assert "with no correct digit" in page.locator(".alive-says").first.inner_text()
    slider = page.get_by_role("slider", name="Logit z")
    slider.focus()
    slider.press("ArrowRight")
    page.wait_for_function("location.search.includes('z=-39.75')")
    page.reload()
    assert page.get_by_role("slider", name="Logit z").input_value() == "-39.75"
    page.get_by_role("button", name="z = 745, y = 1").click()
    page.wait_for_function("location.search.includes('range=800')")


def test_dragging_in_a_chart_moves_the_logit(page: Page) -> None:
    visit(page, "loss")
    box = box_of(page.locator(".alive-drag").first)
    left, width, y = box["x"], box["width"], box["y"] + 60
    drag(page, (left + 0.8 * width, y), (left + 0.3 * width, y))
    assert -35 < page.evaluate("window.alive.figures.loss.state.z") < -10


# --- Backpropagation graph ----------------------------------------------------------------------


def test_every_node_equals_numpy(page: Page) -> None:
    visit(page, "graph")
    rng = np.random.default_rng(0)
    for _ in range(5):
        example = {
            "x": rng.normal(size=(1, 2)) * 2,
            "y": np.array([[float(rng.integers(0, 2))]]),
            "w1": rng.normal(size=(2, 2)) * 2,
            "w2": rng.normal(size=(2, 1)) * 3,
        }
        expected = figures.graph_values(example)
        state = {key: float(value) for key, (value, _) in expected.items() if key[0] in "xw"}
        state |= {"y": example["y"][0, 0], "step": 10}
        page.evaluate("(state) => window.alive.figures.graph.set(state)", state)
        nodes = page.locator(".alive-graph [data-name]").evaluate_all(
            "(all) => all.map(({dataset: d}) => [d.name, Number(d.value), Number(d.slope)])"
        )
        assert len(nodes) == len(expected) == 15
        for name, value, slope in nodes:
            assert (value, slope) == pytest.approx(expected[name], rel=1e-12), name


def test_steps_reveal_values_forwards_and_derivatives_backwards(page: Page) -> None:
    visit(page, "graph")
    forward = page.get_by_role("button", name="Forward")

    def seen(kind: str) -> set[str]:
        return set(
            page.evaluate(
                f"""[...document.querySelectorAll('.alive-graph [data-name]')]
                .filter((n) => n.dataset.{kind} !== '').map((n) => n.dataset.name)"""
            )
        )

    weights = {"w111", "w112", "w121", "w122", "w21", "w22"}
    assert seen("value") == {"x1", "x2", *weights}
    for new in ({"z11", "z12"}, {"a1", "a2"}, {"z"}, {"ŷ"}, {"ℓ"}):
        before = seen("value")
        forward.click()
        assert seen("value") - before == new
        assert not seen("slope")
    for new in ({"ℓ", "ŷ"}, {"z"}, {"w21", "w22", "a1", "a2"}, {"z11", "z12"}):
        before = seen("slope")
        forward.click()
        assert seen("slope") - before == new
    forward.press("ArrowRight")
    assert seen("slope") == seen("value")
    assert forward.is_disabled()
    page.wait_for_function("location.search.includes('step=10')")
    page.get_by_role("button", name="Back").click()
    assert "w111" not in seen("slope")


def test_a_gradient_step_lowers_the_loss_as_in_numpy(page: Page) -> None:
    visit(page, "graph", "?rate=0.5")
    page.get_by_role("button", name="Take a gradient step").click()
    expected = {key: v - 0.5 * d for key, (v, d) in figures.graph_values(figures.EXAMPLE).items()}
    state = page.evaluate("window.alive.figures.graph.state")
    for key in ("w111", "w112", "w121", "w122", "w21", "w22"):
        assert state[key] == pytest.approx(expected[key], rel=1e-13)


# --- Try the networks ---------------------------------------------------------------------------


def test_logits_in_the_page_equal_those_of_pytorch_on_200_images(page: Page) -> None:
    images, _, _ = first_images(200)
    visit(page, "network")
    for name in NETWORKS:
        found = page.evaluate(
            """([name, images]) => images.map(
                (pixels) => Array.from(window.alive.figures.network.logits(name, pixels)))""",
            [name, images.reshape(200, -1).tolist()],
        )
        with torch.no_grad():
            expected = stored_network(name)(torch.from_numpy(images.astype(np.float32) / 255))
        assert expected.abs().max() > 1
        difference = np.abs(np.array(found) - expected.numpy()).max()
        assert difference < 1e-4


def test_choosing_moving_and_mirroring_an_image(page: Page) -> None:
    images, labels, _ = first_images()
    visit(page, "network", "?image=4&dx=2")
    pixels = np.array(page.evaluate("window.alive.figures.network.pixels()")).reshape(28, 28)
    expected = np.zeros_like(images[3])
    expected[:, 2:] = images[3][:, :-2]
    np.testing.assert_array_equal(pixels, expected)
    names = record("network")["classes"]
    assert f"The truth: {names[labels[3]]}." in page.locator(".alive-says").first.inner_text()

    page.locator(".alive-gallery input").nth(3).press("ArrowRight")
    page.get_by_role("button", name="Mirror").click()
    page.get_by_role("button", name="Move up").press("Enter")
    pixels = np.array(page.evaluate("window.alive.figures.network.pixels()")).reshape(28, 28)
    expected = np.zeros_like(images[4])
    expected[:-1] = images[4][1:, ::-1]
    np.testing.assert_array_equal(pixels, expected)
    for part in ("image=5", "mirrored=1", "dy=-1"):
        page.wait_for_function("(part) => location.search.includes(part)", arg=part)


def test_confidences_shown_are_the_softmax_of_the_logits(page: Page) -> None:
    visit(page, "network", "?image=2")
    images, _, _ = first_images()
    pixels = torch.from_numpy(images[1:2].astype(np.float32) / 255)
    for column, name in enumerate(NETWORKS):
        with torch.no_grad():
            shares = 100 * torch.softmax(stored_network(name)(pixels)[0].double(), 0)
        cells = page.locator(".alive-answers tbody tr td").all_inner_texts()[column::2]
        shown = [float(text.removesuffix(" %")) for text in cells]
        assert shown == pytest.approx(shares.tolist(), abs=0.051)


def test_a_drawing_is_kept_in_the_address(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 390, "height": 844})
    visit(page, "network")
    page.get_by_role("button", name="Clear, and draw").click()
    board = page.get_by_role("application", name="Drawing area")
    box = box_of(board)
    left, side, y = box["x"], box["width"], box["y"] + 0.5 * box["width"]
    drag(page, (left + 0.3 * side, y), (left + 0.7 * side, y))
    board.press("ArrowDown")
    board.press("ArrowDown")
    board.press("Space")
    drawn = page.evaluate("window.alive.figures.network.pixels()")
    picture = np.array(drawn).reshape(28, 28)
    assert (picture[13:15, 9:19] == 255).all()
    assert picture[16, 14] == 255
    assert 20 <= (picture > 0).sum() <= 60
    page.evaluate("window.alive.figures.network.flush()")
    page.wait_for_url("**drawing=*")
    page.reload()
    page.wait_for_selector('[data-ready="yes"]')
    assert page.evaluate("window.alive.figures.network.pixels()") == drawn
    assert "your drawing" in page.locator(".alive-says").first.inner_text()


def test_any_drawing_survives_the_way_through_the_address(page: Page) -> None:
    visit(page, "network")
    rng = np.random.default_rng(0)
    drawings = [rng.integers(0, 16, 784) * 17 * (rng.random(784) < p) for p in (0, 0.01, 0.3, 1)]
    for drawing in drawings:
        text, back = page.evaluate(
            """(pixels) => {
                const {encode, decode} = window.alive.figures.network;
                return [encode(pixels), Array.from(decode(encode(pixels)))];
            }""",
            drawing.tolist(),
        )
        assert back == drawing.tolist()
        assert len(text) < 530
        assert not set(text) - set(
            "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
        )
    for damaged in ("x", "%%%", "A" * 400, ".zz."):
        assert page.evaluate("(t) => window.alive.figures.network.decode(t)", damaged) is None


def test_the_page_says_when_the_stand_in_serves(page: Page) -> None:
    page.goto(f"book/{FIGURES['network']}.html")
    page.wait_for_selector('[data-ready="yes"]')
    stand_in = page.evaluate("window.aliveData.network.images.standIn")
    assert page.get_by_text("garments drawn by code").count() == int(stand_in)


# --- Optimiser race -----------------------------------------------------------------------------


# As texts, which take a fifth of the time on their way.
PATHS = """([surface, starts, factor]) => starts.map((start) => {
  const paths = window.alive.figures.race.paths(surface, start, factor);
  return Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, String(path)]));
})"""


@pytest.mark.parametrize("surface", figures.SURFACES)
def test_paths_are_those_of_pytorch(page: Page, surface: str) -> None:
    visit(page, "race")
    starts = np.array([figures.SURFACES[surface][2], (0.7, -0.35)])
    shaken = starts + np.array([1e-13, 0])
    both = np.concatenate([starts, shaken]).T
    for factor in (0.3, 1, 4):
        found = page.evaluate(PATHS, [surface, starts.tolist(), factor])
        assert [set(paths) for paths in found] == [set(OPTIMIZERS)] * 2
        for name in OPTIMIZERS:
            true = figures.torch_path(surface, name, both, factor, 300)
            for index, paths in enumerate(found):
                path = np.array(paths[name].split(","), dtype=float).reshape(301, 2)
                exact, moved = true[..., index], true[..., index + 2]
                # A path that a rounding error can turn elsewhere is compared up to there.
                with np.errstate(invalid="ignore"):  # infinity less infinity
                    sure = np.abs(moved - exact).max(axis=1) < 1e-9
                steps = len(path) if sure.all() else int(np.argmin(sure))
                assert steps > 90 or np.abs(exact[steps]).max() > 10  # else it left the picture
                np.testing.assert_allclose(path[:steps], exact[:steps], rtol=1e-6, atol=1e-9)


def test_surfaces_and_starts_of_the_page_are_those_of_the_record(page: Page) -> None:
    visit(page, "race")
    rng = np.random.default_rng(0)
    for name, (_, height, start) in figures.SURFACES.items():
        points = rng.normal(size=(20, 2))
        found, begin = page.evaluate(
            """([name, points]) => {
                const surface = window.alive.figures.race.surfaces[name];
                return [points.map(([x, y]) => surface.value(x, y)), surface.start];
            }""",
            [name, points.tolist()],
        )
        expected = [float(height(*torch.from_numpy(point))) for point in points]
        assert found == pytest.approx(expected, rel=1e-12)
        assert begin == list(start)


def test_the_address_of_the_race_holds_its_state(page: Page) -> None:
    visit(page, "race", "?surface=bend&step=20&factor=0.5&startx=-1&starty=1.5")
    rows = page.locator('[data-alive="race"] tbody tr')
    true = figures.torch_path("bend", "Nesterov 0.01", (-1.0, 1.5), 0.5, 20)[-1]
    shown = [text.replace("−", "-") for text in rows.nth(1).locator("td").all_inner_texts()]
    assert [float(text) for text in shown[1:]] == pytest.approx(true.tolist(), abs=6e-4)
    page.get_by_role("button", name="One step").click()
    page.wait_for_function("location.search.includes('step=21')")
    page.wait_for_url("**surface=bend*")


def test_running_respects_reduced_motion(open_page: Callable[..., Page]) -> None:
    page = open_page(reduced_motion="reduce")
    visit(page, "race", "?step=5")
    page.get_by_role("button", name="Run", exact=True).click()
    assert page.evaluate("window.alive.figures.race.state.step") == 300
    page = open_page(reduced_motion="no-preference")
    visit(page, "race", "?step=5")
    page.get_by_role("button", name="Run", exact=True).click()
    page.wait_for_function("window.alive.figures.race.state.step > 8")
    page.get_by_role("button", name="Pause").click()
    assert page.evaluate("window.alive.figures.race.state.step") < 300


def test_curves_show_the_recorded_numbers(page: Page) -> None:
    stored = record("curves")
    visit(page, "curves", "?curve=train_loss&epoch=7&without=3")
    rows = page.locator('[data-alive="curves"] tbody tr')
    for index, runs in enumerate(stored["runs"].values()):
        values = [seed[6] for seed in runs["train_loss"]]
        mean = rows.nth(index).get_attribute("data-mean")
        assert float(mean or "nan") == pytest.approx(np.mean(values), rel=1e-12)
    assert page.locator('[data-alive="curves"] .alive-band').count() == 3
    figure = page.locator('[data-alive="curves"]')
    figure.get_by_role("checkbox", name="Adam 1").check()
    assert figure.locator(".alive-band").count() == 4
