//! Counts in ranges, drawn as bars.

use keytender_core::key::{Key, LastUse, State};
use keytender_core::time::Time;
use maud::{Markup, html};

use crate::cli::words::thousands;

/// Ranges with an upper limit in days, then one without, then one for what is not known.
pub(super) struct Histogram<const N: usize> {
    title: &'static str,
    limits: [i64; N],
    labels: Vec<&'static str>,
    counts: Vec<u64>,
}

impl<const N: usize> Histogram<N> {
    /// `labels` name the ranges up to each limit, the one beyond, and the rest.
    fn new(title: &'static str, limits: [i64; N], labels: &[&'static str]) -> Self {
        Self { title, limits, labels: labels.to_vec(), counts: vec![0; labels.len()] }
    }

    fn add_days(&mut self, days: i64) {
        let place = self.limits.iter().position(|limit| days <= *limit).unwrap_or(N);
        self.add(place);
    }

    fn add(&mut self, place: usize) {
        if let Some(count) = self.counts.get_mut(place) {
            *count += 1;
        }
    }

    /// A table with a bar in each row: readable without its pictures too.
    pub(super) fn draw(&self) -> Markup {
        let most = self.counts.iter().copied().max().unwrap_or(0).max(1);
        html! {
            figure {
                figcaption { (self.title) }
                table.bars {
                    @for (label, count) in self.labels.iter().zip(&self.counts) {
                        tr {
                            th scope="row" { (label) }
                            td {
                                svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                                    rect width=(format!("{:.2}", *count as f64 * 100.0 / most as f64)) height="10" {}
                                }
                            }
                            td.number { (thousands(*count)) }
                        }
                    }
                }
            }
        }
    }
}

/// How old active keys are.
pub(super) struct Ages(pub(super) Histogram<6>);

impl Ages {
    pub(super) fn new() -> Self {
        let limits = [30, 90, 180, 365, 730, 1826];
        let labels = [
            "up to 30 days",
            "31 to 90 days",
            "91 to 180 days",
            "181 to 365 days",
            "1 to 2 years",
            "2 to 5 years",
            "over 5 years",
            "not known",
        ];
        Self(Histogram::new("Age of active keys", limits, &labels))
    }

    pub(super) fn add(&mut self, key: &Key<'_>, now: Time) {
        if key.state == State::Active {
            match key.age(now) {
                Some(age) => self.0.add_days(age.whole_days()),
                None => self.0.add(7),
            }
        }
    }
}

/// Since when active keys lie idle.
pub(super) struct Idleness(pub(super) Histogram<4>);

impl Idleness {
    pub(super) fn new() -> Self {
        let labels = [
            "up to 7 days ago",
            "8 to 45 days ago",
            "46 to 90 days ago",
            "91 to 365 days ago",
            "over a year ago",
            "never",
            "not known",
        ];
        Self(Histogram::new("Last use of active keys", [7, 45, 90, 365], &labels))
    }

    pub(super) fn add(&mut self, key: &Key<'_>, now: Time) {
        if key.state != State::Active {
            return;
        }
        match &key.last_used {
            LastUse::Used(used) => self.0.add_days(now.since(used.at).whole_days()),
            LastUse::Never { .. } => self.0.add(5),
            LastUse::Unknown { .. } => self.0.add(6),
        }
    }
}
