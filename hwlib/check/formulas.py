"""Formulas that were derived on paper, typed as LaTeX: ``check.formula("loss_by_logit", r"...")``."""

import tomllib
from collections.abc import Iterator
from functools import cache
from importlib.resources import files
from typing import Any

from hwlib.check.outcome import Result, record
from hwlib.check.tasks import TASKS
from hwlib.check.values import describe
from hwlib.formulas.answer import Question, Verdict, judge
from hwlib.formulas.notation import Defined, Key, Meaning, Scope, table
from hwlib.formulas.parse import parse_expression

TABLES: dict[str, Any] = tomllib.loads(
    files("hwlib.check").joinpath("formulas.toml").read_text(encoding="utf-8")
)
FORMULAS = tuple(name for name in TABLES if name not in ("sets", "counted", "general"))


class FormulaResult(Result):
    """The outcome of `formula`."""

    @property
    def verdict(self) -> str:
        """ "right", "wrong" or "not read"."""
        return {"": "right", "reading": "not read"}.get(self.failed, "wrong")


def formula(task: str, answer: Any) -> FormulaResult:
    r"""Check a formula written in LaTeX, such as ``r"\hat{y} - y"``.

    Any form that is equal to the right one passes. What cannot be read in one way only is not
    judged, and the result says what to write instead. Nothing of the answer is executed.

    Parameters
    ----------
    task : str
        One of `FORMULAS`; an underscore counts as a hyphen.
    answer : str
        A formula, or a chain of equations that ends in one.

    Raises
    ------
    ValueError
        If there is no such task.
    """
    name = task.replace("_", "-")
    if name not in FORMULAS:
        raise ValueError(f"task: expected one of {', '.join(FORMULAS)}, got {task!r}.")
    asks = TABLES[name]["asks"]
    if not isinstance(answer, str):
        advice = 'expected a text, r"...", with the formula in LaTeX'
        found = Verdict("not read", f"{advice}, got {describe(answer)}")
    else:
        found = judge(answer, question(name))
    hint = ""
    if found.verdict == "wrong":
        mistakes = TABLES[name].get("mistakes", {}).items()
        hints = (text for latex, text in mistakes if _is(answer, name, latex))
        hint = next(hints, TABLES["general"])
    return _result(name, asks, found, hint)


def _is(answer: str, name: str, latex: str) -> bool:
    """Is the answer this mistake, in whatever form."""
    return judge(answer, question(name, latex), last=True).verdict == "right"


def _result(name: str, asks: str, found: Verdict, hint: str) -> FormulaResult:
    task = name.replace("-", "_")
    possible = TASKS[task].points if task in TASKS else 0
    steps = {"right": ("reading", "value"), "wrong": ("reading",)}.get(found.verdict, ())
    result = FormulaResult(
        task,
        possible if found.verdict == "right" else 0,
        possible,
        steps,
        failed={"right": "", "wrong": "value"}.get(found.verdict, "reading"),
        sentence={"right": "", "wrong": f"is wrong: {found.sentence}"}.get(
            found.verdict, f"cannot be read: {found.sentence}"
        ),
        given=found.point,
        got=found.got,
        expected=found.expected if found.verdict == "wrong" else asks,
        hint=hint,
        mistake={"right": "", "wrong": "formula"}.get(found.verdict, "not read"),
    )
    return record(result) if task in TASKS else result


@cache
def question(name: str, instead: str = "") -> Question:
    """What a task asks, or one of its typical mistakes in the place of what is right."""
    rows = TABLES[name]
    scope = Scope({})
    for used in ("sizes", *rows["sets"]):
        scope = scope.extended(dict(_meanings(used)))
    counted = TABLES["counted"] | rows.get("counted", {})
    return Question(
        scope,
        parse_expression(instead or rows["right"]),
        () if instead else tuple(parse_expression(latex) for latex in rows.get("also", ())),
        withheld=tuple(rows.get("withheld", ())),
        single="batch" not in rows["sets"],
        loss=next((text for text in (r"\ell", "L") if scope.knows(text)), ""),
        sizes={letter: tuple(text.split()) for letter, text in counted.items()},
    )


def _meanings(used: str) -> Iterator[tuple[Key, Meaning]]:
    rows = TABLES["sets"][used]
    if used != "functions":
        yield from table(rows).items()
        return
    for left, right in rows.items():
        call = parse_expression(left)
        letters = tuple(argument.name for argument in call.args)
        yield Key(call.name, kind="function"), Defined(parse_expression(right), letters)
