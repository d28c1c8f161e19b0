"""Letters explain themselves, links show where they lead, equations say how they were decided."""

import json
from collections.abc import Callable

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from trouble import Trouble

from tools.equations.fingerprint import STORED

CHAPTER = "book/02_backpropagation.html"
GRADIENT = "#equation-eq-gradient .formula"


def hint(page: Page) -> Locator:
    """Return what is shown beside the thing pointed at."""
    return page.locator(".popover.hint")


def letter(page: Page, equation: str, text: str) -> Locator:
    """Return the first place of a symbol, which is written without spaces."""
    found = page.locator(f"#equation-{equation} [data-s]")
    texts = [" ".join(t.split()) for t in found.all_text_contents()]
    return found.nth(texts.index(text))


def point(page: Page, place: Locator) -> None:
    """Point at something once the page has come to rest: figures above it load late."""
    place.scroll_into_view_if_needed()
    page.wait_for_load_state("networkidle")
    place.hover()


def test_pointing_at_a_letter_shows_what_it_is_and_marks_its_places(page: Page) -> None:
    page.goto(CHAPTER)
    point(page, letter(page, "eq-gradient", "X"))
    expect(hint(page)).to_contain_text("features, one example per row")
    expect(hint(page)).to_contain_text("B × D")
    point(page, letter(page, "eq-gradient", "δ"))
    expect(hint(page)).to_contain_text("errors of the predictions")
    marked = page.locator(".same-symbol")
    assert set(marked.all_text_contents()) == {"δ"}
    assert marked.count() == 2
    box, formula = hint(page).bounding_box(), page.locator(GRADIENT).bounding_box()
    assert box is not None
    assert formula is not None
    assert box["y"] + box["height"] <= formula["y"] or box["y"] >= formula["y"] + formula["height"]
    hint(page).locator("a").click()
    page.wait_for_url("**#equation-eq-output-error")


def test_a_tap_explains_and_another_one_elsewhere_closes(open_page: Callable[..., Page]) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page.goto(CHAPTER)
    letter(page, "eq-gradient", "δ").tap()
    expect(hint(page)).to_contain_text("errors of the predictions")
    box = hint(page).bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    page.locator("section > p:visible").first.tap()
    expect(hint(page)).to_have_count(0)
    page.locator("section > p [data-s]").first.tap()  # on a line, where nothing has the focus
    expect(hint(page)).to_be_visible()
    page.locator("section > p:visible").first.tap()
    expect(hint(page)).to_have_count(0)


def test_arrows_go_through_the_letters_of_an_equation_and_stay_on_the_page(page: Page) -> None:
    page.goto(CHAPTER)
    page.locator(GRADIENT).focus()
    heard = []
    for _ in range(4):
        page.keyboard.press("ArrowRight")
        heard.append(page.locator("article > div[role=status]").text_content())
    assert len(set(heard)) == 4, heard
    page.keyboard.press("ArrowLeft")
    assert page.locator("article > div[role=status]").text_content() == heard[2]
    assert page.url.endswith(CHAPTER)
    page.keyboard.press("Escape")
    expect(hint(page)).to_have_count(0)
    page.keyboard.press("Tab")  # one stop for each equation, whatever its letters
    assert not page.evaluate(f"document.activeElement.closest('{GRADIENT}')")


@pytest.mark.parametrize(
    ("link", "words"),
    [
        ("a.internal[href='#equation-eq-gradient']", "δ"),
        ("a.internal[href='01_logistic_loss.html#equation-eq-forward']", "σ"),
        ("a.internal[href^='bibliography.html#']", "Rumelhart"),
        ("a.internal[href='#fig-graph']", "One example on its way"),
        ("a.glossary-link[href$='#term-sigmoid']", "maps real numbers"),
    ],
)
def test_a_link_shows_what_it_leads_to(page: Page, link: str, words: str) -> None:
    page.goto(CHAPTER)
    found = page.locator(link).first
    point(page, found)
    expect(hint(page)).to_contain_text(words)
    page.keyboard.press("Escape")
    expect(hint(page)).to_have_count(0)
    page.keyboard.press("Tab")
    found.focus()
    expect(hint(page)).to_contain_text(words)
    found.blur()
    expect(hint(page)).to_have_count(0)


def test_a_hint_goes_when_the_mouse_does(page: Page) -> None:
    page.goto(CHAPTER)
    point(page, letter(page, "eq-gradient", "δ"))
    expect(hint(page)).to_be_visible()
    point(page, page.locator(f"section:has(> {GRADIENT.split()[0]}) > p").first)
    expect(hint(page)).to_have_count(0)


def test_enter_leads_to_where_a_letter_is_defined(page: Page) -> None:
    page.goto(CHAPTER)
    page.locator(GRADIENT).focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    expect(hint(page)).to_contain_text("errors of the predictions")
    page.keyboard.press("Enter")
    page.wait_for_url("**#equation-eq-output-error")


def test_a_term_is_explained_on_its_own_page(page: Page) -> None:
    page.goto("book/notation.html")
    point(page, page.locator("a.internal[href='#term-sigmoid']").first)
    expect(hint(page)).to_contain_text("maps real numbers")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_shown_is_accessible(open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(viewport={"width": 1440, "height": 900}, color_scheme=scheme)
    page.goto(CHAPTER)
    page.add_style_tag(content="* { transition: none !important; }")
    page.locator("#equation-eq-gradient summary").click()
    point(page, letter(page, "eq-gradient", "δ"))
    expect(page.locator("main .popover.hint")).to_be_visible()
    # The rest of the page is looked at elsewhere; that link is the theme's own, under the mouse.
    seen = {
        "include": [[".popover.hint"], ["#equation-eq-gradient"]],
        "exclude": [[".headerlink"]],
    }
    found = Axe().run(page, context=seen, options={"preload": False}).response["violations"]
    assert not found, json.dumps(found, indent=1)[:2000]


@pytest.mark.parametrize("width", [390, 768, 1440])
def test_an_equation_says_how_it_was_decided(open_page: Callable[..., Page], width: int) -> None:
    page = open_page(viewport={"width": width, "height": 900})
    page.goto(CHAPTER)
    verdicts = json.loads(STORED.read_text("utf-8"))
    shown = page.evaluate(
        "[...document.querySelectorAll('.display-math')].map((e) => ["
        " e.id.replace('equation-', ''), e.querySelector('.claim-mark')?.textContent])"
    )
    assert len(shown) == 30
    assert dict(shown) == dict.fromkeys((label for label, _ in shown), "✓")
    assert {label for label, _ in shown} <= set(verdicts)
    tick = page.locator("#equation-eq-gradient > .claim")
    tick.locator("summary").click()
    card = tick.locator(".claim-card")
    expect(card).to_contain_text("logistic_loss_grad; a test compares them")
    box = card.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= width


def test_without_a_script_links_and_ticks_work(
    open_page: Callable[..., Page], trouble: Trouble
) -> None:
    page = open_page(java_script_enabled=False, viewport={"width": 1440, "height": 900})
    page.goto(CHAPTER)
    tick = page.locator("#equation-eq-gradient > .claim")
    tick.locator("summary").click()
    expect(tick.locator(".claim-card")).to_be_visible()
    assert not page.locator("#previews, #symbols").first.is_visible()
    page.locator("a.glossary-link").first.click()
    page.wait_for_url("**/notation.html#term-*")
    trouble.failed.clear()
