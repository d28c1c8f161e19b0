"""What readers expect of a book: links to the reference, run times, buttons, paper."""

import json
from pathlib import Path

import yaml
from playwright.sync_api import Page

TOP = Path(__file__).parents[2]


def test_chapters_lead_to_the_reference_and_back(page: Page) -> None:
    page.goto("book/01_logistic_loss.html")
    page.locator("article a:has-text('predict')").first.click()
    assert page.url.endswith("book/api.html#hwlib.two_layer.predict")
    entry = page.locator("dl:has(> dt[id='hwlib.two_layer.predict'])")
    entry.locator("a[href$='#equation-eq-forward']").first.click()
    assert page.url.endswith("book/01_logistic_loss.html#equation-eq-forward")
    page.go_back()
    assert entry.locator("a[href='01_logistic_loss.html']").count() == 1


def test_run_times_are_those_stored_in_the_chapters(page: Page) -> None:
    page.goto("book/runs.html")
    shown = [
        float(text) for text in page.locator("table >> nth=0 >> td:nth-child(2)").all_inner_texts()
    ]
    notebooks = sorted((TOP / "book").glob("[0-9]*.ipynb"))
    stored = [json.loads(n.read_text("utf-8"))["metadata"]["run"]["seconds"] for n in notebooks]
    assert shown[:-1] == stored
    assert abs(shown[-1] - sum(stored)) < 0.06


def test_buttons_open_the_chapter_from_the_one_address_that_is_set(page: Page) -> None:
    address = yaml.safe_load((TOP / "_config.yml").read_text("utf-8"))["repository"]["url"]
    repository = address.removeprefix("https://github.com/")
    page.goto("book/02_backpropagation.html")
    links = [
        link.get_attribute("href") for link in page.locator(".dropdown-launch-buttons a").all()
    ]
    notebook = "book/02_backpropagation.ipynb"
    assert any(f"mybinder.org/v2/gh/{repository}/main" in link for link in links)
    assert f"https://colab.research.google.com/github/{repository}/blob/main/{notebook}" in links
    downloads = page.locator(".dropdown-download-buttons a[href$='.ipynb']")
    assert downloads.count() == 1


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
