//! Grades of documents: a document without one thing loses exactly the level that asks for it; and the pages that
//! are made of the tables.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use keytender_core::akm::Descriptor;
use keytender_core::conform::{
    BLOCKS, Block, CHECKS, Check, Group, How, Level, Need, Outcome, Verdict, document, grade,
    is_claimed,
};
use serde_json::{Value, json};

use crate::{hold, root};

/// A document that claims everything.
fn complete() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/akm/valid/responsive.yaml");
    serde_saphyr::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

fn outcomes(document_value: &Value) -> Vec<Outcome> {
    let read = Descriptor::parse(&document_value.to_string());
    let descriptor = read.unwrap_or_else(|faults| panic!("{faults:?}")).descriptor;
    document(&descriptor).remove(0).1
}

/// What is done to a document.
enum Break {
    /// What stands there is taken away.
    Without(&'static str),
    /// Something else stands there.
    With(&'static str, &'static str),
}

use Break::{With, Without};

const KEY: &str = "/keyTypes/0";

/// A call that makes a key and takes no scopes.
const CREATE: &str = r#"{
    "request": {"method": "POST", "url": "/teams/{team.id}/keys",
                "json": {"name": "{arg.name}", "expires": "{arg.expires}"}},
    "args": {"name": {"required": true}, "expires": {"as": "date-time"}},
    "outputs": {"secret": "/secret", "id": "/id"}, "propagationSeconds": 5}"#;

/// What each check hangs on, one at a time. Where a check alone cannot be broken, because lower ones hang on the same,
/// the first of those is named.
const BREAKS: &[(&str, &str, Break)] = &[
    ("keys-page", "keys-page", Without("/links/console")),
    ("links-resolve", "keys-page", Without("/links")),
    ("authentication", "authentication", Without("/authentication/methods/0/bootstrap")),
    ("operations", "operations", Without("/keyTypes/0/operations/list")),
    ("lists", "lists", With("/keyTypes/0/operations/list/unsure", "\"?\"")),
    ("names", "names", Without("/keyTypes/0/fields/name")),
    ("created", "created", Without("/keyTypes/0/fields/createdAt")),
    ("states", "states", Without("/keyTypes/0/state")),
    ("no-secret-shown", "no-secret-shown", With("/keyTypes/0/display", "\"always\"")),
    ("no-secret-shown", "no-secret-shown", With("/keyTypes/0/display", "\"on-demand\"")),
    ("no-secret-shown", "no-secret-shown", Without("/keyTypes/0/display")),
    ("read-only", "read-only", Without("/authentication/methods/0/permissions")),
    (
        "read-only",
        "read-only",
        With("/authentication/methods/0/permissions/list", "[\"keys:read\", \"keys:write\"]"),
    ),
    ("gets", "", Without("/keyTypes/0/operations/get")),
    ("scopes", "", Without("/keyTypes/0/fields/scopes")),
    ("creates", "creates", Without("/keyTypes/0/operations/create/outputs/secret")),
    ("creates", "creates", Without("/keyTypes/0/operations/create/outputs/id")),
    ("suspends", "suspends", Without("/keyTypes/0/operations/suspend")),
    ("resumes", "resumes", Without("/keyTypes/0/operations/resume")),
    ("deletes", "deletes", With("/keyTypes/0/operations/delete/unsure", "\"?\"")),
    ("times-stated", "times-stated", Without("/keyTypes/0/operations/suspend/propagationSeconds")),
    ("updates", "", Without("/keyTypes/0/operations/update")),
    ("idempotent", "", Without("/keyTypes/0/operations/create/idempotencyHeader")),
    ("both-work", "both-work", With("/keyTypes/0/limits/maxPerOwner", "1")),
    ("both-work", "both-work", Without("/keyTypes/0/rotation")),
    ("both-work", "both-work", With("/keyTypes/0/rotation/mode", "\"none\"")),
    ("scopes-kept", "scopes-kept", With("/keyTypes/0/operations/create", CREATE)),
    ("expiry-set", "expiry-set", With("/keyTypes/0/lifetime/expires", "\"never\"")),
    ("expiry-set", "expiry-set", Without("/keyTypes/0/fields/expiresAt")),
    ("never-used", "never-used", With("/keyTypes/0/lastUsed/absent", "\"unknown\"")),
    ("exactness-stated", "exactness-stated", Without("/keyTypes/0/lastUsed/lagSeconds")),
    ("exactness-stated", "exactness-stated", Without("/keyTypes/0/lastUsed/granularitySeconds")),
    ("acts-logged", "acts-logged", Without("/keyTypes/0/operations/audit")),
    ("use-region", "", Without("/keyTypes/0/fields/lastUsedRegion")),
    ("use-service", "", Without("/keyTypes/0/fields/lastUsedService")),
    ("use-address", "", Without("/keyTypes/0/fields/lastUsedIp")),
    ("report", "", Without("/keyTypes/0/operations/report")),
    ("notices-set", "notices-set", Without("/notices")),
    ("notices-set", "notices-set", Without("/notices/ageDays")),
    ("notices-set", "notices-set", Without("/notices/expiryDays")),
    ("notices-set", "notices-set", Without("/notices/set")),
    ("events-signed", "events-signed", Without("/events")),
    ("events-signed", "events-signed", With("/events/scheme", "[\"webhooks\"]")),
    ("events-signed", "events-signed", Without("/events/types/key.rotated")),
    ("events-signed", "events-signed", Without("/events/subscribe/outputs/secret")),
    ("events-signed", "events-signed", Without("/events/unsubscribe")),
    ("recognisable", "recognisable", Without("/keyTypes/0/format/checksum")),
    ("recognisable", "recognisable", Without("/keyTypes/0/format/pattern")),
    ("exposed-door", "exposed-door", Without("/keyTypes/0/operations/revokeExposed")),
    ("exposed-door", "exposed-door", Without("/keyTypes/0/operations/revokeExposed/auth")),
    (
        "exposed-door",
        "exposed-door",
        With("/keyTypes/0/operations/revokeExposed/success", "[200, 202]"),
    ),
    ("owner-ends", "owner-ends", Without("/resources/0/operations/delete")),
    ("unused-notice", "", Without("/notices/unusedDays")),
    ("exposed-notice", "", Without("/events/types/key.exposed")),
    ("guidance", "", Without("/links/rotateGuide")),
    ("scanning", "", Without("/keyTypes/0/format/secretScanningType")),
];

