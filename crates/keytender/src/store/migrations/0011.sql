-- How verifiers divide the limit of an app, while one of them is short of it.
CREATE TABLE limit_books (
    tenant_id BIGINT NOT NULL,
    app_id BIGINT NOT NULL REFERENCES apps (id) ON DELETE CASCADE,
    api_id BIGINT NOT NULL,
    book TEXT NOT NULL,
    PRIMARY KEY (tenant_id, app_id)
);
