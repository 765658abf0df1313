//! Imports, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A file with keys, and what to do with it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ImportRequest {
    /// The content: an AWS credential report, a CSV list, or a FIDO CXF export.
    pub content: String,
    /// The account the keys are in; one named after each provider if none is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub account: Option<String>,
    /// When a credential report was made; now if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub as_of: Option<Time>,
    /// Whether the secrets of a CXF export are kept, sealed; else they are not read.
    #[serde(default)]
    pub keep_secrets: bool,
    /// What the file is called, for messages.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 500)]
    pub name: Option<String>,
}

/// What an import came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize, ToSchema)]
pub struct ImportView {
    /// How many keys came in.
    pub added: u64,
    /// How many are known already.
    pub known: u64,
    /// In which accounts.
    pub accounts: Vec<String>,
    /// What was odd.
    pub warnings: Vec<String>,
}

/// A file with keys that others issued for an API of ours, and what to do with it.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyImportRequest {
    /// The content: CSV with a header, or a JSON list of objects, with `account`, `app`, `label`, `key` or `hash`,
    /// `algorithm`, `locator`, `start`, `scopes`, `networks`, `environment`, `created`, `expires`, `last_used`, `enabled`.
    #[schema(write_only)]
    pub content: String,
    /// Whose the keys are that name no account.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 100)]
    pub account: Option<String>,
    /// The app of keys that name none; `imported` if it is absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(max_length = 200)]
    pub app: Option<String>,
    /// How hashes were made that do not say it: `sha256`, `sha512`, `hmac-sha256`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "sha256")]
    pub hash: Option<String>,
    /// Which part of a key was hashed: `whole`, or `after-first:` or `after-last:` and a sign.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "whole")]
    pub hashed: Option<String>,
    /// Which part of a key leads to its salted hash: `before-first:` or `before-last:` and a sign, or `first:` and how
    /// many letters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "before-first:.")]
    pub locator: Option<String>,
    /// The secret with which HMACs were made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(write_only, max_length = 4096)]
    pub hmac_secret: Option<String>,
    /// Only say what would be imported, and what is wrong.
    #[serde(default)]
    pub dry_run: bool,
    /// Leave out what is wrong, rather than import nothing.
    #[serde(default)]
    pub skip_bad: bool,
}

/// What an import of keys that others issued came to, or would come to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeyImportView {
    /// Whether the keys are there now; not after a dry run, or if something was wrong.
    pub imported: bool,
    /// How many keys are new.
    pub keys: u64,
    /// How many were imported before: they stay as they are.
    pub known: u64,
    /// How many customers are new.
    pub accounts: u64,
    /// How many apps are new.
    pub apps: u64,
    /// How the new keys are recognised until they are used: each rule once.
    #[schema(example = json!(["sha256 whole"]))]
    pub rules: Vec<String>,
    /// How many rows are wrong.
    pub bad: u64,
    /// What is wrong with them, the first hundred.
    pub faults: Vec<ImportFaultView>,
}

/// Something that is wrong in a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ImportFaultView {
    /// The line, from 1.
    pub line: u64,
    /// The character in it, from 1.
    pub column: u64,
    /// What is wrong.
    #[schema(example = "nobody says whose key this is")]
    pub what: String,
    /// What to do about it.
    pub hint: Option<String>,
}
