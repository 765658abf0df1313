//! A first descriptor, drafted from a provider's OpenAPI description.
//!
//! It is a beginning: what looks like the management of keys is found by the names of paths and
//! members, and whatever that does not decide is marked with `# decide:`. No act of a draft is done
//! before somebody allows it, and what is drafted is held against the notation before it is given out.

mod auth;
mod body;
mod description;
mod fact;
mod find;
mod kind;
mod paging;
mod place;
mod server;
mod word;
mod yaml;

use serde_json::Value;

use self::description::{Description, Endpoint};
use self::find::Found;
use self::kind::Writer;
use self::place::Places;
use self::yaml::{Map, Node, clean};
use super::document::Descriptor;
use super::operation::OperationName;

/// The longest description, in bytes: the longest that we know of, GitHub's, has 12 million.
pub const MAX_DESCRIPTION_BYTES: usize = 33_554_432;
/// The most kinds of keys that are drafted.
const MAX_KINDS: usize = 20;
/// The most gaps that are named.
const MAX_GAPS: usize = 60;

/// Why nothing is drafted.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoDraft {
    /// It is longer than [`MAX_DESCRIPTION_BYTES`].
    #[error("a description has at most {MAX_DESCRIPTION_BYTES} bytes")]
    TooLong,
    /// It is neither JSON nor YAML.
    #[error("it is neither JSON nor YAML: {0}")]
    Unreadable(String),
    /// It has no `openapi: 3.…`.
    #[error("it is no OpenAPI description: nothing says `openapi: 3.…`")]
    NoDescription,
    /// It is Swagger 2.0.
    #[error("it is Swagger 2.0: convert it to OpenAPI 3 first")]
    Old,
    /// It has no paths.
    #[error("it has no `paths`")]
    NoPaths,
    /// The id that was given is none.
    #[error("an id has small letters, digits and `-`")]
    Id,
    /// The server that was given is none.
    #[error("a server begins with https:// and has a host")]
    Server,
}

/// What whoever drafts decides.
#[derive(Clone, Copy, Debug, Default)]
pub struct Given<'g> {
    /// The provider's id.
    pub id: Option<&'g str>,
    /// The base of its paths.
    pub server: Option<&'g str>,
}

/// A draft.
#[derive(Clone, Debug)]
pub struct Draft {
    /// The descriptor, in YAML.
    pub text: String,
    /// How many kinds of keys were found.
    pub kinds: usize,
    /// How many things are to be decided.
    pub doubts: usize,
}

/// Drafts a descriptor from the text of a description, in JSON or YAML.
///
/// # Errors
/// When the text is no description, or what was given is not of its form.
pub fn draft(text: &str, given: Given<'_>) -> Result<Draft, NoDraft> {
    if text.len() > MAX_DESCRIPTION_BYTES {
        return Err(NoDraft::TooLong);
    }
    check(given)?;
    let document = description::read(text)?;
    let description = Description::new(&document);
    let (mut kinds, unused) = find::find(description);
    let mut left: Vec<String> = kinds
        .split_off(kinds.len().min(MAX_KINDS))
        .iter()
        .map(|kind| format!("More keys stand at {}.", kind.collection))
        .collect();
    let whole = write(description, given, &kinds, &unused, &left);
    if Descriptor::parse(&whole).is_ok() {
        return Ok(told(whole, kinds.len()));
    }
    // One path that cannot be said must not take the others with it.
    let (kept, odd): (Vec<_>, Vec<_>) = kinds.into_iter().partition(|kind| {
        let alone = write(description, given, std::slice::from_ref(kind), &[], &[]);
        Descriptor::parse(&alone).is_ok()
    });
    left.extend(
        odd.iter().map(|kind| format!("The keys at {} could not be drafted.", kind.collection)),
    );
    let some = write(description, given, &kept, &unused, &left);
    if Descriptor::parse(&some).is_ok() {
        return Ok(told(some, kept.len()));
    }
    Ok(told(write(Description::new(&Value::Null), given, &[], &[], &left), 0))
}

fn check(given: Given<'_>) -> Result<(), NoDraft> {
    let is_id = |id: &str| {
        let begins = id.starts_with(|one: char| one.is_ascii_lowercase() || one.is_ascii_digit());
        let is_letter = |one: char| one.is_ascii_lowercase() || one.is_ascii_digit() || one == '-';
        begins && id.len() <= 60 && id.chars().all(is_letter)
    };
    if !given.id.is_none_or(is_id) {
        return Err(NoDraft::Id);
    }
    let is_server = |server: &str| {
        let behind = server.strip_prefix("https://").unwrap_or_default();
        let host = behind.split('/').next().unwrap_or_default();
        let is_plain = server.chars().all(|one| one.is_ascii_graphic() && !"?#\\%{}".contains(one));
        is_plain && host.contains('.') && super::call::is_host(host)
    };
    if given.server.is_none_or(is_server) { Ok(()) } else { Err(NoDraft::Server) }
}

