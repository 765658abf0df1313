//! A kind of key: what is known of such keys, and what can be done with them.

use std::collections::BTreeMap;

use regex_lite::Regex;
use serde::Deserialize;

use super::checksum::Checksum;
use super::operation::{FieldName, Operation, OperationName};
use super::place::Placed;
use super::read::{Field, StateRule};
use super::stamp::TimeFormat;

/// A kind of key.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct KeyType {
    /// Its name here.
    pub id: Placed<String>,
    /// What the provider calls one.
    pub noun: Option<String>,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: KeyKind,
    /// Who such a key acts for.
    #[serde(default)]
    pub owner: OwnerKind,
    /// The resource that each stands in.
    pub within: Option<Placed<String>>,
    /// Which way of authentication; the first where nothing is said.
    pub auth: Option<Placed<String>>,
    /// The security scheme of the OpenAPI description that such a key satisfies.
    pub security_scheme: Option<String>,
    /// Where such a key is sent.
    pub presentation: Option<Presentation>,
    /// What such a key looks like.
    pub format: Option<Format>,
    /// When its secret is shown.
    pub display: Option<Display>,
    /// How long one lives.
    pub lifetime: Option<Lifetime>,
    /// How many there may be.
    pub limits: Option<Limits>,
    /// How times are written, where a field does not say.
    #[serde(default)]
    pub times: TimeFormat,
    /// Where facts stand in one listed key. Nothing else of an answer is kept.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::keyed::<FieldName, Field>")
    )]
    pub fields: BTreeMap<FieldName, Field>,
    /// How its state is told: the first rule that holds.
    #[serde(default)]
    pub state: Vec<StateRule>,
    /// Operations that each listed key is asked about beside the list.
    #[serde(default)]
    pub complete: Vec<Placed<OperationName>>,
    /// What the provider records of uses.
    #[serde(default)]
    pub last_used: LastUsed,
    /// How one is replaced by another.
    pub rotation: Option<Rotation>,
    /// What can be done.
    #[serde(default)]
    #[cfg_attr(
        feature = "schema",
        schemars(schema_with = "super::schema::keyed::<OperationName, Operation>")
    )]
    pub operations: BTreeMap<OperationName, Operation>,
}

/// What a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum KeyKind {
    /// A key of an API.
    ApiKey,
    /// A person's token.
    PersonalAccessToken,
    /// A token of something else.
    AccessToken,
    /// A key of a service account.
    ServiceAccountKey,
    /// The secret of an OAuth client.
    ClientSecret,
    /// The secret of web hooks.
    WebhookSecret,
    /// A private key.
    PrivateKey,
    /// A key that signs requests.
    RequestSigningKey,
    /// Something else.
    Other,
}

/// Who a key acts for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum OwnerKind {
    /// A person.
    #[default]
    User,
    /// A service account, a bot, a project.
    App,
    /// The whole account, with all rights.
    Root,
}

/// Where a key is sent.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Presentation {
    /// In which part of a request.
    #[serde(rename = "in")]
    pub part: PresentedIn,
    /// The header, parameter or cookie.
    pub name: Option<String>,
    /// The word before it.
    pub scheme: Option<String>,
}

/// A part of a request that holds a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum PresentedIn {
    /// A header.
    Header,
    /// The URL.
    Query,
    /// A cookie.
    Cookie,
    /// HTTP Basic.
    Basic,
    /// The body.
    Body,
    /// It signs, and is not sent.
    Signature,
}

/// What a key looks like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Format {
    /// What each begins with.
    pub prefix: Option<String>,
    /// The regular expression that one matches as a whole.
    pub pattern: Option<Placed<String>>,
    /// How its checksum is made.
    pub checksum: Option<Checksum>,
    /// What GitHub's secret scanning calls it.
    pub secret_scanning_type: Option<String>,
    /// Whether the id is a part of it.
    #[serde(default)]
    pub has_id: bool,
}

impl Format {
    /// Whether a text is such a key, as far as pattern and checksum say; `None` where there is no pattern that can be
    /// read.
    pub fn fits(&self, text: &str) -> Option<bool> {
        let pattern = self.pattern()?;
        Some(pattern.is_match(text) && self.checksum.is_none_or(|checksum| checksum.fits(text)))
    }

    /// The pattern of the whole key.
    pub(crate) fn pattern(&self) -> Option<Regex> {
        Regex::new(&format!("^(?:{})$", self.pattern.as_ref()?.value)).ok()
    }
}

/// When a secret is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Display {
    /// When it is made, and never again.
    Once,
    /// To whoever lists keys.
    Always,
    /// To whoever asks for it.
    OnDemand,
    /// Never: the holder makes it.
    Never,
}

/// How long a key lives.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Lifetime {
    /// Whether it ends by itself.
    pub expires: Expires,
    /// After how many days, where nobody says.
    pub default_days: Option<u32>,
    /// The most days that can be asked for.
    pub max_days: Option<u32>,
}

/// Whether keys end by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Expires {
    /// None does.
    Never,
    /// If that is asked for.
    Optional,
    /// Each does.
    Always,
}

/// How many keys there may be.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Limits {
    /// Of one owner, or in one resource.
    pub max_per_owner: Option<u32>,
    /// In the whole account.
    pub max_per_account: Option<u32>,
}

/// What the provider records of uses.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct LastUsed {
    /// Whether it tells when a key was last used.
    pub available: bool,
    /// How exact the time is, in seconds.
    pub granularity_seconds: Option<u32>,
    /// How late it is, in seconds.
    pub lag_seconds: Option<u32>,
    /// Since when uses are recorded, as a date.
    pub since: Option<Placed<String>>,
    /// What it means where a key has no such time.
    #[serde(default)]
    pub absent: Absent,
}

/// What a missing time of the last use means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum Absent {
    /// It was never used.
    #[default]
    Never,
    /// The provider does not say.
    Unknown,
}

/// How a key is replaced by another.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Rotation {
    /// In which way.
    pub mode: RotationMode,
    /// Whether `rotate` leaves the id as it is.
    #[serde(default)]
    pub keeps_id: bool,
    /// How long both work, in seconds, where nobody says.
    pub overlap_seconds: Option<u32>,
    /// The longest that both can work, in seconds.
    pub max_overlap_seconds: Option<u32>,
}

/// A way to replace a key by another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub enum RotationMode {
    /// A second one is made, and the first deleted once nobody uses it.
    CreateThenDelete,
    /// The provider changes the secret, and the old one ends at once.
    InPlace,
    /// The provider changes the secret, and the old one works for a while.
    InPlaceOverlap,
    /// There are two places, and one is filled anew at a time.
    TwoSlots,
    /// By hand alone.
    None,
}

impl RotationMode {
    /// The word in a descriptor.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CreateThenDelete => "create-then-delete",
            Self::InPlace => "in-place",
            Self::InPlaceOverlap => "in-place-overlap",
            Self::TwoSlots => "two-slots",
            Self::None => "none",
        }
    }
}
