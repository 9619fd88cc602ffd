"""Whatever stands in a policy or legal file, it is usable or refused with the line of every fault; it never crashes."""

from __future__ import annotations

import copy
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from features.errors import InvalidInputError
from serving.dunning import DEFAULT_POLICY_PATH, Policy, parse_policy
from serving.dunning.legal import LegalParameters, load_legal_parameters
from serving.dunning.legal.parameters import LEGAL_FOLDER
from tests.dunning_samples import is_localized

POLICY_TEXT = DEFAULT_POLICY_PATH.read_text("utf-8")
LEGAL_TEXT = (LEGAL_FOLDER / "fr.yaml").read_text("utf-8")
POLICY_TREE = yaml.safe_load(POLICY_TEXT)
NAMED = re.compile(r"mine\.yaml(, line \d+ \(|, line \d+$|$)")


def places_of(tree: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every key and list position of a tree."""
    if not isinstance(tree, dict | list):
        return []
    keys = list(tree) if isinstance(tree, dict) else list(range(len(tree)))
    return [place for key in keys for place in [(*path, key), *places_of(tree[key], (*path, key))]]


PLACES = places_of(POLICY_TREE)
WORDS = [
    "", "any", "email", "credit_manager", "courtesy", "{until}", "{", "}}{", "{0.x}", "2026-13-45", "0", "-1", "1e400",
    "12-24", "02-30", "é", "FR", "EUR", "thanks", "none",
]  # fmt: skip
values = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**20), 10**20),
    st.floats(),
    st.sampled_from(WORDS),
    st.text(max_size=6),
    st.lists(st.sampled_from([*WORDS, None, 3]), max_size=3),
    st.dictionaries(
        st.sampled_from(["fr", "en", "id", "sequence", "why", "below"]), st.sampled_from(WORDS), max_size=3
    ),
    st.sampled_from(PLACES).map(lambda place: _at(POLICY_TREE, place)),
)
changes = st.tuples(st.sampled_from(PLACES), st.sampled_from(["set", "delete", "rename", "twice"]), values)


def _at(tree: Any, place: tuple[Any, ...]) -> Any:
    for key in place:
        tree = tree[key]
    return tree


def changed(edits: list[tuple[tuple[Any, ...], str, Any]]) -> str:
    tree = copy.deepcopy(POLICY_TREE)
    for (*stem, key), how, value in edits:
        try:
            parent = _at(tree, tuple(stem))
            if how == "set":
                parent[key] = copy.deepcopy(value)
            elif how == "delete":
                del parent[key]
            elif how == "rename" and isinstance(parent, dict):
                parent[str(value)[:20]] = parent.pop(key)
            elif isinstance(parent, list):
                parent.append(copy.deepcopy(parent[key]))
        except (KeyError, IndexError, TypeError):
            continue  # an earlier change took the place away
    return yaml.safe_dump(tree, allow_unicode=True, sort_keys=False)


def usable_or_refused(text: str) -> Policy | None:
    policy, faults = None, ()
    try:
        policy = parse_policy(text, "mine.yaml")
    except InvalidInputError as refused:
        faults = refused.faults
    assert (policy is None) == bool(faults)
    for fault in faults:
        assert NAMED.match(fault.where), fault
        assert is_localized(fault) or fault.expected == "well-formed YAML", fault
    return policy


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(changes, min_size=1, max_size=3))
def test_a_policy_with_anything_anywhere_is_usable_or_refused_with_lines(edits):
    policy = usable_or_refused(changed(edits))
    if policy is not None:
        assert len(policy.table) == 10 * 6 * len(policy.spec.money_bands) * 3


INSERTED = ["\t", "\n", ":", "- ", "&a ", "*a", "!!int ", "<<: ", "? ", "|", "\x00", "\ufeff", "{"]
damage = st.tuples(
    st.integers(0, len(POLICY_TEXT) - 1),
    st.integers(0, 40),
    st.one_of(st.sampled_from(INSERTED), st.text(max_size=3)),
)


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(damage, min_size=1, max_size=2))
def test_a_policy_damaged_as_text_is_usable_or_refused_with_lines(hits):
    text = POLICY_TEXT
    for start, length, inserted in hits:
        text = text[:start] + inserted + text[start + length :]
    usable_or_refused(text)


@pytest.mark.parametrize(
    "text",
    [
        "policy: &a [*a]",
        "policy: &a {x: *a}",
        "policy: *unknown",
        "policy: !!python/object/apply:os.system ['true']",
        "policy: !!int abc",
        "policy: !!timestamp abc",
        "policy: 2026-13-45",
        "policy: !!binary '%'",
        "policy: !own {a: 1}",
        "? [a, b]\n: c",
        "<<: {a: 1}",
        "a: 1\n---\nb: 2",
        "policy: " + "[" * 3000,
        "a: &a [1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
        "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
        "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]",
        "policy: " + "{a: " * 600 + "1" + "}" * 600,
        "policy: 0b2",
        "policy: 1:99:99",
        "policy: .nan",
        "\x00",
        "policy: 190:20:30.15\nroutes: 0o9",
    ],
)
def test_traps_of_yaml_are_refused_and_never_run(text):
    assert usable_or_refused(text) is None


def test_limits_without_an_end_are_refused():
    for old, new in (
        ("share_below: 0.03", "share_below: .inf"),
        ("cost_of_money_percent: 8 ", "cost_of_money_percent: .inf "),
        ("probability_without_opinion: 0.5", "probability_without_opinion: .nan"),
    ):
        assert old in POLICY_TEXT
        assert usable_or_refused(POLICY_TEXT.replace(old, new)) is None


@settings(max_examples=20, deadline=None)
@given(st.integers(0, len(LEGAL_TEXT) - 1), st.integers(0, 60), st.text(max_size=4))
@example(0, len(LEGAL_TEXT), "a: 1")
def test_a_damaged_legal_file_is_usable_or_refused_with_lines(tmp_path_factory, start, length, inserted):
    path = tmp_path_factory.mktemp("law") / "mine.yaml"
    damaged = LEGAL_TEXT[:start] + inserted + LEGAL_TEXT[start + length :]
    path.write_bytes(damaged.encode("utf-8", "surrogatepass"))
    law, faults = None, ()
    try:
        law = load_legal_parameters(path)
    except InvalidInputError as refused:
        faults = refused.faults
    assert isinstance(law, LegalParameters) != bool(faults)
    assert all(NAMED.match(fault.where) for fault in faults)
