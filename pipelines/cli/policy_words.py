"""What `encours policy` says, in English and French."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

#: Field of `Totals` -> heading in English and French.
FIGURES: Final = {
    "contacts": ("contacts", "contacts"),
    "calls": ("calls", "appels"),
    "automatic": ("automatic", "automatiques"),
    "approvals": ("approvals", "approbations"),
    "asked_amounts": ("asked", "demandé"),
    "claimed_amount": ("claimed", "réclamé en sus"),
    "cost_amount": ("cost", "coût"),
    "net_benefit_amount": ("net benefit (assumed)", "gain net (supposé)"),
}
#: Dimension of a mix -> heading in English and French.
DIMENSIONS: Final = {
    "sequence": ("sequence", "séquence"),
    "channel": ("channel", "canal"),
    "tone": ("tone", "ton"),
    "who": ("who acts", "qui agit"),
    "gate": ("gate", "porte"),
    "weekday": ("weekday", "jour de la semaine"),
}
#: What the commands say, in English and French.
WORDS: Final = {
    "usable": ("usable", "utilisable"),
    "proven": (
        "{routes} routes take {cases} cases, each exactly one; {sequences} sequences, {texts} texts in French and "
        "English",
        "{routes} lignes couvrent {cases} cas, un seul chacun ; {sequences} séquences, {texts} textes en français et "
        "en anglais",
    ),
    "law": (
        "late-payment interest can be reckoned from {first} to {last}; later days claim none until the rates are "
        "added to the legal file",
        "pénalités de retard calculables du {first} au {last} ; au-delà rien n'est réclamé tant que les taux ne sont "
        "pas ajoutés au fichier légal",
    ),
    "warning": ("warning", "attention"),
    "legal": (
        "late-payment rates of {jurisdiction}, percent a year; read from {path}",
        "taux de pénalité de retard ({jurisdiction}), en pour cent par an ; lus dans {path}",
    ),
    "semesters": (
        "semester|ECB|without clause|legal rate|floor of a clause",
        "semestre|BCE|sans clause|taux légal|plancher d'une clause",
    ),
    "sources": ("read in", "lu dans"),
    "missing": ("missing", "manque"),
    "reckoned": (
        "interest can be reckoned up to {last}",
        "pénalités calculables jusqu'au {last}",
    ),
    "add": (
        "next semester: write under `{name}` in the legal file, with the value, its source, and `verified: true` once "
        "you have read it",
        "semestre suivant : écrire sous `{name}` dans le fichier légal, avec la valeur, sa source, et `verified: true` "
        "après lecture",
    ),
    "place": (
        "an installed Encours reads {beside} (a copy of the file shown, beside the policy file) instead of the one "
        "shipped; then raise the policy's version, so that a running service reads both again",
        "un Encours installé lit {beside} (copie du fichier ci-dessus, à côté de la politique) à la place du fichier "
        "livré ; changer ensuite la version de la politique, pour qu'un service en marche relise les deux",
    ),
    "next": ("next", "ensuite"),
    "replay": ("replay of {policy}, {first} to {last}", "rejeu de {policy}, du {first} au {last}"),
    "simulation": (
        "simulation of {policy} on {day}, {count} open invoices",
        "simulation de {policy} le {day}, {count} factures ouvertes",
    ),
    "night": (
        "tonight: {talks} conversations with {customers} customers, {automatic} automatic, {approvals} to approve, "
        "{waiting} calls or letters wait",
        "cette nuit : {talks} conversations avec {customers} clients, {automatic} automatiques, {approvals} à "
        "approuver, {waiting} appels ou courriers en attente",
    ),
    "line": ("segment|decisions|changed", "segment|décisions|changées"),
    "sides replay": ("stored|replayed", "enregistré|rejoué"),
    "sides simulate": ("live|simulated", "en place|simulé"),
    "figures": ("segment|figure", "segment|chiffre"),
    "decisions": ("{count} decisions, {changed} changed", "{count} décisions, {changed} changées"),
    "bounds": (
        "row {row}: at most {count} instalments within {days} days, the first of {first} or more; granted by: {level}",
        "ligne {row} : au plus {count} échéances en {days} jours, la première d'au moins {first} ; accordé par : "
        "{level}",
    ),
    "granted": ("the plan may be granted by: {level}", "le plan peut être accordé par : {level}"),
    "impossible": (
        "nobody can grant this plan: correct it first",
        "personne ne peut accorder ce plan : le corriger d'abord",
    ),
    "mix": (
        "actions for every 1,000 invoices: due tonight, and as next step on whichever day",
        "actions pour 1 000 factures : dues cette nuit, et comme prochaine étape quel que soit le jour",
    ),
    "mix columns": ("by|value", "selon|valeur"),
    "mix sides": ("tonight|next step", "cette nuit|prochaine étape"),
    "mix totals": (
        "{side}{count} open invoices; large amounts whose next step is automatic: {share} of {large}; calls as next "
        "step: {calls} in 1,000; steps on a day off: {off}",
        "{side}{count} factures ouvertes ; gros montants dont la prochaine étape est automatique : {share} de "
        "{large} ; appels comme prochaine étape : {calls} pour 1 000 ; étapes un jour chômé : {off}",
    ),
    "mix of": ("mix of the decisions of {day}", "répartition des décisions du {day}"),
    "undecided": (
        "{count} cases without a stored decision were left out",
        "{count} cas sans décision enregistrée laissés de côté",
    ),
    "differ": (
        "{count} decisions differ; --out FILE writes them",
        "{count} décisions diffèrent ; --out FICHIER les écrit",
    ),
    "wrote": (
        "wrote {count} differing decisions to {path}",
        "{count} décisions différentes écrites dans {path}",
    ),
}


def place_of(language: str) -> int:
    """Place of a language in the pairs of this module: English for every language but French."""
    return 1 if language == "fr" else 0


def speaker(language: str) -> Callable[..., str]:
    """What says a sentence of `WORDS` in one language."""

    def say(name: str, /, **values: object) -> str:
        return WORDS[name][place_of(language)].format(**values)

    return say
