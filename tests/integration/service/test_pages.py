"""The credit manager's pages over HTTP: signing in, reading, filtering, overruling; nobody sees other accounts."""

import datetime as dt
import html
import re
from dataclasses import dataclass

import polars as pl
import pytest
from starlette.testclient import TestClient

from serving.pages.session import COOKIE
from serving.security.access import Scope, make_key, read_keys, revoke_key, rotate_key, write_keys
from serving.store.privacy import DataSubject, erase_data

from .conftest import AS_OF, INVOICE, NOW, Maker, RunNight, Service

REASON = "Their accountant is away and asked for patience."
ENGLISH = {"accept-language": "en"}
PAYMENT = {
    "type": "payment",
    "payment_id": "P-pages",
    "paid_on": str(AS_OF),
    "known_on": str(AS_OF),
}


@dataclass
class Night:
    """A service after a night, with the rows its worklist must show."""

    service: Service
    rows: pl.DataFrame


@pytest.fixture(scope="module")
def night(ledger, bundle_folder, tmp_path_factory, run_night) -> Night:
    maker = Maker(ledger, bundle_folder, tmp_path_factory.mktemp("pages"))
    service = maker()
    routed = run_night(service)
    rows = pl.DataFrame(
        [
            (r.score.receivable_id, r.score.customer_id, r.decision.balance_amount)
            for r in routed.records
            if r.decision is not None and r.decision.gate_id != "settled"
        ],
        schema=["invoice_id", "customer_id", "balance"],
        orient="row",
    )
    yield Night(service, rows)
    maker.close()


def sign_in(
    service: Service, *scopes: Scope, accounts: list[str] | None = None, name: str = "camille"
) -> TestClient:
    key, text = make_key(name, scopes, accounts, service.settings.secret(), NOW)
    write_keys(service.settings.keys_path, [*read_keys(service.settings.keys_path).values(), key])
    client = service.client()
    client.headers.update(ENGLISH)
    answer = client.post("/sign-in", data={"key": text}, follow_redirects=False)
    assert answer.status_code == 303, answer.text
    return client


def text_of(page: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]+>", " ", page)))


def listed(client: TestClient, query: str = "") -> list[str]:
    """Every invoice id a list shows, page after page."""
    found, address = [], f"/tonight?{query}"
    while address:
        page = client.get(address)
        assert page.status_code == 200
        found += re.findall(r'<td data-label="Invoice"><a href="[^"]+">([^<]+)</a>', page.text)
        following = re.search(r'rel="next" href="([^"]+)"', page.text)
        address = html.unescape(following[1]) if following else ""
    return found


def token_of(page: str) -> dict[str, str]:
    return dict(re.findall(r'name="(token|score_id)" value="([^"]+)"', page))


def test_pages_ask_for_a_key_first(night):
    client = night.service.client()
    for path in ("/", "/tonight", "/portfolio", "/customers/C000001", "/invoices/F0000001"):
        answer = client.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_wrong_key_is_refused_in_the_readers_language(night):
    client = night.service.client()
    answer = client.post(
        "/sign-in", data={"key": "enc_00_wrong"}, headers={"accept-language": "fr-FR,fr;q=0.9"}
    )
    assert answer.status_code == 401
    assert "Cette clé n'ouvre rien" in html.unescape(answer.text)
    assert COOKIE not in answer.cookies


def test_an_altered_session_opens_nothing(night):
    client = sign_in(night.service, Scope.READ)
    client.cookies.set(COOKIE, client.cookies[COOKIE][:-2] + "xx")
    assert client.get("/tonight", follow_redirects=False).headers["location"] == "/sign-in"


def test_a_revoked_key_ends_its_sessions(make_service):
    service = make_service()
    client = sign_in(service, Scope.READ)
    assert client.get("/tonight").status_code == 200
    keys = read_keys(service.settings.keys_path)
    write_keys(service.settings.keys_path, [revoke_key(key, NOW) for key in keys.values()])
    assert client.get("/tonight", follow_redirects=False).headers["location"] == "/sign-in"


def test_a_page_before_the_first_night_says_what_to_do(make_service):
    client = sign_in(make_service(), Scope.READ)
    for path in ("/tonight", "/portfolio"):
        assert "encours run --nightly" in client.get(path).text


def test_the_worklist_shows_every_open_receivable_once(night):
    client = sign_in(night.service, Scope.READ)
    shown = listed(client)
    assert sorted(shown) == sorted(night.rows["invoice_id"].to_list())
    page = text_of(client.get("/tonight").text)
    assert f"{night.rows['balance'].sum():,.2f} EUR" in page


