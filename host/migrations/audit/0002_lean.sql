-- A commit costs what its pages cost: rows and their numbers become one tree, the index for outcomes holds outcomes only,
-- the index by connection, which no query used, goes, and the head follows the rows by itself.
CREATE TABLE lean (
    seq BIGINT NOT NULL PRIMARY KEY,
    begun BIGINT NOT NULL,
    at BIGINT NOT NULL,
    who TEXT NOT NULL,
    role TEXT NOT NULL,
    request TEXT NOT NULL,
    action TEXT NOT NULL,
    connection TEXT NOT NULL,
    detail TEXT NOT NULL,
    hash BYTEA NOT NULL
) WITHOUT ROWID;
INSERT INTO lean (seq, begun, at, who, role, request, action, connection, detail, hash)
    SELECT seq, begun, at, who, role, request, action, connection, detail, hash FROM entry ORDER BY seq;
DROP TABLE entry;
ALTER TABLE lean RENAME TO entry;
CREATE INDEX entry_by_begun ON entry (begun) WHERE begun > 0;

CREATE TRIGGER entry_is_head AFTER INSERT ON entry BEGIN
    INSERT INTO head (one, seq, hash) VALUES (1, NEW.seq, NEW.hash)
        ON CONFLICT (one) DO UPDATE SET seq = excluded.seq, hash = excluded.hash;
END;
