"""The job that trains the reader of e-mails: an artefact that reads, its figures, and nothing else touched."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import dagster as dg
import pytest

from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.email import LABELS, LabelledMail, Mail, load_artefact, load_pipeline
from models.email_reader import (
    SAMPLES_FOLDER,
    read_calibration_mails,
    read_training_mails,
    read_training_sentences,
)
from pipelines.assets import email_reader
from pipelines.assets.email_reader import model__email_reader
from pipelines.definitions import defs
from pipelines.jobs import nightly_schedule

ASSET = dg.AssetKey("model__email_reader")


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every third labelled mail; enough of each label for five folds."""
    lines = LABELLED_EMAILS.read_text(encoding="utf-8").splitlines()
    path = tmp_path_factory.mktemp("labelled") / "small.jsonl"
    path.write_text("\n".join(lines[::3]) + "\n", encoding="utf-8")
    return path


def few_training_mails(folder: Path = SAMPLES_FOLDER) -> tuple[LabelledMail, ...]:
    return read_training_mails(folder)[::20]


def few_calibration_mails(folder: Path = SAMPLES_FOLDER) -> dict[str, tuple[LabelledMail, ...]]:
    """Two writers, a fifth of the mails of each."""
    return {name: mails[::5] for name, mails in list(read_calibration_mails(folder).items())[:2]}


@pytest.fixture(scope="module")
def home(small_set: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("reader_home")


@pytest.fixture(scope="module")
def run(small_set: Path, home: Path) -> dg.ExecuteInProcessResult:
    """One run of the job on the small set without its first mail, with few of the other mails."""
    excluded = json.loads(small_set.read_text(encoding="utf-8").splitlines()[0])["id"]
    config = {
        "resources": {"encours_home": {"config": {"root": str(home)}}},
        "ops": {"model__email_reader": {"config": {"labelled": str(small_set), "exclude": [excluded]}}},
        "loggers": {"silent": {}},
    }
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            "models.email_reader.read_training_sentences",
            lambda folder: read_training_sentences(folder)[::10],
        )
        patch.setattr("models.email_reader.read_training_mails", few_training_mails)
        patch.setattr("models.email_reader.read_calibration_mails", few_calibration_mails)
        return defs.resolve_job_def("email_reader").execute_in_process(run_config=config)


def test_the_job_leaves_an_artefact_that_reads_mails(run: dg.ExecuteInProcessResult, home: Path) -> None:
    assert run.success
    folder = home / "email_reader"
    assert sorted(path.name for path in folder.iterdir()) == ["signals.json", "weights.npz"]
    mail = Mail("m", dt.date(2026, 1, 15), "Re: relance", "Nous contestons cette facture : le prix est faux.")
    assert "dispute" in load_pipeline(folder).read(mail).labels


def test_the_metadata_says_what_was_learnt_and_how_well(
    run: dg.ExecuteInProcessResult, small_set: Path, home: Path
) -> None:
    (event,) = run.asset_materializations_for_node("model__email_reader")
    told = {name: value.value for name, value in event.metadata.items()}
    described = load_artefact(home / "email_reader").description
    written = {name: len(mails) for name, mails in few_calibration_mails().items()}
    read = len(small_set.read_text(encoding="utf-8").splitlines())
    read += len(few_training_mails()) + sum(written.values())
    assert told["rows_in"] == read
    assert told["mails"] == described["mails"] == read - 1
    assert told["excluded"] == 1
    assert told["writers"] == written
    assert set(told["left_out_writer_micro_f1"]) == {*written, "together"}
    assert told["mails_sha256"] == described["mails_sha256"]
    assert set(told["out_of_fold_f1_by_label"]) == set(LABELS)
    assert 0.4 < told["out_of_fold_micro_f1"] < 1.0
    assert told["training_seconds"] > 0
    assert told["measuring_seconds"] > 0


def test_the_main_and_the_nightly_job_never_train_the_reader() -> None:
    for job in ("main", "nightly"):
        keys = defs.resolve_job_def(job).asset_layer.executable_asset_keys
        assert ASSET not in keys
        assert keys
    assert defs.resolve_job_def("email_reader").asset_layer.executable_asset_keys == {ASSET}
    assert nightly_schedule.job_name == "nightly"


def test_the_reader_has_a_group_of_its_own() -> None:
    assert model__email_reader.group_names_by_key == {ASSET: email_reader.GROUP}
