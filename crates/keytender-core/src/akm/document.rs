//! What a descriptor says: the provider, what an account gives, how calls are allowed, and what is
//! listed beside keys.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::key_type::KeyType;
use super::operation::{FieldName, Operation, OperationName, Request};
use super::place::Placed;
use super::pointer::Pointer;
use super::read::Field;
use super::template::Template;

/// The version of the notation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Version {
    /// The first.
    #[serde(rename = "0.1")]
    V0_1,
}

/// API Key Management (AKM): what a provider lets a caller do with keys that exist.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Descriptor {
    /// The version of the notation.
    pub akm: Version,
    /// Who runs the API.
    pub provider: Provider,
    /// The day on which somebody last held this against the provider's own description.
    pub updated: Option<String>,
    /// The provider's API Onboarding Descriptor, which says how a first key is got.
    pub onboarding: Option<String>,
    /// The OpenAPI description that operations are held against.
    pub openapi: Option<String>,
    /// Where the facts are from.
    #[serde(default)]
    pub sources: Vec<Source>,
    /// What the paths of requests stand behind: `https://api.example.com/v1`.
    pub server: Option<Template>,
    /// What an account says of itself beside its credential.
    #[serde(default)]
    pub variables: BTreeMap<String, Variable>,
    /// How calls are allowed.
    #[serde(default)]
    pub authentication: Authentication,
    /// What keys stand in: accounts, projects, service accounts.
    #[serde(default)]
    pub resources: Vec<Resource>,
    /// The kinds of keys.
    pub key_types: Vec<KeyType>,
    /// What the provider tells of keys by itself.
    pub events: Option<Events>,
    /// When the provider writes to people about their keys.
    pub notices: Option<Notices>,
    /// Pages for people.
    #[serde(default)]
    pub links: Links,
    /// The level that the provider, or whoever tried it, claims.
    pub conformance: Option<Conformance>,
    /// What cannot be done or is not known, in sentences.
    #[serde(default)]
    pub gaps: Vec<String>,
    /// What others want to say; nothing here is read.
    #[serde(default)]
    pub extensions: BTreeMap<String, serde_json::Value>,
}

/// Who runs the API.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Provider {
    /// A short name: small letters, digits and `-`.
    pub id: Placed<String>,
    /// The name that people know.
    pub name: String,
    /// Its home page.
    pub url: Placed<String>,
    /// Its APIs.json.
    pub apis_json_url: Option<Placed<String>>,
}

/// Where facts are from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Source {
    /// A page or a document.
    pub name: String,
    /// Where it is, if it has an address.
    pub url: Option<Placed<String>>,
    /// What it supports.
    pub supports: String,
}

/// What an account says of itself beside its credential: its host, its organization.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Variable {
    /// What it is, for whoever fills it in.
    pub help: String,
    /// What it is where nobody says.
    pub default: Option<Placed<String>>,
    /// Whether it may stand in the host of a URL.
    #[serde(default)]
    pub is_host: bool,
}

/// How calls are allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Authentication {
    /// The ways; the first is taken where nothing else is said.
    #[serde(default)]
    pub methods: Vec<Method>,
}

/// One way to be allowed.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Method {
    /// Its name here.
    pub id: Placed<String>,
    /// What is done with the credential.
    pub scheme: Placed<Scheme>,
    /// The parts of a credential that consists of several.
    #[serde(default)]
    pub parts: Vec<Placed<String>>,
    /// Names of environment variables that people keep it in. A hint: no program reads them.
    #[serde(default)]
    pub env: Vec<String>,
    /// The least permission for each operation, in the provider's words.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::keyed::<OperationName, Vec<String>>")
    )]
    pub permissions: BTreeMap<OperationName, Vec<String>>,
    /// How a first such credential is got.
    pub bootstrap: Option<String>,
    /// The provider's page about it.
    pub docs: Option<Placed<String>>,
}

