-- Where keys stand in files, as scans of this machine and of others found them: as long as they are found there.
CREATE TABLE key_files (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id) ON DELETE CASCADE,
    host TEXT NOT NULL,
    path TEXT NOT NULL,
    line BIGINT NOT NULL,
    fingerprint TEXT NOT NULL,
    first_found_at BIGINT NOT NULL,
    found_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, host, path)
);
CREATE INDEX key_files_key ON key_files (key_id);
CREATE INDEX key_files_path ON key_files (tenant_id, host, path);
CREATE INDEX key_files_fingerprint ON key_files (tenant_id, fingerprint);
-- Whose id stands in a file is not known before it is looked for.
CREATE INDEX keys_named ON keys (tenant_id, provider_id) WHERE provider_id IS NOT NULL;
