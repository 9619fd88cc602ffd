"""Contributions add up to the score, are Shapley values where that can be checked by hand, and are told truthfully."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest

from features.groups.catalogue import COLUMNS_BY_NAME, GROUPS_BY_NAME
from models.explanation.contributions import explain_landmarks, explained_days
from models.explanation.groups import EXTRA_LABELS, group_label, group_of
from models.explanation.phrases import SENTENCES, describe
from models.explanation.reasons import group_contributions
from models.explanation.subject import Money, Subject
from models.hazard.card import fit_card
from models.hazard.feature_matrix import FeatureMatrix, feature_table
from models.hazard.settings import HazardSettings
from models.hazard.training_set import TrainingRows, days_past_due
from models.intervals import hazard_rows, intervals_for
from models.prediction import predict_curves
from models.score import score
from tests.model_samples import bundle, overdue, unseen

VIEWS = {"at issue": unseen(), "overdue": overdue(12), "long overdue": overdue(75), "beyond": overdue(500)}


@pytest.mark.parametrize("view", VIEWS)
def test_contributions_base_and_calibration_add_up_to_the_shipped_probability(view):
    features, landmarks = VIEWS[view]
    scores = score(bundle(), features, landmarks).frame()
    found = explain_landmarks(
        bundle(), feature_table(features, bundle().feature_names), days_past_due(landmarks)
    )
    told = found.base + found.values.sum(axis=1) + found.calibration
    assert np.abs(told - found.probability).max() < 1e-9
    assert np.array_equal(found.probability, scores["explained_probability"].to_numpy())
    at_goal = predict_curves(bundle(), FeatureMatrix.of_frame(features), landmarks)
    for row, days in enumerate(found.explained_days.tolist()):
        assert found.probability[row] == at_goal.unpaid[row, bundle().intervals.position(days)]


def test_contributions_alone_add_up_to_the_uncalibrated_probability():
    features, landmarks = unseen()
    found = explain_landmarks(
        bundle(), feature_table(features, bundle().feature_names), days_past_due(landmarks)
    )
    raw = predict_curves(bundle(), FeatureMatrix.of_frame(features), landmarks, is_calibrated=False).at(0)
    assert np.abs(found.base + found.values.sum(axis=1) - raw).max() < 1e-9


def test_contributions_do_not_depend_on_the_batch():
    features, landmarks = unseen()
    table, dpd = feature_table(features, bundle().feature_names), days_past_due(landmarks)
    whole = explain_landmarks(bundle(), table, dpd)
    pieces = explain_landmarks(bundle(), table, dpd, at_most_rows=30)
    assert np.array_equal(whole.values, pieces.values)
    alone = explain_landmarks(bundle(), table[3:4], dpd[3:4])
    assert np.array_equal(whole.values[3:4], alone.values)


def test_groups_keep_the_sum():
    features, landmarks = unseen()
    found = explain_landmarks(
        bundle(), feature_table(features, bundle().feature_names), days_past_due(landmarks)
    )
    names, totals = group_contributions(found)
    assert len(set(names)) == len(names)
    assert np.allclose(totals.sum(axis=1), found.values.sum(axis=1), atol=1e-12)


def test_the_cards_terms_are_its_exact_shapley_values():
    """For a straight line the Shapley value is slope x (value - average); averaged over every order, by brute force."""
    random = np.random.default_rng(4)
    table = random.normal(size=(120, 3))
    intervals = intervals_for(0)
    rows = hazard_rows(np.full(120, -30), intervals)
    outcome = (table[rows.landmark, 0] + random.normal(size=len(rows)) > 0).astype(float)
    training = TrainingRows(rows, outcome, np.ones(len(rows)), np.full(120, -30))
    card = fit_card(table, training, intervals, HazardSettings(card_penalty=5.0), np.zeros(len(rows)))
    asked = hazard_rows(np.array([-30]), intervals)
    one = table[:1]
    average = card.centre[None, :]

    def margin(known: tuple[int, ...]) -> float:
        mixed = average.copy()
        mixed[0, list(known)] = one[0, list(known)]
        return float(card.margins(mixed, asked, intervals)[0])

    terms = card.feature_terms(one)[0][0]
    for feature in range(3):
        others = [i for i in range(3) if i != feature]
        value = 0.0
        for size in range(3):
            for known in itertools.combinations(others, size):
                share = math.factorial(size) * math.factorial(2 - size) / math.factorial(3)
                value += share * (margin((*known, feature)) - margin(known))
        assert value == pytest.approx(terms[feature], abs=1e-9)


def test_lateness_is_explained_until_the_due_date_then_the_next_bound_ahead():
    found = explained_days(np.array([-40, 0, 1, 30, 31, 100, 400]), 0, intervals_for(0))
    assert found.tolist() == [0, 0, 30, 30, 60, 120, 365]


HABIT = {"settled_count_10n": 6.0, "late_count_10n": 4.0, "days_late_mean_10n": 12.2, "history_depth": 6.0}
MONEY = Money(1840.5, "USD", "EUR")


def told(
    group: str, values: dict[str, float], leading: str = "amount", grace_days: int = 0
) -> tuple[str, str]:
    texts = describe(group, COLUMNS_BY_NAME[leading], Subject.of_values(values, MONEY, grace_days))
    return texts.en, texts.fr


INCIDENTS = {"bounce_count_all": 2.0, "bounce_recency_days": 12.0, "written_off_count_all": 1.0}


@pytest.mark.parametrize(
    ("values", "english", "french"),
    [
        (
            INCIDENTS,
            "2 bounced payments, the latest 12 days ago; 1 invoice written off",
            "2 paiements rejetés, le dernier il y a 12 jours\u00a0; 1 créance passée en perte",
        ),
        (
            {"bounce_count_all": 0.0, "written_off_count_all": 0.0},
            "no bounced payment; no invoice written off",
            "aucun paiement rejeté\u00a0; aucune créance passée en perte",
        ),
    ],
)
def test_bounced_payments_and_losses_are_told(values, english, french):
    assert told("incidents", values) == (english, french)


def test_credit_notes_and_cash_on_account_are_told():
    values = {"unapplied_credit_sum": 120.0, "cash_on_account_sum": 300.0}
    assert told("credit", values) == (
        "credit notes not set against an invoice: €120; cash on account: €300",
        "avoirs non imputés\u00a0: 120\u00a0€\u00a0; acomptes non imputés\u00a0: 300\u00a0€",
    )


def test_a_habit_is_told_in_both_languages_with_the_real_values():
    assert told("payment_behaviour", HABIT) == (
        "4 of the last 6 settled invoices were late; on average settled 12 days after the due date",
        "4 des 6 dernières factures soldées l'ont été en retard\u00a0; en moyenne soldées 12 jours après l'échéance",
    )


@pytest.mark.parametrize(
    ("due", "late", "english", "french"),
    [
        (
            5.0,
            5.0,
            "5 of the 5 invoices whose outcome is known were late, those still unpaid included",
            "5 des 5 factures dont l'issue est connue ont été en retard, impayées comprises",
        ),
        (
            1.0,
            1.0,
            "the only invoice that has come due is late, still unpaid",
            "la seule facture arrivée à échéance est en retard, encore impayée",
        ),
    ],
)
def test_unpaid_late_invoices_are_told_before_the_settled_ones(due, late, english, french):
    values = {"history_depth": 0.0, "outcome_count_all": due, "late_count_all": late}
    assert told("payment_behaviour", values) == (english, french)
    settled = {**HABIT, "outcome_count_all": 6.0, "late_count_all": 4.0}
    assert told("payment_behaviour", settled) == told("payment_behaviour", HABIT)


@pytest.mark.parametrize(
    ("changes", "english", "french"),
    [
        (
            {"late_count_10n": 0.0, "days_late_mean_10n": -3.0},
            "none of the last 6 settled invoices was late; on average settled 3 days before the due date",
            "aucune des 6 dernières factures soldées ne l'a été en retard\u00a0; "
            "en moyenne soldées 3 jours avant l'échéance",
        ),
        (
            {"late_count_10n": 1.0, "days_late_mean_10n": 0.2},
            "1 of the last 6 settled invoices was late; on average settled on the due date",
            "1 des 6 dernières factures soldées l'a été en retard\u00a0; en moyenne soldées à l'échéance",
        ),
        (
            {"settled_count_10n": 1.0, "late_count_10n": 1.0, "days_late_mean_10n": 1.0},
            "the only settled invoice known was late, settled 1 day after the due date",
            "la seule facture soldée connue l'a été en retard, 1 jour après l'échéance",
        ),
        (
            {"history_depth": 0.0},
            "no settled invoice known of this customer",
            "aucune facture soldée connue de ce client",
        ),
    ],
)
def test_habits_of_other_shapes_read_as_sentences(changes, english, french):
    assert told("payment_behaviour", {**HABIT, **changes}) == (english, french)


def test_with_days_of_grace_late_means_later_than_those():
    assert told("payment_behaviour", HABIT, grace_days=5) == (
        "4 of the last 6 settled invoices were more than 5 days late; "
        "on average settled 12 days after the due date",
        "4 des 6 dernières factures soldées l'ont été avec plus de 5 jours de retard\u00a0; "
        "en moyenne soldées 12 jours après l'échéance",
    )


OWED = {"open_count": 4.0, "open_amount_sum": 15000.0, "overdue_count": 3.0, "overdue_amount_sum": 12340.0}
OVERDUE = {**OWED, "others_oldest_overdue_days": 45.0, "days_past_due": 12.0}


@pytest.mark.parametrize(
    ("values", "english", "french"),
    [
        (
            OVERDUE,
            "3 other overdue invoices: €12,340 net of payments and credits, the oldest 45 days past due",
            "3 autres factures échues\u00a0: 12\u202f340\u00a0€ nets des paiements et avoirs, "
            "la plus ancienne échue depuis 45 jours",
        ),
        (
            {**OVERDUE, "overdue_amount_sum": -50.0, "overdue_count": 1.0},
            "1 other overdue invoice: €50 in credit net of payments and credits, the oldest 45 days past due",
            "1 autre facture échue\u00a0: 50\u00a0€ en faveur du client, nets des paiements et avoirs, "
            "la plus ancienne échue depuis 45 jours",
        ),
        (
            {**OWED, "overdue_count": 0.0, "overdue_amount_sum": 0.0},
            "4 other open invoices, none overdue: €15,000 net of payments and credits",
            "4 autres factures ouvertes, aucune échue\u00a0: 15\u202f000\u00a0€ nets des paiements et avoirs",
        ),
        (
            {**OWED, "open_count": 0.0, "overdue_count": 0.0},
            "no other open invoice",
            "aucune autre facture ouverte",
        ),
    ],
)
def test_money_of_other_invoices_says_whose_it_is_and_net_of_what(values, english, french):
    assert told("exposure", values) == (english, french)


def test_the_scored_invoices_age_is_never_given_to_another():
    english, french = told("exposure", {**OVERDUE, "oldest_overdue_days": 90.0, "days_past_due": 90.0})
    assert english.endswith("the oldest 45 days past due")
    assert french.endswith("la plus ancienne échue depuis 45 jours")


@pytest.mark.parametrize(
    ("late", "english", "french"),
    [
        (12.0, "invoice of $1,840, 12 days past due", "facture de 1\u202f840\u00a0$, échue depuis 12 jours"),
        (
            -5.0,
            "invoice of $1,840, due in 5 days, 30 days after its issue",
            "facture de 1\u202f840\u00a0$, échéance dans 5 jours, 30 jours après l'émission",
        ),
        (
            0.0,
            "invoice of $1,840, due today, 30 days after its issue",
            "facture de 1\u202f840\u00a0$, échéance ce jour, 30 jours après l'émission",
        ),
    ],
)
def test_the_invoice_is_told_by_its_own_amount_and_its_due_date(late, english, french):
    assert told("invoice_terms", {"days_past_due": late, "terms_days": 30.0}) == (english, french)


DISPUTES = {"own_open_dispute_count": 1.0, "disputed_count": 3.0, "dispute_count_365d": 3.0}


@pytest.mark.parametrize(
    ("values", "english"),
    [
        (DISPUTES, "1 open dispute on this invoice, 2 on other invoices of the customer"),
        ({**DISPUTES, "disputed_count": 1.0}, "1 open dispute on this invoice"),
        (
            {**DISPUTES, "own_open_dispute_count": 0.0, "disputed_count": 1.0},
            "1 open dispute on other invoices of the customer, none on this one",
        ),
        (
            {**DISPUTES, "own_open_dispute_count": 0.0, "disputed_count": 0.0},
            "no open dispute, 3 opened over 365 days",
        ),
        (dict.fromkeys(DISPUTES, 0.0), "no open dispute, none opened over 365 days"),
    ],
)
def test_disputes_are_told_where_they_are_counted(values, english):
    assert told("disputes", values)[0] == english
    assert "dispute" not in told("invoice_terms", {**values, "days_past_due": 3.0, "terms_days": 30.0})[0]


@pytest.mark.parametrize(
    ("own", "every", "english", "french"),
    [
        (
            0.0,
            0.0,
            "no reminder for this invoice, none to this customer over 90 days",
            "aucune relance sur cette facture, aucune à ce client sur 90 jours",
        ),
        (
            2.0,
            8.0,
            "2 reminders for this invoice, 8 to this customer over 90 days",
            "2 relances sur cette facture, 8 à ce client sur 90 jours",
        ),
    ],
)
def test_reminders_are_told_for_the_invoice_and_the_customer(own, every, english, french):
    values = {"own_reminder_count": own, "reminder_count_90d": every}
    assert told("reminders", values) == (english, french)


RUN = {
    "days_due_to_next_run": 3.0,
    "preferred_weekday_365d": 3.0,
    "preferred_weekday_share_365d": 0.6,
    "preferred_days_of_month_share_365d": 0.5,
}


@pytest.mark.parametrize(
    ("changes", "english"),
    [
        (
            {},
            "pays on Thursdays (60% of its payment days over 365 days), "
            "the next one 3 days after the due date",
        ),
        (
            {"preferred_days_of_month_share_365d": 0.8, "days_due_to_next_run": 0.0},
            "pays on fixed days of the month (80% of its payment days over 365 days), the due date is one",
        ),
    ],
)
def test_a_run_is_told_by_the_habit_its_distance_was_counted_with(changes, english):
    assert told("payment_runs", {**RUN, **changes})[0] == english


@pytest.mark.parametrize(
    "group",
    [group for group, sentences in SENTENCES.items() if sentences],
)
def test_where_a_value_is_unknown_the_leading_feature_is_named_instead(group):
    assert told(group, {}, "credit_limit_used_share") == (
        "used part of the credit limit: unknown",
        "part utilisée du plafond de crédit\u00a0: inconnu",
    )


def test_the_score_of_a_credit_bureau_is_a_reason_of_its_own():
    assert group_of(COLUMNS_BY_NAME["bureau_score"]) == "solvency"
    assert told("solvency", {"bureau_score": 71.0}, "bureau_score") == (
        "score of the credit bureau: 71",
        "score de l'agence de renseignement\u00a0: 71",
    )


def test_amounts_among_the_features_are_in_the_reporting_currency():
    assert told("exposure", {"disputed_amount_sum": 900.0}, "disputed_amount_sum")[0].endswith("€900")


def test_every_reason_of_every_view_has_words_and_values():
    for features, landmarks in VIEWS.values():
        for scored in score(bundle(), features, landmarks).rows():
            for reason in scored.explanation.reasons:
                assert reason.text.fr
                assert reason.text.en
                assert "nan" not in reason.text.en.lower().split()
                assert abs(reason.contribution) >= 0.0005


def test_no_reason_is_told_without_content():
    groups = {
        reason.group
        for features, landmarks in VIEWS.values()
        for scored in score(bundle(), features, landmarks).rows()
        for reason in scored.explanation.reasons
    }
    assert "invoice_terms" in groups
    assert groups <= {*GROUPS_BY_NAME, *EXTRA_LABELS}
    for group in sorted(groups):
        assert group_label(group).fr


def test_reasons_and_the_others_add_up_to_the_explained_probability():
    for features, landmarks in VIEWS.values():
        table = feature_table(features, bundle().feature_names)
        found = explain_landmarks(bundle(), table, days_past_due(landmarks))
        for scored, values in zip(score(bundle(), features, landmarks).rows(), found.values, strict=True):
            told = scored.explanation
            named = sum(reason.contribution for reason in told.reasons)
            assert told.base + told.calibration + named + told.others == pytest.approx(
                told.probability, abs=1e-12
            )
            assert named + told.others == pytest.approx(values.sum(), abs=1e-9)


def test_reasons_come_weightiest_first():
    features, landmarks = unseen()
    for scored in score(bundle(), features, landmarks).rows():
        sizes = [abs(reason.contribution) for reason in scored.explanation.reasons]
        assert sizes == sorted(sizes, reverse=True)


def test_invoices_without_an_exchange_rate_are_told_apart_from_the_amount():
    values = {"open_count": 3.0, "open_amount_sum": 900.0, "overdue_count": 0.0, "overdue_amount_sum": 0.0}
    assert told("exposure", {**values, "other_currency_open_count": 2.0}, "open_amount_sum") == (
        "3 other open invoices, none overdue: €900 net of payments and credits; "
        "2 open invoices are in a currency without an exchange rate, not in the amount",
        "3 autres factures ouvertes, aucune échue\u00a0: 900\u00a0€ nets des paiements et avoirs\u00a0; "
        "2 factures ouvertes sont dans une devise sans taux de change, hors montant",
    )
