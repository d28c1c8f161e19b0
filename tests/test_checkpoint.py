"""Checkpoints: whole or not there, never executed, and as good as never having stopped."""

import errno
import os
import pickle
import signal
from pathlib import Path

import pytest
import torch
from torch import nn

from hwlib.batches import Batches
from hwlib.checkpoint import CheckpointError, load_checkpoint, save_checkpoint
from hwlib.data import to_tensors
from hwlib.models import MLP
from hwlib.stand_in import draw_stand_in
from hwlib.train import OPTIMIZERS, fit, make_optimizer, seeded_model

IMAGES, LABELS = to_tensors(*draw_stand_in(40, seed=2))
VALIDATION = Batches(IMAGES[:20], LABELS[:20], 20)
STATE = {"model": {"w": torch.arange(3.0)}, "history": {"train_loss": [0.1]}, "status": "finished"}


def dropout_model():
    return nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10))


def one_cycle(optimizer):
    return torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=15)


def run(path, epochs, *, seed, name="Adam 0.01", schedule=None, shuffle=True, make=dropout_model,
        batches=Batches):  # fmt: skip
    """Fit a new model with everything that has a state, seeded with ``seed``."""
    model = seeded_model(make, seed)
    optimizer = make_optimizer(name, model.parameters())
    generator = torch.Generator().manual_seed(seed) if shuffle else None
    train = batches(IMAGES, LABELS, 16, generator=generator)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        history = fit(
            model,
            train,
            VALIDATION,
            optimizer,
            epochs=epochs,
            scheduler=schedule(optimizer) if schedule else None,
            checkpoint=path,
        )
    return model, history


def assert_equal_runs(found, expected):
    for name, value in expected[0].state_dict().items():
        assert torch.equal(found[0].state_dict()[name], value), name
    for part in ("train_loss", "validation_loss", "validation_accuracy", "status", "message"):
        assert getattr(found[1], part) == getattr(expected[1], part), part
    assert len(found[1].seconds) == len(expected[1].seconds)


@pytest.mark.parametrize("schedule", [None, one_cycle], ids=["constant rate", "one cycle"])
@pytest.mark.parametrize("shuffle", [True, False], ids=["shuffled", "in order"])
@pytest.mark.parametrize("name", ["Nesterov 0.01", "Adam 0.01"])
def test_resumed_run_is_the_run_that_never_stopped(tmp_path, name, shuffle, schedule):
    options = {"name": name, "shuffle": shuffle, "schedule": schedule}
    expected = run(None, 5, seed=1, **options)
    path = tmp_path / "run.pt"
    run(path, 2, seed=1, **options)
    # Another seed: nothing but the checkpoint can bring the numbers back.
    assert_equal_runs(run(path, 5, seed=99, **options), expected)
    assert_equal_runs(run(path, 5, seed=98, **options), expected)  # finished: nothing is done
    assert len(expected[1].train_loss) == 5


def test_run_stopped_by_ctrl_c_resumes_from_its_last_whole_epoch(tmp_path):
    class Interrupted(Batches):
        passes = 0

        def __iter__(self):
            self.passes += 1
            for number, batch in enumerate(super().__iter__()):
                if (self.passes, number) == (3, 1):
                    signal.raise_signal(signal.SIGINT)
                yield batch

    path = tmp_path / "run.pt"
    _, stopped = run(path, 5, seed=1, batches=Interrupted)
    assert (stopped.status, len(stopped.train_loss)) == ("interrupted", 2)
    assert_equal_runs(run(path, 5, seed=99), run(None, 5, seed=1))


def test_diverged_epoch_is_not_stored(tmp_path):
    class Poisoned(Batches):
        passes = 0

        def __iter__(self):
            self.passes += 1
            for images, labels in super().__iter__():
                yield images * (float("nan") if self.passes == 3 else 1), labels

    path = tmp_path / "run.pt"
    _, history = run(path, 5, seed=1, batches=Poisoned)
    assert (history.status, len(history.train_loss)) == ("diverged", 2)
    assert_equal_runs(run(path, 5, seed=99), run(None, 5, seed=1))


# --- Whole or not there ---------------------------------------------------------------------


def assert_same_state(path):
    found = load_checkpoint(path)
    assert torch.equal(found["model"].pop("w"), torch.arange(3.0))
    assert found == {"model": {}, "history": {"train_loss": [0.1]}, "status": "finished"}


def test_what_is_saved_is_loaded_and_folders_are_made(tmp_path):
    path = tmp_path / "new" / "folder" / "run.pt"
    save_checkpoint(path, STATE)
    assert_same_state(path)
    assert [file.name for file in path.parent.iterdir()] == ["run.pt"]


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
@pytest.mark.parametrize("where", ["torch.save", "os.fsync", "pathlib.Path.replace"])
@pytest.mark.parametrize("before", [True, False], ids=["over an old one", "the first"])
def test_crash_while_writing_leaves_the_old_file(tmp_path, monkeypatch, where, error, before):
    path = tmp_path / "run.pt"
    if before:
        save_checkpoint(path, STATE)

    def crash(*args):
        if where == "torch.save":
            args[1].write(b"the first half")
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(where, crash)
        with pytest.raises(type(error)):
            save_checkpoint(path, {"model": "another"})
    assert list(tmp_path.iterdir()) == ([path] if before else [])
    if before:
        assert_same_state(path)


