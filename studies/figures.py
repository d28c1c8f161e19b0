"""Write the numbers that the interactive figures show and are tested against: `make alive`.

The loss comes from mpmath, the graph from the example of chapter 2 and `hwlib.two_layer`, the race
from the optimisers of PyTorch, the curves from the stored trainings of chapter 5. Networks are the
work of ``studies.networks``.
"""

import json
from pathlib import Path
from typing import Any

import mpmath
import numpy as np
import torch

from hwlib.course.optimizer_runs import EPOCHS, SEEDS, optimizer_results
from hwlib.course.ranking import CURVES
from hwlib.course.surfaces import SURFACES, torch_path
from hwlib.losses import logistic_loss, logistic_loss_logit_grad, sigmoid, stable_logistic_loss
from hwlib.train import OPTIMIZERS
from hwlib.two_layer import logistic_loss_grad, predict
from studies.accuracy import exact

FOLDER = Path(__file__).parents[1] / "book" / "data" / "alive"
PRECISION = 2600  # binary digits: more than the loss of the largest logit here has zeros

# Logit, label, and how far the axis reaches.
PRESETS = [(36, 1, 50), (40, 1, 50), (40, 0, 50), (-40, 0, 50), (40, 0.5, 50), (745, 1, 800)]
Z = [0, 0.25, -0.5, 1, -2, 7.3, -11.9, 17, -23.7, 30, 36, 36.7, -37, 40, -40, 50, -50, 100.1]
Z += [-345.6, 700, -700, 709.7, -710, 740, -744.4, 745, -800]
Y = [0, 0.05, 0.3, 0.5, 0.8, 1]


def true_values(z: float, y: float) -> tuple[mpmath.mpf, mpmath.mpf]:
    """Return the loss and the sigmoid at the float64 numbers z and y, not rounded to float64."""
    with mpmath.workprec(PRECISION):
        logit = mpmath.mpf(z)
        return sum(exact.TERMS["loss"](mpmath.mpf(y), logit)), exact.sigmoid(logit)


def loss_record() -> dict[str, Any]:
    """Return examples for the buttons, true values for the tests, and the table."""
    rows, presets = [], []
    for z, y, width in PRESETS:
        with np.errstate(all="ignore"):
            naive = logistic_loss([[y]], sigmoid([[z]]))
        stable = stable_logistic_loss([[y]], [[z]])
        true = mpmath.nstr(true_values(z, y)[0], 4).removesuffix(".0")
        rows.append([str(z), str(y), f"{naive:.4g}", f"{stable:.4g}", true])
        label = f"z = {z}, y = {y}".replace("-", "−")
        presets.append({"label": label, "z": z, "y": y, "range": width})
    headers = ["Logit z", "Label y", "Naive loss", "Stable loss", "True loss"]
    return {
        "table": {"headers": headers, "rows": rows},
        "presets": presets,
        "reference": [[z, y, *map(float, true_values(z, y))] for z in Z for y in Y],
    }


EXAMPLE: dict[str, list[list[float]]] = {
    "x": [[1.0, 2.0]],
    "y": [[1.0]],
    "w1": [[0.5, -1.0], [0.25, 0.5]],
    "w2": [[1.0], [-2.0]],
}


