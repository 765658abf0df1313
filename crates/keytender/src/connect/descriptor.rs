//! Any provider that a descriptor (AKM) describes: its keys listed, found, made, suspended, rotated and
//! deleted by the calls that the descriptor says.
//!
//! A descriptor may come from a stranger, and so may every answer. Calls go to hosts alone that a user
//! approved, by https, without following redirects; a secret stands in headers and in bodies of
//! sign-ins, never in a URL; answers are bounded in size, lists in pages, entries and time; what is
//! read of an answer is what the descriptor names, and nothing of an answer stands in an error.

mod act;
mod assertion;
mod credential;
mod exchange;
mod failure;
mod link;
mod list;
mod page;
mod probe;
mod throttle;
mod way;
mod wire;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::Arc;

use keytender_core::akm::{
    Descriptor, KeyType, Method, Place, Placed, ResourceKind, Scheme, Template, Values,
};
use keytender_core::secret::Secret;
use reqwest::{Client, Url};

use crate::error::Error;
use crate::net::outbound;

pub use act::{Acted, Target, Who};
pub use failure::{Failure, Reason};
pub use list::{Found, Listing, Oddity};
pub use outbound::{Roots, Settings};
pub use page::{MAX_ENTRIES, MAX_PAGES};
pub use probe::{Deed, LoggedAct};
pub use wire::MAX_ANSWER_BYTES;

use failure::Doing;
use probe::Watch;
use way::Way;
use wire::Wire;

/// How many calls one account gets at the same time: providers limit by the second and by the minute,
/// and people and programs use the same account meanwhile.
const CALLS_AT_ONCE: usize = 4;

/// What runs descriptors: one client for all accounts.
#[derive(Clone, Debug)]
pub struct Engine {
    client: Client,
    allow_private: bool,
}

/// What a user approved: which descriptor is run with which credential, and how far it may go.
#[derive(Clone)]
pub struct Binding {
    /// The descriptor.
    pub descriptor: Arc<Descriptor>,
    /// What its variables are in this account.
    pub variables: BTreeMap<String, String>,
    /// The way of authentication where neither an operation nor a kind of key names one; the first of
    /// the descriptor where this is `None`.
    pub method: Option<String>,
    /// What takes the place of scheme, host and port of every URL: a gateway, a mock. It is https, or
    /// http on this machine, and has no path. All calls go there, so it needs no approval in `hosts`.
    pub endpoint: Option<Url>,
    /// The exact hosts that the user approved, of those that [`hosts`] says.
    pub hosts: BTreeSet<String>,
    /// The credential.
    pub secret: Option<Secret>,
    /// What is allowed.
    pub trust: Trust,
}

impl fmt::Debug for Binding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Binding")
            .field("provider", &self.descriptor.provider.id)
            .field("hosts", &self.hosts)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

/// How far a descriptor is trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trust {
    /// It may read by GET, where a source supports that: a stranger's.
    ReadOnly,
    /// It may do everything that a source supports: one of ours.
    Shelf,
    /// It may do everything, because somebody tried it.
    All,
}

/// What a key or a list of keys stands in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placement {
    /// The resource of the descriptor.
    pub resource: String,
    /// What it is to keys.
    pub kind: ResourceKind,
    /// Its id at the provider.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
}

/// One account at a provider.
pub struct Session {
    descriptor: Arc<Descriptor>,
    trust: Trust,
    wire: Wire,
    /// The kind of key that the credential is, by what it looks like.
    own: Option<String>,
    /// The variables.
    values: Values,
    /// The ways of authentication, the one for everything without a name first.
    ways: Vec<Way>,
    /// Allows what needs no credential, where a descriptor has no way at all.
    open: Way,
    /// What no answer may show, where a probe watches.
    watch: Watch,
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("provider", &self.descriptor.provider.id)
            .field("trust", &self.trust)
            .finish_non_exhaustive()
    }
}

impl Engine {
    /// Prepares the client; reaches for nobody.
    ///
    /// # Errors
    /// When the file of certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let client = outbound::client(settings, "providers")?;
        Ok(Self { client, allow_private: settings.allow_private })
    }

    /// Takes an account in hand; reaches for nobody, and tokens are got when they are needed.
    ///
    /// # Errors
    /// When a variable or the credential is missing or does not fit, or the endpoint may not be called.
    pub fn open(&self, binding: Binding) -> Result<Session, Failure> {
        let Binding { descriptor, variables, method, endpoint, hosts, secret, trust } = binding;
        let doing = Doing {
            provider: descriptor.provider.name.clone(),
            operation: "open",
            about: "the account".to_owned(),
        };
        let values = resolve(&descriptor, &variables).map_err(|reason| doing.failed(reason))?;
        if let Some(endpoint) = &endpoint {
            let is_bare = endpoint.path() == "/" && endpoint.query().is_none();
            let bad = if is_bare { None } else { Some(outbound::BadTarget::NotAUrl) };
            let bad = bad.or(outbound::check(endpoint, self.allow_private).err());
            bad.map_or(Ok(()), |bad| Err(doing.failed(Reason::Target(bad))))?;
        }
        let ways = ways(&descriptor, method.as_deref(), secret.as_ref(), &values)
            .map_err(|reason| doing.failed(reason))?;
        let none = Method {
            id: placed("none".to_owned()),
            scheme: placed(Scheme::None),
            parts: Vec::new(),
            env: Vec::new(),
            permissions: BTreeMap::new(),
            bootstrap: None,
            docs: None,
        };
        let open = Way::new(Arc::clone(&descriptor), none, Ok(values.clone()));
        let is_own = |kind: &&KeyType| {
            let fits = |secret: &Secret| kind.format.as_ref()?.fits(secret.expose().trim());
            secret.as_ref().and_then(fits) == Some(true)
        };
        let own = descriptor.key_types.iter().find(is_own).map(|kind| kind.id.value.clone());
        let wire = Wire::new(self.client.clone(), self.allow_private, endpoint, hosts);
        let watch = Watch::default();
        Ok(Session { descriptor, trust, wire, own, values, ways, open, watch })
    }
}

