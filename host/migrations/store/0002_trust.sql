-- Whose signatures the operator trusts: a key is trusted for one namespace at a time, and may be trusted for several.
CREATE TABLE publisher_key (
    publisher TEXT NOT NULL,
    -- SHA-256 of the key's SubjectPublicKeyInfo, in hexadecimal.
    key_id TEXT NOT NULL,
    -- The 32 bytes of an Ed25519 key.
    public_key BYTEA NOT NULL,
    title TEXT NOT NULL,
    added BIGINT NOT NULL,
    added_by TEXT NOT NULL,
    PRIMARY KEY (publisher, key_id)
);

-- Signed releases that were accepted; the row is the last step of an installation. A version is never replaced.
CREATE TABLE release (
    connector TEXT NOT NULL,
    version TEXT NOT NULL,
    -- SHA-256 of the envelope and of the component: their names in the content-addressed storage.
    statement BYTEA NOT NULL UNIQUE,
    component BYTEA NOT NULL,
    key_id TEXT NOT NULL,
    counter BIGINT NOT NULL,
    issued BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    -- installed, parked (asks for more than the running one, and nobody approved that yet) or active.
    state TEXT NOT NULL,
    installed BIGINT NOT NULL,
    installed_by TEXT NOT NULL,
    -- When it was last activated, and by whom.
    activated BIGINT,
    activated_by TEXT,
    PRIMARY KEY (connector, version)
);

-- Secrets of connections, sealed. Simple fields have one entry without a name.
CREATE TABLE secured_option (
    connection BIGINT NOT NULL REFERENCES connection (number),
    name TEXT NOT NULL,
    entry TEXT NOT NULL,
    -- Which key sealed it.
    key_id TEXT NOT NULL,
    sealed BYTEA NOT NULL,
    -- A keyed MAC, to be shown.
    fingerprint TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    set_by TEXT NOT NULL,
    PRIMARY KEY (connection, name, entry)
);

-- What an operator approved for a connection: permissions in their canonical spelling.
CREATE TABLE connection_permission (
    connection BIGINT NOT NULL REFERENCES connection (number),
    permission TEXT NOT NULL,
    approved BIGINT NOT NULL,
    approved_by TEXT NOT NULL,
    PRIMARY KEY (connection, permission)
);
