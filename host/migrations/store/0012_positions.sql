-- Where the positions of a connection ended that was deleted. One of the same identifier goes on behind it, so that no
-- position of the old one is taken for one of the new.
CREATE TABLE left_position (
    folded TEXT PRIMARY KEY,
    position BIGINT NOT NULL
);
