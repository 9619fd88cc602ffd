"""Who may call the service: keys with scopes, stored as hashes, changed without a restart.

A key reads `enc_<id>_<secret>`. The secret has 256 random bits, so a peppered SHA-256 (HMAC) in the file is
enough and costs microseconds; the pepper is the secret of the installation, stored apart from the file of
keys. A key may be limited to some accounts: its holder sees no other customer.
"""

from __future__ import annotations

import datetime as dt
import hashlib
import hmac
import json
import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from features.errors import Fault, InvalidInputError
from features.files import write_whole
from features.ids import normal_id
from features.messages import Message, localized

KEY_PREFIX: Final = "enc"
_NO_ONE: Final = "0" * 64


class Scope(StrEnum):
    """What a key allows; `admin` allows everything."""

    SCORE = "score"
    EVENTS = "events"
    READ = "read"
    APPROVE = "approve"
    ADMIN = "admin"


@dataclass(frozen=True)
class Secret:
    """One accepted secret of a key: its hash, and the instant it stops being accepted (null: never)."""

    sha256: str
    expires_at: dt.datetime | None = None


@dataclass(frozen=True)
class AccessKey:
    """A key as it is stored.

    Attributes:
        key_id: public part of the key.
        name: its holder, as shown in the audit log.
        scopes: what it allows.
        accounts: customers its holder may see; null means all.
        secrets: accepted secrets; two for a while after a rotation.
        created_at: UTC instant.
        revoked_at: UTC instant from which it is refused; null while valid.
    """

    key_id: str
    name: str
    scopes: frozenset[Scope]
    accounts: frozenset[str] | None
    secrets: tuple[Secret, ...]
    created_at: dt.datetime
    revoked_at: dt.datetime | None = None

    def allows(self, scope: Scope) -> bool:
        """Say whether the key allows this use."""
        return scope in self.scopes or Scope.ADMIN in self.scopes

    def sees(self, customer_id: str | None) -> bool:
        """Say whether the holder may see this customer; what belongs to no customer is seen by all."""
        return self.accounts is None or customer_id is None or customer_id in self.accounts


def open_key(now: dt.datetime) -> AccessKey:
    """Return the key of a caller on this machine when the service runs open."""
    return AccessKey("open", "open", frozenset(Scope), None, (), now)


def make_key(
    name: str,
    scopes: Iterable[Scope],
    accounts: Iterable[str] | None,
    pepper: bytes,
    now: dt.datetime,
) -> tuple[AccessKey, str]:
    """Return a new key and its text, which is shown once and stored nowhere."""
    key_id, secret = secrets.token_hex(4), secrets.token_urlsafe(32)
    held = None if accounts is None else frozenset(normal_id(account) for account in accounts)
    key = AccessKey(key_id, name, frozenset(scopes), held, (Secret(_hash(secret, pepper)),), now)
    return key, f"{KEY_PREFIX}_{key_id}_{secret}"


def rotate_key(
    key: AccessKey, pepper: bytes, now: dt.datetime, overlap: dt.timedelta
) -> tuple[AccessKey, str]:
    """Return the key with a new secret and its text; the present secret is accepted for `overlap` longer."""
    secret = secrets.token_urlsafe(32)
    ends = now + overlap
    kept = tuple(
        replace(old, expires_at=ends if old.expires_at is None else min(old.expires_at, ends))
        for old in key.secrets
        if old.expires_at is None or old.expires_at > now
    )
    renewed = replace(key, secrets=(Secret(_hash(secret, pepper)), *kept))
    return renewed, f"{KEY_PREFIX}_{key.key_id}_{secret}"


def find_key(keys: Mapping[str, AccessKey], text: str, pepper: bytes, now: dt.datetime) -> AccessKey | None:
    """Return the key that this text opens; null when it opens none (unknown, wrong, expired or revoked)."""
    parts = text.split("_", 2)
    key_id, secret = (parts[1], parts[2]) if len(parts) == 3 and parts[0] == KEY_PREFIX else ("", text)
    key = keys.get(key_id)
    offered = _hash(secret, pepper)
    accepted = [Secret(_NO_ONE)] if key is None else list(key.secrets)
    matches = [
        hmac.compare_digest(offered, held.sha256) and (held.expires_at is None or held.expires_at > now)
        for held in accepted
    ]
    if key is None or not any(matches) or (key.revoked_at is not None and key.revoked_at <= now):
        return None
    return key


def _hash(secret: str, pepper: bytes) -> str:
    return hmac.new(pepper, secret.encode(), hashlib.sha256).hexdigest()


def read_keys(path: Path) -> dict[str, AccessKey]:
    """Return the keys stored in a file by id; none when the file does not exist.

    Raises:
        InvalidInputError: when the file cannot be read as keys.
    """
    if not path.exists():
        return {}
    try:
        entries = json.loads(path.read_text(encoding="utf-8"))
        keys = [_key_of(entry) for entry in entries["keys"]]
    except (ValueError, KeyError, TypeError) as failure:
        raise InvalidInputError(
            localized("The file of access keys cannot be read"),
            [
                Fault(
                    localized("not a list of keys ({reason})", reason=type(failure).__name__),
                    where=path.name,
                    remedy=localized(
                        "restore it from a backup, or delete it and make new keys with `encours keys add`"
                    ),
                )
            ],
        ) from failure
    return {key.key_id: key for key in keys}


