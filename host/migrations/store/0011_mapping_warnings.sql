-- What a mapping named and is there no longer, until somebody acknowledges it; then for as long as that lasts.
CREATE TABLE mapping_warning (
    mapping TEXT NOT NULL,
    at TEXT NOT NULL,
    message TEXT NOT NULL,
    noticed BIGINT NOT NULL,
    acknowledged BIGINT,
    PRIMARY KEY (mapping, at, message)
);
