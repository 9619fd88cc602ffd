"""Cues of the qualifiers, in the cue language of ``mentions`` (origin: ordinary French and English usage)."""

# ruff: noqa: E501  (a pattern reads better on one line)
from __future__ import annotations

NEGATIONS = frozenset({"pas", "aucun", "aucune", "sans", "ni", "jamais", "nullement", "non", "no", "not", "never", "without", "neither", "nor", "none",
                       "cannot", "dont", "cant", "isnt", "wasnt", "hasnt", "havent", "didnt", "wont", "nothing", "rien", "hardly", "zero"})  # fmt: skip
PSEUDO_NEGATIONS: tuple[str, ...] = (
    "sans (doute|aucun doute|faute|delai|attendre|tarder|reserve|nul doute|hesiter|parler)",
    "non (negligeable*|seulement|sans)",
    "pas (mal|seulement|que|moins|plus tard)",
    "no (doubt|later|less|fewer|sooner)",
    "not (only|just|least|later|to mention|before)",
    "without (fail|delay|doubt|further)",
    "ni plus ni moins",
    "nothing but",
    "not a penny",
    "no problem",
    "pas de (souci|probleme) (sur|pour|avec)",
    "non (plus|conforme*|livre*|recu*|paye*|signe*)",
)

HYPOTHETICAL: tuple[str, ...] = (
    "(si|s) (un jour|jamais|d aventure|par malheur|il arrivait|nous devions|on devait|je devais|vous deviez|nous etions|on etait|j etais|ca devait|cela devait|la situation|le chantier|elle devait|il devait|nous venions)",
    "(au cas ou|en cas de|en cas d|dans l hypothese|a supposer|dans le cas ou|en supposant|admettons|imaginons|par hypothese|pour le futur|a l avenir)",
    "(if (one day|ever|we (ever|were|had|should|took|lost|went)|i (ever|were|had)|they|it ever|it came|anything|things|something|it were|you (ever|were)))",
    "(in case|in the event|should (we|you|i|it|they|anything)|suppos*|hypothetical*|what if|were to|were we to|would have to if|assum*|thinking aloud|for the future|on future orders|theoretically)",
    "(que se passe t il|que se passerait|what would happen|what happens) (si|if)",
)
CONDITIONAL_PROMISE: tuple[str, ...] = (
    "(si|s|if|once|when|quand|lorsque|des que|des|une fois|as soon as|soon as|apres|after|upon|on receipt|a reception|sous reserve|subject to|provided|unless|sauf si|a condition|tant que|until|jusqu|des lors|sitot|aussitot|contre) . . (vous|votre|vos|tu|ton|ta|you|your|we receive|we get|the credit|reception|avoir|l avoir|client*|customer*|notre client|nos clients|our client|our customer|nous avons recu|nous aurons recu|accord|votre accord|funder|insurer|banque|subvention)",
    "(des|a) (reception|la reception|l encaissement)",
)

PAST_OR_SETTLED: tuple[str, ...] = (
    "(il y a|ca fait|voici|voila) . (_num|deux|trois|quatre|cinq|dix|quelques|plusieurs|longtemps) (ans|annees)",
    "(a l epoque|autrefois|jadis|dans le temps|l an dernier|l annee derniere|par le passe|auparavant|anciennement|naguere)",
    "(years|a year|ages) ago",
    "(last year|back then|in the past|at the time|previously|used to|historically|once upon|formerly)",
    "(clos|close|closes|cloture*|classe|classee|resolu*|termine*|annule*|retire*|leve*|solutionne*|purge*|eteint*|abandonne*) .? (depuis|le|la|par|entierement|definitivement|desormais|hier|_past|_day|_today|donc|et|aujourd|maintenant)?",
    "(withdrawn|resolved|lifted|closed|dropped|cancelled|sorted|fixed|cleared up|settled|over|behind us|put to bed|retracted|rescinded|squared away) .? (now|since|in|on|last|_past|_day|_today|it|and|so|then|already|long)?",
    "(finalement|apres verification|apres relecture|apres recomptage|au temps pour moi|autant pour moi|mea culpa|je me suis trompe*|nous nous sommes trompes|erreur de (ma|notre) part|c est (moi|nous) qui|fausse alerte|panique pour rien|oublie*|ne (donnons|donne) pas suite|plus d actualite|rien a signaler|tout est (ok|bon|rentre dans l ordre|regle|en ordre)|rentre dans l ordre|retrouve*|plus lieu d etre|sans suite)",
    "(my mistake|my bad|my error|our mistake|our error|on our end|false alarm|ignore (my|the|our)|disregard|never mind|scratch that|all good|all sorted|no longer an issue|no longer relevant|turns out|on reflection|after checking|found it|we found|sorry for the noise|misread|wrong glasses|nothing to worry|i stand corrected|counts agree|back to normal)",
)

