//! All that one person is told on one day.

use std::cmp::Reverse;

use crate::policy::{Action, Severity};
use crate::time::Time;

use super::brand::Brand;
use super::item::{Item, Next, verb};
use super::words::{self, count, deadline, shown};

/// How many keys are told in full: with more, mail programs cut the mail (Gmail at 102 KB).
const MAX_IN_FULL: usize = 10;
/// How many more get a line; the rest is counted, and the report has them.
const MAX_LINES: usize = 50;

/// How many keys are named at all.
const MAX_NAMED: usize = MAX_IN_FULL + MAX_LINES;

/// What stands below every notice.
#[derive(Clone, Debug, Default)]
pub struct Footer {
    /// Where the full report is.
    pub report: Option<String>,
    /// Where the thresholds are set.
    pub thresholds: Option<String>,
}

/// All that one person is told on one day, the most serious first.
///
/// Keys that are only counted are not kept: a digest of a million keys is as large as one of sixty.
#[derive(Clone, Debug)]
pub struct Digest {
    recipient: String,
    installation: String,
    items: Vec<Item>,
    sums: Sums,
    footer: Footer,
    /// In whose name it is, if not this installation's.
    brand: Option<Brand>,
}

/// What is known of all keys of a digest, named or counted.
#[derive(Clone, Debug, Default)]
struct Sums {
    keys: usize,
    of_action: [usize; ACTIONS.len()],
    act_by: Option<Time>,
    /// When something happens to a key by itself.
    moments: Vec<Time>,
    /// Pages about the providers of the keys, each with the place of the first key that it is about.
    pages: Vec<(Place, &'static str)>,
}

/// What of a key decides whether it comes first.
pub(super) type Rank = (bool, bool, bool, bool, bool, i64);

/// Greater for what comes first.
type Place = (Rank, Severity);

/// The actions in the order in which they are summed up.
const ACTIONS: [Action; 3] = [Action::Remove, Action::Rotate, Action::Review];

impl Digest {
    /// A digest for the person or list called `recipient`, from the installation of this name, if
    /// it has one.
    pub fn new(
        recipient: &str,
        installation: &str,
        items: impl IntoIterator<Item = Item>,
        footer: Footer,
    ) -> Self {
        let (recipient, installation) = (shown(recipient), shown(installation));
        let (items_of, sums) = (Vec::new(), Sums::default());
        let brand = None;
        let mut digest = Self { recipient, installation, items: items_of, sums, footer, brand };
        items.into_iter().for_each(|item| digest.add(item));
        digest
    }

    /// A digest for the customer called `recipient`, in the name of an API.
    pub fn in_the_name_of(brand: Brand, recipient: &str) -> Self {
        let digest = Self::new(recipient, "", [], Footer::default());
        Self { brand: Some(brand), ..digest }
    }

    /// In whose name it is, if not this installation's.
    pub fn brand(&self) -> Option<String> {
        self.brand.as_ref().map(Brand::shown)
    }

    /// Whether something of it is a hint: to look at, and not to be acted on.
    pub fn has_hints(&self) -> bool {
        self.items.iter().any(Item::in_a_line)
    }

    /// Where whoever is told wants no more hints says so, if there are any.
    pub fn no_hints(&self) -> Option<&str> {
        self.brand.as_ref().and_then(|brand| brand.no_hints.as_deref()).filter(|_| self.has_hints())
    }

    /// Adds a key. Of equal ones the first to be added comes first.
    pub fn add(&mut self, item: Item) {
        self.sums.add(&item);
        let place = place(&item);
        let before = self.items.partition_point(|known| self::place(known) >= place);
        if before < MAX_NAMED {
            self.items.insert(before, item);
            self.items.truncate(MAX_NAMED);
        }
    }

    /// How many keys it tells of.
    pub const fn keys(&self) -> usize {
        self.sums.keys
    }

    /// The keys that it names, the most serious first.
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// The keys that are told in full.
    pub fn in_full(&self) -> &[Item] {
        let end = self.items.iter().take(MAX_IN_FULL).take_while(|item| !item.in_a_line()).count();
        self.items.split_at_checked(end).map_or(&[], |(full, _)| full)
    }

    /// The keys that get a line.
    pub fn in_lines(&self) -> &[Item] {
        let rest =
            self.items.split_at_checked(self.in_full().len()).map_or(&[][..], |(_, rest)| rest);
        rest.split_at_checked(MAX_LINES).map_or(rest, |(lines, _)| lines)
    }

    /// How many keys are only counted.
    pub fn unlisted(&self) -> usize {
        self.keys().saturating_sub(self.in_full().len()).saturating_sub(self.in_lines().len())
    }

    /// Until when the first of them should be acted on.
    pub const fn act_by(&self) -> Option<Time> {
        self.sums.act_by
    }

    /// What it is about, whose; then what happens when, whether by itself, and until when that can
    /// be undone.
    pub fn lead(&self, now: Time) -> [String; 2] {
        if let Some(item) = self.only() {
            return item.lead(now);
        }
        // The sum of it is the subject already.
        let first = match self.items.first() {
            Some(first) if !first.in_a_line() => {
                let [what, _] = first.lead(now);
                format!("The most serious: {}", lower_first(&what))
            }
            _ => format!("{}.", self.sum()),
        };
        [first, self.what_happens(now)]
    }

