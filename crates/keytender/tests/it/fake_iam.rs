//! A strict fake of AWS IAM's Query API (and, on the same port, of what is needed of STS, of
//! Organizations and of Account Management): a real HTTP server on loopback for the official SDKs
//! and the aws CLI, there because moto has no root row, no paging, no throttling, lets inactive keys
//! work and lets everybody assume every role.
//!
//! A request is refused as AWS refuses it: without an `AWS4-HMAC-SHA256` signature, signed with an
//! unknown or inactive key, for another API version, for a user or key that is not there. The
//! *bytes* of the signature are not verified, so a wrong secret goes unnoticed; nor are the
//! region of the signature and its date. A call leaves no trace in the last use of its key.
//!
//! ```ignore
//! let fake = FakeIam::start(
//!     Account::new("123456789012", at("2026-11-24T00:00:00Z"))
//!         .user(User::new("ci", at("2020-06-15T12:00:00Z"))
//!             .key(Key::new("AKIAIOSFODNN7EXAMPLE", at("2020-06-15T12:00:04Z")))),
//! );
//! program.env("AWS_ENDPOINT_URL", fake.url()).env("AWS_REGION", "us-east-1")
//!     .env("AWS_ACCESS_KEY_ID", AUDITOR_KEY_ID).env("AWS_SECRET_ACCESS_KEY", AUDITOR_SECRET);
//! assert_eq!(fake.calls().get("ListAccessKeys"), Some(&1));
//! fake.with_account(|account| account.key_mut("AKIAIOSFODNN7EXAMPLE").active = false);
//! ```

#![expect(clippy::unwrap_used, clippy::panic, reason = "a broken fixture should stop the test")]
#![allow(dead_code, unused_imports, reason = "a fake offers more than the tests of one day use")]

mod account;
mod action;
mod organization;
mod page;
mod report;
mod request;
mod user;
mod xml;

use std::collections::BTreeMap;
use std::net::{SocketAddr, TcpListener};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use axum::extract::{FromRequest, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use serde_json::json;
use tokio::sync::oneshot;

pub(crate) use account::{AUDITOR, AUDITOR_KEY_ID, AUDITOR_SECRET};
pub(crate) use account::{Account, Behaviour, at, secret_of};
pub(crate) use report::Report;
use request::{Call, Credential, Service};
use user::Principal;
pub(crate) use user::{Key, LastUse, Password, Root, User};
use xml::Failure;

/// The largest request in JSON that is read.
const MAX_BODY_BYTES: usize = 65_536;

/// The running fake; it stops, and drops its connections, when it is dropped.
pub(crate) struct FakeIam {
    address: SocketAddr,
    world: Arc<Mutex<World>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl FakeIam {
    /// Starts the server on a free port of 127.0.0.1, in a thread and a runtime of its own.
    pub(crate) fn start(account: Account) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let world = Arc::new(Mutex::new(World::new(account)));
        let (stop, stopped) = oneshot::channel();
        let router = Router::new()
            .route("/", post(answer))
            .route("/getAlternateContact", post(answer))
            .with_state(Arc::clone(&world));
        let server = std::thread::spawn(move || serve(listener, router, stopped));
        Self { address, world, stop: Some(stop), server: Some(server) }
    }

    /// The endpoint for all services, e.g. for `AWS_ENDPOINT_URL`.
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// How many requests came for each action, refused and throttled ones included.
    pub(crate) fn calls(&self) -> BTreeMap<String, usize> {
        self.world.lock().unwrap().calls.clone()
    }

    /// How many requests came in all.
    pub(crate) fn total_calls(&self) -> usize {
        self.calls().values().sum()
    }

    /// Counts from zero again; the rhythm of throttling starts anew too.
    pub(crate) fn reset_calls(&self) {
        let mut world = self.world.lock().unwrap();
        world.calls.clear();
        world.authenticated = 0;
    }

    /// Reads or changes the account between calls.
    pub(crate) fn with_account<T>(&self, change: impl FnOnce(&mut Account) -> T) -> T {
        change(&mut self.world.lock().unwrap().account)
    }
}

impl Drop for FakeIam {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take()
            && server.join().is_err()
            && !std::thread::panicking()
        {
            panic!("the fake IAM server panicked");
        }
    }
}

/// Serves until `stopped` resolves; the end of the runtime ends every connection with it.
fn serve(listener: TcpListener, router: Router, stopped: oneshot::Receiver<()>) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
        tokio::spawn(async { axum::serve(listener, router).await });
        // An error means that the sender is gone, which is how the fake is told to stop.
        let _ = stopped.await;
    });
}

/// The account and what was asked of it.
struct World {
    account: Account,
    calls: BTreeMap<String, usize>,
    /// Requests with a good credential: every `throttle_every`-th of them is refused.
    authenticated: u32,
    /// Requests answered: the source of their ids.
    answered: u64,
}

