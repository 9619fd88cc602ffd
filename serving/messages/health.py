"""What `/v1/health` answers."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import Field

from serving.messages.answers import FeedAnswer
from serving.messages.reply import Reply


class WorkerAnswer(Reply):
    """One background worker of the process that answered."""

    name: str
    state: Literal["running", "restarting", "stalled", "idle"] = Field(
        description="restarting: failed, and has got nothing done since; stalled: has got nothing done for too long; "
        "idle: its one task is done"
    )
    restarts: int = Field(description="times it was restarted since the process began")
    last_failure: str | None = Field(description="kind of its newest failure; null when there was none")
    last_failure_at: dt.datetime | None


class HealthAnswer(Reply):
    """Whether the service can be relied on now."""

    status: Literal["ok", "degraded"]
    is_ready: bool = Field(description="whether this process answers scores, as `/readyz` reports")
    notes: list[str] = Field(description="why the service is degraded; empty when it is not")
    warnings: list[str] = Field(description="what a person should do soon; the service is not degraded by it")
    model_version: str | None
    model_loaded_at: dt.datetime | None
    policy_version: str | None
    registry: Literal["reachable", "unreachable", "not followed", "unknown"]
    registry_checked_at: dt.datetime | None
    store: Literal["reachable", "unreachable"]
    waiting_answers: int = Field(description="answers on this machine's disk that wait for the store")
    unreadable_files: int = Field(description="spool files that could not be read and wait for a person")
    pending_facts: dict[str, int] = Field(description="payments and disputes that wait for their invoice")
    waiting_mails: int = Field(description="inbound e-mails that are stored and not read yet")
    oldest_waiting_mail_at: dt.datetime | None = Field(description="instant the oldest of them was received")
    unreadable_mails: int = Field(description="e-mails the reader failed on: what they say is unknown")
    feeds: list[FeedAnswer]
    workers: list[WorkerAnswer] = Field(description="background workers of the process that answered")
