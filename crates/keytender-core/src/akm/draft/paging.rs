//! How the next part of a long list is got, as far as parameters and answers show it.

use serde_json::Value;

use super::description::{Description, Endpoint, Parameter};
use super::fact::Entry;
use super::word::{escaped, flat};
use super::yaml::{Map, Node};

const PAGES: [&str; 4] = ["page", "pagenumber", "pageno", "pageindex"];
const OFFSETS: [&str; 6] = ["offset", "skip", "pageoffset", "startindex", "startat", "fromindex"];
const CURSORS: [&str; 14] = [
    "cursor",
    "after",
    "pagetoken",
    "nexttoken",
    "startingafter",
    "pageafter",
    "pagecursor",
    "continue",
    "continuationtoken",
    "paginationtoken",
    "nextpagetoken",
    "nextcursor",
    "marker",
    "startafter",
];
const SIZES: [&str; 13] = [
    "limit",
    "perpage",
    "pagesize",
    "itemsperpage",
    "size",
    "pagelimit",
    "maxresults",
    "count",
    "top",
    "maxitems",
    "pageperpage",
    "maxpagesize",
    "take",
];
const NEXTS: [&str; 10] = [
    "nextcursor",
    "nextpagetoken",
    "nexttoken",
    "next",
    "cursor",
    "continuationtoken",
    "after",
    "endcursor",
    "paginationtoken",
    "nextpage",
];
const URLS: [&str; 4] = ["next", "nextpageuri", "nexturl", "nextlink"];
const TOTALS: [&str; 6] =
    ["total", "totalcount", "totalitems", "totalresults", "totalsize", "totalelements"];
const PAGE_COUNTS: [&str; 5] = ["totalpages", "pages", "pagecount", "lastpage", "numpages"];
const MORES: [&str; 3] = ["hasmore", "hasnext", "hasnextpage"];
/// Objects of an answer that say where one is in a list.
const AROUND: [&str; 10] = [
    "meta",
    "metadata",
    "pagination",
    "page",
    "paging",
    "resultinfo",
    "links",
    "responsemetadata",
    "pageinfo",
    "listmetadata",
];
/// How many entries are asked for where the description names no limit.
const USUAL_SIZE: u64 = 100;

/// What is known of the parts of a list.
struct Parts<'d> {
    description: Description<'d>,
    endpoint: Endpoint<'d>,
    /// Scalar members of the answer beside its entries: name, place, schemas.
    told: Vec<(String, String, Vec<&'d Value>)>,
    parameters: Vec<Parameter<'d>>,
}

/// The way of paging of a list, with what is not sure of it.
pub(super) fn paging<'d>(
    description: Description<'d>,
    endpoint: &Endpoint<'d>,
    entry: Option<&Entry<'d>>,
) -> Option<(Map, Vec<String>)> {
    let parts = Parts {
        description,
        endpoint: *endpoint,
        told: told(description, endpoint),
        parameters: description.parameters(endpoint, "query"),
    };
    let mut doubts = Vec::new();
    let mut way = Map::default();
    let (name, mut inner) = parts.way(entry, &mut doubts)?;
    parts.size(&mut inner, &mut doubts);
    way.put(name, inner);
    Some((way, doubts))
}

/// The names of the parameters that paging itself sends.
pub(super) fn is_of_paging(name: &str) -> bool {
    let flat = flat(name);
    [&PAGES[..], &OFFSETS, &CURSORS, &SIZES].iter().any(|names| names.contains(&flat.as_str()))
}

fn told<'d>(
    description: Description<'d>,
    endpoint: &Endpoint<'d>,
) -> Vec<(String, String, Vec<&'d Value>)> {
    let mut told = Vec::new();
    for (name, schemas) in description.members(&description.answer(endpoint)) {
        let at = format!("/{}", escaped(name));
        if AROUND.contains(&flat(name).as_str()) {
            for (inner, schemas) in description.members(&schemas) {
                told.push((flat(inner), format!("{at}/{}", escaped(inner)), schemas));
            }
        }
        told.push((flat(name), at, schemas));
    }
    told
}

