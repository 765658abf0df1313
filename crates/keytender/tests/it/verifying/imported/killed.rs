//! A server that is killed between the first use of a key and what is written because of it.

use std::time::Duration;

use serde_json::json;

use super::super::pause;
use super::{Gate, KINDS, is_good, made, until};
use crate::databases::new_databases;
use crate::killed::{Chance, assert_whole, texts};
use crate::served::Served;

/// How often it is killed on each database; `KEYTENDER_TEST_KILLS` says another number.
const KILLS: usize = 8;
/// How long it lives at most after the first use: what is to be written is written by then, or not.
const LONGEST: Duration = Duration::from_millis(150);

#[test]
fn a_server_that_is_killed_after_a_first_use_loses_no_key() {
    let kills = std::env::var("KEYTENDER_TEST_KILLS").map_or(KILLS, |kills| kills.parse().unwrap());
    for database in new_databases() {
        let seed = Chance::seed();
        let mut chance = Chance::new(seed);
        let mut gate = Gate::open(database);
        let name = |round: usize, kind: &str| format!("{kind}-{round}");
        let all = (0..kills).flat_map(|round| KINDS.map(|kind| (round, kind)));
        let keys: Vec<_> =
            all.map(|(round, kind)| (name(round, kind), kind, made(&name(round, kind)))).collect();
        gate.bring(&keys);
        let mut written = 0;
        for round in 0..kills {
            for kind in KINDS {
                let key = made(&name(round, kind));
                assert!(is_good(&gate, 0, "forward-auth", &key), "seed {seed}: {kind}");
            }
            pause(chance.life(LONGEST));
            gate.nodes[0].kill();
            gate.nodes[0] = Served::start(&gate.home);
            let kept = KINDS.map(|kind| gate.kept(&name(round, kind)));
            written += kept.iter().filter(|kept| *kept == "native").count();
            for kind in KINDS {
                let key = made(&name(round, kind));
                assert!(is_good(&gate, 0, "forward-auth", &key), "seed {seed}: {kind} of {kept:?}");
                assert!(!is_good(&gate, 0, "forward-auth", &format!("{key}x")), "seed {seed}");
                until(|| gate.kept(&name(round, kind)) == "native");
            }
        }
        eprintln!("seed {seed}: {written} of {} were written before the kill", kills * KINDS.len());
        for round in 0..kills {
            for kind in KINDS {
                let key = gate.as_issued(&name(round, kind), &made(&name(round, kind)));
                until(|| gate.usage(&key)["uses"] == json!(2));
            }
        }
        let left =
            texts(&gate.database, "SELECT salted FROM imported_keys WHERE salted IS NOT NULL");
        assert!(left.is_empty(), "seed {seed}");
        drop(std::mem::take(&mut gate.nodes));
        assert_whole(&gate.database, seed);
    }
}
