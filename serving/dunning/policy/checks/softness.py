"""More risk or more money never leads to a softer sequence, except where the file says so."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from itertools import pairwise

from features.errors import Fault
from features.messages import localized
from features.words import GRADES, SEGMENTS
from features.yaml_source import YamlFile
from serving.dunning.policy.checked import Cell
from serving.dunning.policy.schema import PolicySpec, Route
from serving.dunning.policy.sequences import DunningSequence
from serving.dunning.words import NO_SEGMENT, STATES, TONES


def softness_faults(spec: PolicySpec, table: Mapping[Cell, Route], source: YamlFile) -> Iterator[Fault]:
    """Rows that are softer than the row of a better grade, or of less money, without saying that they mean it."""
    bands = [band.id for band in spec.money_bands]
    grade_steps = [
        ((segment, better, band, state), (segment, worse, band, state))
        for segment in (*SEGMENTS, NO_SEGMENT)
        for band in bands
        for state in STATES
        for better, worse in pairwise(GRADES)
    ]
    money_steps = [
        ((segment, grade, less, state), (segment, grade, more, state))
        for segment in (*SEGMENTS, NO_SEGMENT)
        for grade in GRADES
        for state in STATES
        for less, more in pairwise(bands)
    ]
    seen: set[tuple[str, str]] = set()
    for earlier, later in (*grade_steps, *money_steps):
        before, after = table.get(earlier), table.get(later)
        if before is None or after is None or after.softer_on_purpose or (before.id, after.id) in seen:
            continue
        harsher, softer = spec.sequences.get(before.sequence), spec.sequences.get(after.sequence)
        if harsher is None or softer is None or not is_softer(softer, harsher):
            continue
        seen.add((before.id, after.id))
        yield Fault(
            localized(
                "route {after} is softer than {before} for more risk or money",
                after=after.id,
                before=before.id,
            ),
            source.where(("routes", spec.routes.index(after))),
            expected=localized("a sequence at least as firm, or softer_on_purpose: true"),
            remedy=localized("change the sequence or say that it is meant"),
            examples=(f"{' / '.join(earlier)} -> {' / '.join(later)}",),
        )


def is_softer(sequence: DunningSequence, other: DunningSequence) -> bool:
    """Whether a sequence reaches no tone earlier than another one, and some tone later or never."""
    days, others = _first_days(sequence), _first_days(other)
    return days != others and all(day >= than for day, than in zip(days, others, strict=True))


def _first_days(sequence: DunningSequence) -> tuple[float, ...]:
    """The first day after the due date with a tone at least as harsh, for every tone that presses."""
    return tuple(
        min(
            (
                step.day
                for step in sequence.steps
                if step.day is not None and step.day >= 0 and TONES.index(step.tone) >= TONES.index(tone)
            ),
            default=math.inf,
        )
        for tone in TONES
        if tone != "courteous"
    )
