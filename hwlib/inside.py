"""What a network does inside: which of its units have died."""

from __future__ import annotations

from collections.abc import Iterable

from torch import Tensor, nn

from hwlib.evaluate import evaluating


def dead_shares(model: nn.Module, batches: Iterable[tuple[Tensor, Tensor]]) -> list[float]:
    """Share of units that give 0 for every image, for each ReLU layer of ``model``, in order.

    A unit of a convolutional layer is a channel: it is dead if it gives 0 at every place.

    Parameters
    ----------
    model : nn.Module
        With its activations as `torch.nn.ReLU` modules. Left in the mode it was in.
    batches : iterable of (images, labels)

    Raises
    ------
    ValueError
        If ``model`` has no ReLU module, or there is no image.
    """
    layers = [module for module in model.modules() if isinstance(module, nn.ReLU)]
    if not layers:
        raise ValueError("model: expected at least one torch.nn.ReLU module, got none.")
    alive: dict[nn.Module, Tensor] = {}

    def watch(layer: nn.Module, _: object, output: Tensor) -> None:
        active = (output > 0).flatten(2).any(2) if output.ndim > 2 else output > 0
        seen = active.any(0)
        alive[layer] = alive[layer] | seen if layer in alive else seen

    handles = [layer.register_forward_hook(watch) for layer in layers]
    try:
        with evaluating(model):
            for images, _ in batches:
                model(images)
    finally:
        for handle in handles:
            handle.remove()
    if not alive:
        raise ValueError("batches: expected at least one image, got none; check the data set.")
    return [float((~alive[layer]).double().mean()) for layer in layers]
