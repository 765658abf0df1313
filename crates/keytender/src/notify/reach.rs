//! Reaching web hooks: where they may be, and one client for all of them.
//!
//! A URL comes from people and may lead into the network that Keytender runs in. Unless an
//! administrator allows it, addresses that are not public are refused: in the URL, and again when
//! its name is looked up, so that a name cannot change its mind in between.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::sync::Arc;
use std::time::Duration;

use keytender_core::secret::Secret;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue, RETRY_AFTER};
use reqwest::{Client, StatusCode, Url, redirect};
use thiserror::Error as ThisError;

use super::{Accepted, Failed, Roots, Step, Verdict, Why, network_cause};
use crate::error::Error;

/// The largest body that is sent: Teams takes 28 KB, Standard Webhooks recommends 20 KB.
pub(super) const MAX_BODY_BYTES: usize = 28_000;
/// How long a server may ask to be left alone, before we stop to believe it.
const MAX_RETRY_AFTER_SECONDS: u32 = 86_400;
/// Reaching a server takes at most this part of the whole time.
const CONNECT_PART: u32 = 2;

/// How web hooks are reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Certificates to trust beside those of the system.
    pub roots: Option<Roots>,
    /// Whether addresses that are not public may be reached.
    pub allow_private: bool,
}

/// Why a URL cannot be a web hook.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum BadTarget {
    /// It is not a URL.
    #[error("not a URL")]
    NotAUrl,
    /// It would not be secret on its way.
    #[error("not https")]
    NotSecret,
    /// It leads into a private network.
    #[error("it leads to a private address")]
    Private,
    /// It holds a user name or a password.
    #[error("it holds a user name or a password")]
    SignsIn,
}

/// A URL that may be reached. It has no debug output: many hold a secret.
#[derive(Clone)]
pub struct Target(Url);

impl Target {
    /// Checks a URL: https, or http to this machine; where private addresses are not allowed,
    /// neither is this machine.
    ///
    /// # Errors
    /// [`BadTarget`] says what is wrong, without the URL.
    pub fn parse(url: &Secret, allow_private: bool) -> Result<Self, BadTarget> {
        let url = Url::parse(url.expose()).map_err(|_| BadTarget::NotAUrl)?;
        let host = url.host_str().ok_or(BadTarget::NotAUrl)?;
        let address: Option<IpAddr> = host.trim_matches(['[', ']']).parse().ok();
        let is_here = host.trim_end_matches('.').eq_ignore_ascii_case("localhost")
            || address.is_some_and(|address| address.is_loopback());
        match url.scheme() {
            "https" => {}
            "http" if is_here => {}
            _ => return Err(BadTarget::NotSecret),
        }
        if !url.username().is_empty() || url.password().is_some() {
            return Err(BadTarget::SignsIn);
        }
        if !allow_private && (is_here || address.is_some_and(|address| !is_public(address))) {
            return Err(BadTarget::Private);
        }
        Ok(Self(url))
    }
}

/// The client of all web hooks and chats.
pub struct Hooks {
    client: Client,
    allow_private: bool,
}

impl Hooks {
    /// Prepares the client; reaches for nobody.
    ///
    /// # Errors
    /// When the file of certificates cannot be read.
    pub fn new(settings: &Settings) -> Result<Self, Error> {
        let mut builder = Client::builder()
            .timeout(settings.timeout)
            .connect_timeout(settings.timeout / CONNECT_PART)
            .redirect(redirect::Policy::none())
            .retry(reqwest::retry::never())
            .no_proxy()
            .user_agent(concat!("Keytender/", env!("CARGO_PKG_VERSION")));
        if !settings.allow_private {
            builder = builder.dns_resolver(Arc::new(PublicOnly));
        }
        if let Some(roots) = &settings.roots {
            let certificates = reqwest::Certificate::from_pem_bundle(&roots.read()?);
            builder = builder.tls_certs_merge(certificates.map_err(|_| roots.bad())?);
        }
        let client = builder.build().map_err(|error| {
            Error::new("could not prepare TLS for web hooks").source(error.without_url())
        })?;
        Ok(Self { client, allow_private: settings.allow_private })
    }

    /// A URL that this client may reach.
    ///
    /// # Errors
    /// [`BadTarget`] says what is wrong, without the URL.
    pub fn target(&self, url: &Secret) -> Result<Target, BadTarget> {
        Target::parse(url, self.allow_private)
    }

    /// Makes one attempt to post `body`, which is JSON.
    pub(super) async fn post(
        &self,
        target: &Target,
        headers: HeaderMap,
        body: Vec<u8>,
    ) -> Result<Accepted, Failed> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Failed::new(Verdict::Permanent, Step::Message, Why::TooLarge));
        }
        // A target checked by laxer rules is checked again.
        if !self.allow_private && Target::parse(&Secret::new(target.0.as_str()), false).is_err() {
            return Err(Failed::new(Verdict::Permanent, Step::Connect, Why::NoAddress));
        }
        let request = self
            .client
            .post(target.0.clone())
            .headers(headers)
            .header(CONTENT_TYPE, HeaderValue::from_static("application/json"))
            .body(body);
        // The body of the answer is not read: its size is for the server to choose.
        match request.send().await {
            Ok(response) => answered(response.status(), response.headers()),
            Err(error) => Err(failed(&error)),
        }
    }
}

