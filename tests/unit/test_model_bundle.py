"""A bundle is plain files that come back exactly, and stop the reader when they do not fit."""

from __future__ import annotations

import json

import pytest

from features.errors import InvalidInputError
from models.bundle import CHECKSUMS_FILE, MODEL_FILE, TREES_FILES, load_bundle, write_bundle
from models.score import score
from tests.model_samples import FEATURES, bundle, unseen


@pytest.fixture
def folder(tmp_path):
    return write_bundle(bundle(), tmp_path / "model")


def test_a_bundle_comes_back_with_the_same_scores_and_name(folder):
    features, landmarks = unseen()
    loaded = load_bundle(folder, FEATURES, "1")
    assert loaded.version == bundle().version
    scores = score(loaded, features, landmarks).frame()
    assert scores.equals(score(bundle(), features, landmarks).frame())


def test_only_text_and_json_are_written(folder):
    assert sorted(path.name for path in folder.iterdir()) == sorted(
        [MODEL_FILE, *TREES_FILES, CHECKSUMS_FILE]
    )
    assert json.loads((folder / MODEL_FILE).read_text())["feature_names"] == list(FEATURES)


def test_writing_again_replaces_the_folder_and_leaves_nothing_aside(folder):
    write_bundle(bundle(), folder)
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


@pytest.mark.parametrize("name", [MODEL_FILE, *TREES_FILES])
def test_an_altered_file_stops_the_reader_and_is_named(folder, name):
    text = (folder / name).read_text()
    (folder / name).write_text(text.replace("0", "1", 1))
    with pytest.raises(InvalidInputError, match=rf"(?s)altered.*{name}.*sha256.*export the model again"):
        load_bundle(folder)


def test_a_missing_file_is_named(folder):
    (folder / TREES_FILES[1]).unlink()
    with pytest.raises(InvalidInputError, match=r"(?s)no complete model.*trees_to_30_days_late\.txt"):
        load_bundle(folder)


def test_another_catalogue_and_missing_features_are_told_together(folder):
    with pytest.raises(InvalidInputError) as caught:
        load_bundle(folder, [name for name in FEATURES if name != "amount"], "2")
    text = str(caught.value)
    assert "trained with feature catalogue 1; expected catalogue 2" in text
    assert "1 features it needs are not computed any more, for example amount" in text


def test_a_missing_feature_column_is_never_filled(folder):
    features, landmarks = unseen()
    with pytest.raises(InvalidInputError, match=r"features\.amount: the column is missing"):
        score(load_bundle(folder), features.drop("amount"), landmarks)


def test_features_of_other_landmarks_are_refused():
    features, landmarks = unseen()
    with pytest.raises(InvalidInputError, match="do not belong to the landmarks"):
        score(bundle(), features.reverse(), landmarks)
