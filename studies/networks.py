"""Train the networks that run in the page, as chapters 5 and 6 do, and store them: `make networks`.

Two files below ``book/data/alive`` come out of it: the weights of the MLP and the CNN, rounded to
float16 (``networks.npz``), and what these rounded networks say about test images
(``network.json``).
"""

import json
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from hwlib.batches import Batches, hold_out, to_tensors
from hwlib.course import experiments, optimizer_runs
from hwlib.data import CLASS_NAMES, ImageData, load_fashion_mnist
from hwlib.evaluate import evaluate, predict_image
from hwlib.models import CNN, MLP
from hwlib.train import compare_optimizers, fit_one_cycle

FOLDER = Path(__file__).parents[1] / "book" / "data" / "alive"
NETWORKS = {"mlp": MLP, "cnn": CNN}
SHOWN = 12  # test images in the table that stands where there is no JavaScript
SEED = 0


def stored_network(name: str) -> nn.Module:
    """Return the stored network "mlp" or "cnn", its float16 weights widened to float32."""
    model = NETWORKS[name]()
    with np.load(FOLDER / "networks.npz") as arrays:
        state = {
            key: torch.from_numpy(arrays[f"{name}/{key}"].astype(np.float32))
            for key in model.state_dict()
        }
    model.load_state_dict(state)
    return model.eval()


def save_networks(models: dict[str, nn.Module]) -> None:
    """Write the weights of all networks, rounded to float16, into one compressed file."""
    arrays = {
        f"{name}/{key}": value.numpy().astype(np.float16)
        for name, model in models.items()
        for key, value in model.state_dict().items()
    }
    np.savez_compressed(FOLDER / "networks.npz", allow_pickle=False, **arrays)


def answer(model: nn.Module, image: Tensor) -> str:
    """Return class and confidence for one image in words."""
    said = predict_image(model, image)
    return f"{said.name}, {100 * said.confidence:.1f} %"


def answers(models: dict[str, nn.Module], data: ImageData) -> dict[str, Any]:
    """Return test accuracies, and the table of what the networks say about the first images."""
    images, labels = to_tensors(data.test_images, data.test_labels)
    test = Batches(images, labels, 1000)
    truth = [CLASS_NAMES[label] for label in labels[:SHOWN]]
    said = [[answer(model, image) for image in images[:SHOWN]] for model in models.values()]
    rows = [[str(n), *words] for n, words in enumerate(zip(truth, *said, strict=True), 1)]
    accuracy = {name: round(100 * evaluate(models[name], test).accuracy, 2) for name in models}
    return {
        "table": {"headers": ["Test image", "Truth", "The MLP says", "The CNN says"], "rows": rows},
        "accuracy": accuracy,
        "classes": CLASS_NAMES,
    }


def main() -> None:
    """Train, round, measure and write."""
    data = load_fashion_mnist(allow_stand_in=False)
    images, labels = to_tensors(data.train_images, data.train_labels)
    X, y, validation = hold_out(images, labels, 5000)
    [mlp] = compare_optimizers(
        MLP,
        partial(Batches, X, y, optimizer_runs.BATCH_SIZE),
        validation,
        optimizers=["Adam 0.01"],
        epochs=optimizer_runs.EPOCHS,
        seeds=[SEED],
        progress=True,
    )["Adam 0.01"]
    batches = Batches(X, y, experiments.BATCH_SIZE, generator=torch.Generator().manual_seed(SEED))
    cnn = fit_one_cycle(
        CNN, batches, validation, epochs=experiments.LONG, seed=SEED, progress="CNN, one cycle"
    )
    save_networks({"mlp": mlp.model, "cnn": cnn.model})
    content = answers({name: stored_network(name) for name in NETWORKS}, data)
    text = json.dumps(content, ensure_ascii=False, separators=(",", ":"))
    (FOLDER / "network.json").write_text(text + "\n", encoding="utf-8")
    print(f"Test accuracy of the rounded networks in %: {content['accuracy']}")


if __name__ == "__main__":
    main()
