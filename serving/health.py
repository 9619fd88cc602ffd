"""Whether the service can be relied on now, and why not."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from serving.answer_messages import FeedAnswer, HealthAnswer
from serving.dunning.legal import coverage_warning
from serving.model_watch import RegistryState, read_registry_state
from serving.store import FeedState, StoreUnavailableError
from serving.worker import ScoreWorker


def health_of(worker: ScoreWorker) -> HealthAnswer:
    """Return the state of a worker; asks the store."""
    now = worker.now()
    notes: list[str] = list(worker.faults)
    store: Literal["reachable", "unreachable"] = "reachable"
    feeds: tuple[FeedState, ...] = ()
    pending: dict[str, int] = {}
    try:
        feeds, pending = worker.store.feeds(), worker.store.pending()
    except StoreUnavailableError:
        store = "unreachable"
        notes.append("the history store is away: scores come from the latest knowledge, events are refused")
    model, policy = worker.champion.current, worker.policy.current
    if model is None:
        notes.append("no usable model is in service")
    if policy is None:
        notes.append("no usable dunning policy is in service")
    notes += [fault for fault in (worker.champion.fault, worker.policy.fault, worker.keys.fault) if fault]
    registry = read_registry_state(worker.settings.registry_state_path)
    if registry is not None and registry.is_reachable is False:
        notes.append("the model registry is unreachable: the last good model serves")
    history = worker.history_in_use()
    if history is not None and history.is_rebuilding:
        notes.append("the history is being prepared again after a nightly load")
    if worker.keeper.waiting_answers:
        notes.append(f"{worker.keeper.waiting_answers} answers wait for the store")
    ages = [_feed(feed, now) for feed in feeds]
    age = next((feed.age_hours for feed in ages if feed.name == "payments"), None)
    worker.metrics.feed_age.set(-1.0 if age is None else age)
    if store == "reachable" and age is None:
        notes.append("no payment was ever delivered: automatic dunning steps are held")
    return HealthAnswer(
        status="degraded" if notes else "ok",
        notes=notes,
        warnings=_warnings(worker, now),
        model_version=None if model is None else model.value.version,
        model_loaded_at=None if model is None else model.loaded_at,
        policy_version=None if policy is None else policy.value.spec.policy.version,
        registry=_registry_word(registry),
        registry_checked_at=None if registry is None else registry.checked_at,
        store=store,
        waiting_answers=worker.keeper.waiting_answers,
        pending_facts=pending,
        feeds=ages,
    )


def _warnings(worker: ScoreWorker, now: dt.datetime) -> list[str]:
    """What a person should do soon: legal rates that end."""
    policy = worker.policy.current
    warning = None if policy is None else coverage_warning(policy.value.legal, now.date())
    return [] if warning is None else [warning.en]


def _registry_word(
    state: RegistryState | None,
) -> Literal["reachable", "unreachable", "not followed", "unknown"]:
    if state is None:
        return "not followed"
    return "reachable" if state.is_reachable else "unreachable"


def _feed(feed: FeedState, now: dt.datetime) -> FeedAnswer:
    newest = max((at for at in (feed.loaded_at, feed.received_at) if at is not None), default=None)
    return FeedAnswer(
        name=feed.name,
        is_provided=feed.is_provided,
        loaded_at=feed.loaded_at,
        known_on=feed.known_on,
        received_at=feed.received_at,
        age_hours=None if newest is None else max((now - newest).total_seconds() / 3600.0, 0.0),
    )
