-- A channel is the installation's, or one of an API of ours: of whoever runs the API, or of one of its customers.
ALTER TABLE channels ADD COLUMN api_id BIGINT REFERENCES apis (id);
ALTER TABLE channels ADD COLUMN account_id BIGINT REFERENCES accounts (id);
CREATE INDEX channels_api ON channels (tenant_id, api_id) WHERE api_id IS NOT NULL;

-- Of a notice in the name of an API: of which, and about the keys of which customer.
ALTER TABLE notices ADD COLUMN api_id BIGINT;
ALTER TABLE notices ADD COLUMN account_id BIGINT;
CREATE INDEX notices_api ON notices (tenant_id, api_id, created_at DESC, id) WHERE api_id IS NOT NULL;
CREATE INDEX notices_channel ON notices (tenant_id, channel_id, created_at DESC, id);

-- Since when the customers of an API are told of their keys, when somebody last saw what they would be told, and in
-- whose name, as JSON.
ALTER TABLE apis ADD COLUMN notices_started_at BIGINT;
ALTER TABLE apis ADD COLUMN notices_previewed_at BIGINT;
ALTER TABLE apis ADD COLUMN notices TEXT;

-- When a key was first used at a place; NULL of places that were known before this was kept.
ALTER TABLE key_places ADD COLUMN first_at BIGINT;
CREATE INDEX key_places_first ON key_places (tenant_id, first_at) WHERE first_at IS NOT NULL;

-- Who wants no more hints of an API.
CREATE TABLE hint_refusals (
    tenant_id BIGINT NOT NULL,
    api_id BIGINT NOT NULL REFERENCES apis (id) ON DELETE CASCADE,
    address TEXT NOT NULL,
    at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, api_id, address)
);

-- The few keys that leaked.
CREATE INDEX keys_exposed ON keys (tenant_id, exposed_at) WHERE exposed_at IS NOT NULL;
