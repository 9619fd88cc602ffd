"""The invented mails and sentences of ``data_samples/emails``, by split: to learn from, to calibrate with, to test on.

They are not part of an installed package: training takes them from a copy of the project's repository.
"""

from __future__ import annotations

from pathlib import Path

from features.email.values import LabelledMail
from features.errors import Fault, InvalidInputError
from features.messages import localized
from models.email_reader.labelled_mails import read_labelled_file

SAMPLES_FOLDER = Path(__file__).parents[2] / "data_samples" / "emails"


def read_training_mails(folder: Path = SAMPLES_FOLDER) -> tuple[LabelledMail, ...]:
    """Whole mails by four writers, to learn from beside the labelled set; those who write cues have read them.

    Raises:
        InvalidInputError: the files are absent, or a line is malformed; line and field of every fault are named.
    """
    return tuple(
        mail for path in _files(folder, "training", "mails_*.jsonl") for mail in read_labelled_file(path)
    )


def read_training_sentences(folder: Path = SAMPLES_FOLDER) -> tuple[LabelledMail, ...]:
    """Short mails and single sentences, many of them near misses, to learn from with a lower weight.

    Raises:
        InvalidInputError: the files are absent, or a line is malformed; line and field of every fault are named.
    """
    found = _files(folder, "training", "sentences_*.jsonl")
    return tuple(mail for path in found for mail in read_labelled_file(path))


def read_calibration_mails(folder: Path = SAMPLES_FOLDER) -> dict[str, tuple[LabelledMail, ...]]:
    """Whole mails that nobody who writes cues has read, by writer: calibration and thresholds come from them.

    No writer knew the cue lists, the other writers or the labelled set: what a reader trained without one of them gets
    right on that one is an honest estimate of what it gets right on mail from outside. Whoever reads a file to write
    cues moves it to ``training/``.

    Raises:
        InvalidInputError: the files are absent, or a line is malformed; line and field of every fault are named.
    """
    by_writer: dict[str, tuple[LabelledMail, ...]] = {}
    for path in _files(folder, "calibration", "mails_*.jsonl"):
        for mail in read_labelled_file(path):
            by_writer[mail.writer] = (*by_writer.get(mail.writer, ()), mail)
    return by_writer


def read_test_mails(folder: Path = SAMPLES_FOLDER) -> tuple[LabelledMail, ...]:
    """The held-out mails: never learnt from, never read by anybody who changes the reader.

    Raises:
        InvalidInputError: the file is absent, or a line is malformed; line and field of every fault are named.
    """
    return tuple(mail for path in _files(folder, "test", "*.jsonl") for mail in read_labelled_file(path))


def _files(folder: Path, split: str, pattern: str) -> list[Path]:
    found = sorted((folder / split).glob(pattern))
    if not found:
        fault = Fault(
            localized("no sample e-mails"),
            f"{split}/{pattern}",
            expected=localized(
                "the files of data_samples/emails, which an installed package does not contain"
            ),
            remedy=localized(
                "get the project's repository and give its folder data_samples/emails (--samples FOLDER)"
            ),
        )
        raise InvalidInputError(localized("the sample e-mails for training are absent"), [fault])
    return found
