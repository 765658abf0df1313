//! Indexes of others, read as they are found.

use super::check::is_member;
use super::node::{Content, Node, Tree, parse, twice};
use super::words::{is_type, meant};
use super::{Api, Contact, Include, Index, Property, Remark, VERSION};
use crate::akm::{Fault, Place};

/// How many warnings are told of one index; there are as many kinds of oddities in real ones.
pub const MAX_WARNINGS: usize = 40;
/// The longest text that is taken over, in letters; 0.23 allows 1,000 for the longest.
const MAX_LETTERS: usize = 2_000;
/// An index that was read.
#[derive(Clone, Debug)]
pub struct Read {
    /// What it says.
    pub index: Index,
    /// What is odd about it, at most [`MAX_WARNINGS`], in the order of the text.
    pub warnings: Vec<Remark>,
    /// How many oddities there are beyond these.
    pub more_warnings: usize,
}

/// Reads an index of any version, in JSON or YAML, as far as it can be understood.
///
/// # Errors
/// When it is beyond a limit, or is no object of which anything can be read.
pub fn read(text: &str) -> Result<Read, Fault> {
    let Tree { root, broken } = parse(text)?;
    if !matches!(root.value, Content::Map(_)) {
        let message = format!("an index is an object, and this is {}", root.kind());
        return Err(broken.unwrap_or_else(|| Fault::new(root.place, message)));
    }
    let mut reader = Reader::default();
    if let Some(fault) = broken {
        let message = format!("{}; only what stands before is read", fault.message);
        reader.warn(fault.place, "", &message, "have it repaired: nobody reads the rest");
    }
    if let Some(place) = lost(text) {
        let message = "some letters are not UTF-8 and lost";
        reader.warn(place, "", message, "save the text as UTF-8");
    }
    let mut doubled = Vec::new();
    twice(&root, &mut doubled);
    for (name, place) in doubled {
        reader.warn(place, &name, "it stands twice in one object; the last counts", "remove one");
    }
    let index = reader.index(&root);
    reader.warnings.sort();
    Ok(Read { index, warnings: reader.warnings, more_warnings: reader.more })
}

/// The first letter that stands for bytes that were none.
fn lost(text: &str) -> Option<Place> {
    let (before, _) = text.split_once('\u{fffd}')?;
    let line = before.matches('\n').count() + 1;
    let column = before.rsplit('\n').next().map_or(0, |last| last.chars().count());
    Some(Place { line, column: column + 1 })
}

#[derive(Debug, Default)]
struct Reader {
    warnings: Vec<Remark>,
    more: usize,
}

impl Reader {
    /// Says something; what was said before of another place is counted there.
    fn warn(&mut self, place: Place, member: &str, message: &str, hint: &str) {
        let is_same = |said: &&mut Remark| said.message == message && said.hint == hint;
        if let Some(said) = self.warnings.iter_mut().find(is_same) {
            said.times += 1;
        } else if self.warnings.len() < MAX_WARNINGS {
            let member: String = member.chars().take(MAX_LETTERS).collect();
            self.warnings.push(Remark::new(place, &member, message, hint));
        } else {
            self.more += 1;
        }
    }

    fn index(&mut self, root: &Node) -> Index {
        let mut index = Index {
            aid: self.text(root, "", "aid"),
            name: self.text(root, "", "name").unwrap_or_default(),
            description: self.text(root, "", "description").unwrap_or_default(),
            url: self.text(root, "", "url").unwrap_or_default(),
            image: self.text(root, "", "image"),
            kind: self.text(root, "", "type"),
            position: self.text(root, "", "position"),
            access: self.text(root, "", "access"),
            created: self.text(root, "", "created"),
            modified: self.text(root, "", "modified"),
            specification_version: self.text(root, "", "specificationVersion"),
            tags: self.texts(root, "", "tags"),
            ..Index::default()
        };
        self.version(root, index.specification_version.as_deref());
        for (at, node) in self.list(root, "", "apis") {
            let api = self.api(node, &at);
            index.apis.extend(api);
        }
        index.common = self.properties(root, "", "common");
        for member in ["x-common", "X-common"] {
            if let Some(node) = root.get(member) {
                let message = "it is the old name of what holds for all APIs";
                self.warn(node.place, member, message, "call it `common`");
                index.common.extend(self.properties(root, "", member));
            }
        }
        for (at, node) in self.list(root, "", "include") {
            let name = self.text(node, &at, "name").unwrap_or_default();
            match self.text(node, &at, "url").filter(|url| !url.is_empty()) {
                Some(url) => index.include.push(Include { name, url, place: node.place }),
                None => self.warn(node.place, &at, "it has no `url`", "say where that index is"),
            }
        }
        for (at, node) in self.list(root, "", "maintainers") {
            index.maintainers.extend(self.contact(node, &at));
        }
        self.of_one_api(root, &mut index);
        self.missing(root, &index);
        index
    }

