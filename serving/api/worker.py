"""One worker of the service: its parts, and the steps between a checked request and its answer."""

from __future__ import annotations

import asyncio
import datetime as dt
import gc
import logging
import os
import threading
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from features.messages import localized
from serving.api.bodies import BodyReader
from serving.api.metrics import ServiceMetrics
from serving.mails.background_reader import run_mail_reader
from serving.messages.answers import ScoresAnswer
from serving.messages.requests import ScoreRequest
from serving.operations.answer_writer import AnswerWriter
from serving.operations.settings import ServiceSettings
from serving.operations.spool import Spool
from serving.operations.supervisor import Supervisor
from serving.scoring.answering import answers_to_store, score_answers
from serving.scoring.customer_history import OnlineHistory
from serving.scoring.in_service import InService
from serving.scoring.request_scorer import RequestScorer
from serving.scoring.request_steps import RequestSteps
from serving.security.access import AccessKey, KeyRing
from serving.security.rate_limiter import RateLimit, RateLimiter
from serving.store import SqlHistoryStore, open_store
from serving.store.audit import note_anchor

_LOG: Final = logging.getLogger("encours.worker")
#: The event loop is spared the search for garbage among what is loaded once: seconds after the start.
FREEZE_SECONDS: Final = 2.0
_MODEL: Final = localized("model")
_POLICY: Final = localized("dunning policy")
_ANSWER_WRITER: Final = localized("answer writer")
#: Name of the background worker that runs the mail reader.
MAIL_READER: Final = "mail-reader"


class ScoreWorker:
    """The parts of one worker process.

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
        self.in_service = InService(
            self.store,
            settings.champion_pointer,
            settings.policy_path,
            is_reading_mails,
            self.supervisor,
            now,
        )
        self.champion, self.policy = self.in_service.champion, self.in_service.policy
        scorer = RequestScorer(self.supervisor, is_quoting=settings.is_quoting)
        self.steps = RequestSteps(self.store, self.in_service, scorer)

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
            (_MODEL, self.champion.current is not None),
            (_POLICY, self.policy.current is not None),
            (_ANSWER_WRITER, self.writer.is_ready),
        )
        return tuple(name for name, is_there in found if not is_there)

    def history_in_use(self) -> OnlineHistory | None:
        """Return the history that the serving model reads; null without a model."""
        return self.in_service.history()

    async def owner_of(self, invoice_id: str) -> str | None:
        """Return who owes an invoice, as far as it is known; null when it is not."""
        history = self.history_in_use()
        row = None if history is None else (await history.current()).invoice(invoice_id)
        return None if row is None else str(row["customer_id"])

    async def score(self, key: AccessKey, request: ScoreRequest) -> ScoresAnswer:
        """Score, explain and route the invoices of a request; the answer is on disk when this returns."""
        now = self.now()
        found = await self.steps.score(key, request, now)
        answers = score_answers(found.scored, found.policy_version)
        written = self.writer.write(answers_to_store(found.scored, answers, found.changes, key.name, now))
        is_stored = await asyncio.wrap_future(written)
        for answer in answers:
            self.metrics.scores.labels(answer.grade).inc()
        return ScoresAnswer(
            as_of=found.as_of,
            model_version=found.model_version,
            feature_version=found.feature_version,
            policy_version=found.policy_version,
            is_stored=is_stored,
            scores=answers,
        )

    def _note_anchor(self) -> None:
        head = self.store.audit_head()
        if head is not None:
            note_anchor(self.settings.anchors_path, head)

    def _watch(self, stop: threading.Event, beat: Callable[[], None]) -> None:
        while not stop.wait(self.settings.poll_seconds):
            self.in_service.refresh()
            self.metrics.waiting_answers.set(self.writer.waiting_answers)
            beat()


def _freeze() -> None:
    gc.collect()
    gc.freeze()
