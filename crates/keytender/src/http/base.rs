//! By which URL people reach the server.

use std::net::{IpAddr, SocketAddr};

use reqwest::Url;

/// The URL before every path. Without one that was given it is this machine's.
#[derive(Clone, Debug)]
pub(super) struct Base {
    url: String,
    is_public: bool,
    host: String,
    origin: String,
}

impl Base {
    /// From the public URL, else from where the server listens.
    pub(super) fn new(public: Option<&str>, address: SocketAddr, is_tls: bool) -> Self {
        let scheme = if is_tls { "https" } else { "http" };
        // A name rather than an address: passkeys belong to names.
        let here = format!("{scheme}://localhost:{}", address.port());
        let url = public.unwrap_or(&here).trim_end_matches('/').to_owned();
        let parsed = Url::parse(&url).ok();
        let host = parsed.as_ref().and_then(Url::host_str).unwrap_or_default().to_owned();
        let origin = parsed.map(|url| url.origin().ascii_serialization()).unwrap_or_default();
        Self { url, is_public: public.is_some(), host, origin }
    }

    /// The URL, without a slash at its end.
    pub(super) fn url(&self) -> &str {
        &self.url
    }

    /// What browsers call the place that our pages come from.
    pub(super) fn origin(&self) -> &str {
        &self.origin
    }

    /// The name of the host; `None` where it is an address.
    pub(super) fn name(&self) -> Option<&str> {
        let is_address = self.host.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        Some(self.host.as_str()).filter(|host| !is_address && !host.is_empty())
    }

    /// Whether nobody said by which URL others reach it.
    pub(super) const fn is_here(&self) -> bool {
        !self.is_public
    }

    /// Whether a page that was asked for by this `Host` comes from here.
    pub(super) fn is_asked_by(&self, host: &str) -> bool {
        self.origin.split("://").nth(1).is_some_and(|own| own.eq_ignore_ascii_case(host))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn base(public: Option<&str>) -> Base {
        Base::new(public, SocketAddr::from(([127, 0, 0, 1], 7979)), false)
    }

    #[test]
    fn a_server_without_a_public_url_is_reached_on_its_own_machine() {
        let here = base(None);
        assert_eq!(here.url(), "http://localhost:7979");
        assert_eq!(here.name(), Some("localhost"));
        assert!(here.is_asked_by("localhost:7979"));
        assert!(!here.is_asked_by("127.0.0.1:7979"));
    }

    #[test]
    fn an_address_is_no_name() {
        let there = base(Some("https://Keys.example.com/"));
        assert_eq!(there.url(), "https://Keys.example.com");
        assert_eq!(there.origin(), "https://keys.example.com");
        assert_eq!(there.name(), Some("keys.example.com"));
        for address in ["https://192.0.2.1", "https://[2001:db8::1]:8443"] {
            assert_eq!(base(Some(address)).name(), None, "{address}");
        }
    }
}
