"""A closed gate, with its reason in both languages and the values filled in."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from features.words import ClosedBy, Text
from serving.dunning.deciding.facts.freshness import FeedAge
from serving.dunning.decision import Reason
from serving.dunning.words import CLOSED_BY_WORDS, FEED_WORDS, NOTHING_LEFT_WORDS, GateId
from serving.dunning.writing import written_amount

UNKNOWN = Text("non connu", "not known")
NO_QUOTE = Text("phrase non conservée", "sentence not kept")


@dataclass(frozen=True)
class GateHit:
    """A closed gate.

    Attributes:
        gate_id: which one.
        reason: why, in both languages, with the values filled in.
        sequence_id: what is done instead of dunning; null where the dunning step remains but a person
            decides.
        hold_until: first day on which the gate may open by itself; null when that is not known.
        approval: who decides; null for gates that stop everything.
        since: the day the trouble began: a task opened before was about an earlier one; null when not known.
    """

    gate_id: GateId
    reason: Reason
    sequence_id: str | None = None
    hold_until: date | None = None
    approval: str | None = None
    since: date | None = None


def hit(
    gate_id: GateId,
    why: Text,
    sequence_id: str | None = None,
    hold_until: date | None = None,
    *,
    approval: str | None = None,
    since: date | None = None,
    **values: Text,
) -> GateHit:
    """A closed gate; `until`, `since` and the values given replace the names in braces of `why`."""
    values = {"until": day_words(hold_until), "since": day_words(since), **values}
    french = why.fr.format_map({name: value.fr for name, value in values.items()})
    english = why.en.format_map({name: value.en for name, value in values.items()})
    reason = Reason.of(f"gate.{gate_id}", Text(french, english))
    return GateHit(gate_id, reason, sequence_id, hold_until, approval, since)


def day_words(day: date | None) -> Text:
    """A day as the reader writes it, or that it is not known."""
    return UNKNOWN if day is None else Text(f"{day:%d/%m/%Y}", day.isoformat())


def amount_words(amount: Decimal, currency: str) -> Text:
    """An amount with its currency."""
    return Text(f"{written_amount(amount, 'fr')} {currency}", f"{written_amount(amount, 'en')} {currency}")


def closed_words(closed_by: ClosedBy | None) -> Text:
    """How the receivable was closed, or that nothing is left of it."""
    return NOTHING_LEFT_WORDS if closed_by is None else CLOSED_BY_WORDS[closed_by]


def quote_words(quote: str | None) -> Text:
    """The sentence of the debtor in its own language, or that it was not stored."""
    return Text(f"« {quote} »", f'"{quote}"') if quote else NO_QUOTE


def feed_words(stale: Iterable[FeedAge]) -> Text:
    """The tables that are too old: name, newest day, age and limit in working days."""
    french, english = [], []
    for age in stale:
        name = FEED_WORDS[age.feed]
        if age.known_through_on is None:
            french.append(f"{name.fr} : jamais reçus (limite {age.limit} j ouvrés)")
            english.append(f"{name.en}: never delivered (limit {age.limit} working days)")
            continue
        day = day_words(age.known_through_on)
        french.append(f"{name.fr} connus au {day.fr}, {age.working_days} j ouvrés (limite {age.limit})")
        english.append(
            f"{name.en} known to {day.en}, {age.working_days} working days ago (limit {age.limit})"
        )
    return Text(" ; ".join(french), "; ".join(english))
