"""A small model, a store with the sample ledger, and a worker behind its HTTP application."""

from __future__ import annotations

import datetime as dt
import shutil
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

with warnings.catch_warnings():
    warnings.simplefilter("ignore")  # Starlette asks for another HTTP client than the one installed
    from starlette.testclient import TestClient

from features.asof import PaymentHistory, landmarks_at_issue, open_landmarks
from features.groups.catalogue import CATALOGUE_VERSION, COLUMNS_BY_NAME, FEATURE_NAMES
from features.groups.compute import compute_features
from features.ledger import Ledger, read_ledger
from features.ledger.as_known import as_known_before
from features.settings import LedgerSettings
from features.settlement import settlement_episodes
from models.bundle import load_bundle, make_bundle, write_bundle
from models.hazard.customer_curve import CURVE_COLUMNS
from models.hazard.training_set import training_landmarks
from models.registry.champion import write_champion_pointer
from models.score import scores_of_frame
from models.training.train import TrainingSettings, train_model
from serving.api.app import build_app
from serving.api.worker import ScoreWorker
from serving.dunning import load_policy
from serving.mails.background_reader import Reading, read_all
from serving.mails.reader import reader_version, shared_pipeline
from serving.night.answers import tonights_answers
from serving.night.scoring import RoutedNight, route_open_invoices, score_open_invoices
from serving.night.store import overrides_in_service
from serving.operations.settings import ServiceSettings, read_settings
from serving.security.access import Scope, make_key, read_keys, write_keys
from serving.store import SqlHistoryStore, open_store

AS_OF = dt.date(2026, 3, 2)
NOW = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
#: An invoice told by event.
INVOICE: dict[str, Any] = {
    "type": "invoice",
    "invoice_id": "E-1",
    "customer_id": "C-E",
    "issued_on": "2026-02-01",
    "due_on": "2026-03-03",
    "amount": "100.00",
}
CUT_OFF = dt.date(2026, 1, 1)
SAMPLE = Path(__file__).parents[3] / "data_samples" / "ledger"
FEATURES = (
    "late_share_365d",
    "late_share_all",
    "days_late_mean_365d",
    "open_count",
    "overdue_amount_sum",
    "amount",
    "terms_days",
    "history_depth",
)


@pytest.fixture(scope="session")
def ledger() -> Ledger:
    """The sample ledger, cut to its first customers and to what was known before the day of the tests."""
    whole = read_ledger(SAMPLE)
    customers = whole.customers.sort("customer_id").head(110)
    ids = customers["customer_id"].implode()
    invoices = whole.invoices.filter(pl.col("customer_id").is_in(ids) & (pl.col("issued_on") <= AS_OF))
    of_them = invoices["invoice_id"].implode()
    payments = whole.payments.filter(pl.col("invoice_id").is_in(of_them) & (pl.col("known_on") < AS_OF))
    assert whole.disputes is not None
    assert whole.interactions is not None
    return Ledger(
        customers=customers,
        invoices=invoices,
        payments=payments,
        disputes=whole.disputes.filter(pl.col("invoice_id").is_in(of_them) & (pl.col("opened_on") < AS_OF)),
        interactions=whole.interactions.filter(
            pl.col("customer_id").is_in(ids) & (pl.col("happened_at").dt.date() < AS_OF)
        ),
        indicators=whole.indicators,
    )


