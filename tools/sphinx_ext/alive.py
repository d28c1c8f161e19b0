"""The directive ``{alive}``: a figure that answers to the reader, and a table for when it cannot.

``{alive} loss`` loads ``_static/alive/loss.js`` on its page, with the numbers of
``book/data/alive/loss.json``. The table in that file is shown where there is no JavaScript, and
stays at hand below the figure where there is. Records, weights and images are written as scripts:
these load from a web server and from the disk alike; a file that is fetched does not.
"""

import base64
import html
import json
from pathlib import Path
from typing import Any

import numpy as np
from docutils import nodes
from docutils.parsers.rst import directives
from numpy.typing import NDArray
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from hwlib.data import FILES, MissingDataError, find_or_download
from hwlib.idx import read_idx
from hwlib.stand_in import draw_stand_in
from tools.sphinx_ext.stored import table

# What a figure loads beside its own script and numbers, and whose script and numbers it shares.
PARTS = {"network": ["nets", "board", "layers"]}
SHARED = {"garment": "network"}
FOLDER = Path(__file__).parents[2] / "book" / "data" / "alive"
IMAGES = 40  # offered in the page
STAND_IN_SEED = 29  # of the stand-in's test images, as in hwlib.data
_FALLBACK = (
    '<div class="alive-fallback" tabindex="0" role="group" aria-label="Some numbers of the figure">'
)


class LiveFigure(nodes.General, nodes.Element):
    """An interactive figure; without a number, since notebooks, which lack it, count too."""


def begin_figure(translator: Any, node: LiveFigure) -> None:
    translator.body.append(translator.starttag(node, "figure", CLASS="alive"))


def end_figure(translator: Any, _node: LiveFigure) -> None:
    translator.body.append("</figure>\n")


class AliveDirective(SphinxDirective):
    """Place one interactive figure: the argument names it, the content is its caption."""

    required_arguments = 1
    has_content = True
    option_spec = {"alt": directives.unchanged_required}  # noqa: RUF012

    def run(self) -> list[nodes.Node]:
        """Return the figure with the place for the script, the table and the caption."""
        name = self.arguments[0]
        path = FOLDER / f"{SHARED.get(name, name)}.json"
        if "alt" not in self.options or not self.content or not path.is_file():
            raise self.error(f"alive: expected :alt:, a caption and {path.name} for {name!r}")
        self.env.note_dependency(str(path))
        numbers = json.loads(path.read_text(encoding="utf-8"))["table"]
        alt = html.escape(" ".join(self.options["alt"].split()))
        app = f'<div class="alive-app" data-alive="{name}" data-alt="{alt}" hidden></div>'
        inline, messages = self.parse_inline(" ".join(self.content))
        figure = LiveFigure("", alive=name)
        figure += [
            nodes.raw("", app + _FALLBACK, format="html"),
            table(numbers["headers"], numbers["rows"], "alive-table"),
            nodes.raw("", "</div><figcaption>", format="html"),
            nodes.paragraph("", "", nodes.inline("", "", *inline, classes=["caption-text"])),
            nodes.raw("", "</figcaption>", format="html"),
        ]
        figure["names"].append(nodes.fully_normalize_name(f"alive-{name}"))
        self.state.document.note_explicit_target(figure, figure)
        self.set_source_info(figure)
        return [figure, *messages]


def add_scripts(app: Sphinx, doctree: nodes.document) -> None:
    """Load the scripts of a page's figures on that page and nowhere else."""
    files = []
    for figure in doctree.findall(LiveFigure):
        own = SHARED.get(figure["alive"], figure["alive"])
        files += ["core", f"data-{own}", *PARTS.get(own, []), own]
    if files:
        app.add_css_file("alive/alive.css")
    for file in dict.fromkeys(files):
        # Classic scripts: modules do not load from a page that was opened from the disk.
        app.add_js_file(f"alive/{file}.js", loading_method="defer")


def _encoded(array: NDArray[Any]) -> str:
    """Return the bytes of an array, little-endian, in base64."""
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def first_images(n: int = IMAGES) -> tuple[NDArray[np.uint8], NDArray[np.uint8], bool]:
    """Return the first n test images (n, 28, 28), labels (n,), and whether they are the stand-in's.

    Fashion-MNIST is looked for and verified, but not downloaded; where it is missing, n garments
    are drawn: others for another n.
    """
    try:
        raw = find_or_download("FashionMNIST", download=False)
    except MissingDataError:
        return *draw_stand_in(n, seed=STAND_IN_SEED), True
    images, labels = (read_idx(raw / name)[:n] for name in FILES[2:])
    return images, labels, False


def network_data(folder: Path) -> dict[str, Any]:
    """Return the weights of both networks by layer, and the images to choose from."""
    networks: dict[str, dict[str, Any]] = {}
    with np.load(folder / "networks.npz") as arrays:
        for key, value in arrays.items():
            network, layer = key.split("/")
            entry = {"shape": list(value.shape), "float16": _encoded(value)}
            networks.setdefault(network, {})[layer] = entry
    images, labels, stand_in = first_images()
    gallery = {"pixels": _encoded(images), "labels": labels.tolist(), "standIn": stand_in}
    return {"networks": networks, "images": gallery}


def write_files(folder: Path, target: Path) -> None:
    """Write ``data-<name>.js`` into ``target`` for each record in ``folder``."""
    target.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.json"):
        record = json.loads(path.read_text(encoding="utf-8"))
        record.pop("table", None)  # it stands in the page already
        if path.stem == "network":
            record |= network_data(folder)
        content = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        script = f"(window.aliveData = window.aliveData || {{}}).{path.stem} = {content};\n"
        (target / f"data-{path.stem}.js").write_text(script, encoding="utf-8")


def write_data(app: Sphinx) -> None:
    if app.builder.format == "html":
        write_files(FOLDER, Path(app.outdir) / "_static" / "alive")
