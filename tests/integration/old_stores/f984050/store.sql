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
INSERT INTO "answers" VALUES('score-5dcda76c08c74d2f9214b14d0bbdb84d','score','F-2','C-3','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.2}',NULL);
INSERT INTO "answers" VALUES('score-111537842acf4aef9f08689e7399d94a','score','F-3','C-1','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.3}',NULL);
INSERT INTO "answers" VALUES('score-4bdc54bcbf124e98b0cf3606c53492d2','score','F-4','C-2','2026-03-02 09:30:00.000000',NULL,'2026-03-02 10:30:00.000000');
INSERT INTO "answers" VALUES('score-dd21383797734890827c5830760f7ef0','score','F-5','C-3','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.5}',NULL);
INSERT INTO "answers" VALUES('override-ed38554420294b6eb66eab5547bbe71','override','score-5dcda76c08c74d2f9214b14d0bbdb84d','C-3','2026-03-02 09:30:00.000000','{"created_at":"2026-03-02T09:30:00+00:00","decided_by":"a.tester","decision_id":"score-5dcda76c08c74d2f9214b14d0bbdb84d","hold_until":"2026-03-20","invoice_id":"F-2","override_id":"override-ed38554420294b6eb66eab5547bbe71","proposed_sequence_id":"reinforced","reason":"spoke to the owner","sequence_id":"courtesy"}',NULL);
INSERT INTO "answers" VALUES('override-284950309b81461c8ba33299f37ffa6','override','score-dd21383797734890827c5830760f7ef0','C-3','2026-03-02 09:30:00.000000','{"created_at":"2026-03-02T09:30:00+00:00","decided_by":"a.tester","decision_id":"score-dd21383797734890827c5830760f7ef0","hold_until":null,"invoice_id":"F-5","override_id":"override-284950309b81461c8ba33299f37ffa6","proposed_sequence_id":"reinforced","reason":"spoke to the owner","sequence_id":"hold"}',NULL);
INSERT INTO "answers" VALUES('erasure-a1b031dd09a04cf49808e77c39fbbc81','erasure',NULL,'C-2','2026-03-02 10:30:00.000000','{"erased":{"answers":1,"customer names":1,"emails":1,"nightly scores":1},"erased_answers":["score-4bdc54bcbf124e98b0cf3606c53492d2"],"kept":[{"count":5,"what":"invoices, payments, disputes","why":"invoices, payments and disputes are accounting records that must be kept ten years (Code de commerce, art. L123-22; GDPR art. 17(3)(b))"},{"count":1,"what":"interactions","why":"dated contacts hold no text and no name; they document the collection of the debt (GDPR art. 17(3)(e))"},{"count":1,"what":"lines of the audit chain","why":"the lines of the audit chain hold ids and hashes only; they prove what was decided (GDPR art. 5(2) and 17(3)(e))"},{"count":null,"what":"ledger files, training sets, models","why":"the ledger files and models outside this store follow their source: erase there too, the next nightly run and the next training then no longer hold it"},{"count":null,"what":"decisions of past nights (`decisions/`, `out/` in the home)","why":"the files of past nights hold ids, amounts, days, reasons and who overruled a proposal, no names of debtors and no e-mail texts; they prove what was decided (GDPR art. 5(2) and 17(3)(e)); delete the files that are needed no longer"}],"subject":{"customer_id":"C-2"}}',NULL);
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
INSERT INTO "audit_chain" VALUES(1,'2026-03-02 09:30:00.000000','score','score-5dcda76c08c74d2f9214b14d0bbdb84d','erp','8b87f728ef3a71e223fe1043dd23f69aaa259a5929f867f33cf619c192236767','0000000000000000000000000000000000000000000000000000000000000000','552ff04ca128ce4f1145cb55e71b0831d22926e804d4c439abe7bb35076b41bf');
INSERT INTO "audit_chain" VALUES(2,'2026-03-02 09:30:00.000000','score','score-111537842acf4aef9f08689e7399d94a','erp','041b82d3f2a45a046636b46b64b9c9dfae056a30c55b6292bf74a14f80cc070c','552ff04ca128ce4f1145cb55e71b0831d22926e804d4c439abe7bb35076b41bf','c858be38840ea879d1956a10791ea14c9e0ad82d77ec43c20995302f20c78ab6');
INSERT INTO "audit_chain" VALUES(3,'2026-03-02 09:30:00.000000','score','score-4bdc54bcbf124e98b0cf3606c53492d2','erp','375b32a3f241af4167025272a7f207fa6778e1fd61922c9b3524de3f8ddfe4d1','c858be38840ea879d1956a10791ea14c9e0ad82d77ec43c20995302f20c78ab6','1c082e86476a4a9e3521b4bacd29b2201ae9ffc99797a5dc18da28a90e69e63f');
INSERT INTO "audit_chain" VALUES(4,'2026-03-02 09:30:00.000000','score','score-dd21383797734890827c5830760f7ef0','erp','f17b37da0df1868cddceca933ac4dc8ad775ac2d1346cc99f9ba52f1f83e4383','1c082e86476a4a9e3521b4bacd29b2201ae9ffc99797a5dc18da28a90e69e63f','4fb41d5edee699f25968ad7ce83a82c74d36b9d1cba19d3dd07d64935a548e21');
INSERT INTO "audit_chain" VALUES(5,'2026-03-02 09:30:00.000000','override','override-ed38554420294b6eb66eab5547bbe71','credit','ef7e9ec542349f6537c198081c9405a108dac7c56e7fc43d68d83518a48b2c64','4fb41d5edee699f25968ad7ce83a82c74d36b9d1cba19d3dd07d64935a548e21','d99615fd06d77c82ddeb7f8bfed7dd5fbbde2b6034e7ef10022b8af60fa90f16');
INSERT INTO "audit_chain" VALUES(6,'2026-03-02 09:30:00.000000','override','override-284950309b81461c8ba33299f37ffa6','credit','c81acaa3283930e92c75c3c07adfa475030d063fa595431e6a2ac6ac52cb7cee','d99615fd06d77c82ddeb7f8bfed7dd5fbbde2b6034e7ef10022b8af60fa90f16','555ef4200bf85c1e10ab83875651c6550720f582fcc2eabdf7a077ed59e127fd');
INSERT INTO "audit_chain" VALUES(7,'2026-03-02 10:30:00.000000','erasure','erasure-a1b031dd09a04cf49808e77c39fbbc81','a.tester','e66e2759b73d68d34e8a37958d5c8415114146ea73a602c9fd2223e6a5fd363b','555ef4200bf85c1e10ab83875651c6550720f582fcc2eabdf7a077ed59e127fd','15bd4553e6c60bd049a3cd8133e18d546a03449eb1e9f156fc9a556ee1e942b0');
CREATE TABLE counters (
	name VARCHAR(16) NOT NULL, 
	value BIGINT NOT NULL, 
	PRIMARY KEY (name)
);
INSERT INTO "counters" VALUES('change',4);
INSERT INTO "counters" VALUES('generation',1);
INSERT INTO "counters" VALUES('night',1);
INSERT INTO "counters" VALUES('audit',7);
INSERT INTO "counters" VALUES('schema',1);
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
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (customer_id)
);
INSERT INTO "fact_customers" VALUES('C-1','Maçonnerie Aubrac','FR','43',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_customers" VALUES('C-2',NULL,'FR','43',NULL,NULL,NULL,NULL,NULL,NULL,NULL,0,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_customers" VALUES('C-3','Hôtel du Causse','FR','43',NULL,NULL,NULL,NULL,NULL,NULL,NULL,1,NULL,'batch','2026-03-02 09:30:00.000000');
CREATE TABLE fact_disputes (
	dispute_id TEXT NOT NULL, 
	invoice_id TEXT, 
	opened_on DATE, 
	closed_on DATE, 
	reason TEXT, 
	customer_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (dispute_id)
);
INSERT INTO "fact_disputes" VALUES('D-1','F-3','2026-02-15',NULL,'price','C-1','batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_disputes" VALUES('D-2','F-5','2026-02-25',NULL,'quantity','C-3','event','2026-03-02 09:35:00.000000');
INSERT INTO "fact_disputes" VALUES('D-3','f-98','2026-02-26',NULL,NULL,NULL,'event','2026-03-02 09:35:00.000000');
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
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (invoice_id)
);
INSERT INTO "fact_invoices" VALUES('F-1','C-2','invoice','2026-01-02','2026-02-01',15040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-2','C-3','invoice','2026-01-03','2026-02-02',25040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-3','C-1','invoice','2026-01-04','2026-02-03',35040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-4','C-2','invoice','2026-01-05','2026-02-04',45040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-5','C-3','invoice','2026-01-06','2026-02-05',55040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-6','C-1','invoice','2026-01-07','2026-02-06',65040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-7','C-2','invoice','2026-01-08','2026-02-07',75040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_invoices" VALUES('F-8','C-3','invoice','2026-01-09','2026-02-08',85040,'EUR','30 jours',NULL,NULL,NULL,NULL,'batch','2026-03-02 09:30:00.000000');
CREATE TABLE fact_payments (
	payment_id TEXT NOT NULL, 
	invoice_id TEXT, 
	paid_on DATE, 
	known_on DATE, 
	amount_cents BIGINT, 
	method TEXT, 
	customer_id TEXT, 
	origin VARCHAR(5) NOT NULL, 
	received_at DATETIME NOT NULL, 
	PRIMARY KEY (payment_id)
);
INSERT INTO "fact_payments" VALUES('P-1','F-1','2026-02-03','2026-02-04',15040,'transfer','C-2','batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_payments" VALUES('P-2','F-2','2026-02-10','2026-02-11',10000,'transfer','C-3','batch','2026-03-02 09:30:00.000000');
INSERT INTO "fact_payments" VALUES('P-3','F-4','2026-02-20','2026-02-21',45040,'transfer','C-2','event','2026-03-02 09:35:00.000000');
INSERT INTO "fact_payments" VALUES('P-4','F-99','2026-02-21','2026-02-22',1000,'transfer',NULL,'event','2026-03-02 09:35:00.000000');
CREATE TABLE feeds (
	name VARCHAR(16) NOT NULL, 
	is_provided BOOLEAN NOT NULL, 
	loaded_at DATETIME, 
	known_on DATE, 
	received_at DATETIME, 
	PRIMARY KEY (name)
);
INSERT INTO "feeds" VALUES('customers',1,'2026-03-02 09:30:00.000000',NULL,NULL);
INSERT INTO "feeds" VALUES('invoices',1,'2026-03-02 09:30:00.000000','2026-01-09',NULL);
INSERT INTO "feeds" VALUES('payments',1,'2026-03-02 09:30:00.000000','2026-02-11','2026-03-02 09:35:00.000000');
INSERT INTO "feeds" VALUES('disputes',1,'2026-03-02 09:30:00.000000','2026-02-15','2026-03-02 09:35:00.000000');
INSERT INTO "feeds" VALUES('emails',1,'2026-03-02 09:30:00.000000','2026-03-01',NULL);
INSERT INTO "feeds" VALUES('interactions',1,NULL,NULL,'2026-03-02 09:35:00.000000');
INSERT INTO "feeds" VALUES('indicators',0,NULL,NULL,NULL);
CREATE TABLE nightly_scores (
	answer_id VARCHAR(40) NOT NULL, 
	subject_id TEXT NOT NULL, 
	customer_id TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	body TEXT NOT NULL, 
	PRIMARY KEY (answer_id)
);
INSERT INTO "nightly_scores" VALUES('score-3ed89911472e4d569aaaa0c84bf7733e','F-6','C-1','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.6}');
INSERT INTO "nightly_scores" VALUES('score-32d84d28680a4c64b1588595820f65fd','F-8','C-3','2026-03-02 09:30:00.000000','{"decision":{"next_step_on":"2026-03-05","sequence_id":"reinforced"},"p_late":0.8}');
CREATE INDEX fact_invoices_by_customer ON fact_invoices (customer_id);
CREATE INDEX fact_payments_by_invoice ON fact_payments (invoice_id);
CREATE INDEX fact_payments_by_customer ON fact_payments (customer_id);
CREATE INDEX fact_disputes_by_customer ON fact_disputes (customer_id);
CREATE INDEX fact_disputes_by_invoice ON fact_disputes (invoice_id);
CREATE INDEX fact_emails_by_customer ON fact_emails (customer_id);
CREATE INDEX fact_interactions_by_customer ON fact_interactions (customer_id);
CREATE INDEX ix_customer_changes_change ON customer_changes (change);
CREATE INDEX ix_answers_created_at ON answers (created_at);
CREATE INDEX ix_answers_subject_id ON answers (subject_id);
CREATE INDEX ix_answers_customer_id ON answers (customer_id);
CREATE INDEX answers_overrides ON answers (customer_id, kind) WHERE kind = 'override';
CREATE INDEX answers_by_kind ON answers (kind, subject_id);
CREATE INDEX ix_nightly_scores_customer_id ON nightly_scores (customer_id);
CREATE INDEX ix_nightly_scores_subject_id ON nightly_scores (subject_id);
COMMIT;
