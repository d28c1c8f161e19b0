"""What goes wrong while a page is loaded."""

from dataclasses import dataclass, field


@dataclass
class Trouble:
    """What went wrong on the pages of a test, which fails if anything is left here."""

    outside: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    def all(self) -> list[str]:
        """Return every entry as a sentence."""
        return (
            [f"request to another host: {url}" for url in self.outside]
            + [f"error in the console: {text}" for text in self.errors]
            + [f"not loaded: {what}" for what in self.failed]
        )

    def clear(self) -> None:
        """Forget what was recorded, in a test that caused it on purpose."""
        for entries in (self.outside, self.errors, self.failed):
            entries.clear()
