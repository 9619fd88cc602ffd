"""What the cues are worth: the reader trained without them, judged on calibration writers, each left out in turn.

`python -m benchmarks.email_cues` prints one JSON line per variant (F1 per label, macro and micro, mails without signal
that stay free of grave labels), then how exactly promised days and sums are read with and without mentions.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from data_samples.generator.mail_bank import LABELLED_EMAILS
from features.email import LABELS, LabelledMail
from features.email.promises import promised_payment
from features.email.reading import read_mails
from features.email.vectors import mention_feature_names
from models.email_reader import (
    read_calibration_mails,
    read_labelled_file,
    read_training_mails,
    read_training_sentences,
)
from models.email_reader.evaluation import decide, scores
from models.email_reader.examples import CORPUS_WEIGHT, FULL_WEIGHT, Example, build_examples, label_matrix
from models.email_reader.training import margins_by_writer

_SEED = 7
_COUNTS = frozenset(name for name in mention_feature_names() if ":" in name)
_QUALIFIERS = frozenset({"settling", "hypothetical", "third_party", "other_sense"})
VARIANTS: dict[str, tuple[frozenset[str], bool]] = {
    "as shipped": (frozenset(), True),
    "no mention counts": (_COUNTS, True),
    "no cue terms": (frozenset(), False),
    "no mention counts, no cue terms": (_COUNTS, False),
    "nothing from cues or qualifiers": (_COUNTS | _QUALIFIERS, False),
}
"""Columns set to zero, and whether the terms of single cues are learnt from."""


def without(example: Example, columns: Collection[str], cue_terms: bool) -> Example:
    """An example that does not show some columns of its mentions, nor its cues unless asked."""
    shown = [name not in columns for name in mention_feature_names()]
    terms = {term: count for term, count in example.terms.items() if cue_terms or not term.startswith("cue:")}
    return replace(
        example,
        terms=Counter(terms),
        mentions=[value * keep for value, keep in zip(example.mentions, shown, strict=True)],
        thinned=[value * keep for value, keep in zip(example.thinned, shown, strict=True)],
    )


def judged(
    known: Sequence[Example], sentences: Sequence[Example], writers: dict[str, list[Example]]
) -> dict[str, Any]:
    """Scores of all calibration writers together, each judged by weights and thresholds without it."""
    margins, truth = margins_by_writer(writers, [*known, *sentences])
    writer = np.array([name for name, examples in writers.items() for _ in examples])
    decided = np.zeros(truth.shape, dtype=bool)
    for name in writers:
        inside, others = writer == name, writer != name
        _, decided[inside] = decide(margins[inside], margins[others], truth[others], label_matrix(known))
    found = scores(decided, truth)
    f1 = {label: found["labels"][label]["f1"] for label in LABELS}
    return {"macro_f1": round(float(np.mean(list(f1.values()))), 4), **found, "labels": f1}


def promises(mails: Sequence[LabelledMail], with_mentions: bool) -> dict[str, str]:
    """Promised days and sums read exactly among the mails labelled a promise."""
    promising = [mail for mail in mails if "promise_to_pay" in mail.labels]
    days, sums = [], []
    for mail, read in zip(promising, read_mails([mail.mail for mail in promising]), strict=True):
        if not with_mentions:
            read.reading.mentions = []
        found = promised_payment(read.reading)
        if mail.promise_date:
            days.append(found.said_on == mail.promise_date)
        if mail.promise_amount is not None:
            sums.append(found.amount == mail.promise_amount)
    return {"days_exact": f"{sum(days)} of {len(days)}", "sums_exact": f"{sum(sums)} of {len(sums)}"}


def main() -> None:
    """Measures and prints."""
    calibration = read_calibration_mails()
    every = [mail for mails in calibration.values() for mail in mails]
    for with_mentions in (True, False):
        named = "promises with mentions" if with_mentions else "promises without mentions"
        print(json.dumps({named: promises(every, with_mentions)}), flush=True)
    labelled = sorted([*read_labelled_file(LABELLED_EMAILS), *read_training_mails()], key=lambda m: m.mail.id)
    known = build_examples(labelled, _SEED, FULL_WEIGHT)
    sentences = build_examples(read_training_sentences(), _SEED, CORPUS_WEIGHT)
    writers = {name: build_examples(mails, _SEED, FULL_WEIGHT) for name, mails in sorted(calibration.items())}
    for name, (columns, cue_terms) in VARIANTS.items():
        found = judged(
            [without(example, columns, cue_terms) for example in known],
            [without(example, columns, cue_terms) for example in sentences],
            {
                writer: [without(example, columns, cue_terms) for example in examples]
                for writer, examples in writers.items()
            },
        )
        print(json.dumps({name: found}), flush=True)


if __name__ == "__main__":
    main()
