//! The demonstration: an estate that is made up, served from a database that is gone afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use keytender::app::demo;
use keytender::app::inventory::{Inventory, Sight};
use keytender::store::Store;
use keytender::store::acts::Actor;
use keytender::store::db::Location;
use keytender_core::policy::{DEFAULT, Policy};
use keytender_core::time::Time;

use crate::Home;
use crate::databases::block_on;
use crate::served::Served;
use crate::server_ends::until;

/// A Tuesday in the afternoon.
const NOW: &str = "2026-11-24T15:20:00Z";

/// The estate of a seed at a moment, in a file.
fn filled(path: &Path, seed: u64, now: &str) -> Inventory {
    let location = Location::parse(&path.display().to_string());
    block_on(async {
        let inventory = Inventory {
            store: Store::open(&location).await.unwrap(),
            location: location.clone(),
            actor: Actor { name: "test".to_owned(), origin: "test".to_owned() },
            now: Time::parse(now).unwrap(),
            sight: Sight::default(),
        };
        demo::fill(&inventory, seed).await.unwrap();
        inventory
    })
}

/// Each row of a question, its columns as text.
fn rows(inventory: &Inventory, sql: &str) -> Vec<Vec<String>> {
    let columns = sql.split(" FROM ").next().unwrap().split(", ").count();
    block_on(async {
        let rows = inventory.store.db().fetch(sql, Vec::new()).await.unwrap();
        let texts = |row: &keytender::store::db::Row| {
            let mut cells = row.cells();
            (0..columns).map(|_| cells.maybe_text().unwrap().unwrap_or_default()).collect()
        };
        rows.iter().map(texts).collect()
    })
}

/// How many rows have each word of a column.
fn counted(inventory: &Inventory, table: &str, column: &str) -> BTreeMap<String, u64> {
    let mut counts = BTreeMap::new();
    for row in rows(inventory, &format!("SELECT {column} FROM {table}")) {
        *counts.entry(row[0].clone()).or_default() += 1;
    }
    counts
}

#[test]
fn the_estate_has_400_keys_in_every_state_and_breaks_every_rule() {
    let home = Home::new();
    for now in [NOW, "2027-02-27T00:10:00Z", "2028-02-29T23:50:00Z"] {
        let path = home.path().join(now.replace(':', "-"));
        let inventory = filled(&path, demo::SEED, now);
        let mut states = counted(&inventory, "keys", "state");
        let words: BTreeSet<&str> = states.keys().map(String::as_str).collect();
        let all =
            ["active", "compromised", "deactivated", "destroyed", "pre-activation", "suspended"];
        assert_eq!(words, all.into(), "{now}");
        assert!(states.remove("destroyed").unwrap() > 200, "{now}");
        assert_eq!(states.values().sum::<u64>(), 400, "{now}");
        let policy = Policy::parse(DEFAULT).unwrap();
        let rules: BTreeSet<String> = policy.rules().iter().map(|rule| rule.id.clone()).collect();
        let open = counted(&inventory, "findings WHERE resolved_at IS NULL", "rule");
        assert_eq!(open.into_keys().collect::<BTreeSet<_>>(), rules, "{now}");
        let over = counted(&inventory, "findings WHERE resolved_at IS NOT NULL", "rule");
        assert!(over["key-age"] > 100, "{now}: {over:?}");
        let due = counted(&inventory, "keys WHERE state <> 'destroyed'", "CAST(due AS TEXT)");
        assert!((100..180).contains(&due["1"]), "{now}: {due:?}");
        assert!(counted(&inventory, "accounts", "provider").len() > 14);
        let told = counted(&inventory, "notices", "state");
        assert!(told["sent"] > 20 && told["dead"] > 0, "{now}: {told:?}");
        let known = counted(&inventory, "keys WHERE uses > 3 AND largest_gap > 0", "state");
        assert!(known["active"] > 250, "{now}: {known:?}");
        let failed = counted(&inventory, "syncs WHERE error IS NOT NULL", "error");
        assert_eq!(failed.len(), 1, "{failed:?}");
        assert!(counted(&inventory, "keys WHERE keep_until IS NOT NULL", "keep_reason").len() > 1);
    }
}

