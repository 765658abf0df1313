//! Keys of providers that are described.

use std::collections::BTreeMap;

use keytender_core::akm::{
    Arg, FieldName, Given, KeyType, ListedUse, Operation, OperationName, RotationMode, fingerprint,
};
use keytender_core::key::State;
use keytender_core::rotation::plan::Exactness;
use keytender_core::rotation::{Able, Fault, SeenKey, Standing, UseSeen, Way};
use keytender_core::secret::Secret;
use keytender_core::time::Span;
use serde_json::Value;

use super::{Failed, Minted, Terms, used_at};
use crate::app::described::{self, open, open_as, subject};
use crate::clock;
use crate::config::credential::Reference;
use crate::connect::descriptor::{Acted, Failure, Found, Reason, Session, Target};
use crate::error::{Error, Kind};
use crate::store::accounts::Account;
use crate::store::keys::HeldKey;

/// No call takes longer: a list of thousands of keys that are asked about one by one comes to minutes.
const TIMEOUT: Span = Span::from_micros(5 * 60_000_000);
/// How exact a last use is, and how late, where the descriptor does not say: as of the least exact that do.
const UNSAID: Span = Span::days(1);
/// How long a change takes to hold everywhere, where the descriptor does not say.
const PROPAGATION: Span = Span::from_micros(2 * 60_000_000);
/// How long a successor lives whose predecessor ends, where nothing says how long that one was to live.
const LIFE: Span = Span::days(90);
/// The argument that names the new key, and the one that says when it ends: the same in each descriptor.
const NAME: &str = "name";
const EXPIRES: &str = "expires";
/// The most letters of a name where the descriptor does not say: what the shortest fields of providers take.
const MAX_LETTERS: usize = 63;
/// What stands between the old name and the mark: letters, digits and this are taken everywhere.
const JOINT: char = '-';
/// What each mark begins with, and how many hexadecimal digits follow.
const MARK: &str = "keytender-";
const MARK_DIGITS: usize = 16;
/// The shortest id that cannot stand in a credential by chance.
const MIN_ID_LETTERS: usize = 8;

/// The keys in one place of a provider.
#[derive(Debug)]
pub(super) struct Keys {
    session: Session,
    account: Account,
    kind: KeyType,
    old: Target,
}

impl Keys {
    pub(super) fn open(account: &Account, key: &HeldKey) -> Result<(Self, Terms), Error> {
        let session = open(account)?;
        let (kind, old) = subject(&session, account, key)?;
        let keys = Self { session, account: account.clone(), kind, old };
        let terms = keys.terms().map_err(|why| keys.refusal(key, why))?;
        Ok((keys, terms))
    }

    pub(super) fn old_id(&self) -> &str {
        &self.old.id
    }

    fn operation(&self, name: OperationName) -> Option<&Operation> {
        self.kind.operations.get(&name)
    }

    /// Whether an operation can be done with what there is.
    fn can(&self, name: OperationName, given: &[&str]) -> Result<(), String> {
        self.session.allows(&self.kind, name).map_err(|failure| failure.to_string())?;
        let operation = self.operation(name);
        let missing = operation.and_then(|operation| missing(operation, given));
        missing.map_or(Ok(()), |(arg, help)| {
            Err(format!("{} needs `{arg}`, which the old key does not tell{help}", name.as_str()))
        })
    }

    /// Whether an operation gives a secret, and says which key it is of.
    fn gives(&self, name: OperationName) -> Result<(), String> {
        self.can(name, &[NAME])?;
        let outputs = self.operation(name).map(|operation| &operation.outputs);
        let tells = |field| outputs.is_some_and(|outputs| outputs.contains_key(&field));
        let keeps = self.kind.rotation.as_ref().is_some_and(|rotation| rotation.keeps_id);
        if !tells(FieldName::Secret) {
            return Err(format!("{} gives no secret: its holder makes it", name.as_str()));
        }
        match tells(FieldName::Id) || (keeps && name == OperationName::Rotate) {
            true => Ok(()),
            false => Err(format!("{} does not tell the id of the new key", name.as_str())),
        }
    }

    /// A second key is made wherever that can be done, because it leaves a way back; but where the descriptor says
    /// that the secret is changed in place, it is.
    ///
    /// `in-place-overlap` is taken for `in-place`: the old secret ends by itself at a moment that nothing here can
    /// put off, whoever still uses it, so there is no overlap that could be watched and no way back.
    fn way(&self) -> Result<Way, String> {
        let changes = || self.gives(OperationName::Rotate).map(|()| Way::InPlace);
        let makes = || {
            self.gives(OperationName::Create)?;
            self.can(OperationName::Delete, &[]).map(|()| Way::CreateThenDelete)
        };
        match self.kind.rotation.as_ref().map(|rotation| rotation.mode) {
            Some(RotationMode::None) => Err("it is replaced by hand alone".to_owned()),
            Some(RotationMode::TwoSlots) => {
                Err("it has two places that are filled in turns, which is done by hand".to_owned())
            }
            Some(RotationMode::InPlace | RotationMode::InPlaceOverlap) => {
                changes().or_else(|why| makes().map_err(|_| why))
            }
            Some(RotationMode::CreateThenDelete) | None => {
                makes().or_else(|why| changes().map_err(|_| why))
            }
        }
    }

