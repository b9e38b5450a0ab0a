-- What an operator says about a connection's destinations: whose certificates are believed there.
ALTER TABLE connection ADD COLUMN destinations TEXT NOT NULL DEFAULT '{}';
