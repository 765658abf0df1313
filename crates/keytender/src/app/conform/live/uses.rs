//! K4: where keys were used: the region, the service and the address of the last use.

use std::net::{IpAddr, SocketAddr};

use keytender_core::akm::{FieldName, ListedUse};
use keytender_core::conform::Outcome;
use keytender_core::text::printable;
use serde_json::Value;

use super::ground::Ground;
use super::{Trial, broken, untried};
use crate::connect::descriptor::Found;
use crate::net::outbound;

/// The longest name of a region or service: longer than any that is known.
const MAX_LETTERS: usize = 100;
/// What providers write where nothing is known.
const NOTHING: [&str; 6] = ["", "-", "n/a", "none", "null", "unknown"];

impl Ground {
    /// Where keys were used, once a use of the probe's was seen.
    pub(super) async fn places_of_use(&mut self, say: &dyn Fn(&Outcome), is_seen: bool) {
        for (check, field, what) in [
            ("use-region", FieldName::LastUsedRegion, "region"),
            ("use-service", FieldName::LastUsedService, "service"),
            ("use-address", FieldName::LastUsedIp, "address"),
        ] {
            if self.claims(check) {
                let trial = match is_seen {
                    true => self.place_of_use(field, what).await,
                    false => untried("no use of a key was seen"),
                };
                self.note(say, check, trial);
            }
        }
    }

    async fn place_of_use(&self, field: FieldName, what: &str) -> Trial {
        // Nobody used it, so it was used nowhere.
        if let Ok(unused) = self.key('b').or_else(|_| self.key('c')) {
            let shown = self.session.fact(&self.kind, &unused.target, field).await?;
            if shown.as_ref().is_some_and(is_said) {
                return broken(format!("a key that nobody used shows the {what} of a use"));
            }
        }
        let used = self.key('a')?;
        let shown = self.session.fact(&self.kind, &used.target, field).await?;
        let shown = shown.filter(is_said);
        match (field, shown) {
            (FieldName::LastUsedIp, Some(shown)) => {
                // Where everything is public, the probe came from a public address.
                let is_public = self.asked.endpoint.is_none() && !self.asked.allow_private;
                address(&shown, is_public)
            }
            (FieldName::LastUsedIp, None) => broken("a use was seen, and not its address"),
            (_, Some(shown)) => name(&shown, what),
            (_, None) => self.place_of_others(field, what).await,
        }
    }

    /// What other keys show, where a use by the probe is in no region or of no service.
    async fn place_of_others(&self, field: FieldName, what: &str) -> Trial {
        let own = match self.place.is_empty() {
            true => Vec::new(),
            false => self.beside().await?,
        };
        let mut used = 0;
        for place in [self.place.clone()].iter().chain(&own) {
            let listing = self.session.list_in(&self.kind, place).await?;
            for found in listing.keys.iter().filter(|found| !self.is_own(found)) {
                match shown_by(found, field) {
                    Some(Some(text)) => return name(&Value::from(text), what),
                    Some(None) => used += 1,
                    None => {}
                }
            }
        }
        untried(match used {
            0 => format!("a use by the probe has no {what}, and there is no other key in use"),
            1 => format!("neither a use by the probe nor that of another key has a {what}"),
            count => format!("neither a use by the probe nor those of {count} keys have a {what}"),
        })
    }
}

/// What a key shows of its last use; `None` of one that was never used.
fn shown_by(found: &Found, field: FieldName) -> Option<Option<String>> {
    let ListedUse::Used(used) = &found.key.last_use else { return None };
    let text = match field {
        FieldName::LastUsedRegion => used.region.as_deref(),
        _ => used.service.as_deref(),
    };
    Some(text.filter(|text| is_said(&Value::from(*text))).map(str::to_owned))
}

/// Whether something stands there, and not only a word for nothing.
fn is_said(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !NOTHING.contains(&text.trim().to_lowercase().as_str()),
        _ => true,
    }
}

/// The name of a region or service.
fn name(shown: &Value, what: &str) -> Trial {
    match shown.as_str() {
        Some(text) if text.chars().count() <= MAX_LETTERS && !text.contains(char::is_control) => {
            Ok(format!("a use shows its {what}: {}", printable(text)))
        }
        _ => broken(format!("what a use shows is no name of a {what}")),
    }
}

/// The address of a use, or addresses with commas between where a proxy stood before it.
fn address(shown: &Value, is_public: bool) -> Trial {
    let text = shown.as_str().unwrap_or_default();
    let read = |part: &str| {
        let part = part.trim();
        let plain = part.split_once('/').map_or(part, |(network, _)| network);
        let with_port = || part.parse().ok().map(|one: SocketAddr| one.ip());
        plain.parse().ok().or_else(with_port)
    };
    let found: Option<Vec<IpAddr>> = text.split(',').map(read).collect();
    let Some(found) = found else { return broken("what a use shows is no address") };
    if found.iter().any(|one| one.is_unspecified() || one.is_multicast()) {
        return broken(format!("nobody asks from {text}"));
    }
    match found.iter().any(|one| outbound::is_public(*one)) || !is_public {
        true => Ok("a use shows its address".to_owned()),
        false => broken(format!("a use shows {text}, which is within the provider's own network")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_one_that_somebody_asks_from() {
        let is_good = |text: &str, is_public| address(&Value::from(text), is_public).is_ok();
        for text in ["203.0.113.9", "203.0.113.0/24", "203.0.113.9:443", "[2001:db8::1]:443"] {
            assert!(is_good(text, false), "{text}");
        }
        assert!(is_good("8.8.8.8", true) && is_good("8.8.8.8, 10.0.0.3", true));
        assert!(is_good("10.0.0.3", false) && !is_good("10.0.0.3", true));
        for text in ["0.0.0.0", "224.0.0.1", "Berlin", "8.8.8.8,", "203.0.113.x"] {
            assert!(!is_good(text, false), "{text}");
        }
        assert!(address(&Value::from(7), false).is_err());
    }

    #[test]
    fn a_word_for_nothing_is_nothing() {
        for text in ["", " ", "N/A", "none", "-"] {
            assert!(!is_said(&Value::from(text)), "{text}");
        }
        assert!(is_said(&Value::from("eu-west-1")) && is_said(&Value::from(0)));
        assert!(name(&Value::from("a\nb"), "region").is_err());
        assert!(name(&serde_json::json!({"name": "eu"}), "region").is_err());
    }
}