    fn terms(&self) -> Result<Terms, String> {
        self.can(OperationName::List, &[])?;
        let way = self.way()?;
        let can_stop = [OperationName::Suspend, OperationName::Resume];
        let used = &self.kind.last_used;
        let span = |seconds: Option<u32>| {
            seconds.map_or(UNSAID, |seconds| Span::from_micros(i64::from(seconds) * 1_000_000))
        };
        let exactness =
            Exactness { granularity: span(used.granularity_seconds), lag: span(used.lag_seconds) };
        let limits = self.kind.limits.as_ref();
        let able = Able {
            list: true,
            label: way == Way::CreateThenDelete && self.has_label(),
            disable: can_stop.iter().all(|name| self.can(*name, &[]).is_ok()),
            try_new: self.takes_itself(),
            // The list is that of one place; of one owner where there is none, nobody can say.
            slots: limits.and_then(|limits| match self.old.within.is_empty() {
                true => limits.max_per_account,
                false => limits.max_per_owner,
            }),
            last_use: used.available.then_some(exactness),
            propagation: self.propagation(),
        };
        Ok(Terms { way, able, timeout: TIMEOUT })
    }

    /// Whether the name that a new key is given is the one that the list shows again.
    fn has_label(&self) -> bool {
        let arg = self.operation(OperationName::Create).and_then(|create| create.args.get(NAME));
        let listed = self.kind.fields.get(&FieldName::Name);
        arg.zip(listed).is_some_and(|(arg, listed)| {
            let has_room = letters(arg) >= MARK.len() + MARK_DIGITS;
            has_room
                && !listed.is_secret()
                && arg.copy.as_ref().is_none_or(|copy| copy.as_str() == listed.at().as_str())
        })
    }

    /// The longest that any of its changes takes to hold everywhere.
    fn propagation(&self) -> Span {
        let seconds = self.kind.operations.values().filter_map(|one| one.propagation_seconds).max();
        seconds.map_or(PROPAGATION, |seconds| Span::from_micros(i64::from(seconds) * 1_000_000))
    }

    /// Whether such a key, as it is given, is what the calls of `whoami` are allowed by.
    fn takes_itself(&self) -> bool {
        described::takes_itself(self.session.descriptor(), &self.kind)
    }

    fn refusal(&self, key: &HeldKey, why: String) -> Error {
        let message = format!("{} cannot be rotated by calls", key.record.id);
        let error = Error::new(message).kind(Kind::Conflict).source(why);
        let page = [OperationName::Rotate, OperationName::Create, OperationName::Delete];
        let page = page.iter().find_map(|name| self.operation(*name)?.console.as_ref());
        let links = &self.session.descriptor().links;
        match page.or(links.rotate_guide.as_ref()).or(links.console.as_ref()) {
            Some(page) => error.hint(format!("people do it at {}", page.value)),
            None => error,
        }
    }

    pub(super) async fn list(&self) -> Result<Vec<SeenKey>, Failed> {
        let listing = self.session.list_in(&self.kind, &self.old.within).await;
        let listing = listing.map_err(|failure| failed(&failure))?;
        // Half a list is none: what it does not show would seem to be gone.
        if let Some((_, failure)) = listing.unseen.first() {
            return Err(failed(failure));
        }
        Ok(listing.keys.into_iter().map(seen).collect())
    }

    /// The key that is replaced, as it is now.
    async fn old(&self) -> Result<Found, Failed> {
        let found = self.session.find(&self.kind, &self.old).await;
        let found = found.map_err(|failure| failed(&failure))?;
        found.ok_or_else(|| {
            let provider = &self.session.descriptor().provider.name;
            Failed(Fault::Refused, format!("{provider} shows no such key any more"))
        })
    }

    pub(super) async fn create(&self, marker: &str) -> Result<Minted, Failed> {
        let old = self.old().await?;
        let mut args = self.ends(OperationName::Create, &old);
        let create = self.operation(OperationName::Create);
        if let Some(arg) = create.and_then(|create| create.args.get(NAME)) {
            let name = label(old.key.name.as_deref().unwrap_or_default(), marker, letters(arg));
            args.insert(NAME.to_owned(), Given::Value(Value::from(name)));
        }
        self.mint(OperationName::Create, args).await
    }

