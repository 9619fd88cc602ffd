"""The language of the sender's own text: French, English, or both when each carries content."""

from __future__ import annotations

import re

from features.email.folding import fold

_CLAUSE = re.compile(r"[.!?;:,\n()/\-–—]+")
_WORD = re.compile(r"[a-z]+(?:'[a-z]+)?")
_FRENCH = frozenset(
    """
    le la les un une des du de au aux et ou est sont sera etre ete avez avons ai ont avoir fait faire nous vous je
    tu il elle ils elles mon ma mes ton ta tes son sa ses notre nos votre vos leur leurs ce cet cette ces qui que
    quoi dont si ne pas plus jamais rien aucun aucune avec sans sous sur pour par dans chez vers entre depuis
    pendant avant apres jusqu mais donc car comme quand lorsque parce bonjour bonsoir merci cordialement madame
    monsieur mme bien tres trop peu encore deja toujours aussi alors ici voici voila j'ai c'est qu'il n'est facture
    factures paiement reglement virement cheque commande livraison relance societe entreprise compte banque semaine
    mois jour jours annee lundi mardi mercredi jeudi vendredi samedi dimanche janvier fevrier avril juin juillet
    aout septembre octobre novembre decembre svp stp slt bjr cdt cdlt pouvez pourriez peux peut voulez suis sommes
    reponse suite tout toute tous toutes autre meme oui non d'accord l'avoir ca cela demain hier aujourd'hui
    prochain prochaine veuillez recu recue envoyer payer regler regle paye envoi cher chers
    """.split()  # noqa: SIM905
)
_ENGLISH = frozenset(
    """
    the an of to and is are was were be been being have has had do does did will would can could should shall may
    might must not no never i you he she it we they my your his her its our their this that these those who which
    what when where why how if then than there here with without for from by at in into onto over under about after
    before until since during between but because so just only also too very more most some any all both each other
    please thanks thank hi hello dear regards best kind cheers sorry yes invoice invoices payment payments paid pay
    bank account accounts due week weeks month months day days year monday tuesday wednesday thursday friday
    saturday sunday january february april june july august september october november december tomorrow yesterday
    today next last we've we're i'm i'll don't can't it's you're won't didn't send sent received receive let know
    get got back out up down new need everything nothing morning afternoon soon still yet already again now us me
    them him who've they're there's that's
    """.split()  # noqa: SIM905
)
"""Frequent words of each language, folded, none common to both (origin: ordinary usage, business letters)."""
_ACCENTED = re.compile(r"[éèêàùçôîûœ]", re.I)
MINOR_WORDS = 4
MINOR_SHARE = 0.17
_GREETING = frozenset(
    """
    best bises bonjour cheers cordialement dear hello hi kind merci regards sorry thank thanks vous you
    """.split()  # noqa: SIM905
)


def detect_language(text: str, subject: str = "") -> str:
    """``fr``, ``en`` or ``mixed`` for the sender's own text; the subject decides when the text says nothing.

    ``mixed`` needs whole clauses in each language: a greeting or one foreign word does not count.
    """
    french, english, french_content, english_content = _counts(text)
    if french + english == 0:
        french, english, _, _ = _counts(subject)
        return "en" if english > french else "fr"
    minor = min(french_content, english_content)
    if minor >= MINOR_WORDS and minor / max(french_content + english_content, 1) >= MINOR_SHARE:
        return "mixed"
    return "fr" if french > english or (french == english and _ACCENTED.search(text)) else "en"


def _counts(text: str) -> tuple[int, int, int, int]:
    """Characteristic words of each language, and words in clauses that belong to each language."""
    french = english = french_content = english_content = 0
    for clause in _CLAUSE.split(fold(text)):
        words = [
            part
            for word in _WORD.findall(clause)
            for part in ((word,) if word in _ENGLISH else word.split("'"))
        ]
        in_french = sum(word in _FRENCH for word in words)
        in_english = sum(word in _ENGLISH for word in words)
        french += in_french
        english += in_english
        content = [word for word in words if word not in _GREETING]
        if in_french > in_english and len(content) >= 2:
            french_content += len(content)
        elif in_english > in_french and len(content) >= 2:
            english_content += len(content)
    return french, english, french_content, english_content
