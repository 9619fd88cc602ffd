"""The mail reader: trained from labelled mails, measured out of fold, stored as an artefact without pickle.

It has a job of its own. The main and the nightly job read mails with the artefact that comes with Encours; a new one is
tried first (`encours signals --artefact`) and then put in its place.
"""

import time
from pathlib import Path
from typing import Any

import dagster as dg
from pydantic import Field

from pipelines.resources import EncoursHome

GROUP = "email_reader"


class EmailReaderConfig(dg.Config):
    """From what the reader is trained, and where the result goes."""

    labelled: str = Field(
        default="",
        description="JSON Lines of labelled mails; empty takes labelled_emails.jsonl of the sample mails.",
    )
    samples: str = Field(
        default="", description="Folder with the splits of sample mails; empty takes data_samples/emails."
    )
    artefact: str = Field(default="", description="Folder to write; empty takes email_reader in the home.")
    exclude: list[str] = Field(default=[], description="Ids of mails that are not learnt from.")
    seed: int = Field(default=7, description="Seed of folds and thinning.")
    measure: bool = Field(default=True, description="Whether quality is measured out of fold as well.")


@dg.asset(group_name=GROUP, kinds={"spacy", "scikitlearn"})
def model__email_reader(
    context: dg.AssetExecutionContext, encours_home: EncoursHome, config: EmailReaderConfig
) -> dg.MaterializeResult[None]:
    """Weights, calibration and thresholds of the ten e-mail signals, with the quality they have out of fold."""
    from data_samples.generator.mail_bank import LABELLED_EMAILS
    from features.email import save_artefact
    from models.email_reader import (
        SAMPLES_FOLDER,
        cross_validate,
        read_calibration_mails,
        read_labelled_file,
        read_training_mails,
        read_training_sentences,
        train_signals,
    )

    started = time.perf_counter()
    labelled = read_labelled_file(Path(config.labelled) if config.labelled else LABELLED_EMAILS)
    samples = Path(config.samples) if config.samples else SAMPLES_FOLDER
    known, writers = read_training_mails(samples), read_calibration_mails(samples)
    corpus = read_training_sentences(samples)
    folder = Path(config.artefact) if config.artefact else encours_home.home().root / "email_reader"
    artefact = train_signals([*labelled, *known], config.seed, config.exclude, corpus, writers)
    save_artefact(artefact, folder)
    trained = time.perf_counter()
    metadata: dict[str, Any] = {
        "artefact": str(folder),
        "rows_in": len(labelled) + len(known) + sum(map(len, writers.values())),
        **artefact.description,
        "training_seconds": round(trained - started, 1),
    }
    if config.measure:
        learnt = [mail for mail in labelled if mail.mail.id not in set(config.exclude)]
        metadata |= out_of_fold_metadata(cross_validate(learnt, config.seed, corpus, False, known, writers))
        metadata["measuring_seconds"] = round(time.perf_counter() - trained, 1)
    context.log.info("reader trained on %s mails, stored in %s", artefact.description["mails"], folder)
    return dg.MaterializeResult(metadata=metadata)


def out_of_fold_metadata(report: dict[str, Any]) -> dict[str, Any]:
    """The figures of a cross-validation that are stored with the artefact: micro, per label, per language, promises."""
    return {
        "out_of_fold_micro_f1": report["micro"]["f1"],
        "out_of_fold_precision": report["micro"]["precision"],
        "out_of_fold_recall": report["micro"]["recall"],
        "out_of_fold_f1_by_label": {label: found["f1"] for label, found in report["labels"].items()},
        "out_of_fold_f1_by_language": {
            language: found["micro"]["f1"] for language, found in report["by_language"].items()
        },
        "signal_free_without_grave_label_share": report.get("no_grave_label_on_signal_free_share", 1.0),
        "promise_date_exact_share": report["promises"]["date_exact_share"],
        "calibration_error": report["calibration_error"],
        "left_out_writer_micro_f1": {
            name: found["micro"]["f1"] for name, found in report.get("writers", {}).items()
        },
    }
