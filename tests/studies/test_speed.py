"""The page on cost: ratios are taken within a repeat, and its tables are those of the record."""

import json
import re
from pathlib import Path

import pytest
import torch

from studies.speed import __main__ as bench
from studies.speed import page, stopwatch, training

BOOK = Path(__file__).parents[2] / "book"


@pytest.fixture
def record():
    epoch = {
        "ours": (1.0, 2.0, 4.0),
        "floor": (0.5, 1.0, 1.0),
        "PyTorch's example": (9.0, 20.0, 32.0),
    }
    gradient = {"ours": (1.0,), "floor": (0.5,), "autograd": (1.5,)}
    rows = [
        stopwatch.row("MLP, batch 9", epoch),
        stopwatch.row("gradient 2×3×4, float32", gradient),
        stopwatch.row("2 seeds, batch 9", {"ours": (3.0,), "together": (1.5,)}),
        stopwatch.row("loading", {"ours": (0.25,)}),
    ]
    levels = [
        {"level": 90, "recipe": "short", "test_accuracy": 0.91, "seconds": 10.0},
        {"level": 92, "recipe": "long", "test_accuracy": 0.93, "seconds": 50.0},
    ]
    courses = [[(30.0, 0.85), (60.0, 0.905)], [(45.0, 0.90), (90.0, 0.91)]]
    speed = {"rows": rows, "accuracy": training.compared(levels, courses)}
    chapter = {"chapter": "01_x", "seconds": 3.0, "peak_megabytes": 1234.5}
    made = bench.machine()
    return {"speed": speed | {"machine": made}, "chapters": {"rows": [chapter], "machine": made}}


def test_ratios_are_medians_over_pairs_of_one_repeat(record):
    ways = record["speed"]["rows"][0]["ways"]
    assert ways["ours"] == {"seconds": 2.0}
    assert ways["floor"] == {"seconds": 1.0, "ratio": 2.0, "low": 2.0, "high": 4.0}
    assert ways["PyTorch's example"] == {"seconds": 20.0, "ratio": 9.0, "low": 8.0, "high": 10.0}


def test_all_ways_are_timed_before_any_is_timed_again(monkeypatch):
    order = []
    monkeypatch.setattr(stopwatch.time, "perf_counter", lambda: float(len(order)))

    def way(name):
        return lambda: order.append(name)

    cases = [
        stopwatch.Case("one", {"ours": way("a"), "floor": way("b")}),
        stopwatch.Case("two", {"ours": way("c")}, rounds=2),
    ]
    rows = stopwatch.measure(iter(cases), 2)
    assert "".join(order) == "abccabcc"
    assert [row["what"] for row in rows] == ["one", "two"]
    assert rows[0]["ways"]["floor"]["ratio"] == 1.0


@pytest.mark.parametrize(
    ("name", "forward", "backward"),
    [
        ("MLP", ["addmm"] * 3, ["mm"] * 5),  # of its inputs, the first layer needs no gradient
        ("CNN", ["convolution"] * 2 + ["addmm"] * 2, ["mm"] * 4 + ["convolution_backward"] * 2),
    ],
)
def test_the_floor_is_the_products_of_a_step(name, forward, backward):
    images, labels = torch.rand(5, 1, 28, 28), torch.arange(5)
    products = training.step_products(name, images, labels)
    names = [product.func.__name__.removesuffix(".default") for product in products]
    assert names == forward + backward


def test_the_floor_of_an_epoch_goes_over_all_batches(monkeypatch):
    done = []

    def step_products(name, images, labels):
        assert len(images) == len(labels)
        return [lambda: done.append((name, len(images)))]

    monkeypatch.setattr(training, "step_products", step_products)
    for count in (6, 7):
        training.floor("MLP", 3, torch.zeros(count, 1), torch.zeros(count))()
    assert [size for _, size in done] == [3, 3, 3, 3, 1]


def test_the_example_gets_its_sooner_network_or_none(record):
    rows = {row["level"]: row for row in record["speed"]["accuracy"]}
    assert rows[90]["usual_seconds"] == 45.0
    assert rows[92]["usual_seconds"] is None
    table = page.tables(record)["accuracy"]["rows"]
    assert ["90 %", "short", "10 s", "45 s", "4.5"] in table
    assert ["92 %", "long", "50 s", "not reached", "–"] in table


def test_the_record_names_the_processor_and_no_host(monkeypatch):
    monkeypatch.setattr("platform.node", lambda: "secret-host")
    made = bench.machine()
    assert made["processor"]
    assert "secret-host" not in json.dumps(made)


@pytest.mark.parametrize(
    ("value", "text"),
    [(123.4, "123 s"), (1.26, "1.3 s"), (0.0456, "46 ms"), (0.00123, "1.2 ms"), (3e-5, "30 µs")],
)
def test_times_are_shown_with_two_digits(value, text):
    assert page.seconds(value) == text


def test_the_page_shows_every_table(record, tmp_path):
    bench.store(record, tmp_path / "bench.json")
    assert "<svg" in (tmp_path / "bench.svg").read_text("utf-8")
    made = json.loads((tmp_path / "bench.json").read_text(encoding="utf-8"))["tables"]
    text = (BOOK / "cost.md").read_text(encoding="utf-8")
    assert sorted(re.findall(r"\{stored\} bench (\w+)$", text, re.MULTILINE)) == sorted(made)
    assert made["chapters"]["rows"] == [["01_x", "3.0 s", "1,234 MB"]]
    ratios = ["2.00 (2.00 to 4.00)", "9.00 (8.00 to 10.00)"]
    assert made["epochs"]["rows"] == [["MLP, batch 9", "2.0 s", *ratios]]
    assert made["together"]["rows"] == [["2 seeds, batch 9", "3.0 s", "0.50 (0.50 to 0.50)"]]
    assert made["start"]["rows"] == [["loading", "250 ms"]]
    assert [len(row) for row in made["gradient"]["rows"]] == [5]


def test_tables_of_the_stored_record_are_those_of_its_numbers():
    stored = json.loads((BOOK / "data" / "bench.json").read_text(encoding="utf-8"))
    assert page.tables(stored) == stored["tables"], "run: make bench"
