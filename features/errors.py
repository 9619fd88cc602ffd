"""The errors a caller may act on, and the form every message takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input.

    Attributes:
        what: what was wrong, in business words.
        where: table, column, file, line or key; empty when the whole input is meant.
        expected: what would have been right.
        remedy: what the person should do.
        count: how many rows or values, null when it does not apply.
        examples: a few of the offending values or keys.
    """

    what: str
    where: str = ""
    expected: str = ""
    remedy: str = ""
    count: int | None = None
    examples: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        if self.count is not None:
            head += f" ({self.count} row{'s' if self.count != 1 else ''})"
        if self.examples:
            head += f", for example {', '.join(self.examples[:5])}"
        parts = [head]
        if self.expected:
            parts.append(f"expected {self.expected}")
        if self.remedy:
            parts.append(f"to do: {self.remedy}")
        return "; ".join(parts)


class EncoursError(Exception):
    """Anything Encours refuses to do, with a message meant for the person who asked."""


class InvalidInputError(EncoursError):
    """An input that cannot be used; carries every fault found in it, not just the first."""

    def __init__(self, summary: str, faults: Sequence[Fault] = ()) -> None:
        self.summary = summary
        self.faults = tuple(faults)
        super().__init__(summary, self.faults)

    def __str__(self) -> str:
        return "\n".join([self.summary, *(f"  - {fault}" for fault in self.faults)])
