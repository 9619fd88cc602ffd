"""Every closed list of Encours, once: its words, what they are called in French and English, what each means.

A word that is in no list is refused everywhere with the nearest known one (`nearest_word`), except an unknown
payment method in an import, which becomes `other`: a payment is never lost for a word.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal, get_args

from features.messages import Message, localized
from features.messages import Text as Text


@dataclass(frozen=True)
class Word:
    """One word of a closed list.

    Attributes:
        word: as it is written in tables, events and files.
        label: what it is called on a screen.
        meaning: what it says, in one line.
        also: other spellings that mean the same and are stored as `word`.
    """

    word: str
    label: Text
    meaning: Text
    also: tuple[str, ...] = ()


ClosedBy = Literal["paid", "credited", "discounted", "written_off", "cancelled"]
"""What closed a receivable; `written_off` and `cancelled` close it without its being paid."""
CLOSED_BY: Final[tuple[ClosedBy, ...]] = get_args(ClosedBy)
CLOSED_WITHOUT_PAY: Final[tuple[ClosedBy, ...]] = ("written_off", "cancelled")


@dataclass(frozen=True)
class PaymentMethod(Word):
    """A way in which an invoice, a credit note or a customer's account changes.

    Attributes:
        is_cash: money came in.
        sign: of the amounts it is used with: 1 above zero, -1 below.
        needs_invoice: it says nothing without an invoice, so it cannot be cash on account.
        closed_by: what an invoice is said to be closed by when rows of this method are needed to reach its amount.
    """

    is_cash: bool = False
    sign: Literal[1, -1] = 1
    needs_invoice: bool = False
    closed_by: ClosedBy = "paid"


TRANSFER: Final = "transfer"
DIRECT_DEBIT: Final = "direct_debit"
CHEQUE: Final = "cheque"
CARD: Final = "card"
CREDIT_NOTE: Final = "credit_note"
ON_ACCOUNT: Final = "on_account"
DISCOUNT: Final = "discount"
WRITE_OFF: Final = "write_off"
OFFSET: Final = "offset"
REVERSAL: Final = "reversal"
REFUND: Final = "refund"
OTHER_METHOD: Final = "other"


def _listed(*words: Word) -> dict[str, Word]:
    return {word.word: word for word in words}


def _cash(word: str, fr: str, en: str, meaning_fr: str, meaning_en: str) -> PaymentMethod:
    return PaymentMethod(word, Text(fr, en), Text(meaning_fr, meaning_en), is_cash=True)


PAYMENT_METHODS: Final[Mapping[str, PaymentMethod]] = {
    method.word: method
    for method in (
        _cash(TRANSFER, "virement", "bank transfer", "le client a viré l'argent", "the customer sent the money"),
        _cash(DIRECT_DEBIT, "prélèvement", "direct debit", "l'argent a été prélevé sur le compte du client",
              "the money was collected from the customer's account"),
        _cash(CHEQUE, "chèque", "cheque", "un chèque remis à l'encaissement", "a cheque paid in"),
        _cash(CARD, "carte bancaire", "card", "un paiement par carte", "a card payment"),
        _cash("cash", "espèces", "cash", "un paiement en espèces", "notes and coins"),
        _cash("bill_of_exchange", "effet de commerce (LCR, traite, billet à ordre)", "bill of exchange",
              "un effet payé à son échéance", "a bill or promissory note paid when it fell due"),
        _cash(OTHER_METHOD, "autre moyen de paiement", "another means of payment",
              "de l'argent reçu par un moyen sans nom dans cette liste",
              "money received by a means without a name here"),
        PaymentMethod(CREDIT_NOTE, Text("avoir imputé", "credit note set against the invoice"),
                      Text("un avoir déduit de la facture ; aucun argent ne bouge",
                           "a credit note taken off the invoice; no money moves"),
                      needs_invoice=True, closed_by="credited"),
        PaymentMethod(ON_ACCOUNT, Text("acompte imputé", "cash on account set against the invoice"),
                      Text("de l'argent reçu plus tôt sans facture, imputé maintenant : ce n'est pas un autre paiement",
                           "money received earlier without an invoice, set against it now; it is no new cash"),
                      needs_invoice=True),
        PaymentMethod(DISCOUNT, Text("escompte accordé", "cash discount granted"),
                      Text("la remise pour paiement rapide, accordée", "the reduction for early payment, granted"),
                      needs_invoice=True, closed_by="discounted"),
        PaymentMethod(WRITE_OFF, Text("passé en perte", "written off"),
                      Text("la créance est abandonnée : elle n'est jamais dite payée",
                           "the debt is given up: it is never called paid"),
                      needs_invoice=True, closed_by="written_off"),
        PaymentMethod(OFFSET, Text("compensation", "set-off"),
                      Text("compensée avec ce que l'entreprise doit au client (Code civil, art. 1347)",
                           "set off against what the company owes the customer (Code civil, art. 1347)"),
                      needs_invoice=True),
        PaymentMethod(REVERSAL, Text("annulation d'une ligne", "reversal"),
                      Text("une ligne antérieure est défaite : prélèvement rejeté, chèque impayé ; sans "
                           "`reverses_payment_id`, elle défait de l'argent reçu",
                           "an earlier row is undone: bounced direct debit, unpaid cheque; without "
                           "`reverses_payment_id` it undoes cash"), sign=-1),
        PaymentMethod(REFUND, Text("remboursement", "refund"),
                      Text("de l'argent rendu : sur un avoir, une facture trop payée ou le compte du client",
                           "money given back: on a credit note, an overpaid invoice or the customer's account"),
                      sign=-1),
    )
}  # fmt: skip
"""How a row of `payments` came about; the sign and the effect of each are data, so that no consumer lists them."""
CASH_METHODS: Final = tuple(method.word for method in PAYMENT_METHODS.values() if method.is_cash)
NEGATIVE_METHODS: Final = tuple(method.word for method in PAYMENT_METHODS.values() if method.sign < 0)

LIFECYCLE_PREFIX: Final = "lifecycle_"
_LIFECYCLE_CODES: Final[Mapping[int, Text]] = {
    200: Text("déposée", "submitted"),
    201: Text("émise par la plateforme", "sent by the platform"),
    202: Text("reçue par la plateforme", "received by the platform"),
    203: Text("mise à disposition", "made available"),
    204: Text("prise en charge", "taken in charge"),
    205: Text("approuvée", "approved"),
    206: Text("approuvée partiellement", "partly approved"),
    207: Text("en litige", "in dispute"),
    208: Text("suspendue", "suspended"),
    209: Text("complétée", "completed"),
    210: Text("refusée", "refused"),
    211: Text("paiement transmis", "payment sent"),
    212: Text("encaissée", "cashed"),
    213: Text("rejetée", "rejected"),
    214: Text("visée", "endorsed"),
    220: Text("annulée", "cancelled"),
    221: Text("erreur de routage", "routing error"),
    224: Text("demande de paiement direct", "direct payment requested"),
    225: Text("affacturée", "factored"),
}
"""Statuses of an invoice in the French e-invoicing reform (AFNOR XP Z12-012), by code."""


def lifecycle(code: int) -> str:
    """The kind of interaction that reports a status, by its code."""
    if code not in _LIFECYCLE_CODES:
        msg = f"{code} is no status of the e-invoicing reform"
        raise KeyError(msg)
    return f"{LIFECYCLE_PREFIX}{code}"


REMINDER_SENT: Final = "reminder_sent"
REMINDER_BOUNCED: Final = "reminder_bounced"
REMINDER_REPLIED: Final = "reminder_replied"
SMS_SENT: Final = "sms_sent"
CALL: Final = "call"
INVOICE_VIEWED: Final = "invoice_viewed"
TASK_OPENED: Final = "task_opened"
TASK_CLOSED: Final = "task_closed"
THANKS_SENT: Final = "thanks_sent"
INSOLVENCY_PUBLISHED: Final = "insolvency_published"
INSOLVENCY_CLOSED: Final = "insolvency_closed"
PLAN_AGREED: Final = "plan_agreed"
PLAN_INSTALMENT: Final = "plan_instalment"
PLAN_CANCELLED: Final = "plan_cancelled"
PROMISE_RECORDED: Final = "promise_recorded"
PROMISE_CANCELLED: Final = "promise_cancelled"
QUIET_DAYS_ASKED: Final = "quiet_days_asked"
COMPLAINT_OPENED: Final = "complaint_opened"
COMPLAINT_CLOSED: Final = "complaint_closed"
MEDIATION_OPENED: Final = "mediation_opened"
MEDIATION_CLOSED: Final = "mediation_closed"


@dataclass(frozen=True)
class InteractionKind(Word):
    """A kind of row of `interactions`.

    Attributes:
        is_contact: the company contacted the customer about what it owes; counts for caps and stages.
        detail: the content of `step_id`, in words; empty where it is the dunning step or nothing.
    """

    is_contact: bool = False
    detail: str = ""


def _kind(
    word: str, fr: str, en: str, meaning_fr: str, meaning_en: str, *, contact: bool = False, detail: str = ""
) -> InteractionKind:
    return InteractionKind(
        word, Text(fr, en), Text(meaning_fr, meaning_en), is_contact=contact, detail=detail
    )


INTERACTION_KINDS: Final[Mapping[str, InteractionKind]] = {
    kind.word: kind
    for kind in (
        _kind(REMINDER_SENT, "relance envoyée", "reminder sent", "une relance est partie par `channel`",
              "a reminder went out by `channel`", contact=True),
        _kind(SMS_SENT, "SMS envoyé", "text message sent", "une relance est partie par SMS",
              "a reminder went out as a text message", contact=True),
        _kind(CALL, "appel", "call", "le client a été appelé", "the customer was called", contact=True),
        _kind(REMINDER_BOUNCED, "relance revenue", "reminder bounced", "la relance n'est pas arrivée",
              "the reminder did not arrive"),
        _kind(REMINDER_REPLIED, "réponse à une relance", "reminder answered", "le client a répondu à une relance",
              "the customer answered a reminder"),
        _kind(INVOICE_VIEWED, "facture consultée", "invoice viewed", "le client a ouvert la facture",
              "the customer opened the invoice"),
        _kind("portal_visit", "visite du portail", "portal visit", "le client est venu sur le portail",
              "the customer came to the portal"),
        _kind(TASK_OPENED, "tâche ouverte", "task opened", "une tâche a été confiée à une personne",
              "a task was given to a person"),
        _kind(TASK_CLOSED, "tâche close", "task closed", "la tâche confiée est faite", "the task is done"),
        _kind(THANKS_SENT, "remerciement envoyé", "thanks sent", "le client a été remercié de son paiement",
              "the customer was thanked for paying"),
        _kind(INSOLVENCY_PUBLISHED, "procédure collective publiée", "insolvency published",
              "le jugement d'ouverture a été publié (BODACC)", "the opening judgment was published (BODACC)"),
        _kind(INSOLVENCY_CLOSED, "procédure collective close", "insolvency closed",
              "la clôture de la procédure a été publiée", "the end of the proceedings was published"),
        _kind(PLAN_AGREED, "échéancier accordé", "payment plan agreed",
              "un échéancier court pour la facture, ou pour le compte sans facture",
              "a plan runs for the invoice, or for the account where no invoice is named"),
        _kind(PLAN_INSTALMENT, "échéance d'un échéancier", "plan instalment", "une échéance de l'échéancier accordé",
              "one instalment of the plan agreed",
              detail="day and amount of the instalment, such as 2026-04-15/500.00"),
        _kind(PLAN_CANCELLED, "échéancier annulé", "payment plan cancelled", "l'échéancier ne court plus",
              "the plan runs no longer"),
        _kind(PROMISE_RECORDED, "promesse notée", "promise recorded",
              "le client a promis de payer (par téléphone, au comptoir)",
              "the customer promised to pay (by phone, in person)",
              detail="day promised, and the amount where one was named, such as 2026-04-15 or 2026-04-15/500.00"),
        _kind(PROMISE_CANCELLED, "promesse retirée", "promise cancelled", "la promesse notée ne vaut plus",
              "the recorded promise is withdrawn"),
        _kind(QUIET_DAYS_ASKED, "jours sans contact demandés", "quiet days asked for",
              "le client demande à ne pas être contacté ces jours-là",
              "the customer asks not to be contacted on these days",
              detail="first and last day, such as 2026-08-03/2026-08-21"),
        _kind(COMPLAINT_OPENED, "réclamation ouverte", "complaint opened",
              "une réclamation est en cours", "a complaint is open"),
        _kind(COMPLAINT_CLOSED, "réclamation close", "complaint closed", "la réclamation est traitée",
              "the complaint was dealt with"),
        _kind(MEDIATION_OPENED, "médiation ouverte", "mediation opened",
              "une médiation est en cours", "a mediation is running"),
        _kind(MEDIATION_CLOSED, "médiation close", "mediation closed", "la médiation est terminée",
              "the mediation has ended"),
        *(InteractionKind(lifecycle(code), Text(f"facture électronique : {label.fr}", f"e-invoice: {label.en}"),
                          Text(f"statut {code} de la facture électronique", f"status {code} of the e-invoicing reform"))
          for code, label in _LIFECYCLE_CODES.items()),
    )
}  # fmt: skip
"""What a row of `interactions` records."""
CONTACT_KINDS: Final = tuple(kind.word for kind in INTERACTION_KINDS.values() if kind.is_contact)

INTERACTION_CHANNELS: Final[Mapping[str, Word]] = _listed(
    Word("email", Text("e-mail", "e-mail"), Text("un courriel", "an e-mail"), also=("e_mail", "courriel")),
    Word("phone", Text("téléphone", "phone"), Text("un appel", "a call"), also=("call", "telephone")),
    Word("sms", Text("SMS", "text message"), Text("un message sur un mobile", "a message to a mobile"), also=("text",)),
    Word("post", Text("courrier", "post"), Text("une lettre simple", "an ordinary letter"),
         also=("letter", "courrier")),
    Word("registered_letter", Text("lettre recommandée", "registered letter"),
         Text("une lettre recommandée avec avis de réception", "a letter with acknowledgement of receipt"),
         also=("registered", "recommande")),
    Word("portal", Text("portail", "portal"), Text("un portail du client ou de l'entreprise",
                                                   "a portal of the customer or of the company")),
    Word("edi", Text("EDI ou plateforme", "EDI or platform"),
         Text("un échange entre machines", "an exchange between machines"), also=("platform",)),
    Word("in_person", Text("en personne", "in person"), Text("une visite ou un passage", "a visit"), also=("visit",)),
)  # fmt: skip
"""By which way a contact or event of `interactions` went."""

InstalmentKind = Literal["instalment", "retention"]
INSTALMENT_KINDS: Final[Mapping[str, Word]] = _listed(
    Word("instalment", Text("échéance", "instalment"), Text("une part de la facture, due à son jour",
                                                            "a part of the invoice, due on its own day")),
    Word("retention", Text("retenue de garantie", "retention money"),
         Text("une part retenue jusqu'à la levée des réserves (loi n° 71-584 du 16 juillet 1971)",
              "a part held back until defects are made good (French law no. 71-584 of 16 July 1971)")),
)  # fmt: skip
"""What an instalment of an invoice is."""

BlockageKind = Literal[
    "invoice_not_received",
    "purchase_order_missing",
    "wrong_entity",
    "approval_pending",
    "portal_upload_missing",
    "rejected_by_platform",
    "suspended_by_buyer",
    "short_payment",
    "other",
]
BLOCKAGE_KINDS: Final[tuple[BlockageKind, ...]] = get_args(BlockageKind)
"""What prevents a willing buyer from paying: fixed, not chased."""
BLOCKAGE_WORDS: Final[Mapping[BlockageKind, Text]] = {
    "invoice_not_received": Text("facture non reçue", "invoice not received"),
    "purchase_order_missing": Text("numéro de commande manquant", "purchase order number missing"),
    "wrong_entity": Text("mauvaise entité ou adresse", "wrong entity or address"),
    "approval_pending": Text("validation interne en attente", "waiting for the buyer's internal approval"),
    "portal_upload_missing": Text("dépôt sur le portail manquant", "not yet uploaded to the buyer's portal"),
    "rejected_by_platform": Text("rejetée par la plateforme", "rejected by the e-invoicing platform"),
    "suspended_by_buyer": Text("suspendue par l'acheteur", "suspended by the buyer"),
    "short_payment": Text("règlement incomplet de peu", "a small part of the payment is missing"),
    "other": Text("autre blocage administratif", "another administrative blockage"),
}

Grade = Literal["A", "B", "C", "D", "E"]
GRADES: Final[tuple[Grade, ...]] = get_args(Grade)
"""One letter for how likely, and how badly, an invoice will be late; from the best."""

HORIZONS: Final = (0, 7, 15, 30, 60, 90)
"""Days past due at which the probability of being still unpaid is given; a model learns and a policy sees each of them.

