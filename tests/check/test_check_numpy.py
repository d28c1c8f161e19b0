"""Self-checks of the NumPy chapters: right answers pass, each wrong one gets the hint it deserves.

The wrong answers are written here as students write them, and share no code with the lists of known
mistakes that the checks compare with.
"""

# ruff: noqa: ARG005

import numpy as np
import pytest
import torch

import hwlib
from hwlib import check, gradcheck, losses
from hwlib.check import TASKS
from hwlib.check.mistakes_numpy import GRADIENT, PREDICT
from hwlib.check.texts import TEXTS


@pytest.fixture(autouse=True)
def forget():
    check.forget()


def sig(z):
    return 1 / (1 + np.exp(-z))


# --- right answers, as different as answers get ---------------------------------------------------


def predict_loops(X, W):
    B, K = len(X), W["w1"].shape[1]
    z1, z2, yhat = np.zeros((B, K)), np.zeros((B, 1)), np.zeros((B, 1))
    for b in range(B):
        for k in range(K):
            z1[b, k] = sum(X[b, d] * W["w1"][d, k] for d in range(X.shape[1]))
        z2[b, 0] = sum(sig(z1[b, k]) * W["w2"][k, 0] for k in range(K))
        yhat[b, 0] = sig(z2[b, 0])
    return z1, z2, yhat


def predict_einsum(X, W):
    z1 = np.einsum("bd,dk->bk", X, W["w1"])
    z2 = np.einsum("bk,ko->bo", sig(z1), W["w2"])
    return [z1, z2, sig(z2)]


def predict_float32(X, W):
    z1 = X.astype(np.float32) @ W["w1"].astype(np.float32)
    z2 = sig(z1) @ W["w2"].astype(np.float32)
    return z1, z2, sig(z2)


def predict_torch(X, W):
    z1 = torch.tensor(X) @ torch.tensor(W["w1"])
    z2 = torch.sigmoid(z1) @ torch.tensor(W["w2"])
    return z1, z2, torch.sigmoid(z2)


def predict_naive(X, W):
    z1 = np.dot(X, W["w1"])
    z2 = np.dot(sig(z1), W["w2"])
    return z1, z2, sig(z2)


def loss_loops(y, yhat):
    total = 0.0
    for b in range(len(y)):
        total -= y[b, 0] * np.log(yhat[b, 0]) + (1 - y[b, 0]) * np.log(1 - yhat[b, 0])
    return total / len(y)


def loss_torch(y, yhat):
    y, p = torch.tensor(y), torch.tensor(yhat)
    return torch.nn.functional.binary_cross_entropy(p, y)


def stable_loops(y, z2):
    total = 0.0
    for t, z in zip(y[:, 0], z2[:, 0], strict=True):
        total += np.log1p(np.exp(-abs(z))) + (t * max(-z, 0) + (1 - t) * max(z, 0))
    return total / len(y)


def stable_float32(y, z2):
    y, z = y.astype(np.float32), z2.astype(np.float32)
    softplus = np.log1p(np.exp(-np.abs(z)))
    return np.mean(softplus + y * np.maximum(-z, 0) + (1 - y) * np.maximum(z, 0))


def stable_torch(y, z2):
    y, z = torch.tensor(y), torch.tensor(z2)
    softplus = torch.nn.functional.softplus
    return (y * softplus(-z) + (1 - y) * softplus(z)).mean()


def grad_loops(X, y, W):
    z1, _, yhat = predict_naive(X, W)
    a, B = sig(z1), len(X)
    w1, w2 = np.zeros(W["w1"].shape), np.zeros(W["w2"].shape)
    for b in range(B):
        e = (yhat[b, 0] - y[b, 0]) / B
        for k in range(w1.shape[1]):
            w2[k, 0] += e * a[b, k]
            for d in range(w1.shape[0]):
                w1[d, k] += e * W["w2"][k, 0] * a[b, k] * (1 - a[b, k]) * X[b, d]
    return {"w1": w1, "w2": w2}