    pub(super) async fn rotate(&self) -> Result<Minted, Failed> {
        let old = self.old().await?;
        let mut args = self.ends(OperationName::Rotate, &old);
        let rotate = self.operation(OperationName::Rotate);
        if rotate.is_some_and(|rotate| rotate.args.contains_key(NAME))
            && let Some(name) = old.key.name
        {
            args.insert(NAME.to_owned(), Given::Value(Value::from(name)));
        }
        self.mint(OperationName::Rotate, args).await
    }

    async fn mint(
        &self,
        name: OperationName,
        args: BTreeMap<String, Given>,
    ) -> Result<Minted, Failed> {
        let acted = self.session.act_once(&self.kind, name, &self.old, args).await;
        let Acted { id, secret, expires_at, .. } = acted.map_err(|failure| failed(&failure))?;
        let lost = || Failed(Fault::Lost, "its answer shows no secret".to_owned());
        Ok(Minted { id: id.unwrap_or_default(), secret: secret.ok_or_else(lost)?, expires_at })
    }

    /// A successor of a key that ends by itself ends too, after as long: it is not to live longer than was meant.
    fn ends(&self, name: OperationName, old: &Found) -> BTreeMap<String, Given> {
        let arg = self.operation(name).and_then(|operation| operation.args.get(EXPIRES));
        let is_open = arg.is_some_and(|arg| arg.format.is_some() && arg.default_days.is_none());
        let Some(ends) = old.key.expires_at.filter(|_| is_open) else { return BTreeMap::new() };
        let lifetime = self.kind.lifetime.as_ref();
        let usual = lifetime.and_then(|lifetime| lifetime.default_days).map_or(LIFE, Span::days);
        let lived = old.key.created_at.filter(|made| *made < ends).map(|made| ends.since(made));
        let most = lifetime.and_then(|lifetime| lifetime.max_days).map(Span::days);
        let life = lived.unwrap_or(usual);
        let life = most.map_or(life, |most| life.min(most));
        BTreeMap::from([(EXPIRES.to_owned(), Given::Time(clock::now().plus(life)))])
    }

    pub(super) async fn is_taken(&self, id: &str, secret: &Secret) -> Result<bool, Failed> {
        let session = open_as(&self.account, secret);
        let session = session.map_err(|error| Failed(Fault::Refused, error.explanation()))?;
        match session.whoami_as(&self.kind).await {
            Ok(who) => match who.and_then(|who| who.key) {
                Some(key) if key.id != id => {
                    let words = "the provider says that the new key is another";
                    Err(Failed(Fault::Refused, words.to_owned()))
                }
                Some(key) => Ok(key.state == State::Active),
                None => Ok(true),
            },
            Err(failure) if failure.is_denied() => Ok(false),
            Err(failure) => Err(failed(&failure)),
        }
    }

    pub(super) async fn asks_by(&self, id: &str) -> Result<bool, Failed> {
        if self.credential_is(id)? {
            return Ok(true);
        }
        if !self.takes_itself() {
            return Ok(false);
        }
        match self.session.whoami_as(&self.kind).await {
            Ok(who) => {
                let key = who.and_then(|who| who.key);
                Ok(key.is_some_and(|key| key.id == id))
            }
            // It is no key of this kind.
            Err(failure) if failure.is_lacking() => Ok(false),
            Err(failure) => Err(failed(&failure)),
        }
    }

    /// Whether the account's credential shows by itself that it is this key: the id is a part of it, or a digest of
    /// it.
    fn credential_is(&self, id: &str) -> Result<bool, Failed> {
        let refused = |error: Error| Failed(Fault::Refused, error.explanation());
        let secret = match (&self.account.secret, &self.account.access.credential) {
            (Some(secret), _) => Some(secret.clone()),
            (None, Some(place)) => {
                let place: Reference = place.parse().map_err(refused)?;
                Some(place.resolve().map_err(refused)?)
            }
            (None, None) => None,
        };
        Ok(secret.is_some_and(|secret| {
            let text = secret.expose().trim();
            let is_long = id.chars().count() >= MIN_ID_LETTERS;
            fingerprint(text) == id || (is_long && text.contains(id))
        }))
    }

    pub(super) async fn disable(&self, id: &str) -> Result<(), Failed> {
        self.set(id, OperationName::Suspend, |state| state != Some(Standing::Active)).await
    }

    pub(super) async fn enable(&self, id: &str) -> Result<(), Failed> {
        self.set(id, OperationName::Resume, |state| state == Some(Standing::Active)).await
    }

    pub(super) async fn delete(&self, id: &str) -> Result<(), Failed> {
        let is_gone = |state: Option<Standing>| state.is_none_or(|state| state == Standing::Ended);
        self.set(id, OperationName::Delete, is_gone).await
    }