fn broken(what: &Break) -> Value {
    let mut document = complete();
    let (Without(path) | With(path, _)) = what;
    let (parent, name) = path.rsplit_once('/').unwrap();
    let members = document.pointer_mut(parent).unwrap().as_object_mut().unwrap();
    match what {
        Without(_) => assert!(members.remove(name).is_some(), "{path}"),
        With(_, value) => {
            members.insert(name.to_owned(), serde_json::from_str(value).unwrap());
        }
    }
    document
}

fn check(id: &str) -> &'static Check {
    CHECKS.iter().find(|check| check.id == id).unwrap_or_else(|| panic!("no check {id}"))
}

#[test]
fn a_document_that_says_everything_claims_the_highest_level() {
    let outcomes = outcomes(&complete());
    assert!(outcomes.iter().all(|one| one.verdict != Verdict::Failed), "{outcomes:?}");
    assert_eq!(grade(&outcomes), Some(Level::K5));
    assert!(is_claimed(&outcomes, grade(&outcomes)));
    for outcome in outcomes {
        let is_document = outcome.check.how == How::Document;
        assert_eq!(outcome.verdict == Verdict::Passed, is_document, "{}", outcome.check.id);
    }
}

#[test]
fn a_document_without_one_thing_loses_exactly_the_level_that_asks_for_it() {
    for (id, lowest, what) in BREAKS {
        let (Without(path) | With(path, _)) = what;
        let outcomes = outcomes(&broken(what));
        let verdict = outcomes.iter().find(|one| one.check.id == *id).unwrap().verdict;
        assert_eq!(verdict, Verdict::Failed, "{id} without {path}");
        let expected = match *lowest {
            "" => Some(Level::K5),
            id => Level::ALL.into_iter().take_while(|level| *level < check(id).level).last(),
        };
        assert_eq!(grade(&outcomes), expected, "{id} without {path}");
        assert_eq!(check(id).need == Need::Should, lowest.is_empty(), "{id}");
    }
}

/// Every check that a document can fail by itself is broken above; what the others ask for cannot be left out of a
/// document that says what they hang on.
#[test]
fn every_check_of_a_document_is_broken_by_a_test() {
    let is_broken = |id: &str| BREAKS.iter().any(|(known, ..)| *known == id);
    let whole: Vec<_> = CHECKS.iter().map(|check| check.id).filter(|id| !is_broken(id)).collect();
    assert_eq!(
        whole,
        [
            "document",
            "onboarding",
            "scopes-page",
            "stable-ids",
            "owners",
            "appears",
            "deletes-twice",
            "old-refused",
            "use-seen",
        ]
    );
}

