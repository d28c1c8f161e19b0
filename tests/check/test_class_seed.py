"""A class of its own seed is graded on other draws, in every chapter; what is right stays right."""

import copy
import hashlib
import pickle

import numpy as np
import pytest
import torch

import hwlib
from hwlib import check, evaluate, gradcheck, train
from hwlib.check import (
    TASKS,
    chapter3,
    chapter4,
    chapter5,
    chapter6,
    chapter7,
    mistakes_numpy,
    mistakes_torch,
)


def split(n, validation, generator):
    return torch.randperm(n, generator=generator).split([n - validation, validation])


def predict_image(model, image):
    model.eval()
    with torch.no_grad():
        shares = model(image[None]).softmax(dim=1)[0]
    return int(shares.argmax()), 100 * float(shares.max())


RIGHT = {
    "sigmoid": hwlib.sigmoid,
    "predict": hwlib.predict,
    "logistic_loss": hwlib.logistic_loss,
    "stable_logistic_loss": hwlib.stable_logistic_loss,
    "logistic_loss_grad": hwlib.logistic_loss_grad,
    "numerical_gradient": gradcheck.numerical_gradient,
    "decayed_gradient": mistakes_numpy.decayed,
    "gradient_descent": chapter3._descent,
    "momentum_descent": chapter3._momentum,
    "nearest_mean": chapter4.nearest,
    "to_tensors": chapter4._scaled,
    "split_validation": split,
    "train_epoch": train.train_epoch,
    "evaluate": evaluate.evaluate,
    "predict_image": predict_image,
    "compare_optimizers": mistakes_torch.curves,
    "convolution_parameters": chapter6._parameters,
    "cross_correlation": chapter6.correlate,
    "mean_loss": chapter7.mean_per_image,
}
WITHOUT_INPUT = {"best_logit", "tanh_gradient", "step_count", "mlp", "cnn", "test_points"}


def parts(value):
    """The numbers in an argument."""
    if isinstance(value, torch.nn.Module):
        yield from (p.detach().numpy().tobytes() for p in value.parameters())
    elif isinstance(value, torch.Generator):
        yield value.get_state().numpy().tobytes()
    elif isinstance(value, torch.Tensor | np.ndarray):
        yield np.asarray(value.detach() if hasattr(value, "detach") else value).tobytes()
    elif isinstance(value, dict):
        yield from (piece for inside in value.values() for piece in parts(inside))
    elif isinstance(value, list | tuple):
        yield from (piece for inside in value for piece in parts(inside))
    elif isinstance(value, int | float):
        yield pickle.dumps(value)


def inputs(task, monkeypatch, seed):
    """A digest of all that a right answer is called with, for the class of this seed."""
    monkeypatch.setenv("HWLIB_CLASS_SEED", seed)
    seen = hashlib.sha256()

    def answer(*args):
        for piece in parts(args):
            seen.update(piece)
        return RIGHT[task](*args)

    result = getattr(check, task)(answer)
    assert result, repr(result)
    return seen.hexdigest()


@pytest.mark.parametrize("task", RIGHT)
def test_a_class_has_draws_of_its_own_and_a_right_answer_passes_on_them(task, monkeypatch):
    found = [inputs(task, monkeypatch, seed) for seed in ("", "0", "1", "2026", "77")]
    assert found[0] == found[1]
    assert len(set(found)) == 4


def test_optimisers_start_at_another_place(monkeypatch):
    paths = []
    for seed in ("", "2026"):
        monkeypatch.setenv("HWLIB_CLASS_SEED", seed)
        assert check.optimizers(lambda: copy.copy(train.OPTIMIZERS))
        paths.append(chapter5._path(train.OPTIMIZERS["SGD 0.01"]))
    assert not np.array_equal(*paths)


def test_only_tasks_without_input_are_left_out():
    assert TASKS.keys() - RIGHT.keys() - {"optimizers"} == WITHOUT_INPUT
