"""Checks of chapter 5: the network, an epoch of training, the evaluation, and one prediction.

Those of the optimisers stand in `hwlib.check.comparison`.
"""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from hwlib import evaluate as reference
from hwlib import train
from hwlib.check import mistakes5
from hwlib.check.comparison import compare_optimizers, optimizers
from hwlib.check.engine import (
    Known,
    Parts,
    as_array,
    call,
    compare,
    describe,
    evaluate_known,
    near,
    pair,
    task,
)
from hwlib.check.models import (
    batches,
    build,
    check_gradients,
    check_logits,
    images,
    logits,
    optimizer_of,
    small_model,
    weights_of,
)
from hwlib.check.outcome import Fault
from hwlib.models import count_parameters

__all__ = ["compare_optimizers", "evaluate", "mlp", "optimizers", "predict_image", "train_epoch"]

LAYERS = {
    405_044: "That is the network of chapter 7, with hidden layers of 392, 196 and 98 units. What "
    "does the task say?",
    79_510: "One hidden layer of 100 units has this number; the task asks for two.",
    89_400: "Weights without biases have this number.",
    99_710: "Three hidden layers of 100 units have this number; the output layer comes after two.",
    7_850: "That is a single layer from the pixels to the logits.",
    11_110: "The first layer's parameters are missing: do layers stand in a plain list? Then the "
    "module does not know them; nn.ModuleList and nn.Sequential do.",
    0: "The module knows of no parameter. Layers in a plain list are not found, and those of "
    "nn.functional hold none.",
}


GIVEN = "three batches of 20, 20 and 8 images"