/// What is done with a credential.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Scheme {
    /// Nothing: everybody may call.
    None,
    /// `Authorization: Bearer {secret}`.
    Bearer,
    /// Headers of the provider's own.
    Headers(BTreeMap<String, Template>),
    /// HTTP Basic.
    Basic {
        /// The user name.
        username: Template,
        /// The password.
        password: Template,
    },
    /// In the URL. Nobody should: it is described, never done.
    Query {
        /// The parameter.
        name: String,
    },
    /// A token got by OAuth 2.0 client credentials (RFC 6749, section 4.4), sent as a bearer.
    Oauth2ClientCredentials {
        /// Where it is got.
        token_url: Template,
        /// The client's id.
        client_id: Template,
        /// The client's secret.
        client_secret: Template,
        /// The scope asked for.
        scope: Option<Template>,
        /// More that is sent.
        #[serde(default)]
        form: BTreeMap<String, Template>,
    },
    /// A token got for a signed assertion (RFC 7523), sent as a bearer.
    JwtBearer {
        /// Where it is got.
        token_url: Template,
        /// Who signs.
        issuer: Template,
        /// The private key, in PEM.
        private_key: Template,
        /// Which of the issuer's keys it is.
        key_id: Option<Template>,
        /// The scope asked for.
        scope: Option<Template>,
    },
    /// A token of an installation of a GitHub App, got for a signed assertion.
    GithubApp {
        /// The app's id.
        app_id: Template,
        /// Where the installation's token is got.
        token_url: Template,
        /// The private key, in PEM.
        private_key: Template,
    },
    /// A token got by a call with the credential in its body, sent as headers.
    Login {
        /// The call.
        request: Box<Request>,
        /// Where the token stands in the answer.
        token: Pointer,
        /// The headers; the token is `{login.token}`.
        headers: BTreeMap<String, Template>,
    },
    /// A signature of each request, in a way that data cannot say.
    RequestSigning {
        /// What it is called.
        name: String,
    },
}

/// What keys stand in: accounts, projects, service accounts.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Resource {
    /// Its name here: templates say `{ID.id}`.
    pub id: Placed<String>,
    /// What the provider calls it.
    pub noun: String,
    /// What it is to keys.
    pub kind: ResourceKind,
    /// The resource that it stands in itself.
    pub within: Option<Placed<String>>,
    /// Where its facts stand in one listed entry.
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::keyed::<FieldName, Field>")
    )]
    pub fields: BTreeMap<FieldName, Field>,
    /// What can be done with it: `list`, and perhaps `create`, `suspend`, `resume`, `delete`. What ends or is
    /// suspended takes its keys with it.
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::keyed::<OperationName, Operation>")
    )]
    pub operations: BTreeMap<OperationName, Operation>,
}

/// What a resource is to the keys in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum ResourceKind {
    /// What the provider bills or separates.
    Account,
    /// Who keys act for: a project, a service account, a bot.
    App,
    /// A person.
    User,
}

/// What the provider tells of keys by itself.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Events {
    /// By which ways.
    pub scheme: Vec<EventScheme>,
    /// Where they are ordered.
    pub subscribe_url: Option<Placed<String>>,
    /// The common name of an event (`key.created`, `key.rotated`, `key.suspended`, `key.resumed`, `key.revoked`,
    /// `key.expiring`, `key.unused`, `key.exposed`), and the provider's.
    #[serde(default)]
    pub types: BTreeMap<String, String>,
    /// The resource of whose keys they tell.
    pub within: Option<Placed<String>>,
    /// The call that orders them: its argument `url` says where they are posted, `events` which, `name` what it is
    /// called, and `private` whether that is in a private network. Its `outputs` are the `id` of the order, and
    /// the `secret` that signs.
    pub subscribe: Option<Operation>,
    /// The call that ends the order `{subscription.id}`.
    pub unsubscribe: Option<Operation>,
}

/// A way by which events come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum EventScheme {
    /// Standard Webhooks.
    StandardWebhooks,
    /// Web hooks of another kind.
    Webhooks,
    /// CloudEvents.
    Cloudevents,
    /// Shared Signals, CAEP `credential-change`.
    SsfCaep,
    /// Mail.
    Email,
    /// A log to be asked.
    AuditLog,
}

