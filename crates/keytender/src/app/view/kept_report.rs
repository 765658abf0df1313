//! Credential reports that are kept, in JSON.

use keytender_core::time::Time;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::app::report::Schedule;

/// A credential report that is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptReportView {
    /// Its id.
    #[schema(example = "rep_0dj2c8xk3v9q4")]
    pub id: String,
    /// When it was made.
    pub made_at: Time,
    /// By whom.
    pub made_by: String,
    /// Whether it was made by the schedule.
    pub scheduled: bool,
    /// How long it is.
    pub bytes: u64,
    /// The SHA-256 of its text, in hexadecimal, which the log of acts has as well.
    pub sha256: String,
}

/// How often a credential report is made, and those that are kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct KeptReports {
    /// How often one is made and kept.
    pub schedule: Schedule,
    /// The newest first.
    pub reports: Vec<KeptReportView>,
}
