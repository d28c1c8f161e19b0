"""Print the whole book as one PDF: the pages of the built website, joined and laid out for paper.

Chromium prints twice: only the first print tells on which page a chapter begins, and the table of
contents of the second one says it.
"""

import os
import re
import shutil
import sys
from collections.abc import Iterator, Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import yaml
from bs4 import BeautifulSoup, Tag
from playwright.sync_api import Browser, sync_playwright
from pypdf import PdfReader

from tools import TOP

SITE = TOP / "_build" / "html"
FOLDER = TOP / "_build" / "pdf"
# The first has no windows, and opens a page twice as fast.
BROWSERS = (
    *("chromium-headless-shell", "chromium", "chromium-browser"),
    *("google-chrome", "google-chrome-stable", "chrome"),
)
# Doors to other pages, and what one looks up; each claim stands in its chapter, too.
NOT_ON_PAPER = {"explore", "claims", "api"}
_UNSEEN = (
    "script, button, .headerlink, .alive-app, img.only-dark, details.folded-code, "
    ".display-math .claim"  # how an equation was decided
)
_ALIVE = "On the website this figure answers to the reader. "


def _words(element: Tag) -> str:
    return " ".join(element.get_text().split())


class Chapter(NamedTuple):
    """One page of the website: its name, text and styles, and the part of the book it begins."""

    name: str
    article: Tag
    styles: list[str]
    part: str

    @property
    def title(self) -> str:
        """The title, with the chapter's number."""
        heading = self.article.h1
        return _words(heading) if heading else self.name


def find_chromium(bundled: str) -> str | None:
    """Return the browser that HWLIB_CHROMIUM names, the system's, or Playwright's own."""
    named = os.environ.get("HWLIB_CHROMIUM")
    installed = next(filter(None, map(shutil.which, BROWSERS)), None)
    return named or installed or (bundled if Path(bundled).exists() else None)


def read_chapters(site: Path, toc: Mapping[str, Any]) -> Iterator[Chapter]:
    """Yield the pages in the order of the table of contents."""
    for part in toc["parts"]:
        caption = part["caption"]
        for entry in part["chapters"]:
            name = Path(entry["file"]).stem
            if name in NOT_ON_PAPER:
                continue
            text = (site / "book" / f"{name}.html").read_text("utf-8")
            article = BeautifulSoup(text, "html.parser").select_one("article.bd-article")
            if article is None:
                raise ValueError(f"{name}.html: expected an article, found none: build it anew")
            styles = re.findall(r'<link [^>]*href="(\.\./_static/[^"?]+\.css)', text)
            yield Chapter(name, article, styles, caption)
            caption = ""


def _say_claims(article: Tag) -> None:
    """Write out what a claim shows when it is opened."""
    for claim in article.select("details.claim"):
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


def for_paper(chapter: Chapter) -> None:
    """Leave out what only works on a screen, and write out what is folded there."""
    article = chapter.article
    for unseen in article.select(_UNSEEN):
        unseen.decompose()
    for empty in article.select(".cell_input:not(:has(pre))"):
        empty.decompose()
    for image in article.select("img"):
        del image["loading"]  # paper does not scroll
    for caption in article.select("figure.alive .caption-text"):
        caption.insert(0, _ALIVE)
    _say_claims(article)
    _gather_solutions(article)


def relate(chapter: Chapter, names: set[str]) -> None:
    """Give ids and addresses the meaning that they have in one file.

    A link that leads to a page that is not in the book becomes plain text.
    """
    for element in chapter.article.select("[id]"):
        element["id"] = f"{chapter.name}--{element['id']}"
    for link in chapter.article.select("a[href]"):
        address = urlsplit(str(link["href"]))
        target = Path(address.path).name.removesuffix(".html") or chapter.name
        if target in names and not address.scheme:
            link["href"] = f"#{target}" + (f"--{address.fragment}" if address.fragment else "")
        elif not address.scheme:
            link.unwrap()
    for image in chapter.article.select("img[src]"):
        image["src"] = f"../html/book/{image['src']}"
    chapter.article["id"] = chapter.name


def contents(chapters: Sequence[Chapter], pages: Mapping[str, int]) -> str:
    """Return the table of contents, with the numbers of the pages that are known."""
    lines = []

    def line(kind: str, place: str, text: str) -> None:
        words = f'<span>{escape(text)}</span><span class="page">{pages.get(place, "")}</span>'
        lines.append(f'<a class="{kind}" href="#{place}">{words}</a>')

    for chapter in chapters:
        if chapter.part:
            lines.append(f'<p class="part">{escape(chapter.part)}</p>')
        line("chapter", chapter.name, chapter.title)
        if chapter.name[0].isdigit():
            for section in chapter.article.select("section > section[id]:has(> h2)"):
                line("section", str(section["id"]), _words(section.select("h2")[0]))
    return "\n".join(lines)


def join(chapters: Sequence[Chapter], title: str, styles: Sequence[str], facts: str) -> str:
    """Return the book as one page; its table of contents is to be put in place of {contents}."""
    # The head of each sheet names the chapter.
    heads = "".join(
        f'@page head-{c.name} {{ @top-right {{ content: "{c.title}"; }} }}\n'
        f'[id="{c.name}"] {{ page: head-{c.name}; }}\n'
        for c in chapters
    )
    links = "".join(f'<link rel="stylesheet" href="{escape(style)}">' for style in styles)
    own = Path(__file__).with_name("pdf.css").read_text("utf-8")
    body = "\n".join(str(chapter.article) for chapter in chapters)
    return (
        f'<!DOCTYPE html><html lang="en" data-theme="light"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>{links}<style>{own}\n{heads}</style></head>"
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


def print_pdf(browser: Browser, book: str, chapters: Sequence[Chapter], pdf: Path) -> None:
    """Print the joined page, twice."""
    source = pdf.with_suffix(".html")
    page = browser.new_page(java_script_enabled=False)
    page.set_default_timeout(0)  # the book is long
    numbers: dict[str, int] = {}
    for _ in range(2):
        source.write_text(book.replace("{contents}", contents(chapters, numbers)), "utf-8")
        page.goto(source.as_uri(), wait_until="load")
        page.pdf(path=pdf, outline=True, tagged=True, prefer_css_page_size=True)
        numbers = places(pdf)
    page.close()


def prepared(site: Path, toc: Mapping[str, Any]) -> tuple[list[Chapter], list[str]]:
    """Return the chapters ready for paper, and the style sheets that they need."""
    chapters = list(read_chapters(site, toc))
    names = {chapter.name for chapter in chapters}
    for chapter in chapters:
        for_paper(chapter)
        relate(chapter, names)
    styles = dict.fromkeys(style for chapter in chapters for style in chapter.styles)
    return chapters, [f"../html/book/{style}" for style in styles]


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
    FOLDER.mkdir(exist_ok=True)
    chapters, styles = prepared(SITE, toc)
    target = FOLDER / "book.pdf"
    with sync_playwright() as playwright:
        program = find_chromium(playwright.chromium.executable_path)
        if program is None:
            sys.exit("Chromium is needed to print; see 'How to run this' in the book.")
        browser = playwright.chromium.launch(executable_path=program, args=["--no-sandbox"])
        print_pdf(browser, join(chapters, config["title"], styles, facts), chapters, target)
        browser.close()
    print(f"Printed {len(PdfReader(target).pages)} pages. Open {target.as_uri()}")


if __name__ == "__main__":
    main()
