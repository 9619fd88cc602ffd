"""Whose insolvency a mail speaks of: the sender's is labelled and quoted, another company's is not.

Source: the YAML files in `insolvency_sentences/`, written from the labelling rules.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest
import yaml

from features.email import Mail, load_pipeline
from models.email_reader import read_training_sentences

FOLDER = Path(__file__).parent / "insolvency_sentences"
SENT = dt.date(2026, 6, 3)


def _sentences(name: str) -> list[str]:
    return yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))


def _read(sentence: str):
    return load_pipeline().read(Mail("m", SENT, "Re: relance", f"Bonjour,\n{sentence}\nCordialement"))


@pytest.mark.parametrize("sentence", _sentences("others"))
def test_another_companys_insolvency_is_not_the_senders(sentence):
    assert "insolvency" not in _read(sentence).labels


@pytest.mark.parametrize("sentence", _sentences("own"))
def test_the_senders_own_insolvency_is_shown_with_its_sentence(sentence):
    signals = _read(sentence)
    assert "insolvency" in {*signals.labels, *signals.unsure_labels}
    quotes = [quote.sentence for quote in signals.quotes if quote.label == "insolvency"]
    assert quotes
    assert all(quote in sentence for quote in quotes)


def test_nearly_every_own_insolvency_is_decided_and_not_only_unsure():
    own = _sentences("own")
    assert sum("insolvency" in _read(sentence).labels for sentence in own) >= 0.9 * len(own)


def test_no_sentence_of_the_table_was_learnt_from():
    learnt = {mail.mail.body for mail in read_training_sentences()}
    assert learnt.isdisjoint([*_sentences("others"), *_sentences("own")])
