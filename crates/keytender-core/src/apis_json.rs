//! APIs.json: the index of APIs that providers publish at `/apis.json`, and that we write of our own.
//!
//! Indexes of others are read as they are found, in JSON or YAML and of any version from 0.14 on: what is odd is
//! said with its place and never refused. What they may cost is bounded: [`MAX_BYTES`], [`MAX_NODES`],
//! [`MAX_DEPTH`]. [`check()`] is strict instead, and holds a text against the rules of version 0.23. What is
//! written is of that version. Nothing here touches files or the network.
//!
//! Source: the specification at apisjson.org, versions 0.14 to 0.23.

mod check;
mod node;
mod read;
mod words;
mod write;

use serde::Serialize;

use crate::akm::Place;

pub use check::{Checked, check};
pub use read::{MAX_WARNINGS, Read, read};
pub use words::{Lead, SeenPlace, is_type};

/// The version that is written, and that [`check()`] holds texts against.
pub const VERSION: &str = "0.23";
/// The longest index, in bytes: the longest that we know of has 160,000.
pub const MAX_BYTES: usize = 4 * 1024 * 1024;
/// The most values of an index, aliases counted as often as they are used: the largest that we know of has 9,000.
pub const MAX_NODES: usize = 200_000;
/// How deep values may stand within each other; 0.23 needs 6.
pub const MAX_DEPTH: usize = 32;

/// An index of APIs. Members that a text lacks are empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Index {
    /// Its id, such as `stripe`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aid: Option<String>,
    /// What it is called.
    pub name: String,
    /// What it is of.
    pub description: String,
    /// Where it is.
    pub url: String,
    /// A picture of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,
    /// What kind of collection it is, such as `Index`.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
    /// Whether whoever keeps it makes these APIs or uses them: `Producing` or `Consuming`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub position: Option<String>,
    /// Who may use the APIs: `Internal`, `1st-Party` or `3rd-Party`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access: Option<String>,
    /// The day on which it was made, such as `2026-01-31`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub created: Option<String>,
    /// The day of its last change.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub modified: Option<String>,
    /// The version of APIs.json that it says it is of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specification_version: Option<String>,
    /// What it is about, in words.
    pub tags: Vec<String>,
    /// The APIs.
    pub apis: Vec<Api>,
    /// What holds for all of them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub common: Vec<Property>,
    /// Other indexes that belong to it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub include: Vec<Include>,
    /// Who keeps it.
    pub maintainers: Vec<Contact>,
}

/// An API.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Api {
    /// Its id, such as `stripe:charges`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aid: Option<String>,
    /// What it is called.
    pub name: String,
    /// What it does.
    pub description: String,
    /// The address of a picture of it; 0.23 asks for one, and an empty text is none.
    pub image: String,
    /// Its home page.
    #[serde(rename = "humanURL")]
    pub human_url: String,
    /// What its calls begin with.
    #[serde(rename = "baseURL")]
    pub base_url: String,
    /// What it is about, in words.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// What else there is of it.
    pub properties: Vec<Property>,
    /// Where it stands in the text that was read.
    #[serde(skip)]
    pub place: Place,
}

/// Something about an API that has an address.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Property {
    /// What it is, one of the words of APIs.json, such as `OpenAPI`; what others write is kept as it is.
    #[serde(rename = "type")]
    pub kind: String,
    /// Its address; may be relative to that of the index.
    pub url: String,
    /// What it is called.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What it tells, at least five letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Its media type, if a program can read it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Where it stands in the text that was read.
    #[serde(skip)]
    pub place: Place,
}

/// Another index that belongs to one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Include {
    /// What it is called.
    pub name: String,
    /// Its address; may be relative to that of the index.
    pub url: String,
    /// Where it stands in the text that was read.
    #[serde(skip)]
    pub place: Place,
}

/// Whom to ask.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Contact {
    /// The name of a person or an organization.
    #[serde(rename = "FN")]
    pub name: String,
    /// Its mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Its page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// Something that is said of a text, with its place.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Remark {
    /// Where it stands; line 0 if that is not known.
    pub place: Place,
    /// The member that it is about, such as `apis[2].baseURL`; empty for all of it.
    pub member: String,
    /// What is wrong or odd.
    pub message: String,
    /// What to do about it.
    pub hint: String,
    /// How often the same is to be said; the place is that of the first.
    pub times: usize,
}

impl Property {
    /// Something with an address.
    pub fn new(kind: &str, url: &str) -> Self {
        Self { kind: kind.to_owned(), url: url.to_owned(), ..Self::default() }
    }

    /// What it leads to, if that is of use to whoever holds keys.
    pub fn lead(&self) -> Option<Lead> {
        Lead::of(&self.kind)
    }
}

#[cfg(test)]
mod tests;
