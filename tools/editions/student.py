"""Generate the students' notebooks and the instructor's edition from the chapters.

Both come from the executed notebooks of the book, so that numbers in the text are those of the
runs. Nothing here needs PyTorch, and nothing that it writes is edited by hand.
"""

import ast
import io
import re
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from modulefinder import ModuleFinder
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from hwlib.check.hand_in import digest
from hwlib.check.tasks import TASKS, tasks_of
from tools.editions.plain import Book, Plain, PlainError, read_sources

TOP = Path(__file__).parents[2]
README = Path(__file__).with_name("student-readme.md")
GLUED = "application/papermill.record/text/plain"
SOLUTION = re.compile(r"```\{solution-(start|end)\}[^\n]*\n(?::[^\n]*\n)*```")
NOTEBOOKS = {"jupyterlab", "ipykernel", "sympy"}  # what chapters need beside the package
KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}


def chapters(book: Path) -> list[Path]:
    """Return the executed notebooks of the chapters, in their order."""
    return sorted(book.glob("[0-9][0-9]_*.ipynb"))


def read_book(book: Path) -> Book:
    """Number every equation, figure and exercise by chapter, and collect titles and sources."""
    found = Book(sources=read_sources((book / "references.bib").read_text(encoding="utf-8")))
    for path in book.glob("*.md"):
        heading = re.search(r"^# (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
        if heading is None:
            raise PlainError(f"{path.name}: expected a heading that begins with '# '.")
        found.titles[path.stem] = heading[1].strip()
    for path in chapters(book):
        number = int(path.stem[:2])
        cells = nbformat.read(path, as_version=4).cells
        text = "\n\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        equations = re.findall(r"^:label:\s*(eq-\S+)", text, re.MULTILINE)
        exercises = re.findall(r"^:label:\s*(ex-\S+)", text, re.MULTILINE)
        drawn = [c.metadata.get("mystnb", {}).get("figure", {}).get("name") for c in cells]
        for labels in (equations, exercises, filter(None, drawn)):
            found.numbers |= {name: f"{number}.{i}" for i, name in enumerate(labels, 1)}
    return found


def stored_values(notebook: NotebookNode) -> dict[str, str]:
    """Return the values that the executed cells of a notebook have stored for the prose."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return {
        o.metadata["scrapbook"]["name"]: o.data[GLUED]
        for o in outputs
        if "scrapbook" in o.get("metadata", {})
    }


def stub(source: str) -> str:
    """Return the functions of a solution with signature and docstring, and no body."""
    lines, parts = source.splitlines(), []
    for node in ast.parse(source).body:
        if not isinstance(node, ast.FunctionDef) or ast.get_docstring(node) is None:
            raise ValueError(
                f"expected functions with a docstring in a solution cell, got: {source[:60]!r}"
            )
        kept = lines[node.lineno - 1 : node.body[0].end_lineno]
        parts.append("\n".join([*kept, "    raise NotImplementedError"]))
    return "\n\n\n".join(parts)


def without_solutions(notebook: NotebookNode) -> Iterator[NotebookNode]:
    """Yield the cells, the texts of solutions left out and their code replaced by stubs."""
    inside = False
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            kept = []
            for part in SOLUTION.split(cell.source):  # what a mark says stands between the texts
                if part in ("start", "end"):
                    inside = part == "start"
                elif not inside:
                    kept.append(part.strip())
            cell = NotebookNode(cell | {"source": "\n\n".join(kept).strip()})
        elif "solution" in cell.metadata.get("tags", []):
            cell = NotebookNode(cell | {"source": stub(cell.source)})
        if cell.source:
            yield cell


def edition(path: Path, book: Book, kind: str) -> NotebookNode:
    """Return one chapter as a notebook without outputs, for students or instructors."""
    source = nbformat.read(path, as_version=4)
    plain, number = Plain(book, stored_values(source)), int(path.stem[:2])
    cells = []
    for cell in without_solutions(source) if kind == "student" else source.cells:
        if cell.cell_type == "markdown":
            if text := plain.convert(cell.source):
                cells.append(new_markdown_cell(text))
            continue
        tags = cell.metadata.get("tags", [])
        mine = tags if {"solution", "check"} & set(tags) else [*tags, "chapter"]
        metadata: dict[str, Any] = {"tags": mine}
        if "solution" not in tags:  # whoever grades runs what a student has changed
            metadata["original"] = digest(cell.source)
        cells.append(new_code_cell(cell.source, metadata=metadata))
        if figure := cell.metadata.get("mystnb", {}).get("figure"):
            caption = " ".join(plain.convert(figure["caption"]).split())
            cells.append(new_markdown_cell(f"**Figure {book.numbers[figure['name']]}.** {caption}"))
    if kind == "instructor":
        cells.insert(1, new_markdown_cell(_points(number)))
    if plain.cited:
        listed = "\n".join(f"- {book.sources[key][2]}" for key in sorted(plain.cited))
        cells.append(new_markdown_cell(f"## Sources\n\n{listed}"))
    for index, cell in enumerate(cells):
        cell["id"] = f"cell-{index}"  # random ids would change with every run
    about = {"kernelspec": KERNEL, "hwlib": {"chapter": number, "edition": kind}}
    notebook = new_notebook(cells=cells, metadata=about)
    nbformat.validate(notebook)
    return notebook


def _points(number: int) -> str:
    tasks = tasks_of(number)
    if not tasks:
        return "**Instructor's edition.** This chapter's exercises are experiments without points."
    head = "**Instructor's edition.** Points of this chapter:\n\n| answer | points |\n|---|---|\n"
    rows = [(f"`{task.answer}`", task.points) for task in tasks]
    rows.append(("in all", sum(task.points for task in tasks)))
    return head + "\n".join(f"| {name} | {points} |" for name, points in rows)


def write(target: Path) -> list[Path]:
    """Write both editions and their archives below ``target``; return notebooks and archives."""
    book = read_book(TOP / "book")
    written = []
    for kind in ("student", "instructor"):
        made = {Path(p.name): edition(p, book, kind) for p in chapters(TOP / "book")}
        files = {name: nbformat.writes(notebook) + "\n" for name, notebook in made.items()}
        cells = [cell for notebook in made.values() for cell in notebook.cells]
        code = "\n".join(cell.source for cell in cells if cell.cell_type == "code")
        for record in (TOP / "book" / "data").glob("*.json*"):
            if f'"{record.stem}' in code:  # as a chapter names it, with or without the ending
                files[Path("data") / record.name] = record.read_text(encoding="utf-8")
        for name, text in files.items():
            _store(target / kind / name, text.encode())
        archive = target / f"{kind}.zip"
        _store(archive, _packed(kind, files | _surroundings(kind, code)))
        written += [*(target / kind / name for name in made), archive]
    return written


def _surroundings(kind: str, code: str) -> dict[Path, str]:
    """What the notebooks of an edition need beside them: the package, and how to install.

    Students are graded elsewhere: of the package they get what their notebooks and checks import.
    """
    found = {
        Path("README.md"): README.read_text(encoding="utf-8"),
        Path("requirements.txt"): _requirements(),
    }
    needed = _imported(code) if kind == "student" else set((TOP / "hwlib").rglob("*.py"))
    data = (p for p in (TOP / "hwlib").rglob("*") if p.suffix in (".mplstyle", ".toml"))
    for path in [TOP / "LICENSE", *needed, *data]:
        found[path.relative_to(TOP)] = path.read_text(encoding="utf-8")
    return found


def _imported(code: str) -> set[Path]:
    """The modules of the package that ``code`` and the checks import, and those that they do."""
    finder = ModuleFinder([str(TOP)])
    finder.scan_code(compile(code, "notebooks", "exec"), finder.add_module("notebooks"))
    for task in TASKS.values():
        finder.import_hook(task.module)
    files = (getattr(module, "__file__", None) for module in finder.modules.values())
    return {Path(file) for file in files if file}


def _requirements() -> str:
    """The pinned versions of what the package and its notebooks need, and nothing else."""
    project = tomllib.loads((TOP / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    names = {re.split(r"[^\w-]", line)[0] for line in project["dependencies"]} | NOTEBOOKS
    pins = (TOP / "requirements.txt").read_text(encoding="utf-8").splitlines()
    return "".join(f"{pin}\n" for pin in pins if pin.partition("==")[0] in names)


def _packed(root: str, files: Mapping[Path, str]) -> bytes:
    """An archive of these files; the same input gives the same bytes."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as packed:
        for name, text in sorted(files.items()):
            entry = zipfile.ZipInfo(f"{root}/{name.as_posix()}", date_time=(2020, 1, 1, 0, 0, 0))
            packed.writestr(entry, text.encode(), zipfile.ZIP_DEFLATED)
    return archive.getvalue()


def _store(path: Path, content: bytes) -> None:
    """Leave a file alone that has this content: pages that offer it would be read anew."""
    if not path.is_file() or path.read_bytes() != content:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
