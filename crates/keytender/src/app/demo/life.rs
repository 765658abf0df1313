//! A made-up key from its first day to its last: what was to be seen of it at any moment.

use std::borrow::Cow;

use keytender_core::id::{KeyId, PrincipalId};
use keytender_core::inventory::KeyRecord;
use keytender_core::key::{Key, LastUse, State};
use keytender_core::time::{Span, Time};

use super::rhythm::Rhythm;

/// How long after it was last seen a key is found to be missing, and then to be gone.
const LOOK: Span = Span::from_micros(3_600_000_000);

/// What is known of a key's uses.
#[derive(Clone, Debug)]
pub(super) enum Uses {
    /// It is or was used.
    Seen(Rhythm),
    /// It never was.
    Never,
    /// Its provider does not say.
    Untold,
}

/// A key changes its state.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// When.
    pub(super) at: Time,
    /// What it is from then on.
    pub(super) state: State,
    /// The provider's word for it.
    pub(super) word: Option<&'static str>,
    /// Who did it here, and why; `None` where the provider did.
    pub(super) by: Option<(&'static str, &'static str)>,
}

/// Something that people say of a key.
#[derive(Clone, Debug)]
pub(super) struct Saying {
    /// When.
    pub(super) at: Time,
    /// Who.
    pub(super) by: &'static str,
    /// Why.
    pub(super) why: &'static str,
    /// What.
    pub(super) what: What,
}

/// What people say of a key.
#[derive(Clone, Copy, Debug)]
pub(super) enum What {
    /// It was found where a secret must not be.
    Exposed,
    /// It stays as it is until then.
    Keep(Time),
    /// It is this owner's.
    Owner(&'static str),
    /// It is used there.
    WhereUsed(&'static str),
}

/// A made-up key.
#[derive(Clone, Debug)]
pub(super) struct Life {
    /// Our id.
    pub(super) id: KeyId,
    /// The place of its account.
    pub(super) account: usize,
    /// Its provider.
    pub(super) provider: &'static str,
    /// Who it acts for.
    pub(super) principal: Option<PrincipalId>,
    /// Its place among the two that AWS gives a principal.
    pub(super) slot: Option<u8>,
    /// What people call it.
    pub(super) label: Option<&'static str>,
    /// The provider's id of it.
    pub(super) public_id: Option<String>,
    /// When it was made, if anybody knows.
    pub(super) created_at: Option<Time>,
    /// When it was first seen here.
    pub(super) found_at: Time,
    /// When it ends.
    pub(super) expires_at: Option<Time>,
    /// How it is used.
    pub(super) uses: Uses,
    /// What its state was from the first day on, and its changes, in their order.
    pub(super) changes: Vec<Change>,
    /// What people say of it, in its order.
    pub(super) sayings: Vec<Saying>,
}

impl Life {
    /// Its state at a moment, and since when; active before the first change.
    fn state(&self, at: Time) -> (State, Option<&'static str>, Option<Time>) {
        let change = self.changes.iter().rev().find(|change| change.at <= at);
        change.map_or((State::Active, None, None), |one| (one.state, one.word, Some(one.at)))
    }

    /// Whether it worked at a moment.
    pub(super) fn is_active(&self, at: Time) -> bool {
        self.found_at <= at && self.state(at).0 == State::Active
    }

    /// Whether it was used for the last time.
    pub(super) fn is_at_rest(&self, at: Time) -> bool {
        matches!(&self.uses, Uses::Seen(rhythm) if rhythm.last <= at)
    }

    /// What is known of it at a moment; `None` before it was found.
    pub(super) fn record(&self, at: Time) -> Option<KeyRecord> {
        if at < self.found_at {
            return None;
        }
        let (state, word, since) = self.state(at);
        let mut key = Key::new(self.provider);
        key.id = self.public_id.clone().map(Cow::Owned);
        key.slot = self.slot;
        key.label = self.label.map(Cow::Borrowed);
        key.state = state;
        key.provider_state = word.map(Cow::Borrowed);
        key.created_at = self.created_at;
        key.expires_at = self.expires_at;
        key.last_used = self.last_used(at);
        let mut record = KeyRecord::new(self.id, key, self.found_at);
        record.principal_id = self.principal;
        if let Uses::Seen(rhythm) = &self.uses {
            (record.uses, record.largest_gap) = rhythm.known(self.found_at, at);
        }
        let since = since.map(|since| since.max(self.found_at));
        match state {
            State::Suspended => record.suspended_seen_at = since,
            State::Destroyed => {
                record.missing_since = since;
                record.last_seen_at = since.map(|since| since.minus(LOOK));
            }
            _ => {}
        }
        record.derive();
        Some(record)
    }

    pub(super) fn last_used(&self, at: Time) -> LastUse<'static> {
        let since = self.created_at.unwrap_or(self.found_at);
        match &self.uses {
            Uses::Never => LastUse::Never { since },
            Uses::Untold => LastUse::unknown("its provider does not say"),
            Uses::Seen(rhythm) => match rhythm.number_at(at) {
                Some(number) => LastUse::Used(rhythm.back(number)),
                None => LastUse::Never { since },
            },
        }
    }
}
