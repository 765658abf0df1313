//! Every check: the one table of what is asked of a provider, made from which are the grades, the probe's work
//! and the page of the guide.

use super::How::{Document, Live};
use super::Level::{K0, K1, K2, K3, K4, K5};
use super::Need::{Must, Should};
use super::{Check, How, Level, Need, Said, Subject};

const fn check(
    id: &'static str,
    (level, need, how): (Level, Need, How),
    blocks: &'static [&'static str],
    title: &'static str,
    says: fn(&Subject<'_>) -> Said,
) -> Check {
    Check { id, level, need, how, blocks, title, says }
}

/// Each of them, by level.
pub const CHECKS: &[Check] = &[
    check(
        "document",
        (K0, Must, Document),
        &["F6"],
        "The document can be read, and is right in itself.",
        |one| one.is_read(),
    ),
    check(
        "keys-page",
        (K0, Must, Document),
        &["F1"],
        "It links to the page on which people see their keys.",
        |one| one.keys_page(),
    ),
    check(
        "links-resolve",
        (K0, Must, Live),
        &["F1", "F5"],
        "The pages that it links to are there.",
        |one| one.links(),
    ),
    check(
        "authentication",
        (K0, Must, Document),
        &["F3"],
        "It says how calls are allowed, and how a first credential is got.",
        |one| one.authentication(),
    ),
    check(
        "operations",
        (K0, Must, Document),
        &["F5"],
        "It says how keys are listed, made and ended: by call, by hand, or not at all.",
        |one| one.operations(),
    ),
    check(
        "onboarding",
        (K0, Should, Document),
        &["F2"],
        "It says how somebody new gets a first key.",
        |one| one.onboarding(),
    ),
    check(
        "scopes-page",
        (K0, Should, Document),
        &["F4"],
        "It names the permission that each operation needs.",
        |one| one.permissions(),
    ),
    check(
        "lists",
        (K1, Must, Live),
        &["H1"],
        "The list of keys is read to its end, in parts of any size.",
        |one| one.lists(),
    ),
    check(
        "stable-ids",
        (K1, Must, Live),
        &["H3"],
        "Each key has an id that is no secret and does not change.",
        |one| one.ids(),
    ),
    check("names", (K1, Must, Live), &["H4"], "Each key shows its name.", |one| one.names()),
    check("created", (K1, Must, Live), &["H6", "H7"], "Each key shows when it was made.", |one| {
        one.created()
    }),
    check("states", (K1, Must, Live), &["H9"], "Each key shows its state.", |one| one.states()),
    check(
        "no-secret-shown",
        (K1, Must, Live),
        &["A2"],
        "No list and no look at a key shows its secret.",
        |one| one.secret_hidden(),
    ),
    check(
        "read-only",
        (K1, Must, Document),
        &["A11"],
        "There is a permission that lists keys and changes none.",
        |one| one.read_only(),
    ),
    check("gets", (K1, Should, Live), &["H2"], "One key can be read by its id.", |one| one.gets()),
    check("owners", (K1, Should, Live), &["H5"], "Each key shows who it acts for.", |one| {
        one.owners()
    }),
    check("scopes", (K1, Should, Live), &["H10"], "Each key shows what it may do.", |one| {
        one.scopes()
    }),
    check(
        "creates",
        (K2, Must, Live),
        &["A1"],
        "A call makes a key, gives its secret once, and the key works.",
        |one| one.creates(),
    ),
    check(
        "appears",
        (K2, Must, Live),
        &["A1"],
        "A new key is in the list within the stated time.",
        |one| one.appears(),
    ),
    check(
        "suspends",
        (K2, Must, Live),
        &["A4"],
        "A suspended key is refused within the stated time.",
        |one| one.suspends(),
    ),
    check("resumes", (K2, Must, Live), &["A5"], "A resumed key works again.", |one| one.resumes()),
    check(
        "deletes",
        (K2, Must, Live),
        &["A6"],
        "A deleted key is refused within the stated time.",
        |one| one.deletes(),
    ),
    check(
        "deletes-twice",
        (K2, Must, Live),
        &["A6"],
        "A key that is deleted again is gone, and no error.",
        |one| one.deletes(),
    ),
    check(
        "times-stated",
        (K2, Must, Document),
        &["R5"],
        "It says how long suspending and deleting take to hold everywhere.",
        |one| one.times(),
    ),
    check("updates", (K2, Should, Live), &["A3"], "A key can get another name.", |one| {
        one.updates()
    }),
    check(
        "idempotent",
        (K2, Should, Live),
        &["A9"],
        "A request that is sent twice makes one key.",
        |one| one.idempotent(),
    ),
    check(
        "both-work",
        (K3, Must, Live),
        &["A7", "A8"],
        "The old key and the new one both work for a while.",
        |one| one.both_work(),
    ),
    check(
        "old-refused",
        (K3, Must, Live),
        &["A7"],
        "After that the old one is refused, and the new one works on.",
        |one| one.old_refused(),
    ),
    check(
        "scopes-kept",
        (K3, Must, Live),
        &["A7"],
        "The new key may do what the old one may.",
        |one| one.scopes_kept(),
    ),
    check(
        "expiry-set",
        (K3, Must, Live),
        &["H8"],
        "A key can be given an end, and shows it.",
        |one| one.expiry(),
    ),
    check(
        "use-seen",
        (K4, Must, Live),
        &["U1"],
        "A use moves the last use, as late and as exact as is stated.",
        |one| one.use_seen(),
    ),
    check(
        "never-used",
        (K4, Must, Live),
        &["U1"],
        "A key that was never used says so, and shows no made-up time.",
        |one| one.never_used(),
    ),
    check(
        "exactness-stated",
        (K4, Must, Document),
        &["U7"],
        "It says how exact the last use is, and how late.",
        |one| one.exactness(),
    ),
    check(
        "acts-logged",
        (K4, Must, Live),
        &["W7"],
        "Each act on a key is in a log that can be read.",
        |one| one.acts_logged(),
    ),
    check("use-region", (K4, Should, Live), &["U2"], "The last use has its region.", |one| {
        one.tells(crate::akm::FieldName::LastUsedRegion)
    }),
    check("use-service", (K4, Should, Live), &["U3"], "The last use has its service.", |one| {
        one.tells(crate::akm::FieldName::LastUsedService)
    }),
    check("use-address", (K4, Should, Live), &["U4"], "The last use has its address.", |one| {
        one.tells(crate::akm::FieldName::LastUsedIp)
    }),
    check(
        "report",
        (K4, Should, Live),
        &["H13"],
        "A credential report of all keys can be downloaded.",
        |one| one.report(),
    ),
    check(
        "notices-set",
        (K5, Must, Live),
        &["W1", "W2"],
        "It tells of keys that grow old or end soon, and to whom can be set.",
        |one| one.notices(),
    ),
    check(
        "events-signed",
        (K5, Must, Live),
        &["W5"],
        "Events of keys that are made, rotated and ended arrive, and their signatures are good.",
        |one| one.events(),
    ),
    check(
        "recognisable",
        (K5, Must, Live),
        &["R1"],
        "Pattern and checksum know a real key from 100,000 look-alikes.",
        |one| one.recognisable(),
    ),
    check(
        "exposed-door",
        (K5, Must, Live),
        &["R3"],
        "Whoever finds a key can report it, twice too, with 202 and no account; and it stops.",
        |one| one.exposed_door(),
    ),
    check(
        "owner-ends",
        (K5, Must, Live),
        &["R6"],
        "With the end of an owner its keys end.",
        |one| one.owner_ends(),
    ),
    check(
        "unused-notice",
        (K5, Should, Document),
        &["W3"],
        "It tells of keys that nobody uses.",
        |one| one.unused_notice(),
    ),
    check(
        "exposed-notice",
        (K5, Should, Document),
        &["W4"],
        "It tells of keys that leaked.",
        |one| one.exposed_notice(),
    ),
    check(
        "guidance",
        (K5, Should, Document),
        &["W6"],
        "It links to how a key is replaced, and how it is kept well.",
        |one| one.guidance(),
    ),
    check(
        "scanning",
        (K5, Should, Document),
        &["R2"],
        "Scanners of public code know its keys.",
        |one| one.scanning(),
    ),
];
