"""Grade hand-ins on the command line: ``python -m hwlib.check hand-ins``."""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import re
import signal
import sys
from pathlib import Path
from typing import NoReturn

from hwlib.check.grade import Grade, grade
from hwlib.check.gradebook import Gradebook, read_overrides, read_roster, student_of
from hwlib.check.hand_in import SetupError, find, plain
from hwlib.check.process import Limits
from hwlib.check.reference import chapters_of, flag, prove, solutions
from hwlib.check.tasks import POINTS

DESCRIPTION = """
Grade notebooks, each in a process of its own. This is no sandbox: a hand-in is a program, and can
read your files and use the network. Exit status: 0 if all were graded, 1 if some were not, 2 if
nothing could be, 128 + n if signal n ended the program; what was graded until then is kept.
"""


def main() -> int:
    """Print one line for each hand-in, write the tables and pages, and return the exit status."""
    for stream in (sys.stdout, sys.stderr):  # what a console cannot show must not stop anything
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    args = _parser().parse_args()
    let_signals_stop()
    try:
        book = _book(args)
    except (SetupError, re.error) as error:
        return _say(plain(error, 1000), 2)
    except KeyboardInterrupt as stopped:
        return _say(f"Stopped. What was graded is in {args.out}.", 128 + stopped.args[0])
    for student in sorted(book.unknown()):
        _say(f"{args.overrides}: no hand-in of {student!r}.")
    count, graded = len(book.grades), sum(grade.status == "graded" for grade in book.grades)
    text = f"{count} hand-ins, {graded} graded, {count - graded} not"
    return _say(f"{text}; tables and pages in {args.out}", int(graded < count))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m hwlib.check", description=DESCRIPTION)
    add, limits = parser.add_argument, Limits()
    add("hand_ins", nargs="*", help="notebooks, folders of them, patterns; none: only tables")
    add("--out", type=Path, default="grades", help="folder for tables and pages (%(default)s)")
    add("--chapter", type=int, choices=list(POINTS), help="that of all hand-ins")
    add("--student", default="", metavar="REGEX", help="its first group in a path is the student")
    add(
        "--take", choices=["best", "last"], default="best", help="of several hand-ins (%(default)s)"
    )
    add("--partial", action="store_true", help="give points for each step of a check")
    add("--overrides", type=Path, metavar="CSV", help="student,task,points,comment: these count")
    add("--roster", type=Path, metavar="CSV", help="student, and what platforms know students by")
    add("--reference", type=Path, metavar="FOLDER", help="notebooks with solutions, graded first")
    add("--class-seed", type=int, metavar="N", help="draw other values than students see")
    add("--seconds", type=float, default=limits.seconds, help="for a hand-in (%(default)s)")
    add("--task-seconds", type=float, default=limits.task_seconds, help="for a task (%(default)s)")
    add("--megabytes", type=int, default=limits.megabytes, help="for a hand-in (%(default)s)")
    add("--jobs", type=int, help="how many at a time (processors)")
    return parser


def _book(args: argparse.Namespace) -> Gradebook:
    """Check what was asked for first; then grade."""
    if args.student and re.compile(args.student).groups < 1:
        raise SetupError("--student: expected a regular expression with a group, as in '(.+)_01'.")
    book = Gradebook(
        take=args.take,
        overrides=read_overrides(args.overrides) if args.overrides else {},
        roster=read_roster(args.roster) if args.roster else {},
    )
    _check_writable(args.out)
    if not args.hand_ins:
        book.grades = _stored(args.out / "grades.json")
        book.write(args.out)
        return book
    paths = find(args.hand_ins)
    limits = Limits(args.seconds, args.task_seconds, args.megabytes)
    if not paths:
        raise SetupError(f"there is no notebook in {', '.join(args.hand_ins)}.")
    if args.class_seed is not None:
        os.environ["HWLIB_CLASS_SEED"] = str(abs(args.class_seed))
    known, chapters = solutions(args.reference), chapters_of(paths, args.chapter)
    right = prove([known[n] for n in sorted(chapters & known.keys())], limits, args.jobs)
    if missing := ", ".join(map(str, sorted(chapters - known.keys()))):
        _say(
            f"No known-good answers to chapter {missing}: a broken installation would look "
            "like wrong answers. Name the folder of the instructor's edition with --reference."
        )
    if args.partial:
        book.steps = {name: result["steps"] for name, result in right.items()}
    names = [path.stem for path in known.values()]
    with contextlib.closing(grade(paths, limits, args.jobs, args.chapter)) as grades:
        for done in grades:
            student = student_of(Path(done.path), names, args.student)
            line = str(book.add(student, flag(done, right)))
            book.write(args.out, [student])  # before the line says that it is done
            print(line, flush=True)
    return book


def _stored(path: Path) -> list[Grade]:
    """The grades of an earlier call, for tables and pages with corrections."""
    try:
        return [Grade(**entry) for entry in json.loads(path.read_text(encoding="utf-8"))]
    except (OSError, ValueError, TypeError) as error:
        raise SetupError(f"{path} holds no grades: {error}") from None


def _check_writable(folder: Path) -> None:
    """Find out before the work that its results can be stored."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "grades.json").open("a", encoding="utf-8").close()
    except OSError as error:
        raise SetupError(f"nothing can be written there: {error}") from None


def let_signals_stop() -> None:
    """Let SIGTERM and a closed terminal end the program as Ctrl-C does, once; say which it was."""
    # Windows knows of no closed terminal.
    numbers = (signal.SIGINT, signal.SIGTERM, getattr(signal, "SIGHUP", signal.SIGTERM))

    def stop(number: int, _: object) -> NoReturn:
        for each in numbers:
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt(number)

    for number in numbers:
        signal.signal(number, stop)


def _say(text: str, status: int = 0) -> int:
    print(text, file=sys.stderr)
    return status


if __name__ == "__main__":
    # At once: a thread that still waits for a killed process must not hold this one back.
    code = main()
    sys.stdout.flush()
    os._exit(code) if code > 128 else sys.exit(code)
