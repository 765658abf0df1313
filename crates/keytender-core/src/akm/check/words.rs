//! What a descriptor says to people, and the names that it gives: no text of it does anything to the
//! terminal or the page that shows it.

use std::collections::BTreeSet;

use super::Checker;
use crate::akm::document::{Descriptor, Method};
use crate::akm::key_type::KeyType;
use crate::akm::operation::Operation;
use crate::akm::place::{Place, Placed};
use crate::time::Time;

/// The longest name.
const MAX_LETTERS: usize = 60;
/// The most days that a descriptor may speak of: a hundred years.
const MAX_DAYS: u32 = 36_500;
/// The highest level of conformance.
const MAX_LEVEL: u8 = 5;
/// Letters that turn the direction of what is shown behind them (Unicode Standard Annex 9).
const TURNING: [std::ops::RangeInclusive<char>; 3] =
    ['\u{200e}'..='\u{200f}', '\u{202a}'..='\u{202e}', '\u{2066}'..='\u{2069}'];

impl Checker<'_> {
    /// The texts beside kinds of keys.
    pub(super) fn texts(&mut self) {
        let Descriptor { provider, sources, variables, resources, gaps, conformance, .. } =
            self.descriptor;
        let place = provider.id.place;
        self.text(&provider.name, place);
        for source in sources {
            let place = source.url.as_ref().map_or(place, |url| url.place);
            self.text(&source.name, place);
            self.text(&source.supports, place);
        }
        for (name, variable) in variables {
            let place = variable.default.as_ref().map_or(place, |default| default.place);
            self.name(name, place);
            self.text(&variable.help, place);
        }
        for resource in resources {
            self.text(&resource.noun, resource.id.place);
        }
        for gap in gaps {
            self.text(gap, place);
        }
        self.date(self.descriptor.updated.as_deref(), place);
        if let Some(conformance) = conformance {
            self.date(conformance.at.as_deref(), place);
            self.text(conformance.by.as_deref().unwrap_or_default(), place);
            if conformance.level > MAX_LEVEL {
                self.fault(place, format!("a level of conformance is 0 to {MAX_LEVEL}"));
            }
        }
    }

    /// The texts of a way of authentication.
    pub(super) fn texts_of_method(&mut self, method: &Method) {
        let place = method.id.place;
        self.text(method.bootstrap.as_deref().unwrap_or_default(), place);
        for permission in method.permissions.values().flatten() {
            self.text(permission, place);
        }
        for name in &method.env {
            let is_word = name.chars().all(|one| one.is_ascii_alphanumeric() || one == '_');
            if !is_word || name.is_empty() {
                let name = name.escape_debug();
                self.fault(place, format!("`{name}` is no name of an environment variable"));
            }
        }
    }

    /// The texts and days of a kind of key.
    pub(super) fn texts_of_kind(&mut self, kind: &KeyType) {
        let place = kind.id.place;
        let format = kind.format.as_ref();
        let texts = [
            kind.noun.as_deref(),
            kind.presentation.as_ref().and_then(|sent| sent.name.as_deref()),
            kind.presentation.as_ref().and_then(|sent| sent.scheme.as_deref()),
            format.and_then(|format| format.prefix.as_deref()),
            format.and_then(|format| format.pattern.as_ref()).map(|one| one.value.as_str()),
            format.and_then(|format| format.secret_scanning_type.as_deref()),
        ];
        texts.into_iter().flatten().for_each(|text| self.text(text, place));
        if let Some(lifetime) = &kind.lifetime {
            self.days(lifetime.default_days, place);
            self.days(lifetime.max_days, place);
        }
    }

    /// The texts, names and days of an operation.
    pub(super) fn texts_of_operation(&mut self, operation: &Operation, place: Place) {
        self.text(operation.unsure.as_deref().unwrap_or_default(), place);
        for (name, arg) in &operation.args {
            self.name(name, place);
            self.text(arg.help.as_deref().unwrap_or_default(), place);
            self.days(arg.default_days, place);
        }
    }

    fn text(&mut self, text: &str, place: Place) {
        let is_turning = |one: char| TURNING.iter().any(|range| range.contains(&one));
        if text.chars().any(|one| (one.is_control() && one != '\n') || is_turning(one)) {
            self.fault(place, format!("`{}` has letters that are not shown", text.escape_debug()));
        }
    }

    fn date(&mut self, date: Option<&str>, place: Place) {
        if let Some(date) = date.filter(|date| Time::parse(date).is_err()) {
            self.fault(place, format!("`{}` is no date", date.escape_debug()));
        }
    }

    fn days(&mut self, days: Option<u32>, place: Place) {
        if days.is_some_and(|days| days > MAX_DAYS) {
            self.fault(place, format!("at most {MAX_DAYS} days"));
        }
    }

    /// A name that templates can use.
    fn name(&mut self, name: &str, place: Place) {
        let begins = name.starts_with(|one: char| one.is_ascii_alphabetic());
        let is_letter = |one: char| one.is_ascii_alphanumeric() || one == '_' || one == '-';
        if !begins || name.len() > MAX_LETTERS || !name.chars().all(is_letter) {
            self.fault(place, format!("`{}` is no name for a template", name.escape_debug()));
        }
    }

    pub(super) fn unique<'i>(&mut self, ids: impl Iterator<Item = &'i Placed<String>>, what: &str) {
        let mut seen = BTreeSet::new();
        for id in ids {
            self.word(id, &format!("a {what}"));
            if !seen.insert(&id.value) {
                self.fault(id.place, format!("there is a {what} `{}` above already", id.value));
            }
        }
    }

    pub(super) fn word(&mut self, word: &Placed<String>, what: &str) {
        self.word_with(&word.value, word.place, what, |_| false);
    }

    pub(super) fn word_with(
        &mut self,
        word: &str,
        place: Place,
        what: &str,
        also: impl Fn(char) -> bool,
    ) {
        let is_letter =
            |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-' || also(one);
        let begins = word.starts_with(|one: char| one.is_ascii_lowercase() || one.is_ascii_digit());
        if !begins || word.len() > MAX_LETTERS || !word.chars().all(is_letter) {
            self.fault(place, format!("{what} is named by small letters, digits and -"));
        }
    }
}
