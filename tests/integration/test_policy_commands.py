"""`encours policy` from the outside: what it reads, says and writes."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import polars as pl
import pytest
from typer.testing import CliRunner

from features.errors import InvalidInputError
from pipelines.cli import policy
from serving.dunning import DEFAULT_POLICY_PATH, DecisionRecord, load_policy, write_records
from tests.dunning_samples import POLICY, account, decide, is_localized, scored

ON = date(2025, 10, 20)
app = policy.app
RUNNER = CliRunner(env={"COLUMNS": "300", "NO_COLOR": "1"})


def records():
    for number in range(12):
        due_on = ON - timedelta(days=5 + number)
        score = scored(
            f"F-{number:02d}",
            customer_id=f"C-{number % 4}",
            due_on=due_on,
            as_of=ON,
            issued_on=due_on,
            p_late=0.4,
            curve=(),
            grade="B",
            segment="prompt" if number % 2 else "erratic",
        )
        yield DecisionRecord(ON, score, account(), decide(score, account(), POLICY, ON))


@pytest.fixture
def stored(tmp_path):
    path = tmp_path / "stored.parquet"
    write_records(records(), path)
    return path


@pytest.fixture
def softer(tmp_path):
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    path = tmp_path / "softer.yaml"
    path.write_text(text.replace("friendly_email, day: 7", "friendly_email, day: 11"), "utf-8")
    return path


def test_check_says_what_was_proven_and_where_to_go_next():
    result = RUNNER.invoke(app, ["check", str(DEFAULT_POLICY_PATH), "--tables"])
    assert result.exit_code == 0, result.output
    assert "22 routes take 540 cases, each exactly one" in result.output
    assert "late-payment interest can be reckoned from 2020-01-01 to 2026-12-31" in result.output
    assert "slow_process_high" in result.output
    assert "encours policy replay" in result.output


def test_check_of_a_faulty_file_is_refused_with_lines(tmp_path):
    path = tmp_path / "faulty.yaml"
    path.write_text(DEFAULT_POLICY_PATH.read_text("utf-8").replace("longest_days", "longest_day"), "utf-8")
    result = RUNNER.invoke(app, ["check", str(path)])
    assert isinstance(result.exception, InvalidInputError)
    assert "faulty.yaml, line " in str(result.exception)
    assert "unknown key longest_day" in str(result.exception)


def test_replay_shows_both_sides_by_segment_and_writes_the_differences(stored, softer, tmp_path):
    out = tmp_path / "differences.parquet"
    days = ["--from", "2025-10-01", "--to", "2025-10-31"]
    result = RUNNER.invoke(app, ["replay", str(softer), "--decisions", str(stored), *days, "--out", str(out)])
    assert result.exit_code == 0, result.output
    differing = pl.read_parquet(out)
    assert f"wrote {differing.height} differing decisions to" in result.output
    assert 0 < differing.height < 12
    assert "erratic" in result.output
    assert "→" in result.output


def in_french(result):
    """What `main` prints of a refusal for a French reader, with ordinary blanks."""
    assert isinstance(result.exception, InvalidInputError)
    return result.exception.in_language("fr").replace("\u202f", " ")


def test_the_commands_speak_french_when_asked(stored, softer):
    days = ["--from", "2025-10-01", "--to", "2025-10-31"]
    words = ["--language", "fr"]
    result = RUNNER.invoke(app, ["replay", str(softer), "--decisions", str(stored), *days, *words])
    assert result.exit_code == 0, result.output
    assert "rejeu de default_fr_eu 2.0.0, du 01/10/2025 au 31/10/2025" in result.output
    assert "enregistré → rejoué" in result.output
    assert "décisions diffèrent" in result.output
    checked = RUNNER.invoke(app, ["check", "--tables", *words])
    assert "22 lignes couvrent 540 cas, un seul chacun" in checked.output
    assert "Appel du responsable de compte" in checked.output


def test_simulate_decides_the_newest_case_of_each_invoice(stored, softer, tmp_path):
    older = [replace(item, decided_on=ON - timedelta(days=1), decision=None) for item in records()]
    cases = tmp_path / "cases.jsonl"
    write_records([*older, *(replace(item, decision=None) for item in records())], cases)
    result = RUNNER.invoke(app, ["simulate", str(softer), "--cases", str(cases), "--on", "2025-10-20"])
    assert result.exit_code == 0, result.output
    assert "on 2025-10-20, 12 open invoices" in result.output
    assert "with 4 customers" in result.output
    assert "actions for every 1,000 invoices" in result.output
    assert "simulated: 12 open invoices; large amounts whose next step is automatic: - of 0" in result.output


def test_simulate_keeps_every_instalment_of_an_invoice(softer, tmp_path):
    parts = [scored("F-1", instalment_number=number, instalment_count=3) for number in (1, 2, 3)]
    write_records([DecisionRecord(ON, part, account()) for part in parts], tmp_path / "cases.jsonl")
    arguments = ["simulate", str(softer), "--cases", str(tmp_path / "cases.jsonl"), "--on", "2025-10-20"]
    result = RUNNER.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "on 2025-10-20, 3 open invoices" in result.output


def figures(output, value):
    """The figures of a line of a mix, by its value."""
    line = next(line for line in output.splitlines() if f"│ {value} " in line)
    return [float(part) for part in line.replace(",", ".").split("│")[3:-1]]


@pytest.mark.parametrize("language", ["en", "fr"])
def test_mix_shows_the_stored_actions_for_every_thousand_invoices(tmp_path, language):
    large = scored("F-99", customer_id="C-9", due_on=ON - timedelta(days=7), amount="48000.00", grade="A")
    facts = account("48000.00")
    of_night = [*records(), DecisionRecord(ON, large, facts, decide(large, facts, POLICY, ON))]
    write_records(
        [*of_night, replace(of_night[0], decided_on=ON - timedelta(days=1))], tmp_path / "night.parquet"
    )
    result = RUNNER.invoke(
        app, ["mix", "--decisions", str(tmp_path / "night.parquet"), "--language", language]
    )
    assert result.exit_code == 0, result.output
    decisions = [item.decision for item in of_night]
    emails = sum(item.next_step.channel == "email" for item in decisions)
    assert figures(result.output, "email")[1] == pytest.approx(1000 * emails / 13, abs=0.05)
    tonight = sum(item.next_step.channel == "email" and item.next_step.on == ON for item in decisions)
    assert figures(result.output, "email")[0] == pytest.approx(1000 * tonight / 13, abs=0.05)
    assert figures(result.output, "large_amount")[1] == pytest.approx(76.9)
    shown = {"en": "automatic: 0.0 % of 1;", "fr": "automatique : 0,0 % de 1 ;"}[language]
    printed = result.output.replace("\u202f", " ")
    assert shown in printed
    assert {"en": "steps on a day off: 0", "fr": "étapes un jour chômé : 0"}[language] in printed


def test_a_day_that_is_no_day_is_refused(stored, softer):
    result = RUNNER.invoke(app, ["simulate", str(softer), "--cases", str(stored), "--on", "20/10/2025"])
    assert result.exit_code == 2
    assert "does not match the format" in result.output


@pytest.mark.parametrize(("language", "words"), [("en", "missing"), ("fr", "manquant")])
def test_legal_shows_the_rates_of_each_semester_and_what_to_add(language, words):
    result = RUNNER.invoke(app, ["legal", "--on", "2027-02-01", "--language", language])
    assert result.exit_code == 0, result.output
    assert ("12,40 %" if language == "fr" else "12.40 %") in result.output
    assert words in result.output
    assert "from: 2027-01-01, until: 2027-06-30" in result.output
    assert "arrêté of 26 June 2026" in result.output


def test_the_legal_file_beside_the_policy_wins_over_the_one_shipped(tmp_path, softer):
    shipped = (DEFAULT_POLICY_PATH.parents[1] / "legal" / "fr.yaml").read_text("utf-8")
    (tmp_path / "legal").mkdir()
    (tmp_path / "legal" / "fr.yaml").write_text(shipped.replace('value: "2.40"', 'value: "2.55"'), "utf-8")
    result = RUNNER.invoke(app, ["legal", str(softer), "--on", "2026-10-01"])
    assert "12.55 %" in result.output
    assert str(tmp_path / "legal" / "fr.yaml") in result.output
    assert load_policy(softer).legal.value_on("ecb_refinancing_rate", date(2026, 10, 1)).value == Decimal(
        "2.55"
    )


@pytest.mark.parametrize(
    ("on", "warned"), [("2026-11-02", False), ("2026-12-20", True), ("2027-03-01", True)]
)
def test_check_warns_when_the_legal_rates_end_and_still_accepts_the_policy(on, warned):
    result = RUNNER.invoke(app, ["check", "--on", on])
    assert result.exit_code == 0
    assert ("warning: Late-payment interest" in result.output) == warned


def test_a_broken_policy_is_told_in_french_with_its_lines(tmp_path):
    text = DEFAULT_POLICY_PATH.read_text("utf-8")
    broken = tmp_path / "cassee.yaml"
    broken.write_text(text.replace("days: 30\n    why", "days: -3\n    hours: 2\n    why", 1), "utf-8")
    line = text[: text.index("days: 30\n    why")].count("\n") + 1
    result = RUNNER.invoke(app, ["check", str(broken), "--language", "fr"])
    printed = in_french(result)
    assert "la politique cassee.yaml n'est pas utilisable" in printed
    assert f"cassee.yaml, ligne {line} (gates.insolvency_hint.days) : -3 n'est pas admis" in printed
    assert "attendu : 1 au moins ; à faire : corriger la valeur" in printed
    assert f"ligne {line + 1} (gates.insolvency_hint.hours) : clé inconnue hours" in printed
    with pytest.raises(InvalidInputError):
        RUNNER.invoke(app, ["check", str(broken)], catch_exceptions=False)


@pytest.mark.parametrize("command", [["replay"], ["simulate"]])
def test_decisions_that_cannot_be_read_are_told_in_french(tmp_path, command):
    options = {
        "replay": ["--decisions", "--from", "2026-01-01", "--to", "2026-02-01"],
        "simulate": ["--cases", "--on", "2026-01-01"],
    }[command[0]]
    arguments = [*command, str(DEFAULT_POLICY_PATH), options[0], str(tmp_path / "x.parquet"), *options[1:]]
    result = RUNNER.invoke(app, [*arguments, "--language", "fr"])
    assert "les décisions enregistrées sont illisibles" in in_french(result)
    assert "fichier introuvable" in in_french(result)


def test_in_a_narrow_window_the_figures_that_change_stand_below_each_other(stored, softer):
    narrow = CliRunner(env={"COLUMNS": "80", "NO_COLOR": "1"})
    days = ["--from", "2025-10-01", "--to", "2025-10-31"]
    arguments = ["replay", str(softer), "--decisions", str(stored), *days, "--language", "fr"]
    result = narrow.invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "12 décisions" in result.output
    assert "contacts" in result.output
    assert "…" not in result.output, "nothing is cut off"
    assert max(len(line) for line in result.output.splitlines() if line.startswith(("┏", "│"))) <= 80


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (["--from", "2024-01-01", "--to", "2024-02-01"], "no stored decision from 2024-01-01 to 2024-02-01"),
        (["--from", "2025-11-01", "--to", "2025-10-01"], "2025-11-01 lies after 2025-10-01"),
    ],
)
def test_a_period_without_decisions_is_refused_with_the_days_held(stored, softer, days, message):
    with pytest.raises(InvalidInputError, match=message) as refused:
        RUNNER.invoke(app, ["replay", str(softer), "--decisions", str(stored), *days], catch_exceptions=False)
    assert is_localized(refused.value.faults[0])
    assert "2025-10-20" in str(refused.value) or "later last day" in str(refused.value)


PLAN = ["plan", "--grade", "C", "--balance", "12000", "--on", "2026-04-01"]


def test_a_plan_within_bounds_is_granted_by_its_rows_level():
    result = RUNNER.invoke(
        app, [*PLAN, "--instalment", "2026-05-15/8000", "--instalment", "2026-04-15/4000.00"]
    )
    assert result.exit_code == 0, result.output
    assert (
        "row middle_risk: at most 4 instalments within 120 days, the first of 3,000.00 or more"
        in result.output
    )
    assert "the plan may be granted by: Credit manager" in result.output


def test_a_plan_outside_its_bounds_needs_the_highest_level():
    late = ["--instalment", "2026-04-15/2000", "--instalment", "2026-12-15/10000", "--language", "fr"]
    result = RUNNER.invoke(app, [*PLAN, *late])
    assert result.exit_code == 0, result.output
    assert "Dernière échéance dans 258 jours, au plus 120." in result.output
    assert "Première échéance de 2000, au moins 3000.00." in result.output
    assert "le plan peut être accordé par\u202f: Direction financière" in result.output


def test_a_plan_that_does_not_add_up_can_be_granted_by_nobody():
    result = RUNNER.invoke(app, [*PLAN, "--instalment", "2026-04-15/4000"])
    assert result.exit_code == 1
    assert "The instalments add up to 4000, the balance is 12000." in result.output
    assert "nobody can grant this plan" in result.output


def test_every_fault_of_a_plan_is_told_at_once_in_either_language():
    wrong = ["plan", "--grade", "F", "--balance", "-3", "--instalment", "April"]
    with pytest.raises(InvalidInputError) as refused:
        RUNNER.invoke(app, wrong, catch_exceptions=False)
    assert [fault.where for fault in refused.value.faults] == ["--grade", "--balance", "--instalment"]
    assert all(is_localized(fault) for fault in refused.value.faults)
    result = RUNNER.invoke(app, [*wrong, "--language", "fr"])
    printed = in_french(result)
    assert "--instalment : 'April' n'est pas admis ; attendu : jour et montant" in printed
