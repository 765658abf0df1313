//! All that one person is told on one day.

use std::cmp::Reverse;

use crate::policy::Action;
use crate::time::Time;

use super::item::{Item, Next, verb};
use super::words::{self, count, deadline, shown};

/// How many keys are told in full: with more, mail programs cut the mail (Gmail at 102 KB).
const MAX_IN_FULL: usize = 10;
/// How many more get a line; the rest is counted, and the report has them.
const MAX_LINES: usize = 50;

/// What stands below every notice.
#[derive(Clone, Debug, Default)]
pub struct Footer {
    /// Where the full report is.
    pub report: Option<String>,
    /// Where the thresholds are set.
    pub thresholds: Option<String>,
}

/// All that one person is told on one day, the most serious first.
#[derive(Clone, Debug)]
pub struct Digest {
    recipient: String,
    installation: String,
    items: Vec<Item>,
    footer: Footer,
}

impl Digest {
    /// A digest for the person or list called `recipient`, from the installation of this name, if
    /// it has one.
    pub fn new(recipient: &str, installation: &str, mut items: Vec<Item>, footer: Footer) -> Self {
        items.sort_by_key(|item| Reverse(item.rank()));
        Self { recipient: shown(recipient), installation: shown(installation), items, footer }
    }

    /// Every key, the most serious first.
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
        self.items.len().saturating_sub(self.in_full().len()).saturating_sub(self.in_lines().len())
    }

    /// Until when the first of them should be acted on.
    pub fn act_by(&self) -> Option<Time> {
        self.items.iter().filter_map(Item::act_by).min()
    }

    /// What it is about, whose; then what happens when, whether by itself, and until when that can
    /// be undone.
    pub fn lead(&self, now: Time) -> [String; 2] {
        if let [item] = self.items.as_slice() {
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
        match self.installation.as_str() {
            "" => format!("Written to {} by Keytender.", self.recipient),
            place => format!("Written to {} by Keytender at {place}.", self.recipient),
        }
    }

    /// What stands below: names and places.
    pub fn footer(&self) -> Vec<(&'static str, &str)> {
        let mut pages: Vec<&'static str> = Vec::new();
        for item in &self.items {
            if let Some(page) = words::best_practice(item.provider())
                && !pages.contains(&page)
            {
                pages.push(page);
            }
        }
        let mut lines: Vec<(&'static str, &str)> =
            pages.into_iter().map(|page| ("Best practice", page)).collect();
        lines.extend(self.footer.report.as_deref().map(|place| ("Full report", place)));
        lines.extend(self.footer.thresholds.as_deref().map(|place| ("Thresholds", place)));
        lines
    }

    /// `3 keys need you: 1 to remove, 2 to rotate`.
    fn sum(&self) -> String {
        let of = |action| self.items.iter().filter(|item| item.action() == action).count();
        let parts: Vec<String> = [Action::Remove, Action::Rotate, Action::Review]
            .into_iter()
            .map(|action| (of(action), action))
            .filter(|(number, _)| *number > 0)
            .map(|(number, action)| format!("{number} to {}", verb(action)))
            .collect();
        let need = if self.items.len() == 1 { "needs" } else { "need" };
        format!("{} {need} you: {}", count(self.items.len(), "key"), parts.join(", "))
    }

    fn what_happens(&self, now: Time) -> String {
        let moments = self.items.iter().filter_map(|item| match item.next() {
            Next::Nothing => None,
            Next::Expires { at } | Next::Disable { at, .. } | Next::Delete { at } => Some(at),
        });
        let ahead: Vec<Time> = moments.filter(|at| *at > now).collect();
        let please = match self.act_by() {
            Some(act_by) if act_by.date() < now.date() => {
                format!(" The first is {}.", deadline(act_by, now))
            }
            Some(act_by) => format!(" Please {}.", deadline(act_by, now)),
            None => String::new(),
        };
        match ahead.iter().min() {
            None => format!(
                "Nothing happens to them by itself.{please} Disabling a key can be undone until it \
                 is deleted."
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

/// A fact and a date: `1 root access key is 7 years old at AWS 123456789012: act by 2026-12-07`.
pub fn subject(digest: &Digest, now: Time) -> String {
    let what = match digest.items.as_slice() {
        [item] => item.subject(now),
        _ => digest.sum(),
    };
    match digest.act_by() {
        Some(act_by) => format!("{what}: {}", deadline(act_by, now)),
        None => what,
    }
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_lowercase().chain(letters).collect()).unwrap_or_default()
}
