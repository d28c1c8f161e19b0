"""The table of guards is up to date; `make guards` removes each and sees its test fail."""

from pathlib import Path

import pytest

from tools.guards import guards

TOP = Path(__file__).parents[1]


@pytest.mark.parametrize("guard", guards(), ids=lambda guard: guard.test.partition("::")[2])
def test_guard_and_its_test_exist(guard):
    text = (TOP / "hwlib" / f"{guard.module}.py").read_text(encoding="utf-8")
    assert text.count(guard.guard) == 1
    assert guard.without != guard.guard
    file, _, name = guard.test.partition("::")
    assert f"\ndef {name}(" in (TOP / "tests" / file).read_text(encoding="utf-8")
