"""What the equations say that no function names, against PyTorch, SciPy, scikit-learn and `hwlib`.

An equation that is true in itself may still not be what the text speaks of: a count of parameters
without the biases, a variance of other coins. So each is compared with something that was not
written from it. `implementations.py` has the equations that functions name.
"""

import itertools
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import torch
import torch.nn.functional as F
from equation_reader import Reader
from numpy.polynomial import Polynomial
from scipy.linalg import solve_discrete_lyapunov
from scipy.optimize import minimize_scalar
from sklearn.preprocessing import StandardScaler
from torch.utils.flop_counter import FlopCounterMode

from hwlib import gradcheck, losses
from hwlib.batches import shift_images
from hwlib.course import luck
from hwlib.course.ranking_results import paired_difference
from hwlib.models import CNN, MLP, count_parameters
from hwlib.train import OPTIMIZERS

Pair = tuple[str, Any, Any]  # what, by the equation, by something else
Adapter = Callable[["Reader"], Iterator[Pair]]
# Values of the letters of an equation, and what all its sides have to be there.
Case = tuple[dict[str, Any], Any]
CHAPTER_6 = Path(__file__).parents[2] / "book" / "06_cnn.md"


def equal_to(label: str, cases: Callable[[np.random.Generator], Iterator[Case]]) -> Adapter:
    """Every side of an equation is compared."""

    def compare(read: Reader) -> Iterator[Pair]:
        for given, value in cases(read.rng):
            for side in read.sides(label, **given):
                yield f"{given}", side, value

    return compare


def number(value: Callable[[], float]) -> Callable[[np.random.Generator], Iterator[Case]]:
    """An equation without letters."""
    return lambda _rng: iter([({}, value())])


def tensor(values: Any) -> torch.Tensor:
    return torch.tensor(np.asarray(values, dtype=np.float64))


# --- Chapters 1 to 4


def label_and_logit(function: Callable[[Any, Any], Any]) -> Any:
    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for y, z in zip(rng.random(6), 3 * rng.normal(size=6), strict=True):
            yield {"y": y, "z": z}, function(y, z)

    return cases


def likelihood(y: float, z: float) -> float:
    """That a coin with this logit falls as the label says."""
    return float(torch.exp(-F.binary_cross_entropy_with_logits(tensor(z), tensor(y))))


def polynomial(function: Callable[[Polynomial, float], float]) -> Any:
    """About a loss that is a polynomial of the third degree."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for h in (0.3, 1.7):
            c = rng.random(4) + 0.5
            given = {f"c_{i}": value for i, value in enumerate(c)}
            yield {**given, "h": h}, function(Polynomial(c), h)

    return cases


def quotient(loss: Callable[[float], float], h: float) -> float:
    """The difference quotient of `hwlib` at 0."""
    return float(
        gradcheck.numerical_gradient(lambda w: loss(w["w"][0]), {"w": np.zeros(1)}, h)["w"][0]
    )


def error_at_worst(c_3: float, r: float, h: float) -> float:
    """Of the quotient, for a loss whose rounding errors are r, and as unlucky as can be."""
    return quotient(lambda t: 2 * t + c_3 * t**3 + r * np.sign(t), h) - 2


def difference_error(rng: np.random.Generator) -> Iterator[Case]:
    for c_3, r, h in rng.random((4, 3)) + 0.5:
        yield {"c_3": c_3, "r": r, "h": h}, error_at_worst(c_3, r, h)


def best_step(rng: np.random.Generator) -> Iterator[Case]:
    for c_3, r in rng.random((3, 2)) + 0.5:
        error = partial(error_at_worst, c_3, r)
        found = minimize_scalar(error, bracket=(0.1, 0.7, 3), tol=1e-9)
        yield {"c_3": c_3, "r": r}, found.x


def linear_model(steps: bool) -> Any:
    """A function and its slope in a direction by PyTorch; `steps` go against the gradient."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        theta, some = (tensor(rng.normal(size=(3, 1))) for _ in range(2))

        def loss(at: torch.Tensor) -> torch.Tensor:
            return F.softplus(at).sum() + at.prod()

        g = torch.func.grad(loss)(theta)
        eta = float(rng.random())
        v = -eta * g if steps else some
        value, slope = torch.autograd.functional.jvp(loss, theta, v)
        given = {"L": float(value), "g": g.numpy(), "v": v.numpy(), r"\eta": eta}
        yield given, float(value + slope)

    return cases


