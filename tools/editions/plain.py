"""Turn MyST text into plain markdown that reads well in JupyterLab, where Sphinx is not at hand."""

import ast
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from pybtex.database import parse_string
from pybtex.richtext import Text

DIRECTIVE = re.compile(
    r"^(?P<fence>`{3,}|:{3,})\{(?P<name>[\w:-]+)\}[ ]*(?P<title>[^\n]*)\n"
    r"(?P<options>(?::[\w-]+:[^\n]*\n)*)(?P<body>.*?)^(?P=fence)[ ]*$",
    re.MULTILINE | re.DOTALL,
)
ROLE = re.compile(r"\{(?P<name>[a-z][\w:-]*)\}`(?P<text>[^`]+)`")
OPTION = re.compile(r":([\w-]+):[ ]*([^\n]*)\n")
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

    numbers: dict[str, str] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)
    sources: dict[str, tuple[str, str, str]] = field(default_factory=dict)


def read_sources(bibliography: str) -> dict[str, tuple[str, str, str]]:
    """Return key → (names, year, whole reference) from the text of a BibTeX file."""
    found = {}
    for key, entry in parse_string(bibliography, "bibtex").entries.items():
        fields = {name: str(Text.from_latex(value)) for name, value in entry.fields.items()}
        people = entry.persons.get("author", [])
        families = [str(Text.from_latex(" ".join(person.last_names))) for person in people]
        names = f"{families[0]} et al." if len(families) > 2 else " and ".join(families)
        year = fields.get("year", "")
        places = [fields[name] for name in ("journal", "booktitle", "publisher") if name in fields]
        parts = [", ".join(families), f"({year}).", f"*{fields.get('title', '')}*."]
        parts += [f"{place}." for place in places[:1]]
        parts += [f"https://doi.org/{fields['doi']}" if "doi" in fields else fields.get("url", "")]
        found[key] = names, year, " ".join(parts).strip()
    return found


@dataclass
class Plain:
    """The conversion of one chapter: ``values`` are what executed cells have stored for the prose.

    ``cited`` collects the keys of the sources that were cited.
    """

    book: Book
    values: Mapping[str, str]
    cited: set[str] = field(default_factory=set)

    def convert(self, text: str) -> str:
        """Return ``text`` with all directives and roles in plain form."""
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
        options = {name: value.strip() for name, value in OPTION.findall(match["options"])}
        label = options.get("label", "")
        if name == "math":
            return f"$$\n{body.strip()} \\tag{{{self._number(label)}}}\n$$"
        if name == "exercise-start":
            return f"### Exercise {self._number(label)}: {title}"
        if name in ("exercise-end", "solution-end"):
            return ""
        if name == "solution-start":
            return f"**Solution of exercise {self._number(title)}**"
        if name == "alive":
            return f"*On the website, a figure that answers stands here.* {body.strip()}"
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
        roles: dict[str, Callable[[], str]] = {
            "eq": lambda: f"({self._number(text)})",
            "numref": lambda: f"Figure {self._number(text)}",
            "ref": lambda: f"exercise {self._number(text)}",
            "doc": lambda: self._document(text),
            "cite:p": lambda: f"({self._sources(text, '{}, {}', '; ')})",
            "cite:t": lambda: self._sources(text, "{} ({})", " and "),
            "glue:text": lambda: self._value(text),
        }
        if name not in roles:
            raise PlainError(f"no plain form for the role {name!r} in {match.group()!r}.")
        return roles[name]()

    def _number(self, label: str) -> str:
        return self._known(self.book.numbers, label, "thing with the label")

    def _known(self, found: Mapping[str, Any], name: str, what: str) -> Any:
        if name not in found:
            raise PlainError(f"there is no {what} {name!r}.")
        return found[name]

    def _document(self, text: str) -> str:
        named = re.fullmatch(r"(.*?)\s*<(.+)>", text)
        words, target = (named[1], named[2]) if named else ("", text)
        title = self._known(self.book.titles, target, "document")
        form = "[{}]({}.ipynb)" if target[0].isdigit() else "*{}*"
        return form.format(words or title, target)

    def _sources(self, keys: str, form: str, joint: str) -> str:
        found = {key: self._known(self.book.sources, key, "source") for key in keys.split(",")}
        self.cited |= found.keys()
        return joint.join(form.format(*source[:2]) for source in found.values())

    def _value(self, text: str) -> str:
        name, _, form = text.partition(":")
        return format(ast.literal_eval(self._known(self.values, name, "stored value")), form)
