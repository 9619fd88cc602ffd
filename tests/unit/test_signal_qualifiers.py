"""Sentences with the answer written in them: `[words]{label}` counts, `[words]{label:reason}` does not count."""

from __future__ import annotations

import datetime as dt
import re

import pytest

from features.email.reading import read_mails
from features.email.values import Mail

MARK = re.compile(r"\[([^\]]+)\]\{(\w+)(?::(\w+))?\}")

SENTENCES = [
    "Nous sommes en [redressement judiciaire]{insolvency} depuis lundi.",
    "We have gone into [administration]{insolvency}.",
    "Aucun [litige]{dispute:negated} sur cette facture.",
    "There is no [dispute]{dispute:negated} on this one.",
    "Nous n'avons pas de [problème de trésorerie]{financial_difficulty:negated}.",
    "We have no [cash flow problems]{financial_difficulty:negated}.",
    "Sans [litige]{dispute:negated}, mais en [redressement judiciaire]{insolvency}.",
    "Si un jour nous étions en [redressement judiciaire]{insolvency:hypothetical}, vous le sauriez.",
    "If we ever went into [liquidation]{insolvency:hypothetical} we would tell you.",
    "Notre fournisseur est en [liquidation judiciaire]{insolvency:third_party}.",
    "Our supplier has gone into [administration]{insolvency:third_party}.",
    "Notre principal client est en [liquidation judiciaire]{insolvency:third_party}.",
    "La [faillite]{insolvency:third_party} de notre distributeur a vidé la caisse.",
    "Our main customer has gone into [administration]{insolvency:third_party}.",
    "Notre client principal nous a lâchés et nous avons été placés en [redressement judiciaire]{insolvency}.",
    "Our main customer failed and we were placed in [administration]{insolvency}.",
    "Ma cliente, la SAS Gallet, est en [liquidation judiciaire]{insolvency}.",
    "We are in [administration]{insolvency} while the directors look for a buyer.",
    "La [liquidation]{insolvency:other_sense} de la dépense est faite.",
    "Counsel accepts the [dispute]{dispute:other_sense} resolution clause.",
    "La [réclamation]{dispute:past} est retirée, finalement tout est conforme.",
    "Pouvons-nous [payer en trois fois]{payment_plan_request:question} ?",
    "La facture n'a pas été [réglée par virement]{payment_sent:negated}.",
    "Le [virement]{promise_to_pay} partira vendredi.",
    "Dès que vous m'envoyez le RIB, le [virement]{promise_to_pay:hypothetical} partira lundi.",
    "Vous êtes des [escrocs]{hostile_tone}.",
    "Mme Lestang a [quitté l'entreprise]{organisational_change}.",
    "La facture est [rejetée]{admin_block} par le portail.",
]


@pytest.mark.parametrize("marked", SENTENCES)
def test_mentions_count_or_not_as_marked(marked):
    plain = MARK.sub(lambda found: found.group(1), marked)
    (read,) = read_mails([Mail("t", dt.date(2025, 6, 11), "Re:", plain)])
    reading = read.reading
    for words, label, reason in MARK.findall(marked):
        start = reading.text.index(words)
        end = start + len(words)
        over = [
            mention
            for mention in reading.mentions
            if mention.label == label
            and reading.word_starts[mention.start] < end
            and start < reading.word_ends[mention.end - 1]
        ]
        assert over, f"no mention of {label} over {words!r}"
        if reason:
            assert all(reason in mention.qualifiers for mention in over), [m.qualifiers for m in over]
        else:
            assert any(not mention.qualifiers for mention in over), [m.qualifiers for m in over]


def test_every_cue_line_compiles_and_its_needles_are_necessary():
    from features.email.cues.cue_language import CUES_FOLDER, read_all_cues

    cues = read_all_cues(CUES_FOLDER)
    assert len(cues) > 600
    for cue in cues:
        assert cue.cue.pattern.pattern
        for needle in cue.cue.needles:
            assert needle.strip(), cue.cue.source


def test_a_cue_never_reaches_across_sentences():
    (read,) = read_mails(
        [Mail("t", dt.date(2025, 6, 11), "Re:", "Nous allons en redressement. Judiciaire est un mot.")]
    )
    words = [read.reading.words[m.start : m.end] for m in read.reading.mentions if m.label == "insolvency"]
    assert ("redressement", "judiciaire") not in words
