"""The model card tells what the model is, what it goes by, and nothing it does not know."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from models.evaluation.model_card import (
    dependence,
    explained_sample,
    group_importance,
    importance,
    model_card,
)
from tests.model_samples import FEATURES, trained, unseen

BUNDLE, TRAINED = trained()
ASKED, LANDMARKS = unseen()
FOUND = explained_sample(BUNDLE, ASKED, LANDMARKS)


def test_importance_is_the_mean_absolute_contribution_weightiest_first():
    table = importance(FOUND)
    column = FOUND.names.index("days_late_mean_10n")
    told = dict(table.iter_rows())
    assert told["days_late_mean_10n"] == pytest.approx(np.abs(FOUND.values[:, column]).mean())
    assert table["mean_absolute_contribution"].is_sorted(descending=True)
    assert set(FEATURES) < set(table["feature"])


def test_groups_have_labels_in_both_languages():
    groups = group_importance(FOUND)
    assert "habitudes de paiement" in groups["label_fr"].to_list()
    assert groups["label_en"].null_count() == 0


def test_dependence_keeps_every_landmark_and_sets_the_unknown_apart():
    table = dependence(FOUND, ASKED, "sector_late_share_365d")
    assert table["landmarks"].sum() == ASKED.height
    unknown = table.filter(table["value"].is_null())
    assert unknown["landmarks"].to_list() == [ASKED["sector_late_share_365d"].null_count()]


def test_a_card_without_a_rehearsal_claims_nothing():
    card = model_card(BUNDLE, TRAINED, FOUND)
    assert f"# Late-payment model {BUNDLE.version}" in card
    assert "too short for a rehearsal; nothing is claimed" in card
    assert "known strictly before 2024-10-01" in card
    assert "a person deciding" in card
    for trial in TRAINED.trials:
        assert f"{trial.log_loss:.5f}" in card


def test_a_card_of_little_history_says_what_its_scores_rest_on():
    young = replace(TRAINED, settings=replace(TRAINED.settings, trust=0.125))
    card = model_card(BUNDLE, young, FOUND)
    assert "**Little history.**" in card
    assert "rest for 88 % on each customer's own shares" in card
    grown = replace(TRAINED, settings=replace(TRAINED.settings, trust=0.5))
    assert "Little history" not in model_card(BUNDLE, grown, FOUND)
