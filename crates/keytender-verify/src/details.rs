//! What only some keys have: scopes, networks, a label, a successor.

use std::collections::HashMap;
use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;
use keytender_core::id::KeyId;
use keytender_core::token::TokenId;

use crate::feed::Key;

/// What only some keys have. Keys that have the same share it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Details {
    /// What the key may be used for, sorted.
    pub scopes: Arc<[Box<str>]>,
    /// From where it may be used; from everywhere if there is none.
    pub networks: Box<[IpNet]>,
    /// Its name.
    pub label: Option<Box<str>>,
    /// The key that took its place.
    pub replaced_by: Option<KeyId>,
    /// The public id of a key that was issued elsewhere: it does not stand in it.
    pub id: Option<TokenId>,
}

impl Details {
    /// Whether the key may be used for all of these.
    pub fn has_scopes(&self, needed: &[&str]) -> bool {
        let has = |one: &&str| self.scopes.binary_search_by(|own| (**own).cmp(one)).is_ok();
        needed.iter().all(has)
    }

    /// Whether the key may be used from there. Where it may not be used from everywhere, an address that is
    /// not known is none of those.
    pub fn has_address(&self, address: Option<IpAddr>) -> bool {
        let within = |address: IpAddr| {
            let address = address.to_canonical();
            self.networks.iter().any(|network| network.contains(&address))
        };
        self.networks.is_empty() || address.is_some_and(within)
    }
}

/// Copies of details that many keys share.
const COPIES: u64 = 32;

/// Keeps a few of each, and knows where it is.
#[derive(Debug, Default)]
pub(crate) struct Interned {
    places: HashMap<(Arc<Details>, u8), u32>,
    scopes: HashSet<Arc<[Box<str>]>>,
}

impl Interned {
    /// The details of a key, if it has some.
    pub(crate) fn details(&mut self, key: &Key) -> Option<Arc<Details>> {
        let has_none = key.scopes.is_empty() && key.networks.is_empty();
        let is_plain = key.label.is_none() && key.replaced_by.is_none() && !key.is_imported;
        if has_none && is_plain {
            return None;
        }
        Some(Arc::new(Details {
            scopes: self.shared_scopes(&key.scopes),
            networks: key.networks.iter().copied().collect(),
            label: key.label.as_deref().map(Box::from),
            replaced_by: key.replaced_by,
            id: key.is_imported.then_some(key.id),
        }))
    }

    /// Where these are for a key, from 1; and what is to be put there if they are new.
    ///
    /// There are some copies of the same, for some keys each: whoever verifies a key counts a reference to its
    /// details, and threads that count the same ones wait for each other.
    pub(crate) fn place(
        &mut self,
        details: &Arc<Details>,
        key: KeyId,
    ) -> (u32, Option<Arc<Details>>) {
        let copy = u8::try_from(key.as_i64().cast_unsigned() % COPIES).unwrap_or(0);
        let name = (Arc::clone(details), copy);
        if let Some(place) = self.places.get(&name) {
            return (*place, None);
        }
        let place = u32::try_from(self.places.len() + 1).unwrap_or(u32::MAX);
        self.places.insert(name, place);
        (place, Some(Arc::clone(details)))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.places.len()
    }

    fn shared_scopes(&mut self, scopes: &[String]) -> Arc<[Box<str>]> {
        let mut sorted: Vec<Box<str>> = scopes.iter().map(|scope| scope.as_str().into()).collect();
        sorted.sort_unstable();
        sorted.dedup();
        if let Some(shared) = self.scopes.get(sorted.as_slice()) {
            return Arc::clone(shared);
        }
        let shared: Arc<[Box<str>]> = sorted.into();
        self.scopes.insert(Arc::clone(&shared));
        shared
    }
}
