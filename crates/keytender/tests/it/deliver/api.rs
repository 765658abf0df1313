//! A service on loopback that keeps its state, made for one story: it can lose an answer after it
//! acted, and somebody else can act just before it does.

use std::collections::{BTreeMap, VecDeque};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderMap, Response};
use axum_server::tls_rustls::RustlsConfig;
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::Value;
use tokio::sync::oneshot;

/// The largest request that is read.
const MAX_BODY_BYTES: usize = 1024 * 1024;

/// A request.
#[derive(Clone, Debug)]
pub(super) struct Asked {
    pub(super) method: String,
    /// As it came, with its escapes.
    pub(super) path: String,
    pub(super) query: BTreeMap<String, String>,
    pub(super) headers: HeaderMap,
    pub(super) text: String,
}

impl Asked {
    pub(super) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    pub(super) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// The steps of the path, without their escapes.
    pub(super) fn steps(&self) -> Vec<String> {
        let decode = |step: &str| {
            percent_encoding::percent_decode_str(step).decode_utf8().unwrap().into_owned()
        };
        self.path.split('/').skip(1).map(decode).collect()
    }

    /// Method and steps, to be matched.
    pub(super) fn is(&self, method: &str, steps: &[&str]) -> bool {
        self.method == method && self.steps() == steps
    }
}

/// A code, headers and a body.
pub(super) struct Said {
    code: u16,
    headers: Vec<(&'static str, String)>,
    text: String,
}

impl Said {
    pub(super) fn new(code: u16, body: &Value) -> Self {
        let text = if body.is_null() { String::new() } else { body.to_string() };
        Self { code, headers: Vec::new(), text }
    }

    pub(super) fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

type Act<S> = Box<dyn FnOnce(&mut S) + Send>;

struct Desk<S> {
    state: S,
    asked: Vec<Asked>,
    /// The method of the request whose answer is lost next.
    loses: Option<String>,
    /// What others do just before a request of a method is acted on.
    before: VecDeque<(String, Act<S>)>,
}

/// The service. It ends when it is dropped.
pub(super) struct Api<S> {
    pub(super) url: String,
    desk: Arc<Mutex<Desk<S>>>,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
}

impl<S: Send + 'static> Api<S> {
    pub(super) fn start(state: S, answer: fn(&mut S, &Asked) -> Said) -> Self {
        Self::start_with(state, answer, None)
    }

    /// By https, with a certificate of an authority that nobody knows, and that authority's own in PEM.
    pub(super) fn start_private(state: S, answer: fn(&mut S, &Asked) -> Said) -> (Self, String) {
        let (key, of_service) = (KeyPair::generate().unwrap(), KeyPair::generate().unwrap());
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        let params_of_service = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap();
        let issuer = Issuer::new(params, key);
        let certificate = params_of_service.signed_by(&of_service, &issuer).unwrap();
        let identity = (certificate.pem(), of_service.serialize_pem());
        (Self::start_with(state, answer, Some(identity)), authority.pem())
    }

    fn start_with(
        state: S,
        answer: fn(&mut S, &Asked) -> Said,
        identity: Option<(String, String)>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let scheme = if identity.is_some() { "https" } else { "http" };
        let url = format!("{scheme}://{}", listener.local_addr().unwrap());
        let desk = Desk { state, asked: Vec::new(), loses: None, before: VecDeque::new() };
        let desk = Arc::new(Mutex::new(desk));
        let shared = Arc::clone(&desk);
        let router = Router::new().fallback(move |request: Request| {
            let shared = Arc::clone(&shared);
            async move { serve(&shared, answer, read(request).await) }
        });
        let (stop, stopped) = oneshot::channel::<()>();
        let server = std::thread::spawn(move || {
            crate::databases::block_on(async {
                match identity {
                    None => {
                        let listener = tokio::net::TcpListener::from_std(listener).unwrap();
                        tokio::spawn(async { axum::serve(listener, router).await });
                    }
                    Some((chain, key)) => {
                        let pem = RustlsConfig::from_pem(chain.into(), key.into());
                        let server = axum_server::from_tcp_rustls(listener, pem.await.unwrap());
                        tokio::spawn(server.unwrap().serve(router.into_make_service()));
                    }
                }
                // The sender goes with the service.
                _ = stopped.await;
            });
        });
        Self { url, desk, stop: Some(stop), server: Some(server) }
    }

    /// Reads or changes the state between calls.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut S) -> T) -> T {
        act(&mut self.desk.lock().unwrap().state)
    }

    /// Acts on the next request of this method, and loses the answer.
    pub(super) fn lose(&self, method: &str) {
        self.desk.lock().unwrap().loses = Some(method.to_owned());
    }

    /// Somebody else acts just before the next request of this method is acted on.
    pub(super) fn before(&self, method: &str, act: impl FnOnce(&mut S) + Send + 'static) {
        self.desk.lock().unwrap().before.push_back((method.to_owned(), Box::new(act)));
    }

    /// The requests since this was asked last. None has a word of `secrets` anywhere but in its body.
    #[track_caller]
    pub(super) fn asked(&self, secrets: &[&str]) -> Vec<Asked> {
        let asked = std::mem::take(&mut self.desk.lock().unwrap().asked);
        for one in &asked {
            let outside = format!("{} {:?} {:?}", one.path, one.query, one.headers);
            assert!(!secrets.iter().any(|secret| outside.contains(secret)), "{outside}");
        }
        asked
    }
}

impl<S> Drop for Api<S> {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            let ended = server.join();
            assert!(ended.is_ok() || std::thread::panicking(), "the service panicked");
        }
    }
}

fn serve<S>(
    desk: &Mutex<Desk<S>>,
    answer: fn(&mut S, &Asked) -> Said,
    asked: Asked,
) -> Response<Body> {
    let mut desk = desk.lock().unwrap();
    if desk.before.front().is_some_and(|(method, _)| *method == asked.method) {
        let (_, act) = desk.before.pop_front().unwrap();
        act(&mut desk.state);
    }
    let said = answer(&mut desk.state, &asked);
    let is_lost = desk.loses.take_if(|method| *method == asked.method).is_some();
    desk.asked.push(asked);
    // An answer without a body cannot be lost half-way.
    let code = if is_lost { 200 } else { said.code };
    let mut response = Response::builder().status(code);
    for (name, value) in said.headers {
        response = response.header(name, value);
    }
    let broken =
        futures_util::stream::once(async { Err::<String, _>(std::io::Error::other("lost")) });
    response.body(if is_lost { Body::from_stream(broken) } else { Body::from(said.text) }).unwrap()
}

async fn read(request: Request) -> Asked {
    let (parts, body) = request.into_parts();
    let body = axum::body::to_bytes(body, MAX_BODY_BYTES).await.unwrap();
    let query = parts.uri.query().unwrap_or_default();
    Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: form_urlencoded::parse(query.as_bytes()).into_owned().collect(),
        headers: parts.headers,
        text: String::from_utf8(body.to_vec()).unwrap(),
    }
}
