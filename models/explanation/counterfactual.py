"""What would change the grade: the smallest change of facts somebody can act on, rescored by the model itself.

Only facts that a payer or the supplier can change are tried, each within what is possible (overdue money can be paid,
not made negative). It is what the model would say, not a promise of what the payer would do.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import polars as pl

from features.messages import Text
from features.words import GRADES
from models.bundle import ModelBundle
from models.explanation.subject import Money
from models.explanation.wording import counted, money
from models.grades import grades
from models.hazard.feature_matrix import FeatureMatrix
from models.prediction import predict_curves

Change = Callable[[Mapping[str, float]], dict[str, float] | None]


@dataclass(frozen=True)
class Lever:
    """A fact somebody can change.

    Attributes:
        name: short name.
        actor: `payer`, `supplier` or `both`.
        change: the feature values after the change; None when there is nothing to change.
        words: what would be done, in both languages, from the values before.
    """

    name: str
    actor: str
    change: Change
    words: Callable[[Mapping[str, float], Money], Text]


@dataclass(frozen=True)
class Counterfactual:
    """A better grade and what would lead to it.

    Attributes:
        levers: names of the changes, one or two.
        actors: who would act.
        grade: the grade after them.
        probability_change: change of P(late), or of P(unpaid 30 days past due) for an invoice already late.
        texts: the changes in both languages.
    """

    levers: tuple[str, ...]
    actors: tuple[str, ...]
    grade: str
    probability_change: float
    texts: Text


def _pay_overdue(values: Mapping[str, float]) -> dict[str, float] | None:
    if not values.get("overdue_count"):
        return None
    paid = {
        name: 0.0
        for name in (
            "overdue_count", "overdue_amount_sum", "overdue_amount_share", "overdue_amount_1_30d",
            "overdue_amount_31_60d", "overdue_amount_61_90d", "overdue_amount_over_90d",
        )
        if name in values
    }  # fmt: skip
    rest = max(values.get("open_amount_sum", 0.0) - values.get("overdue_amount_sum", 0.0), 0.0)
    left = max(values.get("open_count", 0.0) - values["overdue_count"], 0.0)
    own = values.get("days_past_due", 0.0)
    overdue = {"others_oldest_overdue_days": math.nan, "oldest_overdue_days": own if own > 0 else math.nan}
    return {**paid, **overdue, "open_amount_sum": rest, "open_count": left}


def _close_disputes(values: Mapping[str, float]) -> dict[str, float] | None:
    if not values.get("own_open_dispute_count") and not values.get("disputed_count"):
        return None
    return {
        name: 0.0
        for name in ("own_open_dispute_count", "disputed_count", "disputed_amount_sum")
        if name in values
    }


def _add_purchase_order(values: Mapping[str, float]) -> dict[str, float] | None:
    return {"has_purchase_order": 1.0} if values.get("has_purchase_order") == 0.0 else None


def _send_electronically(values: Mapping[str, float]) -> dict[str, float] | None:
    if values.get("is_delivered_on_paper") != 1.0:
        return None
    return {"is_delivered_electronically": 1.0, "is_delivered_on_paper": 0.0}


def _pay_half(values: Mapping[str, float]) -> dict[str, float] | None:
    paid = values.get("own_paid_share")
    return {"own_paid_share": 0.5} if paid is not None and paid < 0.5 else None


def _keep_promise(values: Mapping[str, float]) -> dict[str, float] | None:
    return {"is_last_promise_broken": 0.0} if values.get("is_last_promise_broken") == 1.0 else None


def _fixed(fr: str, en: str) -> Callable[[Mapping[str, float], Money], Text]:
    return lambda values, owed: Text(fr, en)


def _overdue_words(values: Mapping[str, float], owed: Money) -> Text:
    currency = owed.reporting_currency
    count, amount = values["overdue_count"], values.get("overdue_amount_sum", 0.0)
    overdue_fr = counted(count, "autre facture échue", "autres factures échues", "fr")
    overdue_en = counted(count, "other overdue invoice", "other overdue invoices", "en")
    return Text(
        f"le client règle {overdue_fr} ({money(amount, 'fr', currency)} nets des paiements et avoirs)",
        f"the customer pays {overdue_en} ({money(amount, 'en', currency)} net of payments and credits)",
    )


def _half_words(values: Mapping[str, float], owed: Money) -> Text:
    if owed.amount is None:
        return Text("le client verse la moitié de la facture", "the customer pays half of the invoice")
    half = 0.5 * owed.amount
    return Text(
        f"le client verse un acompte de {money(half, 'fr', owed.currency)}",
        f"the customer pays {money(half, 'en', owed.currency)} on account",
    )


LEVERS: tuple[Lever, ...] = (
    Lever("pay_overdue_invoices", "payer", _pay_overdue, _overdue_words),
    Lever("close_disputes", "both", _close_disputes, _fixed("le litige est clos", "the dispute is closed")),
    Lever(
        "add_purchase_order",
        "supplier",
        _add_purchase_order,
        _fixed("le numéro de commande est ajouté à la facture", "the purchase order is added to the invoice"),
    ),
    Lever(
        "send_electronically",
        "supplier",
        _send_electronically,
        _fixed("la facture est transmise par voie électronique", "the invoice is sent electronically"),
    ),
    Lever("pay_on_account", "payer", _pay_half, _half_words),
    Lever(
        "keep_the_promise",
        "payer",
        _keep_promise,
        _fixed("la dernière promesse est tenue", "the latest promise is kept"),
    ),
)
"""Facts that can be acted on, in the order in which ties are broken."""


def what_would_change_the_grade(
    bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame, most: int = 3
) -> list[Counterfactual]:
    """The smallest changes that would give one landmark a better grade.

    One change is tried before two; among equals the one that moves the probability most comes first.

    Args:
        bundle: the model.
        features: one row.
        landmarks: its landmark.
        most: most answers.

    Returns:
        Empty when the grade is A already, or when no change of one or two facts would better it.
    """
    row = features.row(0, named=True)
    values = {name: value for name, value in row.items() if isinstance(value, float)}
    owed = Money.of_landmarks(landmarks, bundle.settings.reporting_currency)[0]
    possible = [(lever, change) for lever in LEVERS if (change := lever.change(values)) is not None]
    now_grade, now_chance = _judged(bundle, features, landmarks, [{}])[0]
    for size in (1, 2):
        sets = list(combinations(possible, size))
        changes = [{name: value for _, change in chosen for name, value in change.items()} for chosen in sets]
        found = [
            _answer([lever for lever, _ in chosen], values, owed, grade, chance - now_chance)
            for chosen, (grade, chance) in zip(
                sets, _judged(bundle, features, landmarks, changes), strict=True
            )
            if GRADES.index(grade) < GRADES.index(now_grade)
        ]
        if found:
            return sorted(found, key=lambda one: one.probability_change)[:most]
    return []


def _answer(
    levers: Sequence[Lever], values: Mapping[str, float], owed: Money, grade: str, change: float
) -> Counterfactual:
    texts = [lever.words(values, owed) for lever in levers]
    return Counterfactual(
        levers=tuple(lever.name for lever in levers),
        actors=tuple(dict.fromkeys(lever.actor for lever in levers)),
        grade=grade,
        probability_change=change,
        texts=Text(" et ".join(text.fr for text in texts), " and ".join(text.en for text in texts)),
    )


def _judged(
    bundle: ModelBundle,
    features: pl.DataFrame,
    landmarks: pl.DataFrame,
    changes: Sequence[Mapping[str, float]],
) -> list[tuple[str, float]]:
    """Grade and explained probability after each set of changes."""
    if not changes:
        return []
    varied = pl.concat(
        [
            features.with_columns(
                pl.lit(value, dtype=pl.Float64).fill_nan(None).alias(name)
                for name, value in change.items()
                if name in features.columns
            )
            for change in changes
        ]
    )
    curves = predict_curves(bundle, FeatureMatrix.of_frame(varied), pl.concat([landmarks] * len(changes)))
    late, late_30 = curves.at(bundle.target.grace_days), curves.at(30)
    chance = late_30 if float(late[0]) == 1.0 else late
    letters = [GRADES[place] for place in grades(late, late_30).tolist()]
    return list(zip(letters, chance.tolist(), strict=True))
