"""What the interactive figures read: records, weights and images, written as scripts.

A script loads from a web server and from the disk alike; a file that is fetched does not.
"""

import base64
import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwlib.data import FILES, MissingDataError, find_or_download
from hwlib.idx import read_idx
from hwlib.stand_in import draw_stand_in

IMAGES = 40  # offered in the page
STAND_IN_SEED = 29  # of the stand-in's test images, as in hwlib.data


def encoded(array: NDArray[Any]) -> str:
    """Return the bytes of an array, little-endian, in base64."""
    return base64.b64encode(array.astype(array.dtype.newbyteorder("<")).tobytes()).decode("ascii")


def first_images(n: int = IMAGES) -> tuple[NDArray[np.uint8], NDArray[np.uint8], bool]:
    """Return the first n test images (n, 28, 28), labels (n,), and whether they are the stand-in's.

    Fashion-MNIST is looked for and verified as in `hwlib.data`, but not downloaded; where it is
    missing, n garments are drawn: others for another n.

    Raises
    ------
    DataError
        If files of that name are not those of Fashion-MNIST.
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
        for key in arrays.files:
            network, layer = key.split("/")
            value = arrays[key]
            entry = {"shape": list(value.shape), "float16": encoded(value)}
            networks.setdefault(network, {})[layer] = entry
    images, labels, stand_in = first_images()
    gallery = {"pixels": encoded(images), "labels": labels.tolist(), "standIn": stand_in}
    return {"networks": networks, "images": gallery}


def write_files(folder: Path, target: Path) -> None:
    """Write ``data-<name>.js`` into ``target`` for each record in ``folder``."""
    target.mkdir(parents=True, exist_ok=True)
    records = {
        path.stem: json.loads(path.read_text(encoding="utf-8")) for path in folder.glob("*.json")
    }
    for record in records.values():
        record.pop("table", None)  # it stands in the page already
    if "network" in records:
        records["network"] |= network_data(folder)
    for name, record in records.items():
        content = json.dumps(record, ensure_ascii=False, separators=(",", ":"))
        script = f"(window.aliveData = window.aliveData || {{}}).{name} = {content};\n"
        (target / f"data-{name}.js").write_text(script, encoding="utf-8")
