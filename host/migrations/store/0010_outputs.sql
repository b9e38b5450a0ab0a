-- Tables that are written as files: what an import asks for, and the task that does it once the import is published.
ALTER TABLE task ADD COLUMN output TEXT;
ALTER TABLE task ADD COLUMN written_by TEXT;

-- Up to where the tables of a connection were written, by place: where an incremental writing goes on from.
CREATE TABLE written (
    connection BIGINT NOT NULL,
    -- Where the place leads; a place that is configured to lead elsewhere is another one.
    location TEXT NOT NULL,
    -- The table's suffix in lower case; empty for the one without.
    suffix TEXT NOT NULL,
    position BIGINT NOT NULL,
    PRIMARY KEY (connection, location, suffix)
);
