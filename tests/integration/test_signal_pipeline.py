"""The whole reader: labels with evidence, table, records, command line, training and its refusals."""

from __future__ import annotations

import datetime as dt
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

from features.email import (
    LABELS,
    ArtefactError,
    LabelledMail,
    Mail,
    load_artefact,
    load_pipeline,
    save_artefact,
    signals_frame,
)
from features.email.artefact import DEFAULT_FOLDER
from features.email.records import signals_record
from features.errors import InvalidInputError
from models.email_reader import read_labelled_file, read_mails_file, read_training_sentences, train_signals
from models.email_reader.training import build_examples, fold_of
from pipelines.cli.signals import app

SENT = dt.date(2025, 12, 3)
CLEAR = [
    ("Notre société a été placée en redressement judiciaire par jugement du 1er décembre.", "insolvency"),
    ("The company went into administration on Monday and administrators have been appointed.", "insolvency"),
    ("Notre trésorerie est exsangue, la banque a coupé le découvert.", "financial_difficulty"),
    ("Cash flow is very tight, the bank has refused to renew our overdraft.", "financial_difficulty"),
    ("Pouvons-nous régler en quatre mensualités de 200 € ?", "payment_plan_request"),
    ("Could we pay this in three monthly instalments?", "payment_plan_request"),
    (
        "Pourriez-vous nous accorder un délai supplémentaire, je n'ai pas de date à vous donner ?",
        "extension_request",
    ),
    ("We need a bit more time please, I can't give you a date yet.", "extension_request"),
    ("Nous contestons cette facture, le prix n'est pas celui du devis.", "dispute"),
    ("We dispute this invoice, you have charged us for goods that arrived damaged.", "dispute"),
    ("Il manque le numéro de bon de commande, la facture est rejetée.", "admin_block"),
    ("There is no PO number on the invoice so it has been rejected by the portal.", "admin_block"),
    ("Le virement de 500 € partira vendredi.", "promise_to_pay"),
    ("We will pay £500 on Friday.", "promise_to_pay"),
    ("Le virement a été effectué hier, voir preuve jointe.", "payment_sent"),
    ("This was paid yesterday by BACS, remittance attached.", "payment_sent"),
    ("Mme Lestang a quitté la société, merci de contacter M. Ferroudj.", "organisational_change"),
    (
        "Our company has been acquired by the Valmere Group, please note the new contact.",
        "organisational_change",
    ),
    ("Vous êtes une bande d'incapables, cessez votre harcèlement !", "hostile_tone"),
    ("You are a bunch of clowns, stop harassing me or I'll see you in court.", "hostile_tone"),
]
SILENT = [
    "Bien reçu, merci, je transmets à ma collègue.",
    "Thank you, received.",
    "Aucun litige de notre côté, la facture n'est pas échue.",
    "Bien noté.\n\n> Êtes-vous en redressement judiciaire ? Contestez-vous la facture ?",
    "La sauvegarde des données a échoué cette nuit, pouvez-vous regarder le serveur ?",
]


@pytest.fixture(scope="module")
def pipeline():
    return load_pipeline()


@pytest.mark.parametrize(("text", "label"), CLEAR)
def test_a_plain_statement_gives_its_label_with_the_sentence_as_evidence(pipeline, text, label):
    signals = pipeline.read(Mail("m", SENT, "Re: relance", f"Bonjour,\n{text}\nCordialement"))
    assert label in signals.labels
    assert text in [quote.sentence for quote in signals.quotes if quote.label == label]


@pytest.mark.parametrize("text", SILENT)
def test_a_mail_without_signal_gets_no_label(pipeline, text):
    assert pipeline.read(Mail("m", SENT, "Re: relance", text)).labels == ()


def test_an_empty_mail_says_nothing(pipeline):
    signals = pipeline.read(Mail("m", SENT, "", ""))
    assert signals.labels == signals.unsure_labels == ()
    assert set(signals.probabilities.values()) == {0.0}


