"""Hand-ins to chapter 1, as tests of grading write them."""

import json
from pathlib import Path

RIGHT = """
import numpy as np

def my_sigmoid(z):
    return 1 / (1 + np.exp(-z))

def my_predict(X, W):
    z1 = X @ W["w1"]
    z2 = my_sigmoid(z1) @ W["w2"]
    return z1, z2, my_sigmoid(z2)
"""
WRONG = RIGHT.replace("np.exp(-z)", "np.exp(z)")


def notebook(path: Path, *sources: str, chapter: int | None = 1, tags: tuple = ()) -> Path:
    """Write a notebook with these cells."""
    metadata = {"tags": list(tags)}
    cells = [
        {"cell_type": "code", "source": s, "metadata": metadata, "outputs": []} for s in sources
    ]
    book = {"cells": cells, "metadata": {"hwlib": {"chapter": chapter}} if chapter else {}}
    path.write_text(json.dumps(book | {"nbformat": 4, "nbformat_minor": 5}))
    return path


def alive(pid):
    """Whether a process is there and no zombie."""
    state = Path(f"/proc/{pid}/stat")
    try:
        return ") Z" not in state.read_text()
    except OSError:
        return False
