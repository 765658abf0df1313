//! Apps of your customers: what the forms ask of one, and how its rights and limits are said.

use std::collections::BTreeMap;

use keytender_core::text::thousands;
use maud::{Markup, html};
use serde::Deserialize;

use super::form::{Choice, Field};
use super::key_words::text;
use crate::app::apps::{AppChange, NewApp};
use crate::app::view::AppView;
use crate::error::Error;
use crate::store::apps::{Limits, Period, Quota, Rate};

pub(super) mod make;
pub(super) mod one;

/// The window of a rate of which nobody says how long it is, in seconds.
const MINUTE: u32 = 60;
/// The periods of a quota.
const PERIODS: [(&str, &str); 2] = [("day", "A day"), ("month", "A month")];

/// What is typed in of an app.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Typed {
    /// What it is called.
    pub(super) name: Option<String>,
    pub(super) scopes: Option<String>,
    requests: Option<String>,
    seconds: Option<String>,
    burst: Option<String>,
    quota: Option<String>,
    per: Option<String>,
    labels: Option<String>,
}

impl Typed {
    /// What stands in the forms of an app that is there.
    fn of(app: &AppView) -> Self {
        let labels = app.labels.iter().map(|(name, value)| format!("{name}={value}"));
        let labels: Vec<String> = labels.collect();
        Self {
            name: Some(app.name.clone()),
            labels: Some(labels.join("\n")),
            ..Self::of_rights(&app.scopes, app.rate, app.quota)
        }
    }

    /// What stands in the forms of what keys of an app may do, and how much.
    pub(super) fn of_rights(scopes: &[String], rate: Option<Rate>, quota: Option<Quota>) -> Self {
        Self {
            scopes: Some(scopes.join(" ")),
            requests: rate.map(|rate| rate.requests.to_string()),
            seconds: rate.map(|rate| rate.seconds.to_string()),
            burst: rate.and_then(|rate| rate.burst).map(|burst| burst.to_string()),
            quota: quota.map(|quota| quota.requests.to_string()),
            per: quota.map(|quota| period(quota.per).to_owned()),
            ..Self::default()
        }
    }

    /// The app that is to be added.
    ///
    /// # Errors
    /// When a number or a label is none.
    pub(super) fn new_app(&self) -> Result<NewApp, Error> {
        Ok(NewApp {
            name: self.name.clone().unwrap_or_default(),
            scopes: words(self.scopes.as_deref()),
            limits: self.limits()?,
            labels: self.pairs()?,
        })
    }

    /// The whole of what can change, as it is to be.
    fn change(&self) -> Result<AppChange, Error> {
        let limits = self.limits()?;
        Ok(AppChange {
            scopes: Some(words(self.scopes.as_deref())),
            rate: Some(limits.rate),
            quota: Some(limits.quota),
            labels: Some(self.pairs()?),
            is_suspended: None,
            why: None,
        })
    }

    pub(super) fn limits(&self) -> Result<Limits, Error> {
        let seconds = number("seconds", self.seconds.as_deref())?;
        let burst = number("requests at once", self.burst.as_deref())?;
        let rate = match number("requests", self.requests.as_deref())? {
            Some(requests) => Some(Rate { requests, seconds: seconds.unwrap_or(MINUTE), burst }),
            None if burst.is_some() => {
                return Err(Error::new("requests at once need a rate: say how many in how long"));
            }
            None => None,
        };
        let per = if self.per.as_deref() == Some("month") { Period::Month } else { Period::Day };
        let quota = number("the quota", self.quota.as_deref())?;
        Ok(Limits { rate, quota: quota.map(|requests| Quota { requests, per }) })
    }

    fn pairs(&self) -> Result<BTreeMap<String, String>, Error> {
        let lines = self.labels.as_deref().unwrap_or_default().lines().map(str::trim);
        lines
            .filter(|line| !line.is_empty())
            .map(|line| {
                let pair = line.split_once('=').ok_or_else(|| {
                    Error::new(format!("`{line}` is no label"))
                        .hint("a name, =, and a value, such as tier=gold")
                })?;
                Ok((pair.0.trim().to_owned(), pair.1.trim().to_owned()))
            })
            .collect()
    }
}

