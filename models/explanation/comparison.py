"""An invoice's payer compared: with its own past and against its peers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from features.messages import Text
from models.explanation.wording import days, percent

_NOTABLE_SHARE = 0.05
_NOTABLE_DAYS = 3.0


@dataclass(frozen=True)
class Comparison:
    """One figure beside another of the same kind.

    Attributes:
        against: `own_past`, `sector` or `portfolio`.
        measure: `late_share` (0 to 1) or `days_late`.
        now: the payer's recent figure.
        reference: the value it is compared with.
        texts: the sentence in both languages.
    """

    against: str
    measure: str
    now: float
    reference: float
    texts: Text


def compare(values: Mapping[str, float]) -> tuple[Comparison, ...]:
    """The payer's last 90 days against its own year, and its year against its sector and the portfolio.

    Args:
        values: known feature values of the landmark.

    Returns:
        Only comparisons whose two figures are known; none for a payer without history.
    """
    found = []
    recent, year = values.get("late_share_90d"), values.get("late_share_365d")
    if recent is not None and year is not None:
        found.append(Comparison("own_past", "late_share", recent, year, _own_share(recent, year)))
    newest, usual = values.get("days_late_mean_3n"), values.get("days_late_mean_all")
    if newest is not None and usual is not None:
        found.append(Comparison("own_past", "days_late", newest, usual, _own_days(newest, usual)))
    if year is not None:
        for against, column in (
            ("sector", "sector_late_share_365d"),
            ("portfolio", "portfolio_late_share_365d"),
        ):
            peers = values.get(column)
            if peers is not None:
                found.append(Comparison(against, "late_share", year, peers, _peers(against, year, peers)))
    return tuple(found)


def _own_share(recent: float, year: float) -> Text:
    change = recent - year
    fr = "stable" if abs(change) < _NOTABLE_SHARE else ("en dégradation" if change > 0 else "en amélioration")
    en = "steady" if abs(change) < _NOTABLE_SHARE else ("getting worse" if change > 0 else "getting better")
    return Text(
        f"{percent(recent, 'fr')} de factures en retard sur 90 jours, {percent(year, 'fr')} sur un an\u00a0: {fr}",
        f"{percent(recent, 'en')} of invoices late over 90 days, {percent(year, 'en')} over a year: {en}",
    )


def _own_days(newest: float, usual: float) -> Text:
    change = newest - usual
    fr = (
        "comme d'habitude"
        if abs(change) < _NOTABLE_DAYS
        else ("plus tard que d'habitude" if change > 0 else "plus tôt que d'habitude")
    )
    en = (
        "as usual"
        if abs(change) < _NOTABLE_DAYS
        else ("later than usual" if change > 0 else "earlier than usual")
    )
    return Text(
        f"3 dernières factures réglées {_late_fr(newest)}, d'habitude {_late_fr(usual)}\u00a0: {fr}",
        f"last 3 invoices settled {_late_en(newest)}, usually {_late_en(usual)}: {en}",
    )


def _peers(against: str, year: float, peers: float) -> Text:
    change = year - peers
    fr_peers = "dans son secteur" if against == "sector" else "dans le portefeuille"
    en_peers = "in its sector" if against == "sector" else "in the portfolio"
    fr = (
        "comme les autres"
        if abs(change) < _NOTABLE_SHARE
        else ("plus souvent en retard" if change > 0 else "moins souvent en retard")
    )
    en = (
        "like the others"
        if abs(change) < _NOTABLE_SHARE
        else ("late more often" if change > 0 else "late less often")
    )
    return Text(
        f"{percent(year, 'fr')} de factures en retard sur un an, {percent(peers, 'fr')} {fr_peers}\u00a0: {fr}",
        f"{percent(year, 'en')} of invoices late over a year, {percent(peers, 'en')} {en_peers}: {en}",
    )


def _late_fr(value: float) -> str:
    whole = round(value)
    if whole == 0:
        return "à l'échéance"
    return f"{days(abs(whole), 'fr')} {'après' if whole > 0 else 'avant'} l'échéance"


def _late_en(value: float) -> str:
    whole = round(value)
    if whole == 0:
        return "on the due date"
    return f"{days(abs(whole), 'en')} {'after' if whole > 0 else 'before'} the due date"
