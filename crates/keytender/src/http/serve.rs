//! Listens, answers, and ends without losing a request.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum_server::tls_rustls::{RustlsAcceptor, RustlsConfig};
use axum_server::{Handle, Server};
use hyper_util::rt::TokioTimer;
use ipnet::IpNet;
use keytender_core::secret::Secret;
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder, PrometheusHandle};

use super::auth::Guard;
use super::base::Base;
use super::door::{self, Door};
use super::limit::Limiter;
use super::openapi;
use super::published::Published;
use super::router::router;
use super::state::{Parts, State};
use super::verify::gateway::Gateways;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::node::{self, Node};
use crate::app::{links, secrets, users};
use crate::config::token;
use crate::connect::openid::Provider;
use crate::connect::scanning::Partner;
use crate::error::Error;
use crate::store::seal::Sealer;
use crate::task::{Intervals, Tasks, Timing};

pub use super::limit::DEFAULT_PER_SECOND;
pub use keytender_verify::OnPartition;

mod local;

/// How long a caller may take to send the head of a request, or to shake hands for TLS.
const HEAD_TIMEOUT: Duration = Duration::from_secs(10);
/// How long requests under way may take to end once the server is told to.
const GRACE: Duration = Duration::from_secs(30);
/// How often callers who have not asked for long are forgotten, and old figures folded together.
const UPKEEP: Duration = Duration::from_secs(60);
/// The steps of the histogram of seconds that requests take.
const SECONDS: [f64; 10] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 1.0, 10.0];
/// The largest head of a request, in bytes.
const MAX_HEAD: usize = 32 * 1024;

/// How the server is to be reached.
#[derive(Debug)]
pub struct Options {
    /// Where it listens.
    pub listen: SocketAddr,
    /// Its certificate chain and private key, both PEM; without them it speaks no TLS itself.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// By which URL others reach it, if a proxy stands before it.
    pub public_url: Option<String>,
    /// Where people may prove who they are instead.
    pub openid: Option<Provider>,
    /// Who scans what is public for our keys, and signs what it tells.
    pub partner: Option<Partner>,
    /// Whether callers come by https, here or at a proxy.
    pub is_https: bool,
    /// Proxies whose word on who asks is believed.
    pub proxies: Vec<IpNet>,
    /// How many requests a second one token may make; 0: without a limit.
    pub per_second: u32,
    /// What people call this node.
    pub node: String,
    /// How often each task runs.
    pub intervals: Intervals,
    /// How the node holds its leases and waits.
    pub timing: Timing,
    /// Whether everything in the inventory is made up.
    pub is_demo: bool,
    /// A Unix socket on which keys are verified for whoever may open it.
    pub verify_socket: Option<PathBuf>,
    /// What is done about keys when the database cannot be reached.
    pub on_partition: OnPartition,
}

/// What there is to say once the server listens.
#[derive(Debug)]
pub struct Started {
    /// Where it listens.
    pub address: SocketAddr,
    /// The file with the first administrator's token, if it was made now.
    pub token_file: Option<PathBuf>,
    /// What stands in the link by which the first administrator comes in, while there is no other way.
    pub link: Option<Secret>,
}

/// Listens and answers until `stop` is ready; then ends what is under way.
///
/// # Errors
/// When the address is taken, the certificate cannot be read, or the first token cannot be written.
pub async fn run(
    inventory: &Inventory,
    options: Options,
    started: impl FnOnce(Started),
    stop: impl Future<Output = ()>,
) -> Result<(), Error> {
    let listener = std::net::TcpListener::bind(options.listen).map_err(|error| {
        Error::new(format!("cannot listen on {}", options.listen))
            .source(error)
            .hint("another program may listen there: --listen ADDRESS:PORT names another place")
    })?;
    let cannot = |error: std::io::Error| Error::new("cannot listen").source(error);
    listener.set_nonblocking(true).map_err(cannot)?;
    let address = listener.local_addr().map_err(cannot)?;
    let tls = match &options.tls {
        Some((chain, key)) => Some(certificate(chain, key).await?),
        None => None,
    };
    // Without it the log cannot be sealed, here or by any node that shares the database.
    let sealer = secrets::sealer(inventory, true).await?;
    let token_file = first_token(inventory).await?;
    let scheme = if options.tls.is_some() { "https" } else { "http" };
    let here = format!("{scheme}://{address}");
    links::note_console_url(inventory, options.public_url.as_deref(), &here).await?;
    let link = links::first(inventory).await?;
    let base = Base::new(options.public_url.as_deref(), address, options.tls.is_some());
    let socket = options.verify_socket.clone();
    let state = state(inventory, options, sealer, base)?;
    state.node.load().await?;
    state.node.renew().await?;
    let local = socket.as_deref().map(local::listen).transpose()?;
    let app = router(state.clone()).into_make_service_with_connect_info::<SocketAddr>();
    let handle = Handle::new();
    let mut server = axum_server::from_tcp(listener).map_err(cannot)?.handle(handle.clone());
    configure(&mut server);
    let server = server.first_request_timeout(HEAD_TIMEOUT);
    let serving = async {
        match tls {
            Some(tls) => {
                let acceptor = RustlsAcceptor::new(tls).handshake_timeout(HEAD_TIMEOUT);
                server.acceptor(acceptor).serve(app).await
            }
            None => server.serve(app).await,
        }
    };
    started(Started { address, token_file, link });
    let (stopped, stopping) = tokio::sync::watch::channel(false);
    let ending = async {
        stop.await;
        tracing::info!("ending");
        _ = stopped.send(true);
        handle.graceful_shutdown(Some(GRACE));
    };
    let mut told = stopping.clone();
    let tasks = state.tasks.run(async move {
        _ = told.wait_for(|is_told| *is_told).await;
    });
    let verifying = node::keep(&state.node, stopping.clone());
    let leaks = door::work(&state, stopping.clone());
    let asked = local::serve(local, state.clone(), stopping);
    let (served, ..) = tokio::select! {
        all = async { tokio::join!(serving, ending, tasks, verifying, leaks, asked) } => all,
        () = upkeep(&state) => (Ok(()), (), (), (), (), ()),
    };
    served.map_err(|error| Error::new("the server stopped").source(error))
}