See docs/extending.md.
"""
LONG_DELAY_DAYS: Final = 30
"""The horizon of `p_late_30` and of grades D and E. It is fixed: a grade means the same in every month and ledger."""
if LONG_DELAY_DAYS not in HORIZONS:
    raise TypeError(f"HORIZONS lacks {LONG_DELAY_DAYS}, the horizon of p_late_30 and of grades D and E")

Rung = Literal["own_history", "segment", "portfolio", "no_opinion"]
RUNGS: Final[tuple[Rung, ...]] = get_args(Rung)
"""What a score rests on: the customer's own past, its sector, the whole portfolio, or nothing."""

Segment = Literal[
    "prompt",
    "punctual_slow_process",
    "seasonal",
    "improving",
    "deteriorating",
    "erratic",
    "new",
    "dormant",
    "in_difficulty",
]
SEGMENTS: Final[tuple[Segment, ...]] = get_args(Segment)
"""The names of payers the dunning policy routes by."""
SEGMENT_WORDS: Final[Mapping[Segment, Text]] = {
    "prompt": Text("bon payeur", "prompt"),
    "punctual_slow_process": Text("régulier, circuit de paiement lent", "punctual, slow process"),
    "seasonal": Text("saisonnier", "seasonal"),
    "improving": Text("en amélioration", "improving"),
    "deteriorating": Text("en dégradation", "deteriorating"),
    "erratic": Text("irrégulier", "erratic"),
    "new": Text("nouveau", "new"),
    "dormant": Text("inactif", "dormant"),
    "in_difficulty": Text("en difficulté", "in difficulty"),
}


