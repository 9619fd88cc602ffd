"""Every scenario decided four ways: service with events, night on an import, night after events, restart and replay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

import pytest

from tests.scenarios.page import scenarios_page
from tests.scenarios.timeline import Expected, Row, Scenario, scenarios
from tests.scenarios.ways import NOTHING_OWED, State, World, even_odds_bundle, play, policy_without_limits

Found = dict[tuple[dt.date, str], State]


def differences(told: Sequence[Scenario], found: Found, names: Sequence[str]) -> list[str]:
    """Where what was decided is not what a scenario expects, one line each."""
    wrong = []
    for scenario in told:
        for expected in scenario.expected:
            state = found[expected.day, expected.receivable_id]
            wrong += [
                f"{scenario.name} on {expected.day}, {expected.receivable_id.rsplit('.', 1)[1]}: {name} is "
                f"{getattr(state, name)!r}, expected {wanted!r} ({'; '.join(state.reasons[:3])})"
                for name, wanted in _wanted(expected, names)
                if getattr(state, name) != wanted
            ]
    return wrong


def _wanted(expected: Expected, names: Sequence[str]) -> list[tuple[str, str | None]]:
    """The named states of an expectation as texts; a settled receivable need not be listed by a night."""
    return [
        (name, None if value is None else str(value))
        for name, value in expected.wanted.items()
        if name in names
    ]


@pytest.fixture
def told() -> list[Scenario]:
    return scenarios()


EVERYTHING = ("open", "gate", "sequence", "step", "channel", "on", "who", "notes", "remark")
OWED = ("open", "gate", "notes")


def by_event(row: Row) -> bool:
    return row.by == "event"


def never(row: Row) -> bool:
    return False


def test_the_page_of_scenarios_is_current(told: list[Scenario]) -> None:
    page = Path(__file__).parents[2] / "docs" / "scenarios.md"
    assert page.read_text("utf-8") == scenarios_page(told), "python -m tests.scenarios.page writes it"


def test_every_scenario_says_what_it_shows_and_where_that_comes_from(told: list[Scenario]) -> None:
    assert len(told) >= 120
    for scenario in told:
        assert scenario.says.endswith("."), scenario.name
        assert len(scenario.source) > 8, scenario.name
        assert scenario.expected, scenario.name


def test_service_and_night_decide_as_every_scenario_says_whatever_the_way(
    told: list[Scenario], store_url: str, tmp_path: Path
) -> None:
    bundle, policy = even_odds_bundle(), policy_without_limits(tmp_path)
    world = World(tmp_path / "home", store_url, bundle, policy)
    nights: Found = {}

    def service_and_night(day: dt.date, receivable_ids: Sequence[str]) -> dict[str, State]:
        night = world.night(day)
        nights.update({(day, key): night.get(key, NOTHING_OWED) for key in receivable_ids})
        return world.ask(day, receivable_ids)

    try:
        served = play(world, told, by_event, service_and_night)
        wrong = [f"service: {line}" for line in differences(told, served, EVERYTHING)]
        wrong += [f"night: {line}" for line in differences(told, nights, EVERYTHING)]
        wrong += [
            f"night and service differ: {day} {key}: {nights[day, key]} {state}"
            for (day, key), state in served.items()
            if nights[day, key] not in (state, NOTHING_OWED)
        ]
        world.restart()
        replayed = {}
        for day in sorted({day for day, _ in served}):
            replayed |= {
                (day, key): state for key, state in world.ask(day, [k for d, k in served if d == day]).items()
            }
        wrong += [f"replay: {line}" for line in differences(told, replayed, OWED)]
    finally:
        world.close()
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong)


def test_a_night_on_an_import_decides_as_every_scenario_says(
    told: list[Scenario], store_url: str, tmp_path: Path
) -> None:
    world = World(tmp_path / "home", store_url, even_odds_bundle(), policy_without_limits(tmp_path))
    try:
        nights = play(world, told, never, lambda day, _: world.night(day))
    finally:
        world.close()
    wrong = differences(told, nights, EVERYTHING)
    assert not wrong, f"{len(wrong)} differences\n" + "\n".join(wrong)
