-- Where keys were found that must not be there, each place once: what kind of place and which, empty where that
-- was not told; by whom it was told, and what was done about the key then.
CREATE TABLE exposures (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    source TEXT NOT NULL,
    url TEXT NOT NULL,
    told_by TEXT NOT NULL,
    found_at BIGINT NOT NULL,
    done TEXT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, source, url)
);
CREATE INDEX exposures_key ON exposures (key_id);