    /// Does it; where that fails, the provider is asked whether it is so all the same.
    async fn set(
        &self,
        id: &str,
        name: OperationName,
        is_so: impl Fn(Option<Standing>) -> bool,
    ) -> Result<(), Failed> {
        let target = match id == self.old.id {
            true => self.old.clone(),
            false => Target { id: id.to_owned(), name: None, ..self.old.clone() },
        };
        let done = self.session.act(&self.kind, name, &target, BTreeMap::new()).await;
        let Err(failure) = done else { return Ok(()) };
        let found = self.session.find(&self.kind, &target).await;
        match found.map(|found| found.map(|found| standing(found.key.state))) {
            Ok(state) if is_so(state) => Ok(()),
            _ => Err(failed(&failure)),
        }
    }
}

/// An argument that must be there, and that neither the old key nor the descriptor tells.
fn missing<'o>(operation: &'o Operation, given: &[&str]) -> Option<(&'o str, String)> {
    let is_missing = |arg: &Arg| {
        let is_told = arg.copy.is_some() || arg.default.is_some() || arg.default_days.is_some();
        arg.required && !is_told
    };
    let mut args = operation.args.iter();
    let (name, arg) =
        args.find(|(name, arg)| is_missing(arg) && !given.contains(&name.as_str()))?;
    let help = arg.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
    Some((name, help))
}

/// How many letters a name may have.
fn letters(arg: &Arg) -> usize {
    arg.max_letters.and_then(|most| usize::try_from(most).ok()).unwrap_or(MAX_LETTERS)
}

/// The name of a successor: the old one, as far as there is room, and the mark behind it in the place of an
/// earlier one.
fn label(old: &str, marker: &str, most: usize) -> String {
    let old = unmarked(old);
    let room = most.saturating_sub(marker.chars().count() + 1);
    let cut: String = old.chars().take(room).collect();
    let cut = cut.trim_end_matches(|one: char| one.is_whitespace() || one == JOINT);
    match cut {
        "" => marker.to_owned(),
        cut => format!("{cut}{JOINT}{marker}"),
    }
}

/// A name without the mark that it ends with, if it has one.
fn unmarked(name: &str) -> &str {
    let is_digit = |one: char| one.is_ascii_digit() || ('a'..='f').contains(&one);
    let parts = name.rfind(MARK).and_then(|at| name.split_at_checked(at));
    let digits = parts.and_then(|(_, mark)| mark.strip_prefix(MARK));
    match (parts, digits) {
        (Some((before, _)), Some(digits))
            if digits.len() == MARK_DIGITS && digits.chars().all(is_digit) =>
        {
            before
        }
        _ => name,
    }
}

fn seen(found: Found) -> SeenKey {
    let key = found.key;
    let last_use = match &key.last_use {
        ListedUse::Used(used) => used_at(used),
        ListedUse::Never => UseSeen::Never,
        ListedUse::Unknown(why) => UseSeen::Unknown(why.to_string()),
    };
    SeenKey { standing: standing(key.state), id: key.id, label: key.name, last_use }
}

const fn standing(state: State) -> Standing {
    match state {
        State::Active => Standing::Active,
        State::PreActivation | State::Suspended => Standing::Suspended,
        State::Deactivated | State::Compromised | State::Destroyed => Standing::Ended,
    }
}

/// What follows from a failure.
fn failed(failure: &Failure) -> Failed {
    let fault = match failure.reason() {
        _ if failure.is_undecided() => Fault::Lost,
        Reason::Throttled { .. } | Reason::Unreachable(_) | Reason::TooSlow { .. } => Fault::Later,
        // Undecided where something was changed; here it is a sign-in, or a call that reads.
        Reason::Answer { code: 408 | 429 | 500.. } | Reason::Lost(_) | Reason::Unread(_) => {
            Fault::Later
        }
        _ => Fault::Refused,
    };
    Failed(fault, failure.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    const MARKER: &str = "keytender-0123456789abcdef";

    #[test]
    fn a_successor_bears_the_old_name_and_one_mark() {
        for (old, most, name) in [
            ("deploy", 63, "deploy-keytender-0123456789abcdef"),
            ("deploy-keytender-fedcba9876543210", 63, "deploy-keytender-0123456789abcdef"),
            ("", 63, MARKER),
            ("keytender-fedcba9876543210", 63, MARKER),
            ("a name that is far too long", 40, "a name that i-keytender-0123456789abcdef"),
            ("grün und blau", 31, "grün-keytender-0123456789abcdef"),
            ("anything", 26, MARKER),
            ("keytender-prod", 63, "keytender-prod-keytender-0123456789abcdef"),
            (
                "keytender-0123456789ABCDEF",
                63,
                "keytender-0123456789ABCDEF-keytender-0123456789abcdef",
            ),
        ] {
            let made = label(old, MARKER, most);
            assert_eq!(made, name);
            assert!(made.chars().count() <= most);
        }
    }
}
