-- The APIs that are used, as indexes of others (APIs.json) tell of them.
CREATE TABLE catalog_indexes (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    -- From where: a URL, or the name of a file.
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    version TEXT,
    position TEXT,
    -- The SHA-256 of its text, in hexadecimal.
    digest TEXT NOT NULL,
    -- The indexes that it includes and what was odd, as JSON.
    included TEXT NOT NULL,
    warnings TEXT NOT NULL,
    imported_at BIGINT NOT NULL,
    UNIQUE (tenant_id, source)
);

CREATE TABLE catalog_apis (
    tenant_id BIGINT NOT NULL,
    index_id BIGINT NOT NULL REFERENCES catalog_indexes (id) ON DELETE CASCADE,
    number BIGINT NOT NULL,
    aid TEXT,
    name TEXT NOT NULL,
    description TEXT NOT NULL,
    base_url TEXT NOT NULL,
    human_url TEXT NOT NULL,
    -- What it is about, and what leads to its keys, as JSON.
    tags TEXT NOT NULL,
    links TEXT NOT NULL,
    PRIMARY KEY (tenant_id, index_id, number)
);
