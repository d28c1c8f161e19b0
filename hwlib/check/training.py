"""Checks of chapter 5: an epoch of training, the evaluation, and one prediction."""

import copy
import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hwlib import evaluate as reference
from hwlib import train
from hwlib.check.engine import Known, Parts, as_array, call, compare, describe, near, task
from hwlib.check.outcome import Fault
from hwlib.check.tensors import two
from hwlib.check.wrong_training import Batch, wrong_epochs, wrong_evaluations

LENGTHS = (20, 20, 8)  # the last batch is smaller, as it is when 60,000 is not a multiple


def small_model(dropout: float = 0.0) -> nn.Module:
    """A small classifier with fixed weights, images (B, 1, 28, 28) to logits (B, 10)."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(3)
        model = nn.Sequential(nn.Flatten(), nn.Linear(784, 8), nn.ReLU(), nn.Dropout(dropout),
                              nn.Linear(8, 10))  # fmt: skip
        with torch.no_grad():
            model.get_parameter("4.weight").mul_(
                6
            )  # logits of some size, so that a softmax too many is seen
    return model


def batches() -> list[Batch]:
    """Three batches of random images, the last one smaller."""
    generator = torch.Generator().manual_seed(4)
    return [
        (torch.rand((n, 1, 28, 28), generator=generator),
         torch.randint(10, (n,), generator=generator))
        for n in LENGTHS
    ]  # fmt: skip


def optimizer_of(model: nn.Module) -> torch.optim.Optimizer:
    """SGD with a large step, so that every fault shows."""
    return torch.optim.SGD(model.parameters(), lr=0.3)


def weights_of(model: nn.Module) -> np.ndarray:
    """All parameters of a model as one float64 vector."""
    return torch.cat([p.detach().flatten() for p in model.parameters()]).double().numpy()


GIVEN = "three batches of 20, 20 and 8 images"


@task
def train_epoch(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_train_epoch(model, batches, optimizer)``: one step a batch, mean loss an image."""
    yield "shape and dtype"
    model = small_model().eval()
    before = weights_of(model)
    value = call(answer, model, batches(), optimizer_of(model), given=GIVEN, changes=True)
    if isinstance(value, Tensor) and value.requires_grad:
        raise Fault("returns a loss that is still tied to the network", given=GIVEN,
                    got=describe(value), expected="a plain number",
                    hint="It keeps every intermediate result of the epoch in memory. `item()` "
                    "takes the number out of a tensor.", mistake="loss not detached")  # fmt: skip
    got = as_array(value, "the loss", (), given=GIVEN)
    yield "value"
    right_model = small_model()
    right = train.train_epoch(right_model, batches(), optimizer_of(right_model))
    _trained(before, weights_of(model), weights_of(right_model))
    known = {
        n: (h, {"the loss": np.array(loss)}) for n, h, loss, _ in _epochs() if loss is not None
    }
    compare({"the loss": got}, {"the loss": np.array(right)}, given=GIVEN, known=known,
            sizes=[("20", 20), ("48", 48), ("3", 3)], rtol=1e-3)  # fmt: skip
    if not model.training:
        raise Fault("leaves the model in evaluation mode", given="a model that came in evaluation "
                    "mode", got="model.training is False", expected="True",
                    hint="Dropout and batch normalisation behave differently while training: which "
                    "call switches?", mistake="train mode missing")  # fmt: skip


def _epochs() -> list[tuple[str, str, float | None, np.ndarray]]:
    """Name, hint, loss and final weights of each known mistake."""
    found = []
    for entry in wrong_epochs():
        model = small_model()
        loss = entry.function(model, batches(), optimizer_of(model))
        found.append((entry.name, entry.hint, loss, weights_of(model)))
    return found


def _trained(before: np.ndarray, got: np.ndarray, right: np.ndarray) -> None:
    """Raise a fault unless the weights after the epoch are the right ones."""
    if near(got, right, 1e-3):
        return
    if np.array_equal(got, before):
        raise Fault("does not change the model", given=GIVEN, got="the same weights as before",
                    expected="three steps of the optimiser",
                    hint="The four calls of a step belong in one order. Is one missing, or are the "
                    "gradients cleared between backward and step?", mistake="no step")  # fmt: skip
    for name, hint, _, weights in _epochs():
        if near(got, weights, 1e-3) and not near(weights, right, 1e-3):
            mistake, text = name, hint
            break
    else:
        mistake, text = "", ("Write the calls of one step in a row and say for each what it "
                             "does to "
                             "the gradients and to the weights.")  # fmt: skip
    worst = int(np.argmax(np.abs(got - right)))
    raise Fault("leaves the model with the wrong weights", given=f"{GIVEN}, SGD with rate 0.3",
                got=f"a weight that is {got[worst]:.4g}", expected=f"{right[worst]:.4g}", hint=text,
                mistake=mistake)  # fmt: skip