def grad_einsum(X, y, W):
    z1, _, yhat = predict_naive(X, W)
    a, e = sig(z1), (yhat - y)[:, 0] / len(X)
    back = np.einsum("b,k,bk->bk", e, W["w2"][:, 0], a * (1 - a))
    return {"w1": np.einsum("bd,bk->dk", X, back), "w2": np.einsum("bk,b->k", a, e)[:, None]}


def grad_float32(X, y, W):
    X, y, W = (np.float32(X), np.float32(y), {n: np.float32(w) for n, w in W.items()})
    return grad_naive(X, y, W)


def grad_torch(X, y, W):
    w1, w2 = (torch.tensor(W[n], requires_grad=True) for n in ("w1", "w2"))
    z = torch.sigmoid(torch.tensor(X) @ w1) @ w2
    torch.nn.functional.binary_cross_entropy_with_logits(z, torch.tensor(y)).backward()
    return {"w1": w1.grad, "w2": w2.grad}


def grad_naive(X, y, W):
    z1, _, yhat = predict_naive(X, W)
    a, delta = sig(z1), (yhat - y) / len(X)
    return {"w1": X.T @ (delta @ W["w2"].T * a * (1 - a)), "w2": a.T @ delta}


def descent(X, y, W, learning_rate, steps):
    return hwlib.gradient_descent(X, y, W, learning_rate=learning_rate, steps=steps)


def convolve_loops(x, w):
    M = len(w)
    out = np.zeros((x.shape[0] - M + 1, x.shape[1] - M + 1))
    for i in range(out.shape[0]):
        for j in range(out.shape[1]):
            out[i, j] = (x[i : i + M, j : j + M] * w).sum()
    return out


def convolve_torch(x, w):
    x, w = (torch.tensor(v)[None, None] for v in (x, w))
    return torch.nn.functional.conv2d(x, w)[0, 0]


def decayed(X, y, W, decay):
    return {n: g + decay * W[n] for n, g in grad_naive(X, y, W).items()}


def momentum(gradient, theta, rate, mu, steps):
    v = 0 * theta
    for _ in range(steps):
        v = mu * v - rate * gradient(theta)
        theta = theta + v
    return theta


def nesterov(gradient, theta, rate, mu, steps):
    u = 0 * theta
    for _ in range(steps):
        g = gradient(theta)
        u = mu * u + g
        theta = theta - rate * (g + mu * u)
    return theta


def nearest(train, labels, new, power=2):
    means = [train[labels == c].mean(axis=0) for c in np.unique(labels)]
    return np.array([np.argmin([(abs(x - m) ** power).sum() for m in means]) for x in new])


def small_network(seed=1):
    rng = np.random.default_rng(seed)
    X, w1, w2 = (rng.standard_normal(s) for s in ((7, 5), (5, 6), (6, 1)))
    return X, (np.arange(7) % 2.0)[:, None], {"w1": w1, "w2": w2}


RIGHT = [
    ("sigmoid", losses.sigmoid),
    ("sigmoid", sig),
    ("sigmoid", lambda z: (1 + np.tanh(z / 2)) / 2),
    ("sigmoid", lambda z: torch.sigmoid(torch.tensor(z))),
    ("sigmoid", lambda z: sig(z.astype(np.float32))),
    ("predict", hwlib.predict),
    ("predict", predict_loops),
    ("predict", predict_einsum),
    ("predict", predict_float32),
    ("predict", predict_torch),
    ("predict", predict_naive),
    ("logistic_loss", hwlib.logistic_loss),
    ("logistic_loss", loss_loops),
    ("logistic_loss", loss_torch),
    ("logistic_loss", lambda y, p: hwlib.logistic_loss(np.float32(y), np.float32(p))),
    ("logistic_loss", lambda y, p: np.mean(-np.log(np.float32(p)) * y - (1 - y) * np.log(1 - p))),
    ("logistic_loss", lambda y, p: -np.mean(y * np.log(p) + (1 - y) * np.log1p(-p))),
    ("stable_logistic_loss", hwlib.stable_logistic_loss),
    ("stable_logistic_loss", stable_loops),
    ("stable_logistic_loss", stable_float32),
    ("stable_logistic_loss", stable_torch),
    (
        "stable_logistic_loss",
        lambda y, z: np.mean(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)),
    ),
    ("logistic_loss_grad", hwlib.logistic_loss_grad),
    ("logistic_loss_grad", grad_loops),
    ("logistic_loss_grad", grad_einsum),
    ("logistic_loss_grad", grad_float32),
    ("logistic_loss_grad", grad_torch),
    ("logistic_loss_grad", grad_naive),
    ("numerical_gradient", gradcheck.numerical_gradient),
    ("decayed_gradient", decayed),
    ("gradient_descent", descent),
    ("momentum_descent", momentum),
    ("nearest_mean", nearest),
    ("convolution_parameters", lambda r, q, m: (r * m**2 + 1) * q),
    ("cross_correlation", convolve_loops),
    ("cross_correlation", convolve_torch),
    ("mean_loss", lambda m, n: np.dot(m, n) / np.sum(n)),
    ("mean_loss", lambda m, n: torch.tensor(m).dot(torch.tensor(n, dtype=torch.float)) / sum(n)),
    ("test_points", lambda: ([0.0, 0.0, 1.0, 1.0], [0.2, 0.7, 0.2, 0.7])),
]


