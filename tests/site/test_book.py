"""What readers expect of a book: links to the reference, run times, buttons, paper."""

import json
from collections import Counter
from collections.abc import Callable
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
import yaml
from pages import all_pages
from playwright.sync_api import Browser, Page, expect
from pypdf import PdfReader
from test_pages import low_contrast

from tools.editions.student import read_book

TOP = Path(__file__).parents[2]


def test_chapters_lead_to_the_reference_and_back(page: Page) -> None:
    page.goto("book/01_logistic_loss.html")
    page.locator("article a:has-text('predict'):visible").first.click()
    page.wait_for_url("**/book/api.html#hwlib.two_layer.predict")
    entry = page.locator("dl:has(> dt[id='hwlib.two_layer.predict'])")
    entry.locator("a[href$='#equation-eq-forward']").first.click()
    page.wait_for_url("**/book/01_logistic_loss.html#equation-eq-forward")
    page.go_back()
    expect(entry.locator("a[href='01_logistic_loss.html']")).to_have_count(1)


def test_run_times_are_those_stored_in_the_chapters(page: Page) -> None:
    page.goto("book/runs.html")
    shown = [
        float(text) for text in page.locator("table >> nth=0 >> td:nth-child(2)").all_inner_texts()
    ]
    notebooks = sorted((TOP / "book").glob("[0-9]*.ipynb"))
    stored = [json.loads(n.read_text("utf-8"))["metadata"]["run"]["seconds"] for n in notebooks]
    assert shown[:-1] == stored
    assert abs(shown[-1] - sum(stored)) < 0.06


def test_without_an_address_no_button_leads_nowhere(page: Page) -> None:
    assert not yaml.safe_load((TOP / "_config.yml").read_text("utf-8"))["repository"]["url"]
    page.goto("book/02_backpropagation.html")
    assert page.locator(".dropdown-launch-buttons, .dropdown-source-buttons").count() == 0
    assert page.locator(".bd-header-article a[href^='http']").count() == 0
    downloads = page.locator(".dropdown-download-buttons a[href$='.ipynb']")
    assert downloads.count() == 1


NUMBERED = """() => Object.fromEntries([
  ...[...document.querySelectorAll("[id^=equation-]")].map(
    (e) => [e.id.replace("equation-", ""), e.querySelector(".eqno").textContent]),
  ...[...document.querySelectorAll("div.exercise")].map((e) => [e.id, e.textContent.trim()]),
])"""


@pytest.mark.parametrize("chapter", ["03_gradient_descent", "05_mlp_optimisers"])
def test_chapters_equations_and_exercises_have_the_numbers_of_the_notebooks(
    page: Page, chapter: str
) -> None:
    found = read_book(TOP / "book")
    page.goto(f"book/{chapter}.html")
    number = f"{int(chapter[:2])}."
    assert page.locator("h1 .section-number").first.inner_text().strip() == number
    shown = page.evaluate(NUMBERED)
    own = {label: n for label, n in found.numbers.items() if n.startswith(number)}
    own = {label: n for label, n in own.items() if label.startswith(("eq-", "ex-"))}
    assert len(own) > 5
    for label, expected in own.items():
        assert shown[label].startswith((f"({expected})", f"Exercise {expected}")), label


def test_the_head_tells_others_what_a_page_is(site: Path) -> None:
    for name in all_pages(site):
        text = (site / name).read_text("utf-8")
        assert text.count('name="viewport"') == 1, name
        assert text.count("og:title") == 1 or name in ("404.html", "search.html"), name
        assert 'property="og:url"' not in text, f"{name} names an address that it does not have"
    chapter = (site / "book" / "01_logistic_loss.html").read_text("utf-8")
    assert 'name="description"' in chapter
    index = (site / "index.html").read_text("utf-8")
    assert '<html lang="en">' in index
    assert '<a href="book/intro.html">' in index


def test_search_finds_the_chapter_first_and_shows_sentences(page: Page) -> None:
    page.goto("search.html?q=softmax")
    page.wait_for_selector("#search-results li a")
    page.wait_for_function("document.querySelectorAll('#search-results li p.context').length > 2")
    results = page.locator("#search-results li")
    assert "05_mlp_optimisers.html" in (results.first.locator("a").get_attribute("href") or "")
    assert "turns the logits of … classes into … probabilities" in results.first.inner_text()
    assert not low_contrast(page)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_search_field_fits_a_telephone(open_page: Callable[..., Page], scheme: str) -> None:
    page = open_page(viewport={"width": 390, "height": 844}, color_scheme=scheme)
    page.goto("book/intro.html")
    page.keyboard.press("Control+k")
    dialog = page.locator("#pst-search-dialog")
    expect(dialog).to_be_visible()
    box = dialog.bounding_box()
    assert box is not None
    assert box["x"] >= 0
    assert box["x"] + box["width"] <= 390
    icon, field = (dialog.locator(what) for what in (".fa-magnifying-glass", "input"))
    end = icon.evaluate("e => e.getBoundingClientRect().right")
    start = field.evaluate(
        "e => e.getBoundingClientRect().left + parseFloat(getComputedStyle(e).paddingLeft)"
    )
    assert start > end


