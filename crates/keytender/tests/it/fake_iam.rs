//! A strict fake of AWS IAM's Query API (and of STS's GetCallerIdentity, on the same port): a real
//! HTTP server on loopback for the official SDKs and the aws CLI, there because moto has no root
//! row, no paging, no throttling and lets inactive keys work.
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

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Form, Router};
use tokio::sync::oneshot;

pub(crate) use account::{AUDITOR, AUDITOR_KEY_ID, AUDITOR_SECRET};
pub(crate) use account::{Account, Behaviour, at, secret_of};
pub(crate) use report::Report;
use request::{Call, Credential, Service};
pub(crate) use user::{Key, LastUse, Password, Root, User};
use xml::Failure;

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
        let router = Router::new().route("/", post(answer)).with_state(Arc::clone(&world));
        let server = std::thread::spawn(move || serve(listener, router, stopped));
        Self { address, world, stop: Some(stop), server: Some(server) }
    }

    /// The endpoint for both services, e.g. for `AWS_ENDPOINT_URL`.
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
    fn answer(&mut self, headers: &HeaderMap, call: &Call) -> (u16, String, String) {
        self.answered += 1;
        let request_id = format!("00000000-0000-4000-8000-{:012x}", self.answered);
        let (service, outcome) = self.consider(headers, call);
        let (status, document) = match outcome {
            Ok(result) => (200, xml::success(service, call.action(), result, &request_id)),
            Err(failure) => (failure.status, xml::failure(service, &failure, &request_id)),
        };
        (status, document, request_id)
    }

    /// The order of AWS: is the service up, who is it, too fast, what is it, may it, do it.
    fn consider(
        &mut self,
        headers: &HeaderMap,
        call: &Call,
    ) -> (Service, Result<xml::Xml, Failure>) {
        if let Some((status, code)) = &self.account.behaviour.fail_everything {
            let down = Failure::new(*status, code, "The service is unable to handle the request.");
            return (Service::Iam, Err(down));
        }
        match Credential::of(headers) {
            Ok(credential) => (credential.service, self.act(&credential, call)),
            Err(failure) => (Service::Iam, Err(failure)),
        }
    }

    fn act(&mut self, credential: &Credential, call: &Call) -> Result<xml::Xml, Failure> {
        let caller = self.account.caller(&credential.key_id).ok_or_else(Failure::invalid_token)?;
        self.authenticated += 1;
        match self.account.behaviour.throttle_every {
            Some(every) if self.authenticated.is_multiple_of(every) => {
                Err(Failure::new(400, "Throttling", "Rate exceeded"))
            }
            _ => action::perform(&mut self.account, credential.service, &caller, call),
        }
    }
}

async fn answer(
    State(world): State<Arc<Mutex<World>>>,
    headers: HeaderMap,
    Form(parameters): Form<BTreeMap<String, String>>,
) -> Response {
    let call = Call::of(parameters);
    let wait = world.lock().unwrap().arrive(&call);
    if !wait.is_zero() {
        tokio::time::sleep(wait).await;
    }
    let (status, document, request_id) = world.lock().unwrap().answer(&headers, &call);
    let headers = [("content-type", "text/xml".to_owned()), ("x-amzn-requestid", request_id)];
    (StatusCode::from_u16(status).unwrap(), headers, document).into_response()
}
