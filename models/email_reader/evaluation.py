"""Measures the signals honestly: out-of-fold answers against the given ones, beside two baselines."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from features.email.deciding import calibrated
from features.email.promises import promised_payment
from features.email.reading import Reading, ReadMail, read_mails
from features.email.values import LANGUAGES, LabelledMail
from features.signal_labels import GRAVE_LABELS, LABELS
from models.email_reader import baselines
from models.email_reader.examples import CORPUS_WEIGHT, FULL_WEIGHT, build_examples, label_matrix
from models.email_reader.thresholds import choose_thresholds, fit_calibration, mix_weights
from models.email_reader.training import (
    FOLDS,
    fingerprint,
    fold_of,
    margins_by_writer,
    margins_without_group,
)

_BINS = 10
Truth = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class Answers:
    """Decisions and probabilities on labelled mails by a model that never saw them."""

    labelled: tuple[LabelledMail, ...]
    reads: tuple[ReadMail, ...]
    truth: Truth
    probabilities: NDArray[np.float64]
    decided: Truth


def cross_validate(
    labelled: Sequence[LabelledMail],
    seed: int = 7,
    corpus: Sequence[LabelledMail] = (),
    with_baselines: bool = True,
    further: Sequence[LabelledMail] = (),
    writers: Mapping[str, Sequence[LabelledMail]] | None = None,
) -> dict[str, Any]:
    """Quality of the whole reader: out of fold on the labelled mails, and on each writer by a fit without that writer.

    ``further`` mails are learnt from and not judged. No mail is judged by weights learnt from it. The cue lists
    were written by people who had read the labelled mails, which folds cannot undo; a writer left out whole is nearer
    to mail that nobody has seen: see docs/email_signals.md.

    Returns:
        Precision, recall and F1 per label, micro, by language and for the hard kinds; the share of mails without
        signal that get no grave label; promise dates and amounts; auto-reply and language; calibration error;
        under ``writers`` the same for each writer left out and for all of them together; for the labelled mails the
        same for a keyword list and for TF-IDF with logistic regression when asked.
    """
    answers = out_of_fold_answers(labelled, seed, corpus, further, writers)
    everything = [*labelled, *further, *(mail for mails in (writers or {}).values() for mail in mails)]
    prints = {"mails_sha256": fingerprint(everything), "corpus_sha256": fingerprint(corpus)}
    report = {"seed": seed, **prints, **quality(answers)}
    if writers and len(writers) > 1:
        parts = left_out_answers([*labelled, *further], writers, seed, corpus)
        report["writers"] = {name: quality(part) for name, part in parts.items()}
        report["writers"]["together"] = quality(_together(list(parts.values())))
    if with_baselines:
        report["baselines"] = {
            "keywords": scores(baselines.keyword_decisions(answers.labelled), answers.truth),
            "tfidf_logistic": scores(
                baselines.tfidf_decisions(
                    answers.labelled, answers.truth, lambda m: fold_of(m.mail.id, seed), FOLDS
                ),
                answers.truth,
            ),
        }
    return report


def out_of_fold_answers(
    labelled: Sequence[LabelledMail],
    seed: int,
    corpus: Sequence[LabelledMail],
    further: Sequence[LabelledMail] = (),
    writers: Mapping[str, Sequence[LabelledMail]] | None = None,
) -> Answers:
    """Each labelled mail's decisions from weights learnt on the other folds.

    Calibration and thresholds come from the writers' mails where there are two writers or more, as they do in
    training, and from the other folds otherwise.
    """
    ordered = tuple(sorted(labelled, key=lambda m: m.mail.id))
    examples = build_examples(ordered, seed, FULL_WEIGHT)
    invented = build_examples(list(corpus), seed, CORPUS_WEIGHT)
    own = {name: build_examples(mails, seed, FULL_WEIGHT) for name, mails in sorted((writers or {}).items())}
    others = build_examples(list(further), seed, FULL_WEIGHT)
    known = [*others, *invented]
    always = [*(e for mails in own.values() for e in mails), *known]
    folds = np.array([fold_of(e.id, seed) for e in examples])
    margins = margins_without_group(examples, folds.tolist(), always)
    truth = label_matrix(examples)
    probabilities = np.zeros(margins.shape)
    decided = np.zeros(margins.shape, dtype=bool)
    unseen = margins_by_writer(own, [*examples, *known]) if len(own) > 1 else None
    for fold in range(FOLDS):
        inside, outside = folds == fold, folds != fold
        known_margins, known_truth = unseen or (margins[outside], truth[outside])
        mix = label_matrix([*(e for e, out in zip(examples, outside, strict=True) if out), *others])
        probabilities[inside], decided[inside] = decide(margins[inside], known_margins, known_truth, mix)
    return Answers(ordered, tuple(read_mails([m.mail for m in ordered])), truth, probabilities, decided)


def left_out_answers(
    labelled: Sequence[LabelledMail],
    writers: Mapping[str, Sequence[LabelledMail]],
    seed: int,
    corpus: Sequence[LabelledMail],
) -> dict[str, Answers]:
    """Each writer's mails decided by weights learnt without that writer, at thresholds from the other writers."""
    examples = build_examples(sorted(labelled, key=lambda m: m.mail.id), seed, FULL_WEIGHT)
    always = [*examples, *build_examples(list(corpus), seed, CORPUS_WEIGHT)]
    mix = label_matrix(examples)
    own = {name: build_examples(mails, seed, FULL_WEIGHT) for name, mails in sorted(writers.items())}
    margins, truth = margins_by_writer(own, always)
    of_writer = np.array([name for name, mails in own.items() for _ in mails])
    answers: dict[str, Answers] = {}
    for name in own:
        inside, others = of_writer == name, of_writer != name
        probabilities, decided = decide(margins[inside], margins[others], truth[others], mix)
        mails = tuple(writers[name])
        reads = tuple(read_mails([m.mail for m in mails]))
        answers[name] = Answers(mails, reads, truth[inside], probabilities, decided)
    return answers


