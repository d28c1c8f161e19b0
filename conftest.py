"""How notebooks are re-executed by nbval; see "How this book checks itself" in the book.

Numbers after ≈ may differ between processors and are held by claims; everything else that a cell
shows is compared exactly. Where the stand-in takes the place of the real data, the cells tagged
``real-data`` are executed but their outputs are not compared, and the last lines say so.
"""

import os
from pathlib import Path

import pytest

TOP = Path(__file__).parent
# Hold digits that differ between processors; the same numbers stand in the claims' lines.
NOT_COMPARED = ("application/papermill.record/text/plain",)

_stand_in: dict[str, str] = {}


def pytest_configure(config: pytest.Config) -> None:
    """Let kernels find the data from their own folder, and keep progress bars out of outputs."""
    os.environ["TQDM_DISABLE"] = "1"
    if os.environ.get("HWLIB_DATA"):
        os.environ["HWLIB_DATA"] = str(Path(os.environ["HWLIB_DATA"]).resolve())
    config.option.nbval_sanitize_with = str(TOP / "tests" / "nbval_sanitize.cfg")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Decide once whether the stand-in is in use, and lift comparisons that it cannot pass."""
    cells = [item for item in items if type(item).__name__ == "IPyNbCell"]
    for file in {cell.parent for cell in cells}:
        if NOT_COMPARED[0] not in file.skip_compare:
            file.skip_compare += NOT_COMPARED
    tagged = [cell for cell in cells if "real-data" in cell.cell.metadata.get("tags", [])]
    if tagged and _data_missing():
        for cell in tagged:
            cell.options["check"] = False
        files = {cell.parent for cell in tagged}
        _stand_in["line"] = (
            f"Fashion-MNIST was not found: {len(tagged)} cells of {len(files)} chapters ran on the "
            "stand-in, their outputs and the claims about the data were not compared."
        )


def _data_missing() -> bool:
    from hwlib.data import MissingDataError, find_or_download, stand_in_allowed

    if not stand_in_allowed():
        return False
    try:
        find_or_download("FashionMNIST")
    except MissingDataError:
        return True
    return False


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what could not be compared."""
    if _stand_in:
        terminalreporter.write_line(_stand_in["line"], yellow=True)
