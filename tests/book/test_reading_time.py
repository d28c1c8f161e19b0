"""A chapter is read in the time that it names, and none takes longer than a lesson."""

import re
from pathlib import Path

import prose
import pytest

CHAPTERS = sorted((Path(__file__).parents[2] / "book").glob("[0-9]*.md"))
WORDS_A_MINUTE, EQUATION = 200, 0.5  # minutes
LONGEST = {"05_mlp_optimisers": 35}  # minutes; 30 for every other chapter


def minutes(text: str) -> float:
    """How long the text before the exercises takes: their own times stand beside them."""
    text = text.partition("\n## Exercises\n")[0]
    equations = len(re.findall(r"^`{3,}\{math\}", text, re.M))
    return len(prose.prose(text).split()) / WORDS_A_MINUTE + EQUATION * equations


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda path: path.stem)
def test_a_chapter_is_read_in_the_time_it_names(chapter: Path) -> None:
    text = chapter.read_text("utf-8")
    needed = minutes(text)
    assert needed <= LONGEST.get(chapter.stem, 30)
    named = re.search(r"^- \*\*Time:\*\* about (\d+) min to read", text, re.M)
    assert named
    assert abs(int(named[1]) - needed) <= 2.5


def test_words_and_equations_take_time() -> None:
    equation = "```{math}\n:label: eq-x\nx = 1\n```\n"
    text = "word " * 200 + "\n\n" + equation + "\n## Exercises\n\n" + "word " * 200
    assert minutes(text) == pytest.approx(1.5, abs=0.02)