def test_labels_and_unsure_labels_follow_the_thresholds(pipeline):
    art = pipeline.artefact
    for text, _ in CLEAR:
        signals = pipeline.read(Mail("m", SENT, "Re:", text))
        for index, label in enumerate(LABELS):
            p = signals.probabilities[label]
            assert (label in signals.labels) == (p >= round(float(art.decide_at[index]), 4)) or abs(
                p - art.decide_at[index]
            ) < 1e-3
            if label in signals.unsure_labels:
                assert art.unsure_from[index] - 1e-3 <= p <= art.decide_at[index] + 1e-3


def _emails() -> pl.DataFrame:
    return pl.DataFrame(
        {
            "email_id": ["e1", "e2", "e3"],
            "customer_id": ["c1", "c1", "c2"],
            "sent_at": [dt.datetime(2025, 12, 3, 10, tzinfo=dt.UTC)] * 3,
            "direction": ["inbound", "outbound", "inbound"],
            "subject": ["Re: relance", "Relance", None],
            "body": [
                "Le virement de 500 € partira vendredi.",
                "Payez votre facture !",
                "Thank you, received.",
            ],
        }
    )


def test_the_table_has_one_row_per_inbound_mail_and_typed_columns(pipeline):
    frame = signals_frame(_emails(), pipeline)
    assert frame["email_id"].to_list() == ["e1", "e3"]
    assert frame["promise_to_pay"].to_list() == [True, False]
    assert frame["promise_date"].to_list() == [dt.date(2025, 12, 5), None]
    assert frame["promise_amount"].to_list() == [500.0, None]
    assert frame.schema["promise_to_pay_probability"] == pl.Float64
    assert frame.schema["dispute_unsure"] == pl.Boolean
    assert json.loads(frame["quotes"][0])[0]["sentence"] == "Le virement de 500 € partira vendredi."
    assert "body" not in frame.columns


def test_an_implausible_promise_shows_its_day_and_quote_and_has_no_date(pipeline):
    emails = _emails().with_columns(body=pl.lit("Règlement prévu S47, virement du vendredi."))
    row = signals_frame(emails, pipeline).row(0, named=True)
    assert row["promise_to_pay"]
    assert (row["promise_status"], row["promise_doubt"]) == ("implausible", "gone_by")
    assert row["promise_said_on"] == dt.date(2025, 11, 21)
    assert row["promise_date"] is row["promise_payable_on"] is None
    quoted = {q["sentence"] for q in json.loads(row["quotes"]) if q["label"] == "promise_to_pay"}
    assert quoted == {"Règlement prévu S47, virement du vendredi."}
    record = signals_record(pipeline.read(Mail("m", SENT, "", "Règlement prévu S47, virement du vendredi.")))
    assert (record["promise_status"], record["promise_said_on"]) == ("implausible", "2025-11-21")
    assert record["promise_date"] is None


def test_the_sentence_that_names_the_promised_day_is_quoted_too(pipeline):
    body = "Nous confirmons le règlement de votre facture par virement. Ce sera le vendredi 13 décembre."
    signals = pipeline.read(Mail("m", SENT, "", body))
    assert (signals.promise_status, signals.promise_doubt) == ("implausible", "weekday_differs")
    assert "Ce sera le vendredi 13 décembre." in [
        quote.sentence for quote in signals.quotes if quote.label == "promise_to_pay"
    ]


def test_days_off_are_those_of_the_customers_country_where_it_is_given(pipeline):
    emails = _emails().with_columns(
        body=pl.lit("We will pay on 26 December."), country=pl.Series(["GB", None, None])
    )
    frame = signals_frame(emails, pipeline)
    assert frame["promise_date"].to_list() == [dt.date(2025, 12, 26)] * 2
    assert frame["promise_payable_on"].to_list() == [dt.date(2025, 12, 29), dt.date(2025, 12, 26)]
    assert "country" not in frame.columns


def test_with_quoting_off_no_word_of_the_mail_leaves(pipeline):
    frame = signals_frame(_emails(), pipeline, quoting=False)
    assert "quotes" not in frame.columns
    signals = pipeline.read(Mail("m", SENT, "Re:", "Le virement de 500 € partira vendredi."))
    assert "virement" in json.dumps(signals_record(signals), ensure_ascii=False)
    assert "virement" not in json.dumps(signals_record(signals, quoting=False), ensure_ascii=False)


