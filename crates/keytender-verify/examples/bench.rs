//! Measures verification in process; `scripts/bench-verify` runs it and makes a table of what it prints.
//!
//! Prints one line of JSON for each case: `{"case", "threads", "seconds", "count"}` with the seconds
//! of processor time of all threads, and for sizes
//! `{"size", "bytes", "keys"}`.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "a benchmark prints, and stops where it cannot go on"
)]

use std::collections::HashMap;
use std::hint::black_box;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use cap::Cap;
use keytender_core::id::{AccountId, ApiId, AppId, KeyId};
use keytender_core::token::{Brand, Environment, RANDOM_BYTES, Token};
use keytender_verify::feed::{
    Api, App, Change, Changes, Key, KeyDigest, Snapshot, State, VERSION, What,
};
use keytender_verify::{Clock, Lease, Now, Reason, Request, Table, Usage, Verdict, Verifier};

#[global_allocator]
static ALLOCATED: Cap<std::alloc::System> = Cap::new(std::alloc::System, usize::MAX);

const KEYS_OF_APP: usize = 10;
const KEYS_OF_PAGE: usize = 10_000;
/// Verifications between two looks at the clock.
const ROUND: usize = 256;

/// Random numbers that are the same in every run (SplitMix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mix = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mix = (mix ^ (mix >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mix ^ (mix >> 31)
    }

    fn token(&mut self) -> Token {
        let mut random = [0; RANDOM_BYTES];
        for chunk in random.chunks_mut(8) {
            chunk.copy_from_slice(&self.next().to_le_bytes());
        }
        Token::make(Brand::parse("acme").unwrap(), Environment::Live, &random)
    }
}

fn text(token: &Token) -> Box<str> {
    token.to_secret().expose().into()
}

/// Tokens beside each other, as they are read one after the other: what is measured is the table, not the texts.
struct Tokens {
    letters: String,
    len: usize,
}

impl Tokens {
    fn new(tokens: impl Iterator<Item = Box<str>>) -> Self {
        let mut tokens = tokens.peekable();
        let len = tokens.peek().map_or(1, |token| token.len());
        Self { letters: tokens.collect(), len }
    }

    fn count(&self) -> usize {
        self.letters.len() / self.len
    }

    /// The token of a number. One further on is looked at beside, so that its text is at hand when its turn comes, as
    /// it is when it came over the network.
    fn get(&self, number: usize) -> &str {
        let start = number * self.len;
        black_box(self.letters.as_bytes().get(start + 16 * self.len).copied());
        self.letters.get(start..start + self.len).unwrap()
    }
}

fn app(number: usize) -> App {
    App {
        app: AppId::from_i64(i64::try_from(number).unwrap()),
        account: AccountId::from_i64(1),
        api: ApiId::from_i64(1),
        is_suspended: false,
        is_account_suspended: false,
        rate: None,
        quotas: Vec::new(),
    }
}

/// The app of a key, in no order: the next key is of another one.
fn app_of(number: usize, keys: usize) -> usize {
    let apps = (keys / KEYS_OF_APP).max(1) as u64;
    usize::try_from(Chance(number as u64).next() % apps).unwrap()
}

fn key(number: usize, count: usize, token: &Token, random: u64) -> Key {
    Key {
        key: KeyId::from_random(random),
        id: token.id(),
        digest: KeyDigest(token.digest()),
        app: app(app_of(number, count)).app,
        environment: Environment::Live,
        state: State::Active,
        expires_at: None,
        overlap_until: None,
        scopes: vec!["read".into(), "write".into()],
        networks: Vec::new(),
        label: None,
        replaced_by: None,
        is_imported: false,
    }
}

