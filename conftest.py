"""How tests and notebooks are run, and what of a run must not pass unseen.

Numbers after ≈ may differ between processors and are held by claims; everything else that a cell
shows is compared exactly. Where the stand-in takes the place of the real data, the cells tagged
``real-data`` are executed but their outputs are not compared, and the last lines say so; see "How
this book checks itself" in the book.

nbval passes a cell whose time ran out if the code swallows the interrupt, expects every later cell
to fail and does not mind if none does, and compares nothing with a cell that was never executed.
Here all of these fail, and so does whatever would quietly leave out a comparison; ``--runxfail``
makes an expected failure count as any other.
"""

import os
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest
from nbval.plugin import IPyNbCell, IPyNbFile

from tools import TOP
from tools.kernels import prepare_kernels


def pytest_configure(config: pytest.Config) -> None:
    """Give kernels this checkout's package and its data; refuse data that cannot be compared."""
    prepare_kernels()
    os.environ.setdefault("HWLIB_STAND_IN", "1")
    if os.environ.get("HWLIB_DATA"):  # kernels run in book/, where a relative path leads elsewhere
        os.environ["HWLIB_DATA"] = str(Path(os.environ["HWLIB_DATA"]).expanduser().resolve())
        if problem := _data_problem():
            raise pytest.UsageError(
                f"HWLIB_DATA is {os.environ['HWLIB_DATA']}, but nothing could be compared with the "
                f"data there: {problem} Mend it, or unset HWLIB_DATA to run on the stand-in."
            )
    if config.option.nbval_sanitize_with is None:
        config.option.nbval_sanitize_with = str(TOP / "tests" / "nbval_sanitize.cfg")
    if config.option.nbval:
        config.option.loadscopereorder = False  # xdist would order by the number of cells
        if workers := getattr(config, "workerinput", None):
            share = (os.cpu_count() or 1) // workers["workercount"]
            os.environ["OMP_NUM_THREADS"] = str(max(1, share))


def _data_problem(*, download: bool = False) -> str | None:
    """Say what is wrong with the real data, or return None where both sets are there and whole."""
    from hwlib.data import find_or_download

    try:
        for name in ("FashionMNIST", "MNIST"):
            find_or_download(name, download=download)
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    return None


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse a notebook that holds no code, was not executed, or is not of its text."""
    report = yield
    if isinstance(collector, IPyNbFile) and report.passed:
        from tools.notebooks import behind, mend

        # It has digits that differ between processors; the same numbers stand in the claims' lines.
        collector.skip_compare += ("application/papermill.record/text/plain",)
        problem = "" if report.result else "no cell holds code"
        if reason := behind(collector.path):
            problem = f"{reason}; {mend([collector.path])}"
        if problem:
            report.outcome = "failed"
            report.longrepr = f"{collector.path.name}: {problem}"
    return report


def _turn(item: pytest.Item) -> tuple[int, float]:
    if isinstance(item, IPyNbCell):
        return 1, -item.parent.nb.metadata.get("run", {}).get("seconds", 0)
    return (0 if item.path.name == "test_pages.py" else 2), 0


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Decide once whether the stand-in is in use, and lift comparisons that it cannot pass."""
    # Among several workers, none must wait while another builds the website, and the chapter that
    # takes longest must not come last.
    items.sort(key=_turn)
    cells: list[Any] = [item for item in items if isinstance(item, IPyNbCell)]
    tagged = [cell for cell in cells if "real-data" in cell.cell.metadata.get("tags", [])]
    if tagged and not os.environ.get("HWLIB_DATA") and _data_problem(download=True):
        for cell in tagged:
            cell.options["check"] = False
            cell.user_properties.append(("stand-in", True))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_node_collection_finished(ids: list[str]) -> None:
    """Refuse cells of the same name, of which xdist would run one."""
    if len(set(ids)) < len(ids):
        raise pytest.UsageError(
            "expected notebooks below one folder, got cells of the same name; add --rootdir=FOLDER."
        )


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Let fail what would pass by accident, with a line that says why."""
    report = yield
    if isinstance(item, IPyNbCell) and not report.failed:
        problem = "the cell was not executed" if report.skipped else ""
        if report.when == "call" and item.parent.timed_out:
            limit = item.config.option.nbval_cell_timeout
            problem = f"a cell ran longer than {limit:g} s, and its code swallowed the interrupt"
        if problem:
            report.outcome = "failed"
            report.longrepr = f"{item.path.name}, {item.name}: {problem}"
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say in one line what could not be compared."""
    reports = terminalreporter.getreports("passed") + terminalreporter.getreports("failed")
    ran = {r.nodeid for r in reports if "stand-in" in dict(r.user_properties)}
    if ran:
        chapters = {name.partition("::")[0] for name in ran}
        terminalreporter.write_line(
            f"Fashion-MNIST was not found: {len(ran)} cells of {len(chapters)} chapters ran on the "
            "stand-in, their outputs and the claims about the data were not compared.",
            yellow=True,
        )