    /// The line above those keys that get a line each.
    pub fn lines_title(&self) -> &'static str {
        if self.in_full().is_empty() { "Your keys" } else { "And these, in a line each" }
    }

    /// The sentence about the keys that are only counted; `None` if all are listed.
    pub fn rest(&self) -> Option<String> {
        match self.unlisted() {
            0 => None,
            rest => Some(format!("And {}: the full report has them.", count(rest, "more key"))),
        }
    }

    /// The last sentence: who wrote this to whom.
    pub fn signature(&self) -> String {
        if let Some(brand) = self.brand() {
            return format!(
                "Written by {brand} to the contact of {}, about keys of its own.",
                self.recipient
            );
        }
        match self.installation.as_str() {
            "" => format!("Written to {} by Keytender.", self.recipient),
            place => format!("Written to {} by Keytender at {place}.", self.recipient),
        }
    }

    /// What it is about, for a title: a brand stands beside it already.
    pub fn headline(&self, now: Time) -> String {
        match self.brand {
            Some(_) => {
                upper_first(&self.only().map_or_else(|| self.sum(), |item| item.subject(now)))
            }
            None => subject(self, now),
        }
    }

    /// What stands below: names and places.
    pub fn footer(&self) -> Vec<(&'static str, &str)> {
        if let Some(brand) = &self.brand {
            let places = [
                ("Your keys", brand.keys_page.as_deref()),
                ("Help", brand.support.as_deref()),
                ("No more hints", self.no_hints()),
            ];
            return places.into_iter().filter_map(|(name, place)| Some((name, place?))).collect();
        }
        let mut pages = self.sums.pages.clone();
        pages.sort_by_key(|(place, _)| Reverse(*place));
        let mut lines: Vec<(&'static str, &str)> =
            pages.into_iter().map(|(_, page)| ("Best practice", page)).collect();
        lines.extend(self.footer.report.as_deref().map(|place| ("Full report", place)));
        lines.extend(self.footer.thresholds.as_deref().map(|place| ("Thresholds", place)));
        lines
    }

    /// The key that it tells of, if there is one alone.
    fn only(&self) -> Option<&Item> {
        self.items.first().filter(|_| self.keys() == 1)
    }

    /// `3 keys need you: 1 to remove, 2 to rotate`.
    fn sum(&self) -> String {
        let is_hint_alone = self.items.iter().all(Item::in_a_line);
        if self.brand.is_some() && is_hint_alone {
            return format!("{} about your keys", count(self.keys(), "hint"));
        }
        let parts: Vec<String> = ACTIONS
            .into_iter()
            .zip(self.sums.of_action)
            .filter(|(_, number)| *number > 0)
            .map(|(action, number)| format!("{number} to {}", verb(action, self.brand.is_some())))
            .collect();
        let need = if self.keys() == 1 { "needs" } else { "need" };
        format!("{} {need} you: {}", count(self.keys(), "key"), parts.join(", "))
    }

    fn what_happens(&self, now: Time) -> String {
        let ahead: Vec<Time> = self.sums.moments.iter().copied().filter(|at| *at > now).collect();
        let please = match self.act_by() {
            Some(act_by) if act_by.date() < now.date() => {
                format!(" The first is {}.", deadline(act_by, now))
            }
            Some(act_by) => format!(" Please {}.", deadline(act_by, now)),
            None => String::new(),
        };
        match ahead.iter().min() {
            None if self.brand.is_some() => format!("Nothing happens to them by itself.{please}"),
            None => format!(
                "Nothing happens to them by itself.{please} Disabling a key can be undone until it \
                 is deleted."
            ),
            Some(first) if self.brand.is_some() => format!(
                "{} by itself, the first on {}.",
                if ahead.len() == 1 {
                    "1 of them stops".to_owned()
                } else {
                    format!("{} of them stop, each", ahead.len())
                },
                first.date()
            ),
            Some(first) => format!(
                "Something happens by itself to {}, first on {}.{please} Below it says until when \
                 that can be undone.",
                count(ahead.len(), "key"),
                first.date()
            ),
        }
    }
}

impl Sums {
    fn add(&mut self, item: &Item) {
        self.keys += 1;
        let of_action = ACTIONS.iter().zip(&mut self.of_action);
        for (_, number) in of_action.filter(|(action, _)| **action == item.action()) {
            *number += 1;
        }
        self.act_by = self.act_by.into_iter().chain(item.act_by()).min();
        match item.next() {
            Next::Nothing => {}
            Next::Expires { at } | Next::Disable { at, .. } | Next::Delete { at } => {
                self.moments.push(at);
            }
        }
        let Some(page) = words::best_practice(item.provider()) else { return };
        match self.pages.iter_mut().find(|(_, known)| *known == page) {
            Some((first, _)) => *first = place(item).max(*first),
            None => self.pages.push((place(item), page)),
        }
    }
}

fn place(item: &Item) -> Place {
    (item.rank(), item.severity())
}

/// A fact and a date: `1 root access key is 7 years old at AWS 123456789012: act by 2026-12-07`.
pub fn subject(digest: &Digest, now: Time) -> String {
    let what = digest.only().map_or_else(|| digest.sum(), |item| item.subject(now));
    if let Some(brand) = digest.brand() {
        return format!("{brand}: {what}");
    }
    match digest.act_by() {
        Some(act_by) => format!("{what}: {}", deadline(act_by, now)),
        None => what,
    }
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
