"""One of each kind is added to a copy of the source, as docs/extending.md says, and arrives everywhere.

Then one part is left out, and the program or a test names it.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COPIED = (
    "features", "models", "serving", "pipelines", "data_samples", "tests", "docs",
    "pyproject.toml", "babel.cfg", "Makefile",
)  # fmt: skip


@dataclass(frozen=True)
class Copy:
    """A copy of the source that a test may change."""

    folder: Path

    def edit(self, path: str, old: str, new: str) -> None:
        text = self.read(path)
        assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {path}"
        self.write(path, text.replace(old, new))

    def read(self, path: str) -> str:
        return (self.folder / path).read_text(encoding="utf-8")

    def after(self, path: str, line: str, added: str) -> None:
        self.edit(path, line, line + added)

    def write(self, path: str, text: str) -> None:
        (self.folder / path).parent.mkdir(parents=True, exist_ok=True)
        (self.folder / path).write_text(text, encoding="utf-8")

    def call(self, *command: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            command,
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": str(self.folder), "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )

    def run(self, *command: str) -> str:
        done = self.call(*command)
        assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
        return done.stdout

    def python(self, script: str) -> str:
        """Run a script that shows something; it fails where an assertion in it does."""
        return self.run(sys.executable, "-c", PREAMBLE + script)

    def error_of(self, script: str) -> str:
        """What a script says that must fail."""
        done = self.call(sys.executable, "-c", PREAMBLE + script)
        assert done.returncode != 0, done.stdout
        return done.stderr.strip()

    def failing(self, *tests: str) -> str:
        """What the tests of the copy say, which must fail."""
        done = self.call(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
        assert done.returncode == 1, done.stdout[-3000:]
        return done.stdout

    def passing(self, *tests: str) -> None:
        self.run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)

    def translate(self) -> None:
        bin_folder = Path(sys.executable).parent
        self.run("make", "-o", "setup", f"BIN={bin_folder}", "messages")


PREAMBLE = """
import features, pathlib
assert pathlib.Path(features.__file__).parents[1] == pathlib.Path.cwd(), "another checkout is imported"
"""


@pytest.fixture
def make_copy(tmp_path: Path) -> Callable[[str], Copy]:
    def make(name: str) -> Copy:
        folder = tmp_path / name
        for part in COPIED:
            source = ROOT / part
            if source.is_dir():
                shutil.copytree(source, folder / part)
            else:
                folder.mkdir(exist_ok=True)
                shutil.copy2(source, folder / part)
        return Copy(folder)

    return make


@pytest.fixture
def copy(make_copy: Callable[[str], Copy]) -> Copy:
    return make_copy("copy")


# -------------------------------------------------------------------------------------------------- a horizon

HORIZONS = "HORIZONS: Final = (0, 7, 15, 30, 60, 90)"


def test_a_horizon_reaches_label_model_answer_page_and_policy(copy):
    copy.edit("features/words.py", HORIZONS, "HORIZONS: Final = (0, 7, 15, 30, 45, 60, 90)")
    assert "run: python -m features.words_page" in copy.failing("tests/unit/test_words.py", "-k", "current")
    copy.run(sys.executable, "-m", "features.words_page")
    assert "`30`, `45`, `60`" in copy.read("docs/words.md")
    copy.python("""
from decimal import Decimal
from models.score import score
from models.target import Target, labels, outcomes
from serving.accounts.cases import scored_invoice
from serving.dunning import AccountFacts
from tests.model_samples import CUTOFF, bundle, portfolio, unseen

