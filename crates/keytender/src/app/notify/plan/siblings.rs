//! The other key of a principal that has two: the steps about the one depend on it.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use keytender_core::id::PrincipalId;
use keytender_core::key::Key;

use crate::app::inventory::cannot_read;
use crate::error::Error;
use crate::store::Store;
use crate::store::keys::{HeldKey, Sibling};

/// The keys of those principals that have two.
#[derive(Default)]
pub(super) struct Siblings(HashMap<PrincipalId, [Sibling; 2]>);

impl Siblings {
    /// Asks for the keys beside these.
    ///
    /// # Errors
    /// When the database does not answer.
    pub(super) async fn of(
        store: &Store,
        keys: impl Iterator<Item = &HeldKey>,
    ) -> Result<Self, Error> {
        let principals: HashSet<PrincipalId> =
            keys.filter_map(|held| held.record.principal_id).collect();
        let principals: Vec<PrincipalId> = principals.into_iter().collect();
        let mut of_each: HashMap<PrincipalId, Vec<Sibling>> = HashMap::new();
        for one in store.keys_of_principals(&principals).await.map_err(cannot_read)? {
            of_each.entry(one.principal_id).or_default().push(one);
        }
        let pairs = of_each.into_iter().filter_map(|(id, keys)| Some((id, keys.try_into().ok()?)));
        Ok(Self(pairs.collect()))
    }

    /// The other key of the same principal, if it has two in all.
    pub(super) fn beside(&self, held: &HeldKey) -> Option<Key<'_>> {
        let pair = self.0.get(&held.record.principal_id?)?;
        let other = pair.iter().find(|one| one.id != held.record.id)?;
        let key = &held.record.key;
        Some(Key {
            account: key.account.as_deref().map(|text| Cow::Owned(text.to_owned())),
            principal: key.principal.as_deref().map(|text| Cow::Owned(text.to_owned())),
            principal_kind: key.principal_kind,
            id: other.provider_id.as_deref().map(Cow::Borrowed),
            slot: other.slot,
            label: other.label.as_deref().map(Cow::Borrowed),
            state: other.state,
            ..Key::new(key.provider.to_string())
        })
    }
}
