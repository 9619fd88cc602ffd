from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from serving.api import bodies
from serving.api.bodies import LARGEST_COUNT, LARGEST_DEPTH, MANY_FAULTS, SMALL_BODY, BodyReader, parse
from serving.messages.events import EventsRequest
from serving.messages.refusals import RefusalError
from serving.messages.requests import ScoreRequest

DRAFT = {"customer_id": "C", "amount": 100}


class Sent:
    """A request whose body comes in pieces."""

    def __init__(self, *pieces: bytes, kind: str = "application/json", pause: float = 0.0) -> None:
        self.headers = {"content-type": kind}
        self._pieces, self._pause = pieces, pause

    async def stream(self) -> AsyncIterator[bytes]:
        for piece in self._pieces:
            await asyncio.sleep(self._pause)
            yield piece


def refusal_of(body: bytes, message: Any = ScoreRequest) -> RefusalError:
    with pytest.raises(RefusalError) as caught:
        parse(body, message)
    return caught.value


def score_body(*rows: dict[str, Any], **others: Any) -> bytes:
    return json.dumps({"invoices": list(rows) or [DRAFT], **others}).encode()


@pytest.mark.parametrize(
    ("body", "code", "words"),
    [
        (b"", "invalid_json", ""),
        (b"\xff\xfe", "invalid_json", "UTF-8"),
        (b'{"invoices": [', "invalid_json", "Expecting"),
        (b"[" * 50_000, "beyond_limits", f"more than {LARGEST_DEPTH} deep"),
        (b'{"a":' * 50_000, "beyond_limits", f"more than {LARGEST_DEPTH} deep"),
        (score_body(**{f"x{n}": 1 for n in range(LARGEST_COUNT)}), "beyond_limits", "names and"),
        (b'{"invoices":[' + b"1," * (LARGEST_COUNT + 2) + b"1]}", "beyond_limits", "names and values"),
        (b'{"invoices":[{"amount":1' + b"0" * 70 + b"}]}", "beyond_limits", "a number of more than"),
        (b'{"as_of":"' + b"x" * 1_400_000 + b'"}', "beyond_limits", "a text of more than"),
        (b'{"invoices":[' + b" 1" * 1_100_000 + b"]}", "beyond_limits", "numbers and punctuation"),
    ],
)
def test_a_body_beyond_a_limit_is_refused_by_name(body: bytes, code: str, words: str) -> None:
    refusal = refusal_of(body)
    assert (refusal.status, refusal.answer().error.code) == (400 if code == "invalid_json" else 422, code)
    assert words in refusal.answer().model_dump_json()


def test_a_name_given_twice_is_refused() -> None:
    refusal = refusal_of(b'{"invoices":[{"customer_id":"C","customer_id":"D","amount":1}]}')
    (fault,) = refusal.answer().error.faults
    assert (fault.field, fault.message) == ("customer_id", "is given more than once")


def test_brackets_and_quotes_within_texts_count_for_nothing() -> None:
    text = '[{"\\"' * 30
    request = parse(score_body({**DRAFT, "terms": text}), ScoreRequest)
    assert request.invoices[0].terms == text


def test_many_faults_name_the_first_hundred_in_order_and_count_them_all() -> None:
    rows = [{"customer_id": 1, "amount": "x", "due_on": 3, "terms": 4} for _ in range(MANY_FAULTS)]
    refusal = refusal_of(score_body(*[DRAFT] * 250, *rows[:700], as_of=7))
    error = refusal.answer().error
    assert error.message.startswith(f"{700 * 4 + 1} faults")
    assert len(error.faults) == 100
    assert next(fault.row for fault in error.faults if fault.row is not None) == 250
    named = [(fault.row or 0, fault.field) for fault in error.faults]
    assert {field for _, field in named} == {"as_of", "customer_id", "amount", "due_on", "terms"}


def test_unknown_fields_by_the_hundred_are_counted_and_the_first_named() -> None:
    refusal = refusal_of(score_body({**DRAFT, **{f"x{n}": n for n in range(5_000)}}))
    assert refusal.answer().error.message.startswith("5000 faults")
    assert [fault.field for fault in refusal.answer().error.faults] == [f"x{n}" for n in range(100)]


def test_a_single_unknown_field_is_named_with_its_row() -> None:
    (fault,) = refusal_of(score_body(DRAFT, {**DRAFT, "colour": "red"})).answer().error.faults
    assert (fault.row, fault.field, fault.message) == (1, "colour", "is not a field of this message")


def test_the_largest_message_of_each_kind_is_within_the_limits() -> None:
    mail = {"type": "email", "email_id": "e", "customer_id": "c", "sent_at": "2026-01-01T10:00:00Z",
            "direction": "inbound", "subject": '"' * 900, "body": "[:," * 2_000, "invoice_id": "F"}  # fmt: skip
    assert len(parse(json.dumps({"events": [mail] * 1000}).encode(), EventsRequest).events) == 1000
    invoice = dict.fromkeys(("issued_on", "due_on"), "2026-01-01") | DRAFT | {
        "invoice_id": "F", "currency": "EUR", "terms": "t", "delivery_channel": "d", "purchase_order": "p"
    }  # fmt: skip
    assert (
        len(parse(json.dumps({"invoices": [invoice] * 1000}, indent=8).encode(), ScoreRequest).invoices)
        == 1000
    )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.text(max_size=6),
    lambda inner: st.lists(inner, max_size=4)
    | st.dictionaries(st.sampled_from(["invoices", "customer_id", "amount", "as_of", "x", "terms"]), inner, max_size=4),
    max_leaves=25,
)  # fmt: skip


@given(JSON)
def test_the_limits_change_no_answer_of_an_ordinary_body(content: Any) -> None:
    body = json.dumps(content, ensure_ascii=False).encode()
    try:
        expected: Any = ScoreRequest.model_validate_json(body)
    except ValueError:
        expected = None
    if expected is None:
        assert refusal_of(body).status in {400, 422}
    else:
        assert parse(body, ScoreRequest) == expected


def test_a_body_that_comes_too_slowly_is_refused_and_the_connection_closed() -> None:
    reader = BodyReader(1000, seconds=0.02)
    with pytest.raises(RefusalError, match="too_slow") as caught:
        asyncio.run(reader.read(Sent(b"{", b"}", pause=0.5)))  # type: ignore[arg-type]
    assert (caught.value.status, caught.value.headers) == (408, {"Connection": "close"})


def test_large_bodies_beyond_what_one_process_holds_are_asked_to_come_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bodies, "BODIES_AT_ONCE", 2)
    reader = BodyReader(200_000)
    body = score_body({**DRAFT, "terms": "t"}, as_of="2026-03-02") + b" " * (190_000)
    pieces = [body[start : start + SMALL_BODY] for start in range(0, len(body), SMALL_BODY)]

    async def send(count: int) -> list[Any]:
        requests = [reader.message(Sent(*pieces), ScoreRequest) for _ in range(count)]  # type: ignore[arg-type]
        return await asyncio.gather(*requests, return_exceptions=True)

    answers = asyncio.run(send(5))
    refused = [answer for answer in answers if isinstance(answer, RefusalError)]
    assert {(refusal.status, refusal.answer().error.code) for refusal in refused} == {(503, "busy")}
    assert all(refusal.headers["Retry-After"] for refusal in refused)
    assert any(isinstance(answer, ScoreRequest) for answer in answers)
    assert not any(isinstance(answer, RefusalError) for answer in asyncio.run(send(1))), (
        "its room is given back"
    )
    reader.close()