sample = portfolio()
assert "is_unpaid_45d" in labels(outcomes(sample.landmarks, sample.settlements, CUTOFF), Target(0)).columns
assert 45 in bundle().hazard.intervals.bounds
features, landmarks = unseen()
found = score(bundle(), features.head(5), landmarks.head(5), with_reasons=False)
row = found.frame().row(0, named=True)
assert row["unpaid_probability_30d"] >= row["unpaid_probability_45d"] >= row["unpaid_probability_60d"] > 0
first, mark = found.rows()[0], landmarks.row(0, named=True)
seen = scored_invoice(first, mark["issued_on"], mark["due_on"], Decimal(100), "EUR", AccountFacts(Decimal(100)))
assert dict(seen.unpaid_probability)[45] == row["unpaid_probability_45d"]
""")


def test_a_model_of_earlier_horizons_is_refused_by_day(copy):
    copy.edit("features/words.py", HORIZONS, "HORIZONS: Final = (0, 7, 15, 30, 45, 60, 90)")
    error = copy.error_of("from models.intervals import Intervals; Intervals((0, 7, 15, 30, 60, 90, 120))")
    assert "contain [0, 7, 15, 30, 45, 60, 90]" in error


def test_the_horizon_of_the_grades_cannot_be_left_out(copy):
    copy.edit("features/words.py", HORIZONS, "HORIZONS: Final = (0, 7, 15, 60, 90)")
    error = copy.error_of("import models.score")
    assert error.endswith("TypeError: HORIZONS lacks 30, the horizon of p_late_30 and of grades D and E")


# --------------------------------------------------------------------------------------------- an e-mail label

LAST_LABEL = """        blocked_by=frozenset({"other_sense"}),
        negation="nowhere",
        can_be_over=False,
    ),
"""
SHOWN = """        shown_fr="demande une remise",
"""
LABEL = f"""    SignalLabel(
        name="discount_request",
        mails_fr="demandes de remise",
        mails_en="requests for a discount",
{SHOWN}        shown_en="asks for a discount",
        is_grave=False,
        raises_risk=True,
        blocked_by=frozenset({{"negated"}}),
        negation="before",
        can_be_over=False,
    ),
"""
READ = """
import numpy as np
from datetime import date
from features.email import Mail
from features.email.artefact import SignalArtefact
from features.email.pipeline import SignalPipeline
from features.email.vectors import mention_feature_names
from features.signal_labels import LABELS

names, one = mention_feature_names(), np.ones(len(LABELS), dtype=np.float32)
weights = np.zeros((len(names), len(LABELS)), dtype=np.float32)
weights[names.index("discount_request:strong"), LABELS.index("discount_request")] = 12.0
artefact = SignalArtefact(
    terms=(), idf=np.zeros(0, dtype=np.float32), text_weights=np.zeros((0, len(LABELS)), dtype=np.float32),
    mention_weights=weights, intercepts=-6 * one, calibration=np.stack([one, 0 * one]), decide_at=0.5 * one,
    unsure_from=0.4 * one, description={},
)
mail = Mail("1", date(2026, 3, 2), "Facture 12", "Bonjour,\\n\\nPouvez-vous accorder une remise ?\\n\\nMerci")
read = SignalPipeline(artefact).read(mail)
assert read.labels == ("discount_request",), read
"""


def declare_label(copy: Copy, label: str = LABEL) -> None:
    copy.after("features/signal_labels.py", LAST_LABEL, label)


def write_cues(copy: Copy) -> None:
    copy.write("features/email/cues/lists/discount_request.txt", "[fr strong]\naccorder . (remise|rabais)\n")


def write_examples(copy: Copy) -> None:
    copy.after(
        "models/email_reader/baselines.py",
        "KEYWORDS: dict[str, tuple[str, ...]] = {\n",
        '    "discount_request": ("remise", "rabais", "discount"),\n',
    )
    line = (
        '{"labels": ["discount_request"], "language": "fr", "subject": "Remise", "body": "Une remise ?", '
        '"id": "new-1", "sent_on": "2026-03-02"}'
    )
    samples = copy.folder / "data_samples/emails/training/labelled_emails.jsonl"
    samples.write_text(samples.read_text(encoding="utf-8") + line + "\n", encoding="utf-8")


def test_a_label_reaches_reader_signals_features_and_pages(copy):
    declare_label(copy)
    write_cues(copy)
    write_examples(copy)
    copy.passing("tests/unit/test_signal_label_table.py", "-k", "every_label")
    copy.run(sys.executable, "-m", "features.groups.catalogue_page")
    words = "requests for a discount over 90 days | demandes de remise sur 90 jours"
    assert words in copy.read("docs/features.md")
    copy.python(
        READ
        + """
