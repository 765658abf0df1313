//! `POST /v1/exposures/partner`: a partner that scans what is public tells of keys, and signs what it tells.
//!
//! The protocol is that of GitHub's secret scanning partners: a JSON array, signed as it is, and an answer that says
//! of each text whether it was a key. Only whoever signs is told that.

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Request, State as Extract};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Refused, admit, busy, read, refuse, teller, work};
use crate::app::leaks::{self, Report};
use crate::clock;
use crate::connect::scanning::PublicKey;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// Under which name the list has the key that signed.
const IDENTIFIER: &str = "github-public-key-identifier";
/// The signature of the body, in base64.
const SIGNATURE: &str = "github-public-key-signature";
/// The longest of either, in bytes: an identifier has 64 letters, a signature 96.
const MAX_HEADER: usize = 200;
/// The largest body, in bytes: 5,000 keys with their URLs.
const MAX_BODY: usize = 2 * 1024 * 1024;
/// The most matches of a batch.
const MAX_MATCHES: usize = 5_000;
/// How to send less.
const HINT: &str = "send at most 5,000 matches in a batch, and the rest in further ones";

/// A match, as the partner tells it. What else it says of it is its own.
#[derive(Debug, Deserialize, ToSchema)]
pub(in crate::http) struct MatchBody {
    /// What matched the pattern.
    #[schema(write_only)]
    token: String,
    /// Which pattern.
    #[schema(example = "acme_api_key")]
    r#type: String,
    /// Where it was found.
    url: Option<String>,
    /// What kind of place that is.
    #[schema(example = "commit")]
    source: Option<String>,
}

/// Whether a match was a key.
#[derive(Debug, Serialize, ToSchema)]
pub(in crate::http) struct FeedbackView {
    /// The SHA-256 of the token as it was told, in hexadecimal.
    token_hash: String,
    /// Which pattern matched.
    token_type: String,
    /// `true_positive` or `false_positive`.
    label: Label,
}

/// Whether it was a key.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub(in crate::http) enum Label {
    /// It is a key that was issued here.
    TruePositive,
    /// It is none.
    FalsePositive,
}

/// Tell of keys that leaked, as a scanning partner
///
/// As GitHub tells its partners: the body is signed (ECDSA P-256, SHA-256, DER in base64) by a key that the partner's
/// published list calls current. Told again, a batch does nothing more and gets the same answer.
#[utoipa::path(post, path = "/v1/exposures/partner", tag = "keys", request_body = Vec<MatchBody>,
    params(("github-public-key-identifier" = String, Header, description = "Which key of the partner's list signed"),
           ("github-public-key-signature" = String, Header, description = "The signature of the body")),
    responses((status = 200, body = Vec<FeedbackView>, description = "Of each match whether it was a key"),
              (status = 404, body = Problem, content_type = "application/problem+json",
               description = "This server has no scanning partner")),
    security(()))]
pub(in crate::http) async fn report(Extract(state): Extract<State>, request: Request) -> Response {
    told(&state, request).await.unwrap_or_else(|refused| *refused)
}

async fn told(state: &State, request: Request) -> Result<Response, Refused> {
    let (from, request) = admit(&state.door.partners, state, request).await?;
    let named = header(request.headers(), IDENTIFIER).zip(header(request.headers(), SIGNATURE));
    let Some((identifier, signature)) = named else { return Err(unsigned()) };
    let Some(partner) = &state.door.partner else {
        let problem = Problem::not_found("this server has no scanning partner");
        let problem = problem.hint("keytender serve --scanning-partner github");
        return Err(Box::new(problem.into_response()));
    };
    let key = partner.key(&identifier, clock::now()).await.map_err(|error| {
        tracing::warn!(cause = %error.report(), "a scanning partner cannot be believed");
        busy()
    })?;
    let Some(key) = key else { return Err(unsigned()) };
    let (_, bytes) = read(&state.door.partners, request, MAX_BODY, HINT).await?;
    let matches = understand(key, signature, bytes).await?;
    let mut reports = Vec::with_capacity(matches.len());
    let mut answers = Vec::with_capacity(matches.len());
    for MatchBody { token, r#type, url, source } in matches {
        let credential = Secret::new(token);
        answers.push((leaks::hash(&credential), r#type));
        reports.push(Report { credential, url, source });
    }
    let taken = work::take(state, &teller(partner.name(), from), &reports).await;
    let taken = taken.map_err(|error| Box::new(Refusal::from(error).into_response()))?;
    let feedback =
        answers.into_iter().zip(taken.ours).map(|((token_hash, token_type), is_ours)| {
            let label = if is_ours { Label::TruePositive } else { Label::FalsePositive };
            FeedbackView { token_hash, token_type, label }
        });
    Ok(Json(feedback.collect::<Vec<_>>()).into_response())
}

fn header(headers: &HeaderMap, name: &str) -> Option<String> {
    let text = headers.get(name)?.to_str().ok()?.trim();
    (!text.is_empty() && text.len() <= MAX_HEADER).then(|| text.to_owned())
}

/// The one answer to everybody whose signature does not count, whatever is wrong with it.
fn unsigned() -> Refused {
    let why = "the body is not signed by a current key of the scanning partner";
    Box::new(Problem::bad_request(why).into_response())
}

/// The matches of a body, if its signature is right; beside the threads that answer.
async fn understand(
    key: PublicKey,
    signature: String,
    bytes: Bytes,
) -> Result<Vec<MatchBody>, Refused> {
    let understood = tokio::task::spawn_blocking(move || {
        if !key.has_signed(&bytes, &signature) {
            return Err(unsigned());
        }
        let matches: Vec<MatchBody> = serde_json::from_slice(&bytes).map_err(|error| {
            let (line, column) = (error.line(), error.column());
            let why = format!("line {line}, column {column}: this is no list of matches");
            Box::new(Problem::bad_request(why).into_response())
        })?;
        match matches.len() <= MAX_MATCHES {
            true => Ok(matches),
            false => {
                let why = format!("a batch has at most {MAX_MATCHES} matches");
                Err(refuse(StatusCode::UNPROCESSABLE_ENTITY, why, HINT))
            }
        }
    });
    understood.await.unwrap_or_else(|_| Err(busy()))
}
