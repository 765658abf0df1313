-- Tries of what somebody should know, such as a password, counted for all nodes: `who` is a digest of the
-- name or the address, and each try is paid off by time, the last one at `until`.
CREATE TABLE tries (
    tenant_id BIGINT NOT NULL,
    who TEXT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, who)
);
