use std::collections::BTreeSet;

use super::*;
use crate::colour::{Colour, READABLE};

fn held(verdicts: &[(&str, Verdict)]) -> Vec<Outcome> {
    CHECKS
        .iter()
        .map(|check| {
            let said = verdicts.iter().find(|(id, _)| *id == check.id);
            let verdict = said.map_or(Verdict::Passed, |(_, verdict)| *verdict);
            Outcome { check, verdict, reason: String::new() }
        })
        .collect()
}

#[test]
fn one_check_that_must_hold_and_fails_takes_its_level_and_all_above() {
    assert_eq!(grade(&held(&[])), Some(Level::K5));
    for check in CHECKS {
        for verdict in [Verdict::Failed, Verdict::NotTried] {
            let below = Level::ALL.into_iter().take_while(|level| *level < check.level).last();
            let expected = match check.need {
                Need::Must => below,
                Need::Should => Some(Level::K5),
            };
            assert_eq!(grade(&held(&[(check.id, verdict)])), expected, "{}", check.id);
        }
        assert_eq!(grade(&held(&[(check.id, Verdict::Claimed)])), Some(Level::K5));
    }
    assert_eq!(grade(&[]), None);
}

#[test]
fn a_grade_says_whether_it_hangs_on_a_claim() {
    let outcomes = held(&[("suspends", Verdict::Claimed), ("report", Verdict::Claimed)]);
    assert!(!is_claimed(&outcomes, Some(Level::K1)));
    assert!(is_claimed(&outcomes, Some(Level::K2)));
    assert!(!is_claimed(&held(&[("report", Verdict::Claimed)]), Some(Level::K5)));
    assert!(!is_claimed(&outcomes, None));
}

#[test]
fn what_is_missing_is_named_once_and_the_lowest_level_first() {
    let failed = [
        ("exposed-door", Verdict::Failed),
        ("updates", Verdict::Failed),
        ("deletes", Verdict::Failed),
        ("deletes-twice", Verdict::Failed),
        ("names", Verdict::NotTried),
    ];
    let outcomes = held(&failed);
    let missing: Vec<_> = missing(&outcomes).iter().map(|(block, _)| block.id).collect();
    assert_eq!(missing, ["A6", "A3", "R3"]);
}

#[test]
fn checks_and_blocks_have_names_of_their_own_and_know_each_other() {
    let ids: BTreeSet<_> = CHECKS.iter().map(|check| check.id).collect();
    assert_eq!(ids.len(), CHECKS.len());
    let blocks: BTreeSet<_> = BLOCKS.iter().map(|block| block.id).collect();
    assert_eq!(blocks.len(), BLOCKS.len());
    for check in CHECKS {
        assert!(!check.blocks.is_empty(), "{}", check.id);
        assert!(check.blocks.iter().all(|id| blocks.contains(id)), "{}", check.id);
    }
    let levels: Vec<_> = CHECKS.iter().map(|check| check.level).collect();
    assert!(levels.is_sorted());
    for level in Level::ALL {
        let is_must = |check: &Check| check.level == level && check.need == Need::Must;
        assert!(CHECKS.iter().any(is_must), "{level}");
    }
}

#[test]
fn white_text_can_be_read_on_every_badge() {
    let white = Colour::new(255, 255, 255);
    let levels = Level::ALL.into_iter().map(Some).chain([None]);
    for level in levels {
        let behind = Colour::parse(badge::colour(level)).unwrap();
        assert!(white.contrast(behind) >= READABLE, "{level:?}");
    }
    assert!(white.contrast(Colour::parse("#3b4049").unwrap()) >= READABLE);
}

#[test]
fn a_badge_says_its_level_and_is_safe_to_show() {
    let svg = badge(Some(Level::K3), true, Some("<key> & \"token\""));
    assert!(svg.contains("K3 rotatable, claimed"), "{svg}");
    assert!(svg.contains("API keys: &lt;key&gt; &amp; &quot;token&quot;"), "{svg}");
    assert!(!svg.contains("<key>") && !svg.contains("href") && !svg.contains("@import"), "{svg}");
    assert!(badge(None, false, None).contains("below K0"));
}

/// Bytes that are the same at each run.
fn drawn() -> impl FnMut() -> u8 {
    let mut state: u64 = 0x9e37_79b9_7f4a_7c15;
    move || {
        // xorshift64*, by Marsaglia and Vigna.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        state.wrapping_mul(0x2545_f491_4f6c_dd1d).to_be_bytes()[0]
    }
}

const KEY: &str = "acme_live_7Hk2mQ9xTz4B_0123456789ABCDEFGHIJKLMNOPQRSTUV2zoHDC";

fn format(members: &str) -> crate::akm::KeyType {
    let text = format!(
        "akm: '0.1'\nprovider: {{id: acme, name: Acme, url: https://acme.example}}\n\
         keyTypes: [{{id: key, type: api-key, format: {{{members}}}, operations: {{}}}}]\n"
    );
    Descriptor::parse(&text).unwrap().descriptor.key_types.remove(0)
}

#[test]
fn a_key_with_pattern_and_checksum_is_known_from_look_alikes() {
    let pattern = "pattern: 'acme_(?:live|test)_[0-9A-Za-z]{12}_[0-9A-Za-z]{38}'";
    let tried =
        |members: &str, key: &str| recognise(format(members).format.as_ref(), key, drawn()).err();
    let both = format!("{pattern}, checksum: crc32-base62, prefix: acme_live_");
    assert_eq!(tried(&both, KEY), None);
    assert_eq!(tried(pattern, KEY), Some(Unrecognised::Unsaid("checksum")));
    assert_eq!(tried("checksum: crc32-base62", KEY), Some(Unrecognised::Unsaid("pattern")));
    let other = format!("{pattern}, checksum: crc32-base62-after-prefix");
    assert_eq!(tried(&other, KEY), Some(Unrecognised::Real("checksum")));
    let wrong = KEY.replace("2zoHDC", "2zoHDD");
    assert_eq!(tried(&both, &wrong), Some(Unrecognised::Real("checksum")));
    assert_eq!(tried(&both, "other"), Some(Unrecognised::Real("pattern")));
    let broken = "pattern: '[', checksum: crc32-base62";
    assert_eq!(tried(broken, KEY), Some(Unrecognised::Pattern));
}
