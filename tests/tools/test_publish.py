"""Addresses and buttons follow two settings: a copy that is published has all, another has none."""

import os
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

TOP = Path(__file__).parents[2]
REPOSITORY = "https://github.com/you/your-copy"
ADDRESS = "https://you.github.io/your-copy/"


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """Return the files of a small site by name, with and without both settings.

    Sphinx runs in a process of its own: the sitemap leaves one behind, which would keep a browser
    from closing that was started before it.
    """
    sites = {}
    for name, repository, base in (("published", REPOSITORY, ADDRESS), ("local", "", "")):
        source = tmp_path_factory.mktemp(name)
        (source / "book").mkdir()
        cell = nbformat.v4.new_markdown_cell("# A chapter\n\n```{toctree}\ntwo\n```")
        notebook = nbformat.v4.new_notebook(cells=[cell])
        notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
        nbformat.write(notebook, source / "book" / "one.ipynb")
        (source / "book" / "two.md").write_text("# Another", "utf-8")
        options = {
            "repository_url": repository,
            "path_to_docs": "",
            "repository_branch": "main",
            "launch_buttons": {"colab_url": "https://colab.research.google.com"},
        }
        settings = {
            "extensions": ["myst_nb", "sphinx_book_theme"],
            "html_theme": "sphinx_book_theme",
            "html_theme_options": options,
            "html_baseurl": base,
            "html_title": "A book",
            "language": "en",
            "root_doc": "book/one",
            "nb_execution_mode": "off",
        }
        lines = [f"{name} = {value!r}" for name, value in settings.items()]
        lines.append("from tools.sphinx_ext.publish import register as setup")
        (source / "conf.py").write_text("\n".join(lines), "utf-8")
        out = source / "out"
        command = [sys.executable, "-m", "sphinx", "-q", "-b", "html", str(source), str(out)]
        environment = {**os.environ, "PYTHONPATH": str(TOP)}
        done = subprocess.run(command, env=environment, capture_output=True, text=True)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        files = [p for p in out.rglob("*") if p.suffix in (".html", ".xml")]
        sites[name] = {p.relative_to(out).as_posix(): p.read_text("utf-8") for p in files}
    return sites


def test_a_published_copy_names_its_addresses(built: dict[str, dict[str, str]]) -> None:
    page = built["published"]["book/one.html"]
    own = f"{ADDRESS}book/one.html"
    assert f'<link rel="canonical" href="{own}" />' in page
    assert f'<meta property="og:url" content="{own}" />' in page
    assert f'<meta property="og:image" content="{ADDRESS}_static/card.png" />' in page
    assert f"<loc>{own}</loc>" in built["published"]["sitemap.xml"]
    assert f'href="{own}"' in built["published"]["index.html"]
    assert 'href="/your-copy/_static/' in built["published"]["404.html"]
    links = set(re.findall(r'<a href="(https://[^"]*your-copy[^"]*)"', page))
    assert {
        REPOSITORY,
        f"{REPOSITORY}/edit/main/book/one.md",
        "https://colab.research.google.com/github/you/your-copy/blob/main/book/one.ipynb",
    } < links
    assert any(link.startswith(f"{REPOSITORY}/issues/new") for link in links)


def test_another_copy_names_none(built: dict[str, dict[str, str]]) -> None:
    page = built["local"]["book/one.html"]
    for absent in ("canonical", "og:url", "og:image", "colab", "/edit/", "/issues/"):
        assert absent not in page, absent
    assert "sitemap.xml" not in built["local"]
    assert 'href="book/one.html"' in built["local"]["index.html"]
    assert 'href="/_static/' in built["local"]["404.html"]


def test_the_picture_of_the_book_has_the_size_that_others_show() -> None:
    card = Path(__file__).parents[2] / "book" / "_static" / "card.png"
    width, height = (int.from_bytes(card.read_bytes()[i : i + 4], "big") for i in (16, 20))
    assert (width, height) == (1200, 630)