/// What there is to compare of an estate: acts have ids of their own.
fn estate(inventory: &Inventory) -> Vec<Vec<Vec<String>>> {
    let text = |name: &str| format!("CAST({name} AS TEXT)");
    [
        ("keys", vec!["id", "state", "created_at", "use_at", "owner_id", "rules", "evaluate_at"]),
        ("findings", vec!["key_id", "rule", "since", "found_at", "resolved_at"]),
        ("notices", vec!["id", "recipient", "subject", "state", "created_at", "sent_at"]),
        ("key_uses", vec!["key_id", "at", "region", "service"]),
        ("syncs", vec!["id", "started_at", "keys", "changes"]),
        ("acts", vec!["at", "actor", "verb", "stage", "target_id", "why"]),
        ("principals", vec!["id", "name", "tags"]),
        ("versions", vec!["subject_id", "at", "what", "facts"]),
    ]
    .into_iter()
    .map(|(table, columns)| {
        let columns: Vec<String> = columns.into_iter().map(text).collect();
        let columns = columns.join(", ");
        rows(inventory, &format!("SELECT {columns} FROM {table} ORDER BY {columns}"))
    })
    .collect()
}

#[test]
fn one_seed_and_one_moment_give_one_estate() {
    let home = Home::new();
    let one = estate(&filled(&home.path().join("one.db"), 7, NOW));
    let again = estate(&filled(&home.path().join("again.db"), 7, NOW));
    let other = estate(&filled(&home.path().join("other.db"), 8, NOW));
    assert!(one == again);
    assert!(one != other);
    assert_eq!(one[0].len(), one[0].iter().map(|row| &row[0]).collect::<BTreeSet<_>>().len());
}

#[test]
fn no_address_leads_outside_of_the_example_domains_and_nobody_can_be_asked() {
    let home = Home::new();
    let path = home.path().join("demo.db");
    let inventory = filled(&path, demo::SEED, NOW);
    let kinds = counted(&inventory, "accounts", "kind");
    assert_eq!(kinds.into_keys().collect::<Vec<_>>(), ["manual"]);
    assert!(counted(&inventory, "tasks WHERE name LIKE 'sync:%'", "name").is_empty());
    let settings = counted(&inventory, "settings", "name");
    assert!(!settings.contains_key("notices_started_at"), "{settings:?}");
    let channels = rows(&inventory, "SELECT settings FROM channels");
    assert!(channels.len() == 1 && channels[0][0].contains("\"127.0.0.1\""), "{channels:?}");
    let ids = rows(&inventory, "SELECT provider_id FROM keys WHERE provider_id IS NOT NULL");
    assert!(ids.iter().all(|id| id[0].ends_with("EXAMPLE") || id[0].starts_with("example-")));
    let refused = block_on(demo::fill(&inventory, demo::SEED));
    assert!(refused.unwrap_err().to_string().contains("empty"), "twice is refused");
    for (table, column) in [
        ("owners", "address"),
        ("principals", "name"),
        ("accounts", "contact"),
        ("channels", "settings"),
        ("notices", "recipient"),
        ("notices", "content"),
        ("settings", "value"),
        ("acts", "details"),
        ("keys", "where_used"),
    ] {
        for row in rows(&inventory, &format!("SELECT {column} FROM {table}")) {
            let domains = row[0].split('@').skip(1);
            let is_made_up =
                |rest: &str| ["example.com", "media", "page"].iter().any(|it| rest.starts_with(it));
            assert!(domains.clone().all(is_made_up), "{table}.{column}: {}", row[0]);
        }
    }
}

/// The folder of a demonstration, as the server says it.
fn folder(said: &[String]) -> PathBuf {
    let line = said.iter().find_map(|line| line.split("token is in ").nth(1)).unwrap();
    PathBuf::from(line.split(';').next().unwrap()).parent().unwrap().to_owned()
}

