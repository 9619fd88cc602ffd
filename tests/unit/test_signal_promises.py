"""Date and amount of the promise: the earliest, in the promise's own words."""

from __future__ import annotations

import datetime as dt

import pytest

from features.email.promises import promised_payment
from features.email.reading import read_mails
from features.email.values import Mail

SENT = dt.date(2025, 12, 3)

PROMISES = [
    ("Le virement de 3 240 € partira le vendredi 12 décembre.", "2025-12-12", 3240),
    (
        "I'll send $1,000 on December 15. After that would 4 x $875 work, first of every month?",
        "2025-12-15",
        1000,
    ),
    ("J'ai payé 1 500 € hier. Les 1 200 € restants partiront le 10/12.", "2025-12-10", 1200),
    ("On paye 4 100 € vendredi et on laisse de côté les 960 € contestés.", "2025-12-05", 4100),
    ("500 € le 20 décembre puis 500 € le 10 décembre.", "2025-12-10", 500),
    ("Règlement prévu S50, virement du vendredi.", "2025-12-12", None),
    ("Sorry for yesterday, we will pay by the end of next week.", "2025-12-12", None),
    ("Both will be in the next payment run.", None, None),
    ("Vous serez réglés début janvier, bonne fin de semaine.", None, None),
    ("Demain vous aurez votre virement.", "2025-12-04", None),
    ("Je le fais vendredi. 3 780 euros comme vu ensemble.", "2025-12-05", 3780),
    ("It goes on Friday. £460. Two more after that.", "2025-12-05", 460),
    ("La 3e mensualité partira le 31 décembre.", "2025-12-31", None),
    (
        "Je paie vendredi. Le litige porte toujours, lui, sur les 300 € de transport que personne n'a demandés.",
        "2025-12-05",
        None,
    ),
    ("Je signe le bordereau jeudi, le virement partira vendredi 12.", "2025-12-12", None),
]


@pytest.mark.parametrize(("text", "day", "amount"), PROMISES)
def test_the_promised_day_and_sum_are_those_of_the_promise(text, day, amount):
    (read,) = read_mails([Mail("t", SENT, "Re:", text)])
    promise = promised_payment(read.reading)
    assert (promise.on.isoformat() if promise.on else None, promise.amount) == (day, amount)
