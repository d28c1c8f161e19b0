"""Print how every display equation was decided, and store it for the website.

Exits with 1, and stores nothing, if one does not hold.
"""

import sys

from tools.equations import report

if __name__ == "__main__":
    found = list(report.decisions(report.read()))
    print("\n".join(report.lines(found)))
    if any(decision.failure for decision in found):
        sys.exit(1)
    report.store(found)
