"""The backtest as one HTML page: what was tested, the figures beside the baselines, where the model is weaker."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from models.evaluation.backtest_plots import calibration_plot, horizon_plot, interval_plot

_STYLE = """
body{font:15px/1.5 system-ui,sans-serif;color:#222;max-width:68rem;margin:2rem auto;padding:0 1rem}
h1{font-size:1.5rem}h2{font-size:1.15rem;margin-top:2.2rem}
table{border-collapse:collapse;margin:.6rem 0;display:block;overflow-x:auto}
th,td{padding:.25rem .7rem;border-bottom:1px solid #ddd;text-align:right}
th:first-child,td:first-child{text-align:left;min-width:8rem}td+td{white-space:nowrap}tr.own td{font-weight:600}
.side{display:flex;flex-wrap:wrap;gap:1.5rem}p.note{color:#555;max-width:48rem}svg{max-width:100%;height:auto}
"""
_FIGURES = (
    ("auc", "AUC"),
    ("average_precision", "average precision"),
    ("log_loss", "log loss"),
    ("brier", "Brier"),
    ("ece", "calibration error"),
    ("top_decile_capture", "late money in top tenth"),
)


def html_report(figures: Mapping[str, Any]) -> str:
    """The page; it holds its plots and needs nothing else.

    Args:
        figures: the answer of `models.evaluation.backtest_summary.summarise`.
    """
    models = figures["models"]
    own = next(iter(models))
    parts = [
        "<h1>Backtest of the late-payment model</h1>",
        _origins(figures),
        "<h2>Probability of being late</h2>",
        "<p class='note'>Late means settled more than "
        f"{figures['grace_days']} days past due, or still open by then. In brackets: 95 % interval, customers drawn "
        "again "
        "with replacement. Late money in top tenth: share of the late amount in the tenth of invoices with the highest "
        "probability times amount.</p>",
        _chances(models, own, None),
        _differences(figures),
        "<div class='side'>"
        + "".join(
            f"<div>{plot}</div>"
            for plot in (interval_plot(figures, "auc"), interval_plot(figures, "log_loss"))
        )
        + "</div>",
        "<h2>Calibration</h2>",
        f"<div class='side'><div><h3>late</h3>{calibration_plot(figures)}</div>"
        f"<div><h3>unpaid 30 days past due</h3>{calibration_plot(figures, 'p_late_30')}</div></div>",
        f"<h3>{own} by horizon</h3>{horizon_plot(figures, own)}",
        _horizons(models),
        "<h2>Probability of being unpaid 30 days past due</h2>",
        _chances(models, own, "p_late_30"),
        "<h2>Payment date</h2>",
        "<p class='note'>Over invoices that could be observed to 90 days past due; errors over the settled ones. "
        "p10 to p90 should hold 80 % of the payments.</p>",
        _dates(models, own),
        "<h2>Where it is stronger and weaker</h2>",
        _groups(models[own]),
    ]
    return (
        "<!doctype html><html lang='en'><head><meta charset='utf-8'>"
        "<meta name='viewport' content='width=device-width,initial-scale=1'><title>Backtest</title>"
        f"<style>{_STYLE}</style></head><body>{''.join(parts)}</body></html>"
    )


def _origins(figures: Mapping[str, Any]) -> str:
    rows = [
        [
            origin["cutoff"],
            origin["until"],
            f"{origin['training_invoices']:,}",
            f"{origin['tested']:,}",
            f"{origin['excluded_unobserved']:,}",
            f"{origin['trees']} x {origin['leaves']}",
            origin["model_version"],
        ]
        for origin in figures["origins"]
    ]
    head = [
        "cut-off",
        "tested until",
        "invoices learnt from",
        "tested",
        "left out, not observable yet",
        "trees",
        "model",
    ]
    note = (
        "<p class='note'>Trained on what was known strictly before each cut-off, tested on invoices issued from it on, "
        "with the features they had on their issue date. Left out, whether paid or not: invoices whose day of truth "
        "comes "
        f"after the end of the ledger ({escape(figures['known_before'])}).</p>"
    )
    return note + _table(head, rows)


def _chances(models: Mapping[str, Any], own: str, probability: str | None) -> str:
    rows, marks = [], []
    for name, entry in models.items():
        given = entry if probability is None else entry.get(probability)
        if not given or given.get("log_loss") is None:
            continue
        intervals = given.get("intervals") or {}
        rows.append(
            [
                name,
                f"{given['observed']:,}",
                _share(given["event_share"]),
                _share(given["mean_probability"]),
                *(_with_interval(given.get(figure), intervals.get(figure)) for figure, _ in _FIGURES),
            ]
        )
        marks.append(name == own)
    return _table(["model", "invoices", "late", "predicted", *(label for _, label in _FIGURES)], rows, marks)


def _horizons(models: Mapping[str, Any]) -> str:
    """Every horizon of the models that give a whole curve."""
    rows = [
        [
            f"{days} days past due, {name}",
            f"{told['observed']:,}",
            _share(told["event_share"]),
            _share(told["mean_probability"]),
            *(_plain(told.get(figure)) for figure in ("auc", "log_loss", "ece")),
        ]
        for name, entry in models.items()
        for days, told in (entry.get("horizons") or {}).items()
    ]
    return _table(["unpaid", "invoices", "unpaid", "predicted", "AUC", "log loss", "calibration error"], rows)


def _differences(figures: Mapping[str, Any]) -> str:
    rows = [
        [name, *(_signed(entry.get(figure)) for figure in ("auc", "log_loss", "brier"))]
        for name, entry in figures["difference"].items()
    ]
    if not rows:
        return ""
    return "<h3>Model minus baseline, on the same invoices</h3>" + _table(
        ["baseline", "AUC (more is better)", "log loss (less is better)", "Brier (less is better)"], rows
    )


def _dates(models: Mapping[str, Any], own: str) -> str:
    rows, marks = [], []
    for name, entry in models.items():
        date = entry.get("date")
        if not date:
            continue
        rows.append(
            [
                name,
                f"{date['count']:,}",
                f"{date['median_absolute_days']:.1f}",
                f"{date['mean_absolute_days']:.1f}",
                _share(date["within_3_days"]),
                f"{date['pinball_days']:.2f}",
                "" if date["coverage"] is None else _share(date["coverage"]),
                "" if date["below_p10"] is None else _share(date["below_p10"]),
                "" if date["above_p90"] is None else _share(date["above_p90"]),
            ]
        )
        marks.append(name == own)
    head = ["model", "invoices", "median error, days", "mean error, days", "within 3 days", "pinball, days"]
    return _table([*head, "inside p10-p90", "before p10", "after p90"], rows, marks)


def _groups(entry: Mapping[str, Any]) -> str:
    head = [
        "invoices",
        "late",
        "predicted",
        "AUC",
        "log loss",
        "calibration error",
        "unpaid at 30",
        "predicted",
        "AUC",
        "log loss",
        "date error, days",
        "inside p10-p90",
    ]
    parts = []
    for group, classes in entry["by"].items():
        rows = []
        for label, figures in classes.items():
            at_30, date = figures.get("p_late_30") or {}, figures.get("date") or {}
            rows.append(
                [
                    label,
                    f"{figures['n']:,}",
                    _share(figures.get("event_share")),
                    _share(figures.get("mean_probability")),
                    *(_plain(figures.get(figure)) for figure in ("auc", "log_loss", "ece")),
                    _share(at_30.get("event_share")),
                    _share(at_30.get("mean_probability")),
                    *(_plain(at_30.get(figure)) for figure in ("auc", "log_loss")),
                    f"{date['median_absolute_days']:.1f}" if date else "",
                    _share(date.get("coverage")),
                ]
            )
        parts.append(_table([f"by {group.replace('_', ' ')}", *head], rows))
    return "".join(parts)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]], marks: Sequence[bool] = ()) -> str:
    top = "".join(f"<th>{escape(str(cell))}</th>" for cell in head)
    body = "".join(
        f"<tr{' class=own' if number < len(marks) and marks[number] else ''}>"
        + "".join(f"<td>{escape(str(cell))}</td>" for cell in row)
        + "</tr>"
        for number, row in enumerate(rows)
    )
    return f"<table><thead><tr>{top}</tr></thead><tbody>{body}</tbody></table>"


def _share(value: float | None) -> str:
    return "" if value is None else f"{100 * value:.1f} %"


def _plain(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


def _with_interval(value: float | None, interval: Sequence[float] | None) -> str:
    if value is None or not interval:
        return _plain(value)
    return f"{value:.4f} [{interval[0]:.4f}, {interval[1]:.4f}]"


def _signed(entry: Mapping[str, Any] | None) -> str:
    if entry is None:
        return ""
    interval = entry.get("interval")
    return f"{entry['value']:+.4f}" + (f" [{interval[0]:+.4f}, {interval[1]:+.4f}]" if interval else "")
