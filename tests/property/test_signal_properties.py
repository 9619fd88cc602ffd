"""What holds for any text, however odd."""

# ruff: noqa: E501, SIM905  (a case reads better on one line)
from __future__ import annotations

import datetime as dt
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from features.calendars import is_working_day
from features.email import LABELS, Mail, load_pipeline
from features.email.amounts import find_amounts
from features.email.folding import fold, fold_words
from features.email.own_text import isolate_own_text
from features.email.promises import promised_payment
from features.email.reading import read_mails
from features.email.sentences import split_sentences
from features.email.time_expressions import find_time_expressions
from features.email.time_expressions.calendar_days import DAYS_KEPT_PAST, PLAUSIBLE_DAYS_AHEAD

SHREDS = st.sampled_from(
    "Bonjour, |le virement |partira |lundi |1 250,00 € |> vous payez ? |\n|De : x\nEnvoyé : y\n|litige |pas de |redressement judiciaire |On Monday, A wrote:\n|"
    "we will pay |next Friday |Ã© |<br> |</div><blockquote> |&eacute; |31/02/2025 |S99 |le 0 |sous 999 jours |deux cents mille vingt |-- \n|Cordialement\n|\x00|"
    "ﬁ |👍 |\u202e |semaine du 45 |avant Pâques |_when || |lundi en quinze |Rs 1,25,000 |!!! |?\n".split("|")
)
TEXTS = st.one_of(st.text(max_size=300), st.lists(SHREDS, max_size=30).map("".join))
MONTHS = st.sampled_from(
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split()
)
WEEKDAYS = st.sampled_from("lundi mardi mercredi jeudi vendredi samedi dimanche".split())
PERIODS = st.one_of(
    st.builds("S{}".format, st.integers(1, 53)), st.builds("en semaine {}".format, st.integers(1, 53)), st.builds("fin {}".format, MONTHS),
    st.builds("d'ici fin {}".format, MONTHS), st.sampled_from(["fin T1", "fin T2", "fin T3", "fin T4", "en fin de mois", "la semaine prochaine"]),
)  # fmt: skip
WITHOUT_YEAR = st.one_of(
    PERIODS, st.builds("le {} {}".format, st.integers(1, 31), MONTHS), st.builds("le {}/{}".format, st.integers(1, 31), st.integers(1, 12)),
    st.builds("{} {}/{}".format, WEEKDAYS, st.integers(1, 31), st.integers(1, 12)), st.builds("{} {}".format, WEEKDAYS, st.integers(1, 31)),
    st.builds("le {}".format, st.integers(1, 31)), st.builds("S{}, le {}".format, st.integers(1, 53), WEEKDAYS), st.builds("mi-{}".format, MONTHS), WEEKDAYS,
    st.builds("avant {}".format, st.sampled_from(["Noël", "Pâques", "la Pentecôte", "la Toussaint", "l'Ascension"])),
)  # fmt: skip
DAYS = st.dates(dt.date(2000, 1, 1), dt.date(2090, 1, 1))
QUICK = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@pytest.fixture(scope="module")
def pipeline():
    return load_pipeline()


@QUICK
@given(subject=TEXTS, body=TEXTS, sent=DAYS)
def test_any_text_is_read_and_every_quote_is_the_senders_own(pipeline, subject, body, sent):
    signals = pipeline.read(Mail("m", sent, subject, body))
    own = isolate_own_text(subject, body)
    assert set(signals.probabilities) == set(LABELS)
    assert all(0 <= p <= 1 for p in signals.probabilities.values())
    assert all(quote.sentence in f"{own.subject}\n{own.text}" for quote in signals.quotes)
    assert {quote.label for quote in signals.quotes} == {*signals.labels, *signals.unsure_labels}
    assert not set(signals.labels) & set(signals.unsure_labels)
    assert -1 <= signals.tone <= 1
    assert (signals.promise_status is None) == ("promise_to_pay" not in signals.labels)
    assert (signals.promise_date is not None) == (signals.promise_status == "dated")
    assert (signals.promise_payable_on is not None) == (signals.promise_status == "dated")
    assert (signals.promise_doubt is not None) == (signals.promise_status == "implausible")
    if signals.promise_status is None:
        assert signals.promise_said_on is signals.promise_amount is None


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words=WITHOUT_YEAR, sent=DAYS, country=st.sampled_from([None, "FR", "GB", "DE", "AE"]))
def test_a_day_without_a_year_is_never_moved_a_year_ahead(words, sent, country):
    (read,) = read_mails([Mail("m", sent, "", f"Le virement partira {words}.", country)])
    promise = promised_payment(read.reading)
    days = [moment.on for moment in read.reading.moments if moment.on is not None]
    assert all(-DAYS_KEPT_PAST <= (day - sent).days <= 366 - DAYS_KEPT_PAST for day in days)
    if promise.on is not None and promise.payable_on is not None:
        assert sent <= promise.on <= promise.payable_on
        assert (promise.on - sent).days <= PLAUSIBLE_DAYS_AHEAD
        assert is_working_day(promise.payable_on, country or "FR")


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(words=PERIODS, sent=DAYS, country=st.sampled_from([None, "FR", "GB", "DE", "AE"]))
def test_a_period_ends_on_a_working_day_if_one_is_left(words, sent, country):
    (read,) = read_mails([Mail("m", sent, "", f"Le virement partira {words}.", country)])
    promise = promised_payment(read.reading)
    if promise.status != "dated":
        return
    of_sender = country or "FR"
    left = [sent + dt.timedelta(days=n) for n in range((promise.said_on - sent).days + 1)]
    since = next(moment.since for moment in read.reading.moments if moment.since is not None)
    working = [day for day in left if day >= since and is_working_day(day, of_sender)]
    assert promise.on == (working[-1] if working else promise.said_on)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(bodies=st.lists(TEXTS, min_size=2, max_size=6), seed=st.randoms())
