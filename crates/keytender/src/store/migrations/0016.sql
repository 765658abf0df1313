-- Keys that others issued. How one is recognised: a rule as long as it was not used, then `native`; null: it is a token.
ALTER TABLE issued_keys ADD COLUMN kept TEXT;
-- What people see of such a key: how it begins.
ALTER TABLE issued_keys ADD COLUMN begins TEXT;

-- What must be known to try such keys, sealed; the highest version is the present one.
CREATE TABLE peppers (
    tenant_id BIGINT NOT NULL,
    version BIGINT NOT NULL,
    sealed TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, version)
);

-- How keys of an API are recognised; of an HMAC, its secret, sealed.
CREATE TABLE recognisers (
    tenant_id BIGINT NOT NULL,
    api_id BIGINT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    rule TEXT NOT NULL,
    secret TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, api_id, rule)
);

-- What is kept of them beside: by what a repeated import knows them, and a salted hash, sealed, until it was used.
CREATE TABLE imported_keys (
    key_id BIGINT PRIMARY KEY REFERENCES keys (id) ON DELETE CASCADE,
    tenant_id BIGINT NOT NULL,
    api_id BIGINT NOT NULL,
    origin TEXT NOT NULL,
    pepper BIGINT NOT NULL,
    locator TEXT,
    salted TEXT,
    UNIQUE (tenant_id, api_id, origin)
);
CREATE INDEX imported_keys_salted ON imported_keys (tenant_id, key_id) WHERE salted IS NOT NULL;