def cauchy_schwarz(read: Reader) -> Iterator[Pair]:
    """The bound is reached, and the left side is the slope in a direction."""
    g, v = read.rng.normal(size=(2, 3, 1))
    for way in (v, -0.7 * g):
        left, bound = read.sides("eq-cauchy-schwarz", g=g, v=way)
        yield "product", left, float(np.vdot(g, way))
    yield "reached", bound, left


def parabola(row: str) -> Any:
    """The loss of `torch.nn.functional` whose second derivative is λ, and a step of SGD on it."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for start, rate, curvature in rng.random((3, 3)) + 0.2:
            theta = torch.nn.Parameter(tensor(start))

            def loss(at: torch.nn.Parameter = theta, scale: float = curvature) -> torch.Tensor:
                return scale * F.huber_loss(at, torch.zeros_like(at), delta=1e3)

            found = {"loss": loss().item()}
            loss().backward()
            torch.optim.SGD([theta], lr=rate).step()
            found |= {"step": theta.item(), "loss after step": loss().item()}
            yield {r"\theta": start, r"\eta": rate, r"\lambda": curvature}, found[row]

    return cases


def normalised(absorbed: bool) -> Any:
    """A pixel as scikit-learn normalises it, and what a unit of PyTorch makes of that."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        pixels = rng.random((20, 1))
        u = StandardScaler().fit_transform(pixels)
        unit = torch.nn.Linear(1, 1).double()
        w, v = (float(p.detach().ravel()[0]) for p in unit.parameters())
        given = {"m": pixels.mean(), "s": pixels.std(), "w": w, "v": v}
        outputs = unit(tensor(u)).detach().numpy() if absorbed else u
        for x, output in zip(pixels[:3], outputs, strict=False):
            yield {**given, "x": float(x[0])}, float(output[0])

    return cases


# --- Chapter 5