    /// Some indexes are about one API, and say so without a list.
    fn of_one_api(&mut self, root: &Node, index: &mut Index) {
        let is_one = root.get("baseURL").or(root.get("properties")).or(root.get("humanURL"));
        let Some(node) = is_one.filter(|_| index.apis.is_empty()) else { return };
        let message = "the index itself describes an API, and lists none";
        self.warn(node.place, "", message, "put what describes the API into `apis`");
        index.apis.push(Api {
            aid: index.aid.clone(),
            name: index.name.clone(),
            description: index.description.clone(),
            image: index.image.clone().unwrap_or_default(),
            human_url: self.text(root, "", "humanURL").unwrap_or_else(|| index.url.clone()),
            base_url: self.text(root, "", "baseURL").unwrap_or_default(),
            tags: index.tags.clone(),
            properties: self.properties(root, "", "properties"),
            place: root.place,
        });
    }

    fn version(&mut self, root: &Node, version: Option<&str>) {
        let Some(version) = version else {
            let message = "it does not say of which version of APIs.json it is";
            return self.warn(root.place, "specificationVersion", message, "add the version");
        };
        if version != VERSION {
            let place = root.get("specificationVersion").map_or(root.place, |node| node.place);
            let message =
                format!("it is of version {version}; {VERSION} is the latest that is known");
            let hint = format!("see what else changes for {VERSION}: keytender catalog check");
            self.warn(place, "specificationVersion", &message, &hint);
        }
    }

    fn missing(&mut self, root: &Node, index: &Index) {
        let is_missing = [
            ("name", index.name.is_empty()),
            ("url", index.url.is_empty()),
            ("apis", root.get("apis").is_none()),
            ("maintainers", index.maintainers.is_empty()),
        ];
        for (member, _) in is_missing.iter().filter(|(_, is_missing)| *is_missing) {
            let message = format!("`{member}` is missing or empty");
            self.warn(root.place, member, &message, "say it");
        }
        let Content::Map(entries) = &root.value else { return };
        for entry in entries {
            let is_known =
                is_member(&entry.name) || matches!(entry.name.get(..2), Some("x-" | "X-"));
            if !is_known {
                let name: String = entry.name.chars().take(60).collect();
                let message = format!("an index has no member `{name}`; it is not read");
                self.warn(entry.place, &name, &message, "remove it, or put it into an `X-…`");
            }
        }
    }

    fn api(&mut self, node: &Node, at: &str) -> Option<Api> {
        if !matches!(node.value, Content::Map(_)) {
            let message = format!("an API is an object, and this is {}", node.kind());
            self.warn(node.place, at, &message, "describe it, or remove it");
            return None;
        }
        let mut api = Api {
            aid: self.text(node, at, "aid"),
            name: self.text(node, at, "name").unwrap_or_default(),
            description: self.text(node, at, "description").unwrap_or_default(),
            image: self.text(node, at, "image").unwrap_or_default(),
            human_url: self.text(node, at, "humanURL").unwrap_or_default(),
            base_url: self.text(node, at, "baseURL").unwrap_or_default(),
            tags: self.texts(node, at, "tags"),
            properties: self.properties(node, at, "properties"),
            place: node.place,
        };
        if api.name.is_empty() {
            self.warn(node.place, &format!("{at}.name"), "it is missing or empty", "name the API");
            api.name = api.aid.clone().unwrap_or_else(|| api.base_url.clone());
        }
        if api.base_url.is_empty() && api.human_url.is_empty() {
            let message = "it says neither what calls begin with nor where its home page is";
            self.warn(node.place, at, message, "add `baseURL` and `humanURL`");
        }
        Some(api)
    }

