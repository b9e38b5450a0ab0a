-- Append only: a row that says what is about to be done, later a row that says what came of it. Each row's hash covers
-- its own columns and the hash of the row before it.
CREATE TABLE entry (
    seq BIGINT NOT NULL PRIMARY KEY,
    -- 0: begin; otherwise the begin row this is the outcome of.
    begun BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    request TEXT NOT NULL,
    action TEXT NOT NULL,
    connection TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BYTEA NOT NULL
);
CREATE INDEX entry_by_begun ON entry (begun);
CREATE INDEX entry_by_connection ON entry (connection, seq);

-- Where the chain ends, so that rows missing from its end are noticed.
CREATE TABLE head (
    one BIGINT NOT NULL PRIMARY KEY,
    seq BIGINT NOT NULL,
    hash BYTEA NOT NULL
);
