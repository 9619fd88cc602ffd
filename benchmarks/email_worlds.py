"""Simulated worlds for measuring what reading the mails is worth: the three readings, and scoring with each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import polars as pl

from data_samples.generator import WorldSettings, sample_world_mail_ids, simulate_world
from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.asof import PaymentHistory
from features.email import LABELS, SignalPipeline
from features.groups.communication import COLUMNS
from features.groups.compute import compute_features
from features.ledger import Ledger, read_ledger
from models.bundle import ModelBundle
from models.email_reader import (
    read_calibration_mails,
    read_labelled_file,
    read_training_mails,
    read_training_sentences,
    train_signals,
)
from models.score import score_frame

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]

WITHOUT: Final = "without mails"
READ: Final = "mails read"
PERFECT: Final = "mails read without fault"


@dataclass(frozen=True)
class World:
    """A simulated ledger with what its inbound mails truly say.

    Attributes:
        name: what it is called in the answer.
        ledger: the ledger.
        mails_truth: `email_id, labels, auto_reply, promise_on` of inbound mails.
    """

    name: str
    ledger: Ledger
    mails_truth: pl.DataFrame


def held_back_reader() -> SignalPipeline:
    """A reader whose weights never saw a mail that a world may draw."""
    labelled = [*read_labelled_file(LABELLED_EMAILS), *read_training_mails()]
    return SignalPipeline(
        train_signals(
            labelled, 7, sample_world_mail_ids(), read_training_sentences(), read_calibration_mails()
        )
    )


def sample_world(folder: Path) -> World:
    """The simulated ledger of a folder, with its truth."""
    return World(str(folder), read_ledger(folder), pl.read_parquet(folder / "truth" / "emails.parquet"))


def simulated(seed: int, customers: int, months: int) -> World:
    """A world drawn from a seed."""
    world = simulate_world(WorldSettings(customers=customers, months=months, seed=seed))
    return World(f"seed {seed}, {customers} customers", world.ledger, world.truth["emails"])


def unread(features: pl.DataFrame) -> pl.DataFrame:
    """Features as they are when no mail has been read."""
    return features.with_columns(pl.lit(None, pl.Float64).alias(column.name) for column in COLUMNS)


def scores(
    bundle: ModelBundle, history: PaymentHistory, landmarks: pl.DataFrame, variant: str
) -> pl.DataFrame:
    """Scores of landmarks by one variant's model, with the features that variant knows."""
    features = compute_features(history, landmarks)
    given = unread(features) if variant == WITHOUT else features
    return score_frame(bundle, given, landmarks, with_reasons=False)


def told_truly(read: pl.DataFrame, truth: pl.DataFrame) -> pl.DataFrame:
    """The signal table as a reader without fault would write it; tone and promised sums stay as read."""
    joined = read.join(
        truth.select("email_id", "labels", "promise_on", machine="auto_reply"),
        on="email_id",
        how="left",
        maintain_order="left",
        validate="1:1",
    )
    return joined.with_columns(
        *(pl.col("labels").list.contains(label).fill_null(value=False).alias(label) for label in LABELS),
        promise_date=pl.col("promise_on"),
        auto_reply=pl.col("machine").fill_null(value=False),
    ).select(read.columns)


def agreement(read: pl.DataFrame, truth: pl.DataFrame) -> float:
    """Micro-F1 of the labels read against those the mails carry, over the mails of the world."""
    true = told_truly(read, truth)
    told = read.select(LABELS).to_numpy().astype(bool)
    meant = true.select(LABELS).to_numpy().astype(bool)
    return round(float(2 * (told & meant).sum() / (told.sum() + meant.sum())), 4)


def positions(customers: pl.Series) -> Ints:
    """Position of each row's customer among the customers."""
    return customers.rank("dense").to_numpy().astype(np.int64) - 1


def drawn_again(customer: Ints, random: np.random.Generator) -> Ints:
    """Rows of as many customers, drawn with replacement."""
    count = int(customer.max()) + 1
    times = np.bincount(random.integers(0, count, count), minlength=count)
    return np.repeat(np.arange(len(customer)), times[customer])
