"""What assets are given: the home they work in, the ledger and date they read, the choices of a run.

Nothing is read from the environment until an asset runs.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import dagster as dg
from filelock import FileLock, Timeout
from pydantic import Field

from features.errors import Fault, InvalidInputError
from features.files import delete_left_aside
from features.ledger import Ledger, last_known_on
from features.messages import localized
from features.settings import LedgerSettings
from models.registry.home import Home, home_at, read_home
from serving.dunning import Policy, load_policy

_LEFT_OUT = "Left out: the champion's; without a champion, the default."


@contextmanager
def only_run(home: Home) -> Iterator[None]:
    """Hold the home for one run; files left aside by processes that were killed are removed first.

    Raises:
        InvalidInputError: another run is writing into the same home.
    """
    home.root.mkdir(parents=True, exist_ok=True)
    lock = FileLock(home.root / ".run.lock", blocking=False)
    try:
        lock.acquire()
    except Timeout as error:
        remedy = localized("wait for it, or set ENCOURS_HOME")
        fault = Fault(localized("another run is writing here"), where=str(home.root), remedy=remedy)
        raise InvalidInputError(localized("the home is in use"), [fault]) from error
    try:
        delete_left_aside(home.root)
        yield
    finally:
        lock.release()


class EncoursHome(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The folder in which everything is kept, locked for one run at a time."""

    root: str = Field(default="", description="Folder; empty takes ENCOURS_HOME, or var/ when that is unset.")

    def home(self) -> Home:
        """Where Encours writes its files."""
        return home_at(Path(self.root)) if self.root else read_home()

    @contextmanager
    def yield_for_execution(self, context: dg.InitResourceContext) -> Iterator[EncoursHome]:
        """Hold the home while a run goes on, whoever started it."""
        with only_run(self.home()):
            yield self


class LedgerInput(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The ledger to read and the as-of date."""

    folder: str = Field(default="", description="Ledger folder; empty takes the one in the home.")
    as_of: str = Field(
        default="", description="ISO date; only what was known strictly before it is seen. Empty: the day after the "
        "last fact in the ledger."
    )  # fmt: skip
    grace_days: int | None = Field(
        default=None, description=f"Days past due that are still on time. {_LEFT_OUT}"
    )
    settled_tolerance: str | None = Field(
        default=None, description=f"Open amount at which an invoice is settled. {_LEFT_OUT}"
    )
    promise_grace_days: int | None = Field(
        default=None, description=f"Days after a promised day at which its money still counts. {_LEFT_OUT}"
    )
    reporting_currency: str | None = Field(
        default=None, description=f"ISO 4217 code of the amounts among the features. {_LEFT_OUT}"
    )
    accepted_discount_share: str | None = Field(
        default=None,
        description="Share that may be left out for early payment where the terms grant none, such as 0.02. "
        + _LEFT_OUT,
    )
    accepted_discount_days: int | None = Field(
        default=None, description=f"Days from issue within which that discount may be taken. {_LEFT_OUT}"
    )

    def source(self, home: Home) -> Path:
        """Folder the ledger is read from."""
        return Path(self.folder) if self.folder else home.ledger

    def given_settings(self) -> dict[str, Any]:
        """The ledger settings that this run states itself, by name; the others are the champion's.

        Raises:
            InvalidInputError: an amount cannot be read.
        """
        exact = ("settled_tolerance", "accepted_discount_share")
        stated = {field.name: getattr(self, field.name) for field in fields(LedgerSettings)}
        return {
            name: amount(value, name) if name in exact else value
            for name, value in stated.items()
            if value is not None
        }

    def date(self, ledger: Ledger) -> dt.date:
        """The as-of date of the run."""
        return as_of_date(ledger, self.as_of)


class PolicyFile(dg.ConfigurableResource):  # type: ignore[type-arg]
    """The dunning policy that routes tonight's invoices."""

    path: str = Field(default="", description="Policy file; empty takes the policy that ships with Encours.")

    def policy(self) -> Policy:
        """The policy, read and checked."""
        return load_policy(Path(self.path) if self.path else None)


def amount(text: str, name: str) -> Decimal:
    """An amount of a setting, exact.

    Raises:
        InvalidInputError: the text is no decimal number.
    """
    try:
        return Decimal(text)
    except InvalidOperation as error:
        fault = Fault(
            localized("{text!r} is not an amount", text=text),
            where=name,
            expected=localized("a decimal number such as 0.05"),
        )
        raise InvalidInputError(localized("These ledger settings cannot be used."), [fault]) from error


TODAY = "today"


def as_of_date(ledger: Ledger, as_of: str | None) -> dt.date:
    """The date given ("today" for the present one, UTC), or the day after the last fact the ledger holds.

    Raises:
        InvalidInputError: the text is no ISO date, or the ledger holds no dated fact.
    """
    if as_of == TODAY:
        return dt.datetime.now(dt.UTC).date()
    if as_of:
        try:
            return dt.date.fromisoformat(as_of)
        except ValueError as error:
            fault = Fault(
                localized("{as_of!r} is not a date", as_of=as_of),
                where="as-of",
                expected=localized("an ISO date such as 2026-06-30"),
            )
            raise InvalidInputError(localized("the as-of date cannot be read"), [fault]) from error
    last = last_known_on(ledger)
    if last is None:
        fault = Fault(
            localized("the ledger holds no dated fact"),
            where="ledger",
            remedy=localized("import a ledger, or give --as-of"),
        )
        raise InvalidInputError(localized("there is no date to look from"), [fault])
    return last + dt.timedelta(days=1)
