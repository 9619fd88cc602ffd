"""Invented trade names and company numbers; any likeness to a registered firm is coincidental."""

from __future__ import annotations

import numpy as np

from data_samples.generator.day_calendar import IntArray

_TRADES: dict[str, tuple[str, ...]] = {
    "46": ("Négoce", "Comptoir", "Distribution"),
    "47": ("Boutiques", "Maison", "Magasins"),
    "49": ("Transports", "Messagerie", "Fret"),
    "62": ("Systèmes", "Logiciels", "Données"),
    "55": ("Hôtel", "Résidences", "Auberge"),
    "56": ("Tables", "Brasserie", "Traiteur"),
    "41": ("Constructions", "Bâtisseurs", "Promotion"),
    "43": ("Chauffage", "Toitures", "Électricité"),
    "25": ("Mécanique", "Tôlerie", "Forges"),
    "10": ("Conserverie", "Laiterie", "Moulins"),
    "28": ("Machines", "Automatismes", "Équipements"),
    "70": ("Conseil", "Études", "Cabinet"),
}
_HEADS = (
    *("Bar", "Cor", "Dan", "Estr", "Far", "Gal", "Hel", "Jav", "Kor", "Lam", "Mor", "Nav"),
    *("Orl", "Pran", "Quer", "Ros", "Sav", "Tar", "Ulm", "Ver", "Wal", "Yr", "Zel", "Brev"),
)
_MIDDLES = ("an", "el", "iv", "on", "ur", "as", "ez", "od", "im", "ar", "ol", "en")
_TAILS = ("tier", "ence", "oux", "ade", "ise", "elle", "ac", "igny", "mont", "val", "ec", "iane")


def trade_names(sectors: list[str], legal_forms: list[str], random: np.random.Generator) -> list[str]:
    """One invented name per customer, made of trade, invented word and legal form."""
    draws = random.integers(0, 1 << 30, size=(len(sectors), 4))
    names = []
    for sector, form, (trade, head, middle, tail) in zip(sectors, legal_forms, draws.tolist(), strict=True):
        words = _TRADES[sector]
        word = _HEADS[head % len(_HEADS)] + _MIDDLES[middle % len(_MIDDLES)] + _TAILS[tail % len(_TAILS)]
        names.append(f"{words[trade % len(words)]} {word} {form}")
    return names


def invented_sirens(count: int, random: np.random.Generator) -> list[str | None]:
    """Company numbers with a valid check digit, beginning with 0000; null beyond the ten thousand of them."""
    bodies: IntArray = random.permutation(10_000)[:count]
    known: list[str | None] = [_with_check_digit(f"0000{body:04d}") for body in bodies.tolist()]
    return known + [None] * (count - len(known))


def _with_check_digit(body: str) -> str:
    doubled = [int(digit) * (2 if place % 2 else 1) for place, digit in enumerate(body)]
    total = sum(value - 9 if value > 9 else value for value in doubled)
    return f"{body}{-total % 10}"