def _unreadable(failure: OSError) -> Message:
    return localized("The file of access keys cannot be read ({reason})", reason=type(failure).__name__)


def write_keys(path: Path, keys: Iterable[AccessKey]) -> None:
    """Write the keys aside, then rename; only the owner can read the file."""
    content = {"keys": [_entry_of(key) for key in sorted(keys, key=lambda key: key.key_id)]}
    write_whole(json.dumps(content, indent=2), path, mode=0o600)


class KeyRing:
    """The keys in force: read again whenever the file changes.

    A file that became unreadable leaves the keys read before in force, so that a mistake in it locks no one out.

    Args:
        path: the file of keys.
        pepper: secret of the installation.
    """

    def __init__(self, path: Path, pepper: bytes) -> None:
        self._path = path
        self._pepper = pepper
        self._seen: tuple[int, int] | None = None
        self._keys: dict[str, AccessKey] = {}
        self.fault: str | None = None

    def find(self, text: str, now: dt.datetime) -> AccessKey | None:
        """Return the key that this text opens now; null when it opens none."""
        self._refresh()
        return find_key(self._keys, text, self._pepper, now)

    def in_force(self, key_id: str, secret_hash: str, now: dt.datetime) -> AccessKey | None:
        """Return the key a person signed in with; null when it was removed, revoked or its secret replaced since.

        Args:
            key_id: of the key.
            secret_hash: how the hash of the secret began that the person showed.
            now: the present instant.
        """
        self._refresh()
        key = self._keys.get(key_id)
        if key is None or (key.revoked_at is not None and key.revoked_at <= now):
            return None
        accepted = [each for each in key.secrets if each.expires_at is None or each.expires_at > now]
        return key if any(each.sha256.startswith(secret_hash) for each in accepted) else None

    def _refresh(self) -> None:
        try:
            status = self._path.stat()
        except FileNotFoundError:
            self._seen, self._keys = None, {}
            return
        except OSError as failure:  # the disk fails: the keys read before go on
            self.fault = _unreadable(failure)
            return
        seen = (status.st_mtime_ns, status.st_ino)
        if seen == self._seen:
            return
        self._seen = seen
        try:
            self._keys, self.fault = read_keys(self._path), None
        except InvalidInputError as refusal:
            self.fault = refusal.summary
        except OSError as failure:
            self._seen = None
            self.fault = _unreadable(failure)


def _key_of(entry: Mapping[str, Any]) -> AccessKey:
    accounts = entry["accounts"]
    return AccessKey(
        key_id=str(entry["key_id"]),
        name=str(entry["name"]),
        scopes=frozenset(Scope(scope) for scope in entry["scopes"]),
        accounts=None if accounts is None else frozenset(str(account) for account in accounts),
        secrets=tuple(
            Secret(str(held["sha256"]), _instant(held.get("expires_at"))) for held in entry["secrets"]
        ),
        created_at=dt.datetime.fromisoformat(entry["created_at"]),
        revoked_at=_instant(entry.get("revoked_at")),
    )


def _entry_of(key: AccessKey) -> dict[str, Any]:
    return {
        "key_id": key.key_id,
        "name": key.name,
        "scopes": sorted(key.scopes),
        "accounts": None if key.accounts is None else sorted(key.accounts),
        "secrets": [{"sha256": held.sha256, "expires_at": _text(held.expires_at)} for held in key.secrets],
        "created_at": key.created_at.isoformat(),
        "revoked_at": _text(key.revoked_at),
    }


def _instant(text: str | None) -> dt.datetime | None:
    return None if text is None else dt.datetime.fromisoformat(text)


def _text(instant: dt.datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()


def parse_scopes(words: Iterable[str]) -> list[Scope]:
    """Return the scopes that these words name.

    Raises:
        InvalidInputError: when a word names none, or none is given.
    """
    known = ", ".join(Scope)
    unknown = [word for word in words if word not in set(Scope)]
    if unknown or not list(words):
        raise InvalidInputError(
            localized("A key needs scopes that exist"),
            [Fault(localized("is not a scope"), where="--scope", expected=known, examples=tuple(unknown))],
        )
    return [Scope(word) for word in words]


def known_key(keys: Mapping[str, AccessKey], key_id: str) -> AccessKey:
    """Return the key of an id.

    Raises:
        InvalidInputError: when there is none.
    """
    if key_id not in keys:
        raise InvalidInputError(
            localized("There is no such key"),
            [
                Fault(
                    localized("is not the id of a key"),
                    where=key_id,
                    remedy=localized("see `encours keys list`"),
                )
            ],
        )
    return keys[key_id]


def revoke_key(key: AccessKey, now: dt.datetime) -> AccessKey:
    """Return the key, refused from now on."""
    return replace(key, revoked_at=now)
