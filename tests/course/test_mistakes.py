"""The wrong functions are wrong in the way they say, and in no other."""

import inspect
import math
import re
from functools import partial

import mpmath
import numpy as np
import pytest
import torch
import torch.nn.functional as F

from hwlib import init_weights, logistic_loss_grad
from hwlib.batches import Batches
from hwlib.course import mistakes, mistakes_torch
from hwlib.data import MissingDataError, StandInWarning, load_stand_in
from hwlib.gradcheck import relative_error
from hwlib.models import MLP, seeded_model
from hwlib.train import OPTIMIZERS, compare_optimizers, train_epoch

LABELS = np.array([[0.0], [1.0], [0.25], [1.0]])
LOGITS = np.array([[1.5], [-2.0], [0.5], [3.0]])


def _problem(hidden):
    rng = np.random.default_rng(3)
    X, y = rng.standard_normal((9, 4)), rng.integers(0, 2, (9, 1)).astype(float)
    return X, y, init_weights(4, hidden, rng)


def _autograd(X, y, W):
    w1, w2 = (torch.tensor(W[name], requires_grad=True) for name in ("w1", "w2"))
    logits = torch.sigmoid(torch.tensor(X) @ w1) @ w2
    F.binary_cross_entropy_with_logits(logits, torch.tensor(y)).backward()
    return {"w1": w1.grad.numpy(), "w2": w2.grad.numpy()}


def test_wrong_sign_is_the_printed_formula_and_too_small_by_the_logit():
    printed = [
        -y * z + mpmath.log(mpmath.exp(-z) + 1)
        for y, z in zip(LABELS.flat, LOGITS.flat, strict=True)
    ]
    wrong = mistakes.stable_loss_wrong_sign(LABELS, LOGITS)
    assert wrong == pytest.approx(float(sum(printed) / 4), rel=1e-14)
    right = F.binary_cross_entropy_with_logits(torch.tensor(LOGITS), torch.tensor(LABELS)).item()
    assert right - wrong == pytest.approx(LOGITS.mean(), rel=1e-13)


def test_one_softplus_is_right_near_zero_and_loses_everything_at_40():
    right = F.binary_cross_entropy_with_logits(torch.tensor(LOGITS), torch.tensor(LABELS)).item()
    wrong = mistakes.stable_loss_one_softplus(LABELS, LOGITS)
    assert wrong == pytest.approx(right, rel=1e-14)
    assert mistakes.stable_loss_one_softplus(np.array([[1.0]]), np.array([[40.0]])) == 0.0
    assert mpmath.log1p(mpmath.exp(-40)) > 4e-18


def test_label_below_is_off_by_prediction_over_label():
    y, p = np.array([[0.25], [0.5], [1.0]]), np.array([[0.1], [0.9], [0.3]])
    predictions = torch.tensor(p, requires_grad=True)
    F.binary_cross_entropy(predictions, torch.tensor(y), reduction="sum").backward()
    wrong = mistakes.prediction_derivative_label_below(y, p)
    np.testing.assert_allclose(wrong, predictions.grad.numpy() * p / y, rtol=1e-12)
    zero = np.zeros((1, 1))
    assert mistakes.prediction_derivative_label_below(zero, zero + 0.3)[0, 0] == math.inf


def test_one_product_is_right_for_one_hidden_unit_and_wrong_for_more():
    X, y, W = _problem(hidden=1)
    alone = mistakes.gradient_one_product(X, y, W)
    np.testing.assert_allclose(alone["w2"], _autograd(X, y, W)["w2"], rtol=1e-12)
    X, y, W = _problem(hidden=6)
    W["w2"] *= 10  # near logit 0 every slope is about a quarter, and the mistake hardly shows
    wrong, right = mistakes.gradient_one_product(X, y, W), _autograd(X, y, W)
    assert relative_error(wrong["w2"], right["w2"]) > 0.1
    np.testing.assert_allclose(wrong["w1"], right["w1"], rtol=1e-12)


def test_missing_chain_makes_all_hidden_units_alike():
    X, y, W = _problem(hidden=6)
    wrong, right = mistakes.gradient_without_chain(X, y, W), _autograd(X, y, W)
    assert wrong["w1"].shape == right["w1"].shape
    assert np.linalg.matrix_rank(wrong["w1"]) == 1
    np.testing.assert_allclose(wrong["w2"], right["w2"], rtol=1e-12)
    # Putting the missing links back, example by example, gives the right gradient again.
    z1 = torch.tensor(X @ W["w1"], requires_grad=True)
    (torch.sigmoid(z1) @ torch.tensor(W["w2"])).sum().backward()
    logits = torch.sigmoid(z1.detach()) @ torch.tensor(W["w2"])
    delta = (torch.sigmoid(logits) - torch.tensor(y)).numpy() / len(X)
    np.testing.assert_allclose(X.T @ (delta * z1.grad.numpy()), right["w1"], rtol=1e-12)


def test_no_wrong_gradient_equals_the_right_one():
    X, y, W = _problem(hidden=6)
    right = logistic_loss_grad(X, y, W)
    for wrong in (mistakes.gradient_one_product, mistakes.gradient_without_chain):
        assert max(relative_error(wrong(X, y, W)[name], right[name]) for name in W) > 0.01


def test_each_planted_loss_is_wrong_at_some_ordinary_point():
    y, p = np.array([0.0, 0.0, 1.0, 1.0]), np.array([0.2, 0.7, 0.2, 0.7])
    right = F.binary_cross_entropy(torch.tensor(p), torch.tensor(y), reduction="none").numpy()
    for name, wrong in mistakes.NAIVE_LOSSES.items():
        assert not np.allclose([wrong(*at) for at in zip(y, p, strict=True)], right, rtol=1e-3), (
            name
        )


