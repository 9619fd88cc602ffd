"""Marks of mails written by machines (origin: Outlook, Gmail, Exchange, help desks, ERP and portal notifications)."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

DECISIVE_SUBJECTS = (
    r"^\s*(?:re\s*:\s*)?(?:automatic reply|auto(?:matic)?[- ]?(?:reply|response|notification|acknowledgement)|autoreply|auto\s?:|out of (?:the )?office|ooo\b|automatische antwort"
    r"|reponse automatique|message automatique|notification automatique|accuse de (?:reception|lecture)(?: automatique)?|absence du bureau|absent(?:e)? du bureau|absent(?:e)?\b(?!.*\?)|absence\b"
    r"|read\s?:|read receipt|lu\s?:|delivery (?:status|failure|receipt)|undeliverable|undelivered|mail delivery|non remis|echec de remise|not read\s?:|non lu\s?:|conges?\s*$|annual leave|on leave|vacation"
    r"|remittance advice|payment (?:advice|remittance)|avis de (?:paiement|virement|reglement) (?:n|automatique)|ariba\b|coupa\b|workflow|\[?ticket\b|case #?\d|notification de rejet|notification\s?:)"
)
DECISIVE_TEXT = (
    r"(?:this is an? (?:automated|automatic|auto[- ]generated|system[- ]generated)|(?:message|e-?mail|notification|reponse|envoi|mail|courriel|notice) (?:has been |was |is )?(?:automatically|automatique(?:ment)?|generated automatically|genere(?:e)? automatiquement|auto[- ]generated)"
    r"|automat(?:ed|ic) (?:message|reply|response|acknowledgement|notification|email|e-mail|remittance)|automatically generated|generated (?:automatically|by (?:the|our) (?:system|network|erp|portal|workflow))|genere(?:e)? (?:automatiquement|par (?:le|notre) systeme)|reponse automatique|envoi automatique|message automatique"
    r"|(?:please )?do not (?:reply|respond|answer)(?: to)? (?:this|directly)|do not reply|replies (?:are|will) not (?:be )?(?:read|monitored)|this (?:mailbox|inbox|address) is (?:not|no longer) (?:monitored|attended)|please do not answer this e-?mail|no[- ]?reply"
    r"|(?:merci de )?ne pas (?:y )?repondre(?: a ce (?:message|mail|courriel))?|ne repondez pas a ce|(?:adresse|boite|messagerie) (?:n'est|non) (?:pas |plus )?(?:consultee|relevee|surveillee)"
    r"|your (?:message|e-?mail|enquiry|request|query|ticket) (?:has been|was) (?:received|logged|registered|read|displayed|opened)|votre (?:message|demande|courriel|mail) a (?:bien )?ete (?:recu|recue|enregistre|enregistree|lu|pris en compte)"
    r"|we reply to every message|thank(?:s| you) for (?:contacting|your (?:message|email|e-mail|enquiry)[.!]? (?:we|our team|i am currently)))"
)
ABSENCE = (
    r"(?:je (?:suis|serai) (?:actuellement |en )?(?:absent|absente|en conges?|conges?|en deplacement|en vacances|en formation|hors du bureau|indisponible|en arret|en conge (?:maternite|paternite))"
    r"|(?:i am|i'm|i will be|i'll be|currently) (?:currently )?(?:out of (?:the )?office|on (?:annual |maternity |paternity |sick |parental )?(?:leave|holiday|vacation|pto)|away(?: from)?|travelling|traveling)"
    r"|out of (?:the )?office|(?:nos|le|notre) (?:bureaux?|cabinet|service|agence) (?:sera|est|seront|sont) ferme|our (?:accounts |office|offices|team)+(?:is|are|will be) closed"
    r"|(?:est|sera) (?:absent|absente|en conge|en arret|en deplacement)|(?:is|will be) (?:out of (?:the )?office|away|on leave|on annual leave))"
)
ABSENCE_SERVICE = (
    r"(?:en cas d'urgence|for (?:any )?urgent|if (?:it'?s|your|you|it is|this)|pendant (?:mon|son|cette) absence|(?:durant|en) mon absence|in my absence|during (?:my|this)|acces (?:limite )?a (?:ma|mes)|limited access|without access|sans acces"
    r"|(?:vos|ses|your) (?:messages?|mails?|e-?mails?) (?:ne )?(?:sera|seront|sont|will|are)|repondrai|will (?:reply|respond|answer)|replies may|reponses possibles|(?:merci de |veuillez |please )(?:contacter|vous adresser|contact)|vous pouvez (?:contacter|joindre)|je vous repondrai|a mon retour|on my return|when i return"
    r"|(?:messagerie|boite)|pour une facture|payment runs? (?:are|is))"
)
DEPARTURE = r"(?:je ne (?:fais|travaille|suis) plus (?:partie|dans|chez|salarie)|i (?:no longer work|have left|am no longer|'ve left)|(?:this|cette) (?:mailbox|boite) (?:will be|sera))"
MACHINE_LINE = (
    r"(?:payment no\.?|remittance (?:no|number|advice)|reason code|status (?:of invoice|changed|:)|status:|statut\s?:|placed on hold status|parked on|by user \w+|has been placed on hold|invoice \S+ (?:was|has been) (?:parked|rejected by the)|workflow|case \d{4,}|ticket n?°?\s?\d|chatbot"
    r"|invoice status|no action is required from you)"
)
