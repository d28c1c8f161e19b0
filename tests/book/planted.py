"""Judge planted errors: each must be refuted, or proven to be no error after all."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from implementations import ADAPTERS, disagreement
from mutate import Mutant, mutants

from hwlib.formulas.judge import Context, Failure, Link, find_failure
from hwlib.formulas.notation import Defined, Entry, Key, Scope, definition, literal
from hwlib.formulas.parse import parse
from hwlib.formulas.symbolic import prove_equal
from hwlib.formulas.tree import Node, NotationError
from tools.equations.extract import read_book
from tools.equations.tables import contexts

FEW = 3  # points for a link that an error may reach; the whole book is checked at more


@dataclass(frozen=True)
class Verdict:
    """What became of a planted error: refuted, refused, equivalent or missed."""

    mutant: Mutant
    outcome: str
    because: str = ""


class Book:
    """All statements of the book, and who depends on which definition."""

    def __init__(self, folder: Path) -> None:
        self.contexts = list(contexts(read_book(folder)))
        self.by_label: dict[str, list[Context]] = {}
        for context in self.contexts:
            self.by_label.setdefault(context.label, []).append(context)
        self._reach = {id(c): reach(c.scope, list(c.statement.sides)) for c in self.contexts}

    def uses(self, context: Context, key: Key, meaning: Defined) -> bool:
        """Does the statement depend on this very definition."""
        return key in self._reach[id(context)] and context.scope.meanings.get(key) is meaning

    def planted(self) -> list[Mutant]:
        """All planted errors; a statement that is wrong on purpose gets none."""
        right = (c for c in self.contexts if not c.label.startswith("eq-wrong-"))
        return [mutant for context in right for mutant in mutants(context)]

    def judge(self, mutant: Mutant) -> Verdict:
        """Put the error in the place of the right statement, and see who notices."""
        try:
            changed = _with_text(mutant)
        except NotationError as error:
            return Verdict(mutant, "refused", str(error))
        for notice in self._notices(mutant.context, changed):
            if notice:
                outcome = "refused" if isinstance(notice, Failure) and notice.refused else "refuted"
                return Verdict(mutant, outcome, str(notice))
        if _proven(mutant.context, changed):
            return Verdict(mutant, "equivalent", "SymPy: the difference is 0")
        return Verdict(mutant, "missed")

    def _notices(self, original: Context, changed: Context) -> Iterator[Failure | str | None]:
        """Everybody who might object, the cheapest first."""
        for link in changed_links(original, changed):
            yield find_failure(link)
        if original.label in ADAPTERS:
            yield self._disagreement(original.label, original, changed)
        before, after = definition(original.statement), definition(changed.statement)
        affected = set()
        if before and after:
            key, meaning = before[0], original.scope.meanings[before[0]]
            assert isinstance(meaning, Defined)
            users = [c for c in self.contexts if self.uses(c, key, meaning)]
            affected = {c.label for c in users} - {original.label}
            for context in users:
                if context.label.startswith("eq-wrong-"):
                    continue
                moved = replace(context, scope=context.scope.extended(dict([after])))
                for link in moved.links:
                    if link.kind == "assertion" and context is not original:
                        yield find_failure(link, count=FEW)
        for label in affected & ADAPTERS.keys():
            yield self._disagreement(label, original, changed)

    def _disagreement(self, label: str, original: Context, changed: Context) -> str:
        """How the code differs from an equation, as that is with the error in the book."""
        return disagreement(label, {label: self._replaced(label, original, changed)})

    def _replaced(self, label: str, original: Context, changed: Context) -> list[Context]:
        """The statements of an equation as they are with the error in the book."""
        after = definition(changed.statement)
        result = []
        for context in self.by_label[label]:
            now = changed if context is original else context
            scope: Scope = now.scope
            if after and after[0] in scope.meanings:
                scope = scope.extended(dict([after]))
            result.append(replace(now, scope=scope))
        return result


def _with_text(mutant: Mutant) -> Context:
    """The statement with the error, in its place."""
    context = mutant.context
    statement = parse(mutant.text)
    statement = replace(statement, conditions=context.statement.conditions)
    scope = context.scope
    if (after := definition(statement)) and not _declared(context, after[0]):
        scope = scope.extended(dict([after]))
    return replace(context, statement=statement, scope=scope)


def _declared(context: Context, key: Key) -> bool:
    before = definition(context.statement)
    return before is not None and before[0] != key


def changed_links(original: Context, changed: Context) -> list[Link]:
    """The asserted links of a statement in which a side or the relation differs."""
    found = []
    for before, after in zip(original.links, changed.links, strict=True):
        if (before.sides, before.relation) != (after.sides, after.relation):
            found.append(after)
    return [link for link in found if link.kind == "assertion"]


def _proven(original: Context, changed: Context) -> bool:
    """Is it proven that the changed sides equal the original ones."""
    pairs = zip(original.statement.sides, changed.statement.sides, strict=True)
    different = [(a, b) for a, b in pairs if a != b]
    if original.statement.relations != changed.statement.relations:
        return False
    return bool(different) and all(prove_equal(original, a, changed, b) for a, b in different)


def reach(scope: Scope, nodes: list[Node]) -> set[Key]:
    """All keys that the value of the nodes depends on, through definitions."""
    found: set[Key] = set()
    waiting = list(nodes)
    while waiting:
        for key in _keys(waiting.pop()):
            if key in found:
                continue
            found.add(key)
            for table in (scope.meanings, scope.one_example):
                meaning = table.get(key)
                if isinstance(meaning, Defined):
                    waiting.append(meaning.body)
                elif isinstance(meaning, Entry):
                    waiting.append(Node("symbol", name=meaning.array))
    return found


def _keys(node: Node) -> Iterator[Key]:
    for n in node.walk():
        if n.op == "symbol":
            yield Key(n.name, len(n.args))
            yield Key(n.name, kind="function")  # a bare function name in a derivative
            if name := literal(n):
                yield Key(name)
        elif n.op == "call":
            yield Key(n.name.rstrip("'"), kind="function")