#[test]
fn a_key_that_is_changed_in_place_is_graded_by_its_overlap() {
    let with = |rotation: Value| {
        let mut document = complete();
        let kind = document.pointer_mut(KEY).unwrap();
        kind["rotation"] = rotation;
        kind["operations"]["rotate"] = json!({
            "request": {"method": "POST", "url": "/keys/{key.id}/rotate"}, "outputs": {"secret": "/secret"}
        });
        grade(&outcomes(&document))
    };
    assert_eq!(with(json!({"mode": "in-place"})), Some(Level::K2));
    assert_eq!(with(json!({"mode": "in-place-overlap"})), Some(Level::K2));
    assert_eq!(with(json!({"mode": "in-place-overlap", "overlapSeconds": 60})), Some(Level::K5));
}

/// Every kind of key on the shelf, with what its document says.
fn shelf() -> Vec<(String, Vec<Outcome>)> {
    let mut kinds = Vec::new();
    let mut folders: Vec<_> = fs::read_dir(root().join("providers"))
        .unwrap()
        .map(|entry| entry.unwrap().path().join("akm.yaml"))
        .filter(|path| path.is_file())
        .collect();
    folders.sort();
    for path in folders {
        let descriptor = Descriptor::parse(&fs::read_to_string(path).unwrap()).unwrap().descriptor;
        for (subject, outcomes) in document(&descriptor) {
            kinds.push((format!("{} {}", descriptor.provider.name, subject.noun()), outcomes));
        }
    }
    assert!(kinds.len() > 100, "{}", kinds.len());
    kinds
}

/// How many kinds of keys on the shelf have a building block, as far as their documents say; nothing where no check
/// asks for it.
fn counted(block: &Block, shelf: &[(String, Vec<Outcome>)]) -> String {
    let is_about = |outcome: &&Outcome| outcome.check.blocks.contains(&block.id);
    let has = |(_, outcomes): &&(String, Vec<Outcome>)| {
        outcomes.iter().filter(is_about).all(|one| one.verdict != Verdict::Failed)
    };
    match CHECKS.iter().any(|check| check.blocks.contains(&block.id)) {
        true => format!(" On the shelf {} of {}.", shelf.iter().filter(has).count(), shelf.len()),
        false => String::new(),
    }
}

fn asked(block: &Block) -> String {
    let checks = CHECKS.iter().filter(|check| check.blocks.contains(&block.id));
    let first = checks.min_by_key(|check| (check.level, check.need));
    first.map_or_else(|| "–".to_owned(), |check| format!("{} {}", check.level, check.need.as_str()))
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

/// Writes what is made between the marks of a page.
fn between(path: &str, made: &str) {
    const BEGIN: &str = "<!-- The tables are made from the program's. -->\n";
    const END: &str = "<!-- The end of the tables. -->";
    let page = fs::read_to_string(root().join(path)).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (_, after) = rest.split_once(END).unwrap();
    hold(path, &format!("{before}{BEGIN}{made}\n{END}{after}"));
}

#[test]
fn the_page_of_building_blocks_is_made_from_the_table() {
    let shelf = shelf();
    let mut made = String::new();
    for group in Group::ALL {
        _ = write!(made, "\n## {}: {}\n", group.as_str(), group.question());
        made += "\n| | block | what it is, and why | in AKM | level | who has it today |\n";
        made += "|---|---|---|---|---|---|\n";
        for block in BLOCKS.iter().filter(|block| block.group == group) {
            let Block { id, name, what, why, akm, today, .. } = block;
            let (asked, counted) = (asked(block), counted(block, &shelf));
            let row = format!(
                "| {id} | **{name}** | {what} {why} | {akm} | {asked} | {today}{counted} |"
            );
            made += &(row + "\n");
        }
    }
    between("docs/building-blocks.md", &made);
}

#[test]
fn the_checks_of_the_guide_are_made_from_the_table() {
    let mut made = String::new();
    for level in Level::ALL {
        _ = write!(made, "\n### {level} {}\n\n{}.\n", level.word(), sentence(level.gives()));
        made += "\n| check | | by | what holds | blocks |\n|---|---|---|---|---|\n";
        for check in CHECKS.iter().filter(|check| check.level == level) {
            let (need, how) = (check.need.as_str(), check.how.as_str());
            let (title, blocks) = (cell(check.title), check.blocks.join(", "));
            _ = writeln!(made, "| `{}` | {need} | {how} | {title} | {blocks} |", check.id);
        }
    }
    between("docs/guide/conform.md", &made);
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}
