-- To which customer's account a token is limited: it is that customer's own.
ALTER TABLE tokens ADD COLUMN account_id BIGINT REFERENCES accounts (id) ON DELETE CASCADE;
CREATE INDEX tokens_account ON tokens (account_id);

-- Links to the key page of a customer, and where each is open. Both are kept for a while after their end, so that
-- whoever comes too late is told so as the API looks.
CREATE TABLE portal_links (
    digest TEXT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked TEXT NOT NULL,
    used BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX portal_links_account ON portal_links (account_id);
CREATE INDEX portal_links_end ON portal_links (tenant_id, ends_at);
CREATE TABLE portal_sessions (
    id BIGINT PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    tenant_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    asked TEXT NOT NULL,
    used_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX portal_sessions_account ON portal_sessions (account_id);
CREATE INDEX portal_sessions_end ON portal_sessions (tenant_id, ends_at);
