"""Two ids are the same when their normal forms are: whole columns and single texts agree, and nothing drifts."""

from __future__ import annotations

import unicodedata

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from features.ids import (
    has_refused_character,
    match_key,
    match_keys,
    normal_id,
    normal_ids,
    refused_characters,
    resolved_ids,
)

SIGNS = st.characters(exclude_categories=["Cs"]) | st.sampled_from(
    " \u00a0\u202f\u3000éÉe\u0301ßſﬁＦＡ１\u200b\u2028"
)
TEXTS = st.text(SIGNS, max_size=8)


@given(st.lists(TEXTS | st.none(), max_size=8))
def test_a_column_has_the_normal_forms_of_its_ids(texts):
    found = normal_ids(pl.Series("id", texts, dtype=pl.String)).to_list()
    assert found == [None if text is None else normal_id(text) or None for text in texts]


@given(st.lists(TEXTS | st.none(), max_size=8))
def test_a_column_has_the_match_keys_of_its_ids(texts):
    normal = [None if text is None else normal_id(text) for text in texts]
    found = match_keys(pl.Series("id", normal, dtype=pl.String)).to_list()
    assert found == [None if text is None else match_key(text) for text in normal]


@given(TEXTS)
def test_the_normal_form_of_a_normal_form_is_itself(text):
    assert normal_id(normal_id(text)) == normal_id(text)
    assert normal_id(unicodedata.normalize("NFD", text)) == normal_id(text)
    assert normal_id(f"  {text}\u00a0") == normal_id(text)


@given(TEXTS)
def test_one_key_for_every_case_and_form_of_an_id(text):
    key = match_key(text)
    assert match_key(key) == key
    assert match_key(unicodedata.normalize("NFKC", normal_id(text))) == key
    assert match_key(normal_id(text).casefold()) == key


@given(TEXTS)
def test_refused_characters_are_told_alike_of_a_text_and_a_column(text):
    column = pl.DataFrame({"id": [text]}).select(refused_characters(pl.col("id"))).item()
    assert column == has_refused_character(text)


@pytest.mark.parametrize(
    "sign",
    ["\x00", "\t", "\x85", "\u2028", "\u2029", "\u200b", "\u200e", "\u202e", "\u2066", "\ufeff", "\u00ad"],
)
def test_control_separator_direction_and_invisible_signs_are_refused(sign):
    assert has_refused_character(f"F{sign}1")


@given(
    st.lists(st.text("aAbB é", min_size=1, max_size=3).map(normal_id).filter(bool), max_size=5),
    st.lists(st.text("aAbB é", min_size=1, max_size=3).map(normal_id).filter(bool), max_size=5),
)
def test_a_reference_means_the_exact_id_else_its_only_match(known, wanted):
    found, ambiguous = resolved_ids(
        pl.Series("r", wanted, dtype=pl.String), pl.Series("k", known, dtype=pl.String)
    )
    for text, meant, doubtful in zip(wanted, found, ambiguous, strict=True):
        alike = {other for other in known if match_key(other) == match_key(text)}
        if text in known or not alike:
            assert (meant, doubtful) == (text, False)
        elif len(alike) == 1:
            assert (meant, doubtful) == (next(iter(alike)), False)
        else:
            assert (meant, doubtful) == (text, True)