def test_a_table_without_its_columns_is_refused(pipeline):
    with pytest.raises(InvalidInputError, match=r"columns missing.*body"):
        signals_frame(_emails().drop("body"), pipeline)


def test_an_empty_ledger_gives_an_empty_typed_table(pipeline):
    frame = signals_frame(_emails().clear(), pipeline)
    assert frame.is_empty()
    assert frame.schema["tone"] == pl.Float64


def test_the_command_writes_one_line_per_mail(tmp_path: Path):
    source, out = tmp_path / "mails.jsonl", tmp_path / "out" / "signals.jsonl"
    lines = [
        {
            "id": "a",
            "sent_at": "2025-12-03",
            "subject": "Re: x",
            "body": "Le virement de 500 € partira vendredi.",
        },
        {"id": "b", "sent_at": "2025-12-03T10:00:00+00:00", "subject": "", "body": "Thank you, received."},
    ]
    source.write_text("\n".join(json.dumps(line) for line in lines), encoding="utf-8")
    result = CliRunner().invoke(app, ["signals", str(source), "--out", str(out)])
    assert result.exit_code == 0, result.output
    written = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [w["id"] for w in written] == ["a", "b"]
    assert written[0]["labels"] == ["promise_to_pay"]
    assert written[0]["promise_date"] == "2025-12-05"
    assert written[0]["promise_amount"] == 500.0
    assert written[0]["quotes"] == {"promise_to_pay": ["Le virement de 500 € partira vendredi."]}
    assert set(written[0]["probabilities"]) == set(LABELS)
    assert CliRunner().invoke(app, ["signals", str(source), "--out", str(out), "--no-quotes"]).exit_code == 0
    assert "virement" not in out.read_text(encoding="utf-8")
    assert [path.name for path in out.parent.iterdir()] == ["signals.jsonl"]


def test_a_line_separator_inside_a_mail_does_not_end_its_line(tmp_path: Path):
    path = tmp_path / "mails.jsonl"
    line = {"id": "a", "sent_at": "2025-12-03", "subject": "", "body": "Bonjour,\u2028merci\x85"}
    path.write_text(json.dumps(line, ensure_ascii=False) + "\r\n", encoding="utf-8")
    assert [mail.body for mail in read_mails_file(path)] == ["Bonjour,\u2028merci\x85"]


