"""Whether the service can be relied on now, and why not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path
from typing import Final, Literal

from features.messages import Language, Message, Text, in_language, localized, localized_plural
from serving.accounts.freshness import feed_days
from serving.api.worker import ScoreWorker
from serving.dunning import DEFAULT_POLICY_PATH, FeedAge, feed_ages
from serving.dunning.legal import coverage_warning
from serving.mails.reader import reader_version
from serving.messages.answers import FeedAnswer
from serving.messages.health import HealthAnswer, WorkerAnswer
from serving.operations.model_watch import RegistryState, read_registry_state
from serving.security.redaction import public_text
from serving.store import FeedState, StoreUnavailableError
from serving.store.mail_signals import MailsWaiting

#: Seconds without a report of the registry follower after which its state counts as unknown.
FOLLOWER_SILENT_SECONDS: Final = 120.0
#: A mail that has waited for longer degrades the service.
LONG_WAIT: Final = dt.timedelta(minutes=15)
#: States of a background worker that degrade the service.
_TROUBLE: Final = {"restarting": localized("restarting"), "stalled": localized("stalled")}


def health_of(worker: ScoreWorker, language: Language = "en") -> HealthAnswer:
    """Return the state of a worker, its sentences in a language; asks the store."""
    now = worker.now()
    notes: list[str] = list(worker.faults)
    store: Literal["reachable", "unreachable"] = "reachable"
    feeds: tuple[FeedState, ...] = ()
    pending: dict[str, int] = {}
    mails = MailsWaiting(0, None, 0)
    try:
        feeds, pending = worker.store.feeds(), worker.store.pending()
        if worker.is_reading_mails:
            mails = worker.store.mails_waiting(reader_version(worker.settings.is_quoting))
    except StoreUnavailableError:
        store = "unreachable"
        notes.append(
            localized(
                "the history store is unavailable: scores come from the latest knowledge, events are refused"
            )
        )
    model, policy = worker.champion.current, worker.policy.current
    if model is None:
        notes.append(localized("no usable model is in service"))
    if policy is None:
        notes.append(localized("no usable dunning policy is in service"))
    notes += [fault for fault in (worker.champion.fault, worker.policy.fault, worker.keys.fault) if fault]
    registry = read_registry_state(worker.settings.registry_state_path)
    registry_word = _registry_word(registry, now)
    if registry_word == "unreachable":
        notes.append(localized("the model registry is unreachable: the last good model serves"))
    elif registry_word == "unknown":
        notes.append(localized("the registry is not being followed at present: the last good model serves"))
    history = worker.history_in_use()
    if history is not None and history.is_rebuilding:
        notes.append(localized("the history is being prepared again after a nightly load"))
    notes += [*_writer_notes(worker), *_mail_notes(mails, now)]
    workers = worker.supervisor.states()
    notes += [
        localized(
            "the worker {name} is {state} ({failure})",
            name=state.name,
            state=_TROUBLE[state.state],
            failure=str(state.last_failure),
        )
        for state in workers
        if state.state in _TROUBLE
    ]
    ages = [_feed(feed, now) for feed in feeds]
    limited = () if policy is None else feed_ages(feed_days(feeds), policy.value, now.date())
    age = next((feed.age_hours for feed in ages if feed.name == "payments"), None)
    worker.metrics.feed_age.set(-1.0 if age is None else age)
    if store == "reachable" and age is None:
        notes.append(localized("no payment was ever delivered: automatic dunning steps are held"))
    return HealthAnswer(
        status="degraded" if notes else "ok",
        is_ready=worker.is_ready,
        notes=[public_text(in_language(note, language), _folders(worker)) for note in notes],
        warnings=[
            in_language(warning, language)
            for warning in (
                *_warnings(worker, now),
                *(() if store == "unreachable" else _stale_feeds(limited)),
            )
        ],
        model_version=None if model is None else model.value.version,
        model_loaded_at=None if model is None else model.loaded_at,
        policy_version=None if policy is None else policy.value.spec.policy.version,
        registry=registry_word,
        registry_checked_at=None if registry is None else registry.checked_at,
        store=store,
        waiting_answers=worker.writer.waiting_answers,
        unreadable_files=worker.writer.unreadable_files,
        pending_facts=pending,
        waiting_mails=mails.count,
        oldest_waiting_mail_at=mails.oldest_at,
        unreadable_mails=mails.set_aside,
        feeds=ages,
        workers=[WorkerAnswer(**vars(state)) for state in workers],
    )


def _writer_notes(worker: ScoreWorker) -> list[Message]:
    """Notes on answers that do not reach the store or the disk, or wait in the spool."""
    writer = worker.writer
    notes: list[Message] = []
    if writer.disk_fault is not None:
        notes.append(
            localized(
                "answers can be written nowhere ({reason}): scores are refused until they can",
                reason=writer.disk_fault,
            )
        )
    if writer.waiting_answers:
        notes.append(
            localized_plural(
                "{count} answers wait for the store",
                "{count:d} answers wait for the store",
                count=writer.waiting_answers,
            )
        )
    if writer.spool_fault is not None:
        notes.append(localized("the spool cannot be emptied ({reason})", reason=writer.spool_fault))
    if writer.unreadable_files:
        notes.append(
            localized_plural(
                "{count} spool files could not be read and were set aside: see {folder}",
                "{count:d} spool files could not be read and were set aside: see {folder}",
                count=writer.unreadable_files,
                folder="spool/unreadable",
            )
        )
    return notes


def _mail_notes(mails: MailsWaiting, now: dt.datetime) -> list[Message]:
    """Notes on mails that have waited too long."""
    if mails.oldest_at is None or now - mails.oldest_at < LONG_WAIT:
        return []
    return [
        localized_plural(
            "{count} e-mails wait to be read: what they say is not in the scores yet",
            "{count:d} e-mails wait to be read: what they say is not in the scores yet",
            count=mails.count,
        )
    ]


def _folders(worker: ScoreWorker) -> list[Path]:
    """Folders of this installation, which a message may name and a caller may not see."""
    settings = worker.settings
    policy = (settings.policy_path or DEFAULT_POLICY_PATH).parent
    return [settings.home, settings.home.parent, policy, Path(__file__).parents[2], Path.home()]


def _warnings(worker: ScoreWorker, now: dt.datetime) -> list[Text]:
    """What a person should do soon: legal rates that end."""
    policy = worker.policy.current
    warning = None if policy is None else coverage_warning(policy.value.legal, now.date())
    return [] if warning is None else [warning]


def _stale_feeds(ages: Sequence[FeedAge]) -> list[Message]:
    """Return a warning for each table older than the policy allows: steps that ask for money are on hold meanwhile."""
    return [
        localized("the feed {feed} was never delivered: steps are held", feed=age.feed)
        if age.working_days is None
        else localized(
            "the feed {feed} is known through {day}, {days:d} working days ago (at most {limit:d}): steps are held",
            feed=age.feed,
            day=age.known_through_on,
            days=age.working_days,
            limit=age.limit,
        )
        for age in ages
        if age.is_stale
    ]


def _registry_word(
    state: RegistryState | None, now: dt.datetime
) -> Literal["reachable", "unreachable", "not followed", "unknown"]:
    if state is None:
        return "not followed"
    if abs((now - state.checked_at).total_seconds()) > FOLLOWER_SILENT_SECONDS:
        return "unknown"
    return "reachable" if state.is_reachable else "unreachable"


def _feed(feed: FeedState, now: dt.datetime) -> FeedAnswer:
    newest = max((at for at in (feed.loaded_at, feed.received_at) if at is not None), default=None)
    return FeedAnswer(
        name=feed.name,
        is_provided=feed.is_provided,
        loaded_at=feed.loaded_at,
        known_on=feed.known_on,
        complete_through_on=feed.complete_through_on,
        received_at=feed.received_at,
        age_hours=None if newest is None else max((now - newest).total_seconds() / 3600.0, 0.0),
    )
