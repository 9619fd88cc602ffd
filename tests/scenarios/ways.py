"""The ways in which facts reach a decision: by the service, and by the night."""

from __future__ import annotations

import datetime as dt
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import polars as pl

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for another HTTP client than the one installed
    from starlette.testclient import TestClient

from features.asof import PaymentHistory, landmarks_to_decide
from features.groups.catalogue import CATALOGUE_VERSION
from features.groups.compute import compute_features
from features.ledger import KEYS, Ledger, check_tables, empty_table, table_dtypes
from features.settings import LedgerSettings
from models.bundle import ModelBundle, make_bundle, write_bundle
from models.registry.champion import write_champion_pointer
from models.score import scores_of_frame
from models.training.train import train_model
from serving.api.app import build_app
from serving.api.worker import ScoreWorker
from serving.dunning import DEFAULT_POLICY_PATH, load_policy
from serving.mails.background_reader import Reading, read_all
from serving.mails.reader import reader_version, shared_pipeline
from serving.messages.events import TYPE_OF_TABLE
from serving.night.scoring import route_open_invoices, score_open_invoices
from serving.operations.settings import read_settings
from serving.scoring.answering import decision_answer, remarks_of
from serving.security.access import Scope, make_key, write_keys
from serving.store import open_store
from tests.model_samples import SMALL
from tests.scenarios.timeline import Row, Scenario
from tests.settlement_samples import episodes

#: Begins the id of a remark among the reasons of a decision.
_NOTE: Final = "note."
#: A customer whose payments show that the feeds are alive.
HEARTBEAT: Final = "heartbeat"
_FIRST_HEARTBEAT: Final = dt.date(2026, 1, 1)
_MODEL_DAY: Final = dt.date(2025, 6, 1)


