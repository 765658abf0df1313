//! Calls to places that people or documents name: where those may be, and the client for them.
//!
//! Such a URL may lead into the network that Keytender runs in. Unless an administrator allows it,
//! addresses that are not public are refused: in the URL, and again when its name is looked up, so
//! that a name cannot change its mind in between. Redirects are not followed, and no proxy is asked.

use std::borrow::Cow;
use std::error::Error as StdError;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use std::{fmt, fs, io};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use reqwest::{Client, Response, Url, redirect};
use thiserror::Error as ThisError;

use crate::error::Error;

/// What each certificate in PEM begins with (RFC 7468, section 5).
const PEM: &[u8] = b"-----BEGIN CERTIFICATE-----";
/// Reaching a server takes at most this part of the whole time.
const CONNECT_PART: u32 = 2;

/// Certificates to trust beside those of the system, in PEM.
#[derive(Clone, Debug)]
pub enum Roots {
    /// In a file.
    File(PathBuf),
    /// Here.
    Pem(String),
}

impl From<PathBuf> for Roots {
    fn from(path: PathBuf) -> Self {
        Self::File(path)
    }
}

impl Roots {
    /// The PEM.
    ///
    /// # Errors
    /// When the file cannot be read, or there is no certificate.
    pub(crate) fn read(&self) -> Result<Cow<'_, [u8]>, Error> {
        let bytes = match self {
            Self::File(path) => {
                Cow::Owned(fs::read(path).map_err(|error| self.refuse().source(error))?)
            }
            Self::Pem(text) => Cow::Borrowed(text.as_bytes()),
        };
        match bytes.windows(PEM.len()).any(|part| part == PEM) {
            true => Ok(bytes),
            false => Err(self.bad()),
        }
    }

    /// The refusal of what holds no certificates.
    pub(crate) fn bad(&self) -> Error {
        self.refuse().hint(match self {
            Self::File(_) => "it must be a file of certificates in PEM",
            Self::Pem(_) => "they must be written in PEM, from -----BEGIN CERTIFICATE----- on",
        })
    }

    fn refuse(&self) -> Error {
        Error::new(match self {
            Self::File(path) => format!("could not read the certificates of {}", path.display()),
            Self::Pem(_) => "could not read the certificates".to_owned(),
        })
    }
}

/// How places are reached.
#[derive(Clone, Debug)]
pub struct Settings {
    /// How long one attempt may take.
    pub timeout: Duration,
    /// Certificates to trust beside those of the system.
    pub roots: Option<Roots>,
    /// Whether addresses that are not public may be reached.
    pub allow_private: bool,
}

/// Why a URL is not called.
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

/// Checks a URL: https, or http to this machine; where private addresses are not allowed, neither is
/// this machine.
///
/// # Errors
/// [`BadTarget`] says what is wrong, without the URL.
pub fn check(url: &Url, allow_private: bool) -> Result<(), BadTarget> {
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
    Ok(())
}

/// The client for places of one `purpose`, such as `web hooks`; reaches for nobody.
///
/// # Errors
/// When the file of certificates cannot be read.
pub fn client(settings: &Settings, purpose: &str) -> Result<Client, Error> {
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
    builder.build().map_err(|error| {
        Error::new(format!("could not prepare TLS for {purpose}")).source(error.without_url())
    })
}

/// Why the body of an answer was not read to its end.
#[derive(Debug)]
pub enum Unread {
    /// It is longer than was allowed.
    TooLong,
    /// The network did not carry it.
    Lost(reqwest::Error),
}

/// Reads the body of an answer into `body`, of at most `most` bytes.
///
/// # Errors
/// When it is longer, or does not come.
pub async fn read(mut response: Response, most: usize, body: &mut Vec<u8>) -> Result<(), Unread> {
    while let Some(piece) = response.chunk().await.map_err(Unread::Lost)? {
        if body.len() + piece.len() > most {
            return Err(Unread::TooLong);
        }
        body.extend_from_slice(&piece);
    }
    Ok(())
}

/// What kept the network from carrying a call or its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
pub enum Cause {
    /// Nobody listens there.
    #[error("connection refused")]
    Refused,
    /// No answer in time.
    #[error("timed out")]
    TimedOut,
    /// The server's certificate is not trusted, or not for this name.
    #[error("its certificate is not trusted for this name")]
    Certificate,
    /// The name leads to no address, or only to private ones.
    #[error("its name leads to no address, or only to private ones")]
    NoAddress,
    /// The connection broke.
    #[error("the connection broke")]
    Broken,
}

impl Cause {
    /// What the causes of `error` say about the network, without their texts: those may hold names.
    pub fn of(error: &(dyn StdError + 'static)) -> Self {
        let causes = || {
            std::iter::successors(Some(error), |cause: &&(dyn StdError + 'static)| {
                (*cause).source()
            })
        };
        for cause in causes() {
            if cause.is::<NoAddress>() {
                return Self::NoAddress;
            }
            if cause.downcast_ref::<reqwest::Error>().is_some_and(reqwest::Error::is_timeout) {
                return Self::TimedOut;
            }
            match cause.downcast_ref::<io::Error>().map(io::Error::kind) {
                Some(io::ErrorKind::ConnectionRefused) => return Self::Refused,
                Some(io::ErrorKind::TimedOut) => return Self::TimedOut,
                _ => {}
            }
        }
        // rustls's errors reach us as texts: "invalid peer certificate: UnknownIssuer".
        if causes().any(|cause| cause.to_string().contains("certificate")) {
            return Self::Certificate;
        }
        if causes().any(|cause| cause.to_string().contains("lookup address")) {
            return Self::NoAddress;
        }
        Self::Broken
    }
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
struct NoAddress;

impl fmt::Display for NoAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("no public address")
    }
}

impl std::error::Error for NoAddress {}

/// Whether an address belongs to the whole internet (IANA's special-purpose registries).
pub fn is_public(address: IpAddr) -> bool {
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
        let Ok(url) = Url::parse(url) else { return Some(BadTarget::NotAUrl) };
        check(&url, allow_private).err()
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
