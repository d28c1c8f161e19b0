"""Self-checks of the PyTorch chapters: right answers pass, wrong ones get the hint they deserve."""

# ruff: noqa: ARG005
from itertools import pairwise

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import nn

from hwlib import batches, check, evaluate, models, train
from hwlib.check import TASKS


@pytest.fixture(autouse=True)
def forget():
    check.forget()


def layers(*sizes, end=(), activation=nn.ReLU):
    parts = [nn.Flatten()]
    for i, o in pairwise(sizes):
        parts += [nn.Linear(i, o), activation()]
    return nn.Sequential(*parts[:-1], *end)


class Lists(nn.Module):
    """A model whose layers stand in a plain list."""

    def __init__(self):
        super().__init__()
        self.layers = [nn.Linear(784, 100), nn.Linear(100, 100), nn.Linear(100, 10)]

    def forward(self, x):
        x = x.flatten(1)
        for layer in self.layers[:-1]:
            x = torch.relu(layer(x))
        return self.layers[-1](x)


class Functional(nn.Module):
    """A right one, written with functional calls."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Linear(784, 100), nn.Linear(100, 100)
        self.c = nn.Linear(100, 10)

    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x.view(x.shape[0], -1))))))


class Unused(Functional):
    """A wrong one: the second hidden layer takes no part."""

    def forward(self, x):
        return self.c(F.relu(self.a(x.flatten(1))))


class Unflattened(Functional):
    def forward(self, x):
        return self.c(F.relu(self.b(F.relu(self.a(x)))))


SHARED = layers(784, 100, 100, 10)
KERNELS = (nn.Conv2d, nn.MaxPool2d)


def small_cnn(hidden=54, end=()):
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(1568, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 10),
        *end,
    )


def epoch(
    model,
    loader,
    optimizer,
    *,
    loss_of=F.cross_entropy,
    zero=True,
    weigh=True,
    step=True,
    mode=True,
    cut=False,
):
    """An epoch as students write it, with switches for what they forget."""
    if mode:
        model.train()
    total, n = 0.0, 0
    for x, y in loader:
        if zero:
            optimizer.zero_grad()
        loss = loss_of(model(x), y)
        loss.backward()
        if step:
            optimizer.step()
        total += loss.item() * (len(y) if weigh else 1)
        n += len(y)
        if cut:
            return total / n
    return total / n


def epoch_mean_of_means(model, loader, optimizer):
    losses = [epoch(model, [batch], optimizer) for batch in loader]
    return sum(losses) / len(losses)


def epoch_tensor(model, loader, optimizer):
    model.train()
    total, n = 0, 0
    for x, y in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        total = total + loss * len(y)
        n += len(y)
    return total / n


def epoch_step_first(model, loader, optimizer):
    model.train()
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.step()
        loss.backward()
    return loss.item()


def epoch_cleared_before_step(model, loader, optimizer):
    model.train()
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.zero_grad()
        optimizer.step()
    return loss.item()


def examine(
    model,
    loader,
    *,
    mode=True,
    percent=False,
    softmax=False,
    weigh=True,
    n_of=None,
    grad=False,
    dim=1,
):
    if mode:
        model.eval()
    total = correct = n = 0
    with torch.set_grad_enabled(grad):
        for x, y in loader:
            z = model(x)
            z = torch.softmax(z, 1) if softmax else z
            total += F.cross_entropy(z, y).item() * (len(y) if weigh else 1)
            correct += (z.argmax(dim)[: len(y)] == y[: len(z.argmax(dim))]).sum().item()
            n += len(y)
    n = n_of(loader) if n_of else n
    return total / n, correct / n * (100 if percent else 1)


def guess(model, image, *, of=lambda z: torch.softmax(z, 1), times=100, mode=True):
    if mode:
        model.eval()
    with torch.no_grad():
        z = model(image.unsqueeze(0))
    return z.argmax().item(), times * of(z)[0, z.argmax()].item()


def guess_by_hand(model, image):
    found = evaluate.predict_image(model, image)
    return found.label, 100 * found.confidence


def table(**changes):
    return lambda: {**train.OPTIMIZERS, **{k.replace("_", " "): v for k, v in changes.items()}}


def with_entry(name, make):
    return lambda: {**train.OPTIMIZERS, name: make}


def one_model(make_model, loader, optimizers, epochs, seed):
    torch.manual_seed(seed)
    model = make_model()
    curves = {}
    for name, make in optimizers.items():
        optimizer = make(model.parameters())
        curves[name] = [epoch(model, loader, optimizer) for _ in range(epochs)]
    return curves


def seeded_once(make_model, loader, optimizers, epochs, seed):
    torch.manual_seed(seed)
    curves = {}
    for name, make in optimizers.items():
        model = make_model()
        optimizer = make(model.parameters())
        curves[name] = [epoch(model, loader, optimizer) for _ in range(epochs)]
    return curves


def fair(make_model, loader, optimizers, epochs, seed):
    return {
        name: seeded_once(make_model, loader, {name: make}, epochs, seed)[name]
        for name, make in optimizers.items()
    }


def rewound(make_model, loader, optimizers, epochs, seed):
    """A right one: one model, set back to its first weights for each optimiser."""
    torch.manual_seed(seed)
    model = make_model()
    start = {k: v.clone() for k, v in model.state_dict().items()}
    curves = {}
    for name, make in optimizers.items():
        model.load_state_dict(start)
        optimizer = make(model.parameters())
        curves[name] = [epoch(model, loader, optimizer) for _ in range(epochs)]
    return curves


def zero_output():
    model = layers(784, 100, 100, 10)
    nn.init.zeros_(model[-1].weight)
    return model


def one_relu():
    return nn.Sequential(
        nn.Flatten(), nn.Linear(784, 100), nn.ReLU(), nn.Linear(100, 100), nn.Linear(100, 10)
    )


def tanh_cnn():
    return nn.Sequential(*[nn.Tanh() if isinstance(m, nn.ReLU) else m for m in small_cnn()])


def strided_cnn():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2),
        nn.ReLU(),
        nn.Conv2d(16, 32, 3, stride=2),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(1152, 72),
        nn.ReLU(),
        nn.Linear(72, 10),
    )


def late_switch(model, loader, optimizer):
    loss = epoch(model, loader, optimizer, mode=False)
    model.train()
    return loss


def early_switch(model, loader, optimizer):
    loss = epoch(model, loader, optimizer)
    model.eval()
    return loss


def copied(make_model, loader, optimizers, epochs, seed):
    """A right one: the state of one model is loaded into fresh ones."""
    torch.manual_seed(seed)
    start = make_model().state_dict()
    curves = {}
    for name, make in optimizers.items():
        model = make_model()
        model.load_state_dict(start)
        optimizer = make(model.parameters())
        curves[name] = [epoch(model, loader, optimizer) for _ in range(epochs)]
    return curves


def bounded_cnn(activation):
    parts = [nn.AvgPool2d(2) if isinstance(m, nn.MaxPool2d) else m for m in small_cnn()]
    return nn.Sequential(*(activation() if isinstance(m, nn.ReLU) else m for m in parts))


def lazy():
    return nn.Sequential(nn.Flatten(), nn.LazyLinear(100), *layers(784, 100, 100, 10)[2:])


class Before(nn.Module):
    """A right network behind something that is done to the images first."""

    def __init__(self, change):
        super().__init__()
        self.change, self.layers = change, layers(784, 100, 100, 10)

    def forward(self, x):
        return self.layers(self.change(x))


class TanhBehind(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = bounded_cnn(nn.Tanh)

    def forward(self, x):
        return torch.tanh(self.layers(x))


class Places(nn.Module):
    """Two strided convolutions, and something else than pooling of places."""

    def __init__(self, before=torch.abs, behind=torch.abs, inputs=1568):
        super().__init__()
        self.before, self.behind = before, behind
        self.a, self.b = nn.Conv2d(1, 16, 3, 2, 1), nn.Conv2d(16, 32, 3, 2, 1)
        self.c = nn.Linear(inputs, 84_800 // (inputs + 11))
        self.d = nn.Linear(self.c.out_features, 10)

    def forward(self, x):
        x = self.b(F.relu(self.a(self.before(x)))).relu()
        return self.d(F.relu(self.c(self.behind(x).flatten(1))))


class OneKernel(nn.Module):
    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Conv2d(1, 32, 1), nn.Conv2d(32, 32, 3, padding=1)
        self.c, self.d = nn.Linear(1568, 51), nn.Linear(51, 10)

    def forward(self, x):
        x = self.a(x)
        for _ in range(2):
            x = F.max_pool2d(F.relu(self.b(F.relu(x))), 2)
        return self.d(F.relu(self.c(x.flatten(1))))


def lines_cnn():
    """Convolutions along the pixels of one long line."""
    parts = [nn.Flatten(2)]
    for i, o in ((1, 16), (16, 32)):
        parts += [nn.Conv1d(i, o, 3, padding=1), nn.ReLU(), nn.MaxPool1d(4)]
    return nn.Sequential(*parts, *layers(1568, 54, 10))


def norms_cnn():
    """A right one, with a scale and a shift for each pixel of each map."""
    parts = [*small_cnn(hidden=48)]
    parts[3:3] = [nn.LayerNorm((16, 14, 14))]
    return nn.Sequential(*parts[:7], nn.LayerNorm((32, 7, 7)), *parts[7:])


def filled(make, value):
    model = make()
    for p in model.parameters():
        if p.ndim > 1:
            nn.init.constant_(p, value)
    return model


def from_seed(make):
    torch.manual_seed(0)
    return make()


def first(change, answer):
    """The answer, after a change of the model that nobody takes back."""

    def changed(model, *args):
        change(model)
        return answer(model, *args)

    return changed


def no_gradients(_):
    torch.set_grad_enabled(False)


def no_dropout(model):
    model[4].p = 0.0


def slower(model, loader, optimizer):
    loss = epoch(model, loader, optimizer)
    optimizer.param_groups[0]["lr"] *= 0.9
    return loss


def epoch_eval_in_loop(model, loader, optimizer):
    model.train()
    losses = []
    for batch in loader:
        losses += len(batch[1]) * [epoch(model, [batch], optimizer, mode=False)]
        model.eval()
    return np.mean(losses)


def stopping(make_model, loader, optimizers, epochs, seed):
    """Wrong: a run ends once its loss has risen."""
    curves = fair(make_model, loader, optimizers, epochs, seed)
    for losses in curves.values():
        rises = [i for i in range(1, epochs) if losses[i] > losses[i - 1]]
        del losses[rises[0] + 1 if rises else epochs :]
    return curves


def epoch_clipped(model, loader, optimizer):
    for p in model.parameters():
        p.register_hook(lambda slope: slope.clamp(-1, 1))
    return epoch(model, loader, optimizer)


def squeezed(x, y):
    return torch.tensor(x).squeeze().float().div(255).unsqueeze(1), torch.tensor(y).long()


RIGHT = [
    ("cnn", lambda: bounded_cnn(nn.Tanh)),
    ("cnn", lambda: bounded_cnn(nn.Sigmoid)),
    ("cnn", lambda: bounded_cnn(nn.Hardtanh)),
    ("cnn", norms_cnn),
    ("mlp", lazy),
    ("to_tensors", batches.to_tensors),
    (
        "to_tensors",
        lambda x, y: (torch.tensor(x / 255, dtype=torch.float32)[:, None], torch.tensor(y).long()),
    ),
    ("split_validation", batches.split_validation),
    (
        "split_validation",
        lambda n, v, g: (
            tuple(torch.utils.data.random_split(range(n), [n - v, v], generator=g))
            and torch.randperm(n, generator=g).split([n - v, v])
        ),
    ),
    ("mlp", models.MLP),
    ("mlp", Functional),
    ("mlp", zero_output),
    ("train_epoch", early_switch),
    ("compare_optimizers", rewound),
    ("cnn", tanh_cnn),
    ("mlp", lambda: layers(784, 100, 100, 10)),
    ("train_epoch", train.train_epoch),
    ("train_epoch", epoch),
    ("evaluate", evaluate.evaluate),
    ("evaluate", examine),
    ("predict_image", guess),
    ("predict_image", guess_by_hand),
    ("optimizers", lambda: train.OPTIMIZERS),
    ("optimizers", with_entry("Adam 1", lambda p: torch.optim.Adam(p, lr=1))),
    ("compare_optimizers", fair),
    ("compare_optimizers", copied),
    ("cnn", models.CNN),
    ("cnn", small_cnn),
]


@pytest.mark.parametrize(("task", "answer"), RIGHT)
def test_right_answers_pass_and_earn_all_points(task, answer):
    result = getattr(check, task)(answer)
    assert result, repr(result)
    assert result.points == TASKS[task].points
    assert not result.notes


def test_an_evaluation_with_gradients_is_right_and_gets_a_remark():
    result = check.evaluate(lambda m, b: examine(m, b, grad=True))
    assert result
    assert "no_grad" in result.notes[0]


SGD = torch.optim.SGD
WRONG = [
    ("to_tensors", lambda x, y: (torch.tensor(x), torch.tensor(y).long()), "shape", "channels"),
    (
        "to_tensors",
        lambda x, y: (torch.tensor(x).float()[:, None], torch.tensor(y).long()),
        "not divided",
        "0 to 255",
    ),
    (
        "to_tensors",
        lambda x, y: (torch.tensor(x / 255)[:, None], torch.tensor(y).long()),
        "dtype",
        "float32",
    ),
    ("to_tensors", lambda x, y: (batches.to_tensors(x, y)[0], torch.tensor(y)), "dtype", "int64"),
    (
        "split_validation",
        lambda n, v, g: (torch.arange(n - v), torch.arange(n - v, n)),
        "not shuffled",
        "sorted by class",
    ),
    (
        "split_validation",
        lambda n, v, g: (torch.randperm(n)[v:], torch.randperm(n)[:v]),
        "overlap",
        "one random order",
    ),
    (
        "split_validation",
        lambda n, v, g: torch.randperm(n).split([n - v, v]),
        "generator ignored",
        "generator",
    ),
    ("mlp", lambda: layers(784, 392, 196, 98, 10), "another network", "chapter 7"),
    ("mlp", lambda: layers(784, 100, 10), "another network", "two"),
    (
        "mlp",
        lambda: layers(784, 100, 100, 10, end=[nn.Softmax(1)]),
        "softmax before cross-entropy",
        "twice",
    ),
    (
        "mlp",
        lambda: layers(784, 100, 100, 10, end=[nn.LogSoftmax(1)]),
        "log-softmax before cross-entropy",
        "log",
    ),
    ("mlp", lambda: layers(784, 100, 100, 10, end=[nn.ReLU()]), "ReLU at the output", "linear"),
    (
        "mlp",
        lambda: layers(784, 100, 100, 10, activation=nn.Identity),
        "no activation",
        "two layers are one",
    ),
    (
        "mlp",
        lambda: layers(784, 100, 100, 10, activation=nn.Sigmoid),
        "another activation",
        "rectified",
    ),
    (
        "mlp",
        lambda: layers(784, 100, 100, 10, activation=nn.LeakyReLU),
        "another activation",
        "rectified",
    ),
    ("mlp", one_relu, "another activation", "left out"),
    (
        "mlp",
        lambda: layers(
            784, 100, 100, 10, activation=lambda: nn.Sequential(nn.ReLU(), nn.Dropout(0.5))
        ),
        "dropout or normalisation",
        "no dropout",
    ),
    ("cnn", strided_cnn, "no pooling", "window"),
    ("train_epoch", late_switch, "train mode missing", "when"),
    (
        "train_epoch",
        lambda *a: epoch(*a, loss_of=F.nll_loss),
        "nll_loss on logits",
        "cross_entropy",
    ),
    ("evaluate", lambda m, b: examine(m, b)[::-1], "loss and accuracy swapped", "first"),
    ("predict_image", lambda m, i: guess(m, i, of=lambda z: (z / 2).softmax(1)), "", "by hand"),
    ("mlp", Lists, "another network", "plain list"),
    ("mlp", Unused, "unused layer", "forward"),
    ("mlp", Unflattened, "raises", "flattened"),
    ("mlp", lambda: SHARED, "shared model", "inside"),
    ("mlp", SHARED, "one model for all", "four fresh models"),
    ("train_epoch", lambda *a: epoch(*a, zero=False), "forgotten zero_grad", "add up"),
    ("train_epoch", lambda *a: epoch(*a, step=False), "no step", "missing"),
    ("train_epoch", epoch_cleared_before_step, "no step", "cleared"),
    ("train_epoch", epoch_step_first, "raises", "too early"),
    ("train_epoch", lambda *a: epoch(*a, weigh=False), "divided by the images", "too small"),
    ("train_epoch", epoch_mean_of_means, "mean of batch means", "smaller"),
    ("train_epoch", epoch_tensor, "loss not detached", "item"),
    ("train_epoch", lambda *a: epoch(*a, mode=False), "train mode missing", "Dropout"),
    ("train_epoch", lambda *a: epoch(*a, cut=True), "return in the loop", "indented"),
    (
        "train_epoch",
        lambda *a: epoch(*a, loss_of=lambda z, y: F.cross_entropy(z.softmax(1), y)),
        "softmax before cross-entropy",
        "itself",
    ),
    (
        "train_epoch",
        lambda *a: epoch(*a, loss_of=lambda z, y: F.cross_entropy(z, y, reduction="sum")),
        "sum over the batch",
        "sum",
    ),
    ("evaluate", lambda m, b: examine(m, b, mode=False), "eval mode missing", "dropout"),
    ("evaluate", lambda m, b: examine(m, b, percent=True), "percent for a share", "share"),
    (
        "evaluate",
        lambda m, b: examine(m, b, softmax=True),
        "softmax before cross-entropy",
        "itself",
    ),
    ("evaluate", lambda m, b: examine(m, b, weigh=False), "divided by the images", "too small"),
    ("evaluate", lambda m, b: examine(m, b, dim=0), "argmax over the batch", "dimension"),
    ("evaluate", lambda m, b: (examine(m, b)[0], 1 - examine(m, b)[1]), "share of errors", "wrong"),
    ("predict_image", lambda m, i: guess(m, i, times=1), "share for percent", "percent"),
    ("predict_image", lambda m, i: guess(m, i, of=lambda z: z), "logit in percent", "ten logits"),
    (
        "predict_image",
        lambda m, i: guess(m, i, of=lambda z: z, times=1),
        "logit for probability",
        "ten",
    ),
    (
        "predict_image",
        lambda m, i: guess(m, i, of=lambda z: z.softmax(0)),
        "softmax over the batch",
        "dimension",
    ),
    ("predict_image", lambda m, i: guess(m, i, of=torch.sigmoid), "sigmoid for softmax", "sigmoid"),
    ("predict_image", lambda m, i: guess(m, i, mode=False), "eval mode missing", "dropout"),
    (
        "optimizers",
        with_entry("Nesterov 0.01", lambda p: SGD(p, lr=0.01, momentum=0.9)),
        "SGD with momentum for Nesterov",
        "look ahead",
    ),
    (
        "optimizers",
        with_entry("Adam 1", lambda p: torch.optim.Adam(p, lr=0.01)),
        "rate 0.01",
        "name say",
    ),
    ("optimizers", with_entry("Adam 0.01", lambda p: torch.optim.Adam(p)), "rate 0.001", "default"),
    (
        "optimizers",
        with_entry("SGD 0.01", SGD(SHARED.parameters(), lr=0.01)),
        "shared model",
        "four models",
    ),
    (
        "optimizers",
        with_entry("SGD 0.01", lambda p: SGD(SHARED.parameters(), lr=0.01)),
        "other parameters",
        "whose",
    ),
    ("optimizers", lambda: {"SGD": SGD}, "keys", "names"),
    ("compare_optimizers", one_model, "shared model", "first value of every curve"),
    ("compare_optimizers", seeded_once, "seeded once", "others do not"),
    ("to_tensors", squeezed, "shape", "one image"),
    ("mlp", lambda: from_seed(models.MLP), "same weights twice", "seed"),
    ("mlp", lambda: filled(models.MLP, 0.01), "weights alike", "stay alike"),
    ("mlp", lambda: Before(torch.relu), "another activation", "pixels"),
    ("mlp", lambda: Before(lambda x: x.clamp(0, 1)), "another activation", "pixels"),
    ("mlp", lambda: Before(lambda x: x.squeeze_(1)), "arguments changed", "caller"),
    ("mlp", lambda: layers(784, 100, 100, 10, end=[nn.Tanh()]), "tanh at the output", "linear"),
    ("train_epoch", slower, "settings changed", "settings"),
    ("train_epoch", epoch_clipped, "", "gradients"),
    ("train_epoch", epoch_eval_in_loop, "train mode missing", "not every batch"),
    (
        "train_epoch",
        lambda m, b, o: epoch(m, [(x, y) for x, y in b if len(y) > 1], o),
        "",
        "What is different",
    ),
    ("evaluate", first(no_gradients, examine), "settings changed", "stay"),
    ("evaluate", first(lambda m: m.requires_grad_(False), examine), "settings changed", "stay"),
    ("evaluate", first(no_dropout, examine), "settings changed", "stay"),
    ("predict_image", first(lambda m: m.requires_grad_(False), guess), "settings changed", "stay"),
    (
        "predict_image",
        lambda m, i: guess(m, i, of=lambda z: z.exp() / z.exp().sum()),
        "not finite",
        "exponential",
    ),
    ("compare_optimizers", stopping, "shape", "each epoch"),
    ("cnn", TanhBehind, "tanh at the output", "tanh"),
    ("cnn", lambda: from_seed(small_cnn), "same weights twice", "seed"),
    ("cnn", lambda: filled(small_cnn, 0.01), "weights alike", "stay alike"),
    ("cnn", lambda: Places(behind=lambda x: x.mean(1), inputs=49), "no pooling", "window"),
    (
        "cnn",
        lambda: Places(before=lambda x: F.max_pool2d(x, 2), inputs=512),
        "no pooling",
        "window",
    ),
    ("cnn", OneKernel, "no convolution", "counts once"),
    ("cnn", lines_cnn, "no convolution", "Conv2d"),
    ("cnn", models.MLP, "no convolution", "Conv2d"),
    ("cnn", lambda: small_cnn(hidden=400), "another size", "first linear layer"),
    ("cnn", lambda: small_cnn(end=[nn.Softmax(1)]), "softmax before cross-entropy", "twice"),
]


@pytest.mark.parametrize(("task", "answer", "mistake", "word"), WRONG)
def test_wrong_answers_get_the_hint_that_names_their_fault(task, answer, mistake, word):
    result = getattr(check, task)(answer)
    assert not result
    assert (result.mistake, word in result.hint) == (mistake, True), repr(result)


def test_checks_leave_the_random_state_of_torch_alone():
    before = torch.get_rng_state()
    for task, answer in (
        ("mlp", models.MLP),
        ("train_epoch", epoch),
        ("compare_optimizers", copied),
    ):
        assert getattr(check, task)(answer)
        assert torch.equal(before, torch.get_rng_state())
    assert np.isfinite(before.numpy()).all()
