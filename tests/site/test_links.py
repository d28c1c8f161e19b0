"""Every link inside the site leads to a page, and to a place on it, that exists."""

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

from pages import all_pages


class _Anchors(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: set[str] = set()
        self.links: list[str] = []
        self.feed(text)

    def handle_starttag(self, _: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if values.get("id"):
            self.ids.add(str(values["id"]))
        for name in ("href", "src"):
            if values.get(name) is not None:
                self.links.append(str(values[name]))


def broken_links(site: Path) -> list[str]:
    """Return each broken link as "page: link"."""
    anchors = {name: _Anchors((site / name).read_text("utf-8")) for name in all_pages(site)}
    found = []
    for name, page in anchors.items():
        for link in page.links:
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                continue
            target = (
                (site / name).parent.joinpath(unquote(parts.path)) if parts.path else site / name
            )
            absolute = link.startswith("/")
            if absolute and name == "404.html":  # it is shown at any address
                target, absolute = site / unquote(parts.path).lstrip("/"), False
            target = target.resolve()
            if absolute or not target.is_file():
                found.append(f"{name}: {link}")
                continue
            place = anchors.get(target.relative_to(site.resolve()).as_posix())
            if parts.fragment and place and unquote(parts.fragment) not in place.ids:
                found.append(f"{name}: {link}")
    return found


def test_no_link_is_broken(site: Path) -> None:
    assert broken_links(site) == []


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_text('<p id="here"><a href="#here"></a><a href="b.html#there"></a>')
    (tmp_path / "b.html").write_text('<a href="a.html#here"></a><a href="c.html"></a>')
    assert broken_links(tmp_path) == ["a.html: b.html#there", "b.html: c.html"]
