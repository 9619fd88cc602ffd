"""Sector, country, portfolio and shrinkage in plain Python loops: everybody's outcomes but the customer's own."""

from __future__ import annotations

import datetime as dt

from tests.property.reference_facts import DAY, Facts, Row

Values = dict[str, float | None]


def others(facts: Facts, mark: Row) -> list[str]:
    """Every customer that is no part of the payer."""
    t = mark["as_of"]
    return [other for other in facts.apart.customers if facts.apart.payer(other, t) != mark["customer_id"]]


def is_counted(facts: Facts, mark: Row, kind: str, other: str, day: dt.date) -> bool:
    """Whether another customer was, by the end of a day, in the group in which the payer is at the date."""
    keys = {
        "portfolio": (),
        "sector": ("sector",),
        "peers": ("sector", "size_class"),
        "country": ("country",),
    }[kind]
    me, them = facts.customers.get(mark["customer_id"]) or {}, facts.apart.person(other, day + DAY)
    return all(me.get(key) is not None and me[key] == them[key] for key in keys)


def late_and_count(
    facts: Facts,
    mark: Row,
    kind: str,
    window: int | None,
    until: int = 0,
    grace_days: int | None = None,
    late_after: int | None = None,
) -> tuple[int, int]:
    t = mark["as_of"]
    first = t - window * DAY if window else dt.date.min
    late = count = 0
    for other in others(facts, mark):
        for outcome in facts.apart.outcomes(other, t, grace_days, late_after):
            if first <= outcome.known < t - until * DAY and is_counted(
                facts, mark, kind, other, outcome.first
            ):
                late, count = late + outcome.late, count + outcome.count
    return late, count


def late_share(facts: Facts, mark: Row, kind: str, window: int, until: int = 0) -> float | None:
    late, count = late_and_count(facts, mark, kind, window, until)
    return min(max(late / count, 0.0), 1.0) if count else None


def sector_context(facts: Facts, mark: Row) -> Values:
    now, before = late_share(facts, mark, "sector", 90), late_share(facts, mark, "sector", 455, 90)
    unpaid, _ = late_and_count(facts, mark, "portfolio", 365, grace_days=30)
    late, _ = late_and_count(
        facts, mark, "portfolio", 365, grace_days=30, late_after=facts.settings.grace_days
    )
    me = facts.customers.get(mark["customer_id"]) or {}
    sector, country = me.get("sector"), me.get("country")
    by_sector = figure(facts, mark, sector, country) or figure(facts, mark, sector, None) if sector else None
    by_country = figure(facts, mark, None, country) if country else None
    return {
        "peers_late_share_365d": late_share(facts, mark, "peers", 365),
        "sector_late_share_90d": late_share(facts, mark, "sector", 90),
        "sector_late_share_365d": late_share(facts, mark, "sector", 365),
        "sector_late_share_change": None if now is None or before is None else now - before,
        "country_late_share_365d": late_share(facts, mark, "country", 365),
        "portfolio_late_share_90d": late_share(facts, mark, "portfolio", 90),
        "portfolio_late_share_365d": late_share(facts, mark, "portfolio", 365),
        "portfolio_outcome_count_365d": late_and_count(facts, mark, "portfolio", 365)[1],
        "portfolio_late_unpaid_30d_share_365d": min(max(unpaid / late, 0.0), 1.0) if late > 0 else None,
        "portfolio_late_outcome_30d_count_365d": max(late, 0),
        "sector_indicator": by_sector[0] if by_sector else None,
        "sector_indicator_change": by_sector[1] if by_sector else None,
        "country_indicator": by_country[0] if by_country else None,
        "country_indicator_change": by_country[1] if by_country else None,
    }


def figure(
    facts: Facts, mark: Row, sector: str | None, country: str | None
) -> tuple[float, float | None] | None:
    """Figure of the newest period published before t, and its change since the period before it as known then."""
    rows = [
        row
        for row in facts.tables.get("indicators", [])
        if (row["sector"] is None) == (sector is None) and (sector or row["country"] is not None)
    ]
    name = min((row["name"] for row in rows), default=None)
    published = [
        row
        for row in rows
        if row["name"] == name
        and (row["sector"], row["country"]) == (sector, country)
        and row["published_on"] < mark["as_of"]
    ]
    periods: dict[str, float] = {}
    for row in sorted(published, key=lambda row: (row["published_on"], row["period"], row["value"])):
        periods[row["period"]] = row["value"]
    if not periods:
        return None
    newest, *older = sorted(periods, reverse=True)
    return periods[newest], periods[newest] - periods[older[0]] if older else None


def cold_start(facts: Facts, mark: Row) -> Values:
    t, customer = mark["as_of"], mark["customer_id"]
    outcomes, settled = facts.outcomes(customer, t), facts.settled(customer, t)
    share = days = None
    lent = 0.0
    sector_share = None
    for kind, prior, lends in (("portfolio", 0.0, 100.0), ("sector", 100.0, 50.0), ("peers", 50.0, 5.0)):
        late, count = late_and_count(facts, mark, kind, None)
        share = pulled(max(late, 0), count, prior, share)
        delays = [
            i.days_late
            for other in others(facts, mark)
            for i in facts.apart.settled(other, t)
            if is_counted(facts, mark, kind, other, i.first_settlement_known)
        ]
        days = pulled(sum(delays), len(delays), prior, days)
        lent = min(lends, count + lent)
        if kind == "sector":
            sector_share = share
    count = sum(o.count for o in outcomes)
    values: Values = {
        "history_depth": len(settled),
        "sector_late_share_shrunk": sector_share,
        "own_history_weight": count / (count + 5.0),
    }
    for name, first in (("365d", t - 365 * DAY), ("all", dt.date.min)):
        chosen = [o for o in outcomes if o.known >= first]
        delays = [i.days_late for i in settled if i.settlement_known >= first]
        own = sum(o.count for o in chosen)
        late = max(sum(o.late for o in chosen), 0)
        shrunk = pulled(late, own, 5.0, share) if share is not None else (late / own if own else None)
        values[f"late_share_shrunk_{name}"] = None if shrunk is None else min(max(shrunk, 0.0), 1.0)
        if days is not None:
            values[f"days_late_shrunk_{name}"] = pulled(sum(delays), len(delays), 5.0, days)
        else:
            values[f"days_late_shrunk_{name}"] = sum(delays) / len(delays) if delays else None
        values[f"effective_outcome_count_{name}"] = own + lent
    return values


def pulled(total: float, count: int, prior: float, towards: float | None) -> float | None:
    """Mean, pulled towards a wider group's mean that counts for `prior` observations."""
    if towards is None:
        return total / count if count else None
    return (total + prior * towards) / (count + prior)
