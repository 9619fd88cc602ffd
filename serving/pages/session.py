"""Signing in to the pages: an access key, shown once, becomes a signed cookie that ends by itself."""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from itsdangerous import BadSignature, URLSafeTimedSerializer

COOKIE: Final = "encours_session"
SESSION_SECONDS: Final = 12 * 3600
_SALT: Final = "encours pages session"


class Sessions:
    """Issues and checks the cookie of a signed-in person.

    The cookie names the key, not its secret: a key that is revoked, or rotated with no overlap, ends its
    sessions at the next page.

    Args:
        secret: secret of the installation.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        self._serializer = URLSafeTimedSerializer(
            secret, salt=_SALT, signer_kwargs={"digest_method": hashlib.sha256}
        )

    def issue(self, key_id: str, secret_hash: str) -> str:
        """The value of the cookie for the holder of a key; `secret_hash` is of the secret in force."""
        return str(self._serializer.dumps([key_id, secret_hash[:16]]))

    def signed(self, cookie: str | None) -> tuple[str, str] | None:
        """The key a cookie was issued for, and the beginning of its secret's hash.

        Null when the cookie is absent, altered or older than 12 hours.
        """
        if not cookie:
            return None
        try:
            key_id, secret_hash = self._serializer.loads(cookie, max_age=SESSION_SECONDS)
        except (BadSignature, TypeError, ValueError):
            return None
        return str(key_id), str(secret_hash)

    def form_token(self, cookie: str) -> str:
        """The token that every form of this session carries, so that no other site can post in its name."""
        return hmac.new(self._secret, f"form {cookie}".encode(), hashlib.sha256).hexdigest()

    def is_form_token(self, cookie: str, token: str) -> bool:
        """Whether a form carries the token of its session."""
        return hmac.compare_digest(self.form_token(cookie).encode(), token.encode())