def logits(function: Callable[..., torch.Tensor]) -> Any:
    """About logits, with any weights t of the classes and a constant s."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for c in (1, 3):
            z, t = rng.normal(size=4), rng.random(4)
            s, tau = rng.normal(), 0.3 + rng.random()
            given = {"C": 4, "c": c, "z_": z, "t_": t, "s": s, r"\tau": tau}
            yield given, float(function(tensor(z), t=tensor(t), c=c - 1, s=s, tau=tau))

    return cases


def cross_entropy(z: torch.Tensor, *, t: torch.Tensor, **_: Any) -> torch.Tensor:
    return F.cross_entropy(z, t)


def two_classes(rng: np.random.Generator) -> Iterator[Case]:
    for z in rng.normal(size=(3, 2)):
        yield {"z_1": z[0], "z_2": z[1]}, float(torch.softmax(tensor(z), 0)[0])


def log_sum_exp(read: Reader) -> Iterator[Pair]:
    """The sum that is left once the largest logit is out is the one that cannot overflow."""
    z = 3 * read.rng.normal(size=4)
    given = {"C": 4, "z_": z, "s": z.max()}
    for side in read.sides("eq-log-sum-exp", **given):
        yield "logarithm of the sum", side, float(torch.logsumexp(tensor(z), 0))
    for side in (1, 2):
        small = read.inner("eq-log-sum-exp", side, "big", **given)
        yield "sum", small, [1 / float(torch.softmax(tensor(z), 0).max())]


def untrained(rng: np.random.Generator) -> Iterator[Case]:
    for C, s in ((3, 1.3), (10, rng.normal())):
        same = torch.full((C,), s, dtype=torch.float64)
        yield {"C": C, "s": s}, float(F.cross_entropy(same, torch.tensor(0)))


def terminal_step(rng: np.random.Generator) -> Iterator[Case]:
    """After a thousand steps with one gradient, in units of the learning rate."""
    for g in rng.normal(size=2):
        *_, before, after = steps("Nesterov 0.01", np.full(1000, g))
        yield {"g": g, r"\mu": 0.9}, (before - after) / 0.01


def steps(optimizer: str, gradients: np.ndarray, start: float = 0.0) -> list[float]:
    """The places that a parameter passes."""
    parameter = torch.nn.Parameter(tensor(start))
    stepper = OPTIMIZERS[optimizer]([parameter])
    places = [start]
    for g in gradients:
        parameter.grad = tensor(g)
        stepper.step()
        places.append(float(parameter.detach()))
    return places


def adam_first_step(rng: np.random.Generator) -> Iterator[Case]:
    constants = {r"\beta_1": 0.9, r"\beta_2": 0.999, r"\epsilon": 1e-8}
    for g in rng.normal(size=3) * (1, 1e-4, 1e-8):
        yield {**constants, "g_1": g}, -steps("Adam 0.01", np.array([g]))[1] / 0.01


def first_step_bound(read: Reader) -> Iterator[Pair]:
    """The left side is what a unit computes, and the bound is reached."""
    x = read.rng.random(4)
    for s in (2 * read.rng.random(4) - 1, -np.ones(4)):
        left, bound = read.sides("eq-first-step-bound", D=4, x_=x, s_=s)
        yield "change of a sum", left, float(F.linear(tensor(x), tensor(s)).abs())
    yield "reached", bound, left


def constant_loss(rng: np.random.Generator) -> Iterator[Case]:
    z, labels = rng.normal(size=4), rng.integers(0, 4, 30)
    shares = np.bincount(labels, minlength=4) / 30
    mean = F.cross_entropy(tensor(z).expand(30, 4), torch.from_numpy(labels))
    yield {"C": 4, "f_": shares, "z_": z, "z": 0}, float(mean)


# --- Chapter 6


def convolution(rng: np.random.Generator) -> Iterator[Case]:
    x, w = rng.normal(size=(4, 4)), rng.normal(size=(2, 2))
    found = F.conv2d(tensor(x)[None, None], tensor(w)[None, None])[0, 0].numpy()
    for i, j in np.ndindex(found.shape):
        yield {"M": 2, "i": i + 1, "j": j + 1, "x_": x, "w_": w}, found[i, j]


def worked_window(read: Reader) -> Iterator[Pair]:
    """Term by term, with the image and the kernel of the cell below the equation."""
    rows = CHAPTER_6.read_text(encoding="utf-8").splitlines()
    image, kernel = (
        eval(row.partition(" = ")[2], {"torch": torch})
        for name in ("small", "edges")
        for row in rows
        if row.startswith(f"{name} = torch.tensor(")
    )
    window = image[0:3, 1:4]
    factors = read.inner("eq-worked-window", 0, "number")
    yield "weights", factors[0::2], kernel.abs().ravel()
    yield "pixels", factors[1::2], window.ravel()
    for side in read.sides("eq-worked-window"):
        yield "sum", side, float(F.conv2d(image[None, None], kernel[None, None])[0, 0, 0, 1])


def same_size(_rng: np.random.Generator) -> Iterator[Case]:
    for N, M in ((28, 3), (9, 5)):
        layer = torch.nn.Conv2d(1, 1, M, padding="same")
        yield {"N": N, "M": M}, layer(torch.zeros(1, 1, N, N)).shape[-1]


def equivariance(rng: np.random.Generator) -> Iterator[Case]:
    """The map of an image that `hwlib` has moved down and to the right."""
    x, w = rng.normal(size=(6, 6)), rng.normal(size=(2, 2))
    u, v = 1, 2
    moved = shift_images(tensor(x)[None, None], torch.tensor([u]), torch.tensor([v]))
    found = F.conv2d(moved, tensor(w)[None, None])[0, 0].numpy()
    for i, j in ((2, 3), (4, 4), (3, 5)):
        given = {"M": 2, "i": i, "j": j, "u": u, "v": v, "x_": x, "w_": w}
        yield given, found[i - 1, j - 1]


def kernel_gradient(rng: np.random.Generator) -> Iterator[Case]:
    x, o = rng.normal(size=(4, 4)), rng.normal(size=(3, 3))
    w = tensor(rng.normal(size=(2, 2))).requires_grad_()
    s = F.conv2d(tensor(x)[None, None], w[None, None])[0, 0]
    F.softplus(torch.logsumexp(tensor(o) * s, dim=(0, 1))).backward()
    for m, n in np.ndindex(2, 2):
        given = {"N": 4, "M": 2, "P": 0, "H": 3, "m": m + 1, "n": n + 1}
        yield {**given, "x_": x, "o_": o, "w_": w.detach().numpy()}, float(w.grad[m, n])


def relu_after_pooling(rng: np.random.Generator) -> Iterator[Case]:
    for z in rng.normal(size=(6, 2)):
        pooled = F.max_pool1d(tensor(z)[None], 2)
        yield {"z_1": z[0], "z_2": z[1]}, float(F.relu(pooled))


@cache
def receptive_field() -> int:
    """Rows that one value after the second pooling depends on; a mean lets every pixel through."""
    layers: list[torch.nn.Module] = []
    for layer in CNN().features:
        if isinstance(layer, torch.nn.MaxPool2d):
            layers.append(torch.nn.AvgPool2d(layer.kernel_size, layer.stride))
        elif isinstance(layer, torch.nn.Conv2d):
            layers.append(layer)
    image = torch.zeros(1, 1, 28, 28, requires_grad=True)
    torch.nn.Sequential(*layers)(image)[0, 0, 3, 3].backward()
    return int((image.grad[0, 0] != 0).any(dim=1).sum())


@cache
def multiplications(make: Callable[[], torch.nn.Module]) -> float:
    with FlopCounterMode(display=False) as counter:
        make()(torch.zeros(1, 1, 28, 28))
    return counter.get_total_flops() / 2


def dense_parameters() -> int:
    """Of a dense layer with as many outputs as the first convolution."""
    outputs = CNN().features[0](torch.zeros(1, 1, 28, 28)).numel()
    return count_parameters(torch.nn.Linear(28 * 28, outputs, device="meta"))


def noise_floor(rng: np.random.Generator) -> Iterator[Case]:
    """The variance that a step keeps, by SciPy's equation of Lyapunov."""
    for eta, S, curvature in rng.random((3, 3)) + 0.1:
        found = solve_discrete_lyapunov([[1 - eta * curvature]], [[eta**2 * S]])[0, 0]
        yield {r"\eta": eta, "S": S, r"\lambda": curvature}, found


