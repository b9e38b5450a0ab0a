-- Times are microseconds since 1970-01-01T00:00:00Z. Text columns that hold JSON are named for what is in them.
-- PostgreSQL takes this text as it stands (BYTEA has no affinity that SQLite would convert to).

-- Numbers that are never given out twice, even when the rows that bore them are gone.
CREATE TABLE counter (
    name TEXT NOT NULL PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('connection', 0), ('part', 0), ('run', 0);

CREATE TABLE managed_system (
    folded TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    title TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

-- A deleted connection keeps its row, without its name, until its rows are swept.
CREATE TABLE connection (
    number BIGINT NOT NULL PRIMARY KEY,
    folded TEXT UNIQUE,
    id TEXT NOT NULL,
    managed_system TEXT REFERENCES managed_system (folded),
    connector TEXT NOT NULL,
    version TEXT NOT NULL,
    title TEXT NOT NULL,
    options TEXT NOT NULL,
    directories TEXT NOT NULL,
    thresholds TEXT NOT NULL,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    -- What readers see: the run that was published last, and the position of its last change.
    published_run BIGINT,
    last_position BIGINT NOT NULL
);
CREATE INDEX connection_of_system ON connection (managed_system);

CREATE TABLE connection_schema (
    connection BIGINT NOT NULL PRIMARY KEY REFERENCES connection (number),
    classes TEXT NOT NULL,
    refreshed BIGINT,
    failed_at BIGINT,
    failed_kind TEXT,
    failed_message TEXT
);

CREATE TABLE task (
    id TEXT NOT NULL PRIMARY KEY,
    kind TEXT NOT NULL,
    connection BIGINT NOT NULL REFERENCES connection (number),
    state TEXT NOT NULL,
    requested_by TEXT NOT NULL,
    request_id TEXT NOT NULL,
    created BIGINT NOT NULL,
    started BIGINT,
    finished BIGINT,
    attempts BIGINT NOT NULL,
    cancel_requested BOOLEAN NOT NULL,
    progress TEXT NOT NULL,
    counts TEXT,
    error TEXT
);
CREATE INDEX task_by_state ON task (state, id);
CREATE INDEX task_by_connection ON task (connection, id);

-- One pass of one task. State: staging, compared, published, superseded, discarded.
CREATE TABLE run (
    number BIGINT NOT NULL PRIMARY KEY,
    connection BIGINT NOT NULL REFERENCES connection (number),
    task TEXT NOT NULL REFERENCES task (id),
    state TEXT NOT NULL,
    -- The published run it was compared with.
    base BIGINT,
    -- Its n-th change has the position first_position + n.
    first_position BIGINT,
    changes BIGINT NOT NULL,
    rejected BIGINT NOT NULL,
    counts TEXT
);
CREATE INDEX run_by_connection ON run (connection, number);
CREATE INDEX run_by_task ON run (task);

-- An object class of a connection, or one of its relations, by number: what the large tables are keyed with.
CREATE TABLE part (
    number BIGINT NOT NULL PRIMARY KEY,
    connection BIGINT NOT NULL REFERENCES connection (number),
    class TEXT NOT NULL,
    -- Empty for the objects of the class.
    attribute TEXT NOT NULL,
    UNIQUE (connection, class, attribute)
);

-- The plan of a run and how far each part of it has come.
CREATE TABLE run_part (
    run BIGINT NOT NULL REFERENCES run (number),
    ordinal BIGINT NOT NULL,
    part BIGINT NOT NULL REFERENCES part (number),
    complete BOOLEAN NOT NULL,
    checkpoint BYTEA,
    -- Rows (or links) this run holds of the part.
    held BIGINT NOT NULL,
    -- Links that name an end or leave its class out: to be resolved before comparing.
    unresolved BOOLEAN NOT NULL,
    PRIMARY KEY (run, ordinal)
);
CREATE INDEX run_part_by_part ON run_part (run, part);

-- The large tables have no foreign keys: a look-up for every row of a page would be a third of the work.
CREATE TABLE object_row (
    run BIGINT NOT NULL,
    part BIGINT NOT NULL,
    uid TEXT NOT NULL,
    -- Of name and body; two rows are equal when it is.
    digest BYTEA NOT NULL,
    name TEXT NOT NULL,
    revision TEXT,
    body TEXT NOT NULL,
    PRIMARY KEY (run, part, uid)
);

-- Ends are written u:<uid> or n:<name>; the class of a target is empty while unknown.
CREATE TABLE link_row (
    run BIGINT NOT NULL,
    part BIGINT NOT NULL,
    owner TEXT NOT NULL,
    target TEXT NOT NULL,
    target_class TEXT NOT NULL,
    parameters TEXT NOT NULL,
    PRIMARY KEY (run, part, owner, target, target_class)
);

-- Names of a run's objects while its links are resolved.
CREATE TABLE object_name (
    run BIGINT NOT NULL,
    name TEXT NOT NULL,
    part BIGINT NOT NULL,
    uid TEXT NOT NULL,
    PRIMARY KEY (run, name, part, uid)
);

-- Records that could not be read or came twice: kept with their reason.
CREATE TABLE set_aside (
    run BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    part BIGINT NOT NULL,
    record TEXT NOT NULL,
    kind TEXT NOT NULL,
    message TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);

-- What publishing a run changes. An inserted or updated object is read from the run's own row, which is kept for it.
CREATE TABLE change (
    run BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    part BIGINT NOT NULL,
    -- A uid; for links their owner, u:<uid> or n:<name>.
    subject TEXT NOT NULL,
    -- Deleted objects only.
    name TEXT,
    -- Links only.
    target TEXT,
    target_class TEXT,
    parameters TEXT,
    PRIMARY KEY (run, seq)
);
CREATE INDEX change_by_subject ON change (run, part, subject);

CREATE TABLE token (
    name TEXT NOT NULL PRIMARY KEY,
    role TEXT NOT NULL,
    hash BYTEA NOT NULL UNIQUE,
    created BIGINT NOT NULL
);

-- An idempotency key in use; without a status its request has not been answered yet.
CREATE TABLE idempotency (
    token TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint BYTEA NOT NULL,
    created BIGINT NOT NULL,
    status BIGINT,
    headers TEXT,
    body BYTEA,
    PRIMARY KEY (token, idempotency_key)
);
CREATE INDEX idempotency_by_age ON idempotency (created);