fn told(text: String, kinds: usize) -> Draft {
    let doubts = text.lines().filter(|line| line.trim_start().starts_with("# decide:")).count();
    Draft { text, kinds, doubts }
}

fn write(
    description: Description<'_>,
    given: Given<'_>,
    kinds: &[Found<'_>],
    unused: &[Endpoint<'_>],
    left: &[String],
) -> String {
    let mut places = Places::new(description);
    let server = server::server(description, given.server, &mut places.variables);
    let mut gaps = Vec::new();
    let key_types = key_types(description, &mut places, kinds, &mut gaps);
    gaps.extend(left.iter().cloned());
    gaps.extend(unused.iter().map(|endpoint| {
        format!("Nothing here says what {} {} is for.", endpoint.method.as_str(), endpoint.path)
    }));
    gaps.truncate(MAX_GAPS);
    let title = clean(description.at("info")["title"].as_str().unwrap_or_default());
    let mut map = Map::default();
    map.put("akm", Node::Plain("\"0.1\"".to_owned()));
    provider(&mut map, given, &server, &title);
    source(&mut map, description, &title);
    map.text("server", &server.url);
    server.doubts.iter().for_each(|doubt| {
        map.doubt(doubt);
    });
    let (resources, variables) = places.finish();
    map.some("variables", variables);
    let mut authentication = Map::default();
    let security = kinds
        .iter()
        .filter_map(|kind| kind.acts.get(&OperationName::List))
        .map(|list| &list.operation["security"])
        .find(|security| security.is_array());
    let methods = auth::methods(description, security.unwrap_or(&Value::Null));
    authentication.put("methods", Node::List(methods));
    map.put("authentication", authentication);
    map.doubt("the first is taken; which permission does each operation need: permissions?");
    if !resources.is_empty() {
        map.put("resources", Node::List(resources));
    }
    map.put("keyTypes", Node::List(key_types));
    if kinds.is_empty() {
        map.doubt(
            "no path looks like the management of keys; a descriptor without operations is valid",
        );
    }
    if !gaps.is_empty() {
        map.put("gaps", Node::texts(&gaps));
        map.doubt("which of these are so, and which did the draft not find? Say it in sentences");
    }
    let mut out = String::from(
        "# A draft. Each `# decide:` is a question: answer it, and take it away.\n\
         # Then: keytender providers check FILE\n",
    );
    map.write(&mut out, 0);
    out.push_str(
        "# decide: links: the console where keys are seen, and the guide to replace one\n",
    );
    out
}

fn key_types<'d>(
    description: Description<'d>,
    places: &mut Places<'d>,
    kinds: &[Found<'d>],
    gaps: &mut Vec<String>,
) -> Vec<Node> {
    let mut taken = Vec::new();
    let mut written = Vec::new();
    for found in kinds {
        let key_id = kind::name(found, &taken);
        let param = param(found);
        let mut writer =
            Writer { description, places, found, key_id: &key_id, param: &param, gaps: Vec::new() };
        written.push(Node::Map(writer.write()));
        gaps.append(&mut writer.gaps);
        taken.push(key_id);
    }
    if written.is_empty() {
        let mut thin = Map::default();
        thin.text("id", "api-key").text("type", "api-key");
        written.push(Node::Map(thin));
    }
    written
}

/// What the paths call the id of one key.
fn param(found: &Found<'_>) -> String {
    let of_one = [OperationName::Get, OperationName::Delete, OperationName::Rotate];
    let path = of_one.iter().find_map(|name| found.acts.get(name)).map(|endpoint| endpoint.path);
    let name = path.and_then(|path| path.rsplit('{').next()?.split('}').next());
    name.unwrap_or("id").to_owned()
}

fn provider(map: &mut Map, given: Given<'_>, server: &server::Server, title: &str) {
    let host = server.host.as_deref().unwrap_or_default();
    let labels: Vec<&str> = host.split('.').collect();
    let (site, label) = match labels.as_slice() {
        [.., name, top] => (format!("https://{name}.{top}"), name.to_ascii_lowercase()),
        _ => ("https://example.com".to_owned(), String::new()),
    };
    let of_title = || word::id(&word::words(title).into_iter().take(2).collect::<Vec<_>>());
    let guessed = if label.is_empty() { of_title() } else { label };
    let mut provider = Map::default();
    provider.text("id", given.id.unwrap_or(&guessed));
    provider.text("name", if title.is_empty() { "A provider" } else { title });
    provider.text("url", &site);
    map.put("provider", provider);
    map.doubt("the name that people know, and the home page");
}

fn source(map: &mut Map, description: Description<'_>, title: &str) {
    let version = clean(description.at("info")["version"].as_str().unwrap_or_default());
    let mut source = Map::default();
    source.text(
        "name",
        &format!("The OpenAPI description \u{201c}{title}\u{201d}, version {version}"),
    );
    source.text("supports", "paths, parameters, codes and fields");
    map.put("sources", Node::List(vec![Node::Map(source)]));
    map.doubt(
        "`url` of the description here and as `openapi`; the day as `updated`; other sources",
    );
}