def test_the_planted_losses_are_those_of_their_names():
    """At ŷ = 0.2: -log(0.2) = 1.609 and -log(0.8) = 0.223, here once for each label."""
    no, yes = np.array([[0.0]]), np.array([[1.0]])
    p = np.array([[0.2]])
    costs = {name: (w(no, p), w(yes, p)) for name, w in mistakes.NAIVE_LOSSES.items()}
    for name, expected in {
        "first term dropped": (0.223144, 0),
        "second term dropped": (0, 1.609438),
        "both signs turned": (-0.223144, -1.609438),
        "logarithm to base 10": (0.096910, 0.698970),
        "same logarithm twice": (0.223144, 0.223144),
        "labels swapped": (1.609438, 0.223144),
    }.items():
        np.testing.assert_allclose(costs.pop(name), expected, atol=1e-6, err_msg=name)
    assert not costs


def test_a_planted_loss_is_a_mean_as_the_right_one():
    y, p = np.array([[0.0], [1.0]]), np.array([[0.2], [0.7]])
    for name, wrong in mistakes.NAIVE_LOSSES.items():
        each = [wrong(*at) for at in zip(y, p, strict=True)]
        assert wrong(y, p) == pytest.approx(np.mean(each)), name


def test_every_mistake_says_what_is_wrong_and_what_is_right():
    not_mistakes = {"names_defined_twice", "losses_in_turn"}
    for module in (mistakes, mistakes_torch):
        for name, function in inspect.getmembers(module, inspect.isfunction):
            own = function.__module__ == module.__name__ and not name.startswith("__")
            if own and name not in not_mistakes:
                assert re.match(r"Wrong: .*\. Right: ", function.__doc__), name


def test_names_defined_twice():
    assert mistakes.names_defined_twice(mistakes.CELLS_THAT_SHARE_A_NAME) == {"predict": 2}
    assert mistakes.names_defined_twice(["def a(): ...", "def b():\n    def a(): ..."]) == {}
    with pytest.raises(SyntaxError):
        mistakes.names_defined_twice(["def"])


def test_the_shared_name_breaks_the_function_that_uses_it():
    notebook = {}
    X, y = np.eye(2), np.ones((2, 1))
    for cell in mistakes.CELLS_THAT_SHARE_A_NAME[:2]:
        exec(cell, notebook)
    assert notebook["gradient"](X, y, y).shape == (2, 1)
    exec(mistakes.CELLS_THAT_SHARE_A_NAME[2], notebook)
    with pytest.raises(TypeError, match="device"):
        notebook["gradient"](X, y, y)


def _no_mnist(*, download):
    raise MissingDataError(f"not here, download={download}")


def test_digits_need_permission_to_be_replaced(monkeypatch):
    monkeypatch.setattr(mistakes_torch, "load_mnist", _no_mnist)
    monkeypatch.setattr(mistakes_torch, "load_stand_in", lambda: "drawn")
    monkeypatch.delenv("HWLIB_STAND_IN", raising=False)
    with pytest.raises(MissingDataError, match="download=False"):
        mistakes_torch.load_digits_by_mistake(download=False)
    monkeypatch.setenv("HWLIB_STAND_IN", "1")
    with pytest.warns(StandInWarning, match="MNIST was not found"):
        assert mistakes_torch.load_digits_by_mistake() == "drawn"


@pytest.fixture(scope="module")
def drawn(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("hwlib.data.cache_folder", lambda: tmp_path_factory.mktemp("cache"))
        data = load_stand_in(60, 10)
    images = torch.from_numpy(data.train_images).float().div(255).unsqueeze(1)
    return images, torch.from_numpy(data.train_labels).long()


def _small():
    return MLP((8,))


def test_dividing_by_images_is_too_small_by_the_batch_size(drawn):
    results, weights = [], []
    for epoch in (
        train_epoch,
        lambda *a: mistakes_torch.train_epoch_divided_by_images(*a, images=60),
    ):
        model = seeded_model(_small, 0)
        optimizer = OPTIMIZERS["SGD 0.01"](model.parameters())
        results.append(epoch(model, Batches(*drawn, 20), optimizer))
        weights.append(torch.cat([p.detach().flatten() for p in model.parameters()]))
    assert results[0] / results[1] == pytest.approx(20, rel=1e-6)
    assert torch.equal(*weights)  # only the number is wrong, not the training


def test_in_turn_each_optimizer_continues_what_the_last_one_left(drawn):
    names = ["SGD 0.01", "Nesterov 0.01"]
    make = partial(Batches, *drawn, 20)
    validation = Batches(*drawn, 20)
    turn = mistakes_torch.train_one_model_in_turn(
        _small, make, validation, optimizers=names, epochs=2, seed=5
    )
    fair = compare_optimizers(_small, make, validation, optimizers=names, epochs=2, seeds=[5])
    assert turn[names[0]].train_loss == fair[names[0]][0].history.train_loss
    assert turn[names[1]].train_loss != fair[names[1]][0].history.train_loss
    model = fair[names[0]][0].model  # go on by hand from where SGD ended
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9, nesterov=True)
    losses = []
    for images, labels in make(torch.Generator().manual_seed(5)):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert turn[names[1]].train_loss[0] == pytest.approx(np.mean(losses), rel=1e-5)
    curves = mistakes_torch.losses_in_turn(2.3, turn)
    assert curves[names[0]][0] == 2.3
    assert curves[names[1]] == [turn[names[0]].validation_loss[-1], *turn[names[1]].validation_loss]
