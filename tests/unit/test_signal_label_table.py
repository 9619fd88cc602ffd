"""The table of signal labels: complete, and every list that goes by label follows it."""

from __future__ import annotations

import dataclasses
import json

import pytest

from features.email.cues import load_matcher
from features.email.cues.cue_language import CUES_FOLDER, read_all_cues
from features.groups.communication import COLUMNS
from features.signal_labels import LABELS, SIGNAL_LABELS, SignalLabel, signals_schema
from models.email_reader import SAMPLES_FOLDER
from models.email_reader.baselines import KEYWORDS

PARTS = [field.name for field in dataclasses.fields(SignalLabel)]


@pytest.mark.parametrize("part", PARTS)
def test_a_label_without_one_of_its_parts_is_refused_by_name(part: str) -> None:
    given = {name: getattr(SIGNAL_LABELS[0], name) for name in PARTS if name != part}
    with pytest.raises(TypeError, match=f"'{part}'"):
        SignalLabel(**given)


def test_names_and_texts_of_labels_are_distinct() -> None:
    for part in ("name", "mails_fr", "mails_en", "shown_fr", "shown_en"):
        texts = [getattr(label, part) for label in SIGNAL_LABELS]
        assert len(set(texts)) == len(texts)
        assert all(text == text.strip() != "" for text in texts)


def test_every_label_has_cues_keywords_columns_and_labelled_mails() -> None:
    files = {path.stem for path in CUES_FOLDER.glob("*.txt")} - {"macros", "qualifiers"}
    assert files == set(LABELS)
    assert {cue.label for cue in read_all_cues(CUES_FOLDER)} == set(LABELS)
    assert set(KEYWORDS) == set(LABELS)
    labelled = (
        (SAMPLES_FOLDER / "training" / "labelled_emails.jsonl").read_text(encoding="utf-8").splitlines()
    )
    assert {label for line in labelled for label in json.loads(line)["labels"]} == set(LABELS)
    assert load_matcher() is load_matcher()
    assert set(LABELS) <= set(signals_schema())


def test_feature_names_and_directions_come_from_the_table() -> None:
    by_name = {column.name: column for column in COLUMNS}
    for label in SIGNAL_LABELS:
        count, recency = by_name[f"mail_{label.name}_count_90d"], by_name[f"mail_{label.name}_recency_days"]
        assert label.mails_fr in count.label.fr
        assert label.mails_en in recency.label.en
        assert count.direction == (1 if label.raises_risk else 0)
