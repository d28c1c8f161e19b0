"""Runs for the tests of sweeps; they stand in a module because other processes import them."""

import math
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np

from hwlib.course.moons import two_moons
from hwlib.two_layer import gradient_descent, init_weights


def square(*, x: float, seconds: float = 0.0, calls: str = "") -> dict[str, Any]:
    """Return x², after ``seconds``; append x to the file ``calls``."""
    if calls:
        with Path(calls).open("a") as file:
            file.write(f"{x}\n")
    time.sleep(seconds)
    return {"square": x * x}


def descend(*, learning_rate: float, seed: int, seconds: float = 0.5) -> dict[str, Any]:
    """Return the losses of a small network that learns, after ``seconds``."""
    rng = np.random.default_rng(seed)
    points, labels = two_moons(100, 0.2, rng)
    weights = init_weights(2, 10, rng)
    descent = gradient_descent(points, labels, weights, learning_rate=learning_rate, steps=100)
    time.sleep(seconds)
    return {"losses": descent.losses.tolist()}


def square_or_die(*, x: float, weapon: str) -> dict[str, Any]:
    """Return x², but if the file ``weapon`` exists, x = 3 removes it and kills its process."""
    if x == 3 and Path(weapon).exists():
        time.sleep(0.5)  # the runs before it have time to be delivered
        Path(weapon).unlink()
        os.kill(os.getpid(), signal.SIGKILL)
    return {"square": x * x}


def fails_at_two(*, x: float) -> dict[str, Any]:
    """Return 1 / (x - 2)."""
    return {"inverse": 1 / (x - 2)}


def not_a_number_at_two(*, x: float) -> dict[str, Any]:
    """Return x, but NaN for x = 2."""
    return {"x": math.nan if x == 2 else x}


def exits_at_two(*, x: float) -> dict[str, Any]:
    """Return x, but leave Python for x = 2."""
    return {"x": sys.exit("at two") if x == 2 else x}
