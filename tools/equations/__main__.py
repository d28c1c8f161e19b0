"""Print how every display equation was decided; exit with 1 if one does not hold."""

import sys

from tools.equations import report

if __name__ == "__main__":
    found = list(report.decisions(report.read()))
    print("\n".join(report.lines(found)))
    sys.exit(any(decision.failure for decision in found))
