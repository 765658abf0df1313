//! An API of axum that verifies keys within itself: no request waits for another server.

use std::error::Error;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::routing::{get, post};
use axum::{Extension, Router};
use keytender_core::secret::Secret;
use keytender_verify::feed::HttpFeed;
use keytender_verify::tower::KeyLayer;
use keytender_verify::{
    Accepted, Clock, Follower, Lease, OnPartition, Table, Turns, Usage, Verifier,
};

/// What the surroundings say.
fn said(name: &str) -> Result<String, String> {
    std::env::var(name).map_err(|_| format!("{name} is not set"))
}

async fn orders(Extension(key): Extension<Accepted>) -> String {
    format!("no orders of {}\n", key.app)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error + Send + Sync>> {
    let usage = Usage::open(Path::new("uses"), "node-1", 100_000, getrandom::u64()?)?.usage;
    let verifier =
        Verifier::new(Arc::new(Table::new()), Lease::new(OnPartition::Serve)).with_usage(usage);
    let (verifier, clock) = (Arc::new(verifier), Clock::start());
    let token = Secret::new(said("GATEWAY_TOKEN")?);
    let feed = HttpFeed::new(&said("KEYTENDER_URL")?, said("API_ID")?.parse()?, token)?;
    let _follower = Follower::start(Turns::new(feed, Arc::clone(&verifier), clock, "node-1"))?;
    // The two lines: who may read, and who may write.
    let keys = |scope| {
        KeyLayer::new(Arc::clone(&verifier), clock).scopes([scope]).place(None, Some("orders"))
    };
    let reads = Router::new().route("/orders", get(orders)).layer(keys("orders:read"));
    let writes = Router::new().route("/orders", post(orders)).layer(keys("orders:write"));
    let listener = tokio::net::TcpListener::bind(said("LISTEN")?.parse::<SocketAddr>()?).await?;
    Ok(axum::serve(listener, reads.merge(writes)).await?)
}
