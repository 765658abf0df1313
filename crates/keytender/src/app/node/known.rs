//! What is kept, in the words of verifiers.

use std::collections::BTreeSet;

use keytender_core::id::{AppId, KeyId};
use keytender_core::key::State;
use keytender_core::token::{Brand, Digest, Environment, TokenId};
use keytender_verify::feed::State as FeedState;
use keytender_verify::feed::{
    Api as FeedApi, App as FeedApp, Change as FeedChange, Imported, Key as FeedKey, KeyDigest,
    Quota as FeedQuota, Rate, What,
};

use super::Node;
use crate::store;
use crate::store::apis::Api;
use crate::store::changes::{Change, Subject};
use crate::store::verify::{KnownApp, KnownKey, Which};

/// An API; none if its brand is none, which is never written.
pub(super) fn api(api: &Api, imported: Option<Imported>) -> Option<FeedApi> {
    Some(FeedApi { api: api.id, brand: Brand::parse(&api.brand).ok()?, imported })
}

/// An app.
pub(super) fn app(known: &KnownApp, quota: Option<FeedQuota>) -> FeedApp {
    let app = &known.app;
    FeedApp {
        app: app.id,
        account: app.account_id,
        api: app.api_id,
        is_suspended: app.suspended_at.is_some(),
        is_account_suspended: known.account_suspended_at.is_some(),
        rate: app.limits.rate.map(|rate| Rate {
            limit: rate.requests,
            window_seconds: rate.seconds,
            burst: rate.burst,
        }),
        quotas: quota.into_iter().collect(),
    }
}

/// A key; none if it is damaged: then nobody may use it.
pub(super) fn key(known: &KnownKey) -> Option<FeedKey> {
    Some(FeedKey {
        key: known.key_id,
        id: TokenId::parse(&known.token_id)?,
        digest: KeyDigest(Digest::parse(&known.digest).ok()?),
        is_imported: known.is_imported,
        app: known.app_id,
        environment: Environment::ALL.into_iter().find(|one| one.as_str() == known.environment)?,
        state: state(known),
        expires_at: known.expires_at,
        overlap_until: known.retires_at,
        scopes: known.scopes.clone(),
        networks: known.networks.iter().filter_map(|text| text.parse().ok()).collect(),
        label: None,
        replaced_by: known.replaced_by,
    })
}

fn state(known: &KnownKey) -> FeedState {
    match known.state {
        State::PreActivation => FeedState::Pending,
        State::Active => FeedState::Active,
        State::Suspended => FeedState::Suspended,
        State::Compromised => FeedState::Compromised,
        State::Deactivated if known.is_replaced => FeedState::Superseded,
        State::Deactivated | State::Destroyed => FeedState::Revoked,
    }
}

/// The things that some changes are of, as they are now.
pub(super) struct Changed {
    apis: Vec<FeedApi>,
    apps: Vec<FeedApp>,
    keys: Vec<FeedKey>,
    gone: Vec<AppId>,
}

impl Changed {
    /// Reads them, each once.
    pub(super) async fn of(
        node: &Node,
        apis: Vec<FeedApi>,
        changes: &[Change],
    ) -> store::Result<Self> {
        let store = &node.store;
        let mut keys: BTreeSet<KeyId> = BTreeSet::new();
        let mut apps: BTreeSet<AppId> = BTreeSet::new();
        for change in changes {
            match change.subject {
                Subject::Key(id) => _ = keys.insert(id),
                Subject::App(id) => _ = apps.insert(id),
                Subject::Account(id) => apps.extend(store.apps_of(id).await?),
            }
        }
        let found = store.known_keys(&Which::These(keys.into_iter().collect())).await?;
        // A key can be of an app that was made since the snapshot: changes of both are here then.
        let known = store.known_apps(&Which::These(apps.iter().copied().collect())).await?;
        let there: BTreeSet<AppId> = known.iter().map(|one| one.app.id).collect();
        Ok(Self {
            apis,
            apps: node.apps(&known).await?,
            keys: found.iter().filter_map(key).collect(),
            gone: apps.difference(&there).copied().collect(),
        })
    }

    /// As changes with numbers up to `through`. Each states the whole of a thing, so it does not matter which
    /// of them has which number; all of them are there once `through` is reached.
    pub(super) fn in_order(self, through: u64) -> Vec<FeedChange> {
        let apis = self.apis.into_iter().map(What::PutApi);
        let apps = self.apps.into_iter().map(What::PutApp);
        let keys = self.keys.into_iter().map(What::PutKey);
        let gone = self.gone.into_iter().map(|app| What::RemoveApp { app });
        apis.chain(apps)
            .chain(keys)
            .chain(gone)
            .map(|what| FeedChange { seq: through, what })
            .collect()
    }
}
