"""Who reads a page: signing in with an access key, the session's cookie, and forms that only the session can post."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs, urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from features.messages import Language, localized
from serving.messages.refusals import RefusalError
from serving.pages.rendering import language_of, render, render_refusal
from serving.pages.session import COOKIE, SESSION_SECONDS, Sessions
from serving.security.access import AccessKey, open_key

if TYPE_CHECKING:
    from serving.api.worker import ScoreWorker

LANGUAGE_COOKIE: Final = "encours_language"
LONGEST_FORM_BYTES: Final = 16_384


@dataclass(frozen=True)
class Reader:
    """Who reads a page.

    Attributes:
        key: what its holder may see and do.
        language: of the page.
        form_token: token of the forms of this session; empty where the service runs without keys.
    """

    key: AccessKey
    language: Language
    form_token: str


class Readers:
    """Knows who reads.

    Args:
        worker: the access keys in force, and whether the service runs without any.
    """

    def __init__(self, worker: ScoreWorker) -> None:
        self._worker = worker
        self._sessions = Sessions(worker.settings.secret())

    def reader(self, request: Request) -> Reader | None:
        """Who has signed in; null for nobody. A service without keys lets in whoever reaches it."""
        cookie = request.cookies.get(COOKIE)
        now = self._worker.now()
        signed = self._sessions.signed(cookie)
        key = None if signed is None else self._worker.keys.in_force(*signed, now)
        if key is not None and cookie is not None:
            return Reader(key, language_for(request), self._sessions.form_token(cookie))
        if self._worker.settings.is_open:
            return Reader(open_key(now), language_for(request), self._sessions.form_token(""))
        return None

    def check_rate(self, key_id: str) -> None:
        """Count one request of a key, under the same limit as the API's.

        Raises:
            RefusalError: 429 above the rate.
        """
        wait = self._worker.limiter.seconds_to_wait(key_id, asyncio.get_running_loop().time())
        if wait:
            message = localized("Too many requests. To do: wait {seconds} s.", seconds=str(wait))
            raise RefusalError(429, "too_many_requests", message, headers={"Retry-After": str(wait)})

    async def form(self, request: Request, reader: Reader) -> dict[str, str]:
        """The fields of a posted form of this session.

        Raises:
            RefusalError: 403 without the token of the session, else as `_read_form`.
        """
        form = await _read_form(request)
        cookie = request.cookies.get(COOKIE, "")
        if not self._sessions.is_form_token(
            cookie if reader.key.key_id != "open" else "", form.get("token", "")
        ):
            raise RefusalError(
                403, "forbidden", localized("The form is not of this session. To do: open the page again.")
            )
        return form

    async def sign_in(self, request: Request) -> Response:
        """Show the form, or turn the key it brings into a session."""
        language = language_for(request)
        values = {"reader": None, "path": "/sign-in", "other_language": "?", "navigation": ()}
        if request.method == "GET":
            response = render("sign_in.html", language, {**values, "is_refused": False})
            return remember_language(response, request, language)
        try:
            self.check_rate("sign-in")
            form = await _read_form(request)
        except RefusalError as refusal:
            return render_refusal(refusal, language, None, request.url.path)
        key = self._worker.keys.find(form.get("key", "").strip(), self._worker.now())
        if key is None:
            return render("sign_in.html", language, {**values, "is_refused": True}, 401)
        response = RedirectResponse("/tonight", 303)
        response.set_cookie(
            COOKIE,
            self._sessions.issue(key.key_id, key.secrets[0].sha256),
            max_age=SESSION_SECONDS,
            httponly=True,
            samesite="lax",
            secure=request.url.scheme == "https",
        )
        return response

    async def sign_out(self, request: Request) -> Response:
        """End the session."""
        try:
            _check_origin(request)
        except RefusalError as refusal:
            return render_refusal(refusal, language_for(request), None, "/sign-in")
        response = RedirectResponse("/sign-in", 303)
        response.delete_cookie(COOKIE)
        return response


def language_for(request: Request) -> Language:
    """The language of a page for this request."""
    return language_of(
        request.query_params.get("lang"),
        request.cookies.get(LANGUAGE_COOKIE),
        request.headers.get("accept-language", ""),
    )


async def _read_form(request: Request) -> dict[str, str]:
    """The fields of a posted form, each once.

    Raises:
        RefusalError: 403 when another site posts it, 413 when it is too long, 400 when it is not a form.
    """
    _check_origin(request)
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LONGEST_FORM_BYTES:
            raise RefusalError(
                413, "too_large", localized("A form may have {most:d} bytes.", most=LONGEST_FORM_BYTES)
            )
    try:
        fields = parse_qs(body.decode("utf-8"), keep_blank_values=True, max_num_fields=50)
    except (UnicodeDecodeError, ValueError):
        raise RefusalError(400, "invalid_form", localized("The body is not a form.")) from None
    return {name: values[0] for name, values in fields.items()}


def _check_origin(request: Request) -> None:
    """Refuse what another site posts: browsers say where a form comes from.

    Raises:
        RefusalError: 403 when it comes from elsewhere.
    """
    origin, site = request.headers.get("origin"), request.headers.get("sec-fetch-site", "same-origin")
    is_own = origin is None or urlsplit(origin).netloc == request.headers.get("host")
    if not is_own or site not in ("same-origin", "none"):
        raise RefusalError(403, "forbidden", localized("The form comes from another site."))


def remember_language(response: Response, request: Request, language: Language) -> Response:
    """Keep the language that an address asks for, for the pages after it."""
    if request.query_params.get("lang") == language:
        response.set_cookie(LANGUAGE_COOKIE, language, max_age=365 * 86400, samesite="lax", httponly=True)
    return response
