"""The closed lists: complete in both languages, on the page, and the same at every door."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from features.words import (
    BLOCKAGE_KINDS,
    BLOCKAGE_WORDS,
    INSTALMENT_KINDS,
    INTERACTION_CHANNELS,
    INTERACTION_KINDS,
    NEGATIVE_METHODS,
    PAYMENT_METHODS,
    known_word,
    lifecycle,
    nearest_word,
)
from features.words_page import words_page
from serving.accounts.customers import _CHANNELS
from serving.accounts.events import DETAIL_FORMS, has_readable_detail
from serving.dunning.words import CHANNELS

ROOT = Path(__file__).parents[2]
LISTS = (PAYMENT_METHODS, INTERACTION_KINDS, INTERACTION_CHANNELS, INSTALMENT_KINDS)


def test_the_page_of_words_is_current():
    assert (ROOT / "docs" / "words.md").read_text(encoding="utf-8") == words_page(), (
        "run: python -m features.words_page"
    )


@pytest.mark.parametrize("words", LISTS)
def test_every_word_is_its_own_key_and_no_spelling_means_two(words):
    assert all(key == word.word == word.word.lower() for key, word in words.items())
    spellings = [form for word in words.values() for form in (word.word, *word.also)]
    assert len(spellings) == len(set(spellings))


@pytest.mark.parametrize("words", LISTS)
def test_every_word_has_a_label_and_a_meaning_in_both_languages(words):
    for word in words.values():
        for text in (word.label, word.meaning):
            assert text.fr.strip()
            assert text.en.strip()
            assert text.fr[-1] not in ".;"


def test_every_blockage_has_words():
    assert set(BLOCKAGE_WORDS) == set(BLOCKAGE_KINDS)


def test_lifecycle_kinds_are_the_statuses_of_the_reform():
    codes = {
        int(kind.removeprefix("lifecycle_")) for kind in INTERACTION_KINDS if kind.startswith("lifecycle_")
    }
    assert codes == {*range(200, 215), 220, 221, 224, 225}
    with pytest.raises(KeyError, match="299 is no status"):
        lifecycle(299)


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("transfer", "transfer"),
        ("Direct Debit", "direct_debit"),
        ("WRITE-OFF", "write_off"),
        ("virement", None),
    ],
)
def test_spelling_of_a_method_does_not_matter_but_the_word_does(text, word):
    assert known_word(text, PAYMENT_METHODS) == word


def test_other_spellings_of_a_channel_mean_the_word_of_the_list():
    assert known_word("Letter", INTERACTION_CHANNELS) == "post"
    assert known_word("call", INTERACTION_CHANNELS) == "phone"


def test_the_nearest_word_is_near_or_none():
    assert nearest_word("transfert", PAYMENT_METHODS) == "transfer"
    assert nearest_word("remindr_sent", INTERACTION_KINDS) == "reminder_sent"
    assert nearest_word("zzz", PAYMENT_METHODS) is None


def test_only_reversals_and_refunds_are_negative_and_only_write_off_writes_off():
    assert set(NEGATIVE_METHODS) == {"reversal", "refund"}
    assert {m.word for m in PAYMENT_METHODS.values() if m.closed_by == "written_off"} == {"write_off"}


def test_every_channel_of_an_interaction_is_one_of_a_contact():
    assert set(_CHANNELS) == set(INTERACTION_CHANNELS)
    assert set(_CHANNELS.values()) <= set(CHANNELS)


@pytest.mark.parametrize("kind", sorted(DETAIL_FORMS))
def test_the_examples_of_a_detail_can_be_read(kind):
    examples = re.findall(r"\d{4}-\d{2}-\d{2}(?:/[\d.-]+)?", DETAIL_FORMS[kind])
    assert examples
    assert all(has_readable_detail(kind, example) for example in examples)
    assert not has_readable_detail(kind, "soon")
