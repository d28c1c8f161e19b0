"""Numbers in prose are bound to a run, and the test that says so would notice."""

import re
from pathlib import Path

import prose
import pytest

BOOK = Path(__file__).parents[2] / "book"


def test_every_number_near_a_result_word_is_bound_to_a_run() -> None:
    findings = prose.check(BOOK)
    assert not findings, "\n".join(map(str, findings))


@pytest.mark.parametrize(
    "sentence",
    [
        "Adam reaches 88.5 % on the test images.",
        "Adam reaches a test accuracy of 0.885.",
        "The loss falls to $0.31$ at the end.",
        "Training runs for 100 epochs.",
        "An epoch takes 7.0 seconds.",
        "It has 89,610 parameters.",
        "We train for twenty epochs.",
        "The second is 12 times faster.",
    ],
)
def test_a_number_that_is_typed_in_is_found(sentence: str) -> None:
    assert prose.unbound("chapter", f"# Title\n\nSome text. {sentence} More text.\n")


@pytest.mark.parametrize(
    "text",
    [
        "Adam reaches {glue:text}`adam-accuracy:.1f` % on the test images.",
        "Adam 0.01 has the highest accuracy, and Adam 1 the lowest.",
        "```{code-cell} ipython3\nloss = 0.5  # accuracy 88 %\n```",
        "```{math}\n:label: eq-x\nL = 0.5\n```",
        "The loss at $z = 40$ is positive.",
    ],
)
def test_what_is_bound_or_is_no_result_is_left_alone(text: str) -> None:
    assert not prose.unbound("chapter", f"# Title\n\n{text}\n")


def test_captions_and_alternative_texts_are_read() -> None:
    cell = (
        "```{code-cell} ipython3\n---\nmystnb:\n  figure:\n    caption: The loss ends at 0.31.\n"
        "    name: fig-x\n  image:\n    alt: A curve that ends near 88 % accuracy.\n"
        "---\nplot()\n```\n"
    )
    assert [finding.number for finding in prose.unbound("chapter", cell)] == ["0.31", "88"]


def test_text_between_a_directive_and_a_later_code_block_is_read() -> None:
    text = (
        "```{admonition} Facts\nAn accuracy of 71 %.\n```\n\nThe accuracy is 72 %.\n\n"
        "```sh\nloss 73 %\n```\n\nThe accuracy is 74 %.\n"
    )
    assert [finding.number for finding in prose.unbound("chapter", text)] == ["71", "72", "74"]


def test_a_number_planted_in_each_chapter_is_found() -> None:
    for path in BOOK.glob("[0-9]*.md"):
        text = path.read_text()
        before = len(prose.unbound(path.stem, text))
        seen = 0
        paragraphs = [m.end() for m in re.finditer(r"\n\n(?=[A-Z][^\n]+\n)", text)]
        for place in paragraphs[:: max(1, len(paragraphs) // 5)]:
            planted = text[:place] + "The accuracy is 73.4 % here.\n\n" + text[place:]
            inside = prose.prose(planted).count("73.4")
            assert len(prose.unbound(path.stem, planted)) == before + inside
            seen += inside  # 0 where the place lies in a cell
        assert seen
