"""What builds and checks the book."""

import sys
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]

# JSON Schema's reader, which nbformat loads, would make parsers of addresses from it that check
# nothing here, for three seconds in each process. The Makefile has pytest import this module (-p)
# before its plugin for notebooks does so.
sys.modules.setdefault("rfc3987_syntax", None)  # pyrefly: ignore[no-matching-overload]
