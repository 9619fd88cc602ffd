"""Training and evaluation of the mail reader; the trained reader itself runs in `features.email`."""

from models.email_reader.evaluation import cross_validate
from models.email_reader.labelled_mails import read_labelled_file, read_mails_file
from models.email_reader.samples import (
    SAMPLES_FOLDER,
    read_calibration_mails,
    read_test_mails,
    read_training_mails,
    read_training_sentences,
)
from models.email_reader.training import train_signals

__all__ = [
    "SAMPLES_FOLDER",
    "cross_validate",
    "read_calibration_mails",
    "read_labelled_file",
    "read_mails_file",
    "read_test_mails",
    "read_training_mails",
    "read_training_sentences",
    "train_signals",
]
