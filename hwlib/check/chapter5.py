"""Checks of chapter 5: the network, an epoch of training, the evaluation, and one prediction.

Those of the optimisers stand in `hwlib.check.comparison`.
"""

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hwlib import evaluate as reference
from hwlib import train
from hwlib.check import mistakes_torch
from hwlib.check.comparison import compare_optimizers, optimizers
from hwlib.check.engine import Mistakes, call, examine, task
from hwlib.check.models import built, check_gradients, check_two_hidden_layers, logits
from hwlib.check.small import LENGTHS, batches, images, small_model, weights_of
from hwlib.check.texts import TEXTS, fault
from hwlib.check.values import Parts, as_array, describe, several
from hwlib.models import count_parameters

__all__ = ["compare_optimizers", "evaluate", "mlp", "optimizers", "predict_image", "train_epoch"]
Answer = Callable[..., Any]

# The first optimiser makes PyTorch load its compiler, which takes seconds: here, once, and not in
# each copy of a process in which a hand-in's answer is checked.
torch.optim.SGD([torch.zeros(1)], lr=1.0)


@task
def mlp(answer: Answer) -> Iterator[str]:
    """Check ``my_mlp()``: two hidden layers of 100 ReLU units, a linear output of ten logits."""
    model = yield from built(answer)
    yield "input: no arguments"
    count = count_parameters(model)
    if count != 89_610:
        hint = TEXTS["layers"].get(str(count), "")
        raise fault("another network", f"{count:,} parameters", hint=hint)
    yield from check_gradients(model)
    yield "value"
    yield "input: 16 images"
    check_two_hidden_layers(model)
    yield "extreme inputs"
    yield "input: one image (1, 1, 28, 28) of float32"
    logits(model, images(1))


def _watched(run: Answer) -> Answer:
    """The same run from one random state; it returns what it is given and the model afterwards."""

    def watched(model: nn.Module, *args: Any) -> Any:
        torch.manual_seed(0)
        value = run(model, *args)
        return None if value is None else (value, model)

    return watched


def _all_watched(mistakes: Mistakes) -> Mistakes:
    return {name: _watched(wrong) for name, wrong in mistakes.items()}


MAKERS: tuple[tuple[tuple[int, ...], Answer], ...] = (
    (LENGTHS, lambda p: torch.optim.SGD(p, lr=0.3)),
    ((9, 9, 9, 4), lambda p: torch.optim.SGD(p, lr=0.05, momentum=0.9)),
    ((15, 2), lambda p: torch.optim.Adam(p, lr=0.01)),
)


def _trained(watched: Any) -> Parts:
    loss, model = watched
    if isinstance(loss, Tensor) and loss.requires_grad:
        raise fault("loss not detached", describe(loss))
    return {
        "the weights afterwards": weights_of(model),
        "the loss": as_array(loss, "the loss"),
        "the share of batches in training mode": np.array(model[0].trained_share()),
    }


@task
def train_epoch(answer: Answer) -> Iterator[str]:
    """Check ``my_train_epoch(model, batches, optimizer)``: one step a batch, mean loss an image."""
    for lengths, make in MAKERS:
        model = small_model().eval()
        optimizer = make(model.parameters())
        yield f"input: batches of {lengths} images, {type(optimizer).__name__}"
        yield from examine(
            _watched(answer),
            _watched(train.train_epoch),
            _trained,
            (model, batches(lengths), optimizer),
            mistakes=_all_watched(mistakes_torch.EPOCHS),
            sizes=[lengths[0], sum(lengths), len(lengths)],
            rtol=1e-3,
            hint="epoch",
        )


def _pair(watched: Any, *names: str) -> tuple[Any, ...]:
    """The first two results of a watched answer, which may be a named tuple with more of them."""
    result, _ = watched
    return several(result[:2] if isinstance(result, tuple) else result, *names)


def _evaluation(model: nn.Module, data: Any) -> tuple[float, float]:
    found = reference.evaluate(model, data)
    return found.loss, found.accuracy


def _evaluated(watched: Any) -> Parts:
    loss, accuracy = _pair(watched, "the mean loss", "the share of right answers")
    return {
        "the loss": as_array(loss, "the loss"),
        "the accuracy": as_array(accuracy, "the accuracy"),
    }


@task
def evaluate(answer: Answer) -> Iterator[str]:
    """Check ``my_evaluate(model, batches) -> (loss, accuracy)``, mean per image and share of 1."""
    for lengths in (LENGTHS, (9, 9, 9, 4)):
        model = small_model(dropout=0.5).train()
        # Labels that the model often gets right, so that the accuracy is no round number.
        data = batches(lengths, small_model())
        yield f"input: batches of {lengths} images"
        yield from examine(
            _watched(answer),
            _watched(_evaluation),
            _evaluated,
            (model, data),
            mistakes=_all_watched(mistakes_torch.EVALUATIONS),
            sizes=[sum(lengths), len(lengths), 100],
            rtol=1e-3,
        )
    yield "gradient"
    model = small_model()
    before = weights_of(model)
    call(answer, model, data, changes=True)
    if not np.array_equal(before, weights_of(model)):
        raise fault("trains while evaluating")
    if any(p.grad is not None for p in model.parameters()):
        raise fault("backward while evaluating")
    if any(model.get_submodule("0").grad_modes):  # type: ignore[arg-type]
        yield "note: it records gradients that nobody needs; torch.no_grad() saves memory and time."


def _predicted(watched: Any) -> Parts:
    label, confidence = _pair(watched, "the class", "the confidence in percent")
    if isinstance(label, str):
        raise fault("name for number", repr(label))
    return {
        "the class": as_array(label, "the class"),
        "the confidence": as_array(confidence, "the confidence"),
    }


@task
def predict_image(answer: Answer) -> Iterator[str]:
    """Check ``my_predict_image(model, image) -> (label, confidence in percent)``."""
    yield "input: a model and one image (1, 28, 28)"
    for seed in (3, 4, 5):
        model, image = small_model(dropout=0.5, seed=seed).train(), images(1, seed)[0]
        right = mistakes_torch.prediction(model.eval(), image)
        yield from examine(
            _watched(answer),
            _watched(mistakes_torch.prediction),
            _predicted,
            (model.train(), image),
            mistakes=_all_watched(mistakes_torch.PREDICTIONS),
            rtol=0.051 / right[1],  # a tenth of a percent is enough
        )