def even_odds_bundle() -> ModelBundle:
    """A model that gives every invoice the same chances, so that facts and policy alone tell decisions apart.

    It learnt from invoices that all look alike, half of them late: there is nothing to tell them apart by.
    """
    number = 400
    issued = [_MODEL_DAY - dt.timedelta(days=300 - each // 2) for each in range(number)]
    landmarks = pl.DataFrame(
        {
            "invoice_id": [f"F{each:04d}" for each in range(number)],
            "customer_id": [f"C{each:04d}" for each in range(number)],
            "as_of": issued,
            "issued_on": issued,
            "due_on": [day + dt.timedelta(days=30) for day in issued],
            "amount": [100.0] * number,
            "currency": ["EUR"] * number,
        }
    )
    features = landmarks.select("invoice_id", "as_of").with_columns(is_month_end_due=pl.lit(0.0))
    settled = {
        f"F{each:04d}": [
            (
                (paid := day + dt.timedelta(days=30 + (20 if each % 2 else -5))),
                paid + dt.timedelta(days=1),
            )
        ]
        for each, day in enumerate(issued)
    }
    names = ("amount",)
    features = landmarks.select("invoice_id", "as_of", "amount")
    model = train_model(
        features, landmarks, episodes(settled), _MODEL_DAY, names, settings=SMALL, directions=[0]
    )
    return make_bundle(
        model.hazard,
        model.calibration,
        LedgerSettings(reporting_currency="EUR"),
        CATALOGUE_VERSION,
        _MODEL_DAY,
        {},
    )


def policy_without_limits(folder: Path) -> Path:
    """The policy that ships, with capacity for every call of every scenario."""
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    assert text.count("capacity: {calls: 25,") == 1
    path = folder / "policy.yaml"
    path.write_text(text.replace("capacity: {calls: 25,", "capacity: {calls: 5000,"), "utf-8")
    return path


def heartbeat(day: dt.date) -> list[Row]:
    """One invoice and its payment on a day, of a customer of no scenario."""
    invoice = {
        "invoice_id": f"{HEARTBEAT}-{day}",
        "customer_id": HEARTBEAT,
        "kind": "invoice",
        "issued_on": day,
        "due_on": day + dt.timedelta(days=30),
        "amount": Decimal("100.00"),
        "currency": "EUR",
    }
    payment = {
        "payment_id": f"{HEARTBEAT}-{day}",
        "invoice_id": invoice["invoice_id"],
        "paid_on": day,
        "known_on": day,
        "amount": Decimal("100.00"),
        "method": "transfer",
    }
    return [Row(day, "invoices", invoice, "event"), Row(day, "payments", payment, "event")]


def ledger_of(rows: Iterable[Row]) -> Ledger:
    """The ledger that an import of these facts gives; only rows of invoices not issued yet are left out."""
    rows = list(rows)
    issued = {row.values["invoice_id"] for row in rows if row.table == "invoices"}
    tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {}
    for row in rows:
        about = row.values.get("invoice_id")
        if about is not None and about not in issued:
            continue
        full = {**dict.fromkeys(table_dtypes(row.table)), **row.values}
        key = tuple(full[name] for name in KEYS[row.table])
        held = tables.setdefault(row.table, {})
        held[key] = full  # told again, the later word replaces the earlier one
    frames = {
        name: pl.DataFrame(list(held.values()), schema=table_dtypes(name)) for name, held in tables.items()
    }
    for name in ("customers", "invoices", "payments"):
        frames.setdefault(name, empty_table(name))
    checked = check_tables(frames)
    assert checked.report.quarantined_rows == 0, checked.report.to_dict()
    return checked.ledger


@dataclass(frozen=True)
class State:
    """What was decided about a receivable, in the words of a scenario file."""

    open: str
    gate: str | None
    sequence: str | None
    step: str | None
    channel: str | None
    on: str | None
    who: str | None
    notes: str | None = None
    remark: str | None = None
    reasons: tuple[str, ...] = field(default=(), compare=False)


NOTHING_OWED: Final = State("0.00", "settled", None, None, None, None, None)
"""A receivable that a night does not list: it is settled and nobody is thanked."""


def state_of(decision: Mapping[str, Any], remarks: Sequence[str] = ()) -> State:
    """What a decision says, and the remarks of its score."""
    step, person = decision["next_step"], decision["person_decides"]
    if step is None:
        who = None
    elif step["is_automatic"]:
        who = "machine"
    else:
        who = decision["approval_level"] or (person or {}).get("level_id") or "person"
    return State(
        str(Decimal(str(decision["balance_amount"])).quantize(Decimal("0.01"))),
        decision["gate_id"],
        decision["sequence_id"],
        None if step is None else step["step_id"],
        None if step is None else step["channel"],
        None if step is None else str(step["on"]),
        who,
        ", ".join(
            sorted(
                rule["rule_id"].removeprefix(_NOTE)
                for rule in decision["why"]
                if rule["rule_id"].startswith(_NOTE)
            )
        )
        or None,
        ", ".join(remarks) or None,
        tuple(f"{rule['rule_id']}: {rule['en']}" for rule in decision["why"]),
    )


class World:
    """One store with a service before it, and the nights over what the store holds.

    Args:
        folder: of its own.
        store_url: the database.
        bundle: the model.
        policy: the policy file.
    """

    def __init__(self, folder: Path, store_url: str, bundle: ModelBundle, policy: Path) -> None:
        self.settings = read_settings({"ENCOURS_HOME": str(folder)}).model_copy(
            update={"store_url": store_url, "policy_path": policy}
        )
        self.bundle, self.policy = bundle, load_policy(policy)
        pointer = self.settings.champion_pointer
        write_champion_pointer(pointer, write_bundle(bundle, pointer.parent / bundle.version))
        self.now = dt.datetime.combine(_FIRST_HEARTBEAT, dt.time(9, 30), dt.UTC)
        self.start()

    def start(self) -> None:
        """Open the store and begin to serve."""
        self.store = open_store(self.settings.store_url, self.settings.secret())
        self.worker = ScoreWorker(
            self.settings, is_reading_mails=True, now=lambda: self.now, store=self.store
        )
        key, text = make_key("tests", [Scope.SCORE, Scope.EVENTS], None, self.settings.secret(), self.now)
        write_keys(self.settings.keys_path, [key])
        self.client = TestClient(
            build_app(self.worker), headers={"Authorization": f"Bearer {text}"}, raise_server_exceptions=True
        )

    def close(self) -> None:
        """End the service and close the store."""
        self.worker.close()

    def restart(self) -> None:
        """End the service and begin again with what the store holds."""
        self.close()
        self.start()

    def to_day(self, day: dt.date) -> None:
        """Let it be the morning of a day."""
        self.now = dt.datetime.combine(day, dt.time(9, 30), dt.UTC)

    def post(self, rows: Sequence[Row]) -> None:
        """Tell the service these facts."""
        events = _events(rows)
        for start in range(0, len(events), 1000):
            answer = self.client.post("/v1/events", json={"events": events[start : start + 1000]})
            assert answer.status_code == 200, answer.text

    def load(self, rows: Sequence[Row]) -> None:
        """Load the ledger of these facts as an import brings it."""
        self.store.load_ledger(ledger_of(rows), self.now)

    def read_mails(self) -> None:
        """Read what waits, as the mail reader beside the service does."""
        quoting = self.settings.is_quoting
        reading = Reading(shared_pipeline(), reader_version(quoting), quoting)
        read_all(self.store, reading, lambda: self.now)

    def ask(self, day: dt.date, receivable_ids: Sequence[str]) -> dict[str, State]:
        """What the service decides about some receivables."""
        found: dict[str, State] = {}
        for start in range(0, len(receivable_ids), 100):
            asked = [{"invoice_id": key} for key in receivable_ids[start : start + 100]]
            body = {"as_of": str(day), "invoices": asked, "with_reasons": False}
            answer = self.client.post("/v1/score", json=body)
            assert answer.status_code == 200, answer.text
            found |= {
                each["invoice_id"]: state_of(each["decision"], [remark["id"] for remark in each["remarks"]])
                for each in answer.json()["scores"]
            }
        return found

    def night(self, day: dt.date, customer_ids: Sequence[str] | None = None) -> dict[str, State]:
        """What a night decides on everything open, by receivable; of these customers only where some are named."""
        found = self.store.history() if customer_ids is None else self.store.history_of(customer_ids)
        ledger = found.ledger
        settings = self.bundle.settings
        signals = None if ledger.emails is None else found.signals
        landmarks = landmarks_to_decide(ledger, day, settings)
        features = compute_features(PaymentHistory.from_ledger(ledger, settings, signals), landmarks)
        scores = scores_of_frame(score_open_invoices(self.bundle, features, landmarks, ledger))
        routed = route_open_invoices(
            ledger, signals, scores, landmarks, self.policy, day, settings, self.store.overrides()
        )
        remarks = {score.invoice_id: [remark.id for remark in remarks_of(score)] for score in scores}
        return {
            record.score.receivable_id: state_of(
                decision_answer(record.decision, "night").model_dump(mode="json"),
                remarks.get(record.score.receivable_id, ()),
            )
            for record in routed.records
            if record.decision is not None
        }


def _events(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """The messages that say these facts; the instalments of an invoice are one."""
    found: list[dict[str, Any]] = []
    instalments: dict[str, list[dict[str, Any]]] = {}
    for row in rows:
        values = _json(row.values)
        if row.table != "instalments":
            found.append({"type": TYPE_OF_TABLE[row.table], **values})
            continue
        invoice_id = values.pop("invoice_id")
        if invoice_id not in instalments:
            instalments[invoice_id] = []
            found.append(
                {"type": "instalments", "invoice_id": invoice_id, "instalments": instalments[invoice_id]}
            )
        instalments[invoice_id].append(values)
    return found


def _json(values: Mapping[str, Any]) -> dict[str, Any]:
    def shown(value: Any) -> Any:
        if isinstance(value, dt.date | Decimal):
            return value.isoformat() if isinstance(value, dt.date) else str(value)
        return value

    return {name: shown(value) for name, value in values.items() if value is not None}


def play(
    world: World,
    told: Sequence[Scenario],
    by_event: Callable[[Row], bool],
    look: Callable[[dt.date, Sequence[str]], dict[str, State]],
) -> dict[tuple[dt.date, str], State]:
    """Let the days pass: facts arrive, and on the days with an expectation somebody looks.

    Args:
        world: a store that holds nothing yet.
        told: the scenarios.
        by_event: whether a fact is posted as an event; the others come with a load of everything imported so far.
        look: what is decided on a day about some receivables.

    Returns:
        What was decided, by day and receivable.
    """
    rows = sorted((row for each in told for row in each.rows), key=lambda row: row.day)
    wanted: dict[dt.date, list[str]] = {}
    for scenario in told:
        for expected in scenario.expected:
            wanted.setdefault(expected.day, []).append(expected.receivable_id)
    found: dict[tuple[dt.date, str], State] = {}
    imported: list[Row] = [
        Row(_FIRST_HEARTBEAT, "customers", {"customer_id": HEARTBEAT, "is_strategic": False}, "import"),
        *heartbeat(_FIRST_HEARTBEAT),
    ]
    days = sorted({row.day for row in rows} | set(wanted))
    for day in days:
        world.to_day(day)
        of_day = [row for row in rows if row.day == day]
        by_import = [row for row in of_day if not by_event(row)]
        imported += by_import
        if by_import or day == days[0] or not any(by_event(row) for row in of_day):
            imported += heartbeat(day)
            world.load(imported)
        posted = [row for row in of_day if by_event(row)]
        world.post([*posted, *heartbeat(day)])
        world.read_mails()
        if day in wanted:
            states = look(day, wanted[day])
            found |= {(day, key): states.get(key, NOTHING_OWED) for key in wanted[day]}
    return found
