-- How verifiers divide the limit of an app, while one of them is short of it.
CREATE TABLE limit_books (
    tenant_id BIGINT NOT NULL,
    app_id BIGINT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    api_id BIGINT NOT NULL,
    book TEXT NOT NULL,
    PRIMARY KEY (tenant_id, app_id)
);

-- Credential reports that were made and kept, in pieces.
CREATE TABLE credential_reports (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    made_at BIGINT NOT NULL,
    made_by TEXT NOT NULL,
    scheduled BIGINT NOT NULL,
    bytes BIGINT NOT NULL,
    digest TEXT NOT NULL
);
CREATE INDEX credential_reports_made ON credential_reports (tenant_id, made_at);
CREATE TABLE credential_report_pieces (
    report_id BIGINT NOT NULL REFERENCES credential_reports (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (report_id, number)
);
