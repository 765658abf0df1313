//! What can be done, and the call that does it.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};
use serde_json::Value;

use super::place::{Place, Placed};
use super::pointer::Pointer;
use super::read::Field;
use super::stamp::TimeFormat;
use super::template::Template;

/// What can be done with keys, or with what they stand in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum OperationName {
    /// All of them.
    List,
    /// One of them.
    Get,
    /// A new one.
    Create,
    /// Another name, scope or end.
    Update,
    /// Refused for now.
    Suspend,
    /// Allowed again.
    Resume,
    /// A new secret for the same key, or a successor.
    Rotate,
    /// Gone for good.
    Delete,
    /// When it was last used, where the list does not tell.
    LastUsed,
    /// What the credential of a call is.
    Whoami,
    /// A request that counts as a use of the key, where `whoami` does not. It is made with the key; with an
    /// argument `secret`, by whoever manages keys, about the key that stands there.
    Use,
    /// The credential report: every key, to be downloaded.
    Report,
    /// What was done to keys, or to one key, by whom and when.
    Audit,
    /// The end of a key that somebody found, asked for by the key itself.
    RevokeExposed,
}

impl OperationName {
    /// Each of them, in the order of a matrix.
    pub const ALL: [Self; 14] = [
        Self::List,
        Self::Get,
        Self::LastUsed,
        Self::Create,
        Self::Update,
        Self::Suspend,
        Self::Resume,
        Self::Rotate,
        Self::Delete,
        Self::Whoami,
        Self::Use,
        Self::Report,
        Self::Audit,
        Self::RevokeExposed,
    ];

    /// The word in a descriptor.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::List => "list",
            Self::Get => "get",
            Self::Create => "create",
            Self::Update => "update",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::Rotate => "rotate",
            Self::Delete => "delete",
            Self::LastUsed => "lastUsed",
            Self::Whoami => "whoami",
            Self::Use => "use",
            Self::Report => "report",
            Self::Audit => "audit",
            Self::RevokeExposed => "revokeExposed",
        }
    }

    /// What it does at the provider, whatever a descriptor says.
    pub const fn effect(self) -> Effect {
        match self {
            Self::List | Self::Get | Self::LastUsed | Self::Whoami | Self::Report | Self::Audit => {
                Effect::Read
            }
            Self::Create
            | Self::Update
            | Self::Suspend
            | Self::Resume
            | Self::Rotate
            | Self::Use => Effect::Write,
            Self::Delete | Self::RevokeExposed => Effect::Destroy,
        }
    }
}

/// What an operation does at the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Nothing.
    Read,
    /// Something that can be undone.
    Write,
    /// Something that cannot.
    Destroy,
}

/// Facts of a key that answers tell, by their common names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub enum FieldName {
    /// The id, which is not secret.
    Id,
    /// The name that people gave it.
    Name,
    /// The beginning of the secret, or its end, that people recognize it by.
    Hint,
    /// Who it acts for.
    Owner,
    /// What it may do.
    Scopes,
    /// When it was made.
    CreatedAt,
    /// When its secret last changed.
    RotatedAt,
    /// When it stops by itself.
    ExpiresAt,
    /// When it was last used.
    LastUsedAt,
    /// In which region.
    LastUsedRegion,
    /// Against which service.
    LastUsedService,
    /// From which address.
    LastUsedIp,
    /// When the provider saw it where a secret must not be.
    ExposedAt,
    /// The secret, of an answer to `create` or `rotate` alone.
    Secret,
    /// The account that the credential belongs to, of an answer to `whoami`.
    Account,
    /// What was done, of an entry of `audit`.
    Act,
    /// When it was done, of an entry of `audit`.
    ActedAt,
    /// Who did it, of an entry of `audit`.
    Actor,
}

impl FieldName {
    /// Whether it is a time.
    pub const fn is_time(self) -> bool {
        matches!(
            self,
            Self::CreatedAt
                | Self::RotatedAt
                | Self::ExpiresAt
                | Self::LastUsedAt
                | Self::ExposedAt
                | Self::ActedAt
        )
    }
}

