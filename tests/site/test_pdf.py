"""The printed book: one file, whose links, numbers and solutions are where one looks."""

from pathlib import Path

import pytest
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser
from pypdf import PdfReader

from tools import pdf

CLAIM = """<details class="claim" name="claim"><summary><span class="claim-mark">✓</span>
<span class="claim-sentence">Loss</span></summary>
<dl><dt>Value</dt><dd>0.5</dd><dt>Accepted</dt><dd>0 to 1</dd><dt>Seeds</dt><dd>0, 1</dd></dl>
</details>"""
ONE = f"""<section id="a">
<h1><span>1. </span>Find a heading that takes more than one line of a sheet of paper, or two</h1>
<section id="same"><h2>First part</h2>
<img class="only-dark" src="../x-dark.svg"><img class="only-light" loading="lazy" src="../x.svg">
<a href="#same">here</a><a href="02_two.html#same">there</a><a href="explore.html">away</a>
<a href="../_downloads/a.ipynb">file</a><a href="https://example.org">web</a>
<div class="claims">{CLAIM}</div>
<div class="cell_input"><details class="folded-code"><pre>plot()</pre></details></div>
<div class="math display-math">{CLAIM.split("<dt>Accepted")[0]}</dl></details></div>
<div class="solution" id="s">The solution.</div></section>
<section><h2>Summary</h2></section></section>"""
TWO = """<section id="a"><h1>2. Two</h1><section id="same"><h2>Part</h2>
<p style="break-before: page">x</p></section>
<section id="last"><h2>Last</h2></section></section>"""
TOC = {
    "parts": [
        {
            "caption": "A part",
            "chapters": [{"file": "book/01_one.ipynb"}, {"file": "book/02_two.md"}],
        },
        {"caption": "Explore", "chapters": [{"file": "book/explore.md"}]},
    ]
}


STYLES = Path(__file__).parents[2] / "book" / "_static"


@pytest.fixture
def chapters(tmp_path: Path) -> list[Tag]:
    """Two short chapters of a website, made ready for paper."""
    (tmp_path / "book").mkdir()
    for name, text in (("01_one", ONE), ("02_two", TWO)):
        page = f'<article class="bd-article">{text}</article>'
        (tmp_path / "book" / f"{name}.html").write_text(page, "utf-8")
    return pdf.prepared(tmp_path, TOC)[0]


def test_pages_become_one_page_without_what_only_a_screen_shows(
    chapters: list[Tag],
) -> None:
    book = BeautifulSoup(pdf.join(chapters, "Title", [], ""), "html.parser").main
    assert book is not None
    links = {link.get_text(): link["href"] for link in book.select("a")}
    assert links == {
        "here": "#01_one--same",
        "there": "#02_two--same",
        "web": "https://example.org",
    }
    ids = [str(element["id"]) for element in book.select("[id]")]
    assert len(ids) == len(set(ids))
    assert [dict(image.attrs) for image in book.select("img")] == [
        {"class": ["only-light"], "loading": "lazy", "src": "../x.svg"}
    ]
    claim = book.select_one("p.claim")
    assert claim is not None
    assert claim.get_text() == "✓ Loss: 0.5 (accepted: 0 to 1; seeds: 0, 1)"
    assert not book.select(".cell_input")
    assert book.get_text().index("Summary") < book.get_text().index("The solution.")


def test_the_contents_name_the_sheets_on_which_things_stand(
    browser: Browser, chapters: list[Tag], tmp_path: Path
) -> None:
    target = tmp_path / "book.pdf"
    style = f'<link rel="stylesheet" href="{(STYLES / "cells.css").as_uri()}">'
    page = browser.new_page(java_script_enabled=False)
    page.goto((tmp_path / "book" / "01_one.html").as_uri())
    pdf.print_pdf(page, pdf.join(chapters, "Title", [style], ""), chapters, target)
    page.close()
    reader = PdfReader(target)
    sheets = [page.extract_text() for page in reader.pages]
    assert len(sheets) == 5
    number = {line.rstrip("0123456789").strip(): line[-1] for line in sheets[1].splitlines()}
    assert (number["First part"], number["2. Two"], number["Last"]) == ("3", "4", "5")
    assert "Title" in sheets[0]
    assert "The solution." in sheets[2]
    assert "accepted: 0 to 1" in sheets[2]
    assert "plot()" not in sheets[2]  # folded on the website
    assert sheets[2].count("Loss") == 1  # not how an equation was decided
    titles = [entry["/Title"] for entry in reader.outline if not isinstance(entry, list)]
    assert (
        titles[0] == "1. Find a heading that takes more than one line of a sheet of paper, or two"
    )
    assert all(round(float(page.mediabox.width)) == 595 for page in reader.pages)  # A4
