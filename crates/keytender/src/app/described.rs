//! Accounts that are asked as the descriptor of their provider says.

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use keytender_core::akm::{Descriptor, Effect, KeyType, OperationName, Scheme, is_host};
use keytender_core::secret::Secret;
use keytender_core::text::printable;

use super::accounts::{Ability, Checked};
use super::providers;
use crate::config::credential::Reference;
use crate::connect::descriptor::{
    self, Binding, Engine, Failure, Placement, Session, Settings, Target, Trust, Who,
};
use crate::connect::shelf;
use crate::error::{Error, Kind};
use crate::net::site;
use crate::store::accounts::{Access, Account};
use crate::store::keys::HeldKey;

/// How long one call may take: some providers count for long before they list.
const CALL_TIMEOUT: Duration = Duration::from_secs(60);

/// The client of accounts that may be reached at public addresses alone, and that of the others.
static ENGINES: LazyLock<[Result<Engine, String>; 2]> = LazyLock::new(|| {
    [false, true].map(|allow_private| {
        let settings = Settings { timeout: CALL_TIMEOUT, roots: None, allow_private };
        Engine::new(&settings).map_err(|error| error.report())
    })
});

/// The descriptor of a provider: the one that was given with an account, else that of the shelf.
///
/// # Errors
/// When there is none, or the one that was given is another provider's.
pub(super) fn get(provider: &str, access: &Access) -> Result<Arc<Descriptor>, Error> {
    if let Some(text) = &access.descriptor {
        let read = Descriptor::parse(text)
            .map_err(|faults| providers::broken("what was given", &faults))?;
        let id = &read.descriptor.provider.id.value;
        // What was found at an address is called by where it was found, whatever it says of itself.
        return match id == provider || access.found.is_some() {
            true => Ok(Arc::new(read.descriptor)),
            false => Err(Error::new(format!("this is the descriptor of {id}, not of {provider}"))
                .hint(format!("keytender accounts add {id} …"))),
        };
    }
    match shelf::find(provider) {
        Ok(Some(descriptor)) => Ok(descriptor),
        Ok(None) => Err(providers::missing(provider)),
        Err(faults) => Err(providers::broken(provider, &faults)),
    }
}

/// Refuses an access that the descriptor has no use for, or that lacks what it asks for.
///
/// # Errors
/// The first thing that is wrong with it.
pub(super) fn check(provider: &str, access: &Access) -> Result<(), Error> {
    let descriptor = get(provider, access)?;
    let shown = format!("keytender providers show {provider}");
    if let Some(name) =
        access.variables.keys().find(|name| !descriptor.variables.contains_key(*name))
    {
        return Err(Error::new(format!("{provider} does not ask for `{name}`"))
            .hint(format!("{shown} says what it asks for")));
    }
    for (name, value) in &access.variables {
        let is_host_name = descriptor.variables.get(name).is_some_and(|one| one.is_host);
        if is_host_name && !is_host(value) {
            return Err(Error::new(format!("what is given for `{name}` is no host"))
                .hint("a name such as gitlab.example.com, without https:// and without a path"));
        }
    }
    // Some kind of key must be there to be listed; another may need more.
    let lacking: Option<Vec<_>> =
        listed(&descriptor).map(|kind| missing(&descriptor, kind, access)).collect();
    if let Some(name) = lacking.and_then(|names| names.first().copied()) {
        let help = descriptor.variables.get(name).map(|one| one.help.as_str()).unwrap_or_default();
        return Err(Error::new(format!("{provider} needs `{name}`: {help}"))
            .hint(format!("--set {name}=…; {shown} says more")));
    }
    if let Some(endpoint) = &access.endpoint {
        endpoint_of(endpoint)?;
    }
    hosts(provider, access).map(drop)
}

/// A variable that is needed to list keys of a kind, and that nobody gave.
fn missing<'d>(descriptor: &'d Descriptor, kind: &'d KeyType, access: &Access) -> Option<&'d str> {
    let is_given = |name: &&str| {
        let default = descriptor.variables.get(*name).and_then(|one| one.default.as_ref());
        default.is_some() || access.variables.contains_key(*name)
    };
    descriptor.needs(kind).into_iter().find(|name| !is_given(name))
}

pub(super) fn endpoint_of(text: &str) -> Result<reqwest::Url, Error> {
    reqwest::Url::parse(text).map_err(|_| {
        Error::new("the endpoint is no URL").hint("such as https://gateway.example.com")
    })
}

/// The access of an account that a person names as `provider:place`, where `place` is the first thing
/// that the provider asks for; `None` if there is no such provider.
///
/// # Errors
/// When the provider asks for nothing that `place` could be.
pub(super) fn access(
    provider: &str,
    place: &str,
    access: &Access,
) -> Result<Option<Access>, Error> {
    if shelf::text(provider).is_none() {
        return Ok(None);
    }
    let mut access = access.clone();
    if place.is_empty() {
        return Ok(Some(access));
    }
    let descriptor = get(provider, &access)?;
    let first = listed(&descriptor).find_map(|kind| missing(&descriptor, kind, &access));
    let first = first.or_else(|| descriptor.variables.keys().next().map(String::as_str));
    let name = first.map(str::to_owned).ok_or_else(|| {
        Error::new(format!("{provider} asks for nothing beside a credential"))
            .hint(format!("write {provider} alone"))
    })?;
    access.variables.entry(name).or_insert_with(|| place.to_owned());
    Ok(Some(access))
}

