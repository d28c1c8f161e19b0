"""What builds and checks the book."""

import sys

# JSON Schema's reader, which nbformat loads, would make parsers of addresses from it that check
# nothing here, for three seconds in each process.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]