    fn properties(&mut self, node: &Node, at: &str, member: &str) -> Vec<Property> {
        let mut found = Vec::new();
        for (at, node) in self.list(node, at, member) {
            let kind = self.text(node, &at, "type").unwrap_or_default();
            if !kind.is_empty() && !is_type(&kind) {
                let message = format!("`{kind}` is no type of {VERSION}");
                let hint = format!("`{}` is one", meant(&kind));
                self.warn(node.place, &format!("{at}.type"), &message, &hint);
            }
            let url = self.text(node, &at, "url").filter(|url| !url.is_empty());
            // What has its data here needs no address, and has none to lead to.
            if kind.is_empty() || url.is_none() {
                if node.get("data").is_none() {
                    let message = "it has no `type` or no `url`, and leads nowhere";
                    self.warn(node.place, &at, message, "say what it is and where");
                }
                continue;
            }
            found.push(Property {
                kind,
                url: url.unwrap_or_default(),
                name: self.text(node, &at, "name"),
                description: self.text(node, &at, "description"),
                media_type: self.text(node, &at, "mediaType"),
                place: node.place,
            });
        }
        found
    }

    fn contact(&mut self, node: &Node, at: &str) -> Option<Contact> {
        let name = match &node.value {
            Content::Text(name) => Some(name.clone()),
            _ => self.text(node, at, "FN").or_else(|| self.text(node, at, "name")),
        };
        let Some(name) = name.filter(|name| !name.is_empty()) else {
            self.warn(node.place, at, "it has no name", "give `FN`");
            return None;
        };
        Some(Contact { name, email: self.text(node, at, "email"), url: self.text(node, at, "url") })
    }

    /// The text of a member; a number is one too, because people forget quotes.
    fn text(&mut self, node: &Node, at: &str, member: &str) -> Option<String> {
        let found = node.get(member)?;
        match &found.value {
            Content::Text(text) => Some(text.trim().chars().take(MAX_LETTERS).collect()),
            Content::Number(text) => {
                let message = "it is a number, and taken as a text";
                self.warn(found.place, &join(at, member), message, "put it in quotes");
                Some(text.clone())
            }
            Content::Null => {
                let message = "it is empty (null)";
                self.warn(found.place, &join(at, member), message, "say it, or leave it out");
                None
            }
            _ => {
                let message = format!("it is {}, not a text, and not read", found.kind());
                self.warn(found.place, &join(at, member), &message, "write a text");
                None
            }
        }
    }

    fn texts(&mut self, node: &Node, at: &str, member: &str) -> Vec<String> {
        let mut found = Vec::new();
        for (at, node) in self.list(node, at, member) {
            match &node.value {
                Content::Text(text) | Content::Number(text) => {
                    found.push(text.trim().chars().take(MAX_LETTERS).collect());
                }
                _ => self.warn(node.place, &at, "it is no text, and not read", "write a text"),
            }
        }
        found
    }

    /// The values of a list, each with what it is called; one value alone is a list of one.
    fn list<'n>(&mut self, node: &'n Node, at: &str, member: &str) -> Vec<(String, &'n Node)> {
        let Some(found) = node.get(member) else { return Vec::new() };
        let at = join(at, member);
        match &found.value {
            Content::List(list) => {
                let named = list.iter().enumerate();
                named.map(|(place, node)| (format!("{at}[{place}]"), node)).collect()
            }
            Content::Null => Vec::new(),
            _ => {
                let message = format!("it is {}, and taken as a list of one", found.kind());
                self.warn(found.place, &at, &message, "write a list");
                vec![(at, found)]
            }
        }
    }
}

/// The name of a member within another.
pub(super) fn join(at: &str, member: &str) -> String {
    if at.is_empty() { member.to_owned() } else { format!("{at}.{member}") }
}