from features.groups.catalogue import COLUMNS_BY_NAME
from features.signal_labels import signals_schema
from serving.pages.rendering import _environment

assert {"discount_request", "discount_request_unsure"} <= set(signals_schema())
assert COLUMNS_BY_NAME["mail_discount_request_count_90d"].direction == 1
assert _environment("fr").from_string("{{ name|signal }}").render(name="discount_request") == "demande une remise"
"""
    )


def test_a_label_with_a_part_left_out_is_refused_by_name(make_copy):
    without_words = make_copy("words")
    declare_label(without_words, LABEL.replace(SHOWN, ""))
    error = without_words.error_of("import features.signal_labels")
    assert error.endswith("missing 1 required keyword-only argument: 'shown_fr'")

    without_cues = make_copy("cues")
    declare_label(without_cues)
    assert without_cues.error_of(READ).endswith("lists/discount_request.txt'")
    write_cues(without_cues)
    report = without_cues.failing("tests/unit/test_signal_label_table.py", "-k", "every_label")
    assert "discount_request" in report
    untrained = "from features.email import load_pipeline; load_pipeline()"
    assert "labels differ from those of this version" in without_cues.error_of(untrained)


# -------------------------------------------------------------------------------------------------------- a gate

GATE_FUNCTION = """def _factored(case: Case, policy: Policy, on: date) -> GateHit | None:
    gate = policy.spec.gates.factored
    return hit("factored", gate.why, gate.sequence) if case.account.is_factored else None


"""


def list_gate(copy: Copy) -> None:
    copy.after("serving/dunning/words.py", 'StoppingGateId = Literal[\n    "settled",\n', '    "factored",\n')


def declare_gate(copy: Copy) -> None:
    copy.after("serving/dunning/policy/gates.py", "    settled: Gate\n", "    factored: Gate\n")


def ask_gate(copy: Copy) -> None:
    stopping = "serving/dunning/deciding/gates/stopping.py"
    copy.after(stopping, '    "settled": _settled,\n', '    "factored": _factored,\n')
    copy.edit(stopping, "def _insolvency(case", GATE_FUNCTION + "def _insolvency(case")
    copy.after(
        "serving/dunning/deciding/facts/account.py",
        "    has_open_dispute: bool = False\n",
        "    is_factored: bool = False\n",
    )
    copy.edit(
        "serving/dunning/deciding/facts/account.py",
        "        has_open_dispute: a dispute",
        "        is_factored: the receivable was sold to a factor.\n        has_open_dispute: a dispute",
    )
    copy.edit(
        "serving/accounts/facts.py",
        "        has_open_dispute=invoice",
        "        is_factored=invoice.status == lifecycle(225),\n        has_open_dispute=invoice",
    )


def write_gate_in_policy(copy: Copy) -> None:
    copy.edit(
        "serving/dunning/policies/default_fr_eu.yaml",
        "  insolvency:\n    sequence: insolvency\n",
        "  factored:\n    sequence: hold\n"
        '    why: {fr: "Créance cédée à un factor.", en: "The receivable was sold to a factor."}\n'
        "  insolvency:\n    sequence: insolvency\n",
    )


def test_a_gate_reaches_decision_policy_file_and_documents(copy):
    list_gate(copy)
    declare_gate(copy)
    ask_gate(copy)
    refusal = copy.error_of("from serving.dunning import load_policy; load_policy()")
    assert "gates.factored" in refusal
    write_gate_in_policy(copy)
    assert "run: python -m serving.dunning.policy.tables_page" in copy.failing(
        "tests/unit/test_dunning_docs.py"
    )
    copy.run(sys.executable, "-m", "serving.dunning.policy.tables_page")
    assert "| factored | hold | Créance cédée à un factor. |" in copy.read("docs/dunning_fr.md")
    copy.python("""
