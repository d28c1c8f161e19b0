"""Turn MyST text into plain markdown that reads well in JupyterLab, where Sphinx is not at hand."""

import ast
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<title>[^\n]*)\n"
    r"(?P<body>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
ROLE = re.compile(r"\{(?P<name>[a-z][\w:-]*)\}`(?P<text>[^`]+)`")
OPTION = re.compile(r"\A:([\w-]+):[ ]*([^\n]*)\n")
BOXES = ("admonition", "note", "tip", "important", "warning", "caution", "seealso", "hint")
DOWNLOADS = (
    "Replace each `raise NotImplementedError` by your answer, then run the cell below it. A check "
    "stops at the first fault, shows the input that reveals it, and gives a hint, but not the "
    "solution."
)


class PlainError(ValueError):
    """A text holds a directive, a role or a reference that has no plain form here."""


@dataclass
class Book:
    """What references may lead to: numbers by label, titles by document, sources by key."""

    equations: dict[str, str] = field(default_factory=dict)
    figures: dict[str, str] = field(default_factory=dict)
    exercises: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    sources: dict[str, tuple[str, str, str]] = field(default_factory=dict)


def title_of(text: str) -> str:
    """Return the first heading of a text.

    Raises
    ------
    PlainError
        If there is none.
    """
    found = re.search(r"^# (.+)$", text, re.MULTILINE)
    if found is None:
        raise PlainError("expected a heading that begins with '# '.")
    return found[1].strip()


def read_sources(bibliography: str) -> dict[str, tuple[str, str, str]]:
    """Return key → (names, year, whole reference) from the text of a BibTeX file."""
    found = {}
    for entry in re.finditer(r"^@\w+\{([^,]+),\n(.*?)^\}", bibliography, re.MULTILINE | re.DOTALL):
        fields = {
            name: _letters(" ".join(value.split()))
            for name, value in re.findall(r"^\s*(\w+)\s*=\s*\{(.*?)\},?$", entry[2], re.M | re.S)
        }
        families = [name.split(",")[0].strip() for name in fields.get("author", "").split(" and ")]
        names = {1: families[0], 2: " and ".join(families)}.get(
            len(families), f"{families[0]} et al."
        )
        where = fields.get("journal") or fields.get("booktitle") or fields.get("publisher") or ""
        link = f" https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")
        parts = [
            ", ".join(families),
            f"({fields.get('year', '')}).",
            f"*{fields.get('title', '')}*.",
        ]
        whole = " ".join([*parts, f"{where}." if where else "", link]).replace("  ", " ").strip()
        found[entry[1].strip()] = names, fields.get("year", ""), whole
    return found


def _letters(value: str) -> str:
    """The value of a BibTeX field with its accents as letters and without braces."""
    accents = {'"': "\u0308", "'": "\u0301", "`": "\u0300", "^": "\u0302", "~": "\u0303"}
    value = re.sub(
        r"\\([\"'`^~])\{?(\w)\}?",
        lambda match: unicodedata.normalize("NFC", match[2] + accents[match[1]]),
        value,
    )
    return re.sub(r"[{}\\]", "", value)


@dataclass
class Plain:
    """The conversion of one chapter.

    ``values`` are the texts that executed cells have stored for the prose; ``cited`` collects the
    keys of the sources that were cited, in order.
    """

    book: Book
    values: Mapping[str, str]
    cited: list[str] = field(default_factory=list)

    def convert(self, text: str) -> str:
        """Return ``text`` with all directives and roles in plain form.

        Raises
        ------
        PlainError
            If there is no plain form for something.
        """
        paragraphs = re.split(r"\n{2,}", text)
        texts = [DOWNLOADS if "{download}`" in part else part for part in paragraphs]
        text = DIRECTIVE.sub(self._directive, "\n\n".join(texts))
        text = ROLE.sub(self._role, text)
        left = re.search(r"^[`:]{3,}\{.*|\{[a-z:]+\}`", text, re.MULTILINE)
        if left:
            raise PlainError(f"no plain form for: {left.group()}")
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def _directive(self, match: re.Match[str]) -> str:
        name, title, body = match["name"], match["title"].strip(), match["body"]
        options = {}
        while option := OPTION.match(body):
            options[option[1]] = option[2].strip()
            body = body[option.end() :]
        if name == "math":
            number = self._number(self.book.equations, options.get("label", ""))
            return f"$$\n{body.strip()} \\tag{{{number}}}\n$$"
        if name == "exercise-start":
            number = self._number(self.book.exercises, options.get("label", ""))
            return f"### Exercise {number}: {title}"
        if name in ("exercise-end", "solution-end"):
            return ""
        if name == "solution-start":
            return f"**Solution of exercise {self._number(self.book.exercises, title)}**"
        if name in BOXES:
            return self._box(title or name.capitalize(), options.get("class", ""), body.strip())
        raise PlainError(f"no plain form for the directive {name!r}.")

    def _box(self, title: str, kind: str, body: str) -> str:
        body = DIRECTIVE.sub(self._directive, body)
        if "dropdown" in kind:
            # With blank lines around it, JupyterLab reads the inside as markdown.
            return f"<details><summary><b>{title}</b></summary>\n\n{body}\n\n</details>"
        lines = [f"**{title}**", "", *body.splitlines()]
        return "\n".join(f"> {line}".rstrip() for line in lines)

    def _role(self, match: re.Match[str]) -> str:
        name, text = match["name"], " ".join(match["text"].split())
        roles: dict[str, Callable[[str], str]] = {
            "eq": lambda label: f"({self._number(self.book.equations, label)})",
            "numref": lambda label: f"Figure {self._number(self.book.figures, label)}",
            "ref": lambda label: f"exercise {self._number(self.book.exercises, label)}",
            "doc": self._document,
            "cite:p": lambda keys: f"({self._sources(keys, '{}, {}', '; ')})",
            "cite:t": lambda keys: self._sources(keys, "{} ({})", " and "),
            "glue:text": self._value,
        }
        if name not in roles:
            raise PlainError(f"no plain form for the role {name!r} in {match.group()!r}.")
        return roles[name](text)

    def _number(self, numbers: Mapping[str, str], label: str) -> str:
        if label not in numbers:
            raise PlainError(f"nothing has the label {label!r}.")
        return numbers[label]

    def _document(self, text: str) -> str:
        named = re.fullmatch(r"(.*?)\s*<(.+)>", text)
        words, target = (named[1], named[2]) if named else ("", text)
        if target not in self.book.titles:
            raise PlainError(f"there is no document {target!r}.")
        words = words or self.book.titles[target]
        return f"[{words}]({target}.ipynb)" if target[0].isdigit() else f"*{words}*"

    def _sources(self, keys: str, form: str, joint: str) -> str:
        texts = []
        for key in keys.split(","):
            if key not in self.book.sources:
                raise PlainError(f"there is no source {key!r}.")
            if key not in self.cited:
                self.cited.append(key)
            texts.append(form.format(*self.book.sources[key][:2]))
        return joint.join(texts)

    def _value(self, text: str) -> str:
        name, _, form = text.partition(":")
        if name not in self.values:
            raise PlainError(f"no executed cell has stored a value {name!r}.")
        return format(ast.literal_eval(self.values[name]), form)
