BEGIN TRANSACTION;
CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    disabled BIGINT NOT NULL,
    last_used_at BIGINT
);
INSERT INTO "access_keys" VALUES('PRIVETI03EGE0M8HOZ4K','ada','v1.i+N+Q/XeIwMiAN41uR58m51R8lZ0XP5DeIwYgk3B/bqhcyWjHWeusgqC6dsSzdpt4cdm1B+rmWCSFtkMFxXhRwzeoo8=',1800000000,NULL,0,NULL);
CREATE TABLE attempts (
    writer TEXT NOT NULL PRIMARY KEY,
    attempt TEXT NOT NULL,
    at BIGINT NOT NULL
);
CREATE TABLE audit (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    operator TEXT NOT NULL,
    how TEXT NOT NULL,
    address TEXT,
    request_id TEXT,
    operation TEXT NOT NULL,
    outcome TEXT NOT NULL,
    kind TEXT,
    id TEXT,
    body_before TEXT,
    body_after TEXT,
    detail TEXT,
    hash TEXT NOT NULL
);
INSERT INTO "audit" VALUES(1,1800000000,'ada','api','192.0.2.7','r-1','create_operator','done','operator','ada',NULL,'{"disabled":false,"role":"admin","scope":null}',NULL,'cf2e9ba888a68d9e2465fc69e252c60bae1a72bf6c8a15c8b6e8a3f73a9f5336');
INSERT INTO "audit" VALUES(2,1800000000,'ada','api','192.0.2.7','r-1','create_operator','done','access_key','PRIVETI03EGE0M8HOZ4K',NULL,'{"disabled":false,"expires_at":null,"operator":"ada"}',NULL,'dfb42112130301e05f73514397ff45e474d1f401f73d22ee3b881a0ab50606fb');
INSERT INTO "audit" VALUES(3,1800000000,'ada','api','192.0.2.7','r-1','change_things','done','thing','a',NULL,'{"secret":{"sealed":"v1.aP5LzttNrHPOOvS4PEH46Cq1jSvw98cPMi5qxr36OUfMNA=="}}',NULL,'f3c1069358a37a78b881d302e46775ac5371e7ef775990281279db3a8711b917');
CREATE TABLE changes (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT,
    operation TEXT NOT NULL
);
INSERT INTO "changes" VALUES(1,1800000000,'thing','a',1,'change_things');
CREATE TABLE claims (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL
);
CREATE TABLE document_references (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    PRIMARY KEY (kind, id, to_kind, to_id)
);
CREATE TABLE documents (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT NOT NULL,
    etag TEXT NOT NULL,
    body TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    PRIMARY KEY (kind, id)
);
INSERT INTO "documents" VALUES('thing','a',1,'E2FNC8EMN03R1','{"secret":{"sealed":"v1.aP5LzttNrHPOOvS4PEH46Cq1jSvw98cPMi5qxr36OUfMNA=="}}',1800000000,1800000000,'ada');
CREATE TABLE edges (
    id TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    version TEXT NOT NULL,
    applied_seq BIGINT NOT NULL,
    state TEXT NOT NULL,
    seen_at BIGINT NOT NULL
);
CREATE TABLE idempotency (
    operator TEXT NOT NULL,
    name TEXT NOT NULL,
    request_digest TEXT NOT NULL,
    response TEXT NOT NULL,
    written TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (operator, name)
);
CREATE TABLE meta (name TEXT NOT NULL PRIMARY KEY, value TEXT NOT NULL);
INSERT INTO "meta" VALUES('schema','1');
INSERT INTO "meta" VALUES('seal_check','v1.JSKVC9ug1Rx5DWAZmQvdUE7Z1CeBT3Or3jOiYdF/dvC2qg==');
INSERT INTO "meta" VALUES('store_id','Z2J7K3HVNSH2RKR7FO0KRQD5JJ');
CREATE TABLE operators (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    scope TEXT,
    disabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);
INSERT INTO "operators" VALUES('ada','admin',NULL,0,1800000000);
CREATE TABLE versions (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    number BIGINT NOT NULL,
    etag TEXT NOT NULL,
    body TEXT,
    at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    operation TEXT NOT NULL,
    PRIMARY KEY (kind, id, number)
);
INSERT INTO "versions" VALUES('thing','a',1,'E2FNC8EMN03R1','{"secret":{"sealed":"v1.aP5LzttNrHPOOvS4PEH46Cq1jSvw98cPMi5qxr36OUfMNA=="}}',1800000000,'ada','change_things');
CREATE INDEX document_references_to ON document_references (to_kind, to_id);
CREATE INDEX claims_by_document ON claims (kind, id);
CREATE INDEX access_keys_by_operator ON access_keys (operator);
CREATE INDEX audit_by_document ON audit (kind, id, seq);
CREATE INDEX audit_by_operator ON audit (operator, seq);
CREATE INDEX idempotency_by_time ON idempotency (at);
CREATE TRIGGER audit_keeps_rows BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail can only be added to');
END;
CREATE TRIGGER audit_keeps_values BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit trail can only be added to');
END;
COMMIT;
