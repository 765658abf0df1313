//! Joins a row of the credential report, which has no key ids and may be four hours old, with the
//! listing of that user's keys, which has both.

use std::borrow::Cow;

use keytender_core::key::{Key, LastUse, SecondActive, mark_second_active};
use keytender_core::report::Row;
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::born_since;
use crate::app::warnings::Warnings;
use crate::connect::aws::{ListedKey, word};

/// Brings `row` up to date with `listed`, all keys of the user `name`. A key is known by the
/// second of its creation, only where no other key of the user shares it.
pub(super) fn join(
    row: &mut Row<'static>,
    listed: &[ListedKey],
    generated_at: Option<Time>,
    name: &str,
    warnings: &mut Warnings,
) {
    let name = printable(name);
    if !is_unique(row.keys().map(|key| key.created_at))
        || !is_unique(listed.iter().map(|key| key.created_at))
    {
        let keys = "two keys were made in the same second";
        warnings.note(format!("user {name}: {keys}, which id is whose is unknown"));
        return;
    }
    let strangers = listed.iter().filter(|key| matching(row, key).is_none()).count();
    let newborn =
        born_since(listed, generated_at).filter(|key| matching(row, key).is_none()).count();
    for slot in &mut row.keys {
        let Some(key) = slot else { continue };
        match listed.iter().find(|listed| listed.created_at == key.created_at) {
            Some(listed) => update(key, listed),
            // Only where every other key of the listing is accounted for is this one gone.
            None if strangers == newborn => {
                warnings.note(format!("user {name}: a key was deleted since the report was made"));
                *slot = None;
            }
            None => {}
        }
    }
    let newborn: Vec<ListedKey> = born_since(listed, generated_at)
        .filter(|key| matching(row, key).is_none())
        .cloned()
        .collect();
    for listed in newborn {
        add(row, listed);
    }
    for key in row.keys_mut() {
        key.second_active = SecondActive::No;
    }
    mark_second_active(&mut row.keys);
}

fn matching<'r>(row: &'r Row<'static>, listed: &ListedKey) -> Option<&'r Key<'static>> {
    row.keys().find(|key| key.created_at == listed.created_at)
}

fn update(key: &mut Key<'static>, listed: &ListedKey) {
    key.id = Some(Cow::Owned(listed.id.clone()));
    key.state = listed.state;
    key.provider_state = Some(Cow::Borrowed(word(listed.state)));
}

/// A key that was made after the report: nothing is known of its use.
fn add(row: &mut Row<'static>, listed: ListedKey) {
    let Some(principal) = &row.principal else {
        return;
    };
    let key = Key {
        account: Some(principal.account.clone()),
        principal: Some(principal.name.clone()),
        principal_kind: Some(principal.kind),
        principal_ref: row.keys().find_map(|key| key.principal_ref.clone()),
        id: Some(Cow::Owned(listed.id)),
        state: listed.state,
        provider_state: Some(Cow::Borrowed(word(listed.state))),
        created_at: listed.created_at,
        last_used: LastUse::unknown("it was made after the report; --fresh asks for its last use"),
        ..Key::new("aws")
    };
    if let Some(slot) = row.keys.iter_mut().find(|slot| slot.is_none()) {
        *slot = Some(key);
    }
}

fn is_unique<T: PartialEq>(items: impl Iterator<Item = T>) -> bool {
    let items: Vec<T> = items.collect();
    items
        .iter()
        .enumerate()
        .all(|(place, item)| !items.iter().skip(place + 1).any(|other| other == item))
}