THIRD_PARTY: tuple[str, ...] = (
    "(un|une|notre|nos|mon|votre|vos|leur|leurs|l autre|un autre|autre|ancien*|ce|cette|ces|d un|d autres|certains|chez) . (fournisseur*|concurrent*|confrere*|voisin*|transporteur*|bailleur*|locataire*|sous traitant*|prestataire*|partenaire*|collegue*|ami*|relation*|beau frere|franchise*|societe soeur|homonyme*|banque|agence bancaire|maitre d oeuvre|garage d a cote|boutique d a cote|magasin d a cote|distributeur*|donneur d ordre)",
    "(a|an|the|our|my|your|their|another|one of (our|my|your)|some|former|other|this) . (supplier*|competitor*|neighbour*|neighbor*|carrier|haulier|landlord|tenant*|subcontractor*|friend*|partner*|sister company|namesake|vendor*|contractor|shop next door|building next door|firm next door|reseller*|distributor*)",
    "(entre|between) .. (lui et|eux et|et son|and its|and their|former)",
    "(next door|d a cote|homonyme|same name|meme nom|no relation|aucun lien|nothing to do with (us|me)|rien a voir avec (nous|moi)|not us|pas nous|wrong hartley*|confond* avec|confus* with)",
    "(vous|you) (avez|etes|have|re|are|ve|had) . (change*|demenag*|moved|changed|been (taken|bought)|rachete*|merged|rebranded)",
    "(votre|vos|your) . (fusion|rachat|demenagement|changement|merger|takeover|move|rebrand|acquisition|nouvelle adresse|new bank|nouveau rib|nouvelle banque|new details|new address|factor|nouveau logiciel|new system|new portal)",
    "(about|concern*|between) (our|their|its) (customers|clients)",
    "(no impact on us|not affect us|doesn t affect us|sans impact|sans incidence|n affecte pas|ne change rien|no effect on)",
)

ANOTHER_COMPANY: tuple[str, ...] = (
    "(un|une|l un|nos|certains|deux|plusieurs|d autres|un autre) . (de)? (nos)? (clients|client)",
    "(notre|mon|le|du|leur) (principal|premier|gros|plus gros|grand|plus grand|meilleur|plus important|ancien) . client",
    "client (principal|final|historique|majeur|le plus important)",
    "(notre|mon|le) client .. (ne)? (nous|me) (paie|paye|payait|doit|devait|regle)",
    "(le|la|l) (transporteur*|bailleur*|fournisseur*|sous traitant*|locataire*|prestataire*|distributeur*|donneur d ordre)",
    "(maison mere|societe mere|societe soeur|donneur d ordre|donneuse d ordre)",
    "(notre|nos|la|une|leur|l ancienne) . filiale*",
    "(precedent*|ancien*|dernier*) . (locataire*|exploitant*|proprietaire*|occupant*|associe*)",
    "(locataire*|exploitant*|occupant*) (precedent*|d avant)",
    "(a|one of our|one of my|our|my|some of our|two of our|another) . (customer|customers)",
    "(our|my|the|their) (main|largest|biggest|major|key|principal|end|best) . (client|clients|customer|contractor)",
    "(a|one of our|one of my|some of our|two of our|another) (client|clients)",
    "(our|my) client .. (owes|owed|owing|paying|paid|pay|pays) us",
    "(parent company|holding company)",
    "(our|a|the|one of our|its) . (subsidiary|subsidiaries)",
    "(previous|former|last|old) . (tenant*|owner*|occupier*|partner*|director*)",
)
"""Further companies whose insolvency is not the sender's; "our client" alone is not among them: lawyers say it too."""

OWN_SUBJECT: tuple[str, ...] = (
    "nous (sommes|avons|avions|serons|allons|devons|entrons|passons|voila|voici|memes)",
    "(on|j) (est|a|va|ai)",
    "je (suis|vais|depose)",
    "(notre|ma|mon) (societe|entreprise|sarl|sas|sa|eurl|boite|association|affaire|commerce|exploitation|activite)",
    "(we|i) (are|re|have|ve|were|went|had|am|m|will|ll|entered|filed|called|ceased)",
    "(our|my) (company|business|firm|own|shop|club|charity)",
)
"""The sender as the subject: what follows is its own situation, also where another company is named before."""

