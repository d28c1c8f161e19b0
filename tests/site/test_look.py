"""What an eye sees first, in Firefox; and that planted faults are seen. Chromium: `test_pages`."""

import os
from collections.abc import Callable, Iterator

import firefox
import pytest
from look import HEIGHT, LOOK, STILL, WIDTHS, faults
from pages import listed_pages
from playwright.sync_api import Page
from trouble import Trouble

# Its window is never narrower than 500 pixels, so the page stands in a frame.
IN_FRAME = """
const [address, widths, height, still, look, done] = arguments;
const frame = document.createElement("iframe");
frame.style = `border: 0; height: ${height}px`;
frame.src = address;
frame.onload = () => {
  const inside = frame.contentWindow;
  inside.eval(`(${still})()`);
  const found = [];
  const see = (mode, width) => {
    inside.document.documentElement.dataset.theme = mode;
    frame.style.width = `${width}px`;
    if (inside.innerWidth !== width) found.push(`${inside.innerWidth} is not ${width}`);
    found.push(...inside.eval(look).map((fault) => `${width} ${mode}: ${fault}`));
  };
  widths.forEach((width) => see("light", width));
  see("dark", widths.at(-1));
  done(found);
};
document.body.replaceChildren(frame);
"""


@pytest.fixture(scope="session")
def fox(site_url: str) -> Iterator[firefox.Firefox]:
    """Start Firefox; where there is none, skip, but not in continuous integration."""
    program = firefox.find()
    if program is None:
        reason = "Firefox is not installed, so no page was loaded in it"
        if os.environ.get("CI"):
            pytest.fail(f"{reason}. Since CI is set, that is a failure.", pytrace=False)
        pytest.skip(reason)
    with firefox.Firefox(program) as started:
        started.command("WebDriver:SetWindowRect", width=1600, height=1000)
        started.command("WebDriver:Navigate", url=f"{site_url}404.html")
        yield started


def in_firefox(fox: firefox.Firefox, address: str, more: str = "") -> list[str]:
    """Return what is wrong with a page in Firefox."""
    found: list[str] = fox.call(IN_FRAME, address, list(WIDTHS), HEIGHT, STILL, more + LOOK)
    return found


@pytest.mark.parametrize("name", listed_pages())
def test_a_page_looks_right_in_firefox(fox: firefox.Firefox, site_url: str, name: str) -> None:
    found = in_firefox(fox, f"{site_url}{name}")
    assert not found, "\n".join(found)


PLANTED = {
    "on top of each other": "document.querySelector('article p').style.marginBottom = '-3rem';",
    "cut: x": "document.querySelector('article pre').style.whiteSpace = 'pre';"
    "document.querySelector('article pre').prepend('x'.repeat(200));",
    "cut: next": "document.querySelector('a.right-next').style.minWidth = '500px';",
    "too wide: P": "document.querySelector('section > p').style.width = '2000px';",
    "an equation does not start in sight": "document.querySelectorAll('.formula').forEach((f) => {"
    " f.style.width = '10rem'; f.scrollLeft = 100; });",
    "the number of an equation stands over it": "document.querySelectorAll('.eqno').forEach((n) =>"
    " { n.style.marginLeft = '-22rem'; });",
    "a link like the words around it": "document.querySelectorAll('article a').forEach((a) => {"
    " a.style.cssText = 'color: inherit; text-decoration: none'; });",
    "too low for a finger": "document.querySelectorAll('.claim > summary').forEach((s) =>"
    " { s.style.cssText = 'min-height: 0; height: 20px'; });",
    "one word a line": "document.querySelector('article td').innerHTML ="
    " '<p style=\"width: 4rem\">a table whose words are below each other</p>';",
    "a heading is bolder": "document.querySelector('article h3').style.fontWeight = 900;",
    "a pale box in dark mode": "document.querySelector('article table').style.background = '#ddd';",
}


def test_planted_faults_are_seen(page: Page) -> None:
    page.goto("book/01_logistic_loss.html")
    assert not page.evaluate(LOOK)
    for fault in PLANTED.values():
        page.evaluate(f"() => {{{fault}}}")
    found = faults(page)
    assert not [fault for fault in PLANTED if not any(f": {fault}" in one for one in found)]


def test_a_fault_is_seen_in_firefox_too(fox: firefox.Firefox, site_url: str) -> None:
    planted = f"{{{PLANTED['on top of each other']}}}"
    assert in_firefox(fox, f"{site_url}book/01_logistic_loss.html", planted)


def test_nothing_moves_while_firefox_looks(fox: firefox.Firefox, site_url: str) -> None:
    """The sidebar slides in when a page gets wider, and would push the text out of sight."""
    moves = """for (const e of document.querySelectorAll(".bd-sidebar-primary")) {
        const { transitionDuration } = getComputedStyle(e);
        if (transitionDuration !== "0s") throw new Error(transitionDuration);
    }"""
    assert not in_firefox(fox, f"{site_url}book/04_fashion_mnist.html", moves)


def test_a_claim_opens_without_a_script(open_page: Callable[..., Page], trouble: Trouble) -> None:
    page = open_page(java_script_enabled=False, viewport={"width": 1440, "height": HEIGHT})
    page.goto("book/01_logistic_loss.html")
    claim = page.locator(".claim", has_text="≈0.44").first
    assert claim.locator("summary").is_visible()
    assert not claim.locator("dd").first.is_visible()
    claim.locator("summary").click()
    assert "≈0.44" in claim.locator("dd").first.inner_text()
    trouble.failed.clear()


def test_a_link_to_a_claim_opens_it(page: Page) -> None:
    page.goto("book/claims.html")
    page.locator("table.claims a").first.click()
    page.wait_for_function("document.querySelector(':target')?.checkVisibility()")
