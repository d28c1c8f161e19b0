"""The logistic loss: the naive form, the stable form, and the derivative by the logit.

Everything here takes arrays of any one shape and works entry by entry; only the two functions
named by the homework, ``logistic_loss`` and ``stable_logistic_loss``, average over the batch.

Arithmetic is done in float64 and rounded once to the dtype of the input, which makes float32
results correct to the last bit or nearly so. Underflow is no error: σ(-1000) *is* 0 in float64.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray

Float = NDArray[np.floating]
Weights = dict[str, Float]


def as_float(name: str, values: ArrayLike, *, nan_allowed: bool = False) -> Float:
    """Return ``values`` as a float array: float32 and float64 are kept, the rest becomes float64.

    ValueError if there are none, or if one is NaN where that is not allowed.
    """
    array = np.asarray(values)
    if array.dtype not in (np.float32, np.float64):
        array = array.astype(np.float64)
    if array.size == 0:
        raise ValueError(
            f"{name}: expected at least one example, got an empty array of shape {array.shape}; "
            "check how the batch was cut."
        )
    if not nan_allowed and np.isnan(array).any():
        where = tuple(int(i) for i in np.argwhere(np.isnan(array))[0])
        raise ValueError(
            f"{name}: expected numbers, got NaN at index {where}; "
            "clean the input, or find the operation before this one that produced it."
        )
    return array


def check_labels(y: ArrayLike, name: str, other: Float) -> Float:
    """Return the labels ``y`` as a float array.

    ValueError if they have another shape than ``other`` (called ``name``), or leave [0, 1].
    """
    labels = as_float("y", y)
    if labels.shape != other.shape:
        raise ValueError(
            f"y: expected the shape of {name}, {other.shape}, got {labels.shape}; "
            "NumPy would broadcast the two against each other: try y.reshape(-1, 1)."
        )
    if labels.min() < 0 or labels.max() > 1:
        raise ValueError(
            f"y: expected labels 0 or 1 (or a probability between them), got values from "
            f"{labels.min():g} to {labels.max():g}; map your classes to 0 and 1 first."
        )
    return labels


def _exp_minus_abs(z: Float) -> NDArray[np.float64]:
    """exp(-|z|) in float64: between 0 and 1 for every z, so it cannot overflow."""
    return np.exp(-np.abs(z, dtype=np.float64))


def sigmoid(z: ArrayLike) -> Float:
    """σ(z) = 1 / (1 + exp(-z)), with full relative accuracy in both tails.

    Equation: eq-sigmoid

    Parameters
    ----------
    z : array of any shape, float32 or float64 (other dtypes become float64)
        Logits; ±inf is allowed.

    Returns
    -------
    array of the same shape and dtype
        For z < 0 it is computed as exp(z) / (1 + exp(z)), the same fraction multiplied by exp(z):
        no exponential of a positive number is ever taken.

    Raises
    ------
    ValueError
        If ``z`` is empty or holds NaN.
    """
    z = as_float("z", z)
    e = _exp_minus_abs(z)
    return np.asarray(np.where(z < 0, e, 1.0) / (1.0 + e), z.dtype)


def sigmoid_and_slope(z: Float) -> tuple[Float, Float]:
    """σ(z) and σ'(z) = σ(z) σ(-z) from one exponential, for the hidden layer's backward pass.

    Equation: eq-sigmoid-slope

    The exponential costs most, so it is taken once, in the dtype of ``z``. With h = exp(z/2),
    σ is h / (h + 1/h) and the slope 1 / (h + 1/h)²: unlike σ (1 - σ), it keeps its digits where σ
    rounds to 1. ``z`` is an array of float32 or float64 without NaN, ±inf is allowed; both results
    have its shape and dtype.
    """
    # In place where it can be: new memory costs more than the arithmetic.
    h = np.asarray(z / 2)
    widest = -np.log(np.finfo(z.dtype).tiny)  # there σ(z) is 0 or 1, and 1/h does not overflow yet
    np.exp(np.clip(h, -widest, widest, out=h), out=h)
    scale = np.asarray(1 / h)
    scale += h
    np.reciprocal(scale, out=scale)
    h *= scale  # σ(z)
    scale *= scale  # σ'(z)
    return h, scale


def softplus(z: ArrayLike) -> Float:
    """ζ(z) = log(1 + exp(z)), as ``max(z, 0) + log(1 + exp(-|z|))``.

    Equation: eq-softplus

    Parameters
    ----------
    z : array of any shape, float32 or float64 (other dtypes become float64)
        Logits; ±inf is allowed.

    Returns
    -------
    array of the same shape and dtype

    Raises
    ------
    ValueError
        If ``z`` is empty or holds NaN.
    """
    z = as_float("z", z)
    return np.asarray(np.log1p(_exp_minus_abs(z)) + np.maximum(z, 0), z.dtype)


def logistic_loss(y: ArrayLike, yhat: ArrayLike) -> float:
    """Mean of -y log(ŷ) - (1 - y) log(1 - ŷ): the naive form, kept to show how it breaks.

    Equation: eq-logistic-loss

    Where ŷ has been rounded to exactly 0 or 1 it returns inf or NaN, with NumPy's warning; and
    where 1 - ŷ has lost its digits it is silently wrong. Use `stable_logistic_loss` for work.

    Parameters
    ----------
    y : array (B, 1)
        Labels, 0 or 1; a probability between them (a soft label) is allowed.
    yhat : array (B, 1)
        Predicted probabilities σ(z2).

    Returns
    -------
    float
        The mean over the batch, in nats.

    Raises
    ------
    ValueError
        If the shapes differ, the batch is empty, or a value leaves [0, 1].
    """
    yhat = as_float("yhat", yhat)
    y = check_labels(y, "yhat", yhat)
    if yhat.min() < 0 or yhat.max() > 1:
        raise ValueError(
            f"yhat: expected probabilities between 0 and 1, got values from {yhat.min():g} to "
            f"{yhat.max():g}; pass sigmoid(z2), or give the logits to stable_logistic_loss."
        )
    return float(np.mean(-y * np.log(yhat) - (1 - y) * np.log(1 - yhat)))


def logistic_loss_per_example(y: ArrayLike, z: ArrayLike) -> Float:
    """ℓ(y, z) = y ζ(-z) + (1 - y) ζ(z), stable, one value per example (no reduction).

    Equation: eq-stable-loss

    It is computed as ``log(1 + exp(-|z|)) + c |z|``, where c is the share of the label on the
    wrong side of z: 1 - y for z > 0, and y otherwise. Both terms are at least 0, so nothing
    cancels.

    Parameters
    ----------
    y : array of any shape
        Labels in [0, 1].
    z : array of the same shape, float32 or float64 (other dtypes become float64)
        Logits; ±inf is allowed.

    Returns
    -------
    array of the shape and dtype of ``z``

    Raises
    ------
    ValueError
        If the shapes differ, an array is empty or holds NaN, or a label leaves [0, 1].
    """
    z = as_float("z", z)
    y = np.asarray(check_labels(y, "z", z), np.float64)
    wrong_share = np.where(z > 0, 1 - y, y)
    # 0 · inf would be NaN, but a share of 0 contributes nothing however large |z| is.
    linear = np.zeros(z.shape)
    np.multiply(wrong_share, np.abs(z), out=linear, where=wrong_share != 0)
    # Rounding to float32 overflows to inf only where the loss itself exceeds float32.
    return np.asarray(np.log1p(_exp_minus_abs(z)) + linear, z.dtype)


def stable_logistic_loss(y: ArrayLike, z2: ArrayLike) -> float:
    """L = mean of y ζ(-z2) + (1 - y) ζ(z2): the logistic loss from the logits.

    Equation: eq-batch-loss

    Parameters
    ----------
    y : array (B, 1)
        Labels, 0 or 1; a probability between them (a soft label) is allowed.
    z2 : array (B, 1)
        Logits; every finite value and ±inf is allowed.

    Returns
    -------
    float
        The mean over the batch, in nats.

    Raises
    ------
    ValueError
        If the shapes differ, the batch is empty or holds NaN, or a label leaves [0, 1].
    """
    losses = np.asarray(logistic_loss_per_example(y, z2), np.float64)
    # Scaling by the largest loss keeps the sum of many losses near 1e308 from overflowing.
    largest = losses.max()
    if np.isfinite(largest) and largest > 1e300:
        return float(largest * np.mean(losses / largest))
    return float(np.mean(losses))


def logistic_loss_logit_grad(y: ArrayLike, z: ArrayLike) -> Float:
    """∂ℓ/∂z = σ(z) - y, computed as (1 - y) σ(z) - y σ(-z), which keeps its digits (no reduction).

    Equation: eq-logit-derivative

    With a hard label one of the two terms is exactly 0 and nothing cancels: at y = 1, z = 40 the
    textbook difference σ(z) - y is 0.0, while the derivative is -4.2e-18. With a soft label the
    derivative itself passes through 0 at σ(z) = y, and close to that point the two terms cancel
    in every formula of the working precision: there the error is at most 3 ulp of the larger term
    in float64, before the result is rounded to its dtype. That may be many ulp of the small
    difference.

    Parameters
    ----------
    y : array of any shape
        Labels in [0, 1].
    z : array of the same shape, float32 or float64 (other dtypes become float64)
        Logits; ±inf is allowed.

    Returns
    -------
    array of the shape and dtype of ``z``

    Raises
    ------
    ValueError
        If the shapes differ, an array is empty or holds NaN, or a label leaves [0, 1].
    """
    z = as_float("z", z)
    y = np.asarray(check_labels(y, "z", z), np.float64)
    e = _exp_minus_abs(z)
    # σ(|z|) = 1 / (1 + e) and σ(-|z|) = e / (1 + e), so both terms share one denominator.
    up, down = np.where(z < 0, (1 - y) * e, 1 - y), np.where(z < 0, y, y * e)
    return np.asarray((up - down) / (1 + e), z.dtype)
