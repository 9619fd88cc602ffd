"""The model and the dunning policy in service, replaced while running, and the history each model reads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Final

from features.groups.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from features.messages import localized
from features.settings import LedgerSettings
from models.bundle import ModelBundle, load_bundle
from models.registry.champion import read_champion_pointer
from models.score import score
from serving.dunning import DEFAULT_POLICY_PATH, Policy, load_policy
from serving.messages.refusals import not_ready
from serving.operations.model_watch import Watched, file_signature
from serving.operations.supervisor import Supervisor
from serving.scoring.completion import InvoiceInFull, landmarks_of
from serving.scoring.customer_history import OnlineHistory
from serving.scoring.customer_knowledge import Knowledge
from serving.store import HistoryStore

_ONE_HUNDRED: Final = Decimal("100.00")

_NO_MODEL: Final = localized(
    "No usable model is in service yet. To do: train and promote a model with `encours run`, "
    "then look at /v1/health."
)
_NO_POLICY: Final = localized(
    "No usable dunning policy is in service yet. To do: train and promote a model with `encours run`, "
    "then look at /v1/health."
)


class InService:
    """What scores and decides now.

    Args:
        store: the history store.
        champion_pointer: the file that names the model in service.
        policy_path: the policy file; the one that ships when null.
        is_reading_mails: mails are read into the store; without that the communication features are unknown.
        supervisor: runs what is prepared in the background.
        now: the clock.
    """

    def __init__(
        self,
        store: HistoryStore,
        champion_pointer: Path,
        policy_path: Path | None,
        is_reading_mails: bool,
        supervisor: Supervisor,
        now: Callable[[], dt.datetime],
    ) -> None:
        self._store = store
        self._pointer = champion_pointer
        self._is_reading_mails = is_reading_mails
        self._supervisor = supervisor
        self._histories: dict[LedgerSettings, OnlineHistory] = {}
        policy_file = policy_path or DEFAULT_POLICY_PATH
        self.champion: Watched[ModelBundle] = Watched(
            localized("model"), lambda: file_signature(champion_pointer), self._load_champion, now
        )
        self.policy: Watched[Policy] = Watched(
            localized("policy"), lambda: file_signature(policy_file), lambda: load_policy(policy_file), now
        )
        self.refresh()

    def refresh(self) -> None:
        """Load a new model or policy where there is one; a fault in it leaves the present one in service."""
        self.champion.refresh()
        self.policy.refresh()

    def history(self) -> OnlineHistory | None:
        """Return the history that the serving model reads; null without a model."""
        serving = self.champion.current
        return None if serving is None else self._histories.get(serving.value.settings)

    def current(self) -> tuple[ModelBundle, Policy, OnlineHistory]:
        """Return the model, the policy and the history to score with.

        Raises:
            RefusalError: 503 when there is no usable model or policy.
        """
        model, policy = self.champion.current, self.policy.current
        if model is None or policy is None:
            raise not_ready(_NO_MODEL if model is None else _NO_POLICY)
        return model.value, policy.value, self._histories[model.value.settings]

    def _load_champion(self) -> ModelBundle:
        folder: Path = read_champion_pointer(self._pointer)
        bundle = load_bundle(folder, FEATURE_NAMES, CATALOGUE_VERSION, threads=1)
        if bundle.settings not in self._histories:
            self._histories[bundle.settings] = OnlineHistory(
                self._store, bundle.settings, self._is_reading_mails, self._supervisor
            )
        _check_scores(bundle, self._histories[bundle.settings].latest)
        return bundle


def _check_scores(bundle: ModelBundle, knowledge: Knowledge) -> None:
    """Score one made-up draft, so that a model that cannot score is refused before it serves."""
    day = bundle.known_before
    invoice = InvoiceInFull(
        0,
        None,
        "",
        day,
        day,
        day + dt.timedelta(days=30),
        _ONE_HUNDRED,
        "EUR",
        None,
        None,
        None,
        None,
        False,
        (),
    )
    score(bundle, knowledge.history, landmarks_of([invoice]))
