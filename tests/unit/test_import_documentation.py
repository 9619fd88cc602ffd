"""docs/importing.md and the sample's sidecar say what is there."""

import hashlib
import re
from pathlib import Path

import pytest

from features.ledger.importing.mapping import (
    BySign,
    Column,
    Condition,
    Formats,
    ImportMapping,
    Lookup,
    Source,
    Table,
    TermsRule,
)
from features.ledger.report import RULE_FAULTS

ROOT = Path(__file__).resolve().parents[2]
GUIDE = (ROOT / "docs" / "importing.md").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "model", [ImportMapping, Formats, Source, Table, Condition, Column, TermsRule, Lookup, BySign]
)
def test_every_mapping_key_is_documented(model):
    keys = {field.alias or name for name, field in model.model_fields.items()}
    words = set(re.findall(r"`([a-z_]+)(?::[^`]*)?`", GUIDE))
    assert keys <= words


def test_every_fault_that_an_import_can_name_is_explained():
    missing = {fault for fault in RULE_FAULTS if fault not in GUIDE}
    assert missing == set()


def test_every_mapping_that_is_linked_exists_and_loads():
    from features.ledger.importing import load_mapping

    linked = set(re.findall(r"\((mappings/[^)]+\.yaml)\)", GUIDE))
    shipped = {f"mappings/{path.name}" for path in (ROOT / "docs" / "mappings").glob("*.yaml")}
    assert linked == shipped
    for name in linked:
        assert load_mapping(ROOT / "docs" / name).tables


def test_the_sample_export_is_the_one_its_sidecar_describes():
    folder = ROOT / "data_samples" / "exports"
    listed = dict(
        re.findall(
            r"\| `([^`]+\.csv)` \|[^|]*\| `([0-9a-f]{64})` \|",
            (folder / "README.md").read_text(encoding="utf-8"),
        )
    )
    assert listed == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.glob("*.csv")
    }