def test_filters_and_search_keep_what_matches(night):
    client = sign_in(night.service, Scope.READ)
    grades = {grade: listed(client, f"grade={grade}") for grade in "ABCDE"}
    assert sorted(invoice_id for ids in grades.values() for invoice_id in ids) == sorted(
        night.rows["invoice_id"].to_list()
    )
    customer = night.rows["customer_id"][0]
    of_customer = night.rows.filter(pl.col("customer_id") == customer)["invoice_id"].to_list()
    assert sorted(listed(client, f"q={customer.lower()}")) == sorted(of_customer)
    assert listed(client, "q=no-such-invoice") == []


def test_the_list_is_sorted_by_balance(night):
    client = sign_in(night.service, Scope.READ)
    balances = dict(zip(night.rows["invoice_id"], night.rows["balance"], strict=True))
    shown = [balances[invoice_id] for invoice_id in listed(client, "sort=balance")]
    assert shown == sorted(shown, reverse=True)


@pytest.mark.parametrize(
    "query", ["page=999999", "page=-1", "page=٣", "sort=%3Cscript%3E", "grade=Z", "q=%25%27%22%3C"]
)
def test_nonsense_in_the_address_still_opens_the_list(night, query):
    page = sign_in(night.service, Scope.READ).get(f"/tonight?{query}")
    assert page.status_code == 200
    assert "<script" not in page.text


def test_an_invoice_shows_reasons_that_add_up(night):
    client = sign_in(night.service, Scope.READ)
    for invoice_id in night.rows["invoice_id"].head(5):
        page = client.get(f"/invoices/{invoice_id}")
        assert page.status_code == 200
        kept = client.get(f"/v1/invoices/{invoice_id}/explanation", headers=_bearer(night.service)).json()
        text = text_of(page.text)
        for reason in kept["explanation"]["reasons"]:
            assert reason["en"] in text
        assert kept["score_id"] in text


def _bearer(service: Service) -> dict[str, str]:
    key, text = make_key("reader", [Scope.READ], None, service.settings.secret(), NOW)
    write_keys(service.settings.keys_path, [*read_keys(service.settings.keys_path).values(), key])
    return {"Authorization": f"Bearer {text}"}


def test_a_reader_of_some_accounts_sees_no_other_customer(night):
    mine, others = (
        night.rows["customer_id"].unique(maintain_order=True)[:2],
        night.rows["customer_id"].unique(),
    )
    client = sign_in(night.service, Scope.READ, Scope.APPROVE, accounts=list(mine))
    of_mine = night.rows.filter(pl.col("customer_id").is_in(mine.implode()))["invoice_id"].to_list()
    assert sorted(listed(client)) == sorted(of_mine)
    names = dict(night.service.ledger.customers.select("customer_id", "name").iter_rows())
    pages = [
        "/tonight",
        "/portfolio",
        *(f"/customers/{key}" for key in mine),
        *(f"/invoices/{key}" for key in of_mine),
    ]
    hidden = [key for key in others if key not in set(mine)]
    for path in pages:
        text = text_of(client.get(path).text)
        assert not [key for key in hidden if key in text or (names[key] or key) in text], path
    for other in hidden[:3]:
        assert client.get(f"/customers/{other}").status_code == 404
        theirs = night.rows.filter(pl.col("customer_id") == other)["invoice_id"][0]
        assert client.get(f"/invoices/{theirs}").status_code == 404