/// The refusal of an account without a credential, which says what it could be.
///
/// # Errors
/// When there is no such provider.
pub(super) fn no_credential(provider: &str) -> Result<Error, Error> {
    let descriptor = get(provider, &Access::default())?;
    let place = descriptor.method(None).and_then(|method| method.env.first());
    let place = place.map_or_else(|| "env:NAME".to_owned(), |name| format!("env:{name}"));
    Ok(Error::new(format!("{provider} is asked with a credential"))
        .hint(format!("--credential {place}; keytender providers show {provider} says which")))
}

/// The hosts that are reached with an access, for whoever agrees to them.
///
/// # Errors
/// When there is none: something that stands in a host is no part of one.
pub(super) fn hosts(provider: &str, access: &Access) -> Result<BTreeSet<String>, Error> {
    let all = hosts_of(&*get(provider, access)?, access);
    let hosts: BTreeSet<String> = all.into_iter().filter(|host| may_reach(access, host)).collect();
    match hosts.is_empty() {
        true => Err(Error::new(format!("{provider} cannot be reached like this"))
            .hint("what is set for a host is a name such as gitlab.example.com")),
        false => Ok(hosts),
    }
}

/// The hosts that a descriptor names, with what an account says of itself.
pub(super) fn hosts_of(descriptor: &Descriptor, access: &Access) -> BTreeSet<String> {
    descriptor::hosts(descriptor, &access.variables)
}

/// Whether calls may go to a host that a descriptor names: of one that was found at an address, hosts of that site
/// alone, and those that whoever added the account named.
fn may_reach(access: &Access, host: &str) -> bool {
    let Some(found) = &access.found else { return true };
    let anchor = reqwest::Url::parse(&found.at).ok();
    let anchor = anchor.as_ref().and_then(reqwest::Url::host_str);
    anchor.is_some_and(|anchor| site::is_same(anchor, host)) || found.pinned.contains(host)
}

/// The client that runs descriptors.
///
/// # Errors
/// When TLS cannot be prepared.
pub(super) fn engine(allow_private: bool) -> Result<&'static Engine, Error> {
    let [public, any] = &*ENGINES;
    let engine = if allow_private { any } else { public };
    engine.as_ref().map_err(|report| Error::new(report.clone()))
}

/// An account, in hand.
///
/// # Errors
/// When its credential cannot be found, or does not fit.
pub(super) fn open(account: &Account) -> Result<Session, Error> {
    let access = &account.access;
    let secret = match (&account.secret, &access.credential) {
        (Some(secret), _) => Some(secret.clone()),
        (None, Some(place)) => Some(place.parse::<Reference>()?.resolve()?),
        (None, None) => None,
    };
    let engine = engine(access.allow_private)?;
    let binding = Binding {
        descriptor: get(&account.provider, access)?,
        variables: access.variables.clone(),
        method: None,
        endpoint: access.endpoint.as_deref().map(endpoint_of).transpose()?,
        hosts: access.hosts.clone(),
        secret,
        trust: match access.descriptor.is_some() && !access.allow_writes {
            true => Trust::ReadOnly,
            false => Trust::Shelf,
        },
    };
    engine.open(binding).map_err(|failure| refuse(account, "reach", failure))
}

/// The same account, with another credential.
///
/// # Errors
/// When that one does not fit.
pub(super) fn open_as(account: &Account, secret: &Secret) -> Result<Session, Error> {
    open(&Account { secret: Some(secret.clone()), ..account.clone() })
}

/// A key at its provider, by what is known of it here.
///
/// # Errors
/// When that is not enough to find it.
pub(super) fn subject(
    session: &Session,
    account: &Account,
    key: &HeldKey,
) -> Result<(KeyType, Target), Error> {
    let unknown = |what: &str| {
        Error::new(format!("the {what} of {} is not known", key.record.id))
            .hint(format!("bring it up to date: keytender sync {}", account.name))
    };
    let key = &key.record.key;
    let kind = key.key_type.as_deref().ok_or_else(|| unknown("kind"))?;
    let kind = session.descriptor().key_type(kind).cloned().ok_or_else(|| unknown("kind"))?;
    let target = Target {
        id: key.id.as_deref().ok_or_else(|| unknown("id"))?.to_owned(),
        name: key.label.as_deref().map(str::to_owned),
        owner: key.principal.as_deref().map(str::to_owned),
        within: place(session.descriptor(), &kind, &key.within).ok_or_else(|| unknown("place"))?,
    };
    Ok((kind, target))
}

