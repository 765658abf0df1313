-- Both databases run this text. Times are microseconds since 1970 in UTC, truths 0 or 1.

CREATE TABLE settings (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

-- Who may do a thing that only one may do at a time. The epoch grows with each new holder.
CREATE TABLE leases (
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    holder TEXT NOT NULL,
    epoch BIGINT NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, name)
);

CREATE TABLE owners (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    address TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);

-- Which keys an owner answers for: by tag, principal, account or provider.
CREATE TABLE owner_matches (
    tenant_id BIGINT NOT NULL,
    owner_id BIGINT NOT NULL REFERENCES owners (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    pattern TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, owner_id, kind, name, pattern)
);

-- `access` is how the account is reached, as JSON: references, never a secret. `sealed` is a secret
-- that somebody asked us to keep, sealed to this row's id. `contact` is told here, by hand;
-- `security_contact` by the provider.
CREATE TABLE accounts (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    side TEXT NOT NULL,
    provider TEXT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    parent_id BIGINT REFERENCES accounts (id),
    external_id TEXT,
    alias TEXT,
    contact TEXT,
    security_contact TEXT,
    access TEXT,
    sealed TEXT,
    report_header TEXT,
    created_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX accounts_name ON accounts (tenant_id, name);
CREATE UNIQUE INDEX accounts_external ON accounts (tenant_id, provider, external_id)
    WHERE external_id IS NOT NULL;

-- Each look at an account. `unseen` names, as JSON, the principals whose keys were not listed.
CREATE TABLE syncs (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    started_at BIGINT NOT NULL,
    finished_at BIGINT NOT NULL,
    observed_at BIGINT,
    reported_at BIGINT,
    unseen TEXT,
    keys BIGINT NOT NULL,
    changes BIGINT NOT NULL,
    error TEXT,
    warnings TEXT
);
CREATE INDEX syncs_account ON syncs (tenant_id, account_id, started_at);

-- `cells` is what a credential report holds beside the model, so that it can be written again.
CREATE TABLE principals (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    reference TEXT,
    has_password BIGINT,
    password_status TEXT,
    password_at BIGINT,
    mfa BIGINT,
    tags TEXT,
    tags_at BIGINT,
    cells TEXT,
    first_seen_at BIGINT NOT NULL,
    gone_at BIGINT,
    UNIQUE (tenant_id, account_id, name)
);

-- What is known of a key, and what the policy says of it. The latter changes with time alone:
-- `evaluate_at` is the moment from which it must be asked again. `rules` names the broken rules,
-- a space between two. `younger_at` is when a younger active key was made; 0 where nobody knows.
CREATE TABLE keys (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    account_id BIGINT NOT NULL REFERENCES accounts (id),
    principal_id BIGINT REFERENCES principals (id),
    provider_id TEXT,
    slot BIGINT,
    label TEXT,
    state TEXT NOT NULL,
    provider_state TEXT,
    created_at BIGINT,
    expires_at BIGINT,
    use_status TEXT NOT NULL,
    use_at BIGINT,
    use_region TEXT,
    use_service TEXT,
    use_why TEXT,
    uses BIGINT NOT NULL,
    largest_gap BIGINT,
    suspended_seen_at BIGINT,
    younger_at BIGINT,
    where_used TEXT,
    sealed TEXT,
    exposed_at BIGINT,
    owner_by_hand BIGINT REFERENCES owners (id),
    owner_id BIGINT REFERENCES owners (id),
    keep_until BIGINT,
    keep_reason TEXT,
    keep_by TEXT,
    first_seen_at BIGINT NOT NULL,
    missing_since BIGINT,
    last_seen_at BIGINT,
    due BIGINT NOT NULL,
    action TEXT,
    severity BIGINT NOT NULL,
    rules TEXT NOT NULL,
    evaluate_at BIGINT NOT NULL
);
CREATE UNIQUE INDEX keys_provider_id ON keys (tenant_id, account_id, provider_id)
    WHERE provider_id IS NOT NULL;
CREATE INDEX keys_account ON keys (tenant_id, account_id);
CREATE INDEX keys_principal ON keys (tenant_id, principal_id);
CREATE INDEX keys_order ON keys (tenant_id, due DESC, severity DESC, created_at, id);
CREATE INDEX keys_evaluate ON keys (tenant_id, evaluate_at);
CREATE INDEX keys_owner ON keys (tenant_id, owner_id);

-- Each distinct use that was seen.
CREATE TABLE key_uses (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id),
    at BIGINT NOT NULL,
    region TEXT,
    service TEXT,
    seen_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, key_id, at)
);

-- What a key or principal was from a moment on, as JSON: the past of the credential report.
CREATE TABLE versions (
    tenant_id BIGINT NOT NULL,
    subject_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    what TEXT NOT NULL,
    facts TEXT NOT NULL,
    PRIMARY KEY (tenant_id, subject_id, at)
);

CREATE TABLE findings (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id),
    rule TEXT NOT NULL,
    severity BIGINT NOT NULL,
    action TEXT NOT NULL,
    since BIGINT,
    found_at BIGINT NOT NULL,
    resolved_at BIGINT,
    PRIMARY KEY (tenant_id, key_id, rule, found_at)
);
CREATE UNIQUE INDEX findings_open ON findings (tenant_id, key_id, rule) WHERE resolved_at IS NULL;

-- Ways by which notices go out. `settings` is JSON without a secret; `sealed` is the secret.
CREATE TABLE channels (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    kind TEXT NOT NULL,
    settings TEXT NOT NULL,
    sealed TEXT,
    created_at BIGINT NOT NULL,
    UNIQUE (tenant_id, name)
);

-- The outbox: a message to one recipient by one channel, and how its delivery stands.
CREATE TABLE notices (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    recipient TEXT NOT NULL,
    subject TEXT NOT NULL,
    content TEXT NOT NULL,
    state TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    send_at BIGINT NOT NULL,
    attempts BIGINT NOT NULL,
    leased_until BIGINT,
    sent_at BIGINT,
    error TEXT
);
CREATE INDEX notices_due ON notices (tenant_id, state, send_at);
CREATE INDEX notices_recipient ON notices (tenant_id, recipient, send_at);

-- What a notice tells: each problem of a key in each stage once to each recipient.
CREATE TABLE notice_items (
    tenant_id BIGINT NOT NULL,
    key_id BIGINT NOT NULL REFERENCES keys (id),
    rule TEXT NOT NULL,
    problem_at BIGINT NOT NULL,
    stage TEXT NOT NULL,
    recipient TEXT NOT NULL,
    channel_id BIGINT NOT NULL REFERENCES channels (id),
    notice_id BIGINT NOT NULL REFERENCES notices (id),
    PRIMARY KEY (tenant_id, key_id, rule, problem_at, stage, recipient, channel_id)
);
CREATE INDEX notice_items_notice ON notice_items (tenant_id, notice_id);

-- The log of acts. A sealer gives committed rows their place in the chain.
CREATE TABLE acts (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    at BIGINT NOT NULL,
    actor TEXT NOT NULL,
    origin TEXT NOT NULL,
    verb TEXT NOT NULL,
    stage TEXT NOT NULL,
    target_kind TEXT NOT NULL,
    target_id TEXT NOT NULL,
    why TEXT,
    details TEXT NOT NULL,
    seq BIGINT,
    mac TEXT
);
CREATE UNIQUE INDEX acts_seq ON acts (tenant_id, seq) WHERE seq IS NOT NULL;
CREATE INDEX acts_target ON acts (tenant_id, target_id, at);
CREATE INDEX acts_unsealed ON acts (tenant_id, at, id) WHERE seq IS NULL;
