"""The routes of the pages: each checks who reads, asks the store and the worker, and renders one template."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal

import polars as pl
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from features.errors import InvalidInputError
from features.messages import Message, localized
from serving.messages.answers import ScoreAnswer
from serving.messages.refusals import RefusalError, forbidden, not_found, store_unavailable
from serving.messages.requests import OverrideRequest
from serving.pages.customer import customer_history, facts_of, settled_now
from serving.pages.listing import FILTERS, ORDERS, Query, listing_of
from serving.pages.portfolio import BUCKETS, portfolios
from serving.pages.readers import LANGUAGE_COOKIE, Reader, Readers, language_for
from serving.pages.rendering import STATIC, render, render_refusal
from serving.pages.views import invoice_view
from serving.pages.worklist import ANYONE, AUTOMATIC, NO_STEP, Worklist, worklist_of
from serving.security.access import AccessKey, Scope
from serving.store import OVERRIDE, SCORE, KeptAnswer, StoreUnavailableError

if TYPE_CHECKING:
    from serving.api.worker import ScoreWorker

_ONE_DAY: Final = dt.timedelta(days=1)
_STATIC_FILES: Final = {"encours.css": "text/css; charset=utf-8"}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page; nothing has a default, so that who may open it and whether it is in the navigation is decided.

    Attributes:
        path: of its address; `{name:path}` stands for an id.
        method: `GET` for a page that is read, `POST` for a form.
        scope: what the reader's key must allow; whoever has not signed in is led to the sign-in page.
        title: in the navigation and the browser's tab; null for a page that is not in the navigation.
        handler: answers a request of a reader who may open it.
    """

    path: str
    method: Literal["GET", "POST"]
    scope: Scope
    title: Message | None
    handler: Callable[[Pages, Request, Reader], Awaitable[Response]]


