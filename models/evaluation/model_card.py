"""The model card: what a model is for, what it learnt from, how good it is, for whom less so, and what it goes by."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import polars as pl

from models.bundle import ModelBundle
from models.explanation.contributions import Contributions, explain_landmarks
from models.explanation.groups import group_label
from models.explanation.reasons import group_contributions
from models.hazard.feature_matrix import feature_table
from models.hazard.training_set import days_past_due
from models.training.selection import LITTLE_HISTORY_TRUST
from models.training.train import TrainedModel

_FEATURES_SHOWN = 20
_LANDMARKS_EXPLAINED = 2_000


def explained_sample(bundle: ModelBundle, features: pl.DataFrame, landmarks: pl.DataFrame) -> Contributions:
    """Contributions of the newest landmarks, enough of them to say what the model goes by."""
    newest = slice(max(features.height - _LANDMARKS_EXPLAINED, 0), features.height)
    return explain_landmarks(
        bundle, feature_table(features[newest], bundle.feature_names), days_past_due(landmarks[newest])
    )


def importance(found: Contributions) -> pl.DataFrame:
    """How much each feature moves a probability, on average over landmarks.

    Returns:
        `feature, mean_absolute_contribution`, the weightiest first.
    """
    weight = np.abs(found.values).mean(axis=0) if found.values.shape[0] else np.zeros(len(found.names))
    return pl.DataFrame({"feature": found.names, "mean_absolute_contribution": weight}).sort(
        "mean_absolute_contribution", "feature", descending=[True, False]
    )


def group_importance(found: Contributions) -> pl.DataFrame:
    """The same by the group a feature is told in: `group, label_fr, label_en, mean_absolute_contribution`."""
    names, totals = group_contributions(found)
    weight = np.abs(totals).mean(axis=0) if totals.shape[0] else np.zeros(len(names))
    labels = [group_label(name) for name in names]
    return pl.DataFrame(
        {
            "group": names,
            "label_fr": [label.fr for label in labels],
            "label_en": [label.en for label in labels],
            "mean_absolute_contribution": weight,
        }
    ).sort("mean_absolute_contribution", "group", descending=[True, False])


def dependence(found: Contributions, features: pl.DataFrame, name: str, bins: int = 10) -> pl.DataFrame:
    """How one feature's contribution goes with its value, in bins of equal count.

    Returns:
        `value, contribution, landmarks`: means per bin; landmarks whose value is unknown have a null value.
    """
    column = found.names.index(name)
    frame = pl.DataFrame(
        {"value": features.tail(found.values.shape[0])[name], "contribution": found.values[:, column]}
    )
    known = frame.filter(pl.col("value").is_not_null())
    edges = (
        sorted({known["value"].quantile(number / bins) or 0.0 for number in range(1, bins)})
        if known.height
        else []
    )
    placed = np.searchsorted(np.asarray(edges), known["value"].to_numpy(), side="left")
    grouped = (
        known.with_columns(bin=pl.Series(placed))
        .group_by("bin", maintain_order=True)
        .agg(pl.col("value").mean(), pl.col("contribution").mean(), landmarks=pl.len())
        .sort("bin")
        .drop("bin")
    )
    unknown = frame.filter(pl.col("value").is_null())
    if unknown.height == 0:
        return grouped
    row = unknown.select(
        pl.lit(None, dtype=pl.Float64).alias("value"), pl.col("contribution").mean(), landmarks=pl.len()
    )
    return pl.concat([grouped, row])


def model_card(
    bundle: ModelBundle,
    trained: TrainedModel,
    found: Contributions,
    figures: Mapping[str, Any] | None = None,
    by_group: pl.DataFrame | None = None,
) -> str:
    """The card in Markdown.

    Args:
        bundle: the model.
        trained: how it came about.
        found: the answer of `explained_sample`.
        figures: the answer of `models.evaluation.backtest_summary.summarise` for a rehearsal; absent when the ledger
            is too short.
        by_group: the answer of `models.evaluation.evidence.error_by_group`.
    """
    facts = bundle.facts
    parts = [
        f"# Late-payment model {bundle.version}",
        "## Purpose",
        "Probability that an invoice to a company is paid late, and when, to decide when and how to remind. Not for "
        "credit decisions about natural persons, and no adverse step about one without a person deciding.",
        "## Data",
        f"- known strictly before {bundle.known_before}; invoices issued {facts.get('first_issued_on')} to "
        f"{facts.get('last_issued_on')}\n"
        f"- {trained.invoice_count:,} invoices, {trained.landmark_count:,} landmarks, "
        f"{trained.row_count:,} hazard rows; "
        f"{len(bundle.feature_names)} features of catalogue {bundle.catalogue_version}\n"
        f"- data fingerprint `{facts.get('data_fingerprint')}`\n"
        f"- late means more than {bundle.target.grace_days} days past due\n"
        "- settings it was trained under, and scores under: "
        + ", ".join(f"{name} {value}" for name, value in sorted(bundle.settings.to_dict().items())),
        "## Model",
        f"Each customer's own curve, pulled towards the portfolio's by {bundle.hazard.curve.late_strength:g} outcomes "
        f"(share late) and {bundle.hazard.curve.unpaid_30_strength:g} (unpaid 30 days past due); to it are added, with "
        f"weight {trained.settings.trust:g}, {trained.settings.tree_count} trees of {trained.settings.leaves} leaves "
        f"and a ridge card on every feature (penalty {trained.settings.wide_penalty:g}). Calibrated out of time on "
        f"{bundle.calibration.landmark_count:,} landmarks; {100 * bundle.calibration.portfolio_share:.1f} % of the "
        "portfolio's own curve mixed in.",
        *_little_history(trained),
        "### Candidates",
        _rows(
            ["weight of what was learnt", "card's penalty", "leaves", "trees", "log loss"],
            [
                [
                    f"{trial.settings.trust:g}",
                    f"{trial.settings.wide_penalty:g}",
                    trial.settings.leaves,
                    trial.settings.tree_count,
                    f"{trial.log_loss:.5f}",
                ]
                for trial in trained.trials
            ],
        ),
        "## How good",
        _figures(figures),
        "## Error by group of customers",
        _by_group(by_group),
        "## What it goes by",
        "Mean absolute contribution to the explained probability, in points, over the newest landmarks.",
        _rows(
            ["group", "points"],
            [
                [row["label_en"], f"{100 * row['mean_absolute_contribution']:.2f}"]
                for row in group_importance(found).iter_rows(named=True)
            ],
        ),
        _rows(
            ["feature", "points"],
            [
                [row["feature"], f"{100 * row['mean_absolute_contribution']:.2f}"]
                for row in importance(found).head(_FEATURES_SHOWN).iter_rows(named=True)
            ],
        ),
        "## Limits",
        "It has seen one company's ledger and e-mails only. A contribution is what the model weighed, not a cause. "
        "After a "
        "change of the economy, of terms or of the payers' habits it lags until it is trained again.",
    ]
    return "\n\n".join(parts) + "\n"


def _little_history(trained: TrainedModel) -> list[str]:
    """What to know of a model that has learnt little; nothing once what it has learnt carries a good part."""
    if trained.settings.trust >= LITTLE_HISTORY_TRUST:
        return []
    return [
        f"**Little history.** The ledger is young: its scores rest for {100 * (1 - trained.settings.trust):.0f} % on "
        "each customer's own shares (late, and unpaid 30 days past due) pulled towards the portfolio's, and only for "
        "the rest on anything learnt from the other features. That is the safer opinion until more invoices have come "
        "due; train again as they do."
    ]


def _figures(figures: Mapping[str, Any] | None) -> str:
    if figures is None:
        return "The ledger is too short for a rehearsal; nothing is claimed."
    rows = []
    for name, entry in figures["models"].items():
        if entry.get("log_loss") is None:
            continue
        cells = [f"{entry[figure]:.4f}" for figure in ("log_loss", "brier", "ece")]
        rows.append([name, f"{entry['n']:,}", "" if entry["auc"] is None else f"{entry['auc']:.4f}", *cells])
    origins = ", ".join(origin["cutoff"] for origin in figures["origins"])
    return (
        f"The same training ended earlier ({origins}) and judged on invoices issued from then on.\n\n"
        + _rows(["model", "invoices", "AUC", "log loss", "Brier", "calibration error"], rows)
    )


def _by_group(by_group: pl.DataFrame | None) -> str:
    if by_group is None or by_group.height == 0:
        return "No group has enough judged invoices."
    return _rows(
        ["attribute", "value", "invoices", "late", "predicted", "log loss", "95 % interval"],
        [
            [
                row["attribute"],
                row["value"],
                f"{row['invoices']:,}",
                f"{100 * row['late_share']:.1f} %",
                f"{100 * row['mean_p_late']:.1f} %",
                f"{row['log_loss']:.4f}",
                f"{row['log_loss_lower']:.4f} to {row['log_loss_upper']:.4f}",
            ]
            for row in by_group.iter_rows(named=True)
        ],
    )


def _rows(head: list[str], rows: list[list[Any]]) -> str:
    lines = [f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
    lines += [f"| {' | '.join(str(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines)
