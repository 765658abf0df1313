//! The keys that the made-up company issues for an API of its own: customers, their apps and keys, and where these
//! are used. All of it comes about by the use cases that people and verifiers have; a key is made by chance, so these
//! are others each time.

use std::collections::HashMap;

use keytender_core::id::KeyId;
use keytender_core::time::{Span, Time};
use keytender_core::token::Environment;
use keytender_verify::feed::{Batch, Place, Row, VERSION};

use super::history::at_moment;
use super::world::{days, minutes};
use crate::app::apis::{self, NewApi};
use crate::app::apps::{self, NewApp};
use crate::app::customers::{self, NewCustomer};
use crate::app::inventory::Inventory;
use crate::app::issued::{self, Activation, NewIssued, NewRotation};
use crate::app::node::feed;
use crate::app::notify::of_api;
use crate::app::view::KeyChange;
use crate::app::{evaluate, keys};
use crate::error::Error;
use crate::store::apis::{ApiSettings, PortalSettings};
use crate::store::apps::{Limits, Rate};

const API: &str = "acme";
/// The verifier that tells uses, and the file in which it counts.
const VERIFIER: (&str, i64) = ("gateway-1", 1);

/// A customer's app: customer, name, scopes, requests a minute.
const APPS: [(&str, &str, &[&str], u32); 4] = [
    ("globex", "web-shop", &["orders:read", "orders:write"], 600),
    ("globex", "warehouse", &["stock:read"], 0),
    ("initech", "reports", &["orders:read"], 60),
    ("umbrella", "nightly-sync", &["orders:read", "stock:read"], 0),
];

/// A key: its app, its name, how many days ago it was made, after how many days from now it ends, if it does.
const KEYS: [(usize, &str, i64, Option<i64>); 7] = [
    (0, "checkout", 212, None),
    (0, "mobile", 45, None),
    (1, "scanners", 130, None),
    (2, "dashboard", 88, None),
    (2, "spreadsheet", 300, None),
    (3, "sync", 353, Some(12)),
    (3, "spare", 90, None),
];

