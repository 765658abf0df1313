-- Whether a rotation of the key, or by it, is under way.
ALTER TABLE keys ADD COLUMN rotating BIGINT NOT NULL DEFAULT 0;

-- Where the secrets of held keys are used.
CREATE TABLE destinations (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    name TEXT NOT NULL,
    spec TEXT NOT NULL,
    hook TEXT,
    created_at BIGINT NOT NULL,
    checked_at BIGINT,
    fault TEXT,
    UNIQUE (tenant_id, key_id, name)
);
CREATE INDEX destinations_key ON destinations (key_id);

-- Held keys that are replaced by others: what is known of each as JSON, and beside it what is asked for.
CREATE TABLE rotations (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    new_key_id BIGINT REFERENCES keys (id) ON DELETE SET NULL,
    -- The principal whose key it is, or the key where none is known.
    subject BIGINT NOT NULL,
    version BIGINT NOT NULL,
    live BIGINT NOT NULL,
    stage TEXT NOT NULL,
    waits_for TEXT NOT NULL,
    next_at BIGINT,
    started_at BIGINT NOT NULL,
    started_by TEXT NOT NULL,
    reason TEXT,
    changed_at BIGINT NOT NULL,
    warned_at BIGINT,
    state TEXT NOT NULL,
    places TEXT NOT NULL,
    target TEXT,
    sealed_new TEXT,
    sealed_old TEXT
);
-- One at a time for each principal.
CREATE UNIQUE INDEX rotations_live ON rotations (tenant_id, subject) WHERE live = 1;
CREATE INDEX rotations_key ON rotations (key_id);
CREATE INDEX rotations_new_key ON rotations (new_key_id);
CREATE INDEX rotations_started ON rotations (tenant_id, started_at);

-- What happened in each, in order.
CREATE TABLE rotation_events (
    rotation_id BIGINT NOT NULL REFERENCES rotations (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    words TEXT NOT NULL,
    PRIMARY KEY (rotation_id, number)
);