from datetime import date
import pytest
from serving.dunning import Case, GATE_IDS
from tests.property.test_dunning_decisions import test_every_value_a_gate_may_write_is_filled_in as fills_in
from tests.dunning_samples import account, decided, scored

assert GATE_IDS[:3] == ("settled", "factored", "insolvency")
sold = decided(Case(scored(), account(is_factored=True, is_insolvent=True)), date(2025, 10, 9))
assert (sold.gate_id, sold.sequence_id) == ("factored", "hold")
assert [reason.rule_id for reason in sold.why][:2] == ["gate.factored", "gate.insolvency"]
with pytest.raises(KeyError, match="factored"):
    fills_in("factored")  # HOLDING says on which facts each gate holds
""")


def test_a_gate_with_a_part_left_out_is_refused_by_name(copy):
    list_gate(copy)
    load = "from serving.dunning import load_policy; load_policy()"
    assert "factored is missing from serving.dunning.policy.gates.Gates" in copy.error_of(load)
    declare_gate(copy)
    missing = "factored is missing from serving.dunning.deciding.gates.stopping._GATES"
    assert missing in copy.error_of(load)
    copy.edit("serving/dunning/words.py", '    "factored",\n', "")
    assert "factored of serving.dunning.policy.gates.Gates is in no list of gates" in copy.error_of(load)


# ---------------------------------------------------------------------------------------------- a feature column

TREND = "features/groups/order_trend.py"
DECLARED = '*declare(NAME, "invoiced_count", (30, 90, 365),'
REFERENCE = "tests/property/reference_features.py"


def declare_column(copy: Copy) -> None:
    copy.edit(TREND, DECLARED, DECLARED.replace("30, 90", "30, 60, 90"))


def compute_column(copy: Copy) -> None:
    copy.edit(TREND, "for days in (30, 90, 365)", "for days in (30, 60, 90, 365)")


def define_in_reference(copy: Copy) -> None:
    line = '        "invoiced_count_30d": len(chosen(30)),\n'
    copy.after(REFERENCE, line, line.replace("30", "60"))


FINGERPRINT = "tests/unit/test_catalogue_fingerprint.py"


def test_a_feature_column_reaches_catalogue_page_and_every_computation(copy):
    declare_column(copy)
    compute_column(copy)
    define_in_reference(copy)
    assert "run: python -m features.groups.catalogue_page" in copy.failing(
        "tests/unit/test_catalogue_page.py"
    )
    copy.run(sys.executable, "-m", "features.groups.catalogue_page")
    assert "| `invoiced_count_60d` | count | 60d |" in copy.read("docs/features.md")
    report = copy.failing(FINGERPRINT, "-k", "changed_column")
    [new] = set(re.findall(r"assert '[0-9a-f]{16}' == '([0-9a-f]{16})'", report))  # shown once or twice
    copy.edit("features/groups/catalogue.py", 'VERSION: Final = "6"', 'VERSION: Final = "7"')
    copy.edit(FINGERPRINT, '"6": "', f'"7": "{new}", "6": "')
    copy.python("""
from features.asof import PaymentHistory
from features.groups.catalogue import FEATURE_NAMES
from features.groups.compute import compute_features, feature_matrix
from models.explanation.groups import group_label, group_of
from features.groups.catalogue import COLUMNS_BY_NAME
from tests.property.reference_features import reference_features
from tests.unit.test_catalogue_fingerprint import (
    fixed_landmarks, fixed_ledger, fixed_signals, test_a_changed_column_changes_the_version_of_the_catalogue as same,
)

same()
name, book = "invoiced_count_60d", fixed_ledger()
history, marks = PaymentHistory.from_ledger(book, signals=fixed_signals()), fixed_landmarks(book)
values = compute_features(history, marks)[name].to_list()
assert max(values) > 0
assert values == feature_matrix(history, marks)[FEATURE_NAMES.index(name)].tolist()
assert values == [row[name] for row in reference_features(book, fixed_signals(), marks)]
assert group_label(group_of(COLUMNS_BY_NAME[name])).fr == "évolution de la facturation"
""")


def test_a_feature_column_with_a_part_left_out_is_refused_by_name(copy):
    compute = """