impl World {
    fn new(account: Account) -> Self {
        Self { account, calls: BTreeMap::new(), authenticated: 0, answered: 0 }
    }

    /// Counts a request as it arrives, and says how long it has to wait.
    fn arrive(&mut self, call: &Call) -> Duration {
        *self.calls.entry(call.action().to_owned()).or_default() += 1;
        Duration::from_millis(self.account.behaviour.latency_ms)
    }

    /// Answers with a status and a document.
    fn answer(&mut self, headers: &HeaderMap, call: &Call) -> Answer {
        self.answered += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012x}", self.answered);
        let (service, outcome) = self.consider(headers, call);
        let is_json = service.is_json();
        let code = outcome.as_ref().err().map(|failure| failure.code.clone());
        let (status, document) = match outcome {
            Ok(Done::Xml(result)) => {
                (200, xml::success(service, call.action(), result, &request_id))
            }
            Ok(Done::Json(result)) => (200, result.to_string()),
            Err(failure) if is_json => {
                let document = json!({"__type": failure.code, "message": failure.message});
                (failure.status, document.to_string())
            }
            Err(failure) => (failure.status, xml::failure(service, &failure, &request_id)),
        };
        let content_type = if is_json { "application/x-amz-json-1.1" } else { "text/xml" };
        let code = code.unwrap_or_default();
        Answer { status, content_type, document, request_id, code }
    }

    /// The order of AWS: is the service up, who is it, too fast, what is it, may it, do it.
    fn consider(&mut self, headers: &HeaderMap, call: &Call) -> (Service, Result<Done, Failure>) {
        if let Some((status, code)) = &self.account.behaviour.fail_everything {
            let down = Failure::new(*status, code, "The service is unable to handle the request.");
            return (Service::Iam, Err(down));
        }
        match Credential::of(headers) {
            Ok(credential) => (credential.service, self.act(&credential, call)),
            Err(failure) => (Service::Iam, Err(failure)),
        }
    }

    fn act(&mut self, credential: &Credential, call: &Call) -> Result<Done, Failure> {
        let every = self.account.behaviour.throttle_every;
        let (account, caller) =
            enter(&mut self.account, credential).ok_or_else(Failure::invalid_token)?;
        self.authenticated += 1;
        let service = credential.service;
        if every.is_some_and(|every| self.authenticated.is_multiple_of(every)) {
            return Err(Failure::new(400, service.throttling(), "Rate exceeded"));
        }
        if service.is_json() {
            organization::perform(account, service, &caller, call).map(Done::Json)
        } else {
            action::perform(account, service, &caller, call).map(Done::Xml)
        }
    }
}

/// The account that a request is for, and who acts there, if its key is good.
fn enter<'a>(
    account: &'a mut Account,
    credential: &Credential,
) -> Option<(&'a mut Account, Principal)> {
    if credential.token.is_some() {
        return organization::session(account, credential);
    }
    let caller = account.caller(&credential.key_id)?;
    Some((account, caller))
}

/// What a call came to.
enum Done {
    Xml(xml::Xml),
    Json(serde_json::Value),
}

/// An answer on its way.
struct Answer {
    status: u16,
    content_type: &'static str,
    document: String,
    request_id: String,
    /// The code of a refusal.
    code: String,
}

async fn answer(State(world): State<Arc<Mutex<World>>>, request: Request) -> Response {
    let headers = request.headers().clone();
    let call = read(request).await;
    let wait = world.lock().unwrap().arrive(&call);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let answer = world.lock().unwrap().answer(&headers, &call);
    let headers = [
        ("content-type", answer.content_type.to_owned()),
        ("x-amzn-requestid", answer.request_id),
        ("x-amzn-errortype", answer.code),
    ];
    (StatusCode::from_u16(answer.status).unwrap(), headers, answer.document).into_response()
}

/// What a request asks: by a target and JSON, by its path and JSON, or by a form.
async fn read(request: Request) -> Call {
    let target = request.headers().get("x-amz-target").cloned();
    let action = target.as_ref().and_then(|target| target.to_str().ok()?.split('.').nth(1));
    let (service, action) = match (action, request.uri().path()) {
        (Some(action), _) => (Service::Organizations, action.to_owned()),
        (None, "/getAlternateContact") => (Service::Account, "GetAlternateContact".to_owned()),
        (None, _) => {
            let form = Form::<BTreeMap<String, String>>::from_request(request, &()).await;
            return Call::of(form.map(|Form(parameters)| parameters).unwrap_or_default());
        }
    };
    let body = axum::body::to_bytes(request.into_body(), MAX_BODY_BYTES).await;
    Call::of_json(&action, service, &body.unwrap_or_default())
}
