"""What the checks say, read from `texts.toml`: every sentence and every hint stands there."""

import tomllib
from importlib.resources import files
from typing import Any

TEXTS: dict[str, Any] = tomllib.loads(
    files("hwlib.check").joinpath("texts.toml").read_text(encoding="utf-8")
)
HINTS: dict[str, str] = TEXTS["hints"]


class Fault(Exception):
    """The first thing that is wrong with an answer, in the texts of a `Result`."""

    def __init__(self, sentence: str, **texts: str) -> None:
        super().__init__(sentence)
        self.details: dict[str, Any] = {"sentence": sentence, "mistake": "", "hint": "", **texts}


def fault(
    name: str, got: str = "", /, *, given: str = "", hint: str = "", **words: object
) -> Fault:
    """Return the fault of this name, a table in `texts.toml`, filled in with ``words``.

    The name is that of the mistake, too, unless the table says another one. ``got`` is what came,
    ``given`` the input that shows it, where it is not the last that the check named; a ``hint``
    replaces that of the table.
    """
    texts = {key: text.format(**words) for key, text in TEXTS["faults"][name].items()}
    own = {key: text for key, text in (("given", given), ("hint", hint)) if text}
    return Fault(**{"mistake": name} | texts | {"got": got} | own)


def hint_for(error: BaseException) -> str:
    """Return the hint for what an answer raised: the first entry under ``raises`` that fits."""
    names = {kind.__name__ for kind in type(error).__mro__}
    return next(  # the last entry fits every exception
        str(entry["hint"])
        for entry in TEXTS["raises"]
        if entry["type"] in names and any(part in str(error) for part in entry["text"])
    )
