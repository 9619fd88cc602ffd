"""The whole world: drawn part by part, cut at the last day of the ledger, written with its truth apart."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl

from data_samples.generator.allocations import (
    credit_note_rows,
    dispute_rows,
    draw_allocations,
    draw_credit_notes,
    draw_disputes,
    payment_rows,
)
from data_samples.generator.correspondence import (
    draw_letters,
    replies_to_reminders,
    write_inbound,
    write_outbound,
)
from data_samples.generator.customers import draw_customers
from data_samples.generator.day_calendar import DayCalendar
from data_samples.generator.episodes import draw_administrative_phases, draw_states, insolvent_from
from data_samples.generator.invoices import draw_invoices, invoice_rows
from data_samples.generator.payment_process import PaymentProcess, play
from data_samples.generator.reminders import (
    draw_platform_events,
    draw_reminders,
    instants,
    interaction_rows,
    join_events,
)
from data_samples.generator.sector_climate import draw_climate, indicator_rows
from data_samples.generator.settings import WorldSettings
from data_samples.generator.sidecar import sidecar_text
from data_samples.generator.truth import (
    customer_rows,
    episode_rows,
    outcome_rows,
    probability_rows,
    unpaid_probabilities,
)
from features.errors import Fault, InvalidInputError
from features.files import Content, write_whole
from features.ledger import SCHEMAS, Ledger, in_contract_columns

TRUTH_FOLDER = "truth"
_SETTINGS_FILE = "settings.json"
_SUBJECTS = (
    "customers",
    "states",
    "climate",
    "invoices",
    "payments",
    "disputes",
    "credits",
    "allocations",
    "indicators",
    "reminders",
    "platform",
    "letters",
    "mails",
    "phases",
)


@dataclass(frozen=True)
class World:
    """A simulated world.

    Attributes:
        settings: what it was made from.
        ledger: what the supplier knows at the end of the last day.
        truth: what nobody knows, by name: `probabilities` and `outcomes` (one row per invoice), `customers`
            (hidden parameters), `episodes` (spells of cash trouble), `emails` (what inbound mails really
            say).
    """

    settings: WorldSettings
    ledger: Ledger
    truth: Mapping[str, pl.DataFrame]


def simulate_world(settings: WorldSettings) -> World:
    """The world that belongs to the settings; the same settings give the same world, to the last byte.

    Every subject (customers, invoices, letters, ...) has its own stream of chance derived from the seed.

    Raises:
        InvalidInputError: the world is so small that it holds no invoice.
    """
    seeds = np.random.SeedSequence(settings.seed).spawn(len(_SUBJECTS))
    chance = {name: np.random.default_rng(seed) for name, seed in zip(_SUBJECTS, seeds, strict=True)}
    calendar = DayCalendar.from_settings(settings)
    customers = draw_customers(settings, calendar, chance["customers"])
    states = draw_states(settings, calendar, customers.strain_rate, chance["states"])
    upset = draw_administrative_phases(settings, calendar, settings.customers, chance["phases"])
    climate = draw_climate(settings, calendar, chance["climate"])
    invoices = draw_invoices(settings, calendar, customers, states, climate, chance["invoices"])
    if len(invoices) == 0:
        fault = Fault(
            "no customer has been sent an invoice yet", remedy="ask for more customers or more months"
        )
        raise InvalidInputError("The world is too small to hold a ledger.", [fault])
    process = PaymentProcess.from_world(settings, calendar, customers, invoices, upset)
    story = play(process, states, chance["payments"])
    disputes = draw_disputes(invoices, story, chance["disputes"])
    credits = draw_credit_notes(settings, invoices, story, chance["credits"])
    money = draw_allocations(settings, calendar, customers, invoices, story, credits, chance["allocations"])
    reminders = draw_reminders(settings, calendar, process, story, disputes, money, chance["reminders"])
    platform = draw_platform_events(calendar, process, invoices, story, disputes, states, chance["platform"])
    letters = draw_letters(settings, customers, invoices, story, disputes, states, upset, chance["letters"])
    inbound, mail_truth, about_invoices = write_inbound(
        settings, calendar, customers, invoices, letters, chance["mails"]
    )
    outbound = write_outbound(settings, customers, invoices, calendar, reminders)
    emails, mail_truth = _numbered_mails(calendar, inbound, outbound, mail_truth)
    replies = replies_to_reminders(about_invoices, reminders)
    tables = {
        "customers": customers.frame,
        "invoices": pl.concat(
            [
                invoice_rows(calendar, customers, invoices),
                credit_note_rows(settings, calendar, customers, invoices, credits),
            ]
        ),
        "payments": payment_rows(settings, calendar, invoices, money),
        "disputes": dispute_rows(settings, calendar, invoices, disputes),
        "emails": emails,
        "interactions": interaction_rows(
            settings, calendar, customers, invoices, join_events([reminders, platform, replies])
        ),
        "indicators": indicator_rows(settings, calendar, climate, chance["indicators"]),
    }
    ledger = Ledger.from_tables({name: in_contract_columns(name, frame) for name, frame in tables.items()})
    at_issue = (invoices.customer, invoices.issued)
    unpaid = unpaid_probabilities(process, states, customers.strain_rate)
    truth = {
        "probabilities": probability_rows(invoices, unpaid, states[at_issue], upset[at_issue]),
        "outcomes": outcome_rows(calendar, invoices, story),
        "customers": customer_rows(settings, calendar, customers, insolvent_from(states)),
        "episodes": episode_rows(calendar, customers, states, upset),
        "emails": mail_truth,
    }
    return World(settings, ledger, truth)


def _numbered_mails(
    calendar: DayCalendar, inbound: pl.DataFrame, outbound: pl.DataFrame, truth: pl.DataFrame
) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The ledger's emails numbered in order of time, and the truth about the inbound ones by the same ids."""
    rows = (
        pl.concat([inbound, outbound]).with_row_index("place").sort("day", "minute", "customer_id", "place")
    )
    rows = rows.with_columns(
        pl.Series("email_id", [f"E{number:07d}" for number in range(1, rows.height + 1)], dtype=pl.String),
        instants(calendar, rows["day"].to_numpy(), rows["minute"].to_numpy()).alias("sent_at"),
    )
    emails = rows.select("email_id", "customer_id", "sent_at", "direction", "subject", "body", "invoice_id")
    ids = rows.sort("place").head(inbound.height).select("email_id")
    return emails, pl.concat([ids, truth], how="horizontal").sort("email_id")


