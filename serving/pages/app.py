"""The routes of the pages: each checks who reads, asks the store and the worker, and renders one template."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal
from urllib.parse import quote, urlencode

import polars as pl
from pydantic import ValidationError
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from features.errors import Fault, InvalidInputError
from features.messages import Message, localized
from features.pydantic_messages import complaint
from serving.messages.answers import ScoreAnswer
from serving.messages.refusals import (
    UNKNOWN_ADDRESS,
    RefusalError,
    ambiguous_ids,
    forbidden,
    not_found,
    store_unavailable,
)
from serving.messages.requests import InvoiceToScore, OverrideRequest, ScoreRequest
from serving.pages.customer import customer_history, facts_of
from serving.pages.facts import PageFacts, change_of, not_listed
from serving.pages.listing import FILTERS, ORDERS, Query, listing_of
from serving.pages.portfolio import BUCKETS, Portfolio, portfolios
from serving.pages.readers import Reader, Readers, language_for, remember_language
from serving.pages.rendering import STATIC, render, render_refusal
from serving.pages.views import invoice_view
from serving.pages.worklist import Worklist
from serving.security.access import AccessKey, Scope
from serving.store import CUSTOMERS, INVOICES, AmbiguousIdError, StoreUnavailableError

if TYPE_CHECKING:
    from serving.api.worker import ScoreWorker

_LOG: Final = logging.getLogger("encours.pages")
#: Pages that are written at the same time; others wait, so that scores find a free thread.
RENDERED_AT_ONCE: Final = 2
LONGEST_NAME: Final = 200
_INTERNAL: Final = RefusalError(
    500, "internal_error", localized("Something went wrong on our side; it has been logged.")
)
_STATIC_FILES: Final = {"encours.css": "text/css; charset=utf-8"}


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page; nothing has a default, so that who may open it and whether it is in the navigation is decided.

    Attributes:
        path: of its address; `{name:path}` stands for an id.
        method: `GET` for a page that is read, `POST` for a form.
        scope: what the reader's key must allow; whoever has not signed in is led to the sign-in page.
        title: in the navigation; null for a page that is not in the navigation.
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
        self._facts = PageFacts(worker)
        self._rendering = asyncio.Semaphore(RENDERED_AT_ONCE)
        self._portfolios: tuple[Worklist | None, dict[frozenset[str] | None, tuple[Portfolio, ...]]] = (
            None,
            {},
        )

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
        worklist = await self._facts.worklist()
        query = Query.of(request.query_params)
        listing = await asyncio.to_thread(listing_of, worklist.seen_by(reader.key.accounts), query)
        return await self.render(
            "tonight.html",
            request,
            reader,
            worklist=worklist,
            listing=listing,
            query=query,
            orders=ORDERS,
            filters=FILTERS,
            **await self._since_the_night(listing.rows),
        )

    async def portfolio(self, request: Request, reader: Reader) -> Response:
        """Show what is owed by age, grade and customer, and when it is expected."""
        worklist = await self._facts.worklist()
        if self._portfolios[0] is not worklist:
            self._portfolios = (worklist, {})
        computed = self._portfolios[1]
        accounts = reader.key.accounts
        if accounts not in computed:
            computed[accounts] = await asyncio.to_thread(portfolios, worklist.seen_by(accounts))
        return await self.render(
            "portfolio.html",
            request,
            reader,
            worklist=worklist,
            portfolios=computed[accounts],
            buckets=BUCKETS,
        )

    async def customer(self, request: Request, reader: Reader) -> Response:
        """Show what one customer owes, how it has paid, and what its e-mails say."""
        customer_id = await self._facts.known_id(CUSTOMERS, str(request.path_params["customer_id"]))
        if not reader.key.sees(customer_id):
            raise not_found(localized("This customer is not known."))
        worklist = await self._facts.worklist()
        rows = worklist.rows.filter(pl.col("customer_id") == customer_id)
        knowledge = await self._facts.knowledge({customer_id})
        part = None if knowledge is None else knowledge.part_of(customer_id)
        day = self._facts.tomorrow
        known = None if knowledge is None else knowledge.customer(customer_id, day)
        if known is None and rows.is_empty():
            raise not_found(localized("This customer is not known."))
        listed = rows.sort("due_on", "invoice_id", nulls_last=True).to_dicts()
        since = await self._since_the_night(listed)
        answers = await asyncio.to_thread(self.worker.store.nightly_of, [customer_id])
        newest = next((each.body["answer"] for each in answers if each.body is not None), None)
        open_rows = rows.filter(~pl.col("invoice_id").is_in(list(since["settled"])))
        return await self.render(
            "customer.html",
            request,
            reader,
            customer_id=customer_id,
            name=(known or {}).get("name"),
            facts=facts_of(known),
            is_strategic=bool((known or {}).get("is_strategic")),
            rows=listed,
            unlisted=not_listed(knowledge, customer_id, rows["invoice_id"].to_list(), day),
            balances=[(p.currency, p.total, p.overdue, p.late_30) for p in portfolios(open_rows)],
            history=None if part is None else customer_history(part.ledger, part.episodes, day),
            evidence=[] if newest is None else ScoreAnswer.model_validate(newest).evidence,
            **since,
        )

    async def invoice(self, request: Request, reader: Reader) -> Response:
        """Show the newest score of an invoice, its reasons, its route, and the form to overrule it."""
        return await self._invoice(request, reader, await self._invoice_id(request))

    async def override(self, request: Request, reader: Reader) -> Response:
        """Store a person's decision on an invoice, score it again, then show the invoice."""
        invoice_id = await self._invoice_id(request)
        form = await self._readers.form(request, reader)
        shown = await self._facts.scores_of(invoice_id, reader.key)
        try:
            if form.get("score_id") != shown[0][0].answer_id:
                what = localized("the invoice was scored again while you were reading: look at it once more")
                raise InvalidInputError(what, [Fault(what, "score_id")])
            message = OverrideRequest.model_validate_json(
                json.dumps(
                    {
                        "sequence_id": form.get("sequence_id") or None,
                        "reason": form.get("reason", ""),
                        "decided_by": reader.key.name[:LONGEST_NAME],
                        "hold_until": form.get("hold_until") or None,
                    }
                )
            )
            await self._override(reader.key, shown[0][0].answer_id, message)
        except ValidationError as failure:
            faults = [
                localized("{where}: {what}", where=".".join(map(str, each["loc"])), what=complaint(each))
                for each in failure.errors()
            ]
            return await self._invoice(request, reader, invoice_id, faults, form, 422)
        except InvalidInputError as refusal:
            faults = [
                localized("{where}: {what}", where=fault.where, what=fault.what) for fault in refusal.faults
            ]
            return await self._invoice(request, reader, invoice_id, faults, form, 422)
        await self._score(reader, invoice_id)
        return RedirectResponse(f"/invoices/{quote(invoice_id, safe='/')}?saved=1", 303)

    async def score_again(self, request: Request, reader: Reader) -> Response:
        """Score an invoice with what is known now, then show it."""
        invoice_id = await self._invoice_id(request)
        await self._readers.form(request, reader)
        await self._facts.scores_of(invoice_id, reader.key)  # none is a 404: nothing to score again
        await self._score(reader, invoice_id)
        return RedirectResponse(f"/invoices/{quote(invoice_id, safe='/')}", 303)

    async def _score(self, reader: Reader, invoice_id: str) -> None:
        invoices = [InvoiceToScore(invoice_id=invoice_id)]
        await self.worker.score(reader.key, ScoreRequest(invoices=invoices))

    async def _invoice_id(self, request: Request) -> str:
        return await self._facts.known_id(INVOICES, str(request.path_params["invoice_id"]))

    async def _invoice(
        self,
        request: Request,
        reader: Reader,
        invoice_id: str,
        faults: Sequence[Message] = (),
        form: Mapping[str, str] | None = None,
        status: int = 200,
    ) -> Response:
        shown = await self._facts.scores_of(invoice_id, reader.key)
        stored, answer = shown[0]
        explained = next((each for _, each in shown if each.explanation is not None), answer)
        knowledge = await self._facts.knowledge({answer.customer_id})
        row = {} if knowledge is None else knowledge.invoice(invoice_id) or {}
        known = None if knowledge is None else knowledge.customer(answer.customer_id, self._facts.tomorrow)
        changed = await self._facts.changed(knowledge, {answer.customer_id: change_of(stored)})
        settled = self._facts.settled(knowledge, {answer.customer_id: [invoice_id]})
        policy = self.worker.policy.current
        is_settled = bool(settled)
        return await self.render(
            "invoice.html",
            request,
            reader,
            status=status,
            view=invoice_view(answer, explained, row.get("issued_on"), row.get("due_on")),
            answer=answer,
            row={"amount": None, "currency": None, "due_on": answer.due_on, **row},
            name=(known or {}).get("name"),
            scores=[each for _, each in shown],
            overrides=await self._facts.overrides_of([each.answer_id for each, _ in shown]),
            sequences={} if policy is None else policy.value.spec.sequences,
            may_override=reader.key.allows(Scope.APPROVE) and answer.decision is not None and not is_settled,
            may_score=reader.key.allows(Scope.SCORE) and bool(row),
            is_settled=is_settled,
            is_stale=bool(changed) and not is_settled,
            faults=[fault.in_language(reader.language) for fault in faults],
            form=form or {},
            is_saved="saved" in request.query_params,
        )

    async def _since_the_night(self, rows: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
        """What became known of some rows of the worklist: those closed, and the customers with other new facts."""
        ids: dict[str, list[str]] = {}
        for row in rows:
            ids.setdefault(row["customer_id"], []).append(row["invoice_id"])
        knowledge = await self._facts.knowledge(ids)
        changes = {row["customer_id"]: row["change"] for row in rows}
        return {
            "settled": self._facts.settled(knowledge, ids),
            "changed": await self._facts.changed(knowledge, changes),
        }

    def _endpoint(self, page: Page) -> Callable[[Request], Awaitable[Response]]:
        """The endpoint of a page: it lets in who has signed in and may see it, and shows refusals as a page."""

        async def endpoint(request: Request) -> Response:
            reader = self._readers.reader(request)
            if reader is None:
                return RedirectResponse("/sign-in", 303)
            try:
                if not reader.key.allows(page.scope):
                    raise forbidden(page.scope.value)
                self._readers.check_rate(reader.key.key_id)
                return await page.handler(self, request, reader)
            except RefusalError as refusal:
                return _refused(request, refusal, reader)
            except StoreUnavailableError:
                return _refused(request, store_unavailable(), reader)
            except AmbiguousIdError as failure:
                found = [(each.position, each.field) for each in failure.found]
                return _refused(request, ambiguous_ids(found), reader)
            except Exception as failure:  # a page that cannot be shown is a page too
                _LOG.exception("a page failed: %s", type(failure).__name__)
                return _refused(request, _INTERNAL, reader)

        return endpoint

    async def static(self, request: Request) -> Response:
        """Return the style sheet."""
        name = str(request.path_params["name"])
        if name not in _STATIC_FILES:
            raise not_found(UNKNOWN_ADDRESS)
        headers = {"cache-control": "public, max-age=3600", "content-type": _STATIC_FILES[name]}
        return FileResponse(STATIC / name, headers=headers)

    async def render(
        self, template: str, request: Request, reader: Reader, status: int = 200, **values: Any
    ) -> Response:
        """A page from its template: the values given, beside those that every page needs."""
        policy = self.worker.policy.current
        spec = None if policy is None else policy.value.spec
        kept = [
            (name, value)
            for name, value in request.query_params.multi_items()
            if name not in ("lang", "saved")
        ]
        is_form = request.method == "POST"
        address = request.url.path.rpartition("/")[0] if is_form else request.url.path
        shared = {
            "reader": reader,
            "path": request.url.path,
            "navigation": navigation(),
            "other_language": f"{quote(address, safe='/')}?{urlencode([*kept, ('lang', '')])[:-5]}",
            "sequence_labels": {} if spec is None else {k: v.label for k, v in spec.sequences.items()},
            "deciders": {} if spec is None else {level.id: level.label for level in spec.approval_levels},
        }
        async with self._rendering:  # so that readers of pages leave threads to scores
            response = await asyncio.to_thread(
                render, template, reader.language, {**shared, **values}, status
            )
        return remember_language(response, request, reader.language)


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
        path="/invoices/{invoice_id:path}/score",
        method="POST",
        scope=Scope.SCORE,
        title=None,
        handler=Pages.score_again,
    ),
    Page(
        path="/invoices/{invoice_id:path}", method="GET", scope=Scope.READ, title=None, handler=Pages.invoice
    ),
)
"""Every page for whoever has signed in, in the order in which addresses are tried; see docs/extending.md."""


def navigation() -> list[tuple[str, Message]]:
    """Address and title of the pages that every page leads to."""
    return [(page.path, page.title) for page in PAGES if page.title is not None]