@pytest.fixture(scope="session")
def bundle_folder(ledger: Ledger, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A real model of a few features and trees."""
    settled = settlement_episodes(ledger)
    first = ledger.invoices["issued_on"].min()
    assert isinstance(first, dt.date)
    at_issue = landmarks_at_issue(ledger, first, CUT_OFF)
    landmarks = training_landmarks(at_issue, settled, CUT_OFF, seed=7, max_invoices=300)
    features = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
    names = [name for name in FEATURE_NAMES if name in {*FEATURES, *CURVE_COLUMNS}]
    trained = train_model(
        features,
        landmarks,
        settled,
        CUT_OFF,
        names,
        settings=TrainingSettings(leaves=(4,), max_trees=20),
        directions=[COLUMNS_BY_NAME[name].direction for name in names],
    )
    bundle = make_bundle(
        trained.hazard,
        trained.calibration,
        LedgerSettings(),
        CATALOGUE_VERSION,
        CUT_OFF,
        {"invoices": trained.invoice_count},
    )
    return write_bundle(bundle, tmp_path_factory.mktemp("bundles") / bundle.version)


def put_in_service(settings: ServiceSettings, bundle: Path) -> None:
    """Copy a model beside the pointer and point to it, as a promotion does."""
    pointer = settings.champion_pointer
    shutil.copytree(bundle, pointer.parent / bundle.name, dirs_exist_ok=True)
    write_champion_pointer(pointer, bundle)


def prepare_home(home: Path, ledger: Ledger, bundle: Path) -> ServiceSettings:
    """A home with a model in service and the ledger in its store, as before `encours serve`."""
    settings = read_settings({"ENCOURS_HOME": str(home)})
    put_in_service(settings, bundle)
    store = open_store(settings.store_url, settings.secret())
    store.load_ledger(ledger, NOW)
    store.close()
    return settings


@dataclass
class Service:
    """A worker in this process, with a client for each kind of key."""

    worker: ScoreWorker
    settings: ServiceSettings
    store: SqlHistoryStore
    client: Callable[..., TestClient]
    ledger: Ledger

    def open_invoices(self, count: int) -> list[str]:
        return open_landmarks(self.ledger, AS_OF)["invoice_id"].head(count).to_list()


RunNight = Callable[[Service], RoutedNight]


@pytest.fixture(scope="session")
def run_night(bundle_folder: Path) -> RunNight:
    """Score and route every open invoice as the nightly job does, and hand the night to the service."""

    def run(service: Service) -> RoutedNight:
        ledger, policy = as_known_before(service.ledger, AS_OF), load_policy()
        landmarks = open_landmarks(ledger, AS_OF)
        features = compute_features(PaymentHistory.from_ledger(ledger), landmarks)
        scores = scores_of_frame(score_open_invoices(load_bundle(bundle_folder), features, landmarks, ledger))
        overrides = overrides_in_service(service.settings)
        routed = route_open_invoices(
            ledger, None, scores, landmarks, policy, AS_OF, LedgerSettings(), overrides
        )
        service.store.load_ledger(ledger, NOW)
        version = policy.spec.policy.version
        service.store.replace_nightly(
            tonights_answers(scores, routed.records, version, None, service.store.moment().change, NOW)
        )
        return routed

    return run


def read_mails(service: Service) -> int:
    """Read what waits, as the mail reader beside the service does; return how many."""
    quoting = service.settings.is_quoting
    reading = Reading(shared_pipeline(), reader_version(quoting), quoting)
    return read_all(service.store, reading, lambda: NOW)


class Maker:
    """Makes services in folders of its own and closes them at the end."""

    def __init__(self, ledger: Ledger, bundle: Path, folder: Path) -> None:
        self._ledger, self._bundle, self._folder = ledger, bundle, folder
        self._made: list[ScoreWorker] = []

    def __call__(
        self, store: SqlHistoryStore | None = None, is_reading_mails: bool = False, **changes: Any
    ) -> Service:
        home = self._folder / "home"
        settings = read_settings({"ENCOURS_HOME": str(home)}).model_copy(update=changes)
        put_in_service(settings, self._bundle)
        opened = store or open_store(settings.store_url, settings.secret())
        if not opened.feeds():
            opened.load_ledger(self._ledger, NOW)
        worker = ScoreWorker(settings, is_reading_mails, now=lambda: NOW, store=opened)
        self._made.append(worker)
        app = build_app(worker)

        def client(*scopes: Scope, accounts: list[str] | None = None, name: str = "tests") -> TestClient:
            key, text = make_key(name, scopes, accounts, settings.secret(), NOW)
            write_keys(settings.keys_path, [*read_keys(settings.keys_path).values(), key])
            headers = {"Authorization": f"Bearer {text}"} if scopes else {}
            return TestClient(app, headers=headers, raise_server_exceptions=False)

        return Service(worker, settings, opened, client, self._ledger)

    def close(self) -> None:
        for worker in self._made:
            worker.close()


@pytest.fixture
def make_service(ledger: Ledger, bundle_folder: Path, tmp_path: Path) -> Iterator[Maker]:
    maker = Maker(ledger, bundle_folder, tmp_path)
    yield maker
    maker.close()


@pytest.fixture
def fresh_service(make_service: Maker) -> Service:
    """A service of its own, for tests that write facts."""
    return make_service()


@pytest.fixture(scope="session")
def service(
    ledger: Ledger, bundle_folder: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """One service for all tests that only score and read."""
    maker = Maker(ledger, bundle_folder, tmp_path_factory.mktemp("service"))
    yield maker()
    maker.close()