@task
def evaluate(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_evaluate(model, batches) -> (loss, accuracy)``, mean per image and share of 1."""
    yield "shape and dtype"
    model, data = small_model(dropout=0.5).train(), batches()
    # Labels that the model often gets right, so that the accuracy is no round number.
    with torch.no_grad():
        still = copy.deepcopy(model).eval()
        data = [
            (x, torch.where(torch.arange(len(x)) % 3 > 0, still(x).argmax(1), y)) for x, y in data
        ]
    before, recording = weights_of(model), []
    hook = model.register_forward_hook(lambda *_: recording.append(torch.is_grad_enabled()))
    value = call(answer, model, data, given=GIVEN, changes=True)
    hook.remove()
    loss, accuracy = two(tuple(value)[:2] if isinstance(value, tuple) else value, GIVEN,
                         "the mean loss, and the share of right answers")  # fmt: skip
    got: Parts = {"the loss": as_array(loss, "the loss", (), given=GIVEN),
                  "the accuracy": as_array(accuracy, "the accuracy", (), given=GIVEN)}  # fmt: skip
    yield "value"
    if not np.array_equal(before, weights_of(model)):
        raise Fault("changes the model", given=GIVEN, got="other weights than before",
                    expected="the same weights", mistake="trains while evaluating",
                    hint="An evaluation only looks. No optimiser takes part in it.")  # fmt: skip
    right = reference.evaluate(model.eval(), data)
    known = {entry.name: (entry.hint, _pair(entry.function(model, data)))
             for entry in wrong_evaluations()}  # fmt: skip
    expected = _pair((right.loss, right.accuracy))
    try:
        compare(got, expected, given=GIVEN, known=known, rtol=1e-3,
                sizes=[("48", 48), ("3", 3), ("100", 100)])  # fmt: skip
    except Fault as fault:
        if not fault.details["mistake"]:
            _dropped_out(answer, fault)
        raise
    if any(recording):
        yield "note: it records gradients that nobody needs; torch.no_grad() saves memory and time."
    yield "gradient"
    if any(p.grad is not None for p in model.parameters()):
        raise Fault("computes gradients", given=GIVEN, got="parameters with a gradient",
                    expected="none", hint="Nothing is trained here: no backward.",
                    mistake="backward while evaluating")  # fmt: skip


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


def wrong_predictions(z: Tensor) -> list[Known]:
    """Typical wrong confidences from the logits z (10,)."""
    p = torch.softmax(z, dim=0)
    top = int(z.argmax())
    values = [
        ("share for percent", "That is a share of 1; asked for is percent.", float(p[top])),
        ("logit for probability", "That is the logit, which can be any number. What turns ten "
                                  "logits "
         "into ten probabilities?", float(z[top])),
        ("logit in percent", "That is a hundred times the logit. What turns ten logits into ten "
         "probabilities?", 100 * float(z[top])),
        ("sigmoid for softmax", "A sigmoid looks at one logit only; ten of them do not sum to 1.",
         100 * float(torch.sigmoid(z[top]))),
        ("softmax over the batch", "The confidence is 100 % whatever the image: over which "
                                   "dimension "
         "is the softmax taken?", 100.0),
        ("log-probability", "That is the logarithm of a probability.", float(p[top].log())),
        ("not normalised", "The exponentials are not yet divided by their sum.",
         100 * float(z[top].exp())),
        ("least probable class", "That is the confidence in another class than the predicted one.",
         100 * float(p.min())),
    ]  # fmt: skip
    return [Known(name, hint, lambda v=v: v) for name, hint, v in values]


@task
def predict_image(answer: Callable[..., Any]) -> Iterator[str]:
    """Check ``my_predict_image(model, image) -> (label, confidence in percent)``."""
    given = "a model and one image (1, 28, 28)"
    yield "shape and dtype"
    for number, (x, _) in enumerate(batches()):
        model, image = small_model(dropout=0.5).train(), x[0]
        value = call(answer, model, image, given=given, changes=True)
        label, confidence = two(tuple(value)[:2] if isinstance(value, tuple) else value, given,
                                "the class, and the confidence in percent")  # fmt: skip
        if isinstance(label, str):
            raise Fault("returns the name of the class", given=given, got=repr(label),
                        expected="its number, 0 to 9", hint="Names are for people; return the "
                        "number.", mistake="name for number")  # fmt: skip
        got: Parts = {"the class": as_array(label, "the class", (), given=given),
                      "the confidence": as_array(
                          confidence, "the confidence", (), given=given)}  # fmt: skip
        if number == 0:
            yield "value"
        with torch.no_grad():
            z = model.eval()(image[None])[0].double()
        p = torch.softmax(z, dim=0)
        right = {
            "the class": np.array(float(z.argmax())),
            "the confidence": np.array(100 * float(p.max())),
        }
        known = {entry.name: (entry.hint, {"the class": right["the class"],
                                           "the confidence": np.array(entry.function())})
                 for entry in wrong_predictions(z)}  # fmt: skip
        known["lowest logit"] = ("That is the class with the smallest logit.", {
            "the class": np.array(float(z.argmin())),
            "the confidence": got["the confidence"]})  # fmt: skip
        try:
            compare(got, right, given=given, known=known, rtol=1e-3)
        except Fault as fault:
            if not fault.details["mistake"]:
                fault.details["hint"] = (
                    "The model came in training mode and has dropout: which call switches it off?"
                )
                fault.details["mistake"] = "eval mode missing"
            raise