class Pages:
    """The pages of one worker process.

    Args:
        worker: what is known, scored and decided.
        override: keeps a person's decision on a stored score; the same that the API uses.
    """

    def __init__(
        self,
        worker: ScoreWorker,
        override: Callable[[AccessKey, str, OverrideRequest], Awaitable[Any]],
    ) -> None:
        self.worker = worker
        self._override = override
        self._readers = Readers(worker)
        self._worklist: Worklist | None = None
        self._loading = asyncio.Lock()

    def routes(self) -> list[Route]:
        """The routes, in the order in which they are tried."""
        return [
            Route("/sign-in", self._readers.sign_in, methods=["GET", "POST"]),
            Route("/sign-out", self._readers.sign_out, methods=["POST"]),
            Route("/static/{name}", self.static, methods=["GET"]),
            *(Route(page.path, self._endpoint(page), methods=[page.method]) for page in PAGES),
        ]

    async def home(self, request: Request, reader: Reader) -> Response:
        """Lead to the worklist."""
        return RedirectResponse("/tonight", 303)

    async def tonight(self, request: Request, reader: Reader) -> Response:
        """List what last night proposed, filtered and sorted."""
        worklist = await self._current_worklist()
        query = Query.of(request.query_params)
        listing = listing_of(worklist.seen_by(reader.key.accounts), query)
        ids_by_customer: dict[str, list[str]] = {}
        for row in listing.rows:
            ids_by_customer.setdefault(row["customer_id"], []).append(row["invoice_id"])
        return self.render(
            "tonight.html",
            request,
            reader,
            worklist=worklist,
            listing=listing,
            query=query,
            orders=ORDERS,
            filters=FILTERS,
            settled=await self._settled(ids_by_customer),
        )

    async def portfolio(self, request: Request, reader: Reader) -> Response:
        """Show what is owed by age, grade and customer, and when it is expected."""
        worklist = await self._current_worklist()
        rows = worklist.seen_by(reader.key.accounts)
        return self.render(
            "portfolio.html", request, reader, worklist=worklist, portfolios=portfolios(rows), buckets=BUCKETS
        )

    async def customer(self, request: Request, reader: Reader) -> Response:
        """Show what one customer owes, how it has paid, and what its e-mails say."""
        customer_id = str(request.path_params["customer_id"])
        if not reader.key.sees(customer_id):
            raise not_found("This customer")
        worklist = await self._current_worklist()
        rows = worklist.rows.filter(pl.col("customer_id") == customer_id)
        history = self.worker.history_in_use()
        knowledge = None if history is None else await history.level_with({customer_id})
        part = None if knowledge is None else knowledge.part_of(customer_id)
        day = self.worker.now().date() + _ONE_DAY
        known = None if knowledge is None else knowledge.customer(customer_id, day)
        if known is None and rows.is_empty():
            raise not_found("This customer")
        answers = await asyncio.to_thread(self.worker.store.nightly_of, [customer_id])
        newest = _answers(answers)
        open_rows = rows.sort("due_on", "invoice_id", nulls_last=True).to_dicts()
        ids = {customer_id: [row["invoice_id"] for row in open_rows]}
        return self.render(
            "customer.html",
            request,
            reader,
            customer_id=customer_id,
            name=(known or {}).get("name"),
            facts=facts_of(known),
            is_strategic=bool((known or {}).get("is_strategic")),
            rows=open_rows,
            balances=[(p.currency, p.total, p.overdue, p.late_30) for p in portfolios(rows)],
            history=None if part is None else customer_history(part.ledger, part.episodes, day),
            evidence=newest[0].evidence if newest else [],
            settled=await self._settled(ids),
        )

    async def invoice(self, request: Request, reader: Reader) -> Response:
        """Show the newest score of an invoice, its reasons, its route, and the form to overrule it."""
        invoice_id = str(request.path_params["invoice_id"])
        return await self._invoice(request, reader, invoice_id)

    async def override(self, request: Request, reader: Reader) -> Response:
        """Keep a person's decision on an invoice, then show the invoice again."""
        invoice_id = str(request.path_params["invoice_id"])
        form = await self._readers.form(request, reader)
        shown, _ = await self._scores_of(invoice_id, reader.key)
        if not shown:
            raise not_found("A score of this invoice")
        try:
            message = OverrideRequest.model_validate(
                {
                    "sequence_id": form.get("sequence_id") or None,
                    "reason": form.get("reason", ""),
                    "decided_by": reader.key.name,
                    "hold_until": form.get("hold_until") or None,
                }
            )
            await self._override(reader.key, form.get("score_id", ""), message)
        except ValidationError as failure:
            faults = [f"{'.'.join(map(str, each['loc']))}: {each['msg']}" for each in failure.errors()]
            return await self._invoice(request, reader, invoice_id, faults, form, 422)
        except InvalidInputError as refusal:
            faults = [f"{fault.where}: {fault.what}" for fault in refusal.faults]
            return await self._invoice(request, reader, invoice_id, faults, form, 422)
        return RedirectResponse(f"/invoices/{invoice_id}?saved=1", 303)

    async def _invoice(
        self,
        request: Request,
        reader: Reader,
        invoice_id: str,
        faults: list[str] | None = None,
        form: dict[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        shown, overrides = await self._scores_of(invoice_id, reader.key)
        if not shown:
            raise not_found("A score of this invoice")
        answer = next((each for _, each in shown if each.explanation is not None), shown[0][1])
        history = self.worker.history_in_use()
        knowledge = None if history is None else await history.level_with({answer.customer_id})
        row = None if knowledge is None else knowledge.invoice(invoice_id)
        day = self.worker.now().date() + _ONE_DAY
        known = None if knowledge is None else knowledge.customer(answer.customer_id, day)
        policy = self.worker.policy.current
        sequences = {} if policy is None else policy.value.spec.sequences
        levels = () if policy is None else policy.value.spec.approval_levels
        return self.render(
            "invoice.html",
            request,
            reader,
            status=status,
            view=invoice_view(answer, (row or {}).get("issued_on"), (row or {}).get("due_on")),
            answer=answer,
            row=row or {},
            name=(known or {}).get("name"),
            scores=[(kept.created_at, each) for kept, each in shown],
            overrides=overrides,
            sequences=sequences,
            levels={level.id: level.label for level in levels},
            may_override=reader.key.allows(Scope.APPROVE) and answer.decision is not None,
            is_settled=bool(await self._settled({answer.customer_id: [invoice_id]})),
            faults=faults or [],
            form=form or {},
            is_saved="saved" in request.query_params,
        )

    async def _scores_of(
        self, invoice_id: str, key: AccessKey
    ) -> tuple[list[tuple[KeptAnswer, ScoreAnswer]], list[dict[str, Any]]]:
        """The stored scores of an invoice that a reader may see, the newest first, and the overrides on them."""
        store = self.worker.store
        kept = await asyncio.to_thread(store.answers_on, SCORE, invoice_id)
        owner = await self.worker.owner_of(invoice_id)
        shown = [
            (each, ScoreAnswer.model_validate(each.body["answer"]))
            for each in kept
            if each.body is not None and key.sees(each.customer_id) and owner in (None, each.customer_id)
        ]
        overrides: list[dict[str, Any]] = []
        for each, _ in shown:
            found = await asyncio.to_thread(store.answers_on, OVERRIDE, each.answer_id)
            overrides += [entry.body for entry in found if entry.body is not None]
        return shown, sorted(overrides, key=lambda body: str(body["created_at"]), reverse=True)

    async def _settled(self, ids_by_customer: dict[str, list[str]]) -> frozenset[str]:
        """Those of some receivables that were closed since last night, by a payment or otherwise."""
        history = self.worker.history_in_use()
        if history is None:
            return frozenset()
        knowledge = await history.level_with(set(ids_by_customer))
        day = self.worker.now().date() + _ONE_DAY
        found: frozenset[str] = frozenset()
        for customer_id, ids in ids_by_customer.items():
            part = knowledge.part_of(customer_id)
            if part is not None:
                found |= settled_now(part.episodes, ids, day)
        return found

    async def _current_worklist(self) -> Worklist:
        store = self.worker.store
        night = (await asyncio.to_thread(store.moment)).night
        async with self._loading:
            if self._worklist is None or self._worklist.night != night:
                history = self.worker.history_in_use()
                names = pl.DataFrame(schema={"customer_id": pl.String, "name": pl.String})
                if history is not None:
                    names = (await history.current()).names()
                self._worklist = await asyncio.to_thread(self._read_worklist, night, names)
            return self._worklist

    def _read_worklist(self, night: int, names: pl.DataFrame) -> Worklist:
        computed_at, bodies = self.worker.store.nightly_bodies()
        return worklist_of(night, computed_at, bodies, names)

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a page: it lets in who has signed in and may see it, and shows refusals as a page."""

        async def endpoint(request: Request) -> Response:
            try:
                reader = self._readers.reader(request)
            except RefusalError as refusal:
                return _refused(request, refusal)
            if reader is None:
                return RedirectResponse("/sign-in", 303)
            try:
                if not reader.key.allows(page.scope):
                    raise forbidden(page.scope.value)
                return await page.handler(self, request, reader)
            except RefusalError as refusal:
                return _refused(request, refusal, reader)
            except StoreUnavailableError:
                return _refused(request, store_unavailable(), reader)

        return endpoint

    async def static(self, request: Request) -> Response:
        """Return the style sheet."""
        name = str(request.path_params["name"])
        if name not in _STATIC_FILES:
            raise not_found("This address")
        headers = {"cache-control": "public, max-age=3600", "content-type": _STATIC_FILES[name]}
        return FileResponse(STATIC / name, headers=headers)

    def render(
        self, template: str, request: Request, reader: Reader, status: int = 200, **values: Any
    ) -> Response:
        """A page from its template: the values given, beside those that every page needs."""
        policy = self.worker.policy.current
        spec = None if policy is None else policy.value.spec
        shared = {
            "reader": reader,
            "path": request.url.path,
            "navigation": navigation(),
            "sequence_labels": {} if spec is None else {k: v.label for k, v in spec.sequences.items()},
            "deciders": {} if spec is None else {level.id: level.label for level in spec.approval_levels},
            "policy_currency": "" if spec is None else spec.policy.currency,
            "AUTOMATIC": AUTOMATIC,
            "ANYONE": ANYONE,
            "NO_STEP": NO_STEP,
        }
        response = render(template, reader.language, {**shared, **values}, status)
        if request.query_params.get("lang") == reader.language:
            response.set_cookie(
                LANGUAGE_COOKIE, reader.language, max_age=365 * 86400, samesite="lax", httponly=True
            )
        return response


def _answers(kept: list[KeptAnswer]) -> list[ScoreAnswer]:
    return [ScoreAnswer.model_validate(each.body["answer"]) for each in kept if each.body is not None]


def _refused(request: Request, refusal: RefusalError, reader: Reader | None = None) -> Response:
    return render_refusal(refusal, language_for(request), reader, request.url.path, navigation())


PAGES: Final[tuple[Page, ...]] = (
    Page(path="/", method="GET", scope=Scope.READ, title=None, handler=Pages.home),
    Page(path="/tonight", method="GET", scope=Scope.READ, title=localized("Tonight"), handler=Pages.tonight),
    Page(
        path="/portfolio",
        method="GET",
        scope=Scope.READ,
        title=localized("Portfolio"),
        handler=Pages.portfolio,
    ),
    Page(
        path="/customers/{customer_id:path}",
        method="GET",
        scope=Scope.READ,
        title=None,
        handler=Pages.customer,
    ),
    Page(
        path="/invoices/{invoice_id:path}/override",
        method="POST",
        scope=Scope.APPROVE,
        title=None,
        handler=Pages.override,
    ),
    Page(
        path="/invoices/{invoice_id:path}",
        method="GET",
        scope=Scope.READ,
        title=None,
        handler=Pages.invoice,
    ),
)
"""Every page for whoever has signed in, in the order in which addresses are tried; see docs/extending.md."""


def navigation() -> list[tuple[str, Message]]:
    """Address and title of the pages that every page leads to."""
    return [(page.path, page.title) for page in PAGES if page.title is not None]
