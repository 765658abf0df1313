//! Keys do what a small model of them does, whatever is done to them in whatever order, at one server and at two.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use keytender_core::time::{Span, Time};
use serde_json::{Value, json};

use super::wire::Wire;
use super::{Gate, Issued};
use crate::databases::new_databases;
use crate::killed::Chance;
use crate::served::Answer;

/// How many acts are done on each database, with one server and with two.
const STEPS: usize = 200;
/// The most keys that have not ended.
const MOST: usize = 8;
/// The longest that a server may take to hear of something.
const HEARD: Duration = Duration::from_secs(60);
/// Near to a moment it is not known on which side of it a server is: ends are kept to a second.
const EDGE: Span = Span::from_micros(1_300_000);

/// To which ends are kept.
const SECOND: Span = Span::from_micros(1_000_000);

/// What is acted at is known a little later here.
const LATE: Span = Span::from_micros(300_000);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stand {
    Pending,
    Active,
    Suspended,
    Ended,
}

/// A key as the model knows it; others are named by their places.
#[derive(Clone, Debug)]
struct Key {
    issued: Issued,
    stand: Stand,
    is_compromised: bool,
    ends: Option<Time>,
    retires: Option<Time>,
    next: Option<usize>,
    before: Option<usize>,
    overlap: Span,
}

struct Model {
    gate: Gate,
    chance: Chance,
    keys: Vec<Key>,
    wires: Vec<Wire<TcpStream>>,
    is_app_suspended: bool,
    is_account_suspended: bool,
}

fn now() -> Time {
    keytender::clock::now()
}

impl Key {
    /// Whether one answer is as good as another: ends are kept to the second, and two may fall into the same.
    fn may_be(&self, expected: &str, said: &str) -> bool {
        let is_close = |(one, other): (Time, Time)| one.max(other).since(one.min(other)) < SECOND;
        let over = ["key-superseded", "key-expired"];
        self.ends.zip(self.retires).is_some_and(is_close)
            && over.contains(&expected)
            && over.contains(&said)
    }
}

impl Model {
    fn new(gate: Gate, seed: u64) -> Self {
        let wires = gate.nodes.iter().map(|node| Wire::to(&node.url)).collect();
        let chance = Chance::new(seed);
        let (is_app_suspended, is_account_suspended) = (false, false);
        Self { gate, chance, keys: Vec::new(), wires, is_app_suspended, is_account_suspended }
    }

