"""Find numbers in the book's prose that look like results and are bound to no run.

A number near a word such as "accuracy" or "epochs" must come from an executed cell, through
``{glue:text}``. Captions and alternative texts count as prose; code, mathematics and what roles
insert do not.
"""

import re
from dataclasses import dataclass
from pathlib import Path

import yaml

RESULT = re.compile(
    r"accurac(?:y|ies)|loss(?:es)?|seconds?|minutes?|epochs?|%|per\s?cent|percent|parameters?|"
    r"times (?:faster|slower|smaller|larger|longer)",
    re.IGNORECASE,
)
NUMBER = re.compile(
    r"(?<![\w.])\d[\d,]*(?:\.\d+)?(?![\w])|"
    r"\b(?:ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety)\b",
    re.IGNORECASE,
)
NEAR = 4  # words between a number and a result word


@dataclass(frozen=True)
class Finding:
    """A number that is bound to nothing: where, which, and the sentence around it."""

    chapter: str
    number: str
    sentence: str

    def __str__(self) -> str:
        return f"{self.chapter}: {self.number!r} is bound to no run in: {self.sentence}"


def prose(text: str) -> str:
    """Return the sentences that readers see in a MyST file, without code, mathematics and roles."""
    text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
    text = re.sub(r"^(`{3,})\{code-cell\}.*?^\1\s*$", _captions, text, flags=re.M | re.S)
    text = re.sub(r"^(`{3,})\{math\}.*?^\1\s*$", "\n\n", text, flags=re.M | re.S)
    # Other directives hold prose: only their fences and options go, not what is between them.
    directive = r"^(`{3,})\{[\w:-]+\}([^\n]*)\n((?::[^\n]*\n)*)(.*?)^\1[ ]*$"
    text = re.sub(directive, r"\n\2\n\n\4\n", text, flags=re.M | re.S)
    text = re.sub(r"^(`{3,})(?!\{).*?^\1\s*$", "\n\n", text, flags=re.M | re.S)
    text = re.sub(r"^%.*$", "", text, flags=re.M)
    text = re.sub(r"\$\$.*?\$\$", " ", text, flags=re.S)
    text = re.sub(r"\$([\d.,]+)\$", r"\1", text)  # a number in dollars is still a number
    text = re.sub(r"\$[^$\n]*(?:\n[^$\n]+)?\$", " X ", text)
    text = re.sub(r"\{[\w:-]+\}`[^`]*`", " X ", text)
    text = re.sub(r"\]\([^)]*\)", "] ", text)
    text = re.sub(
        r"\b(Adam|SGD|Nesterov|momentum|labels?)( (?:at|of))? [\d.]+\b", r"\1", text
    )  # names
    return re.sub(r"`[^`\n]*(?:\n[^`\n]+)?`", " X ", text)


def _captions(cell: re.Match[str]) -> str:
    header = re.search(r"^---\n(.*?)^---$", cell.group(), flags=re.M | re.S)
    shown = (yaml.safe_load(header.group(1)) or {}).get("mystnb", {}) if header else {}
    texts = (shown.get("figure", {}).get("caption", ""), shown.get("image", {}).get("alt", ""))
    return "\n\n" + "\n\n".join(texts) + "\n\n"


def sentences(text: str) -> list[str]:
    """Split prose into sentences; a list item, a heading and a table row are one each."""
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*#|:]|\d+\.)\s)", text)
    joined = [" ".join(re.sub(r"^\s*\d+\.\s", "", block).split()) for block in blocks]
    return [s for block in joined for s in re.split(r"(?<=[.?:;])\s+(?=[A-Z*({])", block) if s]


def unbound(chapter: str, text: str) -> list[Finding]:
    """Return every number within `NEAR` words of a result word."""
    found = []
    for sentence in sentences(prose(text)):
        results = [match.start() for match in RESULT.finditer(sentence)]
        for number in NUMBER.finditer(sentence):
            for place in results:
                low, high = sorted((number.start(), place))
                if len(sentence[low:high].split()) <= NEAR:
                    found.append(Finding(chapter, number.group(), sentence))
                    break
    return found


def check(folder: Path) -> list[Finding]:
    """Return the findings in all ``.md`` files of ``folder``."""
    pages = sorted(folder.glob("*.md"))
    return [found for page in pages for found in unbound(page.stem, page.read_text("utf-8"))]
