"""The page on cost: ratios are taken within a repeat, and its tables are those of the record."""

import json
from pathlib import Path

import pytest

from studies.speed import __main__ as bench
from studies.speed import page as bench_page

BOOK = Path(__file__).parents[2] / "book"


def entry(what, way, repeat, seconds, **more):
    info = {"what": what, "way": way, "repeat": repeat} | more
    return {"extra_info": info, "stats": {"median": seconds}}


@pytest.fixture
def report():
    epoch = [
        entry("MLP, batch 9", way, repeat, seconds)
        for way, times in {
            "ours": (1.0, 2.0, 4.0),
            "floor": (0.5, 1.0, 1.0),
            "usual recipe": (9.0, 20.0, 32.0),
        }.items()
        for repeat, seconds in enumerate(times)
    ]
    accuracy = [
        entry("accuracy", "ours", 0, 10.0, level=90, recipe="short", test_accuracy=0.91),
        entry("accuracy", "ours", 0, 50.0, level=92, recipe="long", test_accuracy=0.93),
        entry("accuracy", "usual, A", 0, 99.0, course=[[30.0, 0.85], [60.0, 0.905]]),
        entry("accuracy", "usual, B", 0, 99.0, course=[[45.0, 0.90], [90.0, 0.91]]),
    ]
    together = [
        entry("2 seeds, batch 9", "ours", 0, 3.0),
        entry("2 seeds, batch 9", "together", 0, 1.5),
    ]
    start = [
        entry("loading", "ours", 0, 0.25),
        entry("a process that imports", "NumPy alone", 0, 0.1),
    ]
    cpu = {"brand_raw": "Some processor", "count": 2}
    host = {"cpu": cpu, "python_version": "3.11", "machine": "x86_64", "node": "secret-host"}
    return {
        "benchmarks": epoch + together + accuracy + start,
        "machine_info": host,
        "datetime": "2026-01-02T03:04:05",
    }


def summary(report):
    speed = bench.summarise(report)
    speed["machine"]["load_before"] = 0.1
    return {"speed": speed}


def test_ratios_are_medians_over_pairs_of_one_repeat(report):
    [epoch] = [row for row in summary(report)["speed"]["rows"] if row["what"] == "MLP, batch 9"]
    assert epoch["ways"]["ours"] == {"seconds": 2.0}
    assert epoch["ways"]["floor"] == {"seconds": 1.0, "ratio": 2.0, "low": 2.0, "high": 4.0}
    usual = {"seconds": 20.0, "ratio": 9.0, "low": 8.0, "high": 10.0}
    assert epoch["ways"]["usual recipe"] == usual


def test_the_usual_recipe_gets_its_sooner_network_or_none(report):
    rows = {row["level"]: row for row in summary(report)["speed"]["accuracy"]}
    assert rows[90]["usual_seconds"] == 45.0
    assert rows[92]["usual_seconds"] is None
    table = bench_page.accuracy_table(list(rows.values()))
    assert "| 90 % | short | 10 s | 45 s | 4.5 |" in table
    assert "| 92 % | long | 50 s | not reached | – |" in table


def test_the_record_names_the_processor_and_no_host(report):
    text = json.dumps(summary(report))
    assert "Some processor" in text
    assert "secret-host" not in text


@pytest.mark.parametrize(
    ("value", "text"),
    [(123.4, "123 s"), (1.26, "1.3 s"), (0.0456, "46 ms"), (0.00123, "1.2 ms"), (3e-5, "30 µs")],
)
def test_times_are_shown_with_two_digits(value, text):
    assert bench_page.seconds(value) == text


def test_everything_the_page_includes_is_made(report, tmp_path):
    record = summary(report)
    chapter = {"chapter": "01_x", "seconds": 3.0, "peak_megabytes": 1234.5}
    record["chapters"] = {"machine": record["speed"]["machine"], "rows": [chapter]}
    bench_page.write(record, tmp_path)
    assert (tmp_path / "bench.png").read_bytes().startswith(b"\x89PNG")
    assert (
        "| 2 seeds, batch 9 | 3.0 s | 0.50 (0.50 to 0.50) |"
        in (tmp_path / "bench_together.md").read_text()
    )
    page = (BOOK / "cost.md").read_text(encoding="utf-8")
    for made in tmp_path.iterdir():
        assert f"data/{made.name}\n" in page
    assert "| 01_x | 3.0 s | 1,234 MB |" in (tmp_path / "bench_chapters.md").read_text()
    assert (
        "2.00 (2.00 to 4.00) | 9.00 (8.00 to 10.00)" in (tmp_path / "bench_epochs.md").read_text()
    )


def test_tables_of_the_page_are_those_of_the_stored_record():
    record = json.loads((BOOK / "data" / "bench.json").read_text(encoding="utf-8"))
    for name, text in bench_page.fragments(record).items():
        stored = (BOOK / "data" / f"{name}.md").read_text(encoding="utf-8")
        assert stored == text, f"{name}.md: run make bench"
