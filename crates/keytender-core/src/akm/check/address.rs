//! What calls are made of beside their bodies, and the pages that people are sent to: URLs, hosts,
//! headers.

use std::collections::BTreeMap;

use super::{Allowed, Checker};
use crate::akm::call::is_host;
use crate::akm::place::{Place, Placed};
use crate::akm::template::{Name, Part, Template};

/// Headers that belong to the connection, or to authentication.
const OWN_HEADERS: [&str; 13] = [
    "authorization",
    "connection",
    "content-length",
    "cookie",
    "expect",
    "host",
    "keep-alive",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The reader's own machine, where a server is tried.
const HERE: &str = "localhost";

impl Checker<'_> {
    /// A URL is https and its host is a name, or a variable that may be one; or it is a path.
    pub(super) fn url(&mut self, url: &Template, allowed: Allowed<'_>) {
        self.template(url, Allowed { secret: None, login: false, ..allowed });
        let place = url.place();
        let text = url.to_string();
        if text.contains(['?', '#']) {
            self.fault(place, "parameters stand in `query`");
        }
        if !stays(&text) {
            self.fault(place, "this is no URL that stays where it is");
        }
        if text.starts_with('/') && !text.starts_with("//") {
            if self.descriptor.server.is_none() {
                self.fault(place, "a path needs a `server`");
            }
            return;
        }
        match text.strip_prefix("https://") {
            Some(behind) => self.host(url, behind.split('/').next().unwrap_or_default()),
            None => self.fault(place, "a URL begins with https:// and a path with one /"),
        }
    }

    fn host(&mut self, url: &Template, host: &str) {
        let place = url.place();
        let in_host = names_of_host(url);
        for name in &in_host {
            let variable = self.descriptor.variables.get(&name.field);
            if name.scope != "var" || !variable.is_some_and(|variable| variable.is_host) {
                self.fault(
                    place,
                    format!("{name} cannot stand in a host: only a variable with `isHost` can"),
                );
            }
        }
        let plain = in_host
            .iter()
            .fold(host.to_owned(), |host, name| host.replace(&name.to_string(), "name"));
        let is_alone = plain == "name" && in_host.len() == 1;
        if !is_name(&plain) || !(plain.contains('.') || is_alone) {
            self.fault(place, format!("`{host}` is no host"));
        }
    }

    /// A page for people: https, or http on the reader's own machine; without control characters or a user name.
    pub(super) fn page(&mut self, url: &Placed<String>) {
        self.page_at(&url.value, url.place);
    }

    pub(super) fn page_at(&mut self, url: &str, place: Place) {
        let is_plain =
            url.chars().all(|one| one.is_ascii_graphic() && !"\"<>\\^`{|}".contains(one));
        let place_of = |behind: &str| {
            let whole = behind.split(['/', '?', '#']).next().unwrap_or_default().to_owned();
            let Some((host, port)) = whole.split_once(':') else { return Some(whole) };
            port.parse::<u16>().ok().filter(|port| *port > 0).map(|_| host.to_owned())
        };
        let is_page = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
            (Some(behind), _) => place_of(behind)
                .is_some_and(|host| host == HERE || (host.contains('.') && is_name(&host))),
            (None, Some(behind)) => place_of(behind).is_some_and(|host| host == HERE),
            (None, None) => false,
        };
        if !is_plain || !is_page {
            self.fault(place, "this is no page: https://, a host, a path");
        }
    }

    /// Headers of an operation.
    pub(super) fn headers(&mut self, headers: &BTreeMap<String, Template>, allowed: Allowed<'_>) {
        for (name, template) in headers {
            self.header(name, template.place());
            self.header_value(template, allowed);
        }
    }

    /// Headers of authentication, in which the secret stands.
    pub(super) fn secret_headers(
        &mut self,
        headers: &BTreeMap<String, Template>,
        allowed: Allowed<'_>,
    ) {
        for (name, template) in headers {
            if !name.eq_ignore_ascii_case("authorization") {
                self.header(name, template.place());
            }
            self.header_value(template, allowed);
        }
    }

    /// A header that a request may have beside those of authentication.
    pub(super) fn header(&mut self, name: &str, place: Place) {
        if !is_token(name) || OWN_HEADERS.contains(&name.to_ascii_lowercase().as_str()) {
            self.fault(place, format!("`{}` cannot be a header here", name.escape_debug()));
        }
    }

    fn header_value(&mut self, template: &Template, allowed: Allowed<'_>) {
        if template.to_string().chars().any(char::is_control) {
            self.fault(template.place(), "a header is one line");
        }
        self.template(template, allowed);
    }
}

/// The names of the host alone: the path may have others.
fn names_of_host(url: &Template) -> Vec<&Name> {
    let mut in_host = Vec::new();
    let mut seen = String::new();
    for part in url.parts() {
        match part {
            Part::Text(plain) => seen.push_str(plain),
            Part::Name(name) => {
                let behind = seen.split_once("://").map_or("", |(_, behind)| behind);
                if !behind.contains('/') {
                    in_host.push(name);
                }
                seen.push_str("name");
            }
        }
    }
    in_host
}

/// Whether a URL leads where it is written: readers of URLs drop tabs and line ends, take `\` for `/`
/// and `%2e` for a dot.
fn stays(text: &str) -> bool {
    let is_dots = |segment: &str| {
        matches!(segment.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..")
    };
    let is_escape = |behind: &str| {
        behind.get(..2).is_some_and(|two| two.chars().all(|one| one.is_ascii_hexdigit()))
    };
    text.chars().all(|one| one.is_ascii_graphic() && one != '\\')
        && !text.split('/').any(is_dots)
        && text.split('%').skip(1).all(is_escape)
}

/// Whether a text is a host that has a name: a number would be read as an address, however it is
/// written (URL Standard, section 3.5).
pub(super) fn is_name(text: &str) -> bool {
    let last = text.rsplit('.').next().unwrap_or_default();
    let hex = last.strip_prefix("0x").or_else(|| last.strip_prefix("0X"));
    let is_number = last.chars().all(|one| one.is_ascii_digit())
        || hex.is_some_and(|digits| digits.chars().all(|one| one.is_ascii_hexdigit()));
    is_host(text) && !is_number
}

/// Whether a text is a token of HTTP (RFC 9110, section 5.6.2).
fn is_token(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|one| one.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(one))
}
