//! A place at which events arrive while a probe runs: it keeps what came, and whether its signature is good.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use axum::Router;
use axum::body::Bytes;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::post;
use keytender_core::secret::Secret;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::clock;
use crate::notify::webhook::SigningSecret;

/// The largest event: the largest that we know of has 5 KB.
const MAX_BYTES: usize = 256 * 1024;
/// The most events that are kept.
const MAX_EVENTS: usize = 1_000;
/// How old an event may be: what the libraries of Standard Webhooks take.
const MAX_AGE_SECONDS: i64 = 5 * 60;

/// What came: the headers that sign, and the body.
#[derive(Clone)]
struct Came {
    id: String,
    timestamp: String,
    signatures: String,
    body: Bytes,
    at_seconds: i64,
}

/// An event that came.
#[derive(Clone, Debug)]
pub(super) struct CameEvent {
    /// Its type.
    pub(super) kind: String,
    /// Its text.
    pub(super) body: String,
    /// Whether it is signed by the secret, and fresh.
    pub(super) is_signed: bool,
}

/// A place at which events arrive; nobody listens any more when it is dropped.
pub(super) struct Listener {
    pub(super) url: String,
    /// What signs; without it no signature is good.
    pub(super) secret: Option<Secret>,
    came: Arc<Mutex<Vec<Came>>>,
    server: JoinHandle<()>,
}

impl Listener {
    /// Listens.
    pub(super) async fn start(at: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(at).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        let came: Arc<Mutex<Vec<Came>>> = Arc::default();
        let kept = Arc::clone(&came);
        let take = move |headers: HeaderMap, body: Bytes| async move {
            let header = |name: &str| {
                let value = headers.get(name).and_then(|value| value.to_str().ok());
                value.unwrap_or_default().to_owned()
            };
            let event = Came {
                id: header("webhook-id"),
                timestamp: header("webhook-timestamp"),
                signatures: header("webhook-signature"),
                body,
                at_seconds: clock::now().as_micros().div_euclid(1_000_000),
            };
            let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
            if kept.len() < MAX_EVENTS {
                kept.push(event);
            }
            StatusCode::NO_CONTENT
        };
        let router = Router::new()
            .route("/", post(take.clone()))
            .route("/{*path}", post(take))
            .layer(DefaultBodyLimit::max(MAX_BYTES));
        let server = tokio::spawn(async move {
            // It ends with the task.
            _ = axum::serve(listener, router).await;
        });
        Ok(Self { url, secret: None, came, server })
    }

    /// What came so far.
    pub(super) fn came(&self) -> Vec<CameEvent> {
        let secret = self.secret.as_ref().and_then(|secret| SigningSecret::parse(secret).ok());
        let came = self.came.lock().unwrap_or_else(PoisonError::into_inner);
        came.iter()
            .map(|one| {
                let body = String::from_utf8_lossy(&one.body).into_owned();
                let value: Option<Value> = serde_json::from_str(&body).ok();
                let kind = value.and_then(|value| Some(value.get("type")?.as_str()?.to_owned()));
                let is_fresh = one.timestamp.parse::<i64>().is_ok_and(|at| {
                    at.saturating_sub(one.at_seconds).saturating_abs() <= MAX_AGE_SECONDS
                });
                let is_signed = is_fresh
                    && secret.as_ref().is_some_and(|secret| {
                        secret.is_good(&one.id, &one.timestamp, &one.body, &one.signatures)
                    });
                CameEvent { kind: kind.unwrap_or_default(), body, is_signed }
            })
            .collect()
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.server.abort();
    }
}
