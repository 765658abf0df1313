//! Whose a credential is that a file says is for a host.

use keytender_core::akm::Descriptor;
use reqwest::Url;

/// Hosts of providers that no descriptor names, for they have nothing to do with keys.
const OTHERS: [(&str, &str); 6] = [
    ("npmjs.org", "npm"),
    ("npmjs.com", "npm"),
    ("docker.io", "docker-hub"),
    ("ghcr.io", "github"),
    ("githubusercontent.com", "github"),
    ("pythonhosted.org", "pypi"),
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
        let others = OTHERS.iter().map(|(host, provider)| (*host, *provider));
        let known = self.known.iter().map(|(host, provider)| (host.as_str(), provider.as_str()));
        known
            .chain(others)
            .find_map(|(known, provider)| is_at(known).then(|| provider.to_owned()))
            .unwrap_or_else(|| host.to_owned())
    }
}