@pytest.mark.parametrize(("task", "answer"), RIGHT)
def test_right_answers_pass_and_earn_all_points(task, answer):
    result = getattr(check, task)(answer)
    assert result, repr(result)
    assert result.points == result.possible == TASKS[task].points
    assert not result.notes


# --- wrong answers, and a word that their hint must hold ------------------------------------------


def grad_with(change):
    """The right gradient's program with one thing changed in its namespace of steps."""

    def answer(X, y, W):
        z1, _, yhat = predict_naive(X, W)
        a, B = sig(z1), len(X)
        return change(X, y, W, z1, a, yhat, B)

    return answer


def in_place_descent(X, y, W, learning_rate, steps):
    curve = [losses.stable_logistic_loss(y, hwlib.predict(X, W)[1])]
    for _ in range(steps):
        g = hwlib.logistic_loss_grad(X, y, W)
        for name in W:
            W[name] -= learning_rate * g[name]
        curve.append(losses.stable_logistic_loss(y, hwlib.predict(X, W)[1]))
    return W, curve


def descent_short(X, y, W, learning_rate, steps):
    weights, curve = descent(X, y, W, learning_rate, steps)
    return weights, curve[1:]


def descent_in_turn(X, y, W, learning_rate, steps):
    W = {n: w.copy() for n, w in W.items()}
    curve = [losses.stable_logistic_loss(y, hwlib.predict(X, W)[1])]
    for _ in range(steps):
        W["w1"] = W["w1"] - learning_rate * grad_naive(X, y, W)["w1"]
        W["w2"] = W["w2"] - learning_rate * grad_naive(X, y, W)["w2"]
        curve.append(losses.stable_logistic_loss(y, hwlib.predict(X, W)[1]))
    return W, curve


def one_sided(loss, weights, step):
    found = {}
    for name, w in weights.items():
        found[name] = np.zeros_like(w)
        for i in np.ndindex(w.shape):
            moved = {n: v.copy() for n, v in weights.items()}
            moved[name][i] += step
            found[name][i] = (loss(moved) - loss(weights)) / step
    return found


def half(loss, weights, step):
    return {n: 2 * g for n, g in gradcheck.numerical_gradient(loss, weights, step).items()}


def nearest_bytes(train, labels, new):
    means = [train[labels == c].mean(axis=0).astype(np.uint8) for c in np.unique(labels)]
    return np.array([np.argmin([((x - m) ** 2).sum() for m in means]) for x in new])


def raises_not_implemented(*_):
    raise NotImplementedError


