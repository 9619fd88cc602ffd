"""One worker of the service: what it holds, and the steps between a checked request and its answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
import os
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from decimal import Decimal
from functools import partial
from typing import Any, Final

import polars as pl

from features.groups.catalogue import CATALOGUE_VERSION, FEATURE_NAMES
from features.legal_forms import natural_person
from features.settings import LedgerSettings
from models.bundle import ModelBundle, load_bundle
from models.registry.champion import read_champion_pointer
from models.score import score
from serving.accounts.freshness import feed_days
from serving.api.bodies import BodyReader
from serving.api.metrics import ServiceMetrics
from serving.dunning import DEFAULT_POLICY_PATH, Policy, load_policy
from serving.mails.background_reader import run_mail_reader
from serving.messages.answers import ScoresAnswer
from serving.messages.refusals import RefusalError, ambiguous_ids, not_ready
from serving.messages.requests import InvoiceToScore, ScoreRequest
from serving.operations.answer_writer import AnswerWriter
from serving.operations.model_watch import Loaded, Watched, file_signature
from serving.operations.settings import ServiceSettings
from serving.operations.spool import Spool
from serving.operations.supervisor import Supervisor
from serving.scoring.answering import answers_to_keep, score_answers, without_conversations
from serving.scoring.completion import (
    InvoiceInFull,
    complete_invoices,
    in_instalments,
    known_facts,
    landmarks_of,
    sees_payer,
)
from serving.scoring.customer_history import OnlineHistory, ask
from serving.scoring.customer_knowledge import Knowledge
from serving.scoring.request_scorer import RequestScorer
from serving.scoring.waits import NightWaits
from serving.security.access import AccessKey, KeyRing
from serving.security.rate_limiter import RateLimit, RateLimiter
from serving.store import (
    CUSTOMERS,
    INVOICES,
    FeedState,
    Moment,
    SqlHistoryStore,
    StoreUnavailableError,
    open_store,
)
from serving.store.audit import note_anchor

_LOG: Final = logging.getLogger("encours.worker")
#: Invoices above which the computing leaves the event loop, so that other callers do not wait.
FEW_INVOICES: Final = 8
#: Seconds for which the freshness of the feeds is cached.
FEED_SECONDS: Final = 5.0
#: The event loop is spared the search for garbage among what is loaded once: seconds after the start.
FREEZE_SECONDS: Final = 2.0
#: Name of the background worker that runs the mail reader.
MAIL_READER: Final = "mail-reader"
_ONE_HUNDRED: Final = Decimal("100.00")
_ONE_DAY: Final = dt.timedelta(days=1)


class ScoreWorker:
    """Everything one worker process holds.

    Args:
        settings: of the installation.
        is_reading_mails: the mail reader runs beside; without it the communication features are unknown.
        now: the clock.
        store: an open store; opened from the settings when null.
        faults: what is known to be missing from the start; health reports it.
    """

    def __init__(
        self,
        settings: ServiceSettings,
        is_reading_mails: bool = False,
        now: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC),
        store: SqlHistoryStore | None = None,
        faults: Sequence[str] = (),
    ) -> None:
        self.faults = tuple(faults)
        self.settings = settings
        self.now = now
        secret = settings.secret()
        self.store = store if store is not None else open_store(settings.store_url, secret)
        self.keys = KeyRing(settings.keys_path, secret)
        self.limiter = RateLimiter(RateLimit(settings.requests_per_second, settings.burst_requests))
        self.metrics = ServiceMetrics()
        self.bodies = BodyReader(settings.maximum_body_bytes)
        self.supervisor = Supervisor(now)
        self.writer = AnswerWriter(self.store, Spool(settings.spool_folder), self.supervisor)
        self.is_reading_mails = is_reading_mails
        self._histories: dict[LedgerSettings, OnlineHistory] = {}
        self._scorer = RequestScorer(self.supervisor, is_quoting=settings.is_quoting)
        self._waits = NightWaits(self.store)
        self._feeds: tuple[float, Moment | None, tuple[FeedState, ...]] = (-FEED_SECONDS, None, ())
        self.champion: Watched[ModelBundle] = Watched(
            "model", lambda: file_signature(settings.champion_pointer), self._load_champion, now
        )
        policy_path = settings.policy_path or DEFAULT_POLICY_PATH
        self.policy: Watched[Policy] = Watched(
            "policy", lambda: file_signature(policy_path), lambda: load_policy(policy_path), now
        )
        self.champion.refresh()
        self.policy.refresh()

    def start(self) -> None:
        """Start polling for a new model and policy, and reading mails; note the head of the audit chain."""
        self.supervisor.once("audit-anchor", self._note_anchor)
        self.supervisor.run("model-and-policy-watch", self._watch)
        if self.is_reading_mails:
            self.supervisor.run(MAIL_READER, partial(run_mail_reader, self.store, self.now, dict(os.environ)))
        self.supervisor.once("memory-freeze", _freeze, delay=FREEZE_SECONDS)

    def close(self) -> None:
        """Finish what waits and give everything back."""
        self.writer.close()
        self.supervisor.close()
        self.bodies.close()
        self.store.close()

    @property
    def is_ready(self) -> bool:
        """Say whether scores can be answered: with a model and a policy, and onto a disk that takes them."""
        return not self.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """Return what prevents scores from being answered, in words for a probe; costs nothing."""
        found = (
            ("model", self.champion.current is not None),
            ("dunning policy", self.policy.current is not None),
            ("answer writer", self.writer.is_ready),
        )
        return tuple(name for name, is_there in found if not is_there)

    def history_in_use(self) -> OnlineHistory | None:
        """Return the history that the serving model reads; null without a model."""
        serving = self.champion.current
        return None if serving is None else self._histories.get(serving.value.settings)

    async def meanings(self, kind: str, ids: Collection[str]) -> Mapping[str, str | None]:
        """Return which known id each id means, null where several may be meant; an unavailable store knows none."""
        try:
            return await ask(self.store, self.store.meanings, kind, ids)
        except StoreUnavailableError:
            _LOG.warning("ids could not be looked up")
            return {name: name for name in ids}

    async def _by_known_ids(
        self, invoices: Sequence[InvoiceToScore], knowledge: Knowledge
    ) -> list[InvoiceToScore]:
        """Return the invoices of a request under the known ids that they mean.

        Raises:
            RefusalError: 422 when an id may mean several known ones.
        """
        known: dict[str, Callable[[str], object]] = {
            "invoice_id": knowledge.invoice,
            "customer_id": knowledge.is_known,
        }
        meant: dict[str, Mapping[str, str | None]] = {}
        for field, kind in (("invoice_id", INVOICES), ("customer_id", CUSTOMERS)):
            ids = {getattr(invoice, field) for invoice in invoices} - {None}
            strange = {name for name in ids if not known[field](name)}
            meant[field] = await self.meanings(kind, strange) if strange else {}
        ambiguous = [
            (row, field)
            for row, invoice in enumerate(invoices)
            for field, found in meant.items()
            if found.get(getattr(invoice, field), "") is None
        ]
        if ambiguous:
            raise ambiguous_ids(ambiguous)
        changes = [
            {
                field: found[getattr(invoice, field)]
                for field, found in meant.items()
                if getattr(invoice, field) in found
            }
            for invoice in invoices
        ]
        return [
            invoice.model_copy(update=changed) if changed else invoice
            for invoice, changed in zip(invoices, changes, strict=True)
        ]

    async def owner_of(self, invoice_id: str) -> str | None:
        """Return who owes an invoice, as far as it is known; null when it is not."""
        history = self.history_in_use()
        row = None if history is None else (await history.current()).invoice(invoice_id)
        return None if row is None else str(row["customer_id"])

    async def score(self, key: AccessKey, request: ScoreRequest) -> ScoresAnswer:
        """Score, explain and route the invoices of a request; the answer is on disk when this returns."""
        serving, policy = self._serving()
        now = self.now()
        as_of = request.as_of or now.date()
        if as_of > now.date() + _ONE_DAY:
            raise RefusalError(
                422,
                "invalid_request",
                f"as_of lies in the future; at most tomorrow: {now.date()} plus 1 day.",
            )
        history = self._histories[serving.value.settings]
        before = await history.current()
        invoices = await self._invoices_of(request, before, key, as_of)
        knowledge = await history.level_with({invoice.customer_id for invoice in invoices})
        if knowledge.moment.context != before.moment.context:
            invoices = await self._invoices_of(request, knowledge, key, as_of)
        await self._refresh_feeds(knowledge.moment)
        # The score of a natural person is always explained, and the explanation stored with the decision.
        payers = knowledge.payers_at(as_of + _ONE_DAY)
        with_reasons = request.with_reasons or any(
            _is_natural_person(knowledge.customer(payers.get(customer_id, customer_id), as_of + _ONE_DAY))
            for customer_id in {invoice.customer_id for invoice in invoices}
        )
        waits = await self._waits.of(knowledge, {invoice.customer_id for invoice in invoices}, payers, as_of)
        pending = await self._pending_of(invoices)
        arguments = (
            serving.value,
            policy.value,
            knowledge,
            waits,
            pending,
            invoices,
            as_of,
            now,
            feed_days(self._feeds[2]),
            with_reasons,
        )
        if len(invoices) <= FEW_INVOICES:
            scored = self._scorer.score(*arguments)
        else:
            scored = await asyncio.to_thread(self._scorer.score, *arguments)
        partly_seen = {
            customer_id
            for customer_id in {invoice.customer_id for invoice in invoices}
            if not sees_payer(knowledge, key, customer_id, as_of + _ONE_DAY)
        }
        if partly_seen:
            scored = without_conversations(scored, partly_seen)
        version = policy.value.spec.policy.version
        answers = score_answers(scored, version)
        written = self.writer.write(answers_to_keep(scored, answers, key.name, now))
        is_stored = await asyncio.wrap_future(written)
        for answer in answers:
            self.metrics.scores.labels(answer.grade).inc()
        return ScoresAnswer(
            as_of=as_of,
            model_version=serving.value.version,
            feature_version=serving.value.catalogue_version,
            policy_version=version,
            is_stored=is_stored,
            scores=answers,
        )

    async def _invoices_of(
        self, request: ScoreRequest, knowledge: Knowledge, key: AccessKey, as_of: dt.date
    ) -> list[InvoiceInFull]:
        """Return the invoices of a request in full, each instalment by itself."""
        asked = await self._by_known_ids(request.invoices, knowledge)
        due = [each for invoice in asked for each in in_instalments(invoice, knowledge)]
        return complete_invoices(due, as_of, known_facts(knowledge, key, as_of))

    async def _pending_of(
        self, invoices: Sequence[InvoiceInFull]
    ) -> Mapping[str, Mapping[str, pl.DataFrame]]:
        """Return the facts that wait for invoices of a request that are not known yet; they count for it."""
        new = [str(each.invoice_id) for each in invoices if each.is_dunned and not each.is_known]
        if not new:
            return {}
        try:
            return await ask(self.store, self.store.pending_of, new)
        except StoreUnavailableError:
            _LOG.warning("facts that wait for new invoices could not be looked up")
            return {}

    async def _refresh_feeds(self, moment: Moment) -> None:
        """Ask for the freshness of the feeds after a change, and every few seconds; without a store the last holds."""
        at, before, feeds = self._feeds
        if moment == before and time.monotonic() - at < FEED_SECONDS:
            return
        try:
            feeds = await ask(self.store, self.store.feeds)
        except StoreUnavailableError:
            _LOG.warning("the freshness of the feeds could not be looked up")
        self._feeds = (time.monotonic(), moment, feeds)

    def _serving(self) -> tuple[Loaded[ModelBundle], Loaded[Policy]]:
        model, policy = self.champion.current, self.policy.current
        if model is None or policy is None:
            what = "model" if model is None else "dunning policy"
            raise not_ready(
                f"No usable {what} is in service yet. To do: train and promote a model with `encours run`, "
                "then see /v1/health."
            )
        return model, policy

    def _load_champion(self) -> ModelBundle:
        folder = read_champion_pointer(self.settings.champion_pointer)
        bundle = load_bundle(folder, FEATURE_NAMES, CATALOGUE_VERSION, threads=1)
        if bundle.settings not in self._histories:
            self._histories[bundle.settings] = OnlineHistory(
                self.store, bundle.settings, self.is_reading_mails, self.supervisor
            )
        _check_scores(bundle, self._histories[bundle.settings].latest)
        return bundle

    def _note_anchor(self) -> None:
        head = self.store.audit_head()
        if head is not None:
            note_anchor(self.settings.anchors_path, head)

    def _watch(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        while not stop.wait(self.settings.poll_seconds):
            self.champion.refresh()
            self.policy.refresh()
            self.metrics.waiting_answers.set(self.writer.waiting_answers)
            beat()


def _is_natural_person(customer: Mapping[str, Any] | None) -> bool:
    row = customer or {}
    return bool(natural_person(row.get("is_natural_person"), row.get("legal_form")))


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


def _freeze() -> None:
    gc.collect()
    gc.freeze()
