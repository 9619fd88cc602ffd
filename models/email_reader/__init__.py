"""Training and evaluation of the mail reader; the trained reader itself runs in `features.email`."""

from models.email_reader.corpus import read_corpus, read_known_mails, read_unread_mails
from models.email_reader.evaluation import cross_validate
from models.email_reader.labelled_mails import read_labelled_file, read_mails_file
from models.email_reader.training import train_signals

__all__ = [
    "cross_validate",
    "read_corpus",
    "read_known_mails",
    "read_labelled_file",
    "read_mails_file",
    "read_unread_mails",
    "train_signals",
]
