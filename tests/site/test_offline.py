"""Every page loads from its own host alone, without an error, and lacks nothing."""

from playwright.sync_api import Page
from trouble import Trouble


def test_a_request_to_another_host_is_blocked_and_recorded(page: Page, trouble: Trouble) -> None:
    page.goto("book/intro.html")
    page.evaluate("fetch('https://example.org/x.js').catch(() => null)")
    page.wait_for_timeout(100)
    assert trouble.outside == ["https://example.org/x.js"]
    trouble.clear()
