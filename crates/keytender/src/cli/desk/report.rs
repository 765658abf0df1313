//! The credential report.

use std::io::Write;

use keytender_core::time::Time;
use serde::Serialize;

use super::Desk;
use crate::app::evaluate;
use crate::app::report::{self, Form};
use crate::app::view::DifferenceList;
use crate::error::Error;

/// Which report.
#[derive(Clone, Copy, Debug, Serialize)]
pub(in crate::cli) struct WhichReport<'w> {
    pub(in crate::cli) format: Form,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) account: Option<&'w str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(in crate::cli) at: Option<Time>,
}

impl Desk<'_> {
    /// Writes the credential report.
    pub(in crate::cli) async fn report(
        &self,
        which: WhichReport<'_>,
        out: &mut (impl Write + Send),
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => {
                report::write(inventory, which.format, which.account, which.at, out).await
            }
            Self::There(server) => {
                let csv = server.bytes("/v1/credential-report", &which).await?;
                out.write_all(&csv)
                    .map_err(|error| Error::new("cannot write the report").source(error))
            }
        }
    }

    /// What changed between two moments.
    pub(in crate::cli) async fn compare(
        &self,
        account: Option<&str>,
        from: Time,
        to: Time,
    ) -> Result<DifferenceList, Error> {
        match self {
            Self::Here(inventory) => {
                evaluate::run(&inventory.store, inventory.now).await?;
                report::compare(inventory, account, from, to).await
            }
            Self::There(server) => {
                let (from, to) = (from.to_string(), to.to_string());
                let query =
                    [("from", Some(from.as_str())), ("to", Some(&to)), ("account", account)];
                let query: Vec<_> =
                    query.into_iter().filter_map(|(name, value)| Some((name, value?))).collect();
                server.get("/v1/credential-report-differences", &query).await
            }
        }
    }
}