/// One operation: a call, or a page where people do it themselves.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Operation {
    /// The call.
    pub request: Option<Request>,
    /// The page where people do it, where there is no call.
    pub console: Option<Placed<String>>,
    /// The operation in the OpenAPI description.
    pub operation_id: Option<String>,
    /// Which way of authentication, if not that of the kind of key.
    pub auth: Option<Placed<String>>,
    /// What the caller decides.
    #[serde(default)]
    pub args: BTreeMap<String, Arg>,
    /// The codes of HTTP that mean it is done; any of 200 to 299 where nothing is said.
    #[serde(default)]
    pub success: Vec<u16>,
    /// The codes that mean the key is not there any more.
    #[serde(default)]
    pub gone: Vec<u16>,
    /// What in a good answer says that it was refused all the same.
    #[serde(default)]
    pub refusals: Vec<Refusal>,
    /// The list of entries in the answer.
    pub items: Option<Pointer>,
    /// The one entry in the answer; all of it where nothing is said.
    #[serde(default)]
    pub item: Pointer,
    /// Facts that stand elsewhere than in listed entries; of `audit` those of each entry.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::keyed::<FieldName, Field>")
    )]
    pub outputs: BTreeMap<FieldName, Field>,
    /// How the next part of a long list is got.
    #[serde(default)]
    pub paging: Paging,
    /// Where the answer says that there is more, where no source says how it is got: what is not shown then is
    /// not taken for gone.
    pub unread: Option<Pointer>,
    /// What it does, where that is more than its name says.
    pub effect: Option<Placed<Effect>>,
    /// Whether it may be asked again when its answer was lost.
    pub retry: Option<Retry>,
    /// The header by which the provider knows a repeated request.
    pub idempotency_header: Option<String>,
    /// How many seconds it takes until it holds everywhere.
    pub propagation_seconds: Option<u32>,
    /// What of it no source supports: it is not done before somebody allows it.
    pub unsure: Option<String>,
    /// The provider's page about it.
    pub docs: Option<Placed<String>>,
}

/// A call.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Request {
    /// The method of HTTP.
    pub method: Placed<HttpMethod>,
    /// The URL, or its path behind `server`.
    pub url: Template,
    /// Parameters in the URL.
    #[serde(default)]
    pub query: BTreeMap<String, Template>,
    /// Headers beside those of authentication.
    #[serde(default)]
    pub headers: BTreeMap<String, Template>,
    /// The body, in JSON.
    pub json: Option<Body>,
    /// The body, as a form.
    pub form: Option<BTreeMap<String, Template>>,
    /// The operation whose answer the body is laid over, where the provider wants all of a key.
    pub over: Option<Placed<OperationName>>,
}

/// A method of HTTP.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "UPPERCASE")]
pub enum HttpMethod {
    /// Reads.
    Get,
    /// Does something.
    Post,
    /// Replaces.
    Put,
    /// Changes.
    Patch,
    /// Removes.
    Delete,
}

impl HttpMethod {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Put => "PUT",
            Self::Patch => "PATCH",
            Self::Delete => "DELETE",
        }
    }
}

/// A body in JSON, in which texts are templates. A text that is one name becomes the value itself,
/// a list or a number too; a member whose argument nobody gave is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Body {
    /// A number, a truth value, or null.
    Plain(Value),
    /// A text.
    Text(Template),
    /// A list.
    List(Vec<Body>),
    /// An object.
    Object(BTreeMap<String, Body>),
}

impl Body {
    fn new(value: Value, place: Place) -> Result<Self, String> {
        Ok(match value {
            Value::String(text) => Self::Text(Template::parse(&text, place)?),
            Value::Array(values) => {
                let list: Result<_, _> =
                    values.into_iter().map(|value| Self::new(value, place)).collect();
                Self::List(list?)
            }
            Value::Object(members) => {
                let object: Result<_, String> = members
                    .into_iter()
                    .map(|(name, value)| Ok((name, Self::new(value, place)?)))
                    .collect();
                Self::Object(object?)
            }
            plain => Self::Plain(plain),
        })
    }

    /// Each text in it.
    pub fn templates(&self) -> Vec<&Template> {
        match self {
            Self::Plain(_) => Vec::new(),
            Self::Text(template) => vec![template],
            Self::List(list) => list.iter().flat_map(Self::templates).collect(),
            Self::Object(members) => members.values().flat_map(Self::templates).collect(),
        }
    }
}