# --- Chapters 8 and 9


def seeds(function: Callable[[np.ndarray, np.ndarray], float]) -> Any:
    """About the accuracies of two optimisers with the same seeds."""

    def cases(rng: np.random.Generator) -> Iterator[Case]:
        for N in (3, 5):
            a, b = rng.random((2, N))
            given = {"N": N, "d_": a - b, "S": np.var(a - b, ddof=1)}
            yield given, function(a, b)

    return cases


def sign_chance(_rng: np.random.Generator) -> Iterator[Case]:
    for N in (3, 10):
        yield {"N": N}, luck.paired_images([True] * N, [False] * N).chance


def wilson_end(rng: np.random.Generator) -> Iterator[Case]:
    for p in rng.random(3):
        yield {"p": p, "B": 50, "c": 1.3}, (p - luck.wilson(p, 50, 1.3)[1]) ** 2


def signs(n: int) -> np.ndarray:
    """All ways that n coins of +1 and -1 can fall."""
    return np.array(list(itertools.product([1, -1], repeat=n)))


def paired_images(_rng: np.random.Generator) -> Iterator[Case]:
    for N in (2, 5):
        yield {"N": N}, signs(N).sum(axis=1).var()


def sum_variance(rng: np.random.Generator) -> Iterator[Case]:
    for D in (2, 4):
        x, V = rng.normal(size=D), 0.3 + rng.random()
        yield {"D": D, "V": V, "m": np.mean(x**2)}, (np.sqrt(V) * signs(D) @ x).var()


def double_softmax(_rng: np.random.Generator) -> Iterator[Case]:
    for C in (3, 10):
        yield {"C": C}, float(F.cross_entropy(torch.eye(C).double(), torch.arange(C)))


def default_variance(_rng: np.random.Generator) -> Iterator[Case]:
    """Of the distribution from which `nn.Linear` really draws its weights."""
    for D in (3, 784):
        with mock.patch.object(torch.Tensor, "uniform_", autospec=True) as drawn:
            torch.nn.Linear(D, 1)
        low, high = drawn.call_args_list[0].args[-2:]
        yield {"D": D}, float(torch.distributions.Uniform(low, high).variance)


