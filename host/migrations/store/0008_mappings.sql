-- Definitions of mappings and of rules of correlation.
CREATE TABLE mapping (
    folded TEXT NOT NULL PRIMARY KEY,
    id TEXT NOT NULL,
    -- entity, association, resource or correlation.
    kind TEXT NOT NULL,
    definition_json TEXT NOT NULL,
    -- Was it held against tables and schemas when it was stored?
    verified BOOLEAN NOT NULL,
    revision BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);
