-- Who is signed in, and by what people prove who they are.

-- What a user proves themselves by. `name` tells those of one kind apart: the user's id for what there
-- is once (password, totp), the credential's id of a passkey, issuer and subject of a sign-in elsewhere.
-- `data` is what is needed to check it: the Argon2id hash of a password, the sealed secret of a TOTP,
-- the public key of a passkey. `step` only grows: the last time step whose code was taken, the last
-- count of a passkey.
CREATE TABLE authenticators (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    user_id BIGINT NOT NULL REFERENCES users (id),
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    label TEXT NOT NULL,
    data TEXT NOT NULL,
    step BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT,
    UNIQUE (tenant_id, kind, name)
);
CREATE INDEX authenticators_user ON authenticators (tenant_id, user_id);

-- A browser in which somebody is signed in: a user, or an owner who followed a mailed link. `digest` is
-- the SHA-256 of what its cookie holds; `previous` of what it held before `turned_at`.
CREATE TABLE sessions (
    id BIGINT PRIMARY KEY,
    tenant_id BIGINT NOT NULL,
    digest TEXT NOT NULL UNIQUE,
    previous TEXT UNIQUE,
    turned_at BIGINT NOT NULL,
    user_id BIGINT REFERENCES users (id),
    owner_id BIGINT REFERENCES owners (id),
    how TEXT NOT NULL,
    address TEXT NOT NULL,
    agent TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    used_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sessions_user ON sessions (tenant_id, user_id);
CREATE INDEX sessions_owner ON sessions (tenant_id, owner_id);
CREATE INDEX sessions_end ON sessions (tenant_id, ends_at);

-- What works once and not for long: links to enter by, the challenge of a passkey, a sign-in half done.
-- `digest` is the SHA-256 of what whoever comes must show; it is taken away when it is used.
CREATE TABLE one_time (
    tenant_id BIGINT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    data TEXT NOT NULL,
    ends_at BIGINT NOT NULL,
    PRIMARY KEY (tenant_id, kind, digest)
);
CREATE INDEX one_time_end ON one_time (tenant_id, ends_at);