CASES: dict[str, Any] = {
    "eq-sigmoid-symmetry": label_and_logit(lambda _y, z: losses.sigmoid(-z)),
    "eq-likelihood": label_and_logit(likelihood),
    "eq-negative-log-likelihood": label_and_logit(lambda y, z: -np.log(likelihood(y, z))),
    "eq-log-sigmoid": label_and_logit(lambda _y, z: -F.logsigmoid(tensor(z)).item()),
    "eq-stable-loss-code": label_and_logit(losses.logistic_loss_per_example),
    "eq-sigmoid-slope-product": label_and_logit(
        lambda _y, z: losses.sigmoid_and_slope(np.array([z]))[1][0]
    ),
    "eq-logit-second-way": label_and_logit(losses.logistic_loss_logit_grad),
    "eq-taylor": polynomial(lambda p, h: p(h)),
    "eq-one-sided-error": polynomial(lambda p, h: ((p - p(0)) // Polynomial([0, 1]))(h)),
    "eq-two-sided-error": polynomial(quotient),
    "eq-difference-error": difference_error,
    "eq-best-step": best_step,
    "eq-linear-model": linear_model(steps=False),
    "eq-predicted-decrease": linear_model(steps=True),
    "eq-parabola": parabola("loss"),
    "eq-parabola-step": parabola("step"),
    "eq-parabola-loss-step": parabola("loss after step"),
    "eq-zero-loss": label_and_logit(lambda y, _z: losses.logistic_loss_per_example(y, 0.0)),
    "eq-normalise": normalised(absorbed=False),
    "eq-normalise-absorbed": normalised(absorbed=True),
    "eq-mlp-parameters": number(lambda: count_parameters(MLP())),
    "eq-softmax-shift": logits(lambda z, c, **_: torch.softmax(z, 0)[c]),
    "eq-softmax-two": two_classes,
    "eq-cross-entropy": logits(cross_entropy),
    "eq-log-softmax": logits(lambda z, c, **_: torch.log_softmax(z, 0)[c]),
    "eq-cross-entropy-expanded": logits(cross_entropy),
    "eq-untrained-loss": untrained,
    "eq-terminal-step": terminal_step,
    "eq-adam-first-step": adam_first_step,
    "eq-constant-loss": constant_loss,
    "eq-temperature": logits(lambda z, c, tau, **_: torch.softmax(z / tau, 0)[c]),
    "eq-cross-correlation": convolution,
    "eq-same-size": same_size,
    "eq-equivariance": equivariance,
    "eq-receptive-field": number(receptive_field),
    "eq-first-convolution-parameters": number(lambda: count_parameters(CNN().features[0])),
    "eq-dense-parameters": number(dense_parameters),
    "eq-kernel-gradient": kernel_gradient,
    "eq-relu-after-pooling": relu_after_pooling,
    "eq-cnn-parameters": number(lambda: count_parameters(CNN())),
    "eq-cnn-multiplications": number(lambda: multiplications(CNN)),
    "eq-mlp-multiplications": number(lambda: multiplications(MLP)),
    "eq-noise-floor": noise_floor,
    "eq-seed-mean": seeds(lambda a, b: paired_difference(a, b).mean),
    "eq-seed-variance": seeds(lambda a, b: paired_difference(a, b).error ** 2),
    "eq-seed-deviations": seeds(lambda a, b: (a - b - paired_difference(a, b).mean).sum()),
    "eq-sign-chance": sign_chance,
    "eq-wilson-check": wilson_end,
    "eq-paired-images": paired_images,
    "eq-double-softmax": double_softmax,
    "eq-sum-variance": sum_variance,
    "eq-default-variance": default_variance,
}
BINDINGS: dict[str, Adapter] = {
    **{label: equal_to(label, cases) for label, cases in CASES.items()},
    "eq-cauchy-schwarz": cauchy_schwarz,
    "eq-log-sum-exp": log_sum_exp,
    "eq-first-step-bound": first_step_bound,
    "eq-worked-window": worked_window,
}
