"""The errors a caller may act on, and the form every message takes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from features.messages import Text, in_language, localized, localized_plural


@dataclass(frozen=True)
class Fault:
    """One thing wrong with an input; its sentences are messages, or plain English where they are not translated.

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
        return self.in_language("en")

    @property
    def sentence(self) -> str:
        """The whole fault as one sentence, which can be part of another message."""
        head = localized("{where}: {what}", where=self.where, what=self.what) if self.where else self.what
        if self.count is not None:
            rows = localized_plural("{count} row", "{count} rows", count=self.count)
            head = localized("{fault} ({rows})", fault=head, rows=rows)
        if self.examples:
            head = localized("{fault}, for example {examples}", fault=head, examples=self.examples[:5])
        if self.expected:
            head = localized("{fault}; expected {expected}", fault=head, expected=self.expected)
        if self.remedy:
            head = localized("{fault}; to do: {remedy}", fault=head, remedy=self.remedy)
        return head

    def in_language(self, language: str | None) -> str:
        """The fault as one line for a reader of a language."""
        return in_language(self.sentence, language)


class EncoursError(Exception):
    """Anything Encours refuses to do, with a message meant for the person who asked."""

    def in_language(self, language: str | None) -> str:
        """The refusal for a reader of a language."""
        return in_language(self.args[0], language) if self.args else str(self)


class InvalidInputError(EncoursError):
    """An input that cannot be used; carries every fault found in it, not just the first."""

    def __init__(self, summary: str, faults: Sequence[Fault] = ()) -> None:
        self.summary = summary
        self.faults = tuple(faults)
        super().__init__(summary, self.faults)

    def __str__(self) -> str:
        return self.in_language("en")

    @property
    def text(self) -> Text:
        """The whole refusal in both languages, as a value of another message."""
        return Text(self.in_language("fr"), self.in_language("en"))

    def in_language(self, language: str | None) -> str:
        """The refusal for a reader of a language, every fault on a line."""
        lines = [in_language(self.summary, language)]
        lines += [f"  - {fault.in_language(language)}" for fault in self.faults]
        return "\n".join(lines)