pub(super) fn number(what: &str, text: Option<&str>) -> Result<Option<u32>, Error> {
    let parse = |text: &str| {
        text.trim()
            .parse()
            .map_err(|_| Error::new(format!("`{text}`, as a number of {what}, is no whole number")))
    };
    text.map(parse).transpose()
}

/// The words of a line.
pub(super) fn words(line: Option<&str>) -> Vec<String> {
    let words = line.unwrap_or_default().split(|one: char| one.is_whitespace() || one == ',');
    words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

/// Where an app's page is.
pub(super) fn place(app: &AppView) -> String {
    format!("/apps/{}", app.id)
}

const fn period(period: Period) -> &'static str {
    match period {
        Period::Day => "day",
        Period::Month => "month",
    }
}

/// What an app's keys may do at most.
pub(super) fn scopes(scopes: &[String]) -> Markup {
    html! {
        @if scopes.is_empty() { span.dim { "whatever each key says" } }
        @else { code { (scopes.join(" ")) } }
    }
}

/// How much an app's keys may ask together.
pub(super) fn limits(rate: Option<Rate>, quota: Option<Quota>) -> Markup {
    html! {
        @if let Some(rate) = rate {
            div {
                (thousands(rate.requests.into())) " in "
                @if rate.seconds == 1 { "a second" } @else { (rate.seconds) " seconds" }
                @if let Some(burst) = rate.burst { ", " (thousands(burst.into())) " at once" }
            }
        }
        @if let Some(quota) = quota {
            div { (thousands(quota.requests.into())) " a " (period(quota.per)) }
        }
        @if rate.is_none() && quota.is_none() { span.dim { "none" } }
    }
}

/// What is said of an app, by name.
pub(super) fn labels(labels: &BTreeMap<String, String>) -> Markup {
    html! {
        @if labels.is_empty() { span.dim { "none" } }
        @for (name, value) in labels { div { (text(&format!("{name}={value}"))) } }
    }
}

/// What a form asks of an app beside its name.
pub(super) fn lines(form: &str, typed: Option<&Typed>) -> Markup {
    let text = |of: fn(&Typed) -> &Option<String>| typed.and_then(|typed| of(typed).as_deref());
    let id = format!("{form}-labels");
    let about = format!("{id}-about");
    html! {
        (Field::new(form, "scopes", "What its keys may do at most").value(text(|typed| &typed.scopes))
            .about("Words of your API, such as orders:read orders:write. Empty: whatever each key says."))
        (limit_lines(form, "Limits of all its keys together", typed))
        label for=(id) { "Labels" }
        textarea.small id=(id) name="labels" aria-describedby=(about) {
            (text(|typed| &typed.labels).unwrap_or_default())
        }
        small id=(about) { "One a line, such as tier=gold. They are the tags of its keys: owners and rules know them." }
    }
}

/// What a form asks of how much keys may ask together.
pub(super) fn limit_lines(form: &str, legend: &str, typed: Option<&Typed>) -> Markup {
    let text = |of: fn(&Typed) -> &Option<String>| typed.and_then(|typed| of(typed).as_deref());
    let line = |name, label, of: fn(&Typed) -> &Option<String>| {
        Field::new(form, name, label).value(text(of)).kind("number")
    };
    html! {
        fieldset {
            legend { (legend) }
            div.row {
                div.field { (line("requests", "Requests", |typed| &typed.requests)) }
                div.field { (line("seconds", "in seconds", |typed| &typed.seconds)) }
                div.field { (line("burst", "at once", |typed| &typed.burst)) }
            }
            div.row {
                div.field { (line("quota", "Quota", |typed| &typed.quota)) }
                div.field { (Choice::new(form, "per", "in", PERIODS).chosen(text(|typed| &typed.per))) }
            }
            small { "Empty: as fast and as much as they like. Days and months begin at midnight UTC." }
        }
    }
}