class _Blocks(HTMLParser):
    """Finds paragraphs that hold blocks, which a browser ends before them."""

    BLOCKS = frozenset(
        ("div", "ul", "ol", "dl", "table", "pre", "section", "details", "figure", "nav")
    )

    def __init__(self, text: str) -> None:
        super().__init__()
        self.inside, self.faults = False, []
        self.heading = ""
        self.ids: Counter[str] = Counter()
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.ids.update(str(value) for name, value in attrs if name == "id")
        if tag in self.BLOCKS and self.inside:
            self.faults.append(f"{tag} in a paragraph, line {self.getpos()[0]}")
        self.heading = f"empty heading, line {self.getpos()[0]}" if tag == "th" else self.heading
        self.inside = tag == "p" or (self.inside and tag not in self.BLOCKS)

    def handle_data(self, data: str) -> None:
        self.heading = "" if data.strip() else self.heading

    def handle_endtag(self, tag: str) -> None:
        if tag == "th" and self.heading:
            self.faults.append(self.heading)
        if tag == "p" and not self.inside:
            self.faults.append(f"</p> without <p>, line {self.getpos()[0]}")
        self.inside = self.inside and tag != "p"


def html_faults(text: str) -> list[str]:
    read = _Blocks(text)
    return read.faults + [f"id {name} again" for name, count in read.ids.items() if count > 1]


def test_pages_are_well_formed(site: Path) -> None:
    found = {name: html_faults((site / name).read_text("utf-8")) for name in all_pages(site)}
    assert not {name: faults for name, faults in found.items() if faults}


def test_what_is_not_well_formed_is_found() -> None:
    assert html_faults("<p><ul></ul></p>") == [
        "ul in a paragraph, line 1",
        "</p> without <p>, line 1",
    ]
    assert html_faults('<a id="a"></a><b id="a"></b>') == ["id a again"]
    assert html_faults("<th> </th><th>a</th>") == ["empty heading, line 1"]
    assert not html_faults("<p>a</p><ul></ul><p>b</p>")


def test_pictures_come_with_the_notice_of_their_licence(page: Page) -> None:
    page.goto("book/04_fashion_mnist.html")
    assert "Copyright (c) 2017 Zalando SE" in " ".join(page.locator("footer").all_inner_texts())
    page.goto("book/licence.html")
    assert "Copyright (c) 2017 Zalando SE" in page.locator("article").inner_text()


def test_terms_of_the_glossary_have_a_place_to_link_to(page: Page) -> None:
    page.goto("book/notation.html#term-softplus")
    assert page.locator("dt#term-softplus").is_visible()
    assert page.locator("dl.glossary dt").count() > 40


def test_a_chapter_prints_in_light_colours_without_menus(page: Page) -> None:
    page.emulate_media(color_scheme="dark")
    page.goto("book/01_logistic_loss.html")
    theme = "document.documentElement.dataset.theme"
    page.evaluate(f"addEventListener('beforeprint', () => {{ window.printed = {theme}; }})")
    assert page.pdf(format="A4").startswith(b"%PDF-")
    assert page.evaluate("window.printed") == "light"
    assert page.locator("html").get_attribute("data-theme") == "dark"
    page.emulate_media(media="print")
    assert not page.locator("#pst-primary-sidebar").is_visible()
    code = page.locator("article pre").first
    assert code.evaluate("e => getComputedStyle(e).whiteSpace") == "pre-wrap"


def test_a_heading_is_printed_on_the_page_of_the_figure_below_it(page: Page) -> None:
    """Between them stands the code that drew the figure, which is folded."""
    page.goto("book/08_ranking.html")
    sheets = PdfReader(BytesIO(page.pdf(format="A4"))).pages
    texts = [" ".join(sheet.extract_text().split()) for sheet in sheets]
    heading, figure = (
        [number for number, text in enumerate(texts) if words in text]
        for words in ("Where each optimiser is at its best", "Fig. 8.1 Validation")
    )
    assert heading[-1] == figure[0]


def test_a_page_from_the_disk_prints_in_light_colours_too(browser: Browser, site: Path) -> None:
    page = browser.new_page(color_scheme="dark")
    errors: list[str] = []
    page.on("console", lambda m: errors.append(m.text) if m.type == "error" else None)
    page.goto((site / "book" / "intro.html").as_uri())
    page.evaluate(
        "addEventListener('beforeprint', () => {"
        " window.printed = document.documentElement.dataset.theme; })"
    )
    page.pdf()
    assert page.evaluate("window.printed") == "light"
    assert not errors
    page.close()
