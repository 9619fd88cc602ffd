"""The faults of policy and legal files in French: one pattern for each sentence the checks can say."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from features.errors import Fault, InvalidInputError

_KINDS: Final = {
    "dunning sequence": "séquence de relance",
    "gate sequence": "séquence de porte",
    "approval level": "niveau d'approbation",
    "money band": "tranche de montant",
    "template": "modèle de texte",
}
_LANGUAGES: Final = {"French": "français", "English": "anglais"}

_SENTENCES: Final[Sequence[tuple[str, str]]] = (
    # summaries
    (r"policy (.+) cannot be used \(references .+\)",
     r"la politique \1 n'est pas utilisable (renvois et portée sont vérifiés une fois la forme correcte)"),
    (r"policy (.+) cannot be used", r"la politique \1 n'est pas utilisable"),
    (r"legal file (.+) cannot be used", r"le fichier légal \1 n'est pas utilisable"),
    (r"no legal file (.+)", r"pas de fichier légal \1"),
    (r"(.+) is not YAML", r"\1 n'est pas du YAML"),
    (r"(.+) is not a mapping", r"\1 ne contient pas de clés"),
    (r"records cannot be read", r"les décisions enregistrées sont illisibles"),
    (r"(.+): (\d+) row\(s\) are not decision records", r"\1 : \2 ligne(s) ne sont pas des décisions enregistrées"),
    (r"(.+) cannot be read", r"\1 est illisible"),
    (r"the period runs backwards", r"la période est à l'envers"),
    (r"there is nothing to decide again", r"il n'y a rien à décider à nouveau"),
    (r"(.+) lies after (.+)", r"le \1 est après le \2"),
    (r"no stored decision up to (.+)", r"aucune décision enregistrée jusqu'au \1"),
    (r"no stored decision from (.+) to (.+)", r"aucune décision enregistrée du \1 au \2"),
    (r"the plan cannot be looked at", r"le plan ne peut pas être examiné"),
    # form
    (r"unknown key (.*)", r"clé inconnue \1"),
    (r"the (French|English) text is missing", r"le texte \1 manque"),
    (r"key (.+) is written twice", r"la clé \1 est écrite deux fois"),
    (r"a list or mapping stands as a key", r"une liste ou un bloc sert de clé"),
    (r"too large, too deep, or an anchor that refers to itself",
     r"trop grand, trop profond, ou une ancre qui renvoie à elle-même"),
    (r"lists or keys stand in one another too deeply", r"listes ou clés imbriquées trop profondément"),
    (r"no keys found", r"aucune clé trouvée"),
    (r"is not UTF-8 text", r"n'est pas du texte UTF-8"),
    (r"No such file or directory|no such file", r"fichier introuvable"),
    (r"(.+) cannot be read as (\w+)", r"\1 ne se lit pas comme \2"),
    (r"(.+) is not accepted", r"\1 n'est pas admis"),
    # references, order, reach
    (r"unknown (dunning sequence|gate sequence|approval level|money band|template) (.+)", r"\1 inconnu(e) : \2"),
    (r"id (.+) is used twice", r"l'identifiant \1 sert deux fois"),
    (r"sequence (.+) has several steps", r"la séquence \1 a plusieurs étapes"),
    (r"sequence (.+) has no effect", r"la séquence \1 n'a pas d'effet (effect)"),
    (r"sequence (.+) has no steps", r"la séquence \1 n'a pas d'étapes (steps)"),
    (r"sequence (.+) can never be reached", r"la séquence \1 n'est jamais atteinte"),
    (r"template (.+) is never used", r"le texte \1 ne sert jamais"),
    (r"step (.+) would reach the customer through a closed gate",
     r"l'étape \1 atteindrait le client malgré une porte fermée"),
    (r"step (.+) has a day", r"l'étape \1 a un jour"),
    (r"step (.+) has no day", r"l'étape \1 n'a pas de jour"),
    (r"step (.+) is used twice in (.+)", r"l'étape \1 figure deux fois dans \2"),
    (r"the softer variant of (.+) is not softer", r"la variante adoucie de \1 n'est pas plus douce"),
    (r"the softer variant of (.+) is (\w+) after a (\w+) step",
     r"la variante adoucie de \1 (ton \2) suit une étape de ton \3"),
    (r"step (.+) is legal and has a softer variant", r"l'étape \1 est une mise en demeure et a une variante adoucie"),
    (r"(.+), used where (.+) lacks evidence, needs evidence itself",
     r"\1, employée là où les preuves manquent pour \2, en demande elle-même"),
    (r"text message (.+) has (\d+) characters", r"le SMS \1 compte \2 caractères"),
    (r"route (.+) is softer than (.+) for more risk or money",
     r"la ligne \1 est plus douce que \2 pour plus de risque ou d'argent"),
    (r"payments have no limit", r"les règlements (payments) n'ont pas de limite"),
    (r"a cap on tasks", r"un plafond sur les tâches"),
    (r"(.+) cannot replace e-mail", r"\1 ne peut pas remplacer l'e-mail"),
    (r"(.+) never matches a delivery channel", r"\1 ne correspond à aucun mode d'envoi"),
    (r"tone rule (.+) has no condition", r"la règle de ton \1 n'a pas de condition"),
    (r"step (.+) is legal and nobody approves it", r"l'étape \1 est une mise en demeure que personne n'approuve"),
    (r"step (.+) never reaches the customer", r"l'étape \1 n'atteint jamais le client"),
    (r"step (.+) on day (-?\d+) does not come after (.+) on day (-?\d+)",
     r"l'étape \1 au jour \2 ne vient pas après \3 au jour \4"),
    (r"step (.+) is (\w+) after a (\w+) step", r"l'étape \1 (ton \2) suit une étape de ton \3"),
    (r"no public holidays are known for (.+)", r"jours fériés inconnus pour \1"),
    (r"the last money band has an upper bound", r"la dernière tranche de montant a une borne haute"),
    (r"money bands do not grow", r"les tranches de montant ne sont pas croissantes"),
    (r"no cost for (.+)", r"pas de coût pour \1"),
    (r"the fallback of (.+) is not cheaper", r"le repli de \1 n'est pas moins cher"),
    (r"grade (.+) is in (.+) and (.+)", r"la note \1 figure dans \2 et \3"),
    (r"approvals of (.+) leave a hole", r"les approbations de \1 laissent un trou"),
    (r"no payment plan bounds for grade (.+)", r"pas de bornes de plan de règlement pour la note \1"),
    (r"the variants are drawn with probability (.+) in all", r"les probabilités des variantes font \1 en tout"),
    (r"braces do not match: .+", r"les accolades ne se correspondent pas"),
    (r"unknown value \{(.*)\}", r"valeur inconnue {\1}"),
    (r"(.*) is in one language only", r"\1 ne figure que dans une langue"),
    (r"(\d+) of (\d+) cases have no route", r"\1 cas sur \2 n'ont pas de ligne"),
    (r"route (.+) can never be reached: an axis is empty", r"la ligne \1 n'est jamais atteinte : une colonne est vide"),
    (r"route (.+) can never be reached", r"la ligne \1 n'est jamais atteinte"),
    (r"routes (.+) \(line (\d+)\) and (.+) both take (\d+) cases",
     r"les lignes \1 (ligne \2 du fichier) et \3 prennent toutes deux \4 cas"),
    # law
    (r"parameter (.+) is missing", r"le paramètre \1 manque"),
    (r"unknown parameter (.+)", r"paramètre inconnu \1"),
    (r"(.+) ends before it begins", r"\1 finit avant de commencer"),
    (r"(.+) has two values for (.+)", r"\1 a deux valeurs pour le \2"),
    (r"(.+) has no value between (.+) and (.+)", r"\1 n'a pas de valeur entre le \2 et le \3"),
    (r"jurisdiction not shipped", r"droit non livré"),
    (r"(.+) is missing", r"\1 manque"),
)  # fmt: skip

_HINTS: Final[Sequence[tuple[str, str]]] = (
    (r"a key of the format", r"une clé du format"),
    (r"correct the spelling or delete it", r"corriger l'orthographe ou la supprimer"),
    (r"correct the name or delete it", r"corriger le nom ou le supprimer"),
    (r"correct the name or define it", r"corriger le nom ou le définir"),
    (r"correct the value", r"corriger la valeur"),
    (r"write the values out", r"écrire les valeurs en toutes lettres"),
    (r"a text under fr and under en", r"un texte sous fr et sous en"),
    (r"write (.+)", r"écrire \1"),
    (r"a value for (.+)", r"une valeur pour \1"),
    (r"each key once \(first on line (\d+)\)", r"chaque clé une fois (la première à la ligne \1)"),
    (r"delete or rename one of them", r"en supprimer ou renommer une"),
    (r"rename one of them", r"en renommer un"),
    (r"one id each", r"un identifiant chacun"),
    (r"one of (.+)", r"l'un de \1"),
    (r"(.+), or null", r"\1, ou null"),
    (r"one step or none for a gate", r"une étape ou aucune pour une porte"),
    (r"task: while a gate holds, only work inside the house",
     r"task : tant qu'une porte est fermée, du travail interne seulement"),
    (r"no day: a gate acts at once", r"pas de jour : une porte agit aussitôt"),
    (r"delete day", r"supprimer day"),
    (r"days from the due date", r"jours depuis l'échéance"),
    (r"a person's approval before a mise_en_demeure", r"l'approbation d'une personne avant une mise en demeure"),
    (r"none: a notice is a notice", r"aucune : une mise en demeure reste une mise en demeure"),
    (r"a tone before (\w+)", r"un ton plus doux que \1"),
    (r"a sequence that needs none", r"une séquence qui n'en demande pas"),
    (r"at most (\d+)", r"au plus \1"),
    (r"a sequence at least as firm, or softer_on_purpose: true",
     r"une séquence au moins aussi ferme, ou softer_on_purpose: true"),
    (r"change the sequence or say that it is meant", r"changer de séquence, ou dire que c'est voulu"),
    (r"a limit for payments: nobody who has paid is reminded",
     r"une limite pour payments : on ne relance pas qui a payé"),
    (r"a channel that reaches the customer", r"un canal qui atteint le client"),
    (r"lower case without blanks around", r"des minuscules, sans blanc autour"),
    (r"relation_years, turnover_from or segments", r"relation_years, turnover_from ou segments"),
    (r"a channel other than task", r"un canal autre que task"),
    (r"days that grow from step to step", r"des jours croissants d'étape en étape"),
    (r"put the steps in order", r"remettre les étapes dans l'ordre"),
    (r"a tone that never softens again", r"un ton qui ne s'adoucit plus"),
    (r"change one of the two tones", r"changer l'un des deux tons"),
    (r"(effect|steps) in a dunning sequence", r"\1 dans une séquence de relance"),
    (r"ISO 3166 alpha-2, such as FR", r"code ISO 3166 à deux lettres, comme FR"),
    (r"null in the last band", r"null dans la dernière tranche"),
    (r"each bound above the one before, null last", r"chaque borne au-dessus de la précédente, null à la fin"),
    (r"a cost for each of (.+)", r"un coût pour chacun de \1"),
    (r"a channel that costs less", r"un canal qui coûte moins"),
    (r"each grade in one row", r"chaque note dans une seule ligne"),
    (r"bounds that grow, null last", r"des bornes croissantes, null à la fin"),
    (r"each grade and none in one row", r"chaque note et none dans une ligne"),
    (r"probabilities that add up to 1", r"des probabilités dont la somme est 1"),
    (r"a route or gate that leads to it", r"une ligne ou une porte qui y mène"),
    (r"a step that uses it", r"une étape qui l'emploie"),
    (r"delete it or use it", r"le supprimer ou l'employer"),
    (r"\{name\} for a value, nothing else in braces", r"{nom} pour une valeur, rien d'autre entre accolades"),
    (r"the same values in both", r"les mêmes valeurs dans les deux"),
    (r"exactly one row for every segment, grade, money band and state",
     r"exactement une ligne par segment, note, tranche de montant et état"),
    (r"add a row or widen one", r"ajouter une ligne ou en élargir une"),
    (r"cases that no earlier row takes", r"des cas qu'aucune ligne précédente ne prend"),
    (r"delete it or narrow the earlier rows", r"la supprimer ou resserrer les lignes précédentes"),
    (r"at least one segment, grade, money band and state", r"au moins un segment, une note, une tranche et un état"),
    (r"fill the empty list, or write any", r"remplir la liste vide, ou écrire any"),
    (r"one row for each case", r"une ligne par cas"),
    (r"narrow one of the two", r"resserrer l'une des deux"),
    (r"day and amount, such as (.+)", r"jour et montant, comme \1"),
    (r"a first day and a later last day", r"un premier jour, puis un dernier jour postérieur"),
    (r"days between (.+) and (.+), which the file holds", r"des jours entre le \1 et le \2, que contient le fichier"),
    (r"a file with decisions", r"un fichier qui contient des décisions"),
    (r"a readable YAML file", r"un fichier YAML lisible"),
    (r"YAML saved as UTF-8", r"du YAML enregistré en UTF-8"),
    (r"well-formed YAML", r"du YAML bien formé"),
    (r"keys and values", r"des clés et des valeurs"),
    (r"a word as key", r"un mot comme clé"),
    (r"at most (\d+) levels(?: and (.+) values)?", r"au plus \1 niveaux"),
    (r"a value that is a (\w+), or text in quotes", r"une valeur de type \1, ou un texte entre guillemets"),
    (r"a Parquet file, or \.jsonl", r"un fichier Parquet, ou .jsonl"),
    (r"a record as written by the nightly batch", r"une décision telle que la nuit l'écrit"),
    (r"name a file written by the nightly batch", r"donner un fichier écrit par la nuit"),
    (r"until on or after from", r"until le jour de from ou après"),
    (r"periods in order, one value a day", r"des périodes dans l'ordre, une valeur par jour"),
    (r"end the earlier period before this one begins", r"finir la période précédente avant le début de celle-ci"),
    (r"periods that follow each other", r"des périodes qui se suivent"),
    (r"add the missing period with its source", r"ajouter la période manquante avec sa source"),
    (r"add it with its article and source", r"l'ajouter avec son article et sa source"),
    (r"greater than or equal to (.+)", r"\1 au moins"),
    (r"greater than (.+)", r"plus que \1"),
    (r"less than or equal to (.+)", r"\1 au plus"),
    (r"less than (.+)", r"moins que \1"),
    (r"a finite number", r"un nombre fini"),
    (r"a valid (?:string|date|number|integer|decimal|boolean|dictionary|tuple|list)(.*)", r"une valeur du bon type\1"),
    (r"String should match pattern (.+)", r"un texte de la forme \1"),
    (r"String should have at least 1 character", r"un texte non vide"),
    (r"Tuple should have at least (\d+) items? .+", r"au moins \1 élément(s)"),
    (r"'.+'|[A-Za-z0-9_, ]+", r"\g<0>"),  # words of the format itself
)  # fmt: skip


def fault_in_french(fault: Fault) -> str:
    """A fault of a policy or legal file as one French line; what no pattern knows stays as it is."""
    what = _translated(fault.what, _SENTENCES)
    where = fault.where.replace(", line ", ", ligne ").replace(", row ", ", ligne ")
    where = where.replace("(whole file)", "(tout le fichier)")
    parts = [f"{where} : {what}" if where else what]
    if fault.examples:
        parts[0] += f", par exemple {', '.join(fault.examples[:5])}"
    if fault.expected:
        parts.append(f"attendu : {_translated(fault.expected, _HINTS)}")
    if fault.remedy:
        parts.append(f"à faire : {_translated(fault.remedy, _HINTS)}")
    return " ; ".join(parts)


def refusal_in_french(refusal: InvalidInputError) -> str:
    """A refusal of a policy or legal file in French, every fault on a line."""
    summary = _translated(refusal.summary, _SENTENCES)
    return "\n".join([summary, *(f"  - {fault_in_french(fault)}" for fault in refusal.faults)])


def has_french(fault: Fault) -> bool:
    """Whether every part of a fault is known in French."""
    hints = [hint for hint in (fault.expected, fault.remedy) if hint]
    return _match(fault.what, _SENTENCES) is not None and all(_match(hint, _HINTS) for hint in hints)


def _match(text: str, patterns: Sequence[tuple[str, str]]) -> tuple[re.Match[str], str] | None:
    for pattern, french in patterns:
        found = re.fullmatch(pattern, text, re.DOTALL)
        if found is not None:
            return found, french
    return None


def _translated(text: str, patterns: Sequence[tuple[str, str]]) -> str:
    matched = _match(text, patterns)
    if matched is None:
        return text
    found, french = matched
    said = found.expand(french)
    for english, word in (*_KINDS.items(), *_LANGUAGES.items()):
        if english in found.groups():
            said = said.replace(english, word)
    return said