def test_an_unknown_address_of_a_page_is_a_readable_404(night):
    client = sign_in(night.service, Scope.READ)
    for path in ("/customers/nobody", "/invoices/none", "/customers/..%2f..%2fetc"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "There is nothing at this address" in answer.text


def test_pages_forbid_scripts_and_foreign_content(night):
    answer = sign_in(night.service, Scope.READ).get("/tonight")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "style=" not in answer.text
    assert "http://" not in answer.text.replace("http://testserver", "")


def test_the_language_is_remembered(night):
    client = sign_in(night.service, Scope.READ)
    assert "Cette nuit" in client.get("/tonight?lang=fr").text
    assert '<html lang="fr">' in client.get("/tonight").text
    assert '<html lang="en">' in client.get("/tonight?lang=en").text


def test_a_reader_without_approval_sees_no_form_and_may_not_post(night):
    client = sign_in(night.service, Scope.READ)
    invoice_id = night.rows["invoice_id"][0]
    assert "<textarea" not in client.get(f"/invoices/{invoice_id}").text
    answer = client.post(f"/invoices/{invoice_id}/override", data={"reason": REASON})
    assert answer.status_code == 403


class TestOverruling:
    @pytest.fixture
    def fresh(self, make_service: Maker, run_night: RunNight) -> Night:
        service = make_service()
        routed = run_night(service)
        record = next(
            r for r in routed.records if r.decision is not None and r.decision.next_step is not None
        )
        rows = pl.DataFrame(
            {"invoice_id": [record.score.receivable_id], "customer_id": [record.score.customer_id]}
        )
        return Night(service, rows)

    def test_an_override_by_form_is_followed_by_the_next_score(self, fresh):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE, Scope.SCORE)
        invoice_id = fresh.rows["invoice_id"][0]
        page = client.get(f"/invoices/{invoice_id}")
        form = {**token_of(page.text), "sequence_id": "hold", "reason": REASON, "hold_until": ""}
        answer = client.post(f"/invoices/{invoice_id}/override", data=form)
        assert answer.status_code == 200
        assert "Your decision is kept" in answer.text
        assert REASON in text_of(answer.text)
        key = fresh.service.client(Scope.SCORE)
        scored = key.post("/v1/score", json={"as_of": str(AS_OF), "invoices": [{"invoice_id": invoice_id}]})
        assert scored.json()["scores"][0]["decision"]["sequence_id"] == "hold"

    @pytest.mark.parametrize("token", ["", "0" * 64])
    def test_a_form_without_its_token_changes_nothing(self, fresh, token):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE)
        invoice_id = fresh.rows["invoice_id"][0]
        form = {**token_of(client.get(f"/invoices/{invoice_id}").text), "token": token, "reason": REASON}
        answer = client.post(f"/invoices/{invoice_id}/override", data=form)
        assert answer.status_code == 403
        assert not fresh.service.store.overrides()

    def test_a_form_from_another_site_changes_nothing(self, fresh):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE)
        invoice_id = fresh.rows["invoice_id"][0]
        form = {**token_of(client.get(f"/invoices/{invoice_id}").text), "reason": REASON}
        answer = client.post(
            f"/invoices/{invoice_id}/override", data=form, headers={"origin": "https://elsewhere.example"}
        )
        assert answer.status_code == 403
        assert not fresh.service.store.overrides()

    def test_a_reason_that_says_nothing_is_shown_again_with_what_was_typed(self, fresh):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE)
        invoice_id = fresh.rows["invoice_id"][0]
        form = {
            **token_of(client.get(f"/invoices/{invoice_id}").text),
            "reason": "because <b>",
            "sequence_id": "hold",
        }
        answer = client.post(f"/invoices/{invoice_id}/override", data={**form, "hold_until": "2150-01-01"})
        assert answer.status_code == 422
        assert "hold_until" in answer.text
        assert "because &lt;b&gt;</textarea>" in answer.text
        assert not fresh.service.store.overrides()

    def test_an_invoice_paid_since_the_night_is_not_proposed(self, fresh):
        client = sign_in(fresh.service, Scope.READ)
        invoice_id = fresh.rows["invoice_id"][0]
        row = fresh.service.ledger.invoices.filter(pl.col("invoice_id") == invoice_id.split("#")[0]).row(
            0, named=True
        )
        event = {**PAYMENT, "invoice_id": row["invoice_id"], "amount": str(row["amount"])}
        assert (
            fresh.service.client(Scope.EVENTS).post("/v1/events", json={"events": [event]}).status_code == 200
        )
        page = client.get(f"/tonight?q={row['invoice_id']}")
        assert "closed since last night" in page.text
        assert "nothing is to be asked for" in client.get(f"/invoices/{invoice_id}").text

    def test_a_hold_is_set_by_form(self, fresh):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE, Scope.SCORE)
        invoice_id = fresh.rows["invoice_id"][0]
        until = AS_OF + dt.timedelta(days=20)
        form = {
            **token_of(client.get(f"/invoices/{invoice_id}").text),
            "reason": REASON,
            "hold_until": str(until),
        }
        answer = client.post(f"/invoices/{invoice_id}/override", data=form)
        assert answer.status_code == 200
        assert f"no step before {until.day} {until:%B %Y}" in text_of(answer.text)

    def test_a_decision_on_another_invoices_score_is_refused(self, fresh, run_night):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE)
        one, other = fresh.service.open_invoices(2)
        form = {**token_of(client.get(f"/invoices/{other}").text), "reason": REASON}
        answer = client.post(f"/invoices/{one}/override", data=form)
        assert answer.status_code == 422
        assert "scored again while you were reading" in answer.text
        assert not fresh.service.store.overrides()

    def test_nothing_is_proposed_once_new_facts_are_known(self, fresh):
        client = sign_in(fresh.service, Scope.READ, Scope.APPROVE, Scope.SCORE)
        invoice_id, customer_id = fresh.rows.row(0)
        event = {
            "type": "dispute",
            "dispute_id": "D-pages",
            "invoice_id": invoice_id,
            "opened_on": str(AS_OF),
        }
        assert (
            fresh.service.client(Scope.EVENTS).post("/v1/events", json={"events": [event]}).status_code == 200
        )
        assert "new facts since last night" in client.get(f"/tonight?q={invoice_id}").text
        assert "new facts since last night" in client.get(f"/customers/{customer_id}").text
        page = client.get(f"/invoices/{invoice_id}")
        assert "what it proposes no longer holds" in page.text
        scored = client.post(f"/invoices/{invoice_id}/score", data=token_of(page.text))
        assert scored.status_code == 200
        assert "no longer holds" not in scored.text
        assert "gate.open_dispute" in scored.text

    def test_a_rotated_key_without_overlap_ends_its_sessions(self, fresh):
        client = sign_in(fresh.service, Scope.READ)
        keys, secret = read_keys(fresh.service.settings.keys_path), fresh.service.settings.secret()
        renewed = [rotate_key(key, secret, NOW, dt.timedelta())[0] for key in keys.values()]
        write_keys(fresh.service.settings.keys_path, renewed)
        assert client.get("/tonight", follow_redirects=False).headers["location"] == "/sign-in"

    def test_an_erased_customer_is_on_no_page(self, fresh):
        client = sign_in(fresh.service, Scope.READ)
        _, customer_id = fresh.rows.row(0)
        name = dict(fresh.service.ledger.customers.select("customer_id", "name").iter_rows())[customer_id]
        assert name in text_of(client.get(f"/tonight?q={customer_id}").text)
        erase_data(fresh.service.store, DataSubject(customer_id), "tests", NOW)
        for path in (f"/tonight?q={customer_id}", "/portfolio", f"/customers/{customer_id}"):
            assert name not in text_of(client.get(path).text)

    def test_pages_without_a_model_show_what_is_stored(self, fresh):
        client = sign_in(fresh.service, Scope.READ)
        invoice_id, customer_id = fresh.rows.row(0)
        fresh.service.worker.champion.current = None
        for path in ("/tonight", "/portfolio", f"/invoices/{invoice_id}", f"/customers/{customer_id}"):
            assert client.get(path).status_code == 200, path

    def test_an_invoice_known_since_the_night_is_on_its_customers_page(self, fresh):
        client = sign_in(fresh.service, Scope.READ)
        assert (
            fresh.service.client(Scope.EVENTS).post("/v1/events", json={"events": [INVOICE]}).status_code
            == 200
        )
        page = text_of(client.get(f"/customers/{INVOICE['customer_id']}").text)
        assert "not known last night" in page
        assert INVOICE["invoice_id"] in page


