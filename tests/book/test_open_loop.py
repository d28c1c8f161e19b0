"""What chapters 4 and 5 show in the open is what the package does, to the last bit."""

import re
from functools import partial
from pathlib import Path
from typing import Any

import jupytext
import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, Dataset

from hwlib.batches import Batches, to_tensors
from hwlib.data import CLASS_NAMES
from hwlib.evaluate import evaluate, predict_image
from hwlib.models import MLP, seeded_model
from hwlib.stand_in import draw_stand_in
from hwlib.train import OPTIMIZERS, train_epoch

BOOK = Path(__file__).parents[2] / "book"
SHOWN = {"train", "test", "predict", "plot"}


def shown(chapter: str, line: str = "", wrong: str = "") -> dict[str, Any]:
    """Run the definitions that a chapter shows in the open, one ``line`` of them made ``wrong``."""
    names: dict[str, Any] = {"torch": torch, "F": F, "nn": nn, "Dataset": Dataset}
    names["CLASS_NAMES"] = CLASS_NAMES
    cells = jupytext.read(BOOK / f"{chapter}.md").cells
    source = "\n".join(c.source for c in cells if "in-the-open" in c.metadata.get("tags", []))
    assert line in source
    for block in re.findall(r"^(?:class|def) .*(?:\n(?:[ ].*)?)*", source, re.M):
        exec(block.replace(line, wrong) if line else block, names)
    return names


@pytest.fixture(scope="module")
def data() -> tuple[np.ndarray, np.ndarray]:
    return draw_stand_in(100, seed=0)


def trained(loop: Any, make: Any, optimizer: str, x: Any, y: Any) -> tuple[nn.Module, list[float]]:
    """Three epochs of one loop, the last batch smaller than the others."""
    model = seeded_model(make, 0)
    stepper = OPTIMIZERS[optimizer](model.parameters())
    batches = Batches(x, y, 32, generator=torch.Generator().manual_seed(0))
    return model, [loop(model, batches, stepper) for _ in range(3)]


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
def test_the_loop_in_the_open_and_the_package_agree_to_the_last_bit(
    data: Any, optimizer: str
) -> None:
    x, y = to_tensors(*data)
    open_ = shown("05_mlp_optimisers")
    ours, our_losses = trained(train_epoch, MLP, optimizer, x, y)
    theirs, their_losses = trained(open_["train"], open_["Perceptron"], optimizer, x, y)
    assert our_losses == their_losses
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        assert torch.equal(a, b)
    batches = Batches(x, y, 32)
    loss, accuracy = open_["test"](theirs, batches)
    assert accuracy == evaluate(ours, batches).accuracy
    assert loss == pytest.approx(evaluate(ours, batches).loss, rel=1e-5)  # float32 there, 64 here
    name, confidence = open_["predict"](theirs, x[0])
    assert name == predict_image(ours, x[0]).name
    assert confidence == pytest.approx(100 * predict_image(ours, x[0]).confidence, rel=1e-5)


@pytest.mark.parametrize(
    ("line", "wrong"),
    [
        ("optimizer.zero_grad()", "pass"),
        ("optimizer.step()", "pass"),
        ("model.train()", "model.eval()"),
        (" * len(labels)", " * 32"),
    ],
)
def test_each_line_of_the_loop_counts(data: Any, line: str, wrong: str) -> None:
    x, y = to_tensors(*data)
    loop = shown("05_mlp_optimisers", line, wrong)["train"]

    def with_dropout() -> nn.Module:
        return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))

    with torch.random.fork_rng():
        torch.manual_seed(1)
        right = trained(train_epoch, with_dropout, "Adam 0.01", x, y)
        torch.manual_seed(1)
        other = trained(loop, with_dropout, "Adam 0.01", x, y)
    assert right[1] != other[1]


def test_the_data_set_in_the_open_gives_the_batches_of_the_package(data: Any) -> None:
    garments = shown("04_fashion_mnist")["Garments"](*data)
    loader, memory = DataLoader(garments, batch_size=32), Batches(*to_tensors(*data), 32)
    assert len(loader) == len(memory)
    for (a, b), (c, d) in zip(loader, memory, strict=True):
        assert torch.equal(a, c)
        assert torch.equal(b, d)


def test_the_four_functions_of_the_homework_are_in_the_contents() -> None:
    headings = re.findall(r"^### (\w+):", (BOOK / "05_mlp_optimisers.md").read_text("utf-8"), re.M)
    assert set(headings) >= SHOWN


def solution(name: str) -> Any:
    """Run the solution of chapter 5 that defines ``name``, which its notebook does not execute."""
    source = (BOOK / "05_mlp_optimisers.md").read_text("utf-8")
    block = re.search(rf"^```python\n(def {name}.*?)^```", source, re.M | re.S)
    assert block
    names: dict[str, Any] = {"np": np, "F": F}
    exec(block[1], names)
    return names[name]


def test_a_batch_in_parts_makes_the_steps_of_the_whole_batch(data: Any) -> None:
    x, y = to_tensors(*data)
    whole, losses = trained(train_epoch, MLP, "SGD 0.01", x, y)
    in_parts = partial(solution("train_in_parts"), part=7)
    parts, other_losses = trained(in_parts, MLP, "SGD 0.01", x, y)
    np.testing.assert_allclose(other_losses, losses, rtol=1e-5)
    for a, b in zip(whole.parameters(), parts.parameters(), strict=True):
        np.testing.assert_allclose(a.detach(), b.detach(), atol=1e-6)


def test_the_adam_of_the_solution_takes_the_steps_of_pytorch() -> None:
    adam_steps = solution("adam_steps")
    rng = np.random.default_rng(0)
    gradients = [rng.normal(size=4) * 10.0 ** rng.integers(-6, 3, 4) for _ in range(50)]
    place = torch.nn.Parameter(torch.zeros(4, dtype=torch.float64))
    adam, moved = torch.optim.Adam([place], lr=0.01), np.zeros(4)
    for gradient, step in zip(gradients, adam_steps(gradients, 0.01), strict=True):
        place.grad = torch.from_numpy(gradient)
        adam.step()
        moved -= step
        np.testing.assert_allclose(place.detach(), moved, rtol=1e-10)
