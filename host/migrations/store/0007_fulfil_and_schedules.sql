-- What a schedule asked for, and what a person asks of a task that runs besides to stop for good.
ALTER TABLE task ADD COLUMN schedule TEXT;
ALTER TABLE task ADD COLUMN pause_requested BOOLEAN NOT NULL DEFAULT FALSE;
-- Of a fulfilment: how to go about it, and its orders counted.
ALTER TABLE task ADD COLUMN fulfilment TEXT;
ALTER TABLE task ADD COLUMN orders TEXT;
CREATE INDEX task_by_schedule ON task (LOWER(schedule), id);

-- Provisioning orders of a fulfilment. What an order says is sealed, and gone once it is done.
CREATE TABLE task_order (
    task TEXT NOT NULL REFERENCES task (id),
    -- From 1, in the order they came.
    number BIGINT NOT NULL,
    -- The caller's own.
    order_key TEXT,
    -- created, modified or deleted.
    kind TEXT NOT NULL,
    class TEXT NOT NULL,
    -- Whose it is, in the core's words.
    owner TEXT,
    -- pending, running, succeeded, failed, skipped or outcome-unknown.
    state TEXT NOT NULL,
    started BIGINT,
    finished BIGINT,
    -- Which key sealed it.
    key_id TEXT,
    sealed BYTEA,
    outcome TEXT,
    PRIMARY KEY (task, number)
);

-- Work that the host orders by itself.
CREATE TABLE schedule (
    folded TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    -- What to do, as JSON; it names connections and systems, which may be gone.
    work TEXT NOT NULL,
    cron TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    catch_up BOOLEAN NOT NULL,
    paused BOOLEAN NOT NULL,
    -- None: it is paused, or its expression names no time any more.
    next_run BIGINT,
    last_run BIGINT,
    -- The last time it was not carried out, and why: as JSON.
    last_skipped TEXT,
    last_failure TEXT,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
CREATE INDEX schedule_by_time ON schedule (next_run);
