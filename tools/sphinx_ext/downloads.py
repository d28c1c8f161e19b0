"""Make the students' notebooks and archives, which the pages offer, before the pages are read."""

from pathlib import Path

from sphinx.application import Sphinx

from tools.editions import student


def write_editions(app: Sphinx) -> None:
    """Write them to where the chapters look for them, whatever folder the pages go to."""
    student.write(Path(app.srcdir) / "_build")


def register(app: Sphinx) -> None:
    """Write them as soon as the builder is there."""
    app.connect("builder-inited", write_editions)