def test_every_malformed_line_is_named_with_its_field(tmp_path: Path):
    path = tmp_path / "mails.jsonl"
    good = {"id": "a", "sent_at": "2025-12-03", "subject": "", "body": "x"}
    bad = [
        "{not json",
        json.dumps([1]),
        json.dumps({**good, "sent_at": "yesterday"}),
        json.dumps({"id": "d", "sent_at": "2025-12-03"}),
        json.dumps({**good, "id": 7}),
        json.dumps({**good, "id": "f", "country": 33}),
        json.dumps(good),
        json.dumps(good),
    ]
    path.write_text("\n".join(bad), encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        read_mails_file(path)
    message = str(refused.value)
    for expected in (
        "7 faults",
        "line 1: not JSON",
        "line 2: not a JSON object",
        "line 3, field sent_at: sent_at is 'yesterday'",
        "line 4, field body: body is missing",
        "line 5, field id: id is '7'",
        "line 6, field country: country is '33'",
        "line 8, field id: id 'a' already used on line 7",
    ):
        assert expected in message, message


def test_a_missing_file_is_named(tmp_path: Path):
    with pytest.raises(InvalidInputError, match=r"nothing\.jsonl"):
        read_mails_file(tmp_path / "nothing.jsonl")


def test_bad_answers_in_a_labelled_file_are_named(tmp_path: Path):
    path = tmp_path / "labelled.jsonl"
    record = {
        "id": "a",
        "sent_at": "2025-12-03",
        "subject": "",
        "body": "x",
        "labels": ["angry"],
        "language": "de",
    }
    path.write_text(json.dumps({**record, "promise_date": "soon", "promise_amount": "ten"}), encoding="utf-8")
    with pytest.raises(InvalidInputError) as refused:
        read_labelled_file(path)
    for name in ("labels", "language", "promise_date", "promise_amount"):
        assert f"field {name}" in str(refused.value)


def test_the_artefact_survives_writing_and_reading(tmp_path: Path, pipeline):
    save_artefact(pipeline.artefact, tmp_path)
    again = load_artefact(tmp_path)
    assert again.terms == pipeline.artefact.terms
    assert np.array_equal(again.mention_weights, pipeline.artefact.mention_weights)
    assert np.array_equal(again.text_weights, pipeline.artefact.text_weights)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["signals.json", "weights.npz"]


def test_a_missing_or_foreign_artefact_is_refused(tmp_path: Path, pipeline):
    with pytest.raises(ArtefactError, match="train-signals"):
        load_artefact(tmp_path)
    save_artefact(pipeline.artefact, tmp_path)
    document = json.loads((tmp_path / "signals.json").read_text(encoding="utf-8"))
    document["labels"] = ["something else"]
    (tmp_path / "signals.json").write_text(json.dumps(document), encoding="utf-8")
    with pytest.raises(InvalidInputError, match="labels differ"):
        load_artefact(tmp_path)


def test_the_shipped_artefact_is_small_and_free_of_pickle():
    files = sorted(DEFAULT_FOLDER.iterdir())
    assert {path.suffix for path in files} <= {".json", ".npz"}
    assert sum(path.stat().st_size for path in files) < 4_000_000
    with np.load(DEFAULT_FOLDER / "weights.npz", allow_pickle=False) as arrays:
        assert all(arrays[name].dtype.kind == "f" for name in arrays.files)


def _small_set() -> list[LabelledMail]:
    return [m for index, m in enumerate(read_training_sentences()) if index % 6 == 0]


def test_training_ignores_order_and_excluded_mails():
    mails = _small_set()
    first = train_signals(mails, 3, exclude_ids=[mails[0].mail.id])
    second = train_signals(list(reversed(mails[1:])), 3)
    assert first.terms == second.terms
    assert np.array_equal(first.text_weights, second.text_weights)
    assert np.array_equal(first.decide_at, second.decide_at)
    assert first.description["excluded"] == 1
    assert (first.unsure_from < first.decide_at).all()


def test_training_refuses_what_it_cannot_learn_from():
    mails = _small_set()
    with pytest.raises(InvalidInputError) as refused:
        train_signals([*mails[:10], mails[0]], 3)
    message = str(refused.value)
    assert "too few labelled mails (11 rows)" in message
    assert "the same id on several mails" in message
    assert "too few mails with label insolvency" in message


def test_thinned_copies_hold_no_more_mentions_than_the_mail():
    for example in build_examples(_small_set()[:40], 3, 1.0):
        assert sum(example.thinned[:40:4]) <= sum(example.mentions[:40:4])


def test_the_fold_of_a_mail_is_fixed_by_its_id():
    assert fold_of("d001", 7) == fold_of("d001", 7)
    assert {fold_of(f"d{i:03d}", 7) for i in range(60)} == {0, 1, 2, 3, 4}


def test_the_corpus_speaks_for_every_label_in_both_languages():
    corpus = read_training_sentences()
    assert len(corpus) > 1200
    for language in ("fr", "en"):
        own = [mail for mail in corpus if mail.language == language]
        assert all(sum(label in mail.labels for mail in own) >= 20 for label in LABELS)
        assert sum(not mail.labels for mail in own) >= 100


def test_a_sample_line_that_cannot_be_read_is_named(tmp_path: Path):
    folder = tmp_path / "training"
    folder.mkdir()
    (folder / "sentences_fr.jsonl").write_text(
        '{"id": "a", "sent_at": "2025-06-11", "body": "ok", "labels": ["nope"]}\nno bar here\n',
        encoding="utf-8",
    )
    with pytest.raises(InvalidInputError) as refused:
        read_training_sentences(tmp_path)
    assert "labels is \"['nope']\"" in str(refused.value)
    assert "sentences_fr.jsonl, line 2" in str(refused.value)


def test_reading_mails_never_imports_the_training_libraries():
    code = (
        "import sys, datetime, features.email as s\n"
        "s.load_pipeline().read(s.Mail('m', datetime.date(2025, 1, 1), '', 'Le virement part lundi.'))\n"
        "print([m for m in ('sklearn', 'scipy', 'pandas', 'lightgbm', 'mlflow') if m in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
