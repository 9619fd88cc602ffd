"""How this installation of the service is set up: read from the environment once, at start."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from features.errors import Fault, InvalidInputError
from models.registry.home import HOME_VARIABLE, home_at, read_home
from serving.store import sqlite_url

DEFAULT_HOST: Final = "127.0.0.1"
DEFAULT_PORT: Final = 3000
MAXIMUM_INVOICES: Final = 1000
MAXIMUM_EVENTS: Final = 1000
_SECRET_BYTES: Final = 32


@dataclass(frozen=True)
class ServiceSettings:
    """The settings of one installation.

    Attributes:
        home: folder of everything the service keeps (`ENCOURS_HOME/serving`).
        store_url: address of the history store (`ENCOURS_STORE_URL`); SQLite in `home` by default.
        policy_path: dunning policy file (`ENCOURS_POLICY`); null takes the policy shipped with Encours.
        is_open: no key is asked of callers on this machine (`ENCOURS_OPEN=true`); for demonstrations only.
        maximum_body_bytes: largest request body (`ENCOURS_MAX_BODY_BYTES`).
        requests_per_second: steady rate allowed to one key in one worker (`ENCOURS_RATE`).
        burst_requests: requests one key may send at once (`ENCOURS_BURST`).
        is_quoting: sentences of e-mails are kept and shown as evidence (`ENCOURS_QUOTES=false` switches it off).
        poll_seconds: how often a worker looks for a new model or policy (`ENCOURS_POLL_SECONDS`).
        registry_uri: MLflow registry to follow (`ENCOURS_REGISTRY_URI`); null follows the exported folder
            only.
        model_name: registered model whose `champion` is followed (`ENCOURS_MODEL_NAME`).
    """

    home: Path
    store_url: str
    policy_path: Path | None = None
    is_open: bool = False
    maximum_body_bytes: int = 8 * 1024 * 1024
    requests_per_second: float = 200.0
    burst_requests: int = 400
    poll_seconds: float = 1.0
    is_quoting: bool = True
    _secret: bytes | None = field(default=None, repr=False)

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
        """File of what e-mails say that an earlier version kept; deleted by a load and by an erasure."""
        return self.home / "mail_signals.parquet"

    @property
    def registry_state_path(self) -> Path:
        """File in which the follower of the model registry notes what it saw."""
        return self.home / "registry_state.json"

    @property
    def spool_folder(self) -> Path:
        """Folder of answers that wait for a store that was away."""
        return self.home / "spool"

    def secret(self) -> bytes:
        """Return the secret of the installation: seals the audit chain and peppers the keys.

        Taken from `ENCOURS_SECRET`, else from the file `secret` in `home`, made at first use, readable by
        its owner only. Whoever loses it can still verify nothing: keep it with the backups.
        """
        return self._secret if self._secret is not None else read_or_make_secret(self.home / "secret")


def read_settings(environment: Mapping[str, str] | None = None) -> ServiceSettings:
    """Return the settings found in the environment.

    Raises:
        InvalidInputError: when a setting cannot be read; names every such setting.
    """
    given = os.environ if environment is None else environment
    faults: list[Fault] = []
    home = read_home(given).root / "serving"
    policy = given.get("ENCOURS_POLICY")
    secret = given.get("ENCOURS_SECRET")
    if secret is not None and len(secret) < _SECRET_BYTES:
        faults.append(
            Fault("too short", where="ENCOURS_SECRET", expected=f"at least {_SECRET_BYTES} characters")
        )
    settings = ServiceSettings(
        home=home,
        store_url=given.get("ENCOURS_STORE_URL") or sqlite_url(home / "store.db"),
        policy_path=Path(policy) if policy else None,
        is_open=_yes_or_no(given, "ENCOURS_OPEN", False, faults),
        is_quoting=_yes_or_no(given, "ENCOURS_QUOTES", True, faults),
        maximum_body_bytes=int(_positive(given, "ENCOURS_MAX_BODY_BYTES", 8 * 1024 * 1024, faults)),
        requests_per_second=_positive(given, "ENCOURS_RATE", 200.0, faults),
        burst_requests=int(_positive(given, "ENCOURS_BURST", 400, faults)),
        poll_seconds=_positive(given, "ENCOURS_POLL_SECONDS", 1.0, faults),
        _secret=secret.encode() if secret else None,
    )
    if faults:
        raise InvalidInputError("The settings of the service cannot be read", faults)
    return settings


def settings_at(root: Path, environment: Mapping[str, str] | None = None) -> ServiceSettings:
    """Return the settings found in the environment, for the home a run was given instead of ENCOURS_HOME."""
    given = os.environ if environment is None else environment
    return read_settings({**given, HOME_VARIABLE: str(root)})


def read_or_make_secret(path: Path) -> bytes:
    """Return the secret in the file, made and written once when the file does not exist.

    Raises:
        InvalidInputError: the file holds no whole secret, as when the disk was full while it was copied.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        aside = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_SECRET_BYTES))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(aside, path)  # the first of several processes wins; the others read what it wrote
        except FileExistsError:
            pass
        finally:
            aside.unlink()
    secret = path.read_text(encoding="utf-8").strip().encode()
    if len(secret) < _SECRET_BYTES:
        fault = Fault(
            "holds no whole secret",
            where=path.name,
            expected=f"at least {_SECRET_BYTES} characters",
            remedy="restore it from a backup: without it, keys are refused and the audit log cannot be verified",
        )
        raise InvalidInputError("The secret of the installation cannot be used", [fault])
    return secret


def _yes_or_no(given: Mapping[str, str], name: str, default: bool, faults: list[Fault]) -> bool:
    text = given.get(name, "").strip().lower()
    if not text:
        return default
    if text in {"0", "false", "no"}:
        return False
    if text in {"1", "true", "yes"}:
        return True
    faults.append(Fault("is neither yes nor no", where=name, expected="true or false", examples=(text,)))
    return False


def _positive(given: Mapping[str, str], name: str, default: float, faults: list[Fault]) -> float:
    text = given.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        faults.append(Fault("is not a number above zero", where=name, expected="a number", examples=(text,)))
        return default
    return value
