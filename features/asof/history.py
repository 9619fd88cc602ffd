"""A payment history prepared once, ready to be read at any as-of date."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import polars as pl

from features.asof.context import ContextStreams
from features.asof.conversion import Conversion
from features.asof.customer_streams import CustomerStreams
from features.asof.exchange_rates import ExchangeRates
from features.asof.indicators import IndicatorStreams
from features.ledger.ledger import Ledger
from features.settings import LedgerSettings


@dataclass(frozen=True)
class PaymentHistory:
    """Everything a ledger says about its payers, as event streams that can be read at any as-of date.

    Preparing costs a sort per stream; reading costs binary searches. The same reading serves a training set, the
    nightly batch and one invoice in the score service.

    Attributes:
        settings: how lateness and settlement are read, and the reporting currency.
        conversion: of amounts into the reporting currency.
        base: streams of every customer of the ledger.
        context: peers, sector, country and portfolio as known on each day.
        indicators: published figures; None when the ledger has no such table.
        changed: streams of customers whose rows changed since the base was prepared, by customer id.
    """

    settings: LedgerSettings
    conversion: Conversion
    base: CustomerStreams
    context: ContextStreams
    indicators: IndicatorStreams | None
    changed: Mapping[str, CustomerStreams]

    @classmethod
    def from_ledger(
        cls,
        ledger: Ledger,
        settings: LedgerSettings | None = None,
        signals: pl.DataFrame | None = None,
        episodes: pl.DataFrame | None = None,
    ) -> PaymentHistory:
        """Prepare a ledger's history.

        Args:
            ledger: the checked ledger; tables that are None leave their features unknown.
            settings: grace days and tolerance; the defaults when None. Without a reporting currency it is that of most
                of the ledger's invoices.
            signals: what the e-mails say, one row per mail (`features.email.signals_frame`); None when the
                mails have not been read, which leaves the communication features unknown.
            episodes: when each receivable was settled (`settlement_episodes`), where that is at hand.
        """
        settings = (settings or LedgerSettings()).with_reporting_currency(ledger.invoices)
        conversion = Conversion(settings.reporting_currency, ExchangeRates.of(ledger.indicators))
        base = CustomerStreams.build(ledger, settings, signals, conversion, episodes)
        indicators = None if ledger.indicators is None else IndicatorStreams.build(ledger.indicators)
        return cls(settings, conversion, base, ContextStreams.build(base), indicators, {})

    def with_customer(
        self, part: Ledger, signals: pl.DataFrame | None = None, episodes: pl.DataFrame | None = None
    ) -> PaymentHistory:
        """The same history with the rows of the part's customers replaced by the part's.

        The part contains every row of those customers, not just the new ones, and every customer that is or was merged
        with one of them. Sector, country and portfolio change by the difference, so that the features equal those of a
        history prepared from the whole new ledger. Indicators and exchange rates are taken from the base.
        `episodes` are those of the part, where they are at hand.
        """
        streams = CustomerStreams.build(part, self.settings, signals, self.conversion, episodes)
        changed = dict(self.changed)
        context = self.context
        for customer_id in streams.customers.ids:
            before = changed.get(customer_id, self.base)
            context = context.with_difference(customer_id, before, streams)
            changed[customer_id] = streams
        return replace(self, changed=changed, context=context)
