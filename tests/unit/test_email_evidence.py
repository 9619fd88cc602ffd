from __future__ import annotations

import datetime as dt

import polars as pl

from features.signal_labels import signals_schema
from serving.mails.reader import evidence_of

AT = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)


def test_evidence_is_recent_quoted_and_known_before_the_as_of_date() -> None:
    def row(number: str, day: dt.datetime, auto: bool = False) -> dict[str, object]:
        blank = dict.fromkeys(signals_schema())
        quotes = f'[{{"label": "promise_to_pay", "sentence": "{number}"}}]'
        return {
            **blank,
            "email_id": number,
            "customer_id": "C-1",
            "sent_at": day,
            "auto_reply": auto,
            "promise_to_pay": True,
            "quotes": quotes,
        }

    signals = pl.DataFrame(
        [
            row("old", AT - dt.timedelta(days=300)),
            row("earlier", AT - dt.timedelta(days=5)),
            row("newest", AT),
            row("machine", AT, auto=True),
            row("future", AT + dt.timedelta(days=1)),
        ],
        schema=signals_schema(),
    )
    found = evidence_of(signals, dt.date(2026, 3, 2))
    assert [quoted.quote for quoted in found] == ["newest", "earlier"]
    assert evidence_of(None, dt.date(2026, 3, 2)) == []
