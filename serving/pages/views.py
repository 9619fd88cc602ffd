"""One stored score as the page of an invoice shows it. Pure."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

from features.messages import Text
from serving.messages.answers import ScoreAnswer
from serving.pages.charts import Timeline, Waterfall, timeline, waterfall

_CALIBRATION = Text("Calibrage", "Calibration")
_OTHERS = Text("Autres faits", "Other facts")


@dataclass(frozen=True)
class InvoiceView:
    """What is drawn on the page of an invoice.

    Attributes:
        answer: the stored score.
        days: its timeline.
        reasons: the waterfall of the newest reasons; null when no score of the invoice has any.
        explained: the score these reasons are of.
        chances: days past due, and the probability of being unpaid then.
    """

    answer: ScoreAnswer
    days: Timeline
    reasons: Waterfall | None
    explained: ScoreAnswer
    chances: tuple[tuple[int, float], ...]


def invoice_view(
    answer: ScoreAnswer, explained: ScoreAnswer, issued_on: dt.date | None, due_on: dt.date | None
) -> InvoiceView:
    """Lay out one stored score.

    Args:
        answer: the newest stored score.
        explained: the newest one with reasons; the same as `answer` when it has them.
        issued_on: of the invoice; null when the ledger does not know it.
        due_on: of the invoice; null when the ledger does not know it.
    """
    marks = [
        (Text("émise", "issued"), issued_on),
        (Text("échéance", "due"), due_on),
        (Text("score", "scored"), answer.as_of),
    ]
    return InvoiceView(
        answer,
        timeline(marks, answer.payment_date_p10, answer.payment_date_p50, answer.payment_date_p90),
        _waterfall_of(explained),
        explained,
        tuple(sorted((int(days), chance) for days, chance in answer.unpaid_probability.items())),
    )


def _waterfall_of(answer: ScoreAnswer) -> Waterfall | None:
    explained = answer.explanation
    if explained is None:
        return None
    steps: list[tuple[Text, Text | None, float]] = [
        (Text(reason.label_fr, reason.label_en), Text(reason.fr, reason.en), reason.contribution)
        for reason in explained.reasons
    ]
    rest = ((_OTHERS, None, explained.others), (_CALIBRATION, None, explained.calibration))
    steps += [step for step in rest if step[2]]
    return waterfall(explained.base, steps, explained.probability)
