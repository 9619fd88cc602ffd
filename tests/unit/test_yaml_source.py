"""YAML 1.2 with lines: what values mean, and what is refused with its line."""

import datetime as dt

import pytest

from features.errors import InvalidInputError
from features.yaml_source import YamlFile

TEXT = """\
country: NO
answer: no
hours: 1:30
share: 0.05
year: 007
is_on: true
from: 2026-03-01
nothing: ~
list:
  - a
  - {b: 1}
"""


def test_policy_values_follow_the_core_schema_of_yaml_1_2():
    assert YamlFile.parse(TEXT, "x.yaml").content == {
        "country": "NO", "answer": "no", "hours": "1:30", "share": 0.05, "year": 7, "is_on": True,
        "from": dt.date(2026, 3, 1), "nothing": None, "list": ["a", {"b": 1}],
    }  # fmt: skip


def test_mapping_values_are_text_as_written():
    content = YamlFile.parse(TEXT, "x.yaml", is_all_text=True).content
    assert [content[key] for key in ("answer", "share", "year", "is_on", "from", "nothing")] == [
        "no", "0.05", "007", "true", "2026-03-01", "~",
    ]  # fmt: skip


def test_every_key_has_its_line_and_a_missing_one_its_parents():
    source = YamlFile.parse(TEXT, "x.yaml")
    assert source.where(("list", 1, "b")) == "x.yaml, line 11 (list.1.b)"
    assert source.line(("list", 1, "absent", "deeper")) == 11
    assert source.where(()) == "x.yaml, line 1 (whole file)"


@pytest.mark.parametrize("is_all_text", [False, True])
@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("a: 1\nb:\n\tc: 2\n", 3, "found character '\\t'"),
        ("a: 1\nb: [2\n", 3, "expected ',' or ']'"),
        ("a: 1\nb: \x07\n", 2, "special characters are not allowed"),
        ("a: 1\nb: *nowhere\n", 2, "found undefined alias"),
        ("a: 1\n---\nb: 2\n", 2, "but found another document"),
        ("a: &a\n  - *a\n", 1, "an anchor that refers to itself"),
    ],
)
def test_text_that_cannot_be_read_is_refused_with_its_line(text, line, said, is_all_text):
    with pytest.raises(InvalidInputError) as refusal:
        YamlFile.parse(text, "x.yaml", is_all_text=is_all_text)
    (fault,) = refusal.value.faults
    assert said in fault.what
    assert f"x.yaml, line {line}" in fault.where


def test_anchors_that_multiply_are_refused_before_they_fill_memory():
    rows = [f"k{n}: &k{n} [{', '.join(['1' if n == 0 else f'*k{n - 1}'] * 10)}]" for n in range(9)]
    with pytest.raises(InvalidInputError, match="too large, too deep"):
        YamlFile.parse("\n".join(rows), "x.yaml")


def test_an_anchor_named_twice_means_the_nearer_one():
    assert YamlFile.parse("a: &x 1\nb: &x 2\nc: *x", "x.yaml").content == {"a": 1, "b": 2, "c": 2}
