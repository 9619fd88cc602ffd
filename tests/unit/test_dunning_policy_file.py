"""A policy file that cannot be used is refused with every fault and its line."""

from __future__ import annotations

import pytest

from features.errors import InvalidInputError
from serving.dunning import DEFAULT_POLICY_PATH, load_policy, parse_policy
from tests.dunning_samples import is_localized

TEXT = DEFAULT_POLICY_PATH.read_text("utf-8")


def changed(*pairs: tuple[str, str]) -> str:
    """The default policy with one place changed for each pair."""
    text = TEXT
    for old, new in pairs:
        assert old in text, f"{old!r} is not in the default policy"
        text = text.replace(old, new, 1)
    return text


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def refusal(text: str) -> str:
    with pytest.raises(InvalidInputError) as refused:
        parse_policy(text, "mine.yaml")
    french = [fault for fault in refused.value.faults if not is_localized(fault)]
    assert all(fault.expected == "well-formed YAML" for fault in french), "every fault can be told in French"
    return str(refused.value)


def test_the_default_policy_is_usable_and_takes_every_case_once():
    policy = load_policy()
    assert len(policy.table) == 10 * 6 * 3 * 3
    assert set(policy.table.values()) == set(policy.spec.routes)


def test_an_unknown_key_names_its_line():
    text = changed(
        ("    sequence: hold\n    limits:", "    sequence: hold\n    max_age_days: 2\n    limits:")
    )
    message = refusal(text)
    assert f"mine.yaml, line {line_of(text, 'max_age_days')} (gates.feed_stale.max_age_days)" in message
    assert "unknown key max_age_days" in message
    assert "correct the spelling or delete it" in message


def test_a_missing_translation_names_the_language_and_line():
    text = changed(('label: {fr: "Courtoisie", en: "Courtesy"}', 'label: {fr: "Courtoisie"}'))
    message = refusal(text)
    assert "the English text is missing" in message
    assert f"line {line_of(text, 'Courtoisie')} (sequences.courtesy.label.en)" in message
    empty = changed(('label: {fr: "Courtoisie", en: "Courtesy"}', 'label: {fr: "  ", en: "Courtesy"}'))
    assert "the French text is missing" in refusal(empty)


def test_overlapping_routes_name_both_lines_and_a_shared_case():
    text = changed(
        (
            "id: good_payer_slipping\n    segments: [prompt, seasonal, improving]\n    grades: [C]",
            "id: good_payer_slipping\n    segments: [prompt, seasonal, improving]\n    grades: [B, C]",
        )
    )
    message = refusal(text)
    first, second = line_of(text, "- id: good_payer\n"), line_of(text, "- id: good_payer_slipping")
    assert f"routes good_payer (line {first}) and good_payer_slipping both take 12 cases" in message
    assert f"mine.yaml, line {second}" in message
    assert "prompt / B / medium / before_due" in message


def test_an_unreachable_route_is_named_with_the_rows_before_it():
    text = changed(
        ("exhausted:\n", "#\nexhausted:\n"),
        (
            "\n#\nexhausted:",
            """
  - id: too_late
    segments: [prompt]
    grades: [A]
    money: any
    states: [overdue]
    sequence: courtesy
    why: {fr: "trop tard", en: "too late"}
#
exhausted:""",
        ),
    )
    message = refusal(text)
    assert (
        f"line {line_of(text, '- id: too_late')} (routes.22): route too_late can never be reached" in message
    )
    assert f"good_payer on line {line_of(text, '- id: good_payer')}" in message


def test_cases_without_a_route_are_counted_with_examples():
    text = changed(("grades: [D, E]\n    money: [high]", "grades: [D]\n    money: [high]"))
    message = refusal(text)
    assert "6 of 540 cases have no route" in message
    assert "prompt / E / high / before_due" in message


def test_an_empty_axis_is_an_unreachable_row():
    text = changed(("grades: [C]\n", "grades: []\n"))
    assert "route good_payer_small can never be reached: an axis is empty" in refusal(text)


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("    sequence: standard\n", "    sequence: standart\n", "unknown dunning sequence standart"),
        ("    sequence: promise_hold\n", "    sequence: courtesy\n", "unknown gate sequence courtesy"),
        ("template: pre_due_reminder, label", "template: pre_due, label", "unknown template pre_due"),
        ("    approval: credit_manager\n", "    approval: boss\n", "unknown approval level boss"),
        ("money: [low]\n", "money: [tiny]\n", "unknown money band tiny"),
        ("template: second_reminder}", "template: second}", "unknown template second"),
        ("      otherwise: standard\n", "      otherwise: standart\n", "unknown dunning sequence standart"),
        ("sequence: short_payment, approval", "sequence: short, approval", "unknown gate sequence short"),
        ("    from: 10000 ", "    approval: bosses\n    from: 10000 ", "unknown approval level bosses"),
    ],
)
def test_an_unknown_reference_is_named_with_its_line_and_what_exists(old, new, fault):
    text = changed((old, new))
    message = refusal(text)
    assert fault in message
    at_fault = next(line for line in message.splitlines() if fault in line)
    assert f"mine.yaml, line {line_of(text, new.strip())}" in at_fault
    assert "expected one" in at_fault


