-- What is switched off, and whether the target is being maintained.
ALTER TABLE connection ADD COLUMN switches TEXT NOT NULL DEFAULT '{}';
-- When something changed that the schema may depend on: connector, version, options, directories, destinations.
ALTER TABLE connection ADD COLUMN configured BIGINT NOT NULL DEFAULT 0;
UPDATE connection SET configured = changed;

-- What refreshes said, each version once: the last one is in use.
CREATE TABLE schema_snapshot (
    connection BIGINT NOT NULL REFERENCES connection (number),
    number BIGINT NOT NULL,
    classes TEXT NOT NULL,
    -- When it was read first, and when a refresh last found it unchanged.
    first_read BIGINT NOT NULL,
    last_read BIGINT NOT NULL,
    PRIMARY KEY (connection, number)
);
INSERT INTO schema_snapshot (connection, number, classes, first_read, last_read)
    SELECT connection, 1, classes, refreshed, refreshed FROM connection_schema WHERE refreshed IS NOT NULL;
ALTER TABLE connection_schema DROP COLUMN classes;
-- The target did not answer in time, or not at all, when it was last asked.
ALTER TABLE connection_schema ADD COLUMN slow BOOLEAN NOT NULL DEFAULT FALSE;
