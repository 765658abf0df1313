-- What kind of key it is, by the name in its provider's descriptor, and the resources that it stands in,
-- the nearest first, a line each. Of two kinds ids may be the same.
ALTER TABLE keys ADD COLUMN key_type TEXT;
ALTER TABLE keys ADD COLUMN within TEXT;
DROP INDEX keys_provider_id;
CREATE UNIQUE INDEX keys_provider_id ON keys (tenant_id, account_id, provider_id, COALESCE(key_type, ''))
    WHERE provider_id IS NOT NULL;