def test_an_id_used_twice_is_refused():
    text = changed(("- id: broken_promise\n", "- id: no_opinion\n"))
    message = refusal(text)
    assert "(routes.5): id no_opinion is used twice" in message


def test_a_misspelt_segment_is_one_fault_that_lists_the_segments():
    message = refusal(changed(("segments: [in_difficulty]", "segments: [in_dificulty]")))
    assert message.count("'in_dificulty' is not accepted") == 1
    assert message.count("line") == 1
    assert "'punctual_slow_process'" in message


def test_days_that_do_not_grow_are_refused():
    text = changed(("formal_email, day: 21,", "formal_email, day: 7,"))
    message = refusal(text)
    assert "step formal_email on day 7 does not come after friendly_email on day 7" in message
    assert f"line {line_of(text, 'formal_email, day: 7,')} (sequences.courtesy.steps.1.day)" in message


def test_a_tone_that_softens_again_is_refused():
    text = changed(("day: 21, channel: email, tone: formal", "day: 21, channel: email, tone: courteous"))
    assert "step formal_email is courteous after a friendly step" in refusal(text)


def test_a_formal_notice_without_a_persons_approval_is_refused():
    text = changed(("template: mise_en_demeure, approval: credit_manager, ", "template: mise_en_demeure, "))
    message = refusal(text)
    assert "step mise_en_demeure is legal and nobody approves it" in message
    assert "expected a person's approval before a mise_en_demeure" in message


def test_a_closed_gate_may_not_reach_the_customer():
    text = changed(("{id: resolve_dispute, channel: task", "{id: resolve_dispute, channel: email"))
    assert "step resolve_dispute would reach the customer through a closed gate" in refusal(text)


def test_a_sequence_nobody_leads_to_and_a_text_nobody_uses_are_refused():
    text = changed(
        (
            "  hold:\n    kind: gate",
            "  forgotten:\n    kind: gate\n    label: {fr: o, en: f}\n  hold:\n    kind: gate",
        ),
        (
            "  decide_next:\n    subject",
            "  unused:\n    subject: {fr: a, en: a}\n    body: {fr: a, en: a}\n  decide_next:\n    subject",
        ),
    )
    message = refusal(text)
    assert "sequence forgotten can never be reached" in message
    assert "template unused is never used" in message


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("below: 10000, label", "below: 900, label", "money bands do not grow"),
        ("{id: high, below: null", "{id: high, below: 99999", "the last money band has an upper bound"),
        ("  country: FR ", "  country: ZZ ", "no public holidays are known for ZZ"),
        ("letter: 2.00, ", "", "no cost for letter"),
        ("grades: [C, none]", "grades: [C]", "no payment plan bounds for grade none"),
        (
            "grades: [D, E]\n    max_instalments",
            "grades: [C, D, E]\n    max_instalments",
            "grade C is in middle_risk and high_risk",
        ),
        (
            "{below: null, level: finance_director}]",
            "{below: 1, level: finance_director}]",
            "approvals of low_risk leave a hole",
        ),
        ("fallback: {channel: email,", "fallback: {channel: call,", "the fallback of call is not cheaper"),
        ("probability: 0.2", "probability: 0.3", "the variants are drawn with probability 1.1 in all"),
        (
            '{until}.", en: "Payment announced: wait until {until}."',
            '{until}.", en: "Payment announced."',
            "until is in one language only",
        ),
        (
            "Promesse de paiement en cours : on attend jusqu'au {until}",
            "Promesse du {jour}",
            "unknown value {jour}",
        ),
        (
            "Promesse de paiement en cours : on attend jusqu'au {until}",
            "Promesse {until",
            "braces do not match",
        ),
        (
            '    kind: gate\n    label: {fr: "Suspendue"',
            '    kind: dunning\n    label: {fr: "Suspendue"',
            "sequence hold has no steps",
        ),
        ("{id: thanks, channel: email", "{id: thanks, day: 3, channel: email", "step thanks has a day"),
        ("{id: friendly_email, day: 7, ", "{id: friendly_email, ", "step friendly_email has no day"),
        ("limits: {payments: 2, invoices: 5}", "limits: {invoices: 5}", "payments have no limit"),
        ("days: 30, channel: sms}", "days: 30, channel: task}", "a cap on tasks"),
        ("    portal: portal\n", "    portal: call\n", "call cannot replace e-mail"),
        ("    portal: portal\n", "    Portal: portal\n", "'Portal' never matches a delivery channel"),
        (
            "    relation_years: 5\n    segments: [prompt, punctual_slow_process, seasonal, improving]\n",
            "",
            "tone rule long_relation has no condition",
        ),
        (
            "softer: {tone: friendly, template: second_reminder}",
            "softer: {tone: formal, template: second_reminder}",
            "the softer variant of formal_email is not softer",
        ),
        (
            "softer: {tone: friendly, template: second_reminder}",
            "softer: {tone: courteous, template: second_reminder}",
            "the softer variant of formal_email is courteous after a friendly step",
        ),
        (
            "template: mise_en_demeure, approval",
            "template: mise_en_demeure, softer: {tone: firm, template: thanks}, approval",
            "step mise_en_demeure is legal and has a softer variant",
        ),
        (
            "      otherwise: standard\n",
            "      otherwise: reinforced\n",
            "reinforced, used where reinforced lacks evidence, needs evidence itself",
        ),
        (
            "Répondez à ce message.",
            "Répondez à ce message." + " Merci de votre réponse." * 12,
            "text message sms_reminder has",
        ),
        (
            "    softer_on_purpose: true\n",
            "",
            "route good_payer_at_risk_high is softer than good_payer_at_risk for more risk or money",
        ),
        (
            "Paiement annoncé : on attend jusqu'au {until}",
            "Paiement annoncé : {quote} {until}",
            "unknown value {quote}",
        ),
    ],
)
def test_each_fault_of_meaning_is_named(old, new, fault):
    assert fault in refusal(changed((old, new)))


