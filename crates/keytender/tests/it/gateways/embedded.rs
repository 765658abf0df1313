//! An API of axum that verifies within itself, by the lines that are printed.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use keytender_core::secret::Secret;
use keytender_verify::feed::HttpFeed;
use keytender_verify::tower::KeyLayer;
use keytender_verify::{Clock, Follower, Lease, OnPartition, Table, Turns, Usage, Verifier};
use serde_json::json;

use super::{Created, public};
use crate::databases::block_on;
use crate::verifying::until;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Answers requests with a good key, as the printed lines have it; what stands around them is the API's own.
async fn serve(
    folder: &Path,
    server: &str,
    id: &str,
    token: &str,
    address: SocketAddr,
) -> Result<(), Failure> {
    let uses = folder.join("uses");
    let router: Router = Router::new().route("/", get(async || "hello"));
    // begin
    let usage = Usage::open(&uses, "node-1", 100_000, getrandom::u64()?)?.usage;
    let verifier =
        Verifier::new(Arc::new(Table::new()), Lease::new(OnPartition::Serve)).with_usage(usage);
    let (verifier, clock) = (Arc::new(verifier), Clock::start());
    let feed = HttpFeed::new(server, id.parse()?, Secret::new(token))?;
    let _follower = Follower::start(Turns::new(feed, Arc::clone(&verifier), clock, "node-1"))?;
    let router = router.layer(KeyLayer::new(verifier, clock));
    // end
    let listener = tokio::net::TcpListener::bind(address).await?;
    Ok(axum::serve(listener, router).await?)
}

/// The lines above, as they would be printed.
fn lines(server: &str, id: &str, token: &str) -> String {
    let own = include_str!("embedded.rs")
        .split_once("// begin")
        .unwrap()
        .1
        .split_once("// end")
        .unwrap()
        .0;
    let own: String = own.split_whitespace().collect();
    own.replace("&uses,", "Path::new(\"uses\"),")
        .replace("new(server,id.parse()?,", &format!("new(\"{server}\",\"{id}\".parse()?,"))
        .replace("Secret::new(token)", &format!("Secret::new(\"{token}\")"))
}

#[test]
fn an_api_of_axum_verifies_within_itself_by_the_lines_that_are_printed() {
    let created = Created::new();
    let (server, token) = (created.served.url.clone(), created.token());
    let api = created.served.get("/v1/apis/acme").expect(200);
    let id = api["id"].as_str().unwrap().to_owned();
    let printed: String = created.block("axum, within").split_whitespace().collect();
    assert_eq!(printed, lines(&server, &id, &token));
    let (folder, address) = (created.home.path().to_owned(), created.gateway);
    std::thread::spawn(move || {
        block_on(async { serve(&folder, &server, &id, &token, address).await.unwrap() });
    });
    until(|| std::net::TcpStream::connect(address).is_ok());
    let key = created.key();
    until(|| created.status(&key) == 200);
    let [good, bad] = created.tried().try_into().unwrap();
    assert!(good.starts_with("HTTP/1.1 200") && good.ends_with("hello"), "{good}");
    assert!(bad.starts_with("HTTP/1.1 401"), "{bad}");
    let place = format!("/v1/keys/{}", public(&key));
    // What it has counted reaches the server, and it says that it refuses what is revoked.
    until(|| created.served.get(&format!("{place}/usage")).expect(200)["uses"].as_u64() >= Some(2));
    let asked = json!({"wait": "enforced"});
    let revoked = created.served.post(&format!("{place}/revocation"), &asked).expect(200);
    assert!(revoked["enforced_at"].is_string(), "{revoked}");
    assert_eq!(created.status(&key), 401);
}
