from __future__ import annotations

import datetime as dt
from pathlib import Path

import polars as pl

from features.email_signals import signals_frame, signals_schema
from features.ledger import table_dtypes
from serving.email_reading import EmailReader, evidence_of, remember_signals

AT = dt.datetime(2026, 3, 1, 9, 0, tzinfo=dt.UTC)


class CountingPipeline:
    """Stands for the reader of mails: says nothing of any mail and counts what it read."""

    def __init__(self) -> None:
        self.read: list[str] = []

    def read_many(self, mails):  # type: ignore[no-untyped-def]
        from features.email_signals import LABELS, MailSignals

        for mail in mails:
            self.read.append(mail.id)
            yield MailSignals(mail.id, "fr", False, (), (), dict.fromkeys(LABELS, 0.0))


def mails(*rows: tuple[str, str]) -> pl.DataFrame:
    made = [
        {
            "email_id": number,
            "customer_id": "C-1",
            "sent_at": AT,
            "direction": "outbound" if number.startswith("O") else "inbound",
            "subject": "",
            "body": body,
            "invoice_id": None,
        }
        for number, body in rows
    ]
    return pl.DataFrame(made, schema=table_dtypes("emails"))


def test_each_mail_is_read_once_and_a_corrected_one_again() -> None:
    pipeline = CountingPipeline()
    reader = EmailReader(lambda: pipeline)  # type: ignore[arg-type, return-value]
    first = reader(mails(("M-1", "a"), ("O-1", "ours"), ("M-2", "b")))
    assert first["email_id"].to_list() == ["M-1", "M-2"]
    reader(mails(("M-2", "b"), ("M-3", "c")))
    reader(mails(("M-1", "a changed")))
    assert pipeline.read == ["M-1", "M-2", "M-3", "M-1"]


def test_the_reader_gives_the_batch_s_frame_in_the_order_asked() -> None:
    pipeline = CountingPipeline()
    reader = EmailReader(lambda: pipeline)  # type: ignore[arg-type, return-value]
    some, others = mails(("M-2", "b"), ("M-1", "a")), mails(("M-3", "c"), ("M-1", "a"), ("M-2", "b"))
    reader(some)
    batch = signals_frame(others, CountingPipeline())  # type: ignore[arg-type]
    assert reader(others).equals(batch, null_equal=True)
    assert reader(others.clear()).equals(batch.clear())


def test_what_was_read_survives_a_restart_and_comes_from_the_nightly_run(tmp_path: Path) -> None:
    path = tmp_path / "mail_signals.parquet"
    emails = mails(*((f"M-{number}", "text") for number in range(60)))
    first = CountingPipeline()
    EmailReader(lambda: first, path)(emails)  # type: ignore[arg-type, return-value]
    assert path.stat().st_mode & 0o777 == 0o600
    second = CountingPipeline()
    EmailReader(lambda: second, path)(emails)  # type: ignore[arg-type, return-value]
    assert (len(first.read), second.read) == (60, [])
    path.unlink()
    remember_signals(path, emails, signals_frame(emails, CountingPipeline()))  # type: ignore[arg-type]
    third = CountingPipeline()
    EmailReader(lambda: third, path)(emails)  # type: ignore[arg-type, return-value]
    assert third.read == []
    path.write_bytes(b"damaged")
    fourth = CountingPipeline()
    EmailReader(lambda: fourth, path)(emails)  # type: ignore[arg-type, return-value]
    assert len(fourth.read) == 60


def test_signals_remembered_in_an_older_shape_are_read_again(tmp_path: Path) -> None:
    path = tmp_path / "mail_signals.parquet"
    emails = mails(*((f"M-{number}", "text") for number in range(60)))
    EmailReader(CountingPipeline, path)(emails)  # type: ignore[arg-type]
    pl.read_parquet(path).drop("promise_status", "promise_doubt").write_parquet(path)
    again = CountingPipeline()
    found = EmailReader(lambda: again, path)(emails)  # type: ignore[arg-type, return-value]
    assert len(again.read) == 60
    assert "promise_status" in pl.read_parquet(path).columns
    older = found.drop("promise_status")
    path.unlink()
    remember_signals(path, emails, older)
    assert not path.exists()


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