fn answered(status: StatusCode, headers: &HeaderMap) -> Result<Accepted, Failed> {
    let code = status.as_u16();
    if status.is_success() {
        return Ok(Accepted { code });
    }
    // Not found and conflict pass while a server is replaced. The others of the 400s do not, nor do
    // redirects, which are not followed: they would carry the notice elsewhere.
    let passes = status.is_server_error() || matches!(code, 404 | 408 | 409 | 425 | 429);
    let verdict = if passes { Verdict::Temporary } else { Verdict::Permanent };
    let seconds = headers.get(RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    let retry_after_seconds =
        seconds.map(|seconds: u32| seconds.min(MAX_RETRY_AFTER_SECONDS)).filter(|_| passes);
    let why = Why::Answer { code, enhanced: None };
    Err(Failed { retry_after_seconds, ..Failed::new(verdict, Step::Content, why) })
}

fn failed(error: &reqwest::Error) -> Failed {
    let why = if error.is_timeout() { Why::TimedOut } else { network_cause(error) };
    if error.is_connect() {
        return Failed::new(Verdict::Temporary, Step::Connect, why);
    }
    Failed::new(Verdict::Undecided, Step::Content, why)
}

/// Looks names up, and forgets addresses that are not public.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err(NoAddress.into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A name has no address that may be reached.
#[derive(Debug)]
pub(super) struct NoAddress;

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no public address")
    }
}

impl std::error::Error for NoAddress {}

/// Whether an address belongs to the whole internet (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => is_public_v4(address),
        IpAddr::V6(address) => is_public_v6(address),
    }
}

fn is_public_v4(address: Ipv4Addr) -> bool {
    let special = match address.octets() {
        [0 | 10 | 127, ..] | [224..=255, ..] => true,
        [100, second, ..] => (64..128).contains(&second),
        [169, 254, ..] | [192, 168, ..] | [198, 18 | 19, ..] => true,
        [172, second, ..] => (16..32).contains(&second),
        [192, 0, 0 | 2, _] | [192, 88, 99, _] | [198, 51, 100, _] | [203, 0, 113, _] => true,
        _ => false,
    };
    !special
}

fn is_public_v6(address: Ipv6Addr) -> bool {
    let embedded = |high: u16, low: u16| {
        is_public_v4(Ipv4Addr::from_bits((u32::from(high) << 16) | u32::from(low)))
    };
    match address.segments() {
        // IPv4 in IPv6's clothes: mapped, behind NAT64, and 6to4.
        [0, 0, 0, 0, 0, 0xffff, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => {
            embedded(high, low)
        }
        [0x2002, high, low, ..] => embedded(high, low),
        // Teredo and other protocols' own, and documentation.
        [0x2001, 0..0x200, ..] | [0x2001, 0xdb8, ..] | [0x3fff, 0..0x1000, ..] => false,
        [first, ..] => (0x2000..0x4000).contains(&first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str, allow_private: bool) -> Option<BadTarget> {
        Target::parse(&Secret::new(url), allow_private).err()
    }

    #[test]
    fn only_public_addresses_are_reached_unless_others_are_allowed() {
        for host in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "198.18.0.1",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fd00::1]",
            "[::ffff:10.0.0.1]",
            "[64:ff9b::a00:1]",
            "[2002:a00:1::]",
            "[2001:db8::1]",
            "localhost",
            "LOCALHOST.",
            "2130706433",
            "0x7f.1",
            "127.1",
        ] {
            let url = format!("https://{host}/hook");
            assert_eq!(parse(&url, false), Some(BadTarget::Private), "{host}");
            assert_eq!(parse(&url, true), None, "{host}");
        }
        for host in ["93.184.215.14", "172.32.0.1", "100.128.0.1", "[2606:4700::1]", "example.com"]
        {
            assert_eq!(parse(&format!("https://{host}/hook"), false), None, "{host}");
        }
    }

    #[test]
    fn what_is_not_secret_on_its_way_is_refused() {
        for (url, bad) in [
            ("http://example.com/hook", BadTarget::NotSecret),
            ("http://10.0.0.1/hook", BadTarget::NotSecret),
            ("http://127.0.0.1.example.com/", BadTarget::NotSecret),
            ("ftp://example.com/", BadTarget::NotSecret),
            ("https://ann:word@example.com/", BadTarget::SignsIn),
            ("example.com/hook", BadTarget::NotAUrl),
            ("", BadTarget::NotAUrl),
        ] {
            assert_eq!(parse(url, true), Some(bad), "{url}");
        }
        assert_eq!(parse("http://127.0.0.1:8080/hook", true), None);
        assert_eq!(parse("http://127.0.0.1:8080/hook", false), Some(BadTarget::Private));
    }
}