def write_world(world: World, folder: Path, command: str) -> list[Path]:
    """Write the ledger, the truth in a folder of its own, and a README that describes both.

    Args:
        world: what to write.
        folder: the ledger folder; the truth goes to `truth/` in it.
        command: the command that makes this world, for the README.

    Returns:
        The files written.

    Raises:
        InvalidInputError: the folder holds a ledger or a README that no simulation wrote.
    """
    refuse_to_overwrite(folder)
    tables = dict(world.ledger.tables())
    files: dict[Path, Content] = {folder / f"{name}.parquet": frame for name, frame in tables.items()}
    truth = {folder / TRUTH_FOLDER / f"{name}.parquet": frame for name, frame in world.truth.items()}
    settings = json.dumps(_settings_as_json(world.settings), indent=1, ensure_ascii=False) + "\n"
    # The settings come first: they mark the folder as a simulation's own, which can be run again after a stop.
    for path, content in ({folder / TRUTH_FOLDER / _SETTINGS_FILE: settings} | files | truth).items():
        write_whole(content, path)
    for name in SCHEMAS:
        if name not in tables:
            (folder / f"{name}.parquet").unlink(missing_ok=True)
    readme = folder / "README.md"
    write_whole(sidecar_text(world.settings, tables, world.truth, folder, command), readme)
    return [*files, *sorted([*truth, folder / TRUTH_FOLDER / _SETTINGS_FILE]), readme]


def refuse_to_overwrite(folder: Path) -> None:
    """Refuse a folder whose ledger or README was not written by a simulation; nothing real is ever replaced.

    Raises:
        InvalidInputError: the folder holds such files.
    """
    if (folder / TRUTH_FOLDER / _SETTINGS_FILE).exists():
        return
    names = [f"{name}.{suffix}" for name in SCHEMAS for suffix in ("parquet", "csv")]
    found = tuple(name for name in [*names, "README.md"] if (folder / name).exists())
    if found:
        fault = Fault(
            "holds files that no simulation wrote",
            where=str(folder),
            expected="a new folder, or one written by `encours simulate`",
            remedy="choose another folder with --out",
            examples=found,
        )
        raise InvalidInputError("A simulated world does not replace other files.", [fault])


def _settings_as_json(settings: WorldSettings) -> dict[str, object]:
    values: dict[str, object] = {}
    for field in fields(settings):
        value = getattr(settings, field.name)
        if isinstance(value, date):
            value = value.isoformat()
        elif isinstance(value, Mapping):
            value = dict(value)
        values[field.name] = value
    return values
