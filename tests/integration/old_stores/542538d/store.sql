BEGIN TRANSACTION;
CREATE TABLE answers (
	answer_id VARCHAR(40) NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	subject_id TEXT, 
	customer_id TEXT, 
	created_at DATETIME NOT NULL, 
	body TEXT, 
	erased_at DATETIME, 
	PRIMARY KEY (answer_id)
);
INSERT INTO "answers" VALUES('score-b71155487e8a4668a9996e3934a46123','score','F-2','C-3','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.2}',NULL);
INSERT INTO "answers" VALUES('score-fe1c4af09ec54cdd93e5b69bd14dddc5','score','F-3','C-1','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.3}',NULL);
INSERT INTO "answers" VALUES('score-1ba3457a495443be8b7ac1ee9694273f','score','F-4','C-2','2026-03-02 09:30:00.000000',NULL,'2026-03-02 10:30:00.000000');
INSERT INTO "answers" VALUES('score-b41204e2710745248ac55cdc4ed4dcbf','score','F-5','C-3','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.5}',NULL);
INSERT INTO "answers" VALUES('override-4dfecf03c71f4a77829210a1becc067','override','score-b71155487e8a4668a9996e3934a46123','C-3','2026-03-02 09:30:00.000000','{"created_at":"2026-03-02T09:30:00+00:00","decided_by":"a.tester","decision_id":"score-b71155487e8a4668a9996e3934a46123","hold_until":"2026-03-20","invoice_id":"F-2","override_id":"override-4dfecf03c71f4a77829210a1becc067","proposed_sequence_id":"reinforced","reason":"spoke to the owner","sequence_id":"courtesy"}',NULL);
INSERT INTO "answers" VALUES('override-70a0c3b3bef045cfbf1f1dcd42ad5f7','override','score-b41204e2710745248ac55cdc4ed4dcbf','C-3','2026-03-02 09:30:00.000000','{"created_at":"2026-03-02T09:30:00+00:00","decided_by":"a.tester","decision_id":"score-b41204e2710745248ac55cdc4ed4dcbf","hold_until":null,"invoice_id":"F-5","override_id":"override-70a0c3b3bef045cfbf1f1dcd42ad5f7","proposed_sequence_id":"reinforced","reason":"spoke to the owner","sequence_id":"hold"}',NULL);
INSERT INTO "answers" VALUES('erasure-68af8d6452b5418ba297fb5b9347efe0','erasure',NULL,'C-2','2026-03-02 10:30:00.000000','{"erased":{"answers":1,"customer names":1,"emails":1,"nightly scores":1},"erased_answers":["score-1ba3457a495443be8b7ac1ee9694273f"],"kept":[{"count":5,"what":"invoices, payments, disputes","why":"invoices, payments and disputes are accounting records that must be kept ten years (Code de commerce, art. L123-22; GDPR art. 17(3)(b))"},{"count":1,"what":"interactions","why":"dated contacts hold no text and no name; they document the collection of the debt (GDPR art. 17(3)(e))"},{"count":1,"what":"lines of the audit chain","why":"the lines of the audit chain hold ids and hashes only; they prove what was decided (GDPR art. 5(2) and 17(3)(e))"},{"count":null,"what":"ledger files, training sets, models","why":"the ledger files and models outside this store follow their source: erase there too, the next nightly run and the next training then no longer hold it"},{"count":null,"what":"decisions of past nights (`decisions/`, `out/` in the home)","why":"the files of past nights hold ids, amounts, days, reasons and who overruled a proposal, no names of debtors and no e-mail texts; they prove what was decided (GDPR art. 5(2) and 17(3)(e)); delete the files that are needed no longer"}],"subject":{"customer_id":"C-2"}}',NULL);
CREATE TABLE audit_chain (
	position BIGINT NOT NULL, 
	written_at DATETIME NOT NULL, 
	kind VARCHAR(16) NOT NULL, 
	answer_id VARCHAR(40) NOT NULL, 
	caller TEXT NOT NULL, 
	body_sha256 VARCHAR(64) NOT NULL, 
	previous_hash VARCHAR(64) NOT NULL, 
	line_hash VARCHAR(64) NOT NULL, 
	PRIMARY KEY (position), 
	UNIQUE (answer_id)
);
INSERT INTO "audit_chain" VALUES(1,'2026-03-02 09:30:00.000000','score','score-b71155487e8a4668a9996e3934a46123','erp','8b87f728ef3a71e223fe1043dd23f69aaa259a5929f867f33cf619c192236767','0000000000000000000000000000000000000000000000000000000000000000','f3b23281fe209ca9e1d6542fa081c785e29ec72b32f8f1bf5ed62a2be0a75a05');
INSERT INTO "audit_chain" VALUES(2,'2026-03-02 09:30:00.000000','score','score-fe1c4af09ec54cdd93e5b69bd14dddc5','erp','041b82d3f2a45a046636b46b64b9c9dfae056a30c55b6292bf74a14f80cc070c','f3b23281fe209ca9e1d6542fa081c785e29ec72b32f8f1bf5ed62a2be0a75a05','dccc2bf51857e4b50908e657293ef304e84aebbe87ecd3f6bbf2f6182b1e946e');
INSERT INTO "audit_chain" VALUES(3,'2026-03-02 09:30:00.000000','score','score-1ba3457a495443be8b7ac1ee9694273f','erp','375b32a3f241af4167025272a7f207fa6778e1fd61922c9b3524de3f8ddfe4d1','dccc2bf51857e4b50908e657293ef304e84aebbe87ecd3f6bbf2f6182b1e946e','e4b301f428441658391f3553cf3b9a976cf5adcb139b2943dc15dbafdfaf83ca');
INSERT INTO "audit_chain" VALUES(4,'2026-03-02 09:30:00.000000','score','score-b41204e2710745248ac55cdc4ed4dcbf','erp','f17b37da0df1868cddceca933ac4dc8ad775ac2d1346cc99f9ba52f1f83e4383','e4b301f428441658391f3553cf3b9a976cf5adcb139b2943dc15dbafdfaf83ca','f9c0519fd84f1be82544ade8c127d8d53a2dadfef1b0fb6de5d0e269993238d0');
INSERT INTO "audit_chain" VALUES(5,'2026-03-02 09:30:00.000000','override','override-4dfecf03c71f4a77829210a1becc067','credit','c8a8a0879dafc2bb7c9476ed66d3d464754af39f7fb00abcacfbd140799a256e','f9c0519fd84f1be82544ade8c127d8d53a2dadfef1b0fb6de5d0e269993238d0','f5aac6a3740c9bc2112622398d3da200380501269e4cf3fe4e798ef646be762b');
INSERT INTO "audit_chain" VALUES(6,'2026-03-02 09:30:00.000000','override','override-70a0c3b3bef045cfbf1f1dcd42ad5f7','credit','37dc7316835f1fcdef69b034c9ce655f5097984da614052150d15b9be17c9c38','f5aac6a3740c9bc2112622398d3da200380501269e4cf3fe4e798ef646be762b','3e4e307a1a942042f76c845bfdcc2955df1b59428cefc9a3436aad9c8d762ca4');
INSERT INTO "audit_chain" VALUES(7,'2026-03-02 10:30:00.000000','erasure','erasure-68af8d6452b5418ba297fb5b9347efe0','a.tester','1001bc7361adb8ae197c8c76f3937a962fb69897e7937399d5ace606518c7597','3e4e307a1a942042f76c845bfdcc2955df1b59428cefc9a3436aad9c8d762ca4','d8b8113133ef2b463832d91cac515a1e24d0a64d833e10467ce597936a94426f');
CREATE TABLE counters (
	name VARCHAR(16) NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "counters" VALUES('change',4);
INSERT INTO "counters" VALUES('context',3);
INSERT INTO "counters" VALUES('generation',1);
INSERT INTO "counters" VALUES('night',1);
INSERT INTO "counters" VALUES('audit',7);
INSERT INTO "counters" VALUES('schema',6);
CREATE TABLE customer_changes (
	customer_id TEXT NOT NULL, 
	change BIGINT NOT NULL, 
	PRIMARY KEY (customer_id)
);
INSERT INTO "customer_changes" VALUES('C-1',1);
INSERT INTO "customer_changes" VALUES('C-3',3);
INSERT INTO "customer_changes" VALUES('C-2',4);
CREATE TABLE erased_facts (
	table_name VARCHAR(16) NOT NULL, 
	fact_id TEXT NOT NULL, 
	erased_at DATETIME NOT NULL, 
	PRIMARY KEY (table_name, fact_id)
);
INSERT INTO "erased_facts" VALUES('emails','M-2','2026-03-02 10:30:00.000000');
INSERT INTO "erased_facts" VALUES('customers','C-2','2026-03-02 10:30:00.000000');
CREATE TABLE fact_customer_history (
	fact_key TEXT NOT NULL, 
	customer_id TEXT, 
	valid_from_on DATE, 
	country TEXT, 
	sector TEXT, 
	legal_form TEXT, 
	is_natural_person BOOLEAN, 
	size_class TEXT, 
	credit_limit_cents BIGINT, 
	is_strategic BOOLEAN, 
	group_id TEXT, 
	bureau_score FLOAT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (fact_key)
);
CREATE TABLE fact_customer_merges (
	customer_id TEXT NOT NULL, 
	merged_into_id TEXT, 
	merged_on DATE, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (customer_id)
);
CREATE TABLE fact_customers (
	customer_id TEXT NOT NULL, 
	name TEXT, 
	country TEXT, 
	sector TEXT, 
	legal_form TEXT, 
	is_natural_person BOOLEAN, 
	size_class TEXT, 
	siren TEXT, 
	language TEXT, 
	customer_since_on DATE, 
	credit_limit_cents BIGINT, 
	is_strategic BOOLEAN, 
	group_id TEXT, 
	bureau_score FLOAT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (customer_id)
);
INSERT INTO "fact_customers" VALUES('C-1','Maçonnerie Aubrac','FR','43',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_customers" VALUES('C-2',NULL,'FR','43',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_customers" VALUES('C-3','Hôtel du Causse','FR','43',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
CREATE TABLE fact_disputes (
	fact_key TEXT NOT NULL, 
	dispute_id TEXT, 
	invoice_id TEXT, 
	opened_on DATE, 
	closed_on DATE, 
	reason TEXT, 
	amount_cents BIGINT, 
	customer_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (fact_key)
);
INSERT INTO "fact_disputes" VALUES('D-1@2026-02-15','D-1','F-3','2026-02-15',NULL,'price',NULL,'C-1','batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_disputes" VALUES('D-2@2026-02-25','D-2','F-5','2026-02-25',NULL,'quantity',NULL,'C-3','event','2026-03-02 09:35:00.000000');
INSERT INTO "fact_disputes" VALUES('D-3@2026-02-26','D-3','f-98','2026-02-26',NULL,NULL,NULL,NULL,'event','2026-03-02 09:35:00.000000');
CREATE TABLE fact_emails (
	email_id TEXT NOT NULL, 
	customer_id TEXT, 
	sent_at DATETIME, 
	direction TEXT, 
	subject TEXT, 
	body TEXT, 
	invoice_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (email_id)
);
INSERT INTO "fact_emails" VALUES('M-1','C-1','2026-03-01 09:30:00.000000','inbound','Facture','Bonjour, nous réglons la facture F-1 vendredi.',NULL,'batch','2026-03-02 09:30:00.000000');
CREATE TABLE fact_indicators (
	line INTEGER NOT NULL, 
	name TEXT NOT NULL, 
	sector TEXT, 
	country TEXT, 
	period TEXT NOT NULL, 
	value FLOAT NOT NULL, 
	published_on DATE NOT NULL, 
	PRIMARY KEY (line)
);
CREATE TABLE fact_instalments (
	fact_key TEXT NOT NULL, 
	invoice_id TEXT, 
	number BIGINT, 
	due_on DATE, 
	amount_cents BIGINT, 
	kind TEXT, 
	customer_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (fact_key)
);
CREATE TABLE fact_interactions (
	interaction_id TEXT NOT NULL, 
	customer_id TEXT, 
	invoice_id TEXT, 
	happened_at DATETIME, 
	kind TEXT, 
	channel TEXT, 
	sequence_id TEXT, 
	step_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (interaction_id)
);
INSERT INTO "fact_interactions" VALUES('I-1','C-2','F-2','2026-02-27 09:30:00.000000','call','phone',NULL,NULL,'event','2026-03-02 09:35:00.000000');
CREATE TABLE fact_invoices (
	invoice_id TEXT NOT NULL, 
	customer_id TEXT, 
	kind TEXT, 
	issued_on DATE, 
	due_on DATE, 
	amount_cents BIGINT, 
	currency TEXT, 
	terms TEXT, 
	delivery_channel TEXT, 
	purchase_order TEXT, 
	billing_trigger TEXT, 
	source_due_on DATE, 
	cancelled_on DATE, 
	replaces_invoice_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (invoice_id)
);
INSERT INTO "fact_invoices" VALUES('F-1','C-2','invoice','2026-01-02','2026-02-01',15040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-2','C-3','invoice','2026-01-03','2026-02-02',25040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-3','C-1','invoice','2026-01-04','2026-02-03',35040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-4','C-2','invoice','2026-01-05','2026-02-04',45040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-5','C-3','invoice','2026-01-06','2026-02-05',55040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-6','C-1','invoice','2026-01-07','2026-02-06',65040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-7','C-2','invoice','2026-01-08','2026-02-07',75040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-8','C-3','invoice','2026-01-09','2026-02-08',85040,'EUR','30 jours',NULL,NULL,NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
CREATE TABLE fact_payments (
	payment_id TEXT NOT NULL, 
	invoice_id TEXT, 
	stated_customer_id TEXT, 
	paid_on DATE, 
	known_on DATE, 
	amount_cents BIGINT, 
	method TEXT, 
	currency TEXT, 
	reverses_payment_id TEXT, 
	customer_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (payment_id)
);
INSERT INTO "fact_payments" VALUES('P-1','F-1',NULL,'2026-02-03','2026-02-04',15040,'transfer',NULL,NULL,'C-2','batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_payments" VALUES('P-2','F-2',NULL,'2026-02-10','2026-02-11',10000,'transfer',NULL,NULL,'C-3','batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_payments" VALUES('P-3','F-4',NULL,'2026-02-20','2026-02-21',45040,'transfer',NULL,NULL,'C-2','event','2026-03-02 09:35:00.000000');
INSERT INTO "fact_payments" VALUES('P-4','F-99',NULL,'2026-02-21','2026-02-22',1000,'transfer',NULL,NULL,NULL,'event','2026-03-02 09:35:00.000000');
CREATE TABLE fact_statements (
	table_name VARCHAR(16) NOT NULL, 
	fact_id TEXT NOT NULL, 
	column_name VARCHAR(32) NOT NULL, 
	value TEXT NOT NULL, 
	PRIMARY KEY (table_name, fact_id, column_name)
);
CREATE TABLE feeds (
	name VARCHAR(16) NOT NULL, 
	is_provided BOOLEAN NOT NULL, 
	loaded_at DATETIME, 
	known_on DATE, 
	received_at DATETIME, 
	complete_through_on DATE, 
	told_through_on DATE, 
	PRIMARY KEY (name)
);
INSERT INTO "feeds" VALUES('customers',1,'2026-03-02 09:30:00.000000',NULL,NULL,NULL,NULL);
INSERT INTO "feeds" VALUES('invoices',1,'2026-03-02 09:30:00.000000','2026-01-09',NULL,NULL,NULL);
INSERT INTO "feeds" VALUES('customer_merges',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "feeds" VALUES('customer_history',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "feeds" VALUES('instalments',0,NULL,NULL,NULL,NULL,NULL);
INSERT INTO "feeds" VALUES('payments',1,'2026-03-02 09:30:00.000000','2026-02-22','2026-03-02 09:35:00.000000',NULL,NULL);
INSERT INTO "feeds" VALUES('disputes',1,'2026-03-02 09:30:00.000000','2026-02-26','2026-03-02 09:35:00.000000',NULL,NULL);
INSERT INTO "feeds" VALUES('emails',1,'2026-03-02 09:30:00.000000','2026-03-01',NULL,NULL,NULL);
INSERT INTO "feeds" VALUES('interactions',1,NULL,'2026-02-27','2026-03-02 09:35:00.000000',NULL,NULL);
INSERT INTO "feeds" VALUES('indicators',0,NULL,NULL,NULL,NULL,NULL);
CREATE TABLE known_ids (
	kind VARCHAR(16) NOT NULL, 
	id TEXT NOT NULL, 
	match_key TEXT NOT NULL, 
	PRIMARY KEY (kind, id)
);
INSERT INTO "known_ids" VALUES('invoices','F-1','f-1');
INSERT INTO "known_ids" VALUES('invoices','F-2','f-2');
INSERT INTO "known_ids" VALUES('invoices','F-3','f-3');
INSERT INTO "known_ids" VALUES('invoices','F-4','f-4');
INSERT INTO "known_ids" VALUES('invoices','F-5','f-5');
INSERT INTO "known_ids" VALUES('invoices','F-6','f-6');
INSERT INTO "known_ids" VALUES('invoices','F-7','f-7');
INSERT INTO "known_ids" VALUES('invoices','F-8','f-8');
INSERT INTO "known_ids" VALUES('customers','C-1','c-1');
INSERT INTO "known_ids" VALUES('customers','C-2','c-2');
INSERT INTO "known_ids" VALUES('customers','C-3','c-3');
INSERT INTO "known_ids" VALUES('awaited','F-99','f-99');
INSERT INTO "known_ids" VALUES('awaited','f-98','f-98');
CREATE TABLE leases (
	name VARCHAR(32) NOT NULL, 
	holder VARCHAR(64) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	PRIMARY KEY (name)
);
CREATE TABLE mail_signals (
	email_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	content VARCHAR(64) NOT NULL, 
	reader VARCHAR(64) NOT NULL, 
	failure TEXT, 
	body TEXT, 
	read_at DATETIME NOT NULL, 
	PRIMARY KEY (email_id)
);
CREATE TABLE nightly_scores (
	answer_id VARCHAR(40) NOT NULL, 
	subject_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (answer_id)
);
INSERT INTO "nightly_scores" VALUES('score-e24d260d39c8482892bb5af8d6ced41d','F-6','C-1','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.6}');
INSERT INTO "nightly_scores" VALUES('score-753af2e6c08d48489978115f40537e78','F-8','C-3','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.8}');
CREATE INDEX fact_invoices_by_customer ON fact_invoices (customer_id);
CREATE INDEX fact_customer_history_by_customer ON fact_customer_history (customer_id);
CREATE INDEX fact_instalments_by_invoice ON fact_instalments (invoice_id);
CREATE INDEX fact_instalments_by_customer ON fact_instalments (customer_id);
CREATE INDEX fact_payments_by_invoice ON fact_payments (invoice_id);
CREATE INDEX fact_payments_by_customer ON fact_payments (customer_id);
CREATE INDEX fact_disputes_by_customer ON fact_disputes (customer_id);
CREATE INDEX fact_disputes_by_invoice ON fact_disputes (invoice_id);
CREATE INDEX fact_emails_by_customer ON fact_emails (customer_id);
CREATE INDEX fact_interactions_by_customer ON fact_interactions (customer_id);
CREATE INDEX ix_customer_changes_change ON customer_changes (change);
CREATE INDEX known_ids_by_key ON known_ids (kind, match_key);
CREATE INDEX ix_mail_signals_customer_id ON mail_signals (customer_id);
CREATE INDEX answers_by_kind ON answers (kind, subject_id);
CREATE INDEX answers_overrides ON answers (customer_id, kind) WHERE kind = 'override';
CREATE INDEX ix_answers_subject_id ON answers (subject_id);
CREATE INDEX ix_answers_customer_id ON answers (customer_id);
CREATE INDEX ix_answers_created_at ON answers (created_at);
CREATE INDEX ix_nightly_scores_customer_id ON nightly_scores (customer_id);
CREATE INDEX ix_nightly_scores_subject_id ON nightly_scores (subject_id);
COMMIT;