def folded_word(text: str) -> str:
    """A word as people vary it, in the form of the lists: lower case, blanks and hyphens as underscores.

    >>> folded_word(" Direct Debit ")
    'direct_debit'
    """
    return re.sub(r"[\s\-]+", "_", text.strip()).casefold()


def known_word(text: str, known: Mapping[str, Word]) -> str | None:
    """The word of a list that a text means, whatever its capitals, blanks and other spellings; None when it means none.

    >>> known_word("Direct Debit", PAYMENT_METHODS)
    'direct_debit'
    """
    if text in known:
        return text
    folded = folded_word(text)
    return next((word.word for word in known.values() if folded in (word.word, *word.also)), None)


def nearest_word(text: str, known: Iterable[str]) -> str | None:
    """The known word that a text was probably meant to be; None when none comes near."""
    close = difflib.get_close_matches(folded_word(text), list(known), n=1, cutoff=0.6)
    return close[0] if close else None


def with_nearest(sentence: Message, near: str | None) -> Message:
    """A sentence about a word, with the nearest word that would be right, if there is one."""
    return (
        sentence if near is None else localized("{fault}; the nearest is {near!r}", fault=sentence, near=near)
    )


def one_of(name: str, known: Iterable[str]) -> Message:
    """The names of which one was expected, the one nearest to the given name pointed out."""
    names = list(known)
    close = difflib.get_close_matches(name, names, n=1, cutoff=0.4)
    return with_nearest(localized("one of {known}", known=names), close[0] if close else None)
