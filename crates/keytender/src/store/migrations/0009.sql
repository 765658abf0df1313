-- Our own APIs, whose keys others hold. A brand begins each of its keys: whoever shows a key has not said
-- yet whose tenant it is. `settings` is JSON.
CREATE TABLE apis (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    brand TEXT NOT NULL UNIQUE,
    settings TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);

-- A customer of an API is an account of it, whose keys stop while it is suspended.
ALTER TABLE accounts ADD COLUMN api_id BIGINT REFERENCES apis (id);
ALTER TABLE accounts ADD COLUMN suspended_at BIGINT;
CREATE INDEX accounts_api ON accounts (tenant_id, api_id, name) WHERE api_id IS NOT NULL;

-- What an app is beside a principal: what its keys may do, and how much of it, as JSON.
CREATE TABLE apps (
    id BIGINT PRIMARY KEY REFERENCES principals (id),
    tenant_id BIGINT NOT NULL,
    api_id BIGINT NOT NULL REFERENCES apis (id),
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    scopes TEXT NOT NULL,
    limits TEXT NOT NULL,
    suspended_at BIGINT,
    created_at BIGINT NOT NULL
);
CREATE INDEX apps_account ON apps (tenant_id, account_id, id);
CREATE INDEX apps_api ON apps (tenant_id, api_id, id);

-- What a key of an API is beside a key: `token_id` stands in it in clear, `digest` is the SHA-256 of its
-- secret. `replaces` and `replaced_by` are the two keys of a rotation: of the new one `overlap` says for how
-- many microseconds both work once it is used; of the old one `retires_at` says when that is over.
CREATE TABLE issued_keys (
    key_id BIGINT PRIMARY KEY REFERENCES keys (id),
    tenant_id BIGINT NOT NULL,
    api_id BIGINT NOT NULL REFERENCES apis (id),
    app_id BIGINT NOT NULL REFERENCES apps (id),
    environment TEXT NOT NULL,
    token_id TEXT NOT NULL UNIQUE,
    digest TEXT NOT NULL,
    scopes TEXT NOT NULL,
    networks TEXT NOT NULL,
    replaces BIGINT,
    replaced_by BIGINT,
    overlap BIGINT,
    retires_at BIGINT,
    activated_at BIGINT,
    revoked_at BIGINT,
    revoked_why TEXT
);
CREATE INDEX issued_keys_app ON issued_keys (tenant_id, app_id, key_id);
CREATE INDEX issued_keys_api ON issued_keys (tenant_id, api_id, key_id);
CREATE INDEX issued_keys_retire ON issued_keys (tenant_id, retires_at)
    WHERE retires_at IS NOT NULL AND revoked_at IS NULL;

-- What verifiers must hear of, in the order of the commits: the head's row is locked until each commit.
CREATE TABLE change_head (
    tenant_id BIGINT PRIMARY KEY,
    seq BIGINT NOT NULL
);
CREATE TABLE change_log (
    tenant_id BIGINT NOT NULL,
    seq BIGINT NOT NULL,
    api_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    subject_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, seq)
);

-- Who verifies keys, how far each has heard, and until when it goes on without hearing more.
CREATE TABLE verifiers (
    tenant_id BIGINT NOT NULL,
    node TEXT NOT NULL,
    api_id BIGINT,
    applied_seq BIGINT NOT NULL,
    valid_until BIGINT NOT NULL,
    started_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, node)
);

-- What each verifier's file of uses says of a key: sums that only grow.
CREATE TABLE key_usage (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id),
    node TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    last_at BIGINT NOT NULL,
    address TEXT,
    agent TEXT,
    PRIMARY KEY (tenant_id, key_id, node, epoch)
);

-- When a key was last used where.
CREATE TABLE key_places (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id),
    region TEXT NOT NULL,
    service TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, region, service)
);

-- How often a key was used on which day since 1970, in UTC.
CREATE TABLE key_days (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id),
    day BIGINT NOT NULL,
    uses BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, day)
);
