//! Every provider of the shelf through the real engine, against a provider on loopback that answers as its
//! descriptor says, and as its own OpenAPI description says where that is among the shared data.
//!
//! What is right is decided here by other code than the engine's: the descriptor is read as plain data,
//! and requests, answers, times, states and assertions are made and checked anew.

mod acts;
mod compare;
mod deeds;
mod drive;
mod estate;
mod example;
mod fact;
mod habits;
mod model;
mod openapi;
mod paging;
mod paper;
mod planted;
mod record;
mod rotations;
mod schema;
mod script;
mod sign;
mod stamp;
mod state;
mod tree;

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Arc, LazyLock};

use keytender::connect::shelf;

use self::drive::{Until, drive};
use self::openapi::Description;
use self::paper::Paper;

#[path = "../../../keytender-core/tests/it/contract/providers.rs"]
mod providers;

/// What each live secret of a provider begins with.
const LIVE: &str = "l1ve-s3cret";

/// Schemes that the engine does not sign by.
const UNSIGNED: [&str; 2] = ["query", "request-signing"];

/// The description of a provider, where it is there.
fn description(id: &str) -> Option<Arc<Description>> {
    let shared = std::env::var("KEYTENDER_TEST_SHARED").ok()?;
    let known = providers::PROVIDERS.iter().find(|provider| provider.id == id)?;
    Some(Arc::new(Description::read(&known.paths(Path::new(&shared)), known.outside)))
}

/// Every call of a descriptor's kinds of keys, as `kind.operation`.
fn every(text: &str) -> BTreeSet<String> {
    let paper = Paper::read(text);
    let mut names = BTreeSet::new();
    for kind in paper.kinds() {
        let all = kind["operations"].as_object().unwrap().iter();
        let called = all.filter(|(_, operation)| operation.get("request").is_some());
        names.extend(called.map(|(name, _)| format!("{}.{name}", kind["id"].as_str().unwrap())));
    }
    names
}

/// The scheme of the first way of authentication that the engine cannot do.
fn unsigned(paper: &Paper) -> bool {
    let scheme = paper.method(None).map(|method| &method["scheme"]);
    let scheme = scheme.and_then(serde_json::Value::as_object);
    scheme.is_some_and(|scheme| UNSIGNED.iter().any(|name| scheme.contains_key(*name)))
}

/// The same descriptor with a bearer in the place of what the engine cannot do.
fn with_bearer(text: &str) -> String {
    let is_other =
        |line: &&str| UNSIGNED.iter().any(|name| line.contains(&format!("scheme: {{{name}")));
    let other = text.lines().find(is_other).unwrap();
    let lines = text.lines().filter(|line| !line.starts_with("      parts:"));
    let lines = lines.map(|line| if line == other { "      scheme: bearer" } else { line });
    lines.collect::<Vec<_>>().join("\n")
}

/// A provider that the engine can be run against.
struct Provider {
    id: &'static str,
    /// Its descriptor, with a bearer where the engine cannot sign as the provider wants.
    text: String,
    description: Option<Arc<Description>>,
}

/// The providers that have calls.
static PROVIDERS: LazyLock<Vec<Provider>> = LazyLock::new(|| {
    let provider = |id| {
        let text = shelf::text(id).unwrap();
        let text = if unsigned(&Paper::read(text)) { with_bearer(text) } else { text.to_owned() };
        let description = description(id);
        (!every(&text).is_empty()).then_some(Provider { id, text, description })
    };
    shelf::names().filter_map(provider).collect()
});

#[test]
fn every_provider_runs_through_the_engine() {
    let (mut described, mut alone, mut count) = (0, 0, 0);
    let (mut came, mut held, mut outside) = (0, 0, 0);
    let mut faults = Vec::new();
    for Provider { id, text, description } in &*PROVIDERS {
        let ran = drive(text, text, description.as_ref(), Until::End);
        match description {
            Some(_) => described += 1,
            None => alone += 1,
        }
        let missing = every(text).difference(&ran.done).cloned().collect::<Vec<_>>();
        faults.extend(missing.into_iter().map(|name| format!("{id}: {name} was not done")));
        count += ran.done.len();
        came += ran.requests.0;
        held += ran.requests.1;
        outside += ran.requests.2;
        faults.extend(ran.faults.into_iter().map(|fault| format!("{id}: {fault}")));
    }
    let whole = shelf::names().count();
    eprintln!(
        "{} of {whole} providers through the engine, {described} made from their OpenAPI descriptions and \
         {alone} from their descriptors alone; the others have no call at all",
        described + alone
    );
    eprintln!(
        "{count} operations, {came} requests: {held} held against descriptions, {outside} that these were \
         cut off from"
    );
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
    assert!(described + alone >= 50, "{} providers have calls", described + alone);
}

/// The engine refuses, without a call, to sign in a way that a descriptor cannot say.
#[test]
fn what_cannot_be_signed_is_not_asked() {
    let mut count = 0;
    for id in shelf::names().filter(|id| unsigned(&Paper::read(shelf::text(id).unwrap()))) {
        let text = shelf::text(id).unwrap();
        let ran = drive(text, text, None, Until::End);
        assert_eq!((ran.requests.0, ran.done.len()), (0, 0), "{id}");
        let is_refused = |fault: &String| fault.starts_with("open: ");
        assert!(
            !ran.faults.is_empty() && ran.faults.iter().all(is_refused),
            "{id}: {:?}",
            ran.faults
        );
        count += 1;
    }
    assert!(count >= 4, "{count} providers");
}
