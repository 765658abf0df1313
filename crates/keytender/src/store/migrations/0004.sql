-- While a channel's secret is exchanged, the one before it signs too, until `old_until`: sealed to the
-- channel's id, or at the place that is named.
ALTER TABLE channels ADD COLUMN old_sealed TEXT;
ALTER TABLE channels ADD COLUMN old_place TEXT;
ALTER TABLE channels ADD COLUMN old_until BIGINT;

-- To whom something was delivered lately.
CREATE INDEX notices_sent ON notices (tenant_id, sent_at) WHERE sent_at IS NOT NULL;

-- Whether a principal may do everything in its account; NULL where nobody knows.
ALTER TABLE principals ADD COLUMN is_admin BIGINT;