/// What a key stands in, of the ids that its listing told, the outermost first; `None` if these are not as many
/// as there are resources.
fn place(descriptor: &Descriptor, kind: &KeyType, ids: &[String]) -> Option<Vec<Placement>> {
    let mut chain = Vec::new();
    let mut next = kind.within.as_ref();
    while let Some(resource) = next.and_then(|id| descriptor.resource(&id.value)) {
        chain.push(resource);
        next = resource.within.as_ref();
    }
    let places = chain.iter().rev().zip(ids).map(|(resource, id)| Placement {
        resource: resource.id.value.clone(),
        kind: resource.kind,
        id: id.clone(),
        name: None,
    });
    (chain.len() == ids.len()).then(|| places.collect())
}

/// The refusal of what could not be done at an account.
pub(super) fn refuse(account: &Account, act: &str, failure: Failure) -> Error {
    let hint = failure.hint();
    let error = Error::new(format!("cannot {act} `{}`", account.name)).kind(Kind::Provider);
    let error = error.source(failure);
    match hint {
        Some(hint) => error.hint(hint),
        None => error,
    }
}

/// Whether a key of a kind, as it is given, is what the calls of `whoami` are allowed by.
pub(super) fn takes_itself(descriptor: &Descriptor, kind: &KeyType) -> bool {
    let Some(whoami) = kind.operations.get(&OperationName::Whoami) else { return false };
    let named = whoami.auth.as_ref().or(kind.auth.as_ref());
    let method = descriptor.method(named.map(|auth| auth.value.as_str()));
    let is_taken = method.is_some_and(|method| {
        let scheme = &method.scheme.value;
        let is_plain = matches!(scheme, Scheme::Bearer | Scheme::Headers(_) | Scheme::Basic { .. });
        is_plain && method.parts.len() <= 1
    });
    is_taken && whoami.request.is_some() && whoami.unsure.is_none()
}

/// The kinds of keys that an account is asked for.
pub(super) fn listed(descriptor: &Descriptor) -> impl Iterator<Item = &KeyType> {
    let is_call = |kind: &&KeyType| {
        kind.operations.get(&OperationName::List).is_some_and(|list| list.request.is_some())
    };
    descriptor.key_types.iter().filter(is_call)
}

/// Asks who we are at an account, and lists each kind of key once.
///
/// # Errors
/// When the account does not answer.
pub(super) async fn look(account: &Account) -> Result<Checked, Error> {
    let session = open(account)?;
    let descriptor = Arc::clone(session.descriptor());
    let who = match session.whoami().await {
        Ok(who) => who.map(|who| words(&descriptor, &who)),
        Err(failure) if failure.is_lacking() => None,
        Err(failure) => return Err(refuse(account, "ask", failure)),
    };
    let mut abilities = Vec::new();
    for kind in &descriptor.key_types {
        for (name, operation) in &kind.operations {
            if operation.request.is_none() || *name == OperationName::Whoami {
                continue;
            }
            let is_there = match name {
                OperationName::List => match session.list(kind).await {
                    Ok(_) => Some(true),
                    Err(failure) if failure.is_lacking() => Some(false),
                    Err(failure) => return Err(refuse(account, "ask", failure)),
                },
                // Told by the list, or tried when somebody asks for it.
                _ => None,
            };
            if name.effect() != Effect::Read || is_there.is_some() {
                abilities.push(ability(&descriptor, kind, *name, is_there));
            }
        }
    }
    let lists: Vec<_> = abilities.iter().filter_map(|ability| ability.is_there).collect();
    let sentence = match (lists.iter().any(|there| *there), lists.iter().all(|there| *there)) {
        (true, true) => "Keytender can watch this account.",
        (true, false) => "Keytender can watch a part of this account.",
        (false, _) => "Keytender cannot watch this account without what is missing.",
    };
    Ok(Checked { who, abilities, sentence: sentence.to_owned() })
}

/// Who a credential is, for people.
pub(super) fn words(descriptor: &Descriptor, who: &Who) -> String {
    let noun = descriptor.key_type(&who.key_type).and_then(|kind| kind.noun.as_deref());
    let name = who.name.as_deref().or(who.key.as_ref().map(|key| key.id.as_str()));
    let name = name.map(|name| format!(" `{}`", printable(name))).unwrap_or_default();
    let account = who.account.as_deref().map(|account| format!(" in {}", printable(account)));
    format!("the {}{name}{}", noun.unwrap_or("key"), account.unwrap_or_default())
}

fn ability(
    descriptor: &Descriptor,
    kind: &KeyType,
    name: OperationName,
    is_there: Option<bool>,
) -> Ability {
    let method = descriptor.method(kind.auth.as_ref().map(|auth| auth.value.as_str()));
    let words = method.and_then(|method| method.permissions.get(&name));
    let permission = words.map_or_else(|| "–".to_owned(), |words| words.join(", "));
    let noun = kind.noun.as_deref().unwrap_or("key");
    let verb = match name {
        OperationName::Suspend => "disable",
        OperationName::Resume => "enable",
        other => other.as_str(),
    };
    Ability {
        permission: permission.into(),
        purpose: format!("{verb} {noun}").into(),
        is_needed: name == OperationName::List,
        is_there,
    }
}
