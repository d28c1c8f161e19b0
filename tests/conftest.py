"""What holds in every test: floating-point errors raise, random tests repeat, one thread."""

import gc
import os
import signal
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis.strategies import none

# On small tensors threads only wait for each other. Set before any test module imports torch, which
# reads it once; notebooks are not affected.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# A shell that runs the tests in the background may have them ignore Ctrl-C, which some are about.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# The same examples on every run, and no limit on time: a slow machine is not an error.
# Of mutants there are hundreds, and a test that takes one for the original sees it on few examples.
examples = 10 if "MUTANT_UNDER_TEST" in os.environ else 100
settings.register_profile(
    "repeatable", derandomize=True, deadline=None, database=None, max_examples=examples
)
settings.load_profile("repeatable")


@pytest.fixture(autouse=True)
def floating_point_errors() -> Iterator[None]:
    """Turn overflow, division by zero and invalid operations into errors."""
    with np.errstate(divide="raise", over="raise", invalid="raise"):
        yield


def pytest_collection_finish() -> None:
    """Let the collector leave out what imports have made: it would walk it all every time."""
    # Hypothesis asks the collector, at its first test, who refers to its random numbers.
    given(none())(lambda _: None)()
    gc.collect()
    gc.freeze()
