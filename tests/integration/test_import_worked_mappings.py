"""The two worked mappings of docs/importing.md, through the command line."""

import datetime as dt
import hashlib
import json
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest
from typer.testing import CliRunner

from features.ledger import ledger_fingerprint, read_ledger
from pipelines.cli.ledger import app

ROOT = Path(__file__).resolve().parents[2]
MAPPINGS = ROOT / "docs" / "mappings"
FRENCH_FILES = ROOT / "data_samples" / "exports"
IBM = ROOT.parent / "shared" / "data" / "ibm-accounts-receivable" / "WA_Fn-UseC_-Accounts-Receivable.csv"
needs_ibm = pytest.mark.skipif(not IBM.exists(), reason="the third-party export is not beside this checkout")


def run(*arguments):
    return CliRunner().invoke(app, [str(argument) for argument in arguments])


def import_ibm(folder, mapping="ibm_accounts_receivable.yaml"):
    return run("import", IBM, "--mapping", MAPPINGS / mapping, "--ledger", folder)


@needs_ibm
def test_the_third_party_export_is_taken_over_without_losing_an_invoice(tmp_path):
    done = import_ibm(tmp_path)
    assert done.exit_code == 0, done.output
    ledger = read_ledger(tmp_path)
    assert (ledger.invoices.height, ledger.payments.height, ledger.customers.height) == (2466, 2466, 100)
    settled = ledger.invoices.join(ledger.payments, on="invoice_id", validate="1:1")
    late_share = settled.select((pl.col("paid_on") > pl.col("due_on")).mean()).item()
    assert round(100 * late_share, 2) == 35.56
    assert "0000611365" in ledger.invoices["invoice_id"].to_list()
    report = json.loads((tmp_path / "import_report.json").read_text(encoding="utf-8"))
    assert report["tables"]["invoices"] == {
        "read": 2466,
        "accepted": 2466,
        "derived": 0,
        "quarantined": {},
        "rejected_share": 0.0,
    }
    assert any("no date of dispute" in note["en"] for note in report["assumptions"])
    assert report["ledger_fingerprint"] == ledger_fingerprint(ledger)
    assert report["last_known_on"] == "2014-01-09"
    assert not (tmp_path / "quarantine").exists()


@needs_ibm
def test_undated_disputes_are_visible_at_issue_or_left_out_by_mapping(tmp_path):
    assert import_ibm(tmp_path / "with").exit_code == 0
    assert import_ibm(tmp_path / "without", "ibm_accounts_receivable_without_disputed.yaml").exit_code == 0
    with_disputes, without = read_ledger(tmp_path / "with"), read_ledger(tmp_path / "without")
    assert without.disputes is None
    assert with_disputes.disputes is not None
    disputes = with_disputes.disputes.join(with_disputes.invoices, on="invoice_id", validate="1:1")
    exported = pl.read_csv(IBM, infer_schema=False)["Disputed"].eq("Yes").sum()
    assert disputes.height == exported
    assert disputes.select((pl.col("opened_on") < pl.col("issued_on")).all()).item()
    assert with_disputes.invoices.equals(without.invoices)


@needs_ibm
def test_a_repeated_import_gives_the_same_ledger(tmp_path):
    import_ibm(tmp_path)
    first = {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.parquet")}
    import_ibm(tmp_path)
    assert first == {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in tmp_path.glob("*.parquet")
    }


def test_the_french_export_is_taken_over_with_its_two_faulty_rows_named(tmp_path):
    mapping = MAPPINGS / "export_comptable_francais.yaml"
    done = run("import", FRENCH_FILES, "--mapping", mapping, "--ledger", tmp_path, "--language", "fr")
    assert done.exit_code == 0, done.output
    ledger = read_ledger(tmp_path)
    assert (ledger.customers.height, ledger.invoices.height, ledger.payments.height) == (9, 19, 15)
    invoice = ledger.invoices.row(by_predicate=pl.col("invoice_id") == "0002302", named=True)
    assert invoice["customer_id"] == "00411"
    assert invoice["amount"] == Decimal("12730.00")
    assert invoice["issued_on"] == dt.date(2023, 10, 22)
    assert invoice["terms"] == "45 jours fin de mois"
    credit = ledger.invoices.row(by_predicate=pl.col("kind") == "credit_note", named=True)
    assert credit["amount"] == Decimal("402.18")
    reversal = ledger.payments.row(by_predicate=pl.col("method") == "reversal", named=True)
    assert reversal["amount"] == Decimal("-640.80")
    names = dict(ledger.customers.select("customer_id", "name").iter_rows())
    assert names["00415"] == "Imprimerie Cœur-de-Loup"
    assert ledger.customers.filter("is_strategic")["customer_id"].to_list() == ["00412", "00419"]
    assert ledger.disputes is not None
    assert ledger.disputes["reason"].to_list() == ["price", "quantity"]
    assert ledger.disputes["closed_on"].to_list() == [dt.date(2023, 12, 27), None]
    aside = pl.read_parquet(tmp_path / "quarantine" / "invoices.parquet").row(0, named=True)
    assert aside["issued_on"] == "31/02/2024"
    assert aside["rule"] == "invoices.issued_on: unreadable date"
    assert aside["source_file"] == "factures_clients.csv"
    lines = (FRENCH_FILES / "factures_clients.csv").read_bytes().decode("cp1252").splitlines()
    assert "31/02/2024" in lines[aside["source_row"] - 1]
    assert "Grand livre" in done.output
    assert "illisible" in done.output
    assert "étiquettes changées : " in done.output
    assert "fin de mois : 5 échéances comptent d'abord les jours, 0 d'abord" in " ".join(done.output.split())


def test_a_language_that_is_not_there_is_refused(tmp_path):
    done = run("check", "--ledger", tmp_path, "--language", "de")
    assert done.exit_code == 2
    assert "'en', 'fr'" in done.output


def test_checking_an_imported_ledger_keeps_the_quarantine_of_its_import(tmp_path):
    mapping = MAPPINGS / "export_comptable_francais.yaml"
    assert run("import", FRENCH_FILES, "--mapping", mapping, "--ledger", tmp_path).exit_code == 0
    done = run("check", "--ledger", tmp_path)
    assert done.exit_code == 0, done.output
    report = json.loads((tmp_path / "check_report.json").read_text(encoding="utf-8"))
    assert report["tables"]["invoices"]["quarantined"] == {}
    assert (tmp_path / "quarantine" / "invoices.parquet").exists()


def test_the_optional_source_may_be_absent(tmp_path):
    files = [FRENCH_FILES / "factures_clients.csv", FRENCH_FILES / "reglements_clients.csv"]
    mapping = MAPPINGS / "export_comptable_francais.yaml"
    done = run("import", *files, "--mapping", mapping, "--ledger", tmp_path)
    assert done.exit_code == 0, done.output
    assert read_ledger(tmp_path).disputes is None