@task
def mlp(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_mlp()``: two hidden layers of 100 ReLU units, a linear output of ten logits."""
    yield "shape and dtype"
    model = build(answer)
    logits(model, images(3))
    yield "value"
    count = count_parameters(model)
    check_logits(model)
    if count != 89_610:
        raise Fault(
            "has another size than the network of the task",
            given="no arguments",
            got=f"{count:,} parameters",
            expected="89,610 parameters",
            hint=LAYERS.get(count, "Count layer by layer: (inputs + 1) times units."),
            mistake="another network",
        )
    yield "gradient"
    check_gradients(model)
    yield "value"
    _check_function(model)
    yield "extreme inputs"
    logits(model, images(1))


@torch.no_grad()
def _check_function(model: nn.Module) -> None:
    """Compare with three linear maps and two ReLUs, of the model's own weights in their order."""
    weights = [p for p in model.parameters() if p.ndim == 2]
    biases = [p for p in model.parameters() if p.ndim == 1]
    if [tuple(w.shape) for w in weights] != [(100, 784), (100, 100), (10, 100)] or len(biases) != 3:
        return
    x, copied = images(16), copy.deepcopy(model)
    for p in copied.parameters():
        p.copy_(torch.randn(p.shape, generator=torch.Generator().manual_seed(p.numel())) / 8)
    pairs = list(
        zip(*([p for p in copied.parameters() if p.ndim == d] for d in (2, 1)), strict=True)
    )
    z = x.flatten(1)
    for weight, bias in pairs[:-1]:
        z = torch.relu(F.linear(z, weight, bias))
    z = F.linear(z, *pairs[-1])
    for mode, hint in (
        (
            False,
            "The hidden units of both layers are rectified linear units, max(0, z), and the "
            "output is linear: is another activation used, or one left out?",
        ),
        (
            True,
            "In training mode the model does something else: the task asks for no dropout and "
            "no normalisation.",
        ),
    ):
        if not torch.allclose(copied.train(mode)(x), z, rtol=1e-3, atol=1e-3):
            raise Fault(
                "computes another function than the network of the task",
                given=f"16 images, {'training' if mode else 'evaluation'} mode",
                got="other logits",
                expected="those of two hidden layers of ReLU units and a linear output",
                hint=hint,
                mistake="dropout or normalisation" if mode else "another activation",
            )


@task
def train_epoch(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_train_epoch(model, batches, optimizer)``: one step a batch, mean loss an image."""
    yield "shape and dtype"
    model, training = small_model().eval(), []
    before = weights_of(model)
    hook = model.register_forward_pre_hook(lambda m, _: training.append(m.training))
    value = call(answer, model, batches(), optimizer_of(model), given=GIVEN, changes=True)
    hook.remove()
    if isinstance(value, Tensor) and value.requires_grad:
        raise Fault(
            "returns a loss that is still tied to the network",
            given=GIVEN,
            got=describe(value),
            expected="a plain number",
            hint="It keeps every intermediate result of the epoch in memory. `item()` takes the "
            "number out of a tensor.",
            mistake="loss not detached",
        )
    got = as_array(value, "the loss", (), given=GIVEN)
    yield "value"
    right_model = small_model()
    right = train.train_epoch(right_model, batches(), optimizer_of(right_model))
    found = _epochs()
    _trained(before, weights_of(model), weights_of(right_model), found)
    known = {k.name: (k.hint, {"the loss": np.array(loss)}) for k, loss, _ in found}
    sizes = [("20", 20), ("48", 48), ("3", 3)]
    expected = {"the loss": np.array(right)}
    compare({"the loss": got}, expected, given=GIVEN, known=known, sizes=sizes, rtol=1e-3)
    if not all(training):
        raise Fault(
            "trains the model in evaluation mode",
            given="a model that came in evaluation mode",
            got="model.training is False while the images pass",
            expected="True",
            hint="Dropout and batch normalisation behave differently while training: which call "
            "switches, and when?",
            mistake="train mode missing",
        )


def _epochs() -> list[tuple[Known, float, np.ndarray]]:
    """Each known mistake with its loss and its final weights."""
    found = []
    for entry in mistakes5.EPOCHS:
        model = small_model()
        loss = entry.function(model, batches(), optimizer_of(model))
        found.append((entry, loss, weights_of(model)))
    return found


def _trained(
    before: np.ndarray,
    got: np.ndarray,
    right: np.ndarray,
    found: list[tuple[Known, float, np.ndarray]],
) -> None:
    """Raise a fault unless the weights after the epoch are the right ones."""
    if near(got, right, 1e-3):
        return
    if np.array_equal(got, before):
        raise Fault(
            "does not change the model",
            given=GIVEN,
            got="the same weights as before",
            expected="three steps of the optimiser",
            hint="The four calls of a step belong in one order. Is one missing, or are the "
            "gradients cleared between backward and step?",
            mistake="no step",
        )
    for entry, _, weights in found:
        if near(got, weights, 1e-3) and not near(weights, right, 1e-3):
            mistake, text = entry.name, entry.hint
            break
    else:
        mistake, text = (
            "",
            (
                "Write the calls of one step in a row and say for each what it does to the "
                "gradients and to the weights."
            ),
        )
    worst = int(np.argmax(np.abs(got - right)))
    raise Fault(
        "leaves the model with the wrong weights",
        given=f"{GIVEN}, SGD with rate 0.3",
        got=f"a weight that is {got[worst]:.4g}",
        expected=f"{right[worst]:.4g}",
        hint=text,
        mistake=mistake,
    )


@task
def evaluate(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_evaluate(model, batches) -> (loss, accuracy)``, mean per image and share of 1."""
    yield "shape and dtype"
    model, data = small_model(dropout=0.5).train(), batches()
    # Labels that the model often gets right, so that the accuracy is no round number.
    with torch.no_grad():
        still = copy.deepcopy(model).eval()
        data[:] = [
            (x, torch.where(torch.arange(len(x)) % 3 > 0, still(x).argmax(1), y)) for x, y in data
        ]
    before, recording = weights_of(model), []
    hook = model.register_forward_hook(lambda *_: recording.append(torch.is_grad_enabled()))
    value = call(answer, model, data, given=GIVEN, changes=True)
    hook.remove()
    loss, accuracy = pair(
        tuple(value)[:2] if isinstance(value, tuple) else value,
        GIVEN,
        "the mean loss, and the share of right answers",
    )
    got: Parts = {
        "the loss": as_array(loss, "the loss", (), given=GIVEN),
        "the accuracy": as_array(accuracy, "the accuracy", (), given=GIVEN),
    }
    yield "value"
    if not np.array_equal(before, weights_of(model)):
        raise Fault(
            "changes the model",
            given=GIVEN,
            got="other weights than before",
            expected="the same weights",
            mistake="trains while evaluating",
            hint="An evaluation only looks. No optimiser takes part in it.",
        )
    right = reference.evaluate(model.eval(), data)
    known = {
        entry.name: (entry.hint, _pair(entry.function(model, data)))
        for entry in mistakes5.EVALUATIONS
    }
    expected = _pair((right.loss, right.accuracy))
    try:
        compare(
            got,
            expected,
            given=GIVEN,
            known=known,
            rtol=1e-3,
            sizes=[("48", 48), ("3", 3), ("100", 100)],
        )
    except Fault as fault:
        if not fault.details["mistake"]:
            _dropped_out(answer, fault)
        raise
    if any(recording):
        yield "note: it records gradients that nobody needs; torch.no_grad() saves memory and time."
    yield "gradient"
    if any(p.grad is not None for p in model.parameters()):
        raise Fault(
            "computes gradients",
            given=GIVEN,
            got="parameters with a gradient",
            expected="none",
            hint="Nothing is trained here: no backward.",
            mistake="backward while evaluating",
        )


def _pair(value: tuple[float, float]) -> Parts:
    return {"the loss": np.array(value[0]), "the accuracy": np.array(value[1])}


def _dropped_out(answer: Callable[..., Any], fault: Fault) -> None:
    """Raise a better fault if the answer is right for a model without dropout."""
    model, data = small_model(), batches()
    right = reference.evaluate(model, data)
    value = call(answer, model, data, given=GIVEN, changes=True)
    if all(math.isclose(float(a), b, rel_tol=1e-3) for a, b in zip(value, right[:2], strict=False)):
        details = fault.details | {
            "given": f"{GIVEN}, a model with dropout in training mode",
            "hint": "Without dropout your result is right. Which call switches dropout off?",
            "mistake": "eval mode missing",
        }
        raise Fault(**details) from None


def _confidence(model: nn.Module, image: Tensor) -> tuple[int, float]:
    with torch.no_grad():
        p = torch.softmax(model.eval()(image[None])[0].double(), dim=0)
    return int(p.argmax()), 100 * float(p.max())


@task
def predict_image(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_predict_image(model, image) -> (label, confidence in percent)``."""
    given = "a model and one image (1, 28, 28)"

    def read(value: Any) -> Parts:
        value = tuple(value)[:2] if isinstance(value, tuple) else value
        label, confidence = pair(value, given, "the class, and the confidence in percent")
        if isinstance(label, str):
            raise Fault(
                "returns the name of the class",
                given=given,
                got=repr(label),
                expected="its number, 0 to 9",
                hint="Names are for people; return the number.",
                mistake="name for number",
            )
        return {
            "the class": as_array(label, "the class", (), given=given),
            "the confidence": as_array(confidence, "the confidence", (), given=given),
        }

    yield "shape and dtype"
    for x, _ in batches():
        model, image = small_model(dropout=0.5).train(), x[0]
        got = read(call(answer, model, image, given=given, changes=True))
        yield "value"
        right = read(_confidence(model, image))
        known = evaluate_known(mistakes5.PREDICTIONS, read, model, image)
        try:
            compare(got, right, given=given, known=known, rtol=1e-3)
        except Fault as fault:
            still = small_model()
            value = read(call(answer, still, image, given=given, changes=True))
            if all(
                near(value[part], r, 1e-3) for part, r in read(_confidence(still, image)).items()
            ):
                fault.details["hint"] = (
                    "The model came in training mode and has dropout: which call switches it off?"
                )
                fault.details["mistake"] = "eval mode missing"
            raise