def test_a_mails_signals_do_not_depend_on_the_batch(pipeline, bodies, seed):
    mails = [Mail(f"m{i}", dt.date(2025, 5, 5), "", body) for i, body in enumerate(bodies)]
    alone = {mail.id: pipeline.read(mail) for mail in mails}
    shuffled = list(mails)
    seed.shuffle(shuffled)
    assert {signals.id: signals for signals in pipeline.read_many(shuffled)} == alone


@QUICK
@given(text=TEXTS)
def test_own_text_invents_no_line(text):
    once = isolate_own_text("Re: x", text).text
    assert len(once) <= max(len(text) * 2, 10)


@QUICK
@given(text=TEXTS, quoted=TEXTS)
def test_a_quoted_thread_changes_no_signal(pipeline, text, quoted):
    base = text.replace("\n", " ")
    thread = "\n".join(f"> {line}" for line in quoted.splitlines())
    alone = pipeline.read(Mail("m", dt.date(2025, 5, 5), "Re: x", base))
    with_thread = pipeline.read(Mail("m", dt.date(2025, 5, 5), "Re: x", f"{base}\n\n{thread}"))
    if alone.probabilities != with_thread.probabilities:
        # Only a repair that the quoted lines themselves call for may touch the rest of the body.
        assert any(mark in quoted for mark in ("=", "&", "<", "Ã", "Â", "â"))


@QUICK
@given(text=TEXTS, sent=DAYS)
def test_places_stay_inside_the_text_and_in_order(text, sent):
    folded = fold(text)
    moments = find_time_expressions(folded, sent, "fr")
    amounts = find_amounts(folded)
    for spans in (moments, amounts):
        assert all(0 <= s.start < s.end <= len(text) for s in spans)
        assert all(a.end <= b.start for a, b in pairwise(spans))
    words = fold_words(folded, moments, amounts)
    assert all(a <= b for a, b in zip(words.ends[:-1], words.starts[1:], strict=True))
    assert all(s.start < s.end for s in moments)


@QUICK
@given(text=TEXTS)
def test_sentences_cover_every_visible_character_once(text):
    spans = split_sentences(text)
    covered = "".join(text[a:b] for a, b in spans)
    kept = [c for c in covered if not c.isspace() and c != ";"]
    visible = [c for c in text if not c.isspace() and c != ";"]
    assert len(kept) <= len(visible)
    assert len(visible) - len(kept) <= sum(text.count(mark) for mark in "\"'»)]")


@QUICK
@given(body=TEXTS)
def test_mentions_point_at_words_of_their_sentence(body):
    (read,) = read_mails([Mail("m", dt.date(2025, 5, 5), "", body)])
    for mention in read.reading.mentions:
        first, end = read.reading.sentence_words[mention.sentence]
        assert first <= mention.start < mention.end <= end


@pytest.mark.parametrize(
    "piece",
    [
        "<div ",
        "deux cent ",
        "\n",
        "On x\n",
        "De : x\n",
        "1 234 567,89 € ",
        "> x\n",
        "&eacute;",
        "=C3=A9",
        "-",
        "Ã©",
        "le 5 mars ",
    ],
)
def test_a_huge_odd_body_is_read_like_any_other(pipeline, piece):
    signals = pipeline.read(Mail("m", dt.date(2025, 5, 5), "Re: x", piece * 3000 + "wrote:"))
    assert all(0 <= p <= 1 for p in signals.probabilities.values())
