"""What a check found, as objects that a notebook shows and a program can read."""

import html
import json
from dataclasses import asdict, dataclass
from pathlib import Path

from hwlib.check.tasks import POINTS, TASKS


@dataclass(frozen=True)
class Result:
    """The outcome of one check. It is true where the answer passed.

    ``steps`` names the steps that were passed, ``failed`` the one that was not; ``notes`` hold
    remarks about an answer that is right. ``sentence`` says what is wrong, without its subject, as
    in "returns the wrong shape"; ``given``, ``got`` and ``expected`` are the input that shows it,
    what the answer returned, and what is right. ``hint`` leads to the fault without stating the
    solution, and ``mistake`` is the name of one that was recognised, for reports.
    """

    task: str
    points: int
    possible: int
    steps: tuple[str, ...] = ()
    failed: str = ""
    sentence: str = ""
    given: str = ""
    got: str = ""
    expected: str = ""
    hint: str = ""
    mistake: str = ""
    notes: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return not self.failed

    def lines(self) -> list[tuple[str, str]]:
        """The text of the result: pairs of a word in front and what it says."""
        if self:
            passed = f"{', '.join(self.steps)}: all right."
            if self.possible:
                points = "point" if self.possible == 1 else "points"
                passed += f" {self.points} of {self.possible} {points}."
            return [("✓", f"{self.task}: {passed}"), *(("note", note) for note in self.notes)]
        rows = [("✗", f"{self.task}, step “{self.failed}”: it {self.sentence}.")]
        names = ("input", "came", "expected", "hint")
        texts = (self.given, self.got, self.expected, self.hint)
        return rows + [(name, text) for name, text in zip(names, texts, strict=True) if text]

    def __repr__(self) -> str:
        (mark, first), *others = self.lines()
        return "\n".join([f"{mark} {first}", *(f"  {name + ':':<10}{t}" for name, t in others)])

    def _repr_html_(self) -> str:
        colour = "#1a7f4b" if self else "#b3261e"
        (mark, first), *others = self.lines()
        body = "".join(f"<br><b>{name}:</b> {html.escape(text)}" for name, text in others)
        return (
            f'<div class="check" style="border-left:4px solid {colour};padding:.3rem .7rem">'
            f"{mark} {html.escape(first)}{body}</div>"
        )


@dataclass(frozen=True)
class Report:
    """The last result of every task of some chapters; None where a task was not checked."""

    results: dict[str, Result | None]

    @property
    def points(self) -> int:
        """Points reached."""
        return sum(result.points for result in self.results.values() if result)

    @property
    def possible(self) -> int:
        """Points that can be reached."""
        return sum(TASKS[name].points for name in self.results)

    def rows(self) -> list[tuple[str, str, str]]:
        """One row per task: name, points, and what was found."""
        rows = []
        for name, result in self.results.items():
            reached = f"{result.points if result else 0}/{TASKS[name].points}"
            if result is None:
                rows.append((name, reached, "not checked"))
            elif result:
                rows.append((name, reached, "passed"))
            else:
                rows.append((name, reached, f"{result.failed}: it {result.sentence}"))
        return rows

    def write(self, path: str | Path) -> Path:
        """Write the report to ``path`` as JSON and return the path."""
        results = {name: result and asdict(result) for name, result in self.results.items()}
        content = {"points": self.points, "possible": self.possible, "results": results}
        path = Path(path)
        path.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
        return path

    def __repr__(self) -> str:
        lines = [f"{name:<24}{points:>5}  {what}" for name, points, what in self.rows()]
        return "\n".join([*lines, f"{'in all':<24}{f'{self.points}/{self.possible}':>5}"])

    def _repr_html_(self) -> str:
        rows = [*self.rows(), ("in all", f"{self.points}/{self.possible}", "")]
        cells = "".join(
            "<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>"
            for row in rows
        )
        head = "".join(f'<th scope="col">{t}</th>' for t in ("task", "points", "result"))
        return (
            f'<table class="results"><thead><tr>{head}</tr></thead><tbody>{cells}</tbody></table>'
        )


_latest: dict[str, Result] = {}


def record(result: Result) -> Result:
    """Keep ``result`` as the latest of its task, for `report`, and return it."""
    _latest[result.task] = result
    return result


def forget() -> None:
    """Forget all results, as if nothing had been checked."""
    _latest.clear()


def report(*, chapter: int | None = None) -> Report:
    """Sum up the latest result of every task.

    Those of one chapter, or without it those of every chapter in which something was checked.
    """
    if chapter is not None and chapter not in POINTS:
        raise ValueError(f"chapter: expected one of {sorted(POINTS)}, got {chapter}.")
    wanted = {chapter} if chapter is not None else {TASKS[name].chapter for name in _latest}
    return Report({n: _latest.get(n) for n, task in TASKS.items() if task.chapter in wanted})
