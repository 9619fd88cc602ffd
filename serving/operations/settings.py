"""How this installation of the service is set up: read from the environment once, at start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, EnvSettingsSource, InitSettingsSource, SettingsConfigDict

from features.errors import Fault, InvalidInputError
from features.files import write_once
from features.messages import Message, localized
from features.pydantic_messages import complaint
from models.registry.home import HOME_VARIABLE, TRACKING_VARIABLE, home_at, read_home
from serving.store import sqlite_url

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 3000
#: Processes that answer; set by `encours serve --workers`, read by BentoML when the service is defined.
WORKERS_VARIABLE: Final = "ENCOURS_WORKERS"
MAXIMUM_INVOICES: Final = 1000
MAXIMUM_EVENTS: Final = 1000
_PREFIX: Final = "ENCOURS_"
_SECRET_BYTES: Final = 32


def _store_in(given: dict[str, Any]) -> str:
    return sqlite_url(given["home"] / "store.db")


class ServiceSettings(BaseSettings):
    """The settings of one installation; each field names its variable, and its description is the documentation's.

    Attributes:
        home: folder of everything the service stores, `serving` in `ENCOURS_HOME`.
    """

    model_config = SettingsConfigDict(frozen=True, case_sensitive=True, populate_by_name=True, extra="ignore")

    home: Path
    store_url: str = Field(
        default_factory=_store_in,
        validation_alias="ENCOURS_STORE_URL",
        description="history store; `postgresql+psycopg://USER@HOST/DB` for PostgreSQL",
    )
    given_secret: str | None = Field(
        None,
        validation_alias="ENCOURS_SECRET",
        min_length=_SECRET_BYTES,
        repr=False,
        description="secret of the installation, 32 characters or more",
    )
    policy_path: Path | None = Field(
        None,
        validation_alias="ENCOURS_POLICY",
        description="dunning policy file; `legal/fr.yaml` beside it replaces the legal values shipped",
    )
    is_open: bool = Field(
        False,
        validation_alias="ENCOURS_OPEN",
        description="`true`: callers on this machine need no key; for demonstrations only",
    )
    is_quoting: bool = Field(
        True,
        validation_alias="ENCOURS_QUOTES",
        description="`false`: no sentence of an e-mail is stored or shown as evidence; the signals of "
        "mails still count (in later nights too)",
    )
    maximum_body_bytes: int = Field(
        8 * 1024 * 1024,
        validation_alias="ENCOURS_MAX_BODY_BYTES",
        gt=0,
        description="largest request body in bytes",
    )
    requests_per_second: float = Field(
        200.0,
        validation_alias="ENCOURS_RATE",
        gt=0,
        allow_inf_nan=False,
        description="steady rate of requests a second, per key and worker",
    )
    burst_requests: int = Field(
        400,
        validation_alias="ENCOURS_BURST",
        gt=0,
        description="requests one key may send at once, per worker",
    )
    poll_seconds: float = Field(
        1.0,
        validation_alias="ENCOURS_POLL_SECONDS",
        gt=0,
        allow_inf_nan=False,
        description="how often a worker polls for a new model or policy, in seconds",
    )

    @property
    def champion_pointer(self) -> Path:
        """Small file that names the exported model in service; it lies beside the exported models."""
        return home_at(self.home.parent).champion_pointer

    @property
    def keys_path(self) -> Path:
        """File of the access keys (hashes only)."""
        return self.home / "keys.json"

    @property
    def anchors_path(self) -> Path:
        """File of audit positions noted outside the database."""
        return self.home / "audit_anchors.jsonl"

    @property
    def old_mail_memory_path(self) -> Path:
        """File of e-mail signals that an earlier version wrote; deleted by a load and by an erasure."""
        return self.home / "mail_signals.parquet"

    @property
    def registry_state_path(self) -> Path:
        """File in which the follower of the model registry notes what it saw."""
        return self.home / "registry_state.json"

    @property
    def spool_folder(self) -> Path:
        """Folder of answers that wait for a store that was unavailable."""
        return self.home / "spool"

    def secret(self) -> bytes:
        """Return the secret of the installation: it seals the audit chain and peppers the keys.

        Taken from `ENCOURS_SECRET`, else from the file `secret` in `home`, created at first use, readable by
        its owner only. Without it no key is accepted and the audit chain cannot be verified: store it with the backups.
        """
        given = self.given_secret
        return read_or_make_secret(self.home / "secret") if given is None else given.encode()


def read_settings(environment: Mapping[str, str] | None = None) -> ServiceSettings:
    """Return the settings found in the environment; an empty variable counts as absent.

    Raises:
        InvalidInputError: when a setting cannot be read; names every such setting.
    """
    given = os.environ if environment is None else environment
    variables = EnvSettingsSource(ServiceSettings)
    variables.env_vars = {name: text for name, text in given.items() if text.strip()}
    home = InitSettingsSource(ServiceSettings, {"home": read_home(given).root / "serving"})
    try:
        return ServiceSettings(_build_sources=((home, variables), {}))
    except ValidationError as failure:
        faults = [
            Fault(complaint(fault), where=str(fault["loc"][0]))
            for fault in failure.errors(include_input=False, include_url=False, include_context=True)
        ]
        raise InvalidInputError(localized("The settings of the service cannot be read"), faults) from None


def variables() -> dict[str, str]:
    """Return the variables that are settings of the service, with their descriptions."""
    return {
        str(field.validation_alias): field.description or ""
        for field in ServiceSettings.model_fields.values()
        if field.validation_alias is not None
    }


def ignored_variables(environment: Mapping[str, str]) -> list[Message]:
    """Return a sentence for each variable that begins like a setting and is none; a misspelt one changes nothing."""
    known = sorted({*variables(), HOME_VARIABLE, TRACKING_VARIABLE, WORKERS_VARIABLE})
    sentences: list[Message] = []
    for name in sorted(environment):
        if name.startswith(_PREFIX) and name not in known:
            # The common beginning would make every name look near.
            near = get_close_matches(
                name.removeprefix(_PREFIX), [other.removeprefix(_PREFIX) for other in known], n=1
            )
            sentence = localized("{name} is not a setting of the service and is ignored", name=name)
            if near:
                nearest = _PREFIX + near[0]
                sentence = localized("{fault}; the nearest setting is {near}", fault=sentence, near=nearest)
            sentences.append(sentence)
    return sentences


def settings_at(root: Path, environment: Mapping[str, str] | None = None) -> ServiceSettings:
    """Return the settings found in the environment, for the home a run was given instead of ENCOURS_HOME."""
    given = os.environ if environment is None else environment
    return read_settings({**given, HOME_VARIABLE: str(root)})


def read_or_make_secret(path: Path) -> bytes:
    """Return the secret in the file, created once when the file does not exist.

    Raises:
        InvalidInputError: the file contains no whole secret, as when the disk was full while it was copied.
    """
    if not path.exists():
        write_once(secrets.token_hex(_SECRET_BYTES), path, mode=0o600)
    secret = path.read_text(encoding="utf-8").strip().encode()
    if len(secret) < _SECRET_BYTES:
        fault = Fault(
            localized("holds no whole secret"),
            where=path.name,
            expected=localized("at least {count} characters", count=_SECRET_BYTES),
            remedy=localized(
                "restore it from a backup: without it, keys are refused and the audit log cannot be verified"
            ),
        )
        raise InvalidInputError(localized("The secret of the installation cannot be used"), [fault])
    return secret
