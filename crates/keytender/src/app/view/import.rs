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
