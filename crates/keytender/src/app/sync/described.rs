//! What an account shows whose provider is described: its keys of every kind, under whoever they act for.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use keytender_core::akm::{KeyType, OwnerKind, ResourceKind};
use keytender_core::inventory::{Listed, Listing, blind_spot};
use keytender_core::key::{Key, Principal, PrincipalKind};
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::{Progress, Seen};
use crate::app::described;
use crate::app::warnings::Warnings;
use crate::connect::descriptor::{Found, Oddity, Placement};
use crate::error::Error;
use crate::store::accounts::{Account, Learned};

/// Asks an account for everything.
pub(in crate::app) async fn observe(
    account: &Account,
    now: Time,
    progress: &Progress<'_>,
) -> Result<Seen, Error> {
    let session = described::open(account)?;
    let descriptor = std::sync::Arc::clone(session.descriptor());
    let mut warnings = Warnings::default();
    let external_id = match session.whoami().await {
        Ok(who) => who.and_then(|who| who.account),
        // It is none of these keys, or it is no good: the lists tell.
        Err(failure) if failure.is_lacking() => None,
        Err(failure) => {
            warnings.note(format!("{failure}: whose credential it is, is not known"));
            None
        }
    };
    let mut gathered = Gathered::new(account, external_id.as_deref());
    let mut first = None;
    let mut is_any_seen = false;
    for kind in described::listed(&descriptor) {
        let noun = kind.noun.as_deref().unwrap_or("key");
        progress(&account.name, &format!("listing its keys: {noun}"));
        match session.list(kind).await {
            Ok(listing) => {
                is_any_seen = true;
                for (place, failure) in listing.unseen {
                    warnings.note(format!("{failure}: not all of its keys were seen"));
                    gathered.unseen_in(kind, &place);
                }
                for odd in listing.odd {
                    warnings.note(odd_line(noun, &odd));
                }
                listing.keys.into_iter().for_each(|found| gathered.add(kind, found, now));
            }
            // One kind may need a permission, or a credential, that another does not.
            Err(failure) if failure.is_lacking() => {
                warnings.note(format!("{failure}: none of this kind was seen: {noun}"));
                gathered.unseen_kind(kind);
                first.get_or_insert(failure);
            }
            Err(failure) => return Err(described::refuse(account, "sync", failure)),
        }
    }
    if let Some(failure) = first.filter(|_| !is_any_seen) {
        return Err(described::refuse(account, "sync", failure));
    }
    if let Some(notice) = crate::app::accounts::notice(account).await {
        warnings.note(notice);
    }
    let learned = Learned { external_id, ..Learned::default() };
    Ok(Seen {
        listing: gathered.listing(now),
        reported_at: None,
        learned,
        warnings: warnings.into_lines(),
    })
}

/// What was not understood of some keys, in a line.
fn odd_line(noun: &str, odd: &Oddity) -> String {
    let of = match (&odd.key, odd.count) {
        (Some(key), 1) => format!("of {}", printable(key)),
        (Some(key), count) => format!("of {} and {} others", printable(key), count - 1),
        (None, count) => format!("of {count}"),
    };
    format!("{noun}: {} {of}", odd.what)
}

/// What was listed so far, under whoever keys act for.
struct Gathered<'a> {
    account: &'a Account,
    /// The provider's id of the account, if it is known.
    external_id: Option<String>,
    by_name: BTreeMap<String, Listed>,
    unseen: BTreeSet<String>,
}

impl<'a> Gathered<'a> {
    fn new(account: &'a Account, external_id: Option<&str>) -> Self {
        let known = external_id.or(account.external_id.as_deref());
        Self {
            account,
            external_id: known.map(str::to_owned),
            by_name: BTreeMap::new(),
            unseen: BTreeSet::new(),
        }
    }

    fn unseen_kind(&mut self, kind: &KeyType) {
        self.unseen.insert(blind_spot(&kind.id.value, &[]));
    }

    fn unseen_in(&mut self, kind: &KeyType, place: &[Placement]) {
        self.unseen.insert(blind_spot(&kind.id.value, &ids(place)));
    }

    fn add(&mut self, kind: &KeyType, found: Found, now: Time) {
        let (name, principal_kind, reference) = self.holder(kind, &found);
        let listed = found.key;
        let last_used = listed.last_use(now);
        let key = Key {
            account: self.external_id.clone().map(Cow::Owned),
            principal: Some(Cow::Owned(name.clone())),
            principal_kind: Some(principal_kind),
            principal_ref: reference.clone().map(Cow::Owned),
            id: Some(Cow::Owned(listed.id)),
            key_type: Some(Cow::Owned(kind.id.value.clone())),
            within: ids(&found.within),
            label: listed.name.or(listed.hint).map(Cow::Owned),
            state: listed.state,
            provider_state: listed.provider_state.map(Cow::Owned),
            created_at: listed.created_at,
            expires_at: listed.expires_at,
            last_used,
            exposed: listed.exposed_at.map(|_| true),
            ..Key::new(self.account.provider.clone())
        };
        let holder = self.by_name.entry(name.clone()).or_insert_with(|| Listed {
            principal: Principal {
                provider: Cow::Owned(self.account.provider.clone()),
                account: Cow::Owned(self.external_id.clone().unwrap_or_default()),
                name: Cow::Owned(name),
                kind: principal_kind,
                has_password: None,
                password_last_used: None,
                mfa: None,
            },
            reference,
            tags: None,
            is_admin: None,
            cells: None,
            observed_at: now,
            keys: Vec::new(),
        });
        holder.keys.push(key);
    }

    /// Who a key acts for: whom it names itself, else the nearest resource that acts, else the account.
    fn holder(&self, kind: &KeyType, found: &Found) -> (String, PrincipalKind, Option<String>) {
        if kind.owner == OwnerKind::Root {
            return (self.account.name.clone(), PrincipalKind::Root, None);
        }
        let of_kind = match kind.owner {
            OwnerKind::User | OwnerKind::Root => PrincipalKind::User,
            OwnerKind::App => PrincipalKind::App,
        };
        if let Some(owner) = &found.key.owner {
            return (owner.clone(), of_kind, None);
        }
        let acts = found.within.iter().find(|place| place.kind != ResourceKind::Account);
        match acts {
            Some(place) => {
                let kind = match place.kind {
                    ResourceKind::User => PrincipalKind::User,
                    ResourceKind::App | ResourceKind::Account => PrincipalKind::App,
                };
                let name = place.name.clone().unwrap_or_else(|| place.id.clone());
                (name, kind, Some(format!("{} {}", place.resource, place.id)))
            }
            None => (self.account.name.clone(), of_kind, None),
        }
    }

    fn listing(self, observed_at: Time) -> Listing {
        let principals = self.by_name.into_values().collect();
        Listing { observed_at, principals, unseen: self.unseen }
    }
}

/// The ids of what something stands in, the nearest first.
fn ids(place: &[Placement]) -> Vec<String> {
    place.iter().map(|place| place.id.clone()).collect()
}