/// Where a key is used, how often a day, for how many days up to how many minutes ago: key, region, service, address.
type Use = (usize, &'static str, &'static str, &'static str, u64, i64, i64);
const USES: [Use; 7] = [
    (0, "eu-west-1", "orders", "203.0.113.20", 5_200, 30, 2 * 1_440),
    (0, "us-east-1", "payments", "203.0.113.21", 900, 30, 2 * 1_440),
    (0, "eu-west-1", "nightly-export", "198.51.100.7", 24, 30, 47),
    (1, "eu-central-1", "orders", "203.0.113.44", 310, 21, 3),
    (2, "eu-central-1", "stock", "192.0.2.90", 1_440, 30, 1),
    (3, "us-east-1", "orders", "198.51.100.61", 96, 14, 19),
    (5, "ap-southeast-2", "orders", "192.0.2.14", 4, 30, 310),
];

/// Adds them, each at its time.
///
/// # Errors
/// When the database does not do its part.
pub(super) async fn fill(inventory: &Inventory) -> Result<(), Error> {
    let now = inventory.now;
    let at = |ago: Span| at_moment(inventory, now.minus(ago));
    let first = at(days(360));
    let portal = PortalSettings {
        accent: Some("#0b6b5d".to_owned()),
        support: Some("https://acme-orders.example/help".to_owned()),
        docs: Some("https://acme.example/docs".to_owned()),
        return_hosts: vec!["app.acme.example".to_owned()],
        ..PortalSettings::default()
    };
    let settings =
        ApiSettings { title: Some("Acme Orders".to_owned()), portal, ..ApiSettings::default() };
    apis::add(&first, NewApi { name: API.to_owned(), brand: None, settings }).await?;
    let said = |text: &str| Some(Some(text.to_owned()));
    let voice = of_api::Change {
        started: None,
        from: said("keys@acme-orders.example"),
        reply_to: said("help@acme-orders.example"),
        keys_page: said("https://acme-orders.example/settings/keys"),
    };
    of_api::change(&first, API, &voice, |_| Ok(())).await?;
    let apps = add_apps(&first).await?;
    let mut made = Vec::with_capacity(KEYS.len());
    for (app, label, ago, ends) in KEYS {
        let expires_at = ends.map(|days_left| Some(now.plus(days(days_left))));
        let app = apps.get(app).map(String::as_str).unwrap_or_default();
        made.push(create(&at(days(ago)), app, label, expires_at).await?);
    }
    let [checkout, _, scanners, dashboard, spreadsheet, ..] = made.as_slice() else {
        return Ok(());
    };
    let word = |key: &KeyId| key.to_string();
    issued::revoke(&at(days(33)), &word(spreadsheet), true, Some("mailed to a list by mistake"))
        .await?;
    // One in overlap, of which the old key is still used; one whose new key nobody has used yet.
    let next = rotate(&at(days(4)), &word(checkout), "once a year").await?;
    rotate(&at(minutes(300)), &word(scanners), "the person who set it up has left").await?;
    let mut counts = Counts::default();
    for ago in (0..=30_i64).rev() {
        let mut rows = counts.of_day(&made, now, ago);
        if ago <= 2 {
            let used_at = now.minus(days(ago)).minus(minutes(2));
            rows.push(counts.row(next, used_at, "eu-west-1", "orders", "203.0.113.20", 5_100));
        }
        tell(&at(days(ago)), rows).await?;
    }
    let exposed = KeyChange {
        exposed: Some(true),
        because: Some("found in a public repository by its scanner".to_owned()),
        ..KeyChange::default()
    };
    keys::set(&at(minutes(95)), &word(dashboard), &exposed, |_| Ok(())).await?;
    evaluate::run(&inventory.store, now).await.map(|_| ())
}

async fn add_apps(then: &Inventory) -> Result<Vec<String>, Error> {
    let mut apps = Vec::new();
    for (customer, name, scopes, per_minute) in APPS {
        let account = format!("{API}/{customer}");
        if !apps.iter().any(|(known, _)| *known == customer) {
            let contact = Some(format!("dev@{customer}.example"));
            let new = NewCustomer { name: customer.to_owned(), external_id: None, contact };
            customers::add(then, API, new).await?;
        }
        let rate = Rate { requests: per_minute, seconds: 60, burst: None };
        let new = NewApp {
            name: name.to_owned(),
            scopes: scopes.iter().map(|scope| (*scope).to_owned()).collect(),
            limits: Limits { rate: (per_minute > 0).then_some(rate), quota: None },
            labels: Default::default(),
        };
        apps.push((customer, apps::add(then, &account, new).await?.id));
    }
    Ok(apps.into_iter().map(|(_, id)| id).collect())
}

async fn create(
    then: &Inventory,
    app: &str,
    label: &str,
    expires_at: Option<Option<Time>>,
) -> Result<KeyId, Error> {
    let new = NewIssued {
        label: label.to_owned(),
        environment: Environment::Live,
        scopes: Vec::new(),
        networks: Vec::new(),
        expires_at,
    };
    Ok(issued::create(then, app, new).await?.key_id)
}

async fn rotate(then: &Inventory, word: &str, why: &str) -> Result<KeyId, Error> {
    let (overlap, expires_at) = (None, None);
    let why = Some(why.to_owned());
    let new = NewRotation { overlap, activation: Activation::OnFirstUse, expires_at, why };
    Ok(issued::rotate(then, word, new).await?.key_id)
}

async fn tell(then: &Inventory, rows: Vec<Row>) -> Result<(), Error> {
    if rows.is_empty() {
        return Ok(());
    }
    let (node, epoch) = (VERIFIER.0.to_owned(), VERIFIER.1);
    let batch = Batch { version: VERSION, node, epoch, sequence: 1, rows };
    feed::usage(then, API, batch).await.map(|_| ())
}

/// What the verifier has counted of each key.
#[derive(Default)]
struct Counts(HashMap<KeyId, u64>);

impl Counts {
    /// The uses of a day that many days ago, a row a key.
    fn of_day(&mut self, made: &[KeyId], now: Time, ago: i64) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        for (key, region, service, address, often, begun, ended) in USES {
            let last = now.minus(minutes(ended)).min(now.minus(days(ago)));
            let Some(key) =
                made.get(key).filter(|_| ago <= begun && days(ago + 1) > minutes(ended))
            else {
                continue;
            };
            // More on working days, and never quite the same.
            let often = often - often * u64::try_from((ago * 37 + 11) % 29).unwrap_or(0) / 60;
            let row = self.row(*key, last, region, service, address, often);
            match rows.iter_mut().find(|known| known.key == *key) {
                Some(known) => {
                    known.count = row.count;
                    known.places.extend(row.places);
                    if row.last_used_at >= known.last_used_at {
                        known.last_used_at = row.last_used_at;
                        known.address = row.address;
                    }
                }
                None => rows.push(row),
            }
        }
        rows
    }

    fn row(
        &mut self,
        key: KeyId,
        at: Time,
        region: &str,
        service: &str,
        address: &str,
        often: u64,
    ) -> Row {
        let count = self.0.entry(key).or_default();
        *count += often;
        let at = at.to_seconds();
        let (region, service) = (Some(region.to_owned()), Some(service.to_owned()));
        Row {
            key,
            count: *count,
            last_used_at: at,
            address: address.parse().ok(),
            agent: Some(if often < 100 { "curl" } else { "acme-sdk" }.to_owned()),
            places: vec![Place { region, service, last_used_at: at }],
        }
    }
}
