"""How mail programs mark what is not the sender's own text (origin: the client programs named in each group)."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

SEPARATOR_LINES: tuple[str, ...] = (
    # Outlook, in the languages a French or British creditor meets
    r"-{2,}\s*(?:message d.origine|message original|original message|message initial|urspr.ngliche nachricht"
    r"|oorspronkelijk bericht|messaggio originale|mensaje original)\s*-{2,}",
    r"-{2,}\s*(?:original appointment|rendez-vous d.origine)\s*-{2,}",
    # Gmail, Thunderbird, Apple Mail forwards
    r"-{2,}\s*(?:forwarded message|message transf[ée]r[ée]|message r[ée]exp[ée]di[ée]|weitergeleitete nachricht)\s*-{2,}",
    r"(?:begin forwarded message|d[ée]but du message (?:transf[ée]r[ée]|r[ée]exp[ée]di[ée]))\s*:?",
    # Hand-made
    r"[-_=*]{3,}\s*(?:reply above this line|r[ée]pondre au-dessus de cette ligne|historique|thread|votre message)\b.*",
    r"#{2,}-? (?:please type your reply above this line|saisissez votre r[ée]ponse).*",
)

FORWARD_WORDS: tuple[str, ...] = (
    "forwarded",
    "transf",
    "réexp",
    "reexp",
    "begin forwarded",
    "weitergeleitet",
)

HEADER_SENDER = r"\*?(?:de|from|von|exp[ée]diteur|sender|da|van)\*?\s?:\*?\s*\S.*"
HEADER_OTHER = r"\*?(?:envoy[ée](?: le)?|sent|date|[àa]|to|an|cc|objet|subject|betreff|gesendet|pour|destinataire|sent on)\*?\s?:.*"

REPLY_INTRODUCTIONS: tuple[str, ...] = (
    # "On 18 Nov 2025, at 09:12, Name <address> wrote:" (Apple Mail, Gmail, Thunderbird)
    r"(?:on|le|am|el|il|op)\b[^\n]{2,200}?(?:\n[^\n]{0,160})?\b(?:wrote|a [ée]crit|schrieb|ha scritto|escribi[óo]|schreef)[^\n:]{0,60}\s?:?\s*",
    r"[^\n]{2,120}\b(?:wrote|a [ée]crit)\s?:\s*",
)

SIGN_OFFS: tuple[str, ...] = (
    # French
    r"(?:bien |tr[èe]s )?cord(?:ialement|t|lt)\b",
    r"cdlmt",
    r"cdlt",
    r"cdt",
    r"bien cdt",
    r"crdlt",
    r"slts?",
    r"salutations?\b",
    r"(?:bien |sinc[èe]rement |amicalement )?[àa] (?:vous|toi)\b",
    r"bien amicalement",
    r"amicalement",
    r"amiti[ée]s",
    r"(?:mes |nos )?(?:sinc[èe]res|meilleures|respectueuses|cordiales) salutations",
    r"salutations (?:distingu[ée]es|cordiales)",
    r"sinc[èe]rement",
    r"respectueusement",
    r"avec nos meilleures salutations",
    r"sentiments (?:d[ée]vou[ée]s|distingu[ée]s|les meilleurs)",
    r"bien [àa] vous",
    r"bonne (?:journ[ée]e|soir[ée]e|r[ée]ception|fin de (?:semaine|journ[ée]e)|semaine|continuation|lecture)",
    r"belle (?:journ[ée]e|soir[ée]e)",
    r"bon week-?end",
    r"merci(?: beaucoup| bcp| par avance| d.avance| et bonne journ[ée]e)?",
    r"bises",
    r"bisous",
    r"(?:veuillez|nous vous prions d|je vous prie d)[^\n]{0,120}(?:salutations|consid[ée]ration|sentiments)[^\n]{0,40}",
    r"dans l.attente[^\n]{0,60}",
    r"bien tristement",
    # English
    r"(?:kind|best|warm|warmest|many|with kind|with best)? ?regards",
    r"kr\b",
    r"rgds",
    r"brgds",
    r"br\b",
    r"b/?rgds",
    r"tks/brgds",
    r"(?:yours|sincerely|yours sincerely|yours faithfully|yours truly|sincerely yours|yours ever)",
    r"best(?: wishes)?",
    r"with best wishes[^\n]{0,40}",
    r"cheers",
    r"(?:many |with )?thanks(?: again| so much| very much| in advance| and regards)?",
    r"thank you(?: very much| in advance)?",
    r"thx",
    r"tks",
    r"ta",
    r"all the best",
    r"respectfully",
    r"cordially",
    r"with apologies",
    r"appreciate it",
    r"take care",
    r"warmly",
    r"baci",
    r"for and on behalf of",
    r"thanking you",
    r"sent from my [^\n]{2,40}",
)

DISCLAIMER_STARTS: tuple[str, ...] = (
    r"(?:this|the information in this|the contents? of this) (?:e-?mail|message|communication|transmission)\b.{0,160}"
    r"(?:confidential|intended|privileged|virus|liab)",
    r"(?:confidentiality notice|disclaimer|legal notice|avertissement|mentions? l[ée]gales?|avis de confidentialit[ée])\b",
    r"(?:ce|le pr[ée]sent|le contenu de ce) (?:message|courriel|courrier [ée]lectronique|mail|e-mail|m[ée]l)\b.{0,200}"
    r"(?:confidentiel|exclusi|destinataire|intention|virus)",
    r"(?:if you are not the (?:intended|named)|if you have received this (?:e-?mail|message) in error)",
    r"(?:si vous (?:n.[êe]tes pas le destinataire|avez re[çc]u ce (?:message|courriel|mail) par erreur))",
    r"(?:please consider the environment|think before you print|pensez [àa] l.environnement|n.imprimez (?:ce|cet))",
    r"(?:registered in (?:england|scotland|ireland)|registered office|company (?:number|registration)|vat (?:no|number|reg))",
    r"(?:soci[ée]t[ée] (?:anonyme|par actions)|s\.?a\.?s\.?(?:u)? au capital|sarl au capital|rcs [a-z]+ \d|siret\b)",
    r"(?:sent from my|envoy[ée] (?:de|depuis) mon|get outlook for|obtenir outlook|t[ée]l[ée]charg\w+ outlook|scanned by|virus-free)",
)

PASSED_ON_SENDER = (
    r"\b(?:banque|bank|cr[ée]dit (?:agricole|mutuel|lyonnais|du)|caisse d|banking|greffe|tribunal|court|board|conseil"
    r"|assembl[ée]e|secretary|secr[ée]taire|procès-verbal|minutes|payments? service|no-?reply@.*(?:bank|banque))"
)
"""Senders whose forwarded document the sender makes its own: its bank, a court, its board."""