/// When the provider writes to people about their keys.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Notices {
    /// At which ages, in days.
    #[serde(default)]
    pub age_days: Vec<u32>,
    /// How many days before the end.
    #[serde(default)]
    pub expiry_days: Vec<u32>,
    /// After how many days without a use.
    #[serde(default)]
    pub unused_days: Vec<u32>,
    /// The resource of whose keys they tell.
    pub within: Option<Placed<String>>,
    /// The call that shows how they are set.
    pub settings: Option<Operation>,
    /// The call that sets them: its argument `email` says to whom they go, `ageDays`, `expiryDays` and `unusedDays`
    /// when. Where each stands in the answer to `settings`, its `copy` says.
    pub set: Option<Operation>,
}

/// Pages for people.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Links {
    /// Where keys are seen.
    pub console: Option<Placed<String>>,
    /// How to replace one.
    pub rotate_guide: Option<Placed<String>>,
    /// How to keep them well.
    pub best_practices: Option<Placed<String>>,
    /// The API's documentation of keys.
    pub docs: Option<Placed<String>>,
    /// The credential report.
    pub report: Option<Placed<String>>,
    /// Who helps.
    pub support: Option<Placed<String>>,
}

/// A level of conformance that somebody claims.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Conformance {
    /// 0 to 5.
    pub level: u8,
    /// Who says so.
    pub asserted: Asserted,
    /// When, as a date.
    pub at: Option<String>,
    /// The name of who says so.
    pub by: Option<String>,
}

/// Who claims a level.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Asserted {
    /// The provider itself.
    SelfSaid,
    /// Somebody who tried.
    Probed,
}

impl Events {
    /// Its calls, with what each does.
    pub fn operations(&self) -> impl Iterator<Item = (OperationName, &Operation)> {
        let subscribe = self.subscribe.iter().map(|one| (OperationName::Create, one));
        subscribe.chain(self.unsubscribe.iter().map(|one| (OperationName::Delete, one)))
    }
}

impl Notices {
    /// Its calls, with what each does.
    pub fn operations(&self) -> impl Iterator<Item = (OperationName, &Operation)> {
        let settings = self.settings.iter().map(|one| (OperationName::Get, one));
        settings.chain(self.set.iter().map(|one| (OperationName::Update, one)))
    }
}

impl Descriptor {
    /// Every operation, with what it does: those of resources, of kinds of keys, of events and of notices.
    pub fn operations(&self) -> impl Iterator<Item = (OperationName, &Operation)> {
        let resources = self.resources.iter().map(|resource| &resource.operations);
        let kinds = self.key_types.iter().map(|kind| &kind.operations);
        let named = resources.chain(kinds).flatten().map(|(name, operation)| (*name, operation));
        let events = self.events.iter().flat_map(Events::operations);
        named.chain(events).chain(self.notices.iter().flat_map(Notices::operations))
    }

    /// The resource of this name.
    pub fn resource(&self, id: &str) -> Option<&Resource> {
        self.resources.iter().find(|resource| resource.id.value == id)
    }

    /// The kind of key of this name.
    pub fn key_type(&self, id: &str) -> Option<&KeyType> {
        self.key_types.iter().find(|kind| kind.id.value == id)
    }

    /// The way of authentication of this name; the first where none is named.
    pub fn method(&self, id: Option<&str>) -> Option<&Method> {
        let methods = &self.authentication.methods;
        match id {
            Some(id) => methods.iter().find(|method| method.id.value == id),
            None => methods.first(),
        }
    }
}

impl Scheme {
    /// The word in a descriptor.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Bearer => "bearer",
            Self::Headers(_) => "headers",
            Self::Basic { .. } => "basic",
            Self::Query { .. } => "query",
            Self::Oauth2ClientCredentials { .. } => "oauth2-client-credentials",
            Self::JwtBearer { .. } => "jwt-bearer",
            Self::GithubApp { .. } => "github-app",
            Self::Login { .. } => "login",
            Self::RequestSigning { .. } => "request-signing",
        }
    }
}
