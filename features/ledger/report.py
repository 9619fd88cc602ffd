"""What a check of the ledger found: rows read, accepted and quarantined by rule, notes and assumptions.

A rule is named "<table>.<column>: <fault>", for example "invoices.due_on: before issued_on". The name is
the same in the quarantine files, the printed table and the JSON report; `rule_in_french` gives the French
wording.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

#: Joins a fault and the word that was probably meant.
NEAREST: Final = "; the nearest is "
#: The faults a rule can name, with their French wording.
FAULTS_IN_FRENCH: Final[dict[str, str]] = {
    "missing": "manquant",
    "empty": "vide",
    "not above zero": "doit être supérieur à zéro",
    "zero": "nul",
    "more than two decimals": "plus de deux décimales",
    "unreadable date": "date illisible",
    "unreadable instant": "date et heure illisibles",
    "unreadable amount": "montant illisible",
    "unreadable number": "nombre illisible",
    "unreadable flag": "oui/non illisible",
    "unknown code": "code inconnu",
    "unknown word": "mot inconnu",
    "control or invisible character": "caractère de contrôle ou invisible",
    "word not in the mapping": "mot absent du mappage",
    "unreadable terms": "conditions de paiement illisibles",
    "not a finite number": "nombre non fini",
    "more cells than the header": "plus de cellules que l'en-tête",
    "exact copy of another row": "copie exacte d'une autre ligne",
    "same id, different content": "même identifiant, contenu différent",
    "copy under another spelling of its id": "copie sous une autre graphie de l'identifiant",
    "several ids differ in spelling only": "plusieurs identifiants ne diffèrent que par la graphie",
    "before 1990": "avant 1990",
    "years after every other invoice": "plusieurs années après toutes les autres factures",
    "years after issued_on": "plusieurs années après la date d'émission",
    "years after the last due date": "plusieurs années après la dernière échéance",
    "before issued_on": "avant la date d'émission",
    "before opened_on": "avant l'ouverture",
    "no such invoice": "facture inconnue",
    "its invoice is in quarantine": "sa facture est en quarantaine",
    "another row of it is in quarantine": "une autre de ses lignes est en quarantaine",
    "not found in the lookup": "introuvable dans la source consultée",
    "several answers in the lookup": "plusieurs réponses dans la source consultée",
    "no such customer": "client inconnu",
    "merged in a circle": "fusion en boucle",
    "a credit note has no instalments": "un avoir n'a pas d'échéances",
    "another invoice has the id of its receivable": "une autre facture porte l'identifiant de cette échéance",
    "the instalments do not add up to the invoice": "la somme des échéances n'est pas celle de la facture",
    "neither invoice nor customer": "ni facture ni client",
    "not the customer of its invoice": "autre client que celui de la facture",
    "means nothing without an invoice": "n'a pas de sens sans facture",
    "paid in another currency than its invoice": "payé dans une autre devise que la facture",
    "negative without method reversal or refund": "négatif sans la méthode reversal ou refund",
    "reversal or refund above zero": "annulation ou remboursement de signe positif",
    "on a row that is no reversal": "sur une ligne qui n'est pas une annulation",
}


def rule_in_french(rule: str) -> str:
    """The French wording of a rule's name; the column keeps its name."""
    column, _, fault = rule.partition(": ")
    named, _, nearest = fault.partition(NEAREST)
    hint = f" ; le plus proche est {nearest}" if nearest else ""
    return f"{column} : {FAULTS_IN_FRENCH[named]}{hint}"


@dataclass(frozen=True)
class Note:
    """Something the person should know of, in both languages, that rejects no row.

    Attributes:
        en: the English sentence.
        fr: the French sentence.
        count: rows or values concerned, None where counting makes no sense.
    """

    en: str
    fr: str
    count: int | None = None


@dataclass(frozen=True)
class TableReport:
    """Rows of one table.

    Attributes:
        table: name of the table.
        read: rows read, quarantined ones included, derived ones not.
        accepted: rows that are in the ledger.
        quarantined: rows put aside, by rule; a row with several faults counts under its first rule.
        derived: rows the check added (customers known from their invoices only).
    """

    table: str
    read: int
    accepted: int
    quarantined: Mapping[str, int]
    derived: int = 0

    @property
    def rejected_share(self) -> float:
        """Share of the rows read that are in quarantine, from 0 to 1; 0 for an empty table."""
        return sum(self.quarantined.values()) / self.read if self.read else 0.0


@dataclass(frozen=True)
class CheckReport:
    """The outcome of a check.

    Attributes:
        tables: one entry per table, in contract order.
        warnings: what deserves a look.
        assumptions: what the source did not say and was assumed; each changes what the figures mean.
    """

    tables: tuple[TableReport, ...]
    warnings: tuple[Note, ...] = ()
    assumptions: tuple[Note, ...] = ()

    @property
    def quarantined_rows(self) -> int:
        """Rows in quarantine over all tables."""
        return sum(sum(table.quarantined.values()) for table in self.tables)

    def table(self, name: str) -> TableReport:
        """The entry of one table."""
        return next(entry for entry in self.tables if entry.table == name)

    def to_dict(self) -> dict[str, Any]:
        """The report as plain values for a JSON file."""
        return {
            "tables": {
                entry.table: {
                    "read": entry.read,
                    "accepted": entry.accepted,
                    "derived": entry.derived,
                    "quarantined": dict(entry.quarantined),
                    "rejected_share": entry.rejected_share,
                }
                for entry in self.tables
            },
            "warnings": [{"en": note.en, "fr": note.fr, "count": note.count} for note in self.warnings],
            "assumptions": [{"en": note.en, "fr": note.fr, "count": note.count} for note in self.assumptions],
        }
