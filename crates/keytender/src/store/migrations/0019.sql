-- What was seen at the addresses of those who run the APIs that are used, as JSON.
CREATE TABLE catalog_looks (
    tenant_id BIGINT NOT NULL,
    origin TEXT NOT NULL,
    looked_at BIGINT NOT NULL,
    -- 0 if it did not answer.
    reached BIGINT NOT NULL,
    places TEXT NOT NULL,
    PRIMARY KEY (tenant_id, origin)
);
