"""The sample e-mails: each split is what its sidecar says, and no mail is in two of them."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import pytest
import yaml
from hatchling.builders.wheel import WheelBuilder

from features.email import LABELS, LANGUAGES
from features.errors import InvalidInputError
from models.email_reader import (
    SAMPLES_FOLDER,
    read_calibration_mails,
    read_test_mails,
    read_training_mails,
    read_training_sentences,
)

SPLITS = ("training", "calibration", "test")


def _lines(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").split("\n") if line]


@pytest.mark.parametrize("split", SPLITS)
def test_a_sidecar_describes_every_file_of_its_split(split: str) -> None:
    folder = SAMPLES_FOLDER / split
    sidecar = yaml.safe_load((folder / "sidecar.yaml").read_text(encoding="utf-8"))
    assert sidecar["split"] == split
    assert all(sidecar[name] for name in ("use", "origin", "licence", "grain"))
    assert set(sidecar["files"]) == {path.name for path in folder.glob("*.jsonl")}
    for name, described in sidecar["files"].items():
        lines = _lines(folder / name)
        found = {
            "rows": len(lines),
            "sha256": hashlib.sha256((folder / name).read_bytes()).hexdigest(),
            "writer": lines[0]["writer"],
        }
        assert found == {key: described[key] for key in found}, name
        assert described["asked_for"]
        for line in lines:
            assert list(line) == list(sidecar["columns"]), f"{name}, {line['id']}"
            assert line["writer"] == described["writer"]
            assert line["language"] in LANGUAGES
            assert line["kind"] == ("sentence" if name.startswith("sentences_") else "mail")
            assert line["labels"] == [label for label in LABELS if label in line["labels"]]  # type: ignore[operator]


def test_every_id_is_unique_over_all_splits() -> None:
    ids = [
        line["id"]
        for split in SPLITS
        for path in (SAMPLES_FOLDER / split).glob("*.jsonl")
        for line in _lines(path)
    ]
    assert len(ids) == len(set(ids)) > 6_800


def test_the_readers_cover_every_file_but_the_labelled_set() -> None:
    read = [*read_training_mails(), *read_training_sentences(), *read_test_mails()]
    read += [mail for mails in read_calibration_mails().values() for mail in mails]
    files = [path for split in SPLITS for path in (SAMPLES_FOLDER / split).glob("*.jsonl")]
    others = [line["id"] for path in files if path.name != "labelled_emails.jsonl" for line in _lines(path)]
    assert sorted(mail.mail.id for mail in read) == sorted(others)  # type: ignore[type-var]


def test_absent_samples_are_refused_with_the_way_to_get_them(tmp_path: Path) -> None:
    with pytest.raises(
        InvalidInputError, match="repository and give its folder data_samples/emails"
    ) as refused:
        read_training_mails(tmp_path)
    assert "training/mails_*.jsonl" in str(refused.value)


def test_a_wheel_holds_only_the_mails_that_the_simulated_world_needs(tmp_path: Path) -> None:
    builder = WheelBuilder(str(SAMPLES_FOLDER.parents[1]))
    (wheel,) = builder.build(directory=str(tmp_path), versions=["standard"])
    names = [name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("data_samples/emails/")]
    assert [name for name in names if name.endswith(".jsonl")] == [
        "data_samples/emails/training/labelled_emails.jsonl"
    ]
