"""Predictions, weights dragged on edges, the way through the layers, and the landing page."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from alive_pages import box_of, drag, record, visit
from playwright.sync_api import Page

from hwlib.train import OPTIMIZERS
from studies import figures
from studies.networks import NETWORKS, stored_network
from tools.sphinx_ext.alive import first_images

# --- A prediction first -------------------------------------------------------------------------


def answers(page: Page, name: str) -> list[str]:
    """Return what the figure says to each choice, in their order."""
    app = page.locator(f'[data-alive="{name}"]')
    says = []
    for button in app.locator(".alive-predict button").all():
        button.click()
        assert button.get_attribute("aria-pressed") == "true"
        says.append(app.locator(".alive-outcome").inner_text())
    assert app.locator(".alive-predict ~ *").count() > 2  # the question comes first
    return says


def right(says: list[str]) -> list[int]:
    """Return which choices were right."""
    return [i for i, text in enumerate(says) if text.startswith("As you said.")]


def test_the_naive_loss_breaks_where_python_says(page: Page) -> None:
    visit(page, "loss")
    says = answers(page, "loss")
    with np.errstate(all="ignore"):
        z = np.arange(0.0, 800)
        yhat = 1 / (1 + np.exp(-z))
        naive = -np.log(yhat) - 0 * np.log(1 - yhat)
    first = int(np.argmin(np.isfinite(naive)))
    assert [17, 30, 37, 710].index(first) == right(says)[0]
    assert len(right(says)) == 1
    assert all(f"{first} is the first" in text for text in says)


def test_derivatives_that_vanish_are_those_of_numpy(page: Page) -> None:
    visit(page, "graph")
    says = answers(page, "graph")
    changed = figures.EXAMPLE | {"w2": [[0.0], [-2.0]]}
    zero = {n for n, (_, d) in figures.graph_values(changed).items() if n[0] == "w" and d == 0}
    assert zero == {"w111", "w121"}
    assert right(says) == [1]


def test_the_winner_of_the_race_is_that_of_pytorch(page: Page) -> None:
    visit(page, "race")
    _, height, start = figures.SURFACES["valley"]
    ends = [figures.torch_path("valley", name, start, 1, 100)[-1] for name in OPTIMIZERS]
    assert right(answers(page, "race")) == [int(np.argmin([height(*end) for end in ends]))]


def test_the_network_that_changes_its_mind_first_is_that_of_pytorch(page: Page) -> None:
    boot = first_images()[0][0]
    first = []
    for name in NETWORKS:
        moved = [np.roll(boot, dx, axis=1) for dx in range(15)]
        for dx, image in enumerate(moved):
            image[:, :dx] = 0
        with torch.no_grad():
            pixels = torch.tensor(np.stack(moved), dtype=torch.float32)[:, None] / 255
            said = stored_network(name)(pixels).argmax(1)
        changes = (said != said[0]).nonzero()
        first.append(int(changes[0]) if len(changes) else 99)
    visit(page, "network")
    expected = int(first[0] > first[1]) if first[0] != first[1] else 2
    assert right(answers(page, "network")) == [expected]


# --- Weights on their edges ---------------------------------------------------------------------


def test_a_weight_is_changed_by_keyboard_and_by_dragging(page: Page) -> None:
    visit(page, "graph", "?step=10")
    weight = page.get_by_role("slider", name="Weight w⁽²⁾₁").first
    state = "window.alive.figures.graph.state.w21"
    weight.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("PageDown")
    assert page.evaluate(state) == pytest.approx(0.55)
    assert page.url.split("/")[-1].startswith("02_"), "the arrow key turned the page"
    assert page.evaluate("document.activeElement.dataset.name") == "w21"
    box = box_of(weight)
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    drag(page, (x, y), (x + 80, y))
    assert page.evaluate(state) == pytest.approx(2.55)
    page.mouse.move(x, y)  # released: nothing moves any more
    assert page.evaluate(state) == pytest.approx(2.55)


def test_thickness_is_the_weight_and_colour_its_derivative(page: Page) -> None:
    visit(page, "graph", "?step=10&w111=0&w112=-1&w121=4&w122=2")
    widths = page.locator(".alive-edge").evaluate_all(
        "(all) => all.slice(0, 4).map((e) => parseFloat(getComputedStyle(e).strokeWidth))"
    )
    assert widths[0] < widths[1] < widths[3] < widths[2]
    slopes = page.locator(".alive-weight").evaluate_all(
        "(all) => all.map((e) => Number(e.dataset.slope))"
    )
    assert page.locator(".alive-rises").count() == sum(s >= 0 for s in slopes)
    assert page.locator(".alive-falls").count() == sum(s < 0 for s in slopes)


def test_a_pulse_runs_only_where_motion_is_welcome(open_page: Callable[..., Page]) -> None:
    for motion, dots in (("no-preference", 4), ("reduce", 0)):
        page = open_page(reduced_motion=motion)
        visit(page, "graph")
        seen = page.evaluate(
            """() => { window.alive.figures.graph.set({step: 1});
              return document.querySelectorAll('.alive-pulse').length; }"""
        )
        assert seen == dots


def test_the_start_of_the_race_is_dragged(page: Page) -> None:
    visit(page, "race", "?step=0")
    ring = box_of(page.locator(".alive-start"))
    drag(page, (ring["x"] + 10, ring["y"] + 10), (ring["x"] + 110, ring["y"] + 40))
    state = page.evaluate("window.alive.figures.race.state")
    assert -1.6 < state["startx"] < -1
    assert 0.6 < state["starty"] < 0.95


# --- Through the layers -------------------------------------------------------------------------


@pytest.mark.parametrize("layer", [0, 1])
def test_what_a_pixel_says_of_itself_is_the_convolution_of_pytorch(page: Page, layer: int) -> None:
    images = first_images()[0]
    visit(page, "network", "?image=3")
    inside = page.locator(".alive-inside")
    inside.locator("summary").click()
    inside.locator("select").select_option(str(layer))
    inside.get_by_role("button", name="Map 6").click()
    board = inside.locator(".alive-inspect")
    page.mouse.move(0, 0)  # or the scrolled page brings a pixel under the mouse
    board.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowDown"):
        page.keyboard.press(key)
    found = page.locator(".alive-inside")
    network = stored_network("cnn")
    with torch.no_grad():
        pixels = torch.tensor(images[2:3], dtype=torch.float32)[:, None] / 255
        sums = network.features[: 3 * layer + 1](pixels)[0]
    row, column = (16, 15) if layer == 0 else (9, 8)
    true = float(sums[5, row, column])
    assert float(found.get_attribute("data-value") or "nan") == pytest.approx(true, abs=1e-4)
    assert float(found.get_attribute("data-made") or "nan") == pytest.approx(true, abs=1e-4)
    assert f"row {row + 1}, column {column + 1}" in inside.locator(".alive-says").inner_text()


def test_images_on_which_the_networks_disagree_are_those_of_pytorch(page: Page) -> None:
    images = first_images()[0]
    pixels = torch.tensor(images, dtype=torch.float32)[:, None] / 255
    with torch.no_grad():
        mlp, cnn = (stored_network(name)(pixels).argmax(1) for name in NETWORKS)
    differ = {i + 1 for i in range(40) if mlp[i] != cnn[i]}
    visit(page, "network")
    button = page.get_by_role("button", name="Next image on which they disagree")
    seen = set()
    for _ in differ or [0]:
        button.click()
        seen.add(page.evaluate("window.alive.figures.network.state.image"))
    assert seen == differ or not differ
    assert page.locator(".alive-disputed").count() == len(differ)


# --- The landing page ---------------------------------------------------------------------------


def test_the_landing_page_has_two_opinions_on_a_drawing_and_three_doors(page: Page) -> None:
    visit(page, "garment", whole=True)
    app = page.locator('[data-alive="garment"]')
    says = app.locator(".alive-says")
    assert "The MLP " in says.inner_text()
    assert "The truth: " in says.inner_text()
    app.get_by_role("button", name="Clear").click()
    assert says.inner_text().startswith("None of the ten")
    board = box_of(app.get_by_role("application", name="Drawing area"))
    drag(page, (board["x"] + 60, board["y"] + 60), (board["x"] + 200, board["y"] + 200))
    assert "your drawing" in says.inner_text()
    for _ in range(2):
        app.get_by_role("button", name="Undo").click()
    assert "The truth: " in says.inner_text()
    headings = [text.rstrip("#") for text in page.locator("article h2").all_inner_texts()]
    assert [h for h in headings if h in ("Read", "Explore", "Do")] == ["Read", "Explore", "Do"]
    assert record("network")["classes"][0] in app.inner_text()
    title = page.title()
    assert len(set(title.split(" — "))) == len(title.split(" — ")), title