def decide(
    margins: NDArray[np.float32], known_margins: NDArray[np.float32], known_truth: Truth, mix: Truth
) -> tuple[NDArray[np.float64], Truth]:
    """Probabilities and decisions at the calibration and thresholds of other mails, weighted to a label mix."""
    weights = mix_weights(known_truth, mix)
    calibration = fit_calibration(known_margins, known_truth, weights)
    thresholds = choose_thresholds(calibrated(known_margins, calibration), known_truth, weights)
    probabilities = calibrated(margins, calibration)
    return probabilities, probabilities >= thresholds


def _together(parts: Sequence[Answers]) -> Answers:
    return Answers(
        tuple(mail for part in parts for mail in part.labelled),
        tuple(read for part in parts for read in part.reads),
        np.concatenate([part.truth for part in parts]),
        np.concatenate([part.probabilities for part in parts]),
        np.concatenate([part.decided for part in parts]),
    )


def quality(answers: Answers) -> dict[str, Any]:
    """All figures of the report, from answers."""
    truth, decided = answers.truth, answers.decided
    report: dict[str, Any] = {"mails": len(answers.labelled), **scores(decided, truth)}
    report["by_language"] = {
        language: scores(decided[rows], truth[rows])
        for language in ("fr", "en", "mixed")
        if (rows := np.array([m.language == language for m in answers.labelled])).any()
    }
    report["hard_kinds"] = {
        kind: {"mails": int(rows.sum()), **scores(decided[rows], truth[rows], per_label=False)}
        for kind, belongs in HARD_KINDS.items()
        if (rows := np.array([belongs(read) for read in answers.reads])).any()
    }
    report["promises"] = _promise_quality(answers)
    report["auto_reply"] = _agreement(
        [(m.auto_reply, r.auto_reply) for m, r in zip(answers.labelled, answers.reads, strict=True)]
    )
    report["language_accuracy"] = float(
        np.mean(
            [m.language == r.reading.language for m, r in zip(answers.labelled, answers.reads, strict=True)]
        )
    )
    report["calibration_error"] = calibration_error(answers.probabilities, truth)
    return report


def scores(decided: Truth, truth: Truth, per_label: bool = True) -> dict[str, Any]:
    """Micro precision, recall and F1, per label too; and how many mails without signal stay free of grave labels."""
    hits, raised, given = (decided & truth).sum(0), decided.sum(0), truth.sum(0)
    grave = [index for index, label in enumerate(LABELS) if label in GRAVE_LABELS]
    without = ~truth.any(1)
    result: dict[str, Any] = {
        "micro": _precision_recall(int(hits.sum()), int(raised.sum()), int(given.sum()))
    }
    if without.any():
        result["no_grave_label_on_signal_free_share"] = round(
            float(1 - decided[without][:, grave].any(1).mean()), 4
        )
        result["signal_free_left_alone_share"] = round(float(1 - decided[without].any(1).mean()), 4)
    if per_label:
        result["labels"] = {
            label: _precision_recall(int(hits[i]), int(raised[i]), int(given[i]))
            for i, label in enumerate(LABELS)
        }
    return result