fn configure(server: &mut Server<SocketAddr>) {
    server
        .http_builder()
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_buf_size(MAX_HEAD);
}

async fn certificate(chain: &PathBuf, key: &PathBuf) -> Result<RustlsConfig, Error> {
    RustlsConfig::from_pem_chain_file(chain, key).await.map_err(|error| {
        let (chain, key) = (chain.display(), key.display());
        Error::new(format!("cannot use the certificate `{chain}` with the key `{key}`"))
            .source(error)
            .hint("both are PEM files; the chain begins with the server's own certificate")
    })
}

/// The file with the first administrator's token, if there was no user yet.
async fn first_token(inventory: &Inventory) -> Result<Option<PathBuf>, Error> {
    let path = token::first(&secrets::folder(&inventory.location)?);
    let is_new = inventory.store.list_users().await;
    let is_new = is_new.map_err(cannot_read)?.is_empty();
    if is_new && path.exists() {
        let name = path.display();
        return Err(Error::new(format!(
            "there is a token already in `{name}`, of another inventory"
        ))
        .hint("move that file away, and start again"));
    }
    match users::first(inventory).await? {
        Some(created) => {
            write_token(&path, &created.text)?;
            Ok(Some(path))
        }
        None => Ok(None),
    }
}

fn write_token(path: &std::path::Path, text: &Secret) -> Result<(), Error> {
    token::write(path, text)
        .map_err(|error| error.hint("make another with: keytender tokens create administrator"))
}

fn state(
    inventory: &Inventory,
    options: Options,
    sealer: Sealer,
    base: Base,
) -> Result<State, Error> {
    let document = openapi::document_of();
    let folder = secrets::folder(&inventory.location)?;
    let node = Node::new(
        inventory.store.clone(),
        inventory.location.clone(),
        &options.node,
        options.on_partition,
        (&folder, sealer.clone()),
    )?;
    let tasks = Tasks::new(
        inventory.store.clone(),
        inventory.location.clone(),
        &options.node,
        options.intervals,
        options.timing,
    )?;
    Ok(State::new(Parts {
        tasks,
        node: Arc::new(node),
        door: Door::new(options.partner),
        gateways: Gateways::default(),
        store: inventory.store.clone(),
        location: inventory.location.clone(),
        guard: Guard::of(&document),
        limiter: Limiter::new(options.per_second),
        proxies: options.proxies,
        base,
        openid: options.openid,
        is_https: options.is_https,
        sealer,
        is_demo: options.is_demo,
        openapi: openapi::text(),
        published: Published::default(),
        metrics: recorder()?,
    }))
}

fn recorder() -> Result<PrometheusHandle, Error> {
    let cannot = |error: String| Error::new("cannot keep figures").source(error);
    let seconds = Matcher::Full("keytender_http_request_seconds".to_owned());
    let recorder = PrometheusBuilder::new()
        .set_buckets_for_metric(seconds, &SECONDS)
        .map_err(|error| cannot(error.to_string()))?
        .build_recorder();
    let handle = recorder.handle();
    metrics::set_global_recorder(recorder).map_err(|error| cannot(error.to_string()))?;
    Ok(handle)
}

async fn upkeep(state: &State) {
    loop {
        tokio::time::sleep(UPKEEP).await;
        state.limiter.forget();
        state.door.forget();
        state.metrics.run_upkeep();
    }
}
