"""The built site in a real browser, with every other host blocked and every mishap recorded."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, Request, sync_playwright
from trouble import Trouble

from tools import build_book
from tools.pdf import find_chromium
from tools.sphinx_ext.alive import first_images

TOP = Path(__file__).parents[2]
SITE = TOP / "_build" / "html"
# No sandbox: continuous integration runs as root. The other flags keep the browser off the network.
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Write nothing among the tests' dots."""


def _sources() -> Iterator[Path]:
    yield from (TOP / "_config.yml", TOP / "_toc.yml")
    for folder in ("book", "hwlib", "tools/sphinx_ext", "tools/editions"):
        for path in (TOP / folder).rglob("*"):
            if path.is_file() and not {"__pycache__", ".ipynb_checkpoints"} & set(path.parts):
                yield path


def _outdated() -> bool:
    """Return whether the site is missing, older than its sources, or has other images.

    It may have been built with Fashion-MNIST and be tested without, or vice versa.
    """
    index, network = SITE / "index.html", SITE / "_static" / "alive" / "data-network.js"
    if not index.exists() or not network.exists():
        return True
    drawn = json.dumps(first_images(1)[2])
    changed = max(path.stat().st_mtime for path in _sources())
    return index.stat().st_mtime < changed or f'"standIn":{drawn}' not in network.read_text("utf-8")


@pytest.fixture(scope="session")
def site() -> Path:
    """Return the folder of the built site; build it if it is outdated."""
    with build_book.LOCK:  # of several processes that test, one builds
        if _outdated():
            assert build_book.main() == 0, "the site was not built, see the output above"
    return SITE


@pytest.fixture(scope="session")
def site_url(site: Path) -> Iterator[str]:
    """Serve the site on this machine alone and return its address, which ends with a slash."""
    handler = partial(_QuietHandler, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def _without_browser() -> NoReturn:
    """Skip on a reader's machine; in continuous integration nothing may pass unseen."""
    reason = "Chromium is not installed, so no page was loaded; see 'How to run this'"
    if os.environ.get("CI"):
        pytest.fail(f"{reason}. Since CI is set, that is a failure.", pytrace=False)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Start the system's Chromium, or the one that Playwright installed."""
    with sync_playwright() as playwright:
        executable = find_chromium(playwright.chromium.executable_path)
        if executable is None:
            _without_browser()
        chromium = playwright.chromium.launch(executable_path=executable, args=list(FLAGS))
        yield chromium
        chromium.close()


@pytest.fixture
def trouble() -> Trouble:
    """Return the record that the pages of this test write to."""
    return Trouble()


@pytest.fixture
def open_page(browser: Browser, site_url: str, trouble: Trouble) -> Iterator[Callable[..., Page]]:
    """Return a function that opens a watched page; its arguments are those of ``new_context``.

    Every page sees only the served site. After the test, anything that ``trouble`` holds fails it.
    """
    contexts = []
    host = urlsplit(site_url).netloc

    def asked(request: Request) -> None:
        if urlsplit(request.url).netloc not in (host, ""):  # which no name leads to, see FLAGS
            trouble.outside.append(request.url)

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            trouble.errors.append(f"{message.text} ({message.location.get('url', '')})")

    def failed(request: Request) -> None:
        # A page without JavaScript refuses its scripts; the next page cuts off what is under way.
        if request.failure in ("csp", "net::ERR_ABORTED"):
            return
        trouble.failed.append(f"{request.url}: {request.failure}")

    def opener(**options: object) -> Page:
        context = browser.new_context(base_url=site_url, service_workers="block", **options)
        contexts.append(context)
        context.on("request", asked)
        context.on("requestfailed", failed)
        page = context.new_page()
        page.on("console", hear)
        page.on("pageerror", lambda error: trouble.errors.append(str(error)))
        page.on(
            "response",
            lambda r: trouble.failed.append(f"{r.url}: {r.status}") if r.status >= 400 else None,
        )
        return page

    yield opener
    for context in contexts:
        context.close()
    assert not trouble.all(), "\n".join(trouble.all())


@pytest.fixture
def page(open_page: Callable[..., Page]) -> Page:
    """Return one watched page of the usual size in light mode."""
    return open_page(viewport={"width": 1280, "height": 900}, color_scheme="light")