WRONG = [
    ("sigmoid", lambda z: 1 / (1 + np.exp(z)), "sign of the exponent", "sign"),
    ("sigmoid", lambda z: 1 / 1 + np.exp(-z), "missing parentheses", "division"),
    ("sigmoid", lambda z: np.exp(z) / (np.exp(z) + 1), "inf / inf", "infinity"),
    ("sigmoid", lambda z: sig(np.clip(z, -500, 500)), "clipped", "clipped"),
    ("sigmoid", lambda z: sig(z) if z.ndim == 2 else z, "", "Earlier inputs"),
    ("sigmoid", np.tanh, "tanh", "-1 to 1"),
    ("predict", raises_not_implemented, "not written", "docstring"),
    ("predict", lambda X, W: print(end=""), "no return", "return"),
    ("predict", lambda X, W: sig(sig(X @ W["w1"]) @ W["w2"]), "number of results", "in this order"),
    ("predict", lambda X, W: predict_naive(X.T, W), "raises", "transposed"),
    (
        "predict",
        lambda X, W: (X @ W["w1"], *(v[:, 0] for v in predict_naive(X, W)[1:])),
        "shape",
        "one dimension",
    ),
    (
        "predict",
        lambda X, W: (X @ W["w1"], X @ W["w1"] @ W["w2"], sig(X @ W["w1"] @ W["w2"])),
        "no sigmoid in the hidden layer",
        "between the two layers",
    ),
    (
        "predict",
        lambda X, W: (*predict_naive(X, W)[:2], predict_naive(X, W)[1]),
        "no sigmoid at the output",
        "probability",
    ),
    (
        "predict",
        lambda X, W: (sig(X @ W["w1"]), *predict_naive(X, W)[1:]),
        "z1 after its sigmoid",
        "before",
    ),
    ("logistic_loss", lambda y, p: -y * np.log(p) - (1 - y) * np.log(1 - p), "shape", "mean"),
    (
        "logistic_loss",
        lambda y, p: loss_loops(y, p) * len(y),
        "sum instead of mean",
        "number of examples",
    ),
    ("logistic_loss", lambda y, p: loss_loops(y, p) / len(y), "divided twice", "too small"),
    ("logistic_loss", lambda y, p: -loss_loops(y, p), "both signs turned", "negative"),
    (
        "logistic_loss",
        lambda y, p: np.mean(-y * np.log(p)),
        "second term dropped",
        "label 0",
    ),
    (
        "logistic_loss",
        lambda y, p: np.mean(-y * np.log(p) - (1 - y) * np.log(p)),
        "",
        "by hand",
    ),
    (
        "logistic_loss",
        lambda y, p: np.mean(-y * np.log10(p) - (1 - y) * np.log10(1 - p)),
        "logarithm to base 10",
        "log10",
    ),
    (
        "logistic_loss",
        lambda y, p: np.mean(-y * np.log(p + 1e-8) - (1 - y) * np.log(1 - p + 1e-8)),
        "clipped",
        "hides",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: np.mean(-y * z + np.logaddexp(0, -z)),
        "wrong sign in the exponent",
        "exponent",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: np.mean(np.logaddexp(0, z) - y * z),
        "cancellation",
        "nearly equal",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: loss_loops(y, sig(z)),
        "prediction rounded",
        "Do not form the prediction",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: loss_loops(y, np.clip(sig(z), 1e-12, 1 - 1e-12)),
        "clipped",
        "hides",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: np.mean(
            y * np.log1p(np.exp(np.float32(-z))) + (1 - y) * np.log1p(np.exp(np.float32(z)))
        ),
        "float32 overflow",
        "float32",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: np.mean(
            np.where(y == 1, 0, np.log1p(np.exp(z)))
            + np.where(y == 1, np.log1p(np.exp(-z)), 0)
            + 0 * y
        ),
        "",
        "",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: np.mean(
            np.where(y > 0, y * np.log1p(np.exp(-z)), 0)
            + np.where(y < 1, (1 - y) * np.log1p(np.exp(z)), 0)
        ),
        "overflow",
        "exp of a positive number",
    ),
    (
        "stable_logistic_loss",
        lambda y, z: np.sum(y * np.logaddexp(0, -z) + (1 - y) * np.logaddexp(0, z)),
        "sum instead of mean",
        "number of examples",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((y - p) @ W["w2"].T * a * (1 - a)) / B,
                "w2": a.T @ (y - p) / B,
            }
        ),
        "sign",
        "negative",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) @ W["w2"].T * a * (1 - a)),
                "w2": a.T @ (p - y),
            }
        ),
        "sum instead of mean",
        "mean",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) @ W["w2"] * a * (1 - a)) / B,
                "w2": a.T @ (p - y) / B,
            }
        ),
        "raises",
        "transposed",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": (X.T @ ((p - y) @ W["w2"].T * a * (1 - a)) / B).T,
                "w2": a.T @ (p - y) / B,
            }
        ),
        "shape",
        "transpose",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) @ W["w2"].T) / B,
                "w2": a.T @ (p - y) / B,
            }
        ),
        "slope of the sigmoid missing",
        "slope",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) * a * (1 - a)) / B,
                "w2": a.T @ (p - y) / B,
            }
        ),
        "w2 missing",
        "second layer",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": np.tile(X.T @ (p - y) / B, (1, 6)),
                "w2": a.T @ (p - y) / B,
            }
        ),
        "links missing from the chain",
        "links",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": grad_naive(X, y, W)["w1"],
                "w2": np.sum(
                    (p - y) / (p * (1 - p)) * a * sig(a * W["w2"].T) * sig(-a * W["w2"].T), axis=0
                )[:, None]
                / B,
            }
        ),
        "one product for the sum",
        "whole sum",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) / (y * (1 - p)) * p * (1 - p) @ W["w2"].T * a * (1 - a)) / B,
                "w2": a.T @ ((p - y) / (y * (1 - p)) * p * (1 - p)) / B,
            }
        ),
        "label in the denominator",
        "denominator",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) / (p * (1 - p)) * p * (1 - p) @ W["w2"].T * a * (1 - a)) / B,
                "w2": a.T @ ((p - y) / (p * (1 - p)) * p * (1 - p)) / B,
            }
        ),
        "0 / 0",
        "cancel",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) * p * (1 - p) @ W["w2"].T * a * (1 - a)) / B,
                "w2": a.T @ ((p - y) * p * (1 - p)) / B,
            }
        ),
        "gradient of the squared error",
        "slope of the sigmoid too many",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T @ ((p - y) @ W["w2"].T * a * (1 - a)) / 7,
                "w2": a.T @ (p - y) / 7,
            }
        ),
        "fixed batch size",
        "divided by 7",
    ),
    ("logistic_loss_grad", lambda X, y, W: grad_naive(X, y, W)["w1"], "keys", "keys"),
    ("numerical_gradient", one_sided, "one-sided", "both ways"),
    ("numerical_gradient", half, "factor 2", "2 times"),
    (
        "numerical_gradient",
        lambda *a: {n: g * (1 + 1e-5) for n, g in gradcheck.numerical_gradient(*a).items()},
        "",
        "by hand",
    ),
    (
        "logistic_loss_grad",
        grad_with(
            lambda X, y, W, z1, a, p, B: {
                "w1": X.T
                @ ((p - y) / (p - p**2 + 1e-9) * p * (1 - p) @ W["w2"].T * a * (1 - a))
                / B,
                "w2": a.T @ ((p - y) / (p - p**2 + 1e-9) * p * (1 - p)) / B,
            }
        ),
        "",
        "by hand",
    ),
    (
        "decayed_gradient",
        lambda X, y, W, c: {n: g + 2 * c * W[n] for n, g in grad_naive(X, y, W).items()},
        "factor 2",
        "one half",
    ),
    ("decayed_gradient", lambda X, y, W, c: grad_naive(X, y, W), "penalty missing", "without"),
    ("gradient_descent", in_place_descent, "arguments changed", "copy"),
    ("gradient_descent", descent_short, "shape", "before the first step"),
    ("gradient_descent", descent_in_turn, "layers in turn", "same weights"),
    (
        "gradient_descent",
        lambda X, y, W, r, n: descent(X, y, W, 1.0, n),
        "learning rate ignored",
        "l",
    ),
    (
        "momentum_descent",
        nesterov,
        "Nesterov",
        "plain",
    ),
    ("nearest_mean", lambda *a: nearest(*a, power=1), "absolute differences", "squares"),
    ("nearest_mean", nearest_bytes, "bytes wrap around", "uint8"),
    ("convolution_parameters", lambda r, q, m: r * q * m * m, "biases forgotten", "bias"),
    (
        "cross_correlation",
        lambda x, w: convolve_loops(x, w[::-1, ::-1]),
        "kernel turned around",
        "t",
    ),
    (
        "cross_correlation",
        lambda x, w: convolve_loops(np.pad(x, 1), w),
        "shape",
        "smaller than the image",
    ),
    ("mean_loss", lambda m, n: sum(m) / len(m), "mean of means", "smaller"),
    ("mean_loss", lambda m, n: sum(m) / sum(n), "sum divided by the images", "once too often"),
    ("test_points", lambda: ([0.0] * 10, [1e-18] * 10), "points too easy", "switched off"),
]


