-- Version 1. The same text for both databases; PostgreSQL gets COLLATE "C" for every TEXT, so that both sort by bytes.

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

CREATE TABLE document_references (
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    to_kind TEXT NOT NULL,
    to_id TEXT NOT NULL,
    PRIMARY KEY (kind, id, to_kind, to_id)
);
CREATE INDEX document_references_to ON document_references (to_kind, to_id);

CREATE TABLE claims (
    name TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    id TEXT NOT NULL
);
CREATE INDEX claims_by_document ON claims (kind, id);

CREATE TABLE changes (
    seq BIGINT NOT NULL PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    id TEXT NOT NULL,
    version BIGINT,
    operation TEXT NOT NULL
);

CREATE TABLE operators (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    scope TEXT,
    disabled BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

CREATE TABLE access_keys (
    id TEXT NOT NULL PRIMARY KEY,
    operator TEXT NOT NULL REFERENCES operators (name) ON DELETE CASCADE,
    secret TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    expires_at BIGINT,
    disabled BIGINT NOT NULL,
    last_used_at BIGINT
);
CREATE INDEX access_keys_by_operator ON access_keys (operator);

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
CREATE INDEX audit_by_document ON audit (kind, id, seq);
CREATE INDEX audit_by_operator ON audit (operator, seq);

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
CREATE INDEX idempotency_by_time ON idempotency (at);

-- The last transaction that each writing process began to commit: PostgreSQL's answer to "was it committed?".
CREATE TABLE attempts (
    writer TEXT NOT NULL PRIMARY KEY,
    attempt TEXT NOT NULL,
    at BIGINT NOT NULL
);
