"""Formulas that were derived on paper: ``check.formula("loss_by_logit", r"...")``, in LaTeX."""

import tomllib
from collections.abc import Callable, Iterable, Iterator
from functools import cache, partial
from importlib.resources import files
from typing import Any

from hwlib.check.engine import call, task
from hwlib.check.outcome import Result
from hwlib.check.tasks import WRITTEN
from hwlib.check.texts import Fault, fault
from hwlib.check.values import describe
from hwlib.formulas.answer import Question, judge
from hwlib.formulas.hand import read_expression
from hwlib.formulas.names import Letters
from hwlib.formulas.notation import Index, Key, Scope, declaration

TABLES: dict[str, Any] = tomllib.loads(
    files("hwlib.check").joinpath("formulas.toml").read_text(encoding="utf-8")
)
FORMULAS = tuple(name for name in TABLES if name not in ("sets", "general"))


class FormulaResult(Result):
    """The outcome of `formula`; it is true where the formula is right."""

    @property
    def verdict(self) -> str:
        """ "right", "wrong" or "not read"."""
        return {"": "right", "reading": "not read"}.get(self.failed, "wrong")


def formula(task: str, answer: Any) -> FormulaResult:
    r"""Check a formula written in LaTeX, such as ``r"\hat{y} - y"``, or a chain that ends in one.

    Any form that is equal to the right one passes. What cannot be read in one way only is not
    judged, and the result says what to write instead. Nothing of the answer is executed. The task
    is one of `FORMULAS`; an underscore counts as a hyphen.
    """
    name = task.replace("_", "-")
    if name not in FORMULAS:
        raise ValueError(f"task: expected one of {', '.join(FORMULAS)}, got {task!r}.")
    steps: list[str] = []
    try:
        for step in _steps(name, answer):
            steps.append(step)
    except Fault as error:
        return FormulaResult(task, 0, 0, failed=steps[-1], **error.details)
    return FormulaResult(task, 0, 0, tuple(steps))


def _steps(name: str, answer: Any) -> Iterator[str]:
    """The steps of a check: reading, and value."""
    yield "reading"
    asks = TABLES[name]["asks"]
    if not isinstance(answer, str):
        raise fault(
            "formula not read", describe(answer), hint='Write it as a text: r"...".', asks=asks
        )
    found = judge(answer, question(name))
    if found.verdict == "not read":
        got = answer if len(answer) <= 80 else f"{answer[:80]}…"
        raise fault("formula not read", got, hint=found.sentence, asks=asks)
    yield "value"
    if found.verdict == "wrong":
        hint = found.remark or _hint(name, answer)
        details = {"sentence": found.sentence, "expected": found.expected or "no value"}
        got = found.got or "no value"
        raise fault("formula wrong", got, given=found.point, hint=hint, **details)


def _hint(name: str, answer: str) -> str:
    """The hint for the typical mistake that the answer is, in whatever form."""
    for latex, hint in TABLES[name].get("mistakes", {}).items():
        if judge(answer, question(name, latex), last=True).verdict == "right":
            return str(hint)
    return str(TABLES["general"])


def _check(name: str) -> Callable[[Any], Result]:
    """The check of a task whose answer is a function that returns a formula, or the formula."""

    def check(answer: Any) -> Iterator[str]:
        yield "input: no arguments"
        found = call(answer)
        yield "input: "  # with a formula that is wrong comes the point that shows it
        yield from _steps(name.replace("_", "-"), found)

    check.__name__ = name
    check.__doc__ = f"Check ``my_{name}() -> str``: {TABLES[name.replace('_', '-')]['asks']}."
    run = task(check)
    return lambda answer: run((lambda: answer) if isinstance(answer, str) else answer)


globals().update({name: _check(name) for name in WRITTEN})


@cache
def question(name: str, instead: str = "") -> Question:
    """What a task asks, or one of its typical mistakes in the place of what is right."""
    rows = TABLES[name]
    scope = _scope(("sizes", *rows["sets"]))
    letters = Letters(
        scope,
        loss=next((text for text in (r"\ell", "L") if scope.knows(text)), ""),
        single="batch" not in rows["sets"],
        withheld=tuple(rows.get("withheld", ())),
        sizes=dict(_counted(rows["sets"], scope)),
    )
    also = () if instead else rows.get("also", ())
    right, *others = (read_expression(text, scope) for text in (instead or rows["right"], *also))
    return Question(letters, right, tuple(others))


@cache
def _scope(sets: tuple[str, ...]) -> Scope:
    """The meanings of some sets; a row may use those before it."""
    scope = Scope({})
    for symbol, text in (row for used in sets for row in TABLES["sets"][used].items()):
        read = partial(read_expression, scope=scope)
        scope = scope.extended(dict([declaration(symbol, text, read)]))
    return scope


def _counted(sets: Iterable[str], scope: Scope) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Letters with indices, and what each index counts: a table has them as ``x_{b,d}``."""
    for symbol in (symbol for used in sets for symbol in TABLES["sets"][used]):
        node = read_expression(symbol, scope)
        meanings = [scope.meanings.get(Key(index.name)) for index in node.args]
        sizes = [meaning.size for meaning in meanings if isinstance(meaning, Index)]
        if node.op == "symbol" and sizes and len(sizes) == len(node.args):
            yield node.name, tuple(sizes)