/// A table of so many keys, and their tokens.
fn fill(count: usize) -> (Arc<Table>, Tokens) {
    let mut chance = Chance(1);
    let mut texts = Vec::with_capacity(count);
    let table = Arc::new(Table::new());
    let before = ALLOCATED.allocated();
    let mut loader = table.loader(count);
    for page in 0..count.div_ceil(KEYS_OF_PAGE) {
        let numbers = page * KEYS_OF_PAGE..count.min((page + 1) * KEYS_OF_PAGE);
        let apis = vec![Api {
            api: ApiId::from_i64(1),
            brand: Brand::parse("acme").unwrap(),
            imported: None,
        }];
        // All of them first: apps that came with their keys would be in memory in the order of these.
        let apps = if page == 0 {
            (0..count.div_ceil(KEYS_OF_APP)).map(app).collect()
        } else {
            Vec::new()
        };
        let mut snapshot = Snapshot { apis, apps, ..Snapshot::empty(1) };
        for number in numbers {
            let token = chance.token();
            snapshot.keys.push(key(number, count, &token, chance.next()));
            texts.push(text(&token));
        }
        loader.add(&snapshot).unwrap();
    }
    loader.finish().unwrap();
    let texts_bytes: usize = texts.iter().map(|text| text.len()).sum();
    let bytes = ALLOCATED.allocated() - before - texts_bytes + table.slot_bytes();
    println!(r#"{{"size":"table","bytes":{bytes},"keys":{count}}}"#);
    (table, Tokens::new(texts.into_iter()))
}

/// How long this thread has run. On a machine that does other work beside, that is what counts.
fn processor_time() -> Duration {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    Duration::from_nanos(text.split(' ').next().unwrap().parse().unwrap())
}

/// Runs `act` with growing numbers on each of some threads, for a time.
fn measure(case: &str, threads: usize, time: Duration, act: impl Fn(usize) + Sync) {
    let run = |thread: usize| {
        // Each thread begins elsewhere.
        let mut number = thread * 500_009;
        let start = Instant::now();
        let before = processor_time();
        while start.elapsed() < time {
            for _ in 0..ROUND {
                act(number);
                number += 1;
            }
        }
        (number - thread * 500_009, processor_time() - before)
    };
    let run = &run;
    let results: Vec<_> = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|number| scope.spawn(move || run(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let count: usize = results.iter().map(|(count, _)| count).sum();
    let seconds: f64 = results.iter().map(|(_, time)| time.as_secs_f64()).sum();
    println!(r#"{{"case":"{case}","threads":{threads},"seconds":{seconds},"count":{count}}}"#);
}

/// Verifies tokens one after the other, all of which must be good, or none.
fn verify(
    case: &str,
    threads: usize,
    time: Duration,
    verifier: &Verifier,
    tokens: &Tokens,
    is_good: bool,
    now: Now,
) {
    let request = Request::default();
    let count = tokens.count();
    measure(case, threads, time, |number| {
        let verdict = verifier.verify(black_box(tokens.get(number % count)), &request, now);
        assert_eq!(matches!(verdict, Verdict::Accepted(_)), is_good);
    });
}

/// Forged tokens: mistyped, of an id that nobody was given, and with another secret.
fn forged(good: &Tokens) -> [(&'static str, Tokens); 3] {
    let count = good.count().min(100_000);
    let mut chance = Chance(2);
    let mistyped = (0..count).map(|number| {
        let letters = good.get(number);
        let last = if letters.ends_with('0') { '1' } else { '0' };
        format!("{}{last}", letters.get(..letters.len() - 1).unwrap()).into_boxed_str()
    });
    let mistyped = Tokens::new(mistyped);
    let unknown = Tokens::new((0..count).map(|_| text(&chance.token())));
    let wrong = Tokens::new((0..count).map(|number| with_id_of(good.get(number), &chance.token())));
    [
        ("forged: checksum", mistyped),
        ("forged: unknown id", unknown),
        ("forged: wrong secret", wrong),
    ]
}

/// The token with the id of one and the secret of another.
fn with_id_of(id_of: &str, secret_of: &Token) -> Box<str> {
    let other = text(secret_of);
    with_checksum(&format!("{}{}", id_of.get(..23).unwrap(), other.get(23..55).unwrap()))
}

/// The token that begins like this.
fn with_checksum(before: &str) -> Box<str> {
    let mut crc = !0_u32;
    for byte in before.bytes() {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & 0_u32.wrapping_sub(crc & 1));
        }
    }
    let mut number = !crc;
    let letters: Vec<u8> = (b'0'..=b'9').chain(b'A'..=b'Z').chain(b'a'..=b'z').collect();
    let mut checksum = [b'0'; 6];
    for place in checksum.iter_mut().rev() {
        *place = *letters.get((number % 62) as usize).unwrap();
        number /= 62;
    }
    format!("{before}{}", std::str::from_utf8(&checksum).unwrap()).into_boxed_str()
}

/// A kind of refused tokens: its name, why they are refused, and as many tokens as of each other kind.
type Kind = (&'static str, Reason, Tokens);

/// Every kind of refused tokens that are not mistyped. For some of them keys of the table are ended, each of its own.
fn refused_kinds(table: &Table, good: &Tokens, now: Now) -> Vec<Kind> {
    let each = good.count() / 8;
    let of = |kind: usize| (kind..good.count()).step_by(8).take(each);
    let ended = [
        ("revoked", Reason::Revoked, State::Revoked),
        ("expired", Reason::Expired, State::Active),
        ("suspended", Reason::Suspended, State::Suspended),
    ];
    let mut kinds = Vec::new();
    let mut chance = Chance(1);
    for number in 0..good.count() {
        let token = chance.token();
        let own = key(number, good.count(), &token, chance.next());
        let Some((_, reason, state)) = ended.get(number % 8) else { continue };
        let expires_at = (*reason == Reason::Expired).then_some(now.time);
        let what = What::PutKey(Key { state: *state, expires_at, ..own });
        let seq = table.seq().unwrap() + 1;
        let changes = vec![Change { seq, what }];
        let change = Changes { version: VERSION, after: seq - 1, through: seq, changes };
        table.apply(&change).unwrap();
    }
    for (place, (name, reason, _)) in ended.into_iter().enumerate() {
        let tokens = Tokens::new(of(place).map(|number| good.get(number).into()));
        kinds.push((name, reason, tokens));
    }
    let mut chance = Chance(3);
    let unknown = Tokens::new((0..each).map(|_| text(&chance.token())));
    let wrong = Tokens::new(of(3).map(|number| with_id_of(good.get(number), &chance.token())));
    let other = |from: &str, to: &str, place| {
        let before = |number| good.get(number).get(..55).unwrap().replace(from, to);
        Tokens::new(of(place).map(|number| with_checksum(&before(number))))
    };
    kinds.push(("unknown id", Reason::Unknown, unknown));
    kinds.push(("wrong secret", Reason::Unknown, wrong));
    kinds.push(("another API's brand", Reason::Unknown, other("acme_", "ecma_", 4)));
    kinds.push(("another environment", Reason::Unknown, other("_live_", "_test_", 5)));
    kinds
}

/// How long each kind takes to refuse, 16 tokens at a time, the kinds in turns: mean, deviation, and Welch's t next to
/// all others together.
fn compare_times(verifier: &Verifier, kinds: &[Kind], rounds: usize, now: Now) {
    let request = Request::default();
    let mut times = vec![Vec::with_capacity(rounds); kinds.len()];
    for round in 0..rounds {
        // Whoever comes first comes last the next time: what runs before may leave its traces in the caches.
        for place in 0..kinds.len() {
            let place = (place + round) % kinds.len();
            let (_, reason, tokens) = kinds.get(place).unwrap();
            let first = round * 16;
            let start = Instant::now();
            for number in first..first + 16 {
                let token = tokens.get(number % tokens.count());
                black_box(verifier.verify(black_box(token), &request, now));
            }
            let nanos = start.elapsed().as_secs_f64() * 1e9 / 16.0;
            times.get_mut(place).unwrap().push(nanos);
            let token = tokens.get(first % tokens.count());
            assert_eq!(verifier.verify(token, &request, now), Verdict::Refused(*reason));
        }
    }
    for times in &mut times {
        // Interruptions say nothing of the code.
        times.sort_by(f64::total_cmp);
        times.truncate(times.len() * 9 / 10);
    }
    for (place, (name, ..)) in kinds.iter().enumerate() {
        let (mean, variance, count) = moments(times.get(place).unwrap().iter().copied());
        let others = times.iter().enumerate().filter(|(other, _)| *other != place);
        let others = moments(others.flat_map(|(_, times)| times.iter().copied()));
        let t = (mean - others.0) / (variance / count + others.1 / others.2).sqrt();
        let deviation = variance.sqrt();
        println!(r#"{{"refused":"{name}","ns":{mean},"deviation_ns":{deviation},"t":{t}}}"#);
    }
}

/// Mean, variance and count.
fn moments(values: impl Iterator<Item = f64> + Clone) -> (f64, f64, f64) {
    let count = values.clone().count() as f64;
    let mean = values.clone().sum::<f64>() / count;
    let variance = values.map(|value| (value - mean).powi(2)).sum::<f64>() / (count - 1.0);
    (mean, variance, count)
}

/// What many do: the digest of the whole token as hexadecimal text, in a hash map.
fn baseline(tokens: &Tokens, time: Duration) {
    let digest = |text: &str| Token::parse(text).unwrap().digest().to_hex();
    let before = ALLOCATED.allocated();
    let map: HashMap<String, u64> =
        (0..tokens.count()).map(|number| (digest(tokens.get(number)), number as u64)).collect();
    let bytes = ALLOCATED.allocated() - before;
    println!(r#"{{"size":"hash map","bytes":{bytes},"keys":{}}}"#, tokens.count());
    for threads in [1, 2] {
        measure("hash map: uniform", threads, time, |number| {
            let text = black_box(tokens.get(number % tokens.count()));
            assert!(map.contains_key(&digest(text)));
        });
    }
}

fn pieces(tokens: &Tokens, time: Duration) {
    let token = Token::parse(tokens.get(0)).unwrap();
    measure("piece: parse and checksum", 1, time, |_| {
        black_box(Token::parse(black_box(tokens.get(0)))).unwrap();
    });
    measure("piece: SHA-256 of the secret", 1, time, |_| {
        black_box(black_box(&token).digest());
    });
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let count = arguments.next().map_or(1_000_000, |count| count.parse().unwrap());
    let seconds = arguments.next().map_or(1.0, |seconds| seconds.parse().unwrap());
    let time = Duration::from_secs_f64(seconds);
    let (table, tokens) = fill(count);
    let verifier = Verifier::new(Arc::clone(&table), Lease::forever());
    let now = Clock::start().now();
    pieces(&tokens, time);
    let hot = Tokens::new(std::iter::once(tokens.get(0).into()));
    for threads in [1, 2] {
        verify("hot key", threads, time, &verifier, &hot, true, now);
        verify("uniform", threads, time, &verifier, &tokens, true, now);
    }
    let forged = forged(&tokens);
    for (case, tokens) in &forged {
        verify(case, 1, time, &verifier, tokens, false, now);
    }
    let folder = tempfile::tempdir().unwrap();
    let usage = Usage::open(&folder.path().join("uses"), "bench", count, 1).unwrap().usage;
    let verifier = verifier.with_usage(Arc::clone(&usage));
    // Each key is used once before, so that the file has grown.
    for number in 0..count {
        black_box(verifier.verify(tokens.get(number), &Request::default(), now));
    }
    for threads in [1, 2] {
        verify("hot key, counted", threads, time, &verifier, &hot, true, now);
        verify("uniform, counted", threads, time, &verifier, &tokens, true, now);
    }
    baseline(&tokens, time);
    compare_times(&verifier, &refused_kinds(&table, &tokens, now), 20_000, now);
}