@pytest.mark.parametrize(("task", "answer", "mistake", "word"), WRONG)
def test_wrong_answers_get_the_hint_that_names_their_fault(task, answer, mistake, word):
    result = getattr(check, task)(answer)
    assert not result
    assert result.points == 0
    assert (result.mistake, word in result.hint) == (mistake, True), repr(result)


def test_a_function_that_was_called_is_told_apart_from_one_that_was_passed():
    result = check.predict(predict_naive(*small_network()[::2]))
    assert result.mistake == "called instead of passed"


def test_a_crash_in_the_answer_is_a_result_and_no_exception():
    def crash(*_):
        raise KeyError("w3")

    def leave(*_):
        raise SystemExit(1)

    for answer in (
        crash,
        leave,
        lambda: None,
        lambda *_: "text",
        lambda *_: [1, [2]],
        lambda *_: 1j,
    ):
        for name in TASKS:
            result = getattr(check, name)(answer)
            assert not result, name
            assert result.hint, (name, result)
            assert repr(result).startswith("✗")


def test_hints_do_not_show_code_of_the_solution():
    """No hint holds the line that solves its task."""
    hints = [hint for table in TEXTS["known"].values() for hint in table.values()]
    assert len(hints) > 60
    assert not [hint for hint in hints if "@" in hint or ".T" in hint]


