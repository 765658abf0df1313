//! Which hosts belong to one registrant: what a document says of itself proves nothing, where it was fetched does.

use std::net::IpAddr;

/// The part of a host that was registered, by the public suffix list: `acme.co.uk` of `keys.acme.co.uk`; `None` of an
/// address, and of a host that is a public suffix itself.
pub fn domain(host: &str) -> Option<&str> {
    match host.trim_matches(['[', ']']).parse::<IpAddr>() {
        Ok(_) => None,
        Err(_) => psl::domain_str(host),
    }
}

/// Whether whoever answers at `anchor` answers for `host` too: it is the same, or at or below the same registrable
/// domain. This machine is one, however it is named.
pub fn is_same(anchor: &str, host: &str) -> bool {
    let [anchor, host] = [anchor, host].map(|one| one.trim_end_matches('.').to_ascii_lowercase());
    if anchor == host || (is_here(&anchor) && is_here(&host)) {
        return true;
    }
    match (domain(&anchor), domain(&host)) {
        (Some(anchor), Some(host)) => anchor == host,
        _ => false,
    }
}

/// Whether a host is this machine.
pub fn is_here(host: &str) -> bool {
    let address = host.trim_matches(['[', ']']).parse::<IpAddr>();
    host.eq_ignore_ascii_case("localhost") || address.is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_of_one_registrant_are_one_site() {
        for (anchor, host) in [
            ("acme.example.com", "example.com"),
            ("example.com", "api.example.com"),
            ("keys.acme.co.uk", "ACME.co.uk."),
            ("me.github.io", "me.github.io"),
            ("127.0.0.1", "localhost"),
            ("192.0.2.1", "192.0.2.1"),
        ] {
            assert!(is_same(anchor, host), "{anchor} {host}");
        }
        for (anchor, host) in [
            ("example.com", "example.org"),
            ("example.com", "example.com.evil.net"),
            ("acme.co.uk", "evil.co.uk"),
            ("me.github.io", "you.github.io"),
            ("github.io", "me.github.io"),
            ("co.uk", "acme.co.uk"),
            ("192.0.2.1", "192.0.2.2"),
            ("1.0.2.1", "192.0.2.1"),
            ("127.0.0.1", "example.com"),
            ("localhost", "localhost.example.com"),
        ] {
            assert!(!is_same(anchor, host), "{anchor} {host}");
        }
    }
}
