-- Who may use the API, and with what; what the tasks of a server do; answers that may be asked for
-- again.

-- A user is a principal of our own account, whose keys are the tokens.
CREATE TABLE users (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    address TEXT,
    owner_id BIGINT REFERENCES owners (id),
    principal_id BIGINT NOT NULL REFERENCES principals (id),
    suspended_at BIGINT,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);

-- What a token of ours is beside a key: `token_id` stands in it in clear, `digest` is the SHA-256 of
-- its secret. State, end and last use are the key's. `side` limits it to keys held or issued.
CREATE TABLE tokens (
    key_id BIGINT PRIMARY KEY REFERENCES keys (id),
    tenant_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    token_id TEXT NOT NULL,
    digest TEXT NOT NULL,
    scopes TEXT NOT NULL,
    side TEXT,
    UNIQUE (tenant_id, token_id)
);
-- Whoever shows a token has not said yet whose tenant it is.
CREATE INDEX tokens_shown ON tokens (token_id);
CREATE INDEX tokens_user ON tokens (tenant_id, user_id);

-- Notices are listed newest first.
CREATE INDEX notices_newest ON notices (tenant_id, created_at DESC, id);

-- The answer to a request that carried an Idempotency-Key, sealed under a key derived from it.
-- `digest` is the digest of that key, `request` of what was asked; without a status the request is
-- under way.
CREATE TABLE idempotency_keys (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL,
    digest TEXT NOT NULL,
    request TEXT NOT NULL,
    status BIGINT,
    answer TEXT,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, digest)
);
CREATE INDEX idempotency_keys_age ON idempotency_keys (tenant_id, created_at);

-- How each task of the server stands; its lease has the same name. A run was asked for while `asked`
-- is larger than `heard`.
CREATE TABLE tasks (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    started_at BIGINT,
    finished_at BIGINT,
    outcome TEXT,
    error TEXT,
    failures BIGINT NOT NULL,
    next_at BIGINT NOT NULL,
    asked BIGINT NOT NULL,
    heard BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Lists are read from a cursor on: an order knows no NULL. Of whom nobody knows the age comes first
-- among what is due, and last in the order of age. An index for each order, over the keys that are not
-- destroyed, which are asked for apart.
DROP INDEX keys_order;
CREATE INDEX keys_order ON keys (tenant_id, due DESC, severity DESC, COALESCE(created_at, 0), id)
    WHERE state <> 'destroyed';
CREATE INDEX keys_age ON keys (tenant_id, COALESCE(created_at, 9223372036854775807), id)
    WHERE state <> 'destroyed';
CREATE INDEX keys_last_used ON keys (tenant_id, COALESCE(use_at, 9223372036854775807), id)
    WHERE state <> 'destroyed';
CREATE INDEX keys_expires ON keys (tenant_id, COALESCE(expires_at, 9223372036854775807), id)
    WHERE state <> 'destroyed';
-- Every key, account by account.
DROP INDEX keys_account;
CREATE INDEX keys_place ON keys (tenant_id, account_id, id);
-- Keys by their name.
CREATE INDEX keys_label ON keys (tenant_id, label) WHERE label IS NOT NULL;

-- What the provider names as the address for what concerns security; `contact` is what people here say.
ALTER TABLE accounts ADD COLUMN security_contact TEXT;
-- The newest findings first.
CREATE INDEX findings_found ON findings (tenant_id, found_at DESC, key_id, rule);