    /// What a key is to be told; none while a moment is too near.
    fn expected(&self, key: &Key) -> Option<&'static str> {
        let now = now();
        match key.stand {
            Stand::Suspended => return Some("key-suspended"),
            Stand::Ended if key.retires.is_some() && !key.is_compromised => {
                return Some("key-superseded");
            }
            Stand::Ended => return Some("key-revoked"),
            Stand::Pending | Stand::Active => {}
        }
        let near =
            |at: Option<Time>| at.is_some_and(|at| at.minus(EDGE) < now && now < at.plus(LATE));
        if near(key.ends) || near(key.retires) {
            return None;
        }
        let is_over = |at: Option<Time>| at.is_some_and(|at| at <= now);
        let is_first = |one: Option<Time>, other: Option<Time>| match (one, other) {
            (Some(one), Some(other)) => one < other,
            (Some(_), None) => true,
            (None, _) => false,
        };
        if is_over(key.retires) && !is_first(key.ends, key.retires) {
            Some("key-superseded")
        } else if is_over(key.ends) {
            Some("key-expired")
        } else if self.is_app_suspended {
            Some("app-suspended")
        } else if self.is_account_suspended {
            Some("account-suspended")
        } else {
            Some("")
        }
    }

    /// Waits until every server says of every key what the model says.
    fn agree(&mut self, doing: &str) {
        let end = Instant::now() + HEARD;
        for place in 0..self.keys.len() {
            for node in 0..self.wires.len() {
                loop {
                    let key = self.keys[place].clone();
                    let shown = format!("Authorization: Bearer {}", key.issued.text);
                    let reply = self.wires[node].get("/v1/keys/self", &[&shown]).unwrap();
                    let said = serde_json::from_str::<Value>(&reply.body).unwrap();
                    let said = said["type"]
                        .as_str()
                        .unwrap_or("")
                        .trim_start_matches("/problems/")
                        .to_owned();
                    let expected = self.expected(&key);
                    if expected
                        .is_some_and(|expected| expected == said || key.may_be(expected, &said))
                    {
                        break;
                    }
                    let stands = (node, place, said, expected);
                    assert!(Instant::now() < end, "after {doing}: {stands:?} {key:?}");
                    super::pause(Duration::from_millis(5));
                }
            }
        }
    }

    /// A key of those of which this holds.
    fn choose(&mut self, is_meant: impl Fn(&Self, &Key) -> bool) -> Option<usize> {
        let places: Vec<usize> =
            (0..self.keys.len()).filter(|place| is_meant(self, &self.keys[*place])).collect();
        if places.is_empty() { None } else { Some(places[self.chance.place(places.len())]) }
    }

    fn works(&self, key: &Key) -> bool {
        key.stand == Stand::Active && self.expected(key) == Some("")
    }

    fn node(&mut self) -> usize {
        self.chance.place(self.gate.nodes.len())
    }

    /// Does an act at one of the servers.
    fn post(&mut self, path: &str, body: &Value) -> Answer {
        let node = self.node();
        self.gate.nodes[node].post(path, body)
    }

    fn place(&self, key: usize, behind: &str) -> String {
        format!("/v1/keys/{}/{behind}", self.keys[key].issued.id)
    }

    fn create(&mut self) -> Option<String> {
        if self.keys.iter().filter(|key| key.stand != Stand::Ended).count() >= MOST {
            return None;
        }
        let ends = (self.chance.below(4) == 0).then(|| now().plus(Span::from_micros(2_000_000)));
        let path = format!("/v1/apps/{}/keys", self.gate.app);
        let answer = self.post(&path, &json!({"label": "one", "expires_at": ends}));
        self.add(Issued::of(&answer), Stand::Active, ends, None, Span::days(0));
        Some("create".to_owned())
    }

    fn add(
        &mut self,
        issued: Issued,
        stand: Stand,
        ends: Option<Time>,
        before: Option<usize>,
        overlap: Span,
    ) {
        let (is_compromised, retires, next) = (false, None, None);
        self.keys.push(Key { issued, stand, is_compromised, ends, retires, next, before, overlap });
    }

    fn rotate(&mut self) -> Option<String> {
        let old = self.choose(|model, key| {
            let is_free = key.next.is_none_or(|next| model.keys[next].stand == Stand::Pending);
            model.works(key) && is_free && key.retires.is_none()
        })?;
        let is_at_once = self.chance.below(3) == 0;
        let (word, overlap) = match self.chance.below(2) {
            0 => ("2s", Span::from_micros(2_000_000)),
            _ => ("9d", Span::days(9)),
        };
        let activation = if is_at_once { "immediately" } else { "on_first_use" };
        let body = json!({"overlap": word, "activation": activation});
        let path = self.place(old, "rotations");
        let issued = Issued::of(&self.post(&path, &body));
        if let Some(cancelled) = self.keys[old].next {
            self.keys[cancelled].stand = Stand::Ended;
        }
        let stand = if is_at_once { Stand::Active } else { Stand::Pending };
        self.add(issued, stand, None, Some(old), overlap);
        let new = self.keys.len() - 1;
        self.keys[old].next = Some(new);
        self.keys[old].retires = is_at_once.then(|| now().plus(overlap));
        Some(format!("rotate {old} to {new}, {activation}, {word}"))
    }

    fn use_one(&mut self) -> Option<String> {
        let place = self.choose(|model, key| model.expected(key).is_some())?;
        let node = self.node();
        let expected = self.expected(&self.keys[place]);
        let said = self.gate.ask(node, &self.keys[place].issued.text).problem();
        // A moment may have come while it was asked.
        if self.expected(&self.keys[place]) == expected {
            assert_eq!(Some(said.as_str()), expected, "{:?}", self.keys[place]);
        }
        if said.is_empty() && self.keys[place].stand == Stand::Pending {
            let key = &mut self.keys[place];
            key.stand = Stand::Active;
            let (before, overlap) = (key.before, key.overlap);
            if let Some(before) = before.filter(|before| self.keys[*before].stand != Stand::Ended) {
                self.keys[before].retires = Some(now().plus(overlap));
            }
            self.written(place);
        }
        Some(format!("use {place}"))
    }

    /// Waits until a first use is written: who acts before that meets a key that is still pending.
    fn written(&self, place: usize) {
        super::until(|| self.gate.seen(&self.keys[place].issued)["state"] == "active");
    }

    fn cancel(&mut self) -> Option<String> {
        let old = self.choose(|model, key| {
            let is_fresh = key.next.is_some_and(|next| {
                let next = &model.keys[next];
                next.stand != Stand::Ended && next.next.is_none()
            });
            key.stand == Stand::Active
                && is_fresh
                && key.retires.is_none_or(|at| now().plus(EDGE) < at)
        })?;
        let (node, path) = (self.node(), self.place(old, "rotations"));
        let answer = self.gate.nodes[node].delete(&path);
        if answer.status == 409 && self.keys[old].retires.is_some_and(|at| at <= now()) {
            return Some("cancel too late".to_owned());
        }
        answer.expect(204);
        let next = self.keys[old].next.take().unwrap();
        self.keys[next].stand = Stand::Ended;
        self.keys[old].retires = None;
        Some(format!("cancel {old}"))
    }

    fn finish(&mut self) -> Option<String> {
        let old = self.choose(|model, key| {
            let is_active = |next: usize| model.keys[next].stand == Stand::Active;
            key.stand == Stand::Active && key.retires.is_some() && key.next.is_some_and(is_active)
        })?;
        let path = self.place(old, "rotations/completion");
        self.post(&path, &json!({})).expect(200);
        self.keys[old].stand = Stand::Ended;
        Some(format!("finish {old}"))
    }

    fn suspend(&mut self) -> Option<String> {
        let place = self
            .choose(|model, key| model.works(key) && key.next.is_none() && key.retires.is_none())?;
        let path = self.place(place, "suspension");
        self.gate.put(&path, &json!({})).expect(200);
        self.keys[place].stand = Stand::Suspended;
        Some(format!("suspend {place}"))
    }

    fn resume(&mut self) -> Option<String> {
        let place = self.choose(|_, key| key.stand == Stand::Suspended)?;
        let (node, path) = (self.node(), self.place(place, "suspension"));
        self.gate.nodes[node].delete(&path).expect(200);
        self.keys[place].stand = Stand::Active;
        Some(format!("resume {place}"))
    }

    fn revoke(&mut self) -> Option<String> {
        // Whether the end of its overlap or the revocation came first is to be known.
        let is_clear = |at: Time| now().plus(EDGE) < at || at.plus(LATE) < now();
        let place =
            self.choose(|_, key| key.stand != Stand::Ended && key.retires.is_none_or(is_clear))?;
        let is_compromised = self.chance.below(3) == 0;
        let path = self.place(place, "revocation");
        let body = json!({"compromised": is_compromised, "wait": "enforced"});
        let said = self.post(&path, &body).expect(200);
        assert!(said["enforced_at"].is_string(), "{said}");
        let key = &mut self.keys[place];
        let was_pending = key.stand == Stand::Pending;
        (key.stand, key.is_compromised) = (Stand::Ended, is_compromised);
        key.retires = key.retires.filter(|at| *at <= now());
        if let Some(before) = key.before.filter(|_| was_pending) {
            self.keys[before].next = None;
        }
        // What is acknowledged as enforced is refused at once, by each of them.
        let expected = self.expected(&self.keys[place]);
        for node in 0..self.gate.nodes.len() {
            let said = self.gate.ask(node, &self.keys[place].issued.text).problem();
            assert_eq!(Some(said.as_str()), expected, "{:?}", self.keys[place]);
        }
        Some(format!("revoke {place}"))
    }

    fn toggle_app(&mut self) -> Option<String> {
        self.is_app_suspended = !self.is_app_suspended;
        let (path, body) =
            (format!("/v1/apps/{}", self.gate.app), json!({"suspended": self.is_app_suspended}));
        self.gate.first().patch(&path, &body).expect(200);
        Some(format!("app suspended: {}", self.is_app_suspended))
    }

    fn toggle_account(&mut self) -> Option<String> {
        self.is_account_suspended = !self.is_account_suspended;
        let path = format!("/v1/accounts/{}/suspension", self.gate.customer);
        match self.is_account_suspended {
            true => self.gate.put(&path, &json!({})).expect(200),
            false => self.gate.first().delete(&path).expect(200),
        };
        Some(format!("account suspended: {}", self.is_account_suspended))
    }

    /// Does one act, if there is a key for it.
    fn step(&mut self) -> Option<String> {
        if self.is_app_suspended {
            return self.toggle_app();
        }
        if self.is_account_suspended {
            return self.toggle_account();
        }
        match self.chance.below(14) {
            0 | 1 => self.create(),
            2..=4 => self.rotate(),
            5..=7 => self.use_one(),
            8 => self.cancel(),
            9 => self.finish(),
            10 => self.suspend(),
            11 => self.resume(),
            12 => self.revoke(),
            _ if self.chance.below(2) == 0 => self.toggle_app(),
            _ => self.toggle_account(),
        }
    }
}

#[test]
fn keys_do_what_a_model_of_them_does_at_one_server_and_at_two() {
    for count in [1, 2] {
        for database in new_databases() {
            let seed = Chance::seed();
            eprintln!("seed {seed}, {count} servers, {}", database.text);
            let mut model = Model::new(Gate::open_with(database, count, &[]), seed);
            let mut done = 0;
            while done < STEPS {
                if let Some(doing) = model.step() {
                    model.agree(&format!("{done}: {doing}"));
                    done += 1;
                }
            }
        }
    }
}