def _precision_recall(hits: int, raised: int, given: int) -> dict[str, float | int]:
    return {
        "precision": round(hits / raised, 4) if raised else 1.0,
        "recall": round(hits / given, 4) if given else 1.0,
        "f1": round(2 * hits / (raised + given), 4) if raised + given else 1.0,
        "mails": given,
    }


def calibration_error(probabilities: NDArray[np.float64], truth: Truth) -> float:
    """Expected calibration error over all labels: mean gap between stated and observed share, ten equal bins."""
    flat, actual = probabilities.reshape(-1), truth.reshape(-1)
    bins = np.minimum((flat * _BINS).astype(int), _BINS - 1)
    gaps = [
        abs(float(flat[bins == b].mean()) - float(actual[bins == b].mean())) * float((bins == b).mean())
        for b in range(_BINS)
        if (bins == b).any()
    ]
    return round(sum(gaps), 4)


def _promise_quality(answers: Answers) -> dict[str, Any]:
    """Exact days and sums among the promises found whose answer has one."""
    column = LABELS.index("promise_to_pay")
    found = [
        (mail, read)
        for mail, read, yes in zip(answers.labelled, answers.reads, answers.decided[:, column], strict=True)
        if yes and "promise_to_pay" in mail.labels
    ]
    return _promises_exact(found)


def promise_totals(labelled: Sequence[LabelledMail]) -> dict[str, dict[str, Any]]:
    """How many promised days and sums are read exactly, by language: every mail labelled a promise counts.

    Nothing is learnt and no label is decided here, so the figures are those of the reading of dates and sums alone.
    """
    promises = [mail for mail in labelled if "promise_to_pay" in mail.labels]
    reads = list(read_mails([mail.mail for mail in promises]))
    pairs = list(zip(promises, reads, strict=True))
    by_language = {
        language: _promises_exact(own)
        for language in LANGUAGES
        if (own := [pair for pair in pairs if pair[0].language == language])
    }
    return {"all": _promises_exact(pairs), **by_language}


def _promises_exact(found: Sequence[tuple[LabelledMail, ReadMail]]) -> dict[str, Any]:
    """Given and read days and sums compared; the answers give the day as the words name it, day off or not."""
    promised = [(mail, promised_payment(read.reading)) for mail, read in found]
    dated = [(mail.promise_date, given.said_on) for mail, given in promised if mail.promise_date]
    undated = [given.said_on for mail, given in promised if not mail.promise_date]
    priced = [
        (mail.promise_amount, given.amount) for mail, given in promised if mail.promise_amount is not None
    ]
    return {
        "dated_promises_found": len(dated),
        "date_exact_share": _share([a == b for a, b in dated]),
        "undated_promises_found": len(undated),
        "undated_left_null_share": _share([day is None for day in undated]),
        "priced_promises_found": len(priced),
        "amount_exact_share": _share([a == b for a, b in priced]),
        "implausible_promises": sum(given.status == "implausible" for _, given in promised),
    }


def _share(answers: list[bool]) -> float:
    return round(sum(answers) / len(answers), 4) if answers else 1.0


def _agreement(pairs: list[tuple[bool, bool]]) -> dict[str, float | int]:
    return _precision_recall(
        sum(a and b for a, b in pairs), sum(b for _, b in pairs), sum(a for a, _ in pairs)
    )


def _has_qualifier(name: str) -> Callable[[ReadMail], bool]:
    return lambda read: any(name in mention.qualifiers for mention in read.reading.mentions)


def _is_long(read: ReadMail) -> bool:
    reading: Reading = read.reading
    return len(reading.words) > 90


HARD_KINDS: dict[str, Callable[[ReadMail], bool]] = {
    "quoted": lambda read: read.own.has_quoted_thread,
    "negated": _has_qualifier("negated"),
    "hypothetical": _has_qualifier("hypothetical"),
    "third_party": _has_qualifier("third_party"),
    "past": _has_qualifier("past"),
    "other_sense": _has_qualifier("other_sense"),
    "long": _is_long,
}
"""Kinds of mail that mislead simple readers, recognised by their form and by the qualifiers found in them."""
