"""Answers that slipped once, wrong ones that passed and right ones that failed; and every hint.

The answers stand in `slipped.txt` as students write them, each under a line with its task, W for
wrong or R for right, and what is special about it.
"""

import copy
import math
import re
from importlib import import_module
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

import hwlib.evaluate
import hwlib.gradcheck
import hwlib.train
from hwlib import check
from hwlib.check.mistakes_torch import confused
from hwlib.check.texts import TEXTS, fault, hint_for

NAMES = {"np": np, "torch": torch, "nn": nn, "F": F, "math": math, "copy": copy, "hwlib": hwlib}
BLOCKS = re.split(r"(?m)^### ", (Path(__file__).parent / "slipped.txt").read_text("utf-8"))[1:]
CASES = [(*re.split(r" \| ", head), code) for head, _, code in (b.partition("\n") for b in BLOCKS)]

RAGGED = [[1.0], [1.0, 2.0]]


@pytest.mark.parametrize(
    ("task", "kind", "code"), [(t, k, c) for t, k, _, c in CASES], ids=[c[2] for c in CASES]
)
def test_what_slipped_once_does_not_slip_again(task, kind, code):
    names = dict(NAMES)
    exec(code, names)
    result = getattr(check, task)(names[f"my_{task}"])
    assert bool(result) == (kind == "R"), repr(result)
    assert result or result.hint


def known_mistakes():
    """Each known mistake with its task."""
    modules = ("mistakes_numpy", "mistakes_torch")
    for module in (*modules, *(f"chapter{n}" for n in (3, 4, 6, 7))):
        tables = vars(import_module(f"hwlib.check.{module}")).values()
        for table in (table for table in tables if isinstance(table, dict)):
            for task, hints in TEXTS["known"].items():
                if hints.keys() == table.keys():
                    yield from ((task, mistake, wrong) for mistake, wrong in table.items())


KNOWN = list(known_mistakes())


@pytest.mark.parametrize(("task", "mistake", "wrong"), KNOWN, ids=[f"{t}-{m}" for t, m, _ in KNOWN])
def test_each_known_mistake_gets_its_own_hint(task, mistake, wrong):
    result = getattr(check, task)(wrong)
    expected = (mistake, TEXTS["known"][task][mistake])
    assert (result.mistake, result.hint) == expected, repr(result)


def test_every_hint_for_a_mistake_has_a_function_that_makes_it():
    assert {task for task, *_ in KNOWN} == TEXTS["known"].keys() - {"optimizers"}
    names = [confused(name).keys() for name in hwlib.train.OPTIMIZERS]
    assert set().union(*names) == TEXTS["known"]["optimizers"].keys()


@pytest.mark.parametrize("name", hwlib.train.OPTIMIZERS)
def test_each_optimiser_taken_for_another_gets_its_own_hint(name):
    for mistake, make in confused(name).items():
        table = {**hwlib.train.OPTIMIZERS, name: make}
        result = check.optimizers(lambda table=table: table)
        assert (result.mistake, result.hint) == (mistake, TEXTS["known"]["optimizers"][mistake])


def test_every_text_is_used_and_every_name_has_a_text():
    folder = Path(check.__file__).parent
    code = "".join(path.read_text("utf-8") for path in sorted(folder.glob("*.py")))
    unused = [n for n in (*TEXTS["faults"], *TEXTS["hints"]) if f'"{n}"' not in code]
    assert set(unused) <= {"z1", "z2", "yhat"}  # looked up by the name of the array
    for name in re.findall(r'fault\(\s*"([^"]+)"', code):
        assert name in TEXTS["faults"]
    for text in (t for entry in TEXTS["faults"].values() for t in entry.values()):
        assert "@" not in text
        assert ".T" not in text


def test_texts_are_filled_in_and_exceptions_told_apart():
    found = fault("shape", "shape (2,)", name="z1", shape=(3, 4)).details
    assert (found["sentence"], found["expected"]) == (
        "returns z1 in the wrong shape",
        "shape (3, 4)",
    )
    assert "calls itself" in hint_for(RecursionError("maximum recursion depth exceeded"))
    assert hint_for(KeyboardInterrupt()) == TEXTS["raises"][-1]["hint"]


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("predict", lambda *_: 3 * [RAGGED]),
        ("gradient_descent", lambda *args: (args[2], RAGGED)),
        ("split_validation", lambda *_: (RAGGED, RAGGED)),
        ("test_points", lambda: (RAGGED, RAGGED)),
    ],
)
def test_rows_of_different_lengths_are_a_fault_of_the_answer(task, answer):
    result = getattr(check, task)(answer)
    assert result.failed == "shape and dtype"
    assert result.hint


def test_global_state_that_an_answer_changes_is_put_back():
    def careless(*_):
        torch.set_default_dtype(torch.float64)
        torch.set_grad_enabled(False)
        torch.manual_seed(7)
        np.seterr(all="raise")
        raise ValueError

    before = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled(), np.geterr()
    assert not check.train_epoch(careless)
    after = torch.get_rng_state(), torch.get_default_dtype(), torch.is_grad_enabled(), np.geterr()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]
