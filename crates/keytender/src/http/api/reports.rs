//! `/v1/credential-report`: every key, now or at a moment, and what changed.

use axum::http::header;
use axum::response::{IntoResponse, Response};
use keytender_core::time::Time;
use serde::Deserialize;

use crate::app::inventory::Inventory;
use crate::app::report::{self, Form};
use crate::app::view::{DifferenceList, KeyList};
use crate::http::etag::Tagged;
use crate::http::extract::Query;
use crate::http::problem::Refusal;

/// Which report.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Which {
    /// The form; `wide` if nothing is said.
    #[param(inline)]
    format: Option<Form>,
    /// Only this account, by name; the form `aws` needs one.
    account: Option<String>,
    /// As it was at this moment.
    at: Option<Time>,
}

/// Between which moments.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct Between {
    /// The earlier moment.
    from: Time,
    /// The later moment.
    to: Time,
    /// Only this account, by name.
    account: Option<String>,
}

/// Read the credential report
///
/// Every key that the token sees.
#[utoipa::path(get, path = "/v1/credential-report", tag = "reports", params(Which),
    responses((status = 200, description = "The report",
               content((String = "text/csv"), (KeyList = "application/json"))),
              (status = 422, description = "There is no such report",
               body = crate::http::problem::Problem, content_type = "application/problem+json")),
    security(("token" = ["reports:read"])))]
pub(in crate::http) async fn get(
    inventory: Inventory,
    Query(which): Query<Which>,
) -> Result<Response, Refusal> {
    let form = which.format.unwrap_or_default();
    file(&inventory, form, which.account.as_deref(), which.at).await
}

/// The credential report as a file.
///
/// # Errors
/// When there is no such report.
pub(in crate::http) async fn file(
    inventory: &Inventory,
    form: Form,
    account: Option<&str>,
    at: Option<Time>,
) -> Result<Response, Refusal> {
    let mut content = Vec::new();
    report::write(inventory, form, account, at, &mut content).await?;
    let (kind, name) = match form {
        Form::Wide | Form::Aws => ("text/csv; charset=utf-8", "credential-report.csv"),
        Form::Json => ("application/json", "credential-report.json"),
    };
    let disposition = format!("attachment; filename=\"{name}\"");
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition.as_str())];
    Ok((headers, content).into_response())
}

/// Say what changed between two moments
#[utoipa::path(get, path = "/v1/credential-report-differences", tag = "reports", params(Between),
    responses((status = 200, body = DifferenceList, description = "What changed"),
              (status = 422, description = "There is no such time between them",
               body = crate::http::problem::Problem, content_type = "application/problem+json")),
    security(("token" = ["reports:read"])))]
pub(in crate::http) async fn compare(
    inventory: Inventory,
    Query(between): Query<Between>,
) -> Result<Tagged<DifferenceList>, Refusal> {
    let account = between.account.as_deref();
    Ok(Tagged(report::compare(&inventory, account, between.from, between.to).await?))
}
