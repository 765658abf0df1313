-- Owners may say that a key is not theirs.

-- Whoever answered for the key said that it is not theirs: no claim gives it an owner, until somebody
-- says by hand whose it is.
ALTER TABLE keys ADD COLUMN disowned BIGINT NOT NULL DEFAULT 0;