from features.asof import PaymentHistory
from features.groups.compute import compute_features
from tests.unit.test_catalogue_fingerprint import fixed_landmarks, fixed_ledger
compute_features(PaymentHistory.from_ledger(fixed_ledger()), fixed_landmarks(fixed_ledger()))
"""
    differing = "TypeError: group order_trend: only declared, or only computed: invoiced_count_60d"
    declare_column(copy)
    assert copy.error_of(compute).endswith(differing)
    compute_column(copy)
    assert "KeyError: 'invoiced_count_60d'" in copy.failing(FINGERPRINT, "-k", "changed_column")
    copy.edit(TREND, DECLARED.replace("30, 90", "30, 60, 90"), DECLARED)
    assert copy.error_of(compute).endswith(differing)


def test_another_meaning_of_a_column_needs_another_version(copy):
    copy.edit(REFERENCE, '"invoiced_count_30d": len(chosen(30)),', '"invoiced_count_30d": len(chosen(31)),')
    assert "test_a_changed_column_changes_the_version" in copy.failing(FINGERPRINT, "-k", "changed_column")


# -------------------------------------------------------------------------------------------- an importer format

FORMATS = "features/ledger/importing/formats/__init__.py"
LINES = '''"""Exports with one JSON object on each line."""

from __future__ import annotations

from collections.abc import Mapping

import polars as pl

from features.ledger.importing.mapping import Source
from features.ledger.importing.text_files import RawTable, numbered_rows, refuse_missing_columns


def read_lines(content: bytes, spec: Source, needed: Mapping[str, str], name: str) -> RawTable:
    """The fields of each line, as text."""
    rows = pl.read_ndjson(content)
    refuse_missing_columns(rows.columns, needed, name)
    return RawTable(numbered_rows(rows.select(pl.col(list(needed)).cast(pl.String)), 1), is_typed=True)
'''
IMPORT = """
from pathlib import Path
from features.ledger.importing import import_files, load_mapping

folder = Path("export"); folder.mkdir(exist_ok=True)
(folder / "invoices.jsonl").write_text(
    '{"no": "F1", "who": "C1", "issued": "2026-01-05", "due": "2026-02-04", "sum": 120.5, "paid": "2026-02-10"}\\n')
