"""The held-out mails: complete, apart from everything the reader learns from, and told in totals only."""

from __future__ import annotations

import json
import sys

import pytest

from benchmarks import email_signals
from benchmarks.email_signals import held_out_totals
from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.email import LABELS, LabelledMail, load_artefact
from models.email_reader import (
    read_calibration_mails,
    read_labelled_file,
    read_test_mails,
    read_training_mails,
    read_training_sentences,
)
from models.email_reader.training import fingerprint


@pytest.fixture(scope="module")
def held_out() -> list[LabelledMail]:
    return list(read_test_mails())


def _learnt_from() -> list[LabelledMail]:
    unread = [mail for mails in read_calibration_mails().values() for mail in mails]
    return [*read_labelled_file(LABELLED_EMAILS), *read_training_mails(), *unread]


def _plain(mail: LabelledMail) -> str:
    return " ".join(mail.mail.body.casefold().split())


def test_nothing_the_reader_learns_from_is_held_out(held_out: list[LabelledMail]) -> None:
    learnt = [*_learnt_from(), *read_training_sentences()]
    assert not {mail.mail.id for mail in held_out} & {mail.mail.id for mail in learnt}
    assert not {_plain(mail) for mail in held_out} & {_plain(mail) for mail in learnt}


def test_the_shipped_reader_learnt_from_these_sources_and_no_other() -> None:
    described = load_artefact().description
    assert described["mails_sha256"] == fingerprint(_learnt_from())
    assert described["corpus_sha256"] == fingerprint(read_training_sentences())


def test_held_out_mails_cover_every_label_and_mails_without_signal(held_out: list[LabelledMail]) -> None:
    assert len(held_out) == len({mail.mail.id for mail in held_out}) == 240
    assert all(sum(label in mail.labels for mail in held_out) >= 15 for label in LABELS)
    assert sum(not mail.labels for mail in held_out) >= 50


def test_totals_give_no_mail_away(
    held_out: list[LabelledMail], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    few = held_out[:12]
    monkeypatch.setattr(email_signals, "read_test_mails", lambda: few)
    monkeypatch.setattr(sys, "argv", ["email_signals", "--held-out"])
    email_signals.main()
    printed = capsys.readouterr().out
    assert json.loads(printed) == held_out_totals(few)
    assert not [mail.mail.id for mail in held_out if f'"{mail.mail.id}"' in printed]
    assert not [mail.mail.id for mail in few if mail.mail.subject and mail.mail.subject in printed]