#[test]
fn a_demonstration_prints_what_is_due_then_the_address_and_is_gone_when_it_ends() {
    // Whatever would be asked of a provider would come here.
    let provider = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    provider.set_nonblocking(true).unwrap();
    let url = format!("http://{}", provider.local_addr().unwrap());
    let home = Home::new()
        .with("KEYTENDER_DATABASE", "/nowhere/to/be/found.db")
        .with("AWS_ENDPOINT_URL", &url)
        .with("AWS_REGION", "eu-central-1")
        .with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
        .with("AWS_SECRET_ACCESS_KEY", "nothing")
        .with("HTTPS_PROXY", &url);
    let mut served = Served::start_with(&home, &["--demo"]);
    let printed = served.printed();
    let head = printed.lines().next().unwrap();
    assert!(head.starts_with("SEVERITY") && head.contains("LAST USED"), "{printed}");
    assert!(printed.contains("root") && printed.contains("ci-deploy"), "{printed}");
    assert!(printed.contains(" other keys that matter less"), "{printed}");
    assert!(printed.contains(" of 400 keys are due"), "{printed}");
    let said = served.said(3);
    assert!(said[2].contains("made up"), "{said:?}");
    let folder = folder(&said);
    assert!(folder.join("demonstration.db").exists(), "{}", folder.display());
    served.token = std::fs::read_to_string(folder.join("administrator.token")).unwrap();
    served.token.truncate(served.token.trim_end().len());
    let keys = served.get("/v1/keys?limit=1").expect(200);
    assert_eq!(
        keys["total"], 410,
        "nine are issued, and the administrator's token is a key as well: {keys}"
    );
    let held = served.get("/v1/keys?side=held&limit=1").expect(200);
    assert_eq!(held["total"], 400, "{held}");
    // What it issues: one exposed and used since, one in overlap whose old key is used, one that ends soon.
    let exposed = served.get("/v1/exposures").expect(200);
    let mut exposed = exposed["exposures"].as_array().unwrap().iter();
    let issued = exposed.find(|one| one["key"]["provider"] == "acme").unwrap();
    assert_eq!(
        (&issued["reported_by"], &issued["key"]["label"]),
        (&"mia".into(), &"dashboard".into())
    );
    assert!(issued["key"]["last_used"]["at"].as_str() > issued["reported_at"].as_str(), "{issued}");
    let old = served.get("/v1/keys?provider=acme&text=checkout&sort=age").expect(200);
    let place = format!("/v1/keys/{}/rotations", old["keys"][0]["key"].as_str().unwrap());
    let rotation = served.get(&place).expect(200);
    assert_eq!(rotation["stage"], "overlap", "{rotation}");
    assert_eq!(rotation["still_used"][0]["service"], "nightly-export", "{rotation}");
    let ending = served.get("/v1/keys?provider=acme&expires_within=30d").expect(200);
    assert!(
        ending["keys"].as_array().unwrap().iter().any(|one| one["label"] == "sync"),
        "{ending}"
    );
    // Asked for everything that a server does by itself, it does it without a word to anybody.
    for task in ["sync", "evaluate", "notify", "seal", "rotations", "report", "sweep"] {
        served.post(&format!("/v1/tasks/{task}/runs"), &serde_json::json!({})).expect(202);
    }
    until(|| {
        let tasks = served.get("/v1/tasks").expect(200);
        let mut tasks = tasks["tasks"].as_array().unwrap().iter();
        tasks.all(|task| task["is_asked"] == false && task["outcome"] == "done")
    });
    assert_eq!(provider.accept().unwrap_err().kind(), std::io::ErrorKind::WouldBlock);
    assert_eq!(served.end(), 0);
    assert!(!folder.exists(), "{}", folder.display());
    let left: Vec<_> = std::fs::read_dir(home.path()).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_demonstration_takes_no_other_database_and_writes_no_other_log() {
    let home = Home::new();
    let refused = home.run(&["serve", "--demo", "--database", "keys.db"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("--demo brings a database"), "{}", refused.stderr);
    let home = home.with("KEYTENDER_CHECKPOINTS", "checkpoints.jsonl");
    let refused = home.run(&["serve", "--demo"]);
    assert_eq!(refused.code, 2, "{}", refused.stderr);
    assert!(refused.stderr.contains("KEYTENDER_CHECKPOINTS is set"), "{}", refused.stderr);
    assert!(refused.stdout.is_empty());
}
