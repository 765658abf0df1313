//! Where a request comes from: the connection, or what a proxy that is believed says of it.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::request::Parts;
use ipnet::IpNet;

/// The header in which proxies add from where they were asked, the nearest last.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The address of whoever asks. Of a chain of proxies, the nearest address that is not one of
/// `proxies`: what stands left of it may be made up.
pub(super) fn of(parts: &Parts, proxies: &[IpNet]) -> Option<IpAddr> {
    let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let is_proxy = |address: &IpAddr| proxies.iter().any(|net| net.contains(address));
    if !is_proxy(&peer) {
        return Some(peer);
    }
    let lines = parts.headers.get_all(FORWARDED_FOR).iter().rev();
    let texts = lines.filter_map(|line| line.to_str().ok());
    let chain = texts.flat_map(|line| line.rsplit(','));
    let chain =
        chain.map(|text| text.trim().parse::<IpAddr>().map(|address| address.to_canonical()));
    for address in chain {
        match address {
            Ok(address) if is_proxy(&address) => {}
            Ok(address) => return Some(address),
            // What is no address was not written by a proxy that is believed.
            Err(_) => break,
        }
    }
    Some(peer)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked_from(peer: &str, forwarded: &[&str], proxies: &[&str]) -> String {
        let mut request = axum::http::Request::builder();
        for line in forwarded {
            request = request.header(FORWARDED_FOR, *line);
        }
        let mut parts = request.body(()).unwrap().into_parts().0;
        let peer = SocketAddr::new(peer.parse().unwrap(), 4321);
        parts.extensions.insert(ConnectInfo(peer));
        let proxies: Vec<IpNet> = proxies.iter().map(|net| net.parse().unwrap()).collect();
        of(&parts, &proxies).unwrap().to_string()
    }

    #[test]
    fn only_a_proxy_that_is_named_is_believed() {
        assert_eq!(asked_from("203.0.113.9", &["198.51.100.7"], &[]), "203.0.113.9");
        assert_eq!(asked_from("10.0.0.1", &["198.51.100.7"], &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(
            asked_from("::ffff:10.0.0.1", &["198.51.100.7"], &["10.0.0.0/8"]),
            "198.51.100.7"
        );
    }

    #[test]
    fn what_a_caller_makes_up_stands_left_of_what_a_proxy_added() {
        let forged = ["127.0.0.1, 198.51.100.7, 10.0.0.2"];
        assert_eq!(asked_from("10.0.0.1", &forged, &["10.0.0.0/8"]), "198.51.100.7");
        let forged = ["127.0.0.1", "198.51.100.7"];
        assert_eq!(asked_from("10.0.0.1", &forged, &["10.0.0.0/8"]), "198.51.100.7");
        assert_eq!(asked_from("10.0.0.1", &["nonsense"], &["10.0.0.0/8"]), "10.0.0.1");
        assert_eq!(asked_from("10.0.0.1", &[], &["10.0.0.0/8"]), "10.0.0.1");
    }
}
