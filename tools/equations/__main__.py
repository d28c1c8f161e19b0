"""Print how every display equation was decided; exit with 1 if one does not hold."""

import argparse
import sys
from collections import Counter

from tqdm import tqdm

from tools.equations import report
from tools.equations.planted import Book


def main() -> int:
    """Check the book, the code against the book, and on request the checker itself."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--plant", action="store_true", help="judge all planted errors too; takes minutes"
    )
    if parser.parse_args().plant:
        return plant()
    book = report.read()
    found = list(report.decisions(book))
    print("\n".join(report.lines(found)))
    differing = report.disagreements(book)
    for label, text in differing.items():
        print(f"\n{label} differs from the code: {text}")
    print(f"{len(report.ADAPTERS):4d} equations compared with the code, {len(differing)} differ")
    return 1 if differing or any(d.failure for d in found) else 0


def plant() -> int:
    """Judge every planted error, and print those that nobody noticed."""
    book = Book(report.BOOK)
    verdicts = [book.judge(error) for error in tqdm(book.planted(), desc="planted errors")]
    for verdict in verdicts:
        if verdict.outcome == "missed":
            place = verdict.mutant.context.equation.place
            print(f"missed: {place}, {verdict.mutant.what}: {verdict.mutant.text}")
    outcomes = Counter(verdict.outcome for verdict in verdicts)
    caught = outcomes["refuted"] + outcomes["refused"]
    share = 100 * caught / (caught + outcomes["missed"])
    print(f"{dict(outcomes)}: {share:.1f} % of the planted errors were caught")
    return 0 if share >= 95 else 1


if __name__ == "__main__":
    sys.exit(main())