def test_file_is_complete_on_disk_before_it_gets_its_name(tmp_path, monkeypatch):
    steps = []
    sync, move = os.fsync, Path.replace

    def recorded_sync(handle):
        steps.append(("sync", os.fstat(handle).st_size))
        sync(handle)

    def recorded_move(source, target):
        steps.append(("move", source.stat().st_size))
        return move(source, target)

    monkeypatch.setattr("os.fsync", recorded_sync)
    monkeypatch.setattr("pathlib.Path.replace", recorded_move)
    save_checkpoint(tmp_path / "run.pt", STATE)
    size = (tmp_path / "run.pt").stat().st_size
    assert steps == [("sync", size), ("move", size)]


# --- What is refused ------------------------------------------------------------------------


def test_truncated_checkpoint_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    save_checkpoint(path, STATE)
    body = path.read_bytes()
    for n in range(0, len(body), 37):
        path.write_bytes(body[:n])
        with pytest.raises(CheckpointError, match=r"run\.pt: expected a checkpoint of this pack"):
            load_checkpoint(path)


def test_flipped_byte_is_refused_or_changes_nothing(tmp_path):
    path = tmp_path / "run.pt"
    save_checkpoint(path, STATE)
    body = path.read_bytes()
    stored = body.index(STATE["model"]["w"].numpy().tobytes())
    numbers = range(stored, stored + 12)
    for place in [*range(0, len(body), 3), *numbers]:
        path.write_bytes(body[:place] + bytes([body[place] ^ 0x10]) + body[place + 1 :])
        try:
            assert_same_state(path)  # some bytes mean nothing, such as padding and dates
            assert place not in numbers
        except CheckpointError as error:
            assert "delete it to start the run again" in str(error)  # noqa: PT017


def test_flipped_byte_of_a_weight_is_named(tmp_path):
    path = tmp_path / "run.pt"
    run(path, 1, seed=0, make=MLP)
    body = bytearray(path.read_bytes())
    body[len(body) // 2] ^= 1
    path.write_bytes(body)
    with pytest.raises(CheckpointError, match=r"the checksum of \S+/data/\d+ is wrong"):
        run(path, 2, seed=0, make=MLP)


@pytest.mark.parametrize("body", [b"<html>Not Found</html>", b"\x80\x02.", b"\0" * 100, b"PK\3\4"])
def test_other_files_are_refused(tmp_path, body):
    path = tmp_path / "run.pt"
    path.write_bytes(body)
    with pytest.raises(CheckpointError, match="delete it to start the run again"):
        run(path, 1, seed=0)


class Malicious:
    """What executes a call of the attacker's choice when a pickle is read carelessly."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return Path.touch, (self.path,)


@pytest.mark.parametrize("zipped", [True, False], ids=["zip", "old format"])
def test_pickle_with_code_is_refused_unexecuted(tmp_path, zipped):
    path, trace = tmp_path / "run.pt", tmp_path / "executed"
    torch.save({"model": Malicious(trace)}, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(CheckpointError, match="UnpicklingError" if zipped else "BadZipFile"):
        run(path, 1, seed=0)
    assert not trace.exists()
    torch.load(path, weights_only=False)  # the attack itself works
    assert trace.exists()


def test_plain_pickle_is_refused_unexecuted(tmp_path):
    path, trace = tmp_path / "run.pt", tmp_path / "executed"
    path.write_bytes(pickle.dumps(Malicious(trace)))
    with pytest.raises(CheckpointError):
        load_checkpoint(path)
    assert not trace.exists()
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "other",
    [
        {"make": MLP},
        {"make": lambda: nn.Sequential(nn.Flatten(), nn.Dropout(0.5), nn.Linear(784, 10, False))},
        *({"name": name} for name in OPTIMIZERS if name != "Adam 0.01"),
        {"schedule": one_cycle},
        {"shuffle": False},
    ],
    ids=["model", "layer", "SGD", "Nesterov", "rate", "schedule", "order"],
)
def test_checkpoint_of_another_run_is_refused(tmp_path, other):
    for first, second in (({}, other), (other, {})):
        path = tmp_path / f"{len(first)}.pt"
        run(path, 1, seed=0, **first)
        with pytest.raises(CheckpointError, match="give each run a path of its own"):
            run(path, 2, seed=0, **second)


@pytest.mark.parametrize("state", [{}, {"model": {}}, {"model": 3, "history": {}}])
def test_incomplete_state_is_refused(tmp_path, state):
    path = tmp_path / "run.pt"
    save_checkpoint(path, state)
    with pytest.raises(CheckpointError, match="of this model and optimiser, got another"):
        run(path, 1, seed=0)


def test_list_instead_of_a_state_is_refused(tmp_path):
    path = tmp_path / "run.pt"
    torch.save([1, 2, 3], path)
    with pytest.raises(CheckpointError, match="of this model and optimiser, got another"):
        run(path, 1, seed=0)
