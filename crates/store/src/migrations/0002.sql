-- Version 2: links that are counted or can be revoked, revocations, and the ledger. No table has a URL or a signature.

CREATE TABLE links (
    number BIGINT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL UNIQUE,
    limited BIGINT NOT NULL,
    key_pair_id TEXT NOT NULL,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    uses_max BIGINT,
    viewers_max BIGINT,
    bytes_max BIGINT,
    bytes_reserved BIGINT NOT NULL,
    confirm TEXT NOT NULL,
    window_seconds BIGINT NOT NULL,
    owner TEXT,
    subject TEXT,
    subject_digest TEXT,
    sender TEXT,
    label TEXT,
    note TEXT,
    file_name TEXT,
    ends_at BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    revoked_by BIGINT
);
CREATE INDEX links_by_subject ON links (subject_digest, number);
CREATE INDEX links_by_label ON links (label, number);
CREATE INDEX links_by_key ON links (key_pair_id, number);
CREATE INDEX links_by_object ON links (host, path);
CREATE INDEX links_by_end ON links (ends_at);
CREATE INDEX links_by_revocation ON links (revoked_by);

-- One row is one use. Two transactions that see the same uses give the same number, which only one of them can keep:
-- so counts are exact without a lock on the link. A use that was given back keeps its number; an attempt that was
-- given back before it came has none.
CREATE TABLE link_uses (
    attempt TEXT NOT NULL PRIMARY KEY,
    link TEXT NOT NULL REFERENCES links (id) ON DELETE CASCADE,
    number BIGINT,
    viewer TEXT NOT NULL,
    at BIGINT NOT NULL,
    window_until BIGINT NOT NULL,
    edge TEXT NOT NULL,
    joined BIGINT NOT NULL,
    given_back BIGINT NOT NULL,
    UNIQUE (link, number)
);
CREATE INDEX link_uses_by_viewer ON link_uses (link, viewer, window_until);
CREATE INDEX link_uses_given_back ON link_uses (link) WHERE given_back = 1;

-- `event` is the number of the last thing that happened to a revocation, by which edges follow.
CREATE TABLE revocations (
    seq BIGINT NOT NULL PRIMARY KEY,
    event BIGINT NOT NULL UNIQUE,
    etag TEXT NOT NULL,
    kind TEXT NOT NULL,
    value TEXT NOT NULL,
    until BIGINT NOT NULL,
    cut BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    note TEXT,
    lifted_at BIGINT,
    lifted_by TEXT
);
CREATE INDEX revocations_by_value ON revocations (kind, value);
CREATE INDEX revocations_by_end ON revocations (until);

CREATE TABLE ledger (
    digest TEXT NOT NULL PRIMARY KEY,
    first_use BIGINT,
    last_use BIGINT,
    uses BIGINT NOT NULL,
    viewers BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    watched_seconds BIGINT NOT NULL,
    refusals TEXT NOT NULL,
    addresses TEXT NOT NULL
);

-- The last batch of each edge that is in the ledger.
CREATE TABLE ledger_batches (
    edge TEXT NOT NULL PRIMARY KEY,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL
);