Path("mapping.yaml").write_text('''version: 1
formats: {dates: [yyyy-mm-dd], decimal: "."}
tables:
  invoices:
    columns: {invoice_id: no, customer_id: who, issued_on: issued, due_on: due, amount: sum, currency: {constant: EUR}}
  payments:
    columns: {payment_id: no, invoice_id: no, paid_on: paid, amount: sum}
''')
done = import_files([folder], load_mapping(Path("mapping.yaml")))
print(done.checked.ledger.invoices.select("invoice_id", "amount").rows(), done.checked.ledger.payments.height)
"""


def declare_format(copy: Copy, read: str = ", read=read_lines") -> None:
    copy.edit(
        FORMATS,
        'FileFormat(name="Parquet"',
        f'FileFormat(name="JSON lines", endings=(".jsonl",), starts=(){read}),\n    FileFormat(name="Parquet"',
    )
    copy.edit(
        FORMATS,
        "from features.ledger.importing.formats.parquet",
        "from features.ledger.importing.formats.lines import read_lines\n"
        "from features.ledger.importing.formats.parquet",
    )


def test_an_importer_format_is_found_in_a_folder_and_read(copy):
    copy.write("features/ledger/importing/formats/lines.py", LINES)
    declare_format(copy)
    assert copy.python(IMPORT).strip() == "[('F1', Decimal('120.50'))] 1"
    pdf = IMPORT.replace('"invoices.jsonl"', '"invoices.csv"').replace('\'{"no"', '\'%PDF{"no"')
    assert "expected CSV, XLSX, JSON lines or Parquet" in copy.error_of(
        pdf.replace("[folder]", '[folder / "invoices.csv"]')
    )


def test_an_importer_format_with_a_part_left_out_is_refused_by_name(copy):
    copy.write("features/ledger/importing/formats/lines.py", LINES)
    assert "export: no such file" in copy.error_of(IMPORT)
    declare_format(copy, read="")
    assert copy.error_of(IMPORT).endswith("missing 1 required keyword-only argument: 'read'")


# --------------------------------------------------------------------------------------------------------- a page

MESSAGES = "features/messages.py"
CATALOGUES = "tests/unit/test_message_catalogue.py"
APP = "serving/pages/app.py"
HANDLER = '''"""The page of the policy in force."""

from __future__ import annotations

from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from serving.pages.readers import Reader

if TYPE_CHECKING:
    from serving.pages.app import Pages


async def policy_page(pages: Pages, request: Request, reader: Reader) -> Response:
    """Show which policy decides."""
    policy = pages.worker.policy.current
    return await pages.render("policy.html", request, reader, spec=None if policy is None else policy.value.spec)
'''
TEMPLATE = """{% extends "base.html" %}
{% block title %}{{ _("Rules in force") }}{% endblock %}
{% block main %}<h1>{{ _("Rules in force") }}</h1>{% if spec %}<p>{{ spec.policy.version }}</p>{% endif %}{% endblock %}
"""
PAGE = '    Page(path="/policy", method="GET", scope=Scope.READ, title=localized("Rules"), handler=policy_page),\n'
VISIT = """
import datetime as dt, tempfile, warnings
warnings.simplefilter("ignore")
from starlette.testclient import TestClient
from serving.api.app import build_app
from serving.api.worker import ScoreWorker
from serving.operations.settings import read_settings
from serving.security.access import Scope, make_key, write_keys

now = dt.datetime(2026, 3, 2, 9, 30, tzinfo=dt.UTC)
settings = read_settings({"ENCOURS_HOME": tempfile.mkdtemp()})
keys = [make_key(scope.value, [scope], None, settings.secret(), now) for scope in (Scope.READ, Scope.SCORE)]
write_keys(settings.keys_path, [key for key, _ in keys])
worker = ScoreWorker(settings, now=lambda: now)
app = build_app(worker)

def client(text=None, language="fr"):
    made = TestClient(app, headers={"accept-language": language}, raise_server_exceptions=True)
    if text:
        assert made.post("/sign-in", data={"key": text}, follow_redirects=False).status_code == 303
    return made
"""


def declare_page(copy: Copy, page: str = PAGE) -> None:
    copy.write("serving/pages/policy.py", HANDLER)
    copy.after(APP, "PAGES: Final[tuple[Page, ...]] = (\n", page)
    copy.edit(
        APP,
        "from serving.pages.portfolio import",
        "from serving.pages.policy import policy_page\nfrom serving.pages.portfolio import",
    )


def test_a_page_has_a_route_a_sign_in_and_a_place_in_the_navigation(copy):
    declare_page(copy)
    copy.write("serving/pages/templates/policy.html", TEMPLATE)
    copy.translate()
    assert "encours.po: Rules; Rules in force" in copy.failing(CATALOGUES, "-k", "is_translated")
    catalogue = "features/locale/fr/LC_MESSAGES/encours.po"
    copy.edit(catalogue, 'msgid "Rules"\nmsgstr ""', 'msgid "Rules"\nmsgstr "Règles"')
    copy.edit(
        catalogue, 'msgid "Rules in force"\nmsgstr ""', 'msgid "Rules in force"\nmsgstr "Règles en vigueur"'
    )
    copy.translate()
    copy.python(
        VISIT
        + """
