-- Where secured options are kept that are kept outside: references, sealed like values, so that nobody with the database
-- in hand points one elsewhere. Beside a value of the same option and entry it goes first.
CREATE TABLE secured_reference (
    connection BIGINT NOT NULL REFERENCES connection (number),
    name TEXT NOT NULL,
    entry TEXT NOT NULL,
    -- Which key sealed it.
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    -- A keyed MAC of the reference; nobody is shown it.
    fingerprint TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (connection, name, entry)
);
