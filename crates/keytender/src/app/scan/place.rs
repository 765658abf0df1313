//! Whose a credential is that a file says is for a host.

use keytender_core::akm::Descriptor;
use reqwest::Url;

/// Domains of providers that no descriptor names, for they have nothing to do with keys: a name, and the suffixes
/// under which it is theirs.
const OTHERS: [(&str, &[&str], &str); 5] = [
    ("npmjs", &["com", "org"], "npm"),
    ("docker", &["io"], "docker-hub"),
    ("ghcr", &["io"], "github"),
    ("githubusercontent", &["com"], "github"),
    ("pythonhosted", &["org"], "pypi"),
];

/// The hosts of the providers of the shelf.
#[derive(Debug, Default)]
pub(super) struct Hosts {
    /// What a host ends in, and the provider.
    known: Vec<(String, String)>,
}

impl Hosts {
    /// Those of a descriptor: of its home page and of its API.
    pub(super) fn add(&mut self, descriptor: &Descriptor) {
        let server = descriptor.server.as_ref().map(ToString::to_string);
        for url in [Some(descriptor.provider.url.value.clone()), server].into_iter().flatten() {
            let Some(host) =
                Url::parse(&url).ok().and_then(|url| url.host_str().map(str::to_owned))
            else {
                continue;
            };
            let host = ["www.", "api.", "about.", "app."]
                .iter()
                .find_map(|word| host.strip_prefix(word))
                .unwrap_or(&host);
            // A variable in the host is whatever somebody says.
            if !host.contains(['{', '%']) {
                self.known.push((host.to_owned(), descriptor.provider.id.value.clone()));
            }
        }
    }

    /// The provider of a host, or the host itself where none is known.
    pub(super) fn provider(&self, host: &str) -> String {
        let is_at = |known: &str| {
            host.strip_suffix(known).is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
        };
        let known = self.known.iter().find(|(known, _)| is_at(known));
        let known = known.map(|(_, provider)| provider.clone());
        known.or_else(|| other(host).map(str::to_owned)).unwrap_or_else(|| host.to_owned())
    }
}

/// The provider of a domain that no descriptor names.
fn other(host: &str) -> Option<&'static str> {
    let (name, suffix) = psl::domain_str(host)?.split_once('.')?;
    let mut others = OTHERS.iter();
    let is_theirs = |one: &&(&str, &[&str], &str)| one.0 == name && one.1.contains(&suffix);
    others.find(is_theirs).map(|(_, _, provider)| *provider)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_its_providers_or_stands_for_itself() {
        let text = "akm: '0.1'\nprovider: {id: acme, name: Acme, url: https://www.acme.example}\n\
                    server: https://api.acme.example\nkeyTypes: [{id: key, type: api-key, operations: {}}]\n";
        let mut hosts = Hosts::default();
        hosts.add(&Descriptor::parse(text).unwrap().descriptor);
        let packages = format!("packages.{}.org", "npmjs");
        for (host, provider) in [
            ("acme.example", "acme"),
            ("eu.acme.example", "acme"),
            ("notacme.example", "notacme.example"),
            (packages.as_str(), "npm"),
            ("ghcr.io", "github"),
            ("ghcr.example", "ghcr.example"),
            ("npm", "npm"),
        ] {
            assert_eq!(hosts.provider(host), provider);
        }
    }
}