nobody = client().get("/policy", follow_redirects=False)
assert (nobody.status_code, nobody.headers["location"]) == (303, "/sign-in")
assert client(keys[1][1]).get("/policy").status_code == 403
reader = client(keys[0][1])
page = reader.get("/policy")
assert page.status_code == 200
assert "<title>Règles en vigueur · Encours</title>" in page.text
assert '<a href="/policy" aria-current="page">Règles</a>' in page.text
for other in ("/tonight", "/portfolio"):
    assert '<a href="/policy">Règles</a>' in reader.get(other).text
assert '<a href="/policy">Rules</a>' in reader.get("/customers/unknown?lang=en").text
assert "/policy" not in client().get("/sign-in").text
worker.close()
"""
    )


def test_a_page_with_a_part_left_out_is_refused_by_name(copy):
    declare_page(copy)
    report = copy.failing("tests/unit/test_pages_of_figures.py", "-k", "template")
    assert "policy.html" in report
    copy.edit(APP, PAGE, PAGE.replace("scope=Scope.READ, ", ""))
    error = copy.error_of("import serving.pages.app")
    assert error.endswith("missing 1 required keyword-only argument: 'scope'")


# ----------------------------------------------------------------------------------------------------- a language

WRITING = """    "de": Writing(
        name="Deutsch",
        thousands=".",
        decimal=",",
        before_percent=NARROW_SPACE,
        day="{day:%d.%m.%Y}",
        day_on_a_page="{day:%d.%m.%Y}",
        has_spaced_punctuation=False,
    ),
"""


def list_language(copy: Copy) -> None:
    copy.edit(MESSAGES, 'Language = Literal["fr", "en"]', 'Language = Literal["fr", "en", "de"]')


def declare_writing(copy: Copy) -> None:
    copy.after(MESSAGES, "WRITING: Final[Mapping[Language, Writing]] = {\n", WRITING)


def test_a_language_is_a_catalogue_and_a_way_of_writing(copy):
    list_language(copy)
    declare_writing(copy)
    (copy.folder / "features/locale/de").mkdir()
    copy.translate()
    catalogue = "features/locale/de/LC_MESSAGES/encours.po"
    copy.edit(catalogue, 'msgid "Portfolio"\nmsgstr ""', 'msgid "Portfolio"\nmsgstr "Bestand"')
    share = 'msgid "{share:.2%} of {table} is in quarantine"\nmsgstr "'
    copy.edit(catalogue, share, share + "{share:.2%} von {table} sind in Quarantäne")
    copy.translate()
    listed = copy.failing(CATALOGUES, "-k", "is_translated and de")
    assert "translate these in features/locale/de/LC_MESSAGES/encours.po: " in listed
    assert "; Sign out; " in listed
    copy.python(
        VISIT
        + """
from decimal import Decimal
from features.messages import localized, written_number

assert written_number(Decimal("1234.5"), "de") == "1.234,5"
share = localized("{share:.2%} of {table} is in quarantine", share=0.0625, table="payments")
assert share.in_language("de") == "6,25\u202f% von payments sind in Quarantäne"
assert localized("an empty key").in_language("de") == "an empty key"
page = client(keys[0][1], language="de-AT").get("/portfolio").text
assert '<html lang="de">' in page
assert '<a href="/portfolio" aria-current="page">Bestand</a>' in page
assert "Sign out" in page
assert '<a href="/portfolio?lang=fr" lang="fr" hreflang="fr">Français</a>' in page
assert '<a href="/portfolio?lang=en" lang="en" hreflang="en">English</a>' in page
assert "Deutsch</a>" in client(keys[0][1]).get("/portfolio").text
worker.close()
"""
    )


def test_a_language_with_a_part_left_out_is_refused_by_name(copy):
    list_language(copy)
    say = "from features.messages import localized; localized('an empty key').in_language('de')"
    assert "TypeError: WRITING lacks the language de" in copy.error_of(say)
    declare_writing(copy)
    missing = "FileNotFoundError: language de has no catalogue locale/de: run `make messages`"
    assert copy.error_of(say).endswith(missing)
    assert "test_every_language_of_the_program_has_a_catalogue" in copy.failing(
        CATALOGUES, "-k", "has_a_catalogue"
    )
