"""The reader of client e-mails: from a mail to its signals, with the evidence."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from features.email.artefact import DEFAULT_FOLDER, SignalArtefact, load_artefact
from features.email.deciding import Decider
from features.email.promises import Promise, promised_payment
from features.email.reading import Reading, ReadMail, mail_pipeline, read_mails
from features.email.tone import measure_tone
from features.email.values import Cue, Mail, MailSignals, Mention, Quote
from features.email.vectors import mail_terms, mention_features, text_terms
from features.signal_labels import LABELS

_PROMISE = LABELS.index("promise_to_pay")
_HOSTILE = LABELS.index("hostile_tone")
_LONGEST_QUOTE = 400


class SignalPipeline:
    """Reads mails and decides their signals.

    The labels are decided at the thresholds of the artefact; a probability just below its threshold makes the label
    "unsure". Reading is deterministic: the same mail gives the same signals, whatever else is in the batch.
    """

    def __init__(self, artefact: SignalArtefact) -> None:
        self.artefact = artefact
        self._decider = Decider(artefact)
        self._decide_at = artefact.decide_at.astype(np.float64)
        self._unsure_from = artefact.unsure_from.astype(np.float64)
        mail_pipeline()

    def read(self, mail: Mail) -> MailSignals:
        """Signals of one mail."""
        return next(iter(self.read_many([mail])))

    def read_many(self, mails: Iterable[Mail]) -> Iterator[MailSignals]:
        """Signals of many mails, in their order, a few hundred in memory at a time."""
        for read in read_mails(mails):
            yield self._signals(read)

    def _signals(self, read: ReadMail) -> MailSignals:
        reading = read.reading
        values = mention_features(reading, auto_reply=read.auto_reply, has_own_subject=bool(read.own.subject))
        nothing = np.zeros(len(LABELS))
        found = self._decider.probabilities(mail_terms(reading), values) if reading.words else nothing
        decided = found >= self._decide_at
        unsure = (found >= self._unsure_from) & ~decided
        promise = promised_payment(reading) if decided[_PROMISE] else None
        return MailSignals(
            id=read.mail.id,
            language=reading.language,
            auto_reply=read.auto_reply,
            labels=tuple(label for label, yes in zip(LABELS, decided, strict=True) if yes),
            unsure_labels=tuple(label for label, yes in zip(LABELS, unsure, strict=True) if yes),
            probabilities={label: round(float(p), 4) for label, p in zip(LABELS, found, strict=True)},
            quotes=self._quotes(reading, decided | unsure, promise),
            cues=_cues(reading),
            promise_status=promise.status if promise else None,
            promise_doubt=promise.doubt if promise else None,
            promise_said_on=promise.said_on if promise else None,
            promise_date=promise.on if promise else None,
            promise_payable_on=promise.payable_on if promise else None,
            promise_amount=promise.amount if promise else None,
            tone=measure_tone(read.own.text, float(found[_HOSTILE])),
        )

    def _quotes(
        self, reading: Reading, shown: NDArray[np.bool_], promise: Promise | None
    ) -> tuple[Quote, ...]:
        """For each shown label the sentence that speaks most for it: counted mentions first, then the words' weight.

        A promise whose day is named in another sentence has that one quoted too.
        """
        if not shown.any() or not reading.sentences:
            return ()
        margins: dict[int, NDArray[np.float32]] = {}
        quotes: list[Quote] = []
        for column in np.flatnonzero(shown):
            label = LABELS[column]
            own = [m for m in reading.mentions if m.label == label]
            telling = {m.sentence for m in own if m.is_strong and not m.qualifiers}
            pool = sorted(telling) or list(range(len(reading.sentences)))
            if len(pool) > 1:
                margins |= {n: self._sentence_margins(reading, n) for n in pool if n not in margins}
                pool = [max(pool, key=lambda number: (float(margins[number][column]), -number))]
            quotes.append(Quote(label, _sentence_with(own, pool[0], reading)))
            named_in = promise.sentence if promise and column == _PROMISE else None
            if named_in is not None and 0 <= named_in != pool[0]:
                quotes.append(Quote(label, _sentence_with([], named_in, reading)))
        return tuple(quotes)

    def _sentence_margins(self, reading: Reading, number: int) -> NDArray[np.float32]:
        """What the words of a sentence weigh for each label."""
        first, end = reading.sentence_words[number]
        return self._decider.text_margins(text_terms(reading.words[first:end], ((0, end - first),)))


def _sentence_with(mentions: list[Mention], number: int, reading: Reading) -> str:
    """A sentence as written; of one longer than a quote may be, the part with its first mention."""
    start, end = reading.sentences[number]
    if end - start > _LONGEST_QUOTE:
        places = [reading.word_starts[m.start] for m in mentions if m.sentence == number]
        first = min(places, default=start) - _LONGEST_QUOTE // 4
        start = min(max(start, first), end - _LONGEST_QUOTE)
    return reading.text[start : min(end, start + _LONGEST_QUOTE)]


def _cues(reading: Reading) -> tuple[Cue, ...]:
    seen: dict[tuple[str, str], Cue] = {}
    for mention in reading.mentions:
        text = reading.text[reading.word_starts[mention.start] : reading.word_ends[mention.end - 1]]
        key = (mention.label, text)
        if key not in seen or (mention.is_strong and not seen[key].is_strong):
            seen[key] = Cue(mention.label, text, mention.is_strong, tuple(mention.qualifiers))
    return tuple(seen.values())


@cache
def load_pipeline(folder: Path = DEFAULT_FOLDER) -> SignalPipeline:
    """The reader with the trained artefact of a folder (by default the one that comes with the package).

    Raises:
        ArtefactError: there is no artefact in the folder.
        InvalidInputError: the artefact was trained for another version.
    """
    return SignalPipeline(load_artefact(folder))
