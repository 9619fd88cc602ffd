"""The pages as a person uses them: a real service, a real browser, with and without scripts, on a phone."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from features.ledger import Ledger
from serving.store import open_store

from .conftest import RunNight, prepare_home
from .processes import serving

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="needs the chromium package of the system")
PHONE = {"width": 390, "height": 844}
MAXIMUM_BYTES = 150_000
LANGUAGES = ("fr", "en")


@dataclass
class Site:
    """A running service, the key of a credit manager, and the addresses of one page of each kind."""

    url: str
    key: str
    paths: tuple[str, ...]
    invoice: str
    browser: Any


@pytest.fixture(scope="module")
def site(
    ledger: Ledger, bundle_folder: Path, run_night: RunNight, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Site]:
    home = tmp_path_factory.mktemp("pages-home")
    settings = prepare_home(home, ledger, bundle_folder)
    store = open_store(settings.store_url, settings.secret())
    night = run_night(SimpleNamespace(settings=settings, store=store, ledger=ledger))  # type: ignore[arg-type]
    store.close()
    record = next(r for r in night.records if r.decision is not None and r.decision.next_step is not None)
    invoice = f"/invoices/{record.score.receivable_id}"
    paths = ("/tonight", "/portfolio", f"/customers/{record.score.customer_id}", invoice)
    with (
        serving(home, tmp_path_factory.mktemp("pages-log")) as running,
        playwright.sync_playwright() as engine,
    ):
        browser = engine.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield Site(running.url, running.key, paths, invoice, browser)
        browser.close()


def signed_in(site: Site, **options: Any) -> Any:
    """A page of a new session; its viewport, language and scripts by option."""
    page = site.browser.new_context(**{"locale": "en-GB", **options}).new_page()
    page.goto(f"{site.url}/sign-in")
    page.get_by_label("Access key" if options.get("locale") != "fr-FR" else "Clé d'accès").fill(site.key)
    page.keyboard.press("Enter")
    page.wait_for_url("**/tonight")
    return page


def test_no_page_has_an_accessibility_violation_in_either_language(site: Site) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = signed_in(site)
    found = {}
    for language in LANGUAGES:
        for path in (*site.paths, "/invoices/none"):
            page.goto(f"{site.url}{path}?lang={language}")
            violations = axe.run(page).response["violations"]
            if violations:
                found[language, path] = [
                    (each["id"], [node["html"][:200] for node in each["nodes"][:3]]) for each in violations
                ]
    assert not found


def test_every_page_fits_a_phone(site: Site) -> None:
    page = signed_in(site, viewport=PHONE)
    for language in LANGUAGES:
        for path in site.paths:
            page.goto(f"{site.url}{path}?lang={language}")
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= PHONE["width"], (path, language, width)


def test_pages_are_light_and_ask_no_other_host(site: Site) -> None:
    page = signed_in(site)
    answers: list[Any] = []

    def note(answer: Any) -> None:
        answers.append(answer)

    page.on("response", note)
    for path in site.paths:
        answers.clear()
        page.goto(f"{site.url}{path}", wait_until="networkidle")
        assert {answer.url.startswith(site.url) for answer in answers} == {True}
        assert sum(len(answer.body()) for answer in answers) < MAXIMUM_BYTES, path


def test_the_list_is_filtered_without_scripts(site: Site) -> None:
    page = signed_in(site, java_script_enabled=False)
    page.get_by_label("Grade").select_option("A")
    page.get_by_role("button", name="Show").click()
    grades = set(page.locator("table.worklist .grade").all_inner_texts())
    assert {grade.split()[-1] for grade in grades} == {"A"}


def test_a_route_is_overruled_with_the_keyboard_alone(site: Site) -> None:
    page = signed_in(site)
    page.goto(f"{site.url}{site.invoice}")
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.id") == "sequence_id":
            break
    page.keyboard.type("Hold")
    page.keyboard.press("Tab")
    while page.evaluate("document.activeElement.id") != "reason":
        page.keyboard.press("Tab")
    page.keyboard.type("Their accountant is away until Monday.")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    page.wait_for_url("**saved=1")
    assert "Your decision is kept" in page.inner_text("[role=status]")
    assert "Their accountant is away until Monday." in page.inner_text("main")


def test_signing_out_ends_the_session(site: Site) -> None:
    page = signed_in(site, locale="fr-FR")
    page.get_by_role("button", name="Se déconnecter").click()
    page.goto(f"{site.url}/tonight")
    assert page.url.endswith("/sign-in")
