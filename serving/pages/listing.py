"""A list as a reader asks for it: filtered, sorted, one page at a time. Pure: a frame and a query in, rows out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final
from urllib.parse import urlencode

import polars as pl

from features.messages import Text

PAGE_ROWS: Final = 50
FILTERS: Final = ("grade", "segment", "sequence_id", "decider", "state")
"""Columns a list can be filtered by, one value each."""


@dataclass(frozen=True)
class Order:
    """A way to sort the list.

    Attributes:
        column: the column sorted by; what is unknown comes last.
        is_descending: the largest first.
        label: what a reader calls it.
    """

    column: str
    is_descending: bool
    label: Text


ORDERS: Final[Mapping[str, Order]] = {
    "benefit": Order("benefit", True, Text("gain attendu de l'action", "expected benefit of acting")),
    "balance": Order("balance", True, Text("solde", "balance")),
    "risk": Order("p_late_30", True, Text("risque à 30 jours", "risk at 30 days")),
    "due": Order("due_on", False, Text("échéance", "due date")),
    "paid": Order("payment_date_p50", False, Text("paiement attendu", "expected payment")),
    "customer": Order("name", False, Text("client", "customer")),
}
DEFAULT_ORDER: Final = "benefit"


@dataclass(frozen=True)
class Query:
    """What a reader asks of the list.

    Attributes:
        text: part of an invoice id, a customer id or a name; empty asks for all.
        filters: value by column of `FILTERS`; absent columns are not filtered.
        order: a key of `ORDERS`.
        page: from 1.
    """

    text: str = ""
    filters: Mapping[str, str] | None = None
    order: str = DEFAULT_ORDER
    page: int = 1

    @classmethod
    def of(cls, parameters: Mapping[str, str]) -> Query:
        """Read the parameters of an address; what is unknown is left out, so that an old bookmark still opens."""
        order = parameters.get("sort", DEFAULT_ORDER)
        page = parameters.get("page", "1")
        return cls(
            text=parameters.get("q", "").strip()[:100],
            filters={name: parameters[name] for name in FILTERS if parameters.get(name)},
            order=order if order in ORDERS else DEFAULT_ORDER,
            page=max(int(page), 1) if page.isascii() and page.isdigit() and len(page) < 8 else 1,
        )

    def address(self, **changes: Any) -> str:
        """The query part of an address: this query with some things changed; always begins with `?`."""
        changed = replace(self, **{"page": 1, **changes})
        parts = {"q": changed.text, **(changed.filters or {})}
        if changed.order != DEFAULT_ORDER:
            parts["sort"] = changed.order
        if changed.page > 1:
            parts["page"] = str(changed.page)
        return "?" + urlencode({name: value for name, value in parts.items() if value})


@dataclass(frozen=True)
class Listing:
    """One page of a list.

    Attributes:
        rows: the rows of the page.
        count: rows of the whole answer.
        page, pages: which page of how many; at least one.
        balances: open balance of the whole answer by currency, largest currency first.
        choices: how many rows each value of each filter has within the search, largest first.
    """

    rows: list[dict[str, Any]]
    count: int
    page: int
    pages: int
    balances: tuple[tuple[str, Decimal], ...]
    choices: Mapping[str, tuple[tuple[str, int], ...]]


def listing_of(rows: pl.DataFrame, query: Query) -> Listing:
    """One page of the rows that a query asks for."""
    searched = rows.filter(_matches(query.text)) if query.text else rows
    found = searched
    for name, value in (query.filters or {}).items():
        found = found.filter(pl.col(name) == value)
    order = ORDERS[query.order]
    pages = max((found.height + PAGE_ROWS - 1) // PAGE_ROWS, 1)
    page = min(query.page, pages)
    sorted_rows = found.sort(
        order.column, "invoice_id", descending=[order.is_descending, False], nulls_last=True
    )
    sums = (
        found.group_by("currency")
        .agg(pl.col("balance").sum(), pl.len())
        .sort("len", "currency", descending=[True, False])
    )
    return Listing(
        rows=sorted_rows.slice((page - 1) * PAGE_ROWS, PAGE_ROWS).to_dicts(),
        count=found.height,
        page=page,
        pages=pages,
        balances=tuple((row["currency"], row["balance"]) for row in sums.to_dicts()),
        choices={name: _counted(searched, name) for name in FILTERS},
    )


def _matches(text: str) -> pl.Expr:
    wanted = text.lower()
    return pl.any_horizontal(
        pl.col(name).str.to_lowercase().str.contains(wanted, literal=True).fill_null(value=False)
        for name in ("invoice_id", "customer_id", "name")
    )


def _counted(rows: pl.DataFrame, name: str) -> tuple[tuple[str, int], ...]:
    counts = rows.drop_nulls(name).group_by(name).len().sort("len", name, descending=[True, False])
    return tuple((row[name], row["len"]) for row in counts.to_dicts())