@pytest.mark.parametrize(
    "headers",
    [{"origin": "https://elsewhere.example"}, {"origin": "null"}, {"sec-fetch-site": "cross-site"}],
)
def test_another_site_cannot_sign_anybody_in_or_out(night, headers):
    client = night.service.client()
    assert client.post("/sign-in", data={"key": "enc_00_x"}, headers=headers).status_code == 403
    signed = sign_in(night.service, Scope.READ)
    assert signed.post("/sign-out", headers=headers).status_code == 403
    assert signed.get("/tonight", follow_redirects=False).status_code == 200


def test_the_other_language_keeps_the_filters(night):
    page = sign_in(night.service, Scope.READ).get("/tonight?grade=C&sort=due")
    assert 'href="/tonight?grade=C&amp;sort=due&amp;lang=fr"' in page.text


@pytest.mark.parametrize(
    "path", ["/invoices/%00", "/invoices/a%00b", "/customers/%E2%80%A8", "/invoices/" + "x" * 300]
)
def test_what_cannot_be_an_id_is_not_found(night, path):
    assert sign_in(night.service, Scope.READ).get(path).status_code == 404


def test_readers_of_pages_are_limited_like_callers(make_service):
    client = sign_in(make_service(requests_per_second=1.0, burst_requests=3), Scope.READ)
    answers = [client.get("/portfolio") for _ in range(6)]
    assert [answer.status_code for answer in answers][-1] == 429
    assert int(answers[-1].headers["retry-after"]) >= 1
