"""Print the whole book as one PDF: the pages of the built website, joined and laid out for paper.

What the style sheets of the website leave out in print is left out here, too. Chromium prints
twice: only the first print tells on which page a chapter begins, and the table of contents of the
second one says it.
"""

import os
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from html import escape
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader

from tools import TOP

SITE = TOP / "_build" / "html"
TARGET = TOP / "_build" / "pdf" / "book.pdf"
# The first has no windows, and opens a page twice as fast.
BROWSERS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome"),
)
# Doors to other pages, and what one looks up; each claim stands in its chapter, too.
NOT_ON_PAPER = {"explore", "claims", "api"}
# What would show in titles, or change where sheets end, although nobody sees it.
_UNSEEN = ".headerlink, img.only-dark, .cell_input:not(:has(> div))"


def find_chromium(bundled: str) -> str | None:
    """Return the browser that HWLIB_CHROMIUM names, the system's, or Playwright's own."""
    named = os.environ.get("HWLIB_CHROMIUM")
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    return named or installed or (bundled if Path(bundled).exists() else None)


def _title(place: Tag) -> str:
    """Return the title of a chapter, with its number, or of a section."""
    return " ".join(place.select("h1, h2")[0].get_text().split())


def _say_claims(article: Tag) -> None:
    """Write out what a claim shows when it is opened."""
    for claim in article.select(".claims > details.claim"):
        parts = claim.select("summary, dd")
        words, value, accepted, seeds = (part.get_text(" ", strip=True) for part in parts)
        more = f"accepted: {accepted}" + (f"; seeds: {seeds}" if seeds != "none" else "")
        line = f'<p class="claim">{escape(words)}: <b>{escape(value)}</b> ({escape(more)})</p>'
        claim.replace_with(BeautifulSoup(line, "html.parser"))


def _gather_solutions(article: Tag) -> None:
    """Put the solutions behind the exercises, at the end of the chapter."""
    if found := article.select("div.solution"):
        heading = "<section class='solutions'><h2>Solutions</h2></section>"
        section = BeautifulSoup(heading, "html.parser").select("section")[0]
        section.extend([solution.extract() for solution in found])
        (article.section or article).append(section)


def _relate(article: Tag, names: Collection[str]) -> None:
    """Give ids and addresses the meaning that they have in one file.

    A link that leads to a page that is not in the book becomes plain text.
    """
    name = article["id"]
    for element in article.select("[id]"):
        element["id"] = f"{name}--{element['id']}"
    for link in article.select("a[href]"):
        address = urlsplit(str(link["href"]))
        target = Path(address.path).name.removesuffix(".html") or name
        if target in names and not address.scheme:
            link["href"] = f"#{target}" + (f"--{address.fragment}" if address.fragment else "")
        elif not address.scheme:
            link.unwrap()


def prepared(site: Path, toc: Mapping[str, Any]) -> tuple[list[Tag], list[str]]:
    """Return the chapters ready for paper, and the links to the style sheets that they need.

    A chapter is the article of its page. Its id is its name, its data-part the part of the book.
    """
    parts = {
        name: part["caption"]
        for part in toc["parts"]
        for entry in part["chapters"]
        if (name := Path(entry["file"]).stem) not in NOT_ON_PAPER
    }
    articles: list[Tag] = []
    styles: dict[str, None] = {}
    for name, part in parts.items():
        page = BeautifulSoup((site / "book" / f"{name}.html").read_text("utf-8"), "html.parser")
        [article] = page.select("article.bd-article")
        article.attrs.update({"id": name, "data-part": part})
        for unseen in article.select(_UNSEEN):
            unseen.decompose()
        _say_claims(article)
        _gather_solutions(article)
        _relate(article, parts)
        articles.append(article)
        styles |= dict.fromkeys(map(str, page.select("link[rel=stylesheet]")))
    return articles, list(styles)


def contents(articles: Sequence[Tag], pages: Mapping[str, int]) -> str:
    """Return the table of contents, with the numbers of the pages that are known."""
    lines = []
    for part, chapters in groupby(articles, lambda article: article["data-part"]):
        lines.append(f'<p class="part">{escape(str(part))}</p>')
        for chapter in chapters:
            numbered = str(chapter["id"])[0].isdigit()
            sections = chapter.select("section > section[id]:has(> h2)") if numbered else []
            for place in (chapter, *sections):
                number = pages.get(str(place["id"]), "")
                words = f'<span>{escape(_title(place))}</span><span class="page">{number}</span>'
                lines.append(f'<a class="{place.name}" href="#{place["id"]}">{words}</a>')
    return "\n".join(lines)


def join(articles: Sequence[Tag], title: str, styles: Sequence[str], facts: str) -> str:
    """Return the book as one page; its table of contents is to be put in place of {contents}."""
    # The head of each sheet names the chapter.
    heads = "".join(
        f'@page head-{a["id"]} {{ @top-right {{ content: "{_title(a)}"; }} }}\n'
        f'[id="{a["id"]}"] {{ page: head-{a["id"]}; }}\n'
        for a in articles
    )
    own = Path(__file__).with_name("pdf.css").read_text("utf-8")
    body = "\n".join(map(str, articles))
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>{''.join(styles)}<style>{own}\n{heads}</style></head>"
        f'<body><div class="title-page"><p class="title">{escape(title)}</p>{facts}</div>'
        f'<nav class="book-contents"><p class="heading">Contents</p>{{contents}}</nav>'
        f'<main class="bd-content">{body}</main></body></html>'
    )


def places(pdf: Path) -> dict[str, int]:
    """Return on which page, from 1, each place of a PDF lies that a link leads to."""
    reader = PdfReader(pdf)
    return {
        name.removeprefix("/"): number + 1
        for name, place in reader.named_destinations.items()
        if (number := reader.get_destination_page_number(place)) is not None
    }


def print_pdf(page: Page, book: str, articles: Sequence[Tag], pdf: Path) -> None:
    """Print the joined page, twice, with addresses relative to the page that is open."""
    numbers: dict[str, int] = {}
    for _ in range(2):
        page.set_content(book.replace("{contents}", contents(articles, numbers)), wait_until="load")
        page.pdf(path=pdf, outline=True, tagged=True, prefer_css_page_size=True)
        numbers = places(pdf)


def main() -> None:
    """Print the book."""
    config, toc, citation = (
        yaml.safe_load((TOP / name).read_text("utf-8"))
        for name in ("_config.yml", "_toc.yml", "CITATION.cff")
    )
    facts = (
        f"<p>{escape(config['author'])}</p><p>Version {citation['version']}</p>"
        f'<p class="licence">© {config["copyright"]}, under the MIT licence. '
        f"{escape(config['html']['extra_footer'])}</p>"
    )
    articles, styles = prepared(SITE, toc)
    TARGET.parent.mkdir(exist_ok=True)
    with sync_playwright() as playwright:
        program = find_chromium(playwright.chromium.executable_path)
        if program is None:
            sys.exit("Chromium is needed to print; see 'How to run this' in the book.")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        # Without scripts, images below the first screen load at once.
        page = browser.new_page(java_script_enabled=False)
        page.set_default_timeout(0)  # the book is long
        page.goto((SITE / "book" / "intro.html").as_uri())
        print_pdf(page, join(articles, config["title"], styles, facts), articles, TARGET)
        browser.close()
    print(f"Printed {len(PdfReader(TARGET).pages)} pages. Open {TARGET.as_uri()}")


if __name__ == "__main__":
    main()
