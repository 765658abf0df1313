//! The credential report.

use std::io::Write;

use keytender_core::time::Time;
use reqwest::Method;
use serde::Serialize;
use serde_json::json;

use super::Desk;
use crate::app::evaluate;
use crate::app::report::{self, Form, Schedule};
use crate::app::view::{DifferenceList, KeptReportView, KeptReports};
use crate::client::part;
use crate::error::Error;

/// Where those are that are kept.
const KEPT: &str = "/v1/credential-reports";

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

    /// How often a report is made, and those that are kept.
    pub(in crate::cli) async fn kept_reports(&self) -> Result<KeptReports, Error> {
        match self {
            Self::Here(inventory) => report::list(inventory).await,
            Self::There(server) => server.get(KEPT, &()).await,
        }
    }

    /// One that is kept.
    pub(in crate::cli) async fn kept_report(&self, id: &str) -> Result<Vec<u8>, Error> {
        match self {
            Self::Here(inventory) => report::text(inventory, id).await.map(String::into_bytes),
            Self::There(server) => server.bytes(&format!("{KEPT}/{}", part(id)), &()).await,
        }
    }

    /// Makes one now and keeps it.
    pub(in crate::cli) async fn keep_report(&self) -> Result<KeptReportView, Error> {
        match self {
            Self::Here(inventory) => report::make(inventory).await,
            Self::There(server) => server.ask(Method::POST, KEPT, &json!({})).await,
        }
    }

    /// How often one is made from now on.
    pub(in crate::cli) async fn set_report_schedule(
        &self,
        schedule: Schedule,
    ) -> Result<(), Error> {
        match self {
            Self::Here(inventory) => report::set_schedule(inventory, schedule).await,
            Self::There(server) => {
                let place = "/v1/credential-report-schedule";
                let body = json!({"schedule": schedule});
                server.order(Method::PUT, place, &body).await
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
