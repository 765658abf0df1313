//! What we write is valid, whatever names and descriptions are in it.

use super::check::takes_web;
use super::words::{is_type, meant};
use super::{Api, Contact, Index, Property, Remark, VERSION};
use crate::akm::Place;
use crate::text::printable;

/// The most letters of the name of an index.
const MAX_NAME: usize = 50;
/// The most letters of its description.
const MAX_DESCRIPTION: usize = 1_000;
/// The fewest letters of a description.
const MIN_DESCRIPTION: usize = 5;

impl Index {
    /// An index of version 0.23 without APIs; `url`, where it will be, begins with https:// or http://.
    pub fn new(name: &str, description: &str, url: &str) -> Self {
        Self {
            name: name.to_owned(),
            description: description.to_owned(),
            url: url.to_owned(),
            specification_version: Some(VERSION.to_owned()),
            ..Self::default()
        }
    }

    /// The index as JSON of version 0.23: texts are cut or filled to the lengths that it allows, and what it would
    /// refuse is left out. An address of an API that is none becomes that of the index.
    pub fn to_json(&self) -> String {
        let mut index = self.clone();
        index.specification_version = Some(VERSION.to_owned());
        index.name = fit(&index.name, 3, MAX_NAME);
        index.description = fit(&index.description, MIN_DESCRIPTION, MAX_DESCRIPTION);
        let url = index.url.clone();
        index.apis.iter_mut().for_each(|api| api.fit(&url));
        fit_properties(&mut index.common);
        index.include.retain(|include| !include.name.is_empty());
        index.maintainers.retain(|contact| !contact.name.is_empty());
        index.maintainers.iter_mut().for_each(Contact::fit);
        // The types have only texts and lists, which JSON can always say.
        let json = serde_json::to_string_pretty(&index).unwrap_or_default();
        json + "\n"
    }
}

impl Api {
    fn fit(&mut self, url: &str) {
        self.name = fit(&self.name, 2, MAX_DESCRIPTION);
        self.description = fit(&self.description, MIN_DESCRIPTION, MAX_DESCRIPTION);
        for address in [&mut self.base_url, &mut self.human_url] {
            if !takes_web(address) {
                url.clone_into(address);
            }
        }
        self.tags.retain(|tag| !tag.is_empty());
        fit_properties(&mut self.properties);
    }
}

impl Contact {
    fn fit(&mut self) {
        self.name = fit(&self.name, 1, MAX_DESCRIPTION);
        self.url = self.url.take().filter(|url| takes_web(url));
    }
}

fn fit_properties(properties: &mut Vec<Property>) {
    properties.retain(|property| !property.kind.is_empty() && !property.url.is_empty());
    for property in properties {
        if !is_type(&property.kind) {
            property.kind = meant(&property.kind).into_owned();
        }
        let told = property.description.take();
        property.description = told
            .filter(|told| told.chars().count() >= MIN_DESCRIPTION)
            .map(|told| fit(&told, 0, MAX_DESCRIPTION));
    }
}

/// A text on one line of at least and at most so many letters.
fn fit(text: &str, least: usize, most: usize) -> String {
    let text = printable(text);
    let mut fitting: String = text.chars().take(most).collect();
    if fitting.len() < text.len() {
        fitting.pop();
        fitting.push('…');
    }
    let letters = fitting.chars().count();
    fitting.extend(std::iter::repeat_n('.', least.saturating_sub(letters)));
    fitting
}

impl Remark {
    /// Something about a member at a place.
    pub(super) fn new(place: Place, member: &str, message: &str, hint: &str) -> Self {
        Self {
            place,
            member: member.to_owned(),
            message: message.to_owned(),
            hint: hint.to_owned(),
            times: 1,
        }
    }
}
