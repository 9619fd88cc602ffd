"""Words of a delivered table brought to those of the closed lists, and what happens to the others.

An unknown payment method becomes `other`: a payment is never lost for a word. A contact by an unknown channel is
accepted without its channel. An interaction of unknown kind says nothing anybody could act on and goes to quarantine
under the nearest word.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl

from features.ledger.quarantine import split_by_rules
from features.ledger.report import NEAREST, Note
from features.messages import Message, localized
from features.words import (
    INTERACTION_CHANNELS,
    INTERACTION_KINDS,
    OTHER_METHOD,
    PAYMENT_METHODS,
    Word,
    known_word,
    nearest_word,
)

_SHOWN_WORDS = 5


def in_known_words(table: str, typed: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Note]]:
    """A table with its words in the spelling of the closed lists.

    Args:
        table: name of the ledger table.
        typed: its rows in contract types.

    Returns:
        The rows; those put aside for an unknown word, as they came, with `rule`; and notes on words replaced.
    """
    if table == "payments":
        return _methods(typed)
    if table == "interactions":
        return _interactions(typed)
    return typed, split_by_rules(typed, {})[1], []


def _methods(payments: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Note]]:
    spelt, unknown = _spelt(payments["method"], PAYMENT_METHODS)
    notes = _notes(
        payments["method"],
        unknown,
        PAYMENT_METHODS,
        lambda words: localized(
            "payments.method: unknown words were kept as {other!r}: {words}", other=OTHER_METHOD, words=words
        ),
    )
    words = spelt | dict.fromkeys(unknown, OTHER_METHOD)
    return _replaced(payments, "method", words), split_by_rules(payments, {})[1], notes


def _interactions(interactions: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame, list[Note]]:
    spelt, unknown = _spelt(interactions["kind"], INTERACTION_KINDS)
    rules: dict[str, pl.Expr] = {}
    for word in unknown:
        near = nearest_word(word, INTERACTION_KINDS)
        rule = "interactions.kind: unknown word" + (f"{NEAREST}{near!r}" if near is not None else "")
        same = pl.col("kind") == word
        rules[rule] = rules[rule] | same if rule in rules else same
    kept, bad = split_by_rules(interactions, rules)
    channels, strange = _spelt(kept["channel"], INTERACTION_CHANNELS)
    notes = _notes(
        kept["channel"],
        strange,
        INTERACTION_CHANNELS,
        lambda words: localized(
            "interactions.channel: unknown words, taken as not known: {words}", words=words
        ),
    )
    renamed = _replaced(_replaced(kept, "kind", spelt), "channel", channels | dict.fromkeys(strange))
    return renamed, bad, notes


def _spelt(column: pl.Series, known: Mapping[str, Word]) -> tuple[dict[str, str], list[str]]:
    """Spellings found that mean a known word but are not written like it, and those that mean none; sorted."""
    spelt, unknown = {}, []
    for text in column.unique().drop_nulls().sort().to_list():
        meant = known_word(text, known)
        if meant is None:
            unknown.append(text)
        elif meant != text:
            spelt[text] = meant
    return spelt, unknown


def _replaced(frame: pl.DataFrame, column: str, words: Mapping[str, str | None]) -> pl.DataFrame:
    return frame.with_columns(pl.col(column).replace(dict(words))) if words else frame


def _notes(
    column: pl.Series,
    unknown: list[str],
    known: Mapping[str, Word],
    sentence: Callable[[list[Message]], Message],
) -> list[Note]:
    """One note on all unknown words of a column: the most frequent ones with their rows and the nearest known word."""
    if not unknown:
        return []
    counts = (
        column.filter(column.is_in(unknown))
        .value_counts()
        .sort("count", column.name, descending=[True, False])
    )
    words = []
    for word, count in counts.head(_SHOWN_WORDS).iter_rows():
        near = nearest_word(word, known)
        words.append(
            localized("{word!r} ({number}, nearest {nearest!r})", word=word, number=count, nearest=near)
            if near
            else localized("{word!r} ({number})", word=word, number=count)
        )
    return [Note(sentence(words), int(counts["count"].sum()))]