impl<'de> Deserialize<'de> for Body {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let value = Placed::<Value>::deserialize(deserializer)?;
        Self::new(value.value, value.place).map_err(serde::de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Body {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Body".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "description": "A body in JSON, in which texts are templates. A text that is one name becomes the \
                value itself, a list or a number too; a member whose argument nobody gave is left out."
        })
    }
}

/// What the caller of an operation decides.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Arg {
    /// What it is, for whoever decides.
    pub help: Option<String>,
    /// Whether there must be one.
    #[serde(default)]
    pub required: bool,
    /// What it is where nobody says; null is sent as null.
    #[serde(default, deserialize_with = "said")]
    pub default: Option<Value>,
    /// How a time is written.
    #[serde(rename = "as")]
    pub format: Option<TimeFormat>,
    /// How long after now a time is, where nobody says, in days.
    pub default_days: Option<u32>,
    /// Where it stands in the answer to `get` of the key that is replaced; of `set`, in that to `settings`.
    pub copy: Option<Pointer>,
    /// The most letters that it may have.
    pub max_letters: Option<u32>,
}

/// What in a good answer says that it was refused.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Refusal {
    /// The place that tells.
    pub at: Pointer,
    /// What stands there; anything at all where nothing is said.
    pub is: Option<Value>,
}

/// Whether something may be asked again when its answer was lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Not even then: it would do harm.
    Never,
    /// Yes.
    Safe,
}

/// How the next part of a long list is got.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case", rename_all_fields = "camelCase", deny_unknown_fields)]
pub enum Paging {
    /// There is one part.
    #[default]
    None,
    /// Parts have numbers.
    Page {
        /// The parameter with the number.
        param: String,
        /// The number of the first.
        #[serde(default = "one")]
        first: u32,
        /// How many entries a part may have.
        size: Option<Size>,
        /// Where the answer says how many parts there are.
        pages: Option<Pointer>,
        /// Where the answer says whether there are more.
        more: Option<Pointer>,
    },
    /// Parts begin at a number of entries.
    Offset {
        /// The parameter with the number.
        param: String,
        /// The number of the first entry: 1 in SCIM.
        #[serde(default)]
        first: u32,
        /// How many entries a part may have.
        size: Option<Size>,
        /// Where the answer says how many entries there are.
        total: Option<Pointer>,
    },
    /// Each part says what the next is asked for with.
    Cursor {
        /// The name under which it is sent; in a body in JSON also a pointer: `/variables/after`.
        param: String,
        /// Where it is sent.
        #[serde(default, rename = "in")]
        sent: Sent,
        /// Where it stands in the answer.
        next: Option<Pointer>,
        /// The header of the answer in which it stands.
        next_header: Option<String>,
        /// Where it stands in the last entry.
        last: Option<Pointer>,
        /// Where the answer says whether there are more.
        more: Option<Pointer>,
        /// How many entries a part may have.
        size: Option<Size>,
    },
    /// Each part has the URL of the next.
    NextUrl {
        /// Where it stands in the answer: a text, or an object whose `href` it is.
        next: Pointer,
        /// How many entries a part may have.
        size: Option<Size>,
    },
    /// Each part has the URL of the next in its header `Link` (RFC 8288), `rel="next"`, but for a link that
    /// says `results="false"`.
    LinkHeader {
        /// How many entries a part may have.
        size: Option<Size>,
    },
}

/// What is written, be it null.
fn said<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Value>, D::Error> {
    Value::deserialize(deserializer).map(Some)
}

const fn one() -> u32 {
    1
}

/// How many entries a part of a list may have.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Size {
    /// The parameter with the number.
    pub param: String,
    /// The largest that the provider takes.
    pub max: u32,
}

/// Where a cursor is sent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Sent {
    /// In the URL.
    #[default]
    Query,
    /// In the body.
    Body,
    /// In a header.
    Header,
}

impl Operation {
    /// What it does at the provider.
    pub fn effect(&self, name: OperationName) -> Effect {
        self.effect.as_ref().map_or(name.effect(), |effect| effect.value.max(name.effect()))
    }

    /// Whether a code of HTTP means that it is done.
    pub fn is_done(&self, code: u16) -> bool {
        match self.success.as_slice() {
            [] => (200..300).contains(&code),
            codes => codes.contains(&code),
        }
    }
}