@pytest.mark.parametrize("table", [PREDICT, GRADIENT], ids=["predict", "gradient"])
def test_known_mistakes_can_be_told_apart(table):
    X, y, W = small_network()
    arguments = (X, W) if table is PREDICT else (X, y, W)

    def flat(value):
        parts = value.values() if isinstance(value, dict) else value
        return np.concatenate([np.nan_to_num(p, posinf=9e9, neginf=-9e9).ravel() for p in parts])

    with np.errstate(all="ignore"):
        known = [(k, flat(wrong(*arguments))) for k, wrong in table.items()]
    assert len(known) >= 10
    for i, (one, a) in enumerate(known):
        for other, b in known[:i]:
            assert np.abs(a - b).max() > 1e-2 * np.abs(b).max(), (one, other)


def predict_clipped(X, W):
    z1, z2, yhat = predict_naive(X, W)
    return z1, z2, np.clip(yhat, 1e-7, 1 - 1e-7)


@pytest.mark.parametrize(
    ("task", "answer"),
    [
        ("gradient_descent", lambda X, y, W, r, n: descent(X, y, W, 0.5, n)),
        ("momentum_descent", lambda g, t, r, m, n: momentum(g, t, 0.05, m, n)),
        ("decayed_gradient", lambda X, y, W, c: decayed(X, y, W, 0.3)),
        ("logistic_loss", lambda y, p: round(loss_loops(y, p), 4)),
        ("logistic_loss", lambda y, p: loss_loops(np.round(y), p)),
        ("logistic_loss", lambda y, p: loss_loops(y, p + 1e-100)),
        (
            "predict",
            lambda X, W: [
                np.maximum(v, 1e-7) if i == 2 else v for i, v in enumerate(predict_naive(X, W))
            ],
        ),
    ],
)
def test_an_answer_that_holds_for_some_inputs_only_fails(task, answer):
    with np.errstate(all="ignore"):
        assert not getattr(check, task)(answer)
