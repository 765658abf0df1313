//! `/v1/credential-report`: every key, now or at a moment, and what changed; and those that are kept.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use keytender_core::time::Time;
use serde::Deserialize;
use utoipa::ToSchema;

use crate::app::inventory::Inventory;
use crate::app::report::{self, Form, Schedule};
use crate::app::view::{DifferenceList, KeptReportView, KeptReports, KeyList};
use crate::http::etag::Tagged;
use crate::http::extract::{Body, Path, Query};
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
    security(("token" = ["reports:read"]), ("customer_token" = ["reports:read"])))]
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
    Ok(attached(form, "credential-report", content))
}

/// A report for the folder of downloads.
fn attached(form: Form, name: &str, content: Vec<u8>) -> Response {
    let (kind, end) = match form {
        Form::Wide | Form::Aws => ("text/csv; charset=utf-8", "csv"),
        Form::Json => ("application/json", "json"),
    };
    let disposition = format!("attachment; filename=\"{name}.{end}\"");
    let headers =
        [(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, disposition.as_str())];
    (headers, content).into_response()
}

/// One that is kept, as a file.
///
/// # Errors
/// When there is none of this id.
pub(in crate::http) async fn kept_file(
    inventory: &Inventory,
    report: &str,
) -> Result<Response, Refusal> {
    let text = report::text(inventory, report).await?;
    Ok(attached(Form::Json, &format!("credential-report-{report}"), text.into_bytes()))
}

/// How often a report is to be made.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(in crate::http) struct NewSchedule {
    /// How often one is made and kept.
    schedule: Schedule,
}

/// List the credential reports that are kept
///
/// With how often one is made. They are of every key: for whoever sees only some there are none. The newest 31 are kept, for
/// 400 days at most.
#[utoipa::path(get, path = "/v1/credential-reports", tag = "reports",
    responses((status = 200, body = KeptReports, description = "The reports, the newest first")),
    security(("token" = ["reports:read"])))]
pub(in crate::http) async fn list(inventory: Inventory) -> Result<Json<KeptReports>, Refusal> {
    Ok(Json(report::list(&inventory).await?))
}

/// Make a credential report now, and keep it
#[utoipa::path(post, path = "/v1/credential-reports", tag = "reports",
    responses((status = 201, body = KeptReportView, description = "It is kept")),
    security(("token" = ["tasks:run"])))]
pub(in crate::http) async fn make(
    inventory: Inventory,
) -> Result<(StatusCode, Json<KeptReportView>), Refusal> {
    Ok((StatusCode::CREATED, Json(report::make(&inventory).await?)))
}

/// Read a credential report that is kept
#[utoipa::path(get, path = "/v1/credential-reports/{report}", tag = "reports",
    params(("report" = String, Path, description = "The id")),
    responses((status = 200, body = KeyList, description = "The report, as it was made")),
    security(("token" = ["reports:read"])))]
pub(in crate::http) async fn get_kept(
    inventory: Inventory,
    Path(report): Path<String>,
) -> Result<Response, Refusal> {
    kept_file(&inventory, &report).await
}

/// Say how often a credential report is made and kept
#[utoipa::path(put, path = "/v1/credential-report-schedule", tag = "reports",
    request_body = NewSchedule,
    responses((status = 200, body = KeptReports, description = "The schedule, and what is kept")),
    security(("token" = ["policy:write"])))]
pub(in crate::http) async fn set_schedule(
    inventory: Inventory,
    Body(new): Body<NewSchedule>,
) -> Result<Json<KeptReports>, Refusal> {
    report::set_schedule(&inventory, new.schedule).await?;
    Ok(Json(report::list(&inventory).await?))
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