def graph_values(example: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """Return value and derivative of every node and weight of the graph of chapter 2."""
    x, y = np.array(example["x"], float), np.array(example["y"], float)
    W = {name: np.array(example[name], float) for name in ("w1", "w2")}
    z1, z2, yhat = predict(x, W)
    a1 = sigmoid(z1)
    delta = logistic_loss_logit_grad(y, z2)
    grad_a1 = delta @ W["w2"].T
    grad_z1 = grad_a1 * a1 * sigmoid(-z1)
    grad = logistic_loss_grad(x, y, W)
    found = {
        "x": (x, grad_z1 @ W["w1"].T),
        "z1": (z1, grad_z1),
        "a": (a1, grad_a1),
        "z": (z2, delta),
        "ŷ": (yhat, (1 - y) / sigmoid(-z2) - y / yhat),
        **{name: (W[name], grad[name]) for name in W},
    }
    values = {"ℓ": (stable_logistic_loss(y, z2), 1.0)}
    for name, pair in found.items():
        value, derivative = map(np.squeeze, pair)
        for index in np.ndindex(value.shape):
            node = name + "".join(str(i + 1) for i in index)
            values[node] = float(value[index]), float(derivative[index])
    return values


NODES = "x1 x2 z11 z12 a1 a2 z ŷ ℓ w111 w112 w121 w122 w21 w22"
LETTERS = "x₁ x₂ z⁽¹⁾₁ z⁽¹⁾₂ a₁ a₂ z ŷ ℓ w⁽¹⁾₁₁ w⁽¹⁾₁₂ w⁽¹⁾₂₁ w⁽¹⁾₂₂ w⁽²⁾₁ w⁽²⁾₂"
NODE_NAMES = dict(zip(NODES.split(), LETTERS.split(), strict=True))


def graph_record() -> dict[str, Any]:
    """Return the example of chapter 2, and its values and derivatives as a table."""
    values = graph_values(EXAMPLE)
    rows = [[NODE_NAMES[key], *(f"{v:.4g}" for v in values[key])] for key in NODE_NAMES]
    headers = ["Quantity", "Value", "Derivative of the loss by it"]
    return {
        "table": {"headers": headers, "rows": rows},
        "example": {name: np.ravel(EXAMPLE[name]).tolist() for name in EXAMPLE},
        "names": NODE_NAMES,
    }


RACE_STEPS = 100  # after which the table is read


def race_record() -> dict[str, Any]:
    """Return the table of heights after some steps from the usual starts."""
    rows = []
    for name, (title, height, start) in SURFACES.items():
        ends = [torch_path(name, o, start, 1.0, RACE_STEPS)[-1] for o in OPTIMIZERS]
        heights = [float(height(*torch.from_numpy(end))) for end in ends]
        rows.append([title, *(f"{h:.2g}" for h in heights)])
    headers = [f"Height after {RACE_STEPS} steps on", *OPTIMIZERS]
    return {"table": {"headers": headers, "rows": rows}}


# Of each column of the table of curves: the curve, its unit and its decimals.
COLUMNS = {
    "Validation accuracy in %": ("validation_accuracy", 100, 1),
    "Validation loss": ("validation_loss", 1, 3),
    "Training loss": ("train_loss", 1, 3),
}


def _ends(curves: list[list[float]], times: float, decimals: int) -> str:
    last = times * np.array([curve[-1] for curve in curves])
    mean, low, high = (f"{end:.{decimals}f}" for end in (last.mean(), last.min(), last.max()))
    return f"{mean} ({low} to {high})"


def curves_record() -> dict[str, Any]:
    """Return the curves of all seeds, and the table of where they end, with lowest and highest."""
    stored = optimizer_results(FOLDER.parent / "mlp_seeds.jsonl")
    runs = {
        name: {kind: [one[kind] for one in stored[name]] for kind in CURVES} for name in OPTIMIZERS
    }
    rows = [
        [name, *(_ends(run[kind], times, digits) for kind, times, digits in COLUMNS.values())]
        for name, run in runs.items()
    ]
    return {
        "table": {"headers": ["Optimiser", *COLUMNS], "rows": rows},
        "epochs": EPOCHS,
        "seeds": SEEDS,
        "runs": runs,
    }


RECORDS = {"loss": loss_record, "graph": graph_record, "race": race_record, "curves": curves_record}


def text(name: str) -> str:
    """Return what the record's file has to hold."""
    content = json.dumps(RECORDS[name](), ensure_ascii=False, separators=(",", ":"))
    return content.replace("[[", "[\n[").replace("],[", "],\n[") + "\n"


if __name__ == "__main__":
    for name in RECORDS:
        (FOLDER / f"{name}.json").write_text(text(name), encoding="utf-8")
