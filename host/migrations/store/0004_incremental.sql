-- How much an import reads: complete or incremental; none for other tasks.
ALTER TABLE task ADD COLUMN mode TEXT;
UPDATE task SET mode = 'complete' WHERE kind = 'import';

-- What the connection's feed goes on from: the token of the run that was published last, if it had one.
ALTER TABLE connection ADD COLUMN feed_token BYTEA;

-- A run that is incremental begins in the state copying.
ALTER TABLE run ADD COLUMN mode TEXT NOT NULL DEFAULT 'complete';
-- Of a complete pass the first token it was given, of an incremental run the last.
ALTER TABLE run ADD COLUMN token BYTEA;
-- An incremental run holds changes that came after its token: a feed opened with it would tell them again.
ALTER TABLE run ADD COLUMN unmarked BOOLEAN NOT NULL DEFAULT FALSE;

-- What a feed said of links, in its order, until names are resolved. Kind: added, removed, cleared (all links of an
-- owner), gone (an object, with the links of both its ends), renamed (an object has another uid).
CREATE TABLE link_edit (
    run BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    kind TEXT NOT NULL,
    -- The relation; for gone and renamed the objects of the class.
    part BIGINT NOT NULL,
    -- Ends as in link_row; empty where the kind has none.
    owner TEXT NOT NULL,
    target TEXT NOT NULL,
    target_class TEXT NOT NULL,
    parameters TEXT NOT NULL,
    PRIMARY KEY (run, seq)
);

-- Names that objects of an incremental run had before: a feed may still speak of them.
CREATE TABLE former_name (
    run BIGINT NOT NULL,
    name TEXT NOT NULL,
    part BIGINT NOT NULL,
    uid TEXT NOT NULL,
    PRIMARY KEY (run, name, part, uid)
);

-- Owners whose links a feed told only in part: they are read again, whole, when the feed has ended.
CREATE TABLE reread (
    run BIGINT NOT NULL,
    -- The relation.
    part BIGINT NOT NULL,
    -- A uid.
    owner TEXT NOT NULL,
    name TEXT NOT NULL,
    checkpoint BYTEA,
    PRIMARY KEY (run, part, owner)
);
