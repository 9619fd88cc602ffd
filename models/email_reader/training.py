"""Trains the artefact from labelled mails: weights from all of them, calibration and thresholds from unseen ones."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Collection, Hashable, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from features.email.artefact import SignalArtefact
from features.email.deciding import calibrated
from features.email.values import LabelledMail
from features.errors import Fault, InvalidInputError
from features.messages import localized
from features.signal_labels import LABELS
from models.email_reader.examples import (
    CORPUS_WEIGHT,
    FULL_WEIGHT,
    Example,
    build_examples,
    label_matrix,
)
from models.email_reader.fitting import fit_linear, margins_of
from models.email_reader.thresholds import choose_thresholds, fit_calibration, mix_weights

FOLDS = 5
UNSURE_WIDTH = 0.22
LEAST_UNSURE = 0.08
_LEAST_MAILS = 40


def train_signals(
    labelled: Sequence[LabelledMail],
    seed: int,
    exclude_ids: Collection[str] = (),
    corpus: Sequence[LabelledMail] = (),
    writers: Mapping[str, Sequence[LabelledMail]] | None = None,
) -> SignalArtefact:
    """Artefact learnt from labelled mails and invented lines.

    Args:
        labelled: mails with their labels.
        seed: of folds and thinning.
        exclude_ids: mails that are not learnt from at all.
        corpus: invented lines, of lower weight; calibration and thresholds never see them.
        writers: further labelled mails by who wrote them, of full weight, not yet read by those who write cues. With
            two writers or more, calibration and thresholds come from each writer's mails as judged by a fit without
            that writer: whoever writes next is as new as that; these mails are weighted to the label mix of
            ``labelled``. With fewer they come from five folds of the labelled mails.

    Raises:
        InvalidInputError: too few mails are left, an id occurs twice, or a label has no example.
    """
    excluded = set(exclude_ids)
    kept = _without(labelled, excluded)
    written = {name: _without(mails, excluded) for name, mails in sorted((writers or {}).items())}
    further = [mail for mails in written.values() for mail in mails]
    _check([*kept, *further])
    examples = build_examples(kept, seed, FULL_WEIGHT)
    own = {name: build_examples(mails, seed, FULL_WEIGHT) for name, mails in written.items()}
    invented = build_examples(_in_order(corpus), seed, CORPUS_WEIGHT)
    if len(own) > 1:
        margins, truth = margins_by_writer(own, [*examples, *invented])
    else:
        folds = [fold_of(example.id, seed) for example in examples]
        rest = [example for mails in own.values() for example in mails]
        margins = margins_without_group(examples, folds, [*rest, *invented])
        truth = label_matrix(examples)
    weights = mix_weights(truth, label_matrix(examples))
    calibration = fit_calibration(margins, truth, weights)
    decide_at = choose_thresholds(calibrated(margins, calibration), truth, weights)
    everything = [*examples, *(e for mails in own.values() for e in mails), *invented]
    fit = fit_linear(everything, label_matrix(everything))
    return SignalArtefact(
        fit.terms,
        fit.idf,
        fit.text_weights,
        fit.mention_weights,
        fit.intercepts,
        calibration.astype(np.float32),
        decide_at.astype(np.float32),
        np.minimum(np.maximum(decide_at - UNSURE_WIDTH, LEAST_UNSURE), decide_at * 0.8).astype(np.float32),
        {
            "mails": len(kept) + len(further),
            "excluded": sum(map(len, (labelled, *(writers or {}).values()))) - len(kept) - len(further),
            "invented_sentences": len(invented),
            "writers": {name: len(mails) for name, mails in written.items()},
            "seed": seed,
            "folds": FOLDS,
            "mails_sha256": fingerprint([*kept, *further]),
            "corpus_sha256": fingerprint(corpus),
        },
    )


def _without(mails: Sequence[LabelledMail], excluded: Collection[str]) -> list[LabelledMail]:
    return _in_order([mail for mail in mails if mail.mail.id not in excluded])


def _in_order(mails: Sequence[LabelledMail]) -> list[LabelledMail]:
    return sorted(mails, key=lambda m: m.mail.id)


def margins_by_writer(
    own: Mapping[str, Sequence[Example]], always: Sequence[Example]
) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Margins and answers of all writers' mails, each judged by a fit without its writer, writer by writer."""
    judged = [example for mails in own.values() for example in mails]
    groups = [name for name, mails in own.items() for _ in mails]
    return margins_without_group(judged, groups, always), label_matrix(judged)


def margins_without_group(
    judged: Sequence[Example], groups: Sequence[Hashable], always: Sequence[Example]
) -> NDArray[np.float32]:
    """Raw margins of each mail from a fit on the mails of the other groups and on those always learnt from."""
    margins = np.zeros((len(judged), len(LABELS)), dtype=np.float32)
    for group in sorted(set(groups), key=str):
        learnt = [e for e, own in zip(judged, groups, strict=True) if own != group] + list(always)
        fit = fit_linear(learnt, label_matrix(learnt))
        inside = [index for index, own in enumerate(groups) if own == group]
        margins[inside] = margins_of(fit, [judged[index] for index in inside])
    return margins


def fingerprint(mails: Sequence[LabelledMail]) -> str:
    """SHA-256 of the ids and texts of mails, whatever their order: identifies the set a figure belongs to."""
    lines = sorted(f"{m.mail.id}\x1f{m.mail.subject}\x1f{m.mail.body}" for m in mails)
    return hashlib.sha256("\x1e".join(lines).encode()).hexdigest()


def fold_of(mail_id: str, seed: int, folds: int = FOLDS) -> int:
    """Fold of a mail, fixed by its id, so that order and company do not matter."""
    return int(hashlib.sha256(f"{seed}:{mail_id}".encode()).hexdigest(), 16) % folds


def _check(kept: Sequence[LabelledMail]) -> None:
    faults: list[Fault] = []
    if len(kept) < _LEAST_MAILS:
        faults.append(
            Fault(
                localized("too few labelled mails"),
                expected=localized("{least} or more", least=_LEAST_MAILS),
                count=len(kept),
            )
        )
    twice = [name for name, count in Counter(m.mail.id for m in kept).items() if count > 1]
    if twice:
        faults.append(
            Fault(
                localized("the same id on several mails"),
                expected=localized("unique ids"),
                count=len(twice),
                examples=tuple(twice),
            )
        )
    for label in LABELS:
        if sum(label in mail.labels for mail in kept) < FOLDS:
            faults.append(
                Fault(
                    localized("too few mails with label {label}", label=label),
                    expected=localized("{least} or more", least=FOLDS),
                    remedy=localized("add labelled mails"),
                )
            )
    if faults:
        raise InvalidInputError(localized("the e-mail signals cannot be trained"), faults)