impl<'d> Parts<'d> {
    fn parameter(&self, names: &[&str]) -> Option<&Parameter<'d>> {
        names.iter().find_map(|name| self.parameters.iter().find(|one| flat(one.name) == *name))
    }

    fn told(&self, names: &[&str], types: &[&str]) -> Option<&str> {
        names.iter().find_map(|name| {
            let fits = |schemas: &[&'d Value]| {
                let shape = self.description.shape(schemas);
                types.iter().any(|one| shape.is(one))
            };
            let mut told = self.told.iter().filter(|(one, ..)| one == name);
            told.find(|(.., schemas)| fits(schemas)).map(|(_, at, _)| at.as_str())
        })
    }

    fn way(
        &self,
        entry: Option<&Entry<'d>>,
        doubts: &mut Vec<String>,
    ) -> Option<(&'static str, Map)> {
        let mut way = Map::default();
        if let Some(parameter) = self.parameter(&CURSORS) {
            let is_url = |at: &&str| at.to_ascii_lowercase().contains("links/");
            way.text("param", parameter.name);
            let next = self.told(&NEXTS, &["string", "integer"]).filter(|at| !is_url(at));
            if let Some(next) = next {
                way.text("next", next);
                return Some(("cursor", way));
            }
            if let Some(next) = self.told(&URLS, &["string"]) {
                return Some(("next-url", pointer("next", next)));
            }
            let last = entry.and_then(|entry| entry.id("id")).unwrap_or("/id");
            way.text("last", last);
            doubts.push(
                "the description does not show the next cursor; is it the id of the last entry?"
                    .to_owned(),
            );
            if let Some(more) = self.told(&MORES, &["boolean"]) {
                way.text("more", more);
            }
            return Some(("cursor", way));
        }
        if let Some(parameter) = self.parameter(&PAGES).filter(|one| self.is_scalar(one)) {
            way.text("param", parameter.name);
            self.first(parameter, &mut way);
            if let Some(pages) = self.told(&PAGE_COUNTS, &["integer", "number"]) {
                way.text("pages", pages);
            } else if let Some(more) = self.told(&MORES, &["boolean"]) {
                way.text("more", more);
            }
            return Some(("page", way));
        }
        if let Some(parameter) = self.parameter(&OFFSETS) {
            way.text("param", parameter.name);
            if let Some(total) = self.told(&TOTALS, &["integer", "number"]) {
                way.text("total", total);
            }
            return Some(("offset", way));
        }
        if let Some(next) = self.told(&URLS, &["string"]) {
            return Some(("next-url", pointer("next", next)));
        }
        let has_link = self.description.has_header(&self.endpoint, "link");
        has_link.then_some(("link-header", way))
    }

    fn is_scalar(&self, parameter: &Parameter<'d>) -> bool {
        self.description.shape(&[parameter.schema]).may_be(&["integer", "number", "string"])
    }

    /// The number of the first page, where it is not 1.
    fn first(&self, parameter: &Parameter<'d>, way: &mut Map) {
        let numbers = ["minimum", "default"];
        let number = |name: &&str| self.description.number(&[parameter.schema], name);
        if numbers.iter().filter_map(number).next() == Some(0) {
            way.put("first", Node::Plain("0".to_owned()));
        }
    }

    fn size(&self, way: &mut Map, doubts: &mut Vec<String>) {
        let Some(parameter) = self.parameter(&SIZES) else { return };
        let known = self.description.number(&[parameter.schema], "maximum");
        let max = known.filter(|max| (1..=1_000_000).contains(max)).unwrap_or_else(|| {
            doubts.push(format!("the largest `{}` is not in the description", parameter.name));
            USUAL_SIZE
        });
        let mut size = Map::default();
        size.text("param", parameter.name).put("max", Node::Plain(max.to_string()));
        way.put("size", size);
    }
}

fn pointer(name: &str, at: &str) -> Map {
    let mut map = Map::default();
    map.text(name, at);
    map
}