@pytest.mark.parametrize(
    ("old", "new", "where", "expected"),
    [
        ("{payments: 2,", "{payments: soon,", "gates.feed_stale.limits.payments", "a whole number"),
        ("{payments: 2,", "{payements: 2,", "gates.feed_stale.limits", "'invoices', 'payments'"),
        ("from: 10000 ", "from: -1 ", "gates.large_amount.from", "0 or more"),
        (
            "tone: courteous, template: pre_due",
            "tone: rude, template: pre_due",
            "steps.0.tone",
            "'courteous', 'friendly'",
        ),
        ('  version: "2.0.0"\n', "", "(policy", "a value for version"),
        (
            "  settled:\n    sequence: thanks\n",
            "  settle:\n    sequence: thanks\n",
            "(gates",
            "a value for settled",
        ),
        ('begins: "12-24"', 'begins: "24-12"', "quiet_periods.0.begins", "text of the form"),
    ],
)
def test_a_value_of_the_wrong_form_names_place_and_expectation(old, new, where, expected):
    message = refusal(changed((old, new)))
    at_fault = next(line for line in message.splitlines() if where in line and expected in line)
    assert "mine.yaml, line " in at_fault


def test_all_faults_come_in_one_report_in_the_order_of_the_file():
    text = changed(
        ("  country: FR ", "  county: FR\n  country: FR "),
        ('label: {fr: "Renforcée", en: "Reinforced"}', 'label: {fr: "Renforcée"}'),
        ("    grades: [C]\n    money: [low]", "    grades: [B, C]\n    money: [low]"),
        ("formal_email, day: 21,", "formal_email, day: 7,"),
    )
    with pytest.raises(InvalidInputError) as refused:
        parse_policy(text, "mine.yaml")
    lines = [int(fault.where.split("line ")[1].split(" ")[0]) for fault in refused.value.faults]
    assert len(lines) == 4
    assert lines == sorted(lines)


def test_a_key_written_twice_is_refused():
    text = changed(("    longest_days: 45 ", "    longest_days: 46\n    longest_days: 45 "))
    message = refusal(text)
    assert "key longest_days is written twice" in message
    assert f"first on line {line_of(text, 'longest_days: 46')}" in message


def test_norway_is_a_country_and_not_a_boolean():
    assert parse_policy(changed(("  country: FR ", "  country: NO "))).spec.policy.country == "NO"


def test_text_that_is_not_yaml_names_the_line():
    message = refusal("policy:\n  id: [unfinished\n")
    assert "mine.yaml is not YAML" in message
    assert "mine.yaml, line 3" in message


@pytest.mark.parametrize("text", ["", "- a\n- b\n", "just words"])
def test_a_file_without_keys_is_refused(text):
    assert "mine.yaml is not a mapping" in refusal(text)


def test_a_missing_or_unreadable_file_is_refused(tmp_path):
    with pytest.raises(InvalidInputError, match=r"absent\.yaml cannot be read"):
        load_policy(tmp_path / "absent.yaml")
    (tmp_path / "latin.yaml").write_bytes("policy: é".encode("latin-1"))
    with pytest.raises(InvalidInputError, match="saved as UTF-8"):
        load_policy(tmp_path / "latin.yaml")


def test_a_jurisdiction_without_a_legal_file_is_refused():
    with pytest.raises(InvalidInputError, match=r"no legal file xx\.yaml"):
        parse_policy(changed(("jurisdiction: fr", "jurisdiction: xx")))


def test_two_files_of_the_same_version_have_different_digests():
    assert parse_policy(TEXT).digest == load_policy().digest
    assert parse_policy(TEXT + "\n# a remark\n").digest != load_policy().digest
