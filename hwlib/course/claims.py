"""Claims: sentences of the book bound to a measured value and an accepted interval.

A claim is made in a notebook cell. It raises if the value leaves its interval, so a chapter whose
text no longer fits its numbers cannot be executed; it shows the reader one line with a check
mark; and it stores the value under the claim's name, from where the prose quotes it with MyST-NB's
role ``glue:text``. The page of all claims is built from what is stored here.

Values marked with ≈ may differ in their last digits from one processor to the next: re-execution
compares them by their interval, and everything else exactly.
"""

import html
import math
import platform
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from typing import Any

EXACT = "application/vnd.hwlib.exact"  # media type of a stored value that must not differ
PACKAGES = ("numpy", "torch", "torchvision", "matplotlib")
_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class ClaimError(AssertionError):
    """A measured value lies outside the interval that the text of the book accepts."""


def environment() -> dict[str, str]:
    """Versions of Python and of the packages that numbers depend on, and the processor type."""
    found = {"python": platform.python_version(), "machine": platform.machine()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    return found


@dataclass(frozen=True)
class Claim:
    """One claim, as it is shown and stored.

    ``status`` is "holds" (inside the interval), "measured" (no interval: times depend on the
    machine) or "not compared" (run on the stand-in instead of the real data).
    """

    name: str
    sentence: str
    value: float
    low: float | None
    high: float | None
    status: str
    digits: int = 2
    unit: str = ""
    seeds: tuple[int, ...] = ()
    environment: Mapping[str, str] = field(default_factory=environment)

    @property
    def exact(self) -> bool:
        """Whether one value only is accepted, such as a number of parameters."""
        return self.low is not None and self.low == self.high

    @property
    def measured(self) -> str:
        """The value as text; ≈ marks a value that differs between processors."""
        if self.exact:
            return f"{self.value:,.{self.digits}f}{self.unit}"
        return f"≈{self.value:,.{self.digits}f}{self.unit}"

    @property
    def accepted(self) -> str:
        """The interval as text."""
        if self.low is None and self.high is None:
            return "not bounded: depends on the machine"
        if self.exact:
            return "exactly this value"
        if self.low is None:
            return f"at most {self.high:,g}{self.unit}"
        if self.high is None:
            return f"at least {self.low:,g}{self.unit}"
        return f"{self.low:,g} to {self.high:,g}{self.unit}"

    @property
    def mark(self) -> str:
        """One character that stands for the status."""
        return {"holds": "✓", "measured": "○", "not compared": "–"}[self.status]

    def __repr__(self) -> str:
        seeds = f"; seeds {', '.join(map(str, self.seeds))}" if self.seeds else ""
        note = "" if self.status == "holds" else f" [{self.status}]"
        return f"{self.mark}{note} {self.sentence}: {self.measured} ({self.accepted}{seeds})"

    def _repr_html_(self) -> str:
        kind = self.status.replace(" ", "-")
        return (
            f'<p class="claim claim-{kind}" id="claim-{html.escape(self.name)}">'
            f"{html.escape(repr(self))}</p>"
        )


def _status(value: float, low: float | None, high: float | None, compared: bool) -> str:
    if not compared:
        return "not compared"
    if math.isnan(value):
        return "fails"
    if low is None and high is None:
        return "measured"
    inside = (low is None or value >= low) and (high is None or value <= high)
    return "holds" if inside else "fails"


def claim(
    name: str,
    sentence: str,
    value: float,
    *,
    low: float | None = None,
    high: float | None = None,
    exactly: float | None = None,
    data: Any = None,
    seeds: Sequence[int] = (),
    digits: int = 2,
    unit: str = "",
) -> None:
    """State in a notebook that ``value`` lies in [low, high]; show it and store it.

    Parameters
    ----------
    name : str
        Unique in the book, in small letters with hyphens. Prose quotes the value by it.
    sentence : str
        What is claimed, without the number.
    value : float
        What was measured in this run.
    low, high : float, optional
        The accepted interval, ends included. Without both, the value is shown as measured only,
        which is right for times and for nothing else.
    exactly : float, optional
        Instead of an interval: the only accepted value.
    data : object with an attribute ``is_stand_in``, optional
        The data set behind the value. On the stand-in nothing is compared, and the line says so.
    seeds : sequence of int
        The seeds of the runs behind the value.
    digits : int
        Decimal places shown.
    unit : str
        Appended to the value, such as ``" %"``.

    Raises
    ------
    ClaimError
        If the value lies outside the interval, or is NaN.
    ValueError
        If the name is malformed or the interval is empty.
    """
    if not _NAME.fullmatch(name):
        raise ValueError(f"name: expected words of small letters joined by hyphens, got {name!r}.")
    if exactly is not None:
        low = high = exactly
    if low is not None and high is not None and low > high:
        raise ValueError(f"{name}: expected low <= high, got {low} and {high}.")
    status = _status(float(value), low, high, not getattr(data, "is_stand_in", False))
    made = Claim(
        name, sentence, float(value), low, high, status, digits, unit, tuple(map(int, seeds))
    )
    if status == "fails":
        raise ClaimError(
            f"{name}: {sentence}: expected {made.accepted}, got {value!r}; either the code has "
            "changed what it computes, or the text and the interval need to follow the new result."
        )
    _show(made)


def _show(made: Claim) -> None:
    """Display the line for the reader, and the value for the prose."""
    from IPython.display import display

    shown = {"mark": made.mark, "measured": made.measured, "accepted": made.accepted}
    display(made, metadata={"claim": asdict(made) | shown})
    _store(made.name, made.value, exact=made.exact)


def _store(name: str, value: object, *, exact: bool) -> None:
    """Store ``value`` unseen, in the form in which MyST-NB looks for it.

    Re-execution leaves these records alone, since most differ between processors; those that do
    not are stored a second time in a form that it compares.
    """
    from IPython.display import publish_display_data

    prefix = "application/papermill.record/"
    plain = value.item() if hasattr(value, "item") else value  # not "np.float64(0.01)"
    record = {f"{prefix}text/plain": repr(plain)}
    if exact:
        record[EXACT] = repr(plain)
    publish_display_data(
        record,
        metadata={"scrapbook": {"name": name, "mime_prefix": prefix}},
    )


def settings(**values: float | str) -> None:
    """Let the prose quote the settings of an experiment from the cell that uses them.

    After ``settings(epochs=EPOCHS)`` the role ``glue:text`` turns ``epochs`` into the number that
    ran. A name is unique in its chapter; underscores become hyphens.
    """
    for name, value in values.items():
        _store(name.replace("_", "-"), value, exact=True)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Show a table in a notebook: plain text for the terminal, HTML with headers for the page.

    Parameters
    ----------
    headers : sequence of str
    rows : sequence of sequences
        Cells of any type, shown by ``str``. Mark numbers that differ between processors with ≈.

    Raises
    ------
    ValueError
        If a row has another length than the headers.
    """
    from IPython.display import publish_display_data

    texts = [[str(cell) for cell in row] for row in rows]
    for row in texts:
        if len(row) != len(headers):
            raise ValueError(f"expected {len(headers)} cells {list(headers)}, got {row}.")
    plain = "\n".join(" | ".join(row) for row in [list(headers), *texts])
    head = "".join(f'<th scope="col">{html.escape(text)}</th>' for text in headers)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in texts
    )
    publish_display_data(
        {
            "text/plain": plain,
            "text/html": f'<div class="table-scroll" tabindex="0"><table class="results">'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>",
        }
    )