impl Session {
    /// What the account is run by.
    pub fn descriptor(&self) -> &Arc<Descriptor> {
        &self.descriptor
    }
}

/// What stands in no text.
const fn placed<T>(value: T) -> Placed<T> {
    Placed { value, place: Place { line: 0, column: 0 } }
}

/// What the variables stand for, each given or so by default.
fn resolve(descriptor: &Descriptor, given: &BTreeMap<String, String>) -> Result<Values, Reason> {
    if let Some(name) = given.keys().find(|name| !descriptor.variables.contains_key(*name)) {
        return Err(Reason::Argument(format!("there is no variable `{name}`")));
    }
    let mut values = Values::default();
    for (name, variable) in &descriptor.variables {
        let default = variable.default.as_ref().map(|default| &default.value);
        let given = given.get(name).map(|text| text.trim()).filter(|text| !text.is_empty());
        // What lacks one is refused when it is called: not every kind of key needs each.
        if let Some(value) = given.or(default.map(String::as_str)) {
            values.set("var", name, value);
        }
    }
    Ok(values)
}

/// The ways of authentication with the credential in them, the chosen one first. One of them must fit.
fn ways(
    descriptor: &Arc<Descriptor>,
    chosen: Option<&str>,
    secret: Option<&Secret>,
    variables: &Values,
) -> Result<Vec<Way>, Reason> {
    let first = descriptor.method(chosen);
    if let (Some(chosen), None) = (chosen, first) {
        let message = format!("there is no way of authentication `{chosen}`");
        return Err(Reason::Argument(message));
    }
    let others = descriptor.authentication.methods.iter();
    let others = others.filter(|method| first.is_some_and(|first| first.id != method.id));
    let way = |method: &Method| {
        let mut values = variables.clone();
        let split = credential::split(secret, &method.parts, &mut values);
        Way::new(Arc::clone(descriptor), method.clone(), split.map(|()| values))
    };
    let ways: Vec<Way> = first.into_iter().chain(others).map(way).collect();
    match ways.iter().map(Way::fault).collect::<Option<Vec<_>>>() {
        Some(faults) => {
            faults.into_iter().next().map_or(Ok(ways), |why| Err(Reason::Credential(why)))
        }
        None => Ok(ways),
    }
}

/// The hosts that a descriptor would reach with these variables, to be shown and approved.
///
/// A URL whose variables are missing, or are no hosts, leads nowhere and is left out.
pub fn hosts(descriptor: &Descriptor, variables: &BTreeMap<String, String>) -> BTreeSet<String> {
    let operations = descriptor.operations();
    let urls = operations.filter_map(|(_, operation)| Some(&operation.request.as_ref()?.url));
    let tokens =
        descriptor.authentication.methods.iter().filter_map(|method| match &method.scheme.value {
            Scheme::Oauth2ClientCredentials { token_url, .. }
            | Scheme::JwtBearer { token_url, .. }
            | Scheme::GithubApp { token_url, .. } => Some(token_url),
            Scheme::Login { request, .. } => Some(&request.url),
            Scheme::None
            | Scheme::Bearer
            | Scheme::Headers(_)
            | Scheme::Basic { .. }
            | Scheme::Query { .. }
            | Scheme::RequestSigning { .. } => None,
        });
    urls.chain(tokens).filter_map(|url| host(descriptor, variables, url)).collect()
}

/// The host of one URL. What stands in its path is not known yet, and does not matter.
fn host(
    descriptor: &Descriptor,
    variables: &BTreeMap<String, String>,
    url: &Template,
) -> Option<String> {
    let is_path = url.to_string().starts_with('/');
    let url = descriptor.server.as_ref().filter(|_| is_path).unwrap_or(url);
    let filled = url.fill(|name| {
        let variable = descriptor.variables.get(&name.field).filter(|_| name.scope == "var");
        let given = variables.get(&name.field).map(|text| text.trim());
        let given = given.filter(|text| !text.is_empty());
        let default = || Some(variable?.default.as_ref()?.value.as_str());
        let value = given.or_else(default);
        match variable.is_some_and(|variable| variable.is_host) {
            true => value.map(str::to_owned).ok_or(()),
            false => Ok("x".to_owned()),
        }
    });
    // The parser of calls says what a host is; here is none that it would not take.
    let url = Url::parse(&filled.ok()?).ok()?;
    let is_plain = url.username().is_empty() && url.password().is_none() && url.port().is_none();
    url.host_str().filter(|_| is_plain).map(str::to_owned)
}
