"""Two simple readers to be beaten: a keyword list on the whole body, TF-IDF with logistic regression."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from features.email.folding import fold
from features.email.values import LabelledMail
from features.signal_labels import LABELS

KEYWORDS: dict[str, tuple[str, ...]] = {
    "financial_difficulty": ("tresorerie", "difficult", "decouvert", "cash flow", "overdraft", "impaye", "pertes", "losses", "struggling", "tight"),
    "insolvency": ("redressement", "liquidation", "sauvegarde", "cessation", "bilan", "insolven", "administrat", "bankrupt", "chapter 11", "chapter 7", "receiver"),
    "payment_plan_request": ("echeancier", "mensualite", "plusieurs fois", "en trois fois", "en deux fois", "instalment", "installment", "payment plan", "per month", "etal"),
    "extension_request": ("delai", "report", "patient", "decaler", "more time", "extension", "bear with", "late", "retard"),
    "dispute": ("litige", "contest", "avoir", "erreur", "refus", "dispute", "credit note", "wrong", "not agreed", "overcharg"),
    "admin_block": ("bon de commande", "pas recu", "validation", "rib", "portail", "purchase order", " po ", "approval", "not received", "vendor", "signature"),
    "promise_to_pay": ("virement", "sera regle", "paierai", "je regle", "will pay", "will be paid", "payment run", "by friday", "promis"),
    "payment_sent": ("a ete regle", "a ete paye", "paye", "virement effectue", "was paid", "has been paid", "paid", "remittance", "cheque parti"),
    "organisational_change": ("fusion", "rachat", "demenag", "nouveau", "retraite", "merger", "acquired", "relocat", "new contact", "changement"),
    "hostile_tone": ("honte", "scandale", "avocat", "escroc", "harcel", "incompeten", "ridicul", "lawyer", "harass", "disgrace", "clown"),
}  # fmt: skip
"""Ten obvious words per label, written down before any measurement."""


def keyword_decisions(labelled: Sequence[LabelledMail]) -> NDArray[np.bool_]:
    """Labels whose keyword occurs anywhere in subject or body, quoted thread included."""
    texts = [" " + fold(f"{m.mail.subject} {m.mail.body}") + " " for m in labelled]
    return np.array(
        [[any(word in text for word in KEYWORDS[label]) for label in LABELS] for text in texts], dtype=bool
    )


def tfidf_decisions(
    labelled: Sequence[LabelledMail],
    truth: NDArray[np.bool_],
    fold_number: Callable[[LabelledMail], int],
    folds: int,
) -> NDArray[np.bool_]:
    """Out-of-fold decisions of TF-IDF on words and pairs of the whole body with balanced logistic regression."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    texts = [f"{m.mail.subject}\n{m.mail.body}" for m in labelled]
    numbers = np.array([fold_number(m) for m in labelled])
    decided = np.zeros(truth.shape, dtype=bool)
    for number in range(folds):
        inside, outside = np.flatnonzero(numbers == number), np.flatnonzero(numbers != number)
        vectorizer = TfidfVectorizer(ngram_range=(1, 2), min_df=2, sublinear_tf=True, strip_accents="unicode")
        learnt = vectorizer.fit_transform([texts[i] for i in outside])
        judged = vectorizer.transform([texts[i] for i in inside])
        for column in range(len(LABELS)):
            model = LogisticRegression(C=10.0, class_weight="balanced", max_iter=1000)
            model.fit(learnt, truth[outside, column])
            decided[inside, column] = model.predict(judged)
    return decided