OTHER_SENSE: tuple[str, ...] = (
    "liquidation (de la|d une|des|de nos|du) (depense*|stock*|tva|taxe*|facture|droits|subvention|prime|titre*|pension|retraite|succession|regime)",
    "(soldes|vente|prix) . (de)? liquidation",
    "liquidation (totale|sale|stock|de fin de serie)",
    "(sauvegarde*|sauvegarder) .. (donnee*|informatique*|fichier*|serveur|serveurs|automatique|cloud|disque|quotidienne|patrimoine|environnement|emploi|base|chiffree|poste|externalisee|nuit|environnement)",
    "(devis|contrat|logiciel|solution|option|disque|systeme|offre) . (de)? sauvegarde",
    "la sauvegarde est",
    "redressement (fiscal|urssaf|tva|productif|de tete|postural|des comptes publics|assiette)",
    "(administration|adm) des ventes",
    "administration (fiscale|publique|communale|centrale|generale|scolaire)",
    "(conciliation|mediation) (bancaire|de comptes|des comptes|comptable)",
    "(conciliation|conseil) .. prud homm*",
    "(depot|depots) de (garantie|marque|dossier|pain)",
    "(plan|echeancier) . (de|des|du)? . (travaux|phases|livraison*|chantier|charge|formation|table)",
    "echeancier . (des|de|du) . (travaux|phases|livraison*|tva|fiscal|projet)",
    "(chapter|chapitre) (7|11|_num) (of|du|de|in) (the|your|our|votre|notre|a|la|le)? . (book|manual|guide|novel|handbook|livre|manuel|report|thesis|textbook|catalogue|course|regulations|document|contract)",
    "(read|lu|lire|reading) .. (chapter|chapitre)",
    "(extension|prolongation) (de|d|of|to) . (garantie|the warranty|warranty|abonnement|guarantee|licence|license|contrat|bail|the building|batiment|maison|the house|the lease|cable|line|telephone|number)",
    "(warranty|garantie|phone|telephone|hair|cable|building|house|lease|kitchen|site) extension",
    "(ext|extension) _num",
    "(dispute|litige*) (resolution|clause|procedure|settlement clause)",
    "(service|pole|direction|clause) . (des)? (litiges|contentieux|dispute*|recouvrement)",
    "(resolution|reglement) (des|de) (litiges|differends)",
    "(clause|clauses) .. (litige*|dispute*|insolvency|late payment|penalite*|force majeure|resiliation|faillite)",
    "(insolvency|bankruptcy|restructuring|procedures collectives|insolvabilite|recouvrement|collections|supplier insolvency) . (seminar|survey|questionnaire|exposure|risk|check|score|webinar|course|conference|training|event|events|newsletter|law update|barometer|statistic*|specialist|practice|lawyer)",
    "(seminaire|webinaire|formation|newsletter|conference|article|colloque|barometre|statistique*) .. (procedures collectives|insolvab*|faillite*|sauvegarde|redressement|litige*|impayes)",
    "(financial|business|system) administration (department|team|office|fee|course)",
    "(systems|system|network|office|business|land|public|sales) administrat*",
    "(split|stagger*|echelonn*|etal*|fractionn*|spread) .. (livraison*|deliver*|shipment*|expedition*|enlevement*|order*|commande*|conges|holidays|vacations)",
    "(livraison*|deliver*|expedition*|shipment*) .. (split|stagger*|echelonn*|etal*|fractionn*|partielle*|in two|en deux|en plusieurs)",
    "(participation|prime|salaires|cotisation salariale) .. echelonn*",
    "(promise*|promets|promis|promise) .. (reply|answer|reponse|repondre|rappeler|call|callback|come back|un retour|get back)",
    "(legal|court|tribunal|law) (holidays|calendar|dress)",
    "(tennis|basket*|food|squash|badminton) court",
    "(lost|perdu) .. (keys|cles|password|mot de passe|parcel|colis|badge|phone|telephone|document|fichier|temps|luggage)",
    "(merger|fusion) (froide|of cells|de fichiers|des cellules|documents)",
    "(recovery|tow truck|towing|vehicle recovery)",
    "(liquidation|clearance) (sale|of stock)",
    "(grosse|notre|grande|une|la|vente|super) . liquidation . (avant|de|des|du|totale)? . (travaux|stock|stocks|fin|saison|samedi|magasin|invendus|inventaire)",
    "liquidation avant (travaux|demenagement|inventaire)",
    "demande de (delai|report) de livraison",
    "(decaler|reporter|repousser|decalage|report|delai) .. (livraison*|expedition|rendez vous|rdv|reunion|visite|intervention|chantier|formation|enlevement)",
    "(postpone|defer|delay|push back|reschedule|move) .. (delivery|shipment|meeting|visit|appointment|call|training|installation)",
    "(is|are|been|was) (in|or has ever been in) .. (or any other insolvency)",
    "(ever|never) been in (administration|receivership|liquidation)",
    "ring me",
    "(pack|packing|shipping) (list|documents) ..",
    "(cash|liquide) (register|desk|and carry|machine)",
    "(administration|administer) (of|du) (medicine|medicament|vaccin*|the estate)",
    "(pension|estate|probate|sports|scheme) administrator*",
    "(receiver) (unit|antenna|radio|telephone)",
    "(satellite|radio|gps|wireless) receiver",
    "(bank|bourse) holiday*",
)

RESOLUTION_WITHIN_MAIL = PAST_OR_SETTLED[4:]
"""Settling words that speak for the whole mail, wherever they stand."""
