//! Tables and values of a TOML document, read strictly and with their places.

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::Wrong;

/// A table, of which every key must be known.
pub(super) struct Table<'t> {
    table: &'t DeTable<'t>,
    at: usize,
}

/// A value and where it stands.
#[derive(Clone, Copy)]
pub(super) struct Value<'t> {
    value: &'t Spanned<DeValue<'t>>,
}

impl<'t> Table<'t> {
    /// `at` is the byte to name when something is missing from the table.
    pub(super) const fn new(table: &'t DeTable<'t>, at: usize) -> Self {
        Self { table, at }
    }

    /// Refuses keys that are not in `names`.
    pub(super) fn allow(&self, names: &[&str]) -> Result<(), Wrong> {
        let stranger = self.table.keys().find(|key| !names.contains(&key.get_ref().as_ref()));
        match stranger {
            Some(key) => Err(Wrong::new(key.span().start, unknown("field", key.get_ref(), names))),
            None => Ok(()),
        }
    }

    /// The value of `name`, if it is there.
    pub(super) fn get(&self, name: &str) -> Option<Value<'t>> {
        self.table.get(name).map(|value| Value { value })
    }

    /// The value of `name`, which must be there.
    pub(super) fn need(&self, name: &str) -> Result<Value<'t>, Wrong> {
        self.get(name).ok_or_else(|| Wrong::new(self.at, format!("`{name}` is missing here")))
    }

    /// The values of the list `name`; none if it is not there.
    pub(super) fn list(&self, name: &str) -> Result<Vec<Value<'t>>, Wrong> {
        self.get(name).map_or(Ok(Vec::new()), |value| value.list())
    }

    /// Every key with its place, and its value.
    pub(super) fn entries(&self) -> impl Iterator<Item = (&'t str, usize, Value<'t>)> {
        self.table
            .iter()
            .map(|(key, value)| (key.get_ref().as_ref(), key.span().start, Value { value }))
    }
}

impl<'t> Value<'t> {
    pub(super) fn raw(&self) -> &'t DeValue<'t> {
        self.value.get_ref()
    }

    pub(super) fn wrong(&self, message: impl Into<String>) -> Wrong {
        Wrong::new(self.value.span().start, message)
    }

    pub(super) fn table(&self) -> Result<Table<'t>, Wrong> {
        match self.raw() {
            DeValue::Table(table) => Ok(Table::new(table, self.value.span().start)),
            _ => Err(self.wrong("expected a table, { … }")),
        }
    }

    pub(super) fn list(&self) -> Result<Vec<Value<'t>>, Wrong> {
        match self.raw() {
            DeValue::Array(values) => Ok(values.iter().map(|value| Value { value }).collect()),
            _ => Err(self.wrong("expected a list, [ … ]")),
        }
    }

    /// The values of a list, or this one value.
    pub(super) fn one_or_more(&self) -> Result<Vec<Value<'t>>, Wrong> {
        match self.raw() {
            DeValue::Array(values) if values.is_empty() => {
                Err(self.wrong("an empty list matches nothing"))
            }
            DeValue::Array(_) => self.list(),
            _ => Ok(vec![*self]),
        }
    }

    pub(super) fn text(&self) -> Result<&'t str, Wrong> {
        self.raw().as_str().ok_or_else(|| self.wrong("expected a text in quotes"))
    }

    pub(super) fn boolean(&self) -> Result<bool, Wrong> {
        self.raw().as_bool().ok_or_else(|| self.wrong("expected true or false"))
    }

    pub(super) fn integer(&self) -> Result<i64, Wrong> {
        let number = self.raw().as_integer().filter(|number| number.radix() == 10);
        number
            .and_then(|number| number.as_str().parse().ok())
            .ok_or_else(|| self.wrong("expected a whole number"))
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Wrong> {
        let text = self.text()?;
        match words.iter().find(|(word, _)| *word == text) {
            Some((_, meaning)) => Ok(*meaning),
            None => {
                let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                Err(self.wrong(format!("expected {}", known.join(", "))))
            }
        }
    }
}

/// `name` is not known; the nearest name that is, if there is one, else all of them.
pub(super) fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .max_by(|a, b| strsim::jaro_winkler(name, a).total_cmp(&strsim::jaro_winkler(name, b)));
    match nearest {
        Some(near) if strsim::jaro_winkler(name, near) > 0.8 => {
            format!("there is no {what} `{name}`: did you mean `{near}`?")
        }
        _ => format!("there is no {what} `{name}`: known are {}", known.join(", ")),
    }
}
