//! How the key page of an API's customers looks and where it may be: what can be said of it, checked.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::colour::{Colour, READABLE};
use keytender_core::owner::is_address;
use reqwest::Url;

use super::ticket::digest_of;
use super::view::{PortalChange, PortalView};
use crate::error::Error;
use crate::store::apis::{Logo, PortalSettings};

/// What is behind text in the light: the darker of the page's two.
const LIGHT: Colour = Colour::new(0xf4, 0xf6, 0xf8);
/// What is behind text in the dark: the lighter of the page's two.
const DARK: Colour = Colour::new(0x1e, 0x22, 0x27);
/// The largest picture, in bytes.
const MAX_LOGO: usize = 32 * 1024;
/// The most hosts of a list.
const MAX_HOSTS: usize = 20;
/// The longest name of a host (RFC 1035), with a port.
const MAX_HOST: usize = 253 + 6;
/// The longest address of the web.
const MAX_URL: usize = 2_000;
/// How the kinds of pictures begin that browsers show and that hold no script.
const PICTURES: [(&str, &[u8]); 4] = [
    ("image/png", b"\x89PNG\r\n\x1a\n"),
    ("image/jpeg", b"\xff\xd8\xff"),
    ("image/gif", b"GIF8"),
    ("image/webp", b"RIFF"),
];

/// A colour for links and buttons, as it is in the light and in the dark.
pub(super) fn accents(settings: &PortalSettings) -> Option<(Colour, Colour)> {
    let accent = settings.accent.as_deref().and_then(Colour::parse)?;
    Some((accent, accent.lighter_on(DARK)))
}

/// The settings after a change.
///
/// # Errors
/// When something cannot be so.
pub(super) fn changed(
    settings: PortalSettings,
    change: PortalChange,
) -> Result<PortalSettings, Error> {
    let logo = match change.logo {
        None => settings.logo,
        Some(None) => None,
        Some(Some(data)) => Some(picture(data)?),
    };
    let settings = PortalSettings {
        accent: change.accent.unwrap_or(settings.accent),
        logo,
        support: change.support.unwrap_or(settings.support),
        docs: change.docs.unwrap_or(settings.docs),
        guide: change.guide.unwrap_or(settings.guide),
        return_hosts: change.return_hosts.unwrap_or(settings.return_hosts),
        frame_hosts: change.frame_hosts.unwrap_or(settings.frame_hosts),
    };
    check(&settings)?;
    Ok(settings)
}

fn check(settings: &PortalSettings) -> Result<(), Error> {
    if let Some(text) = &settings.accent {
        let accent = Colour::parse(text).ok_or_else(|| {
            Error::new("the accent is no colour").hint("six digits after a #, such as #2f5fb3")
        })?;
        let contrast = accent.contrast(LIGHT);
        if contrast < READABLE {
            let why = format!(
                "nobody could read {accent} on a light page: its contrast is {contrast:.1}, and {READABLE} is needed"
            );
            return Err(
                Error::new(why).hint("a darker one; for the dark it is made lighter by itself")
            );
        }
    }
    if let Some(support) = &settings.support
        && !is_address(support)
        && web(support).is_none()
    {
        return Err(Error::new("support is neither a mail address nor an address of the web")
            .hint("such as help@acme.example, or https://acme.example/help"));
    }
    for (what, page) in [("the documentation", &settings.docs), ("the guide", &settings.guide)] {
        if page.as_ref().is_some_and(|page| web(page).is_none()) {
            return Err(Error::new(format!("{what} is at no address of the web"))
                .hint("such as https://acme.example/docs"));
        }
    }
    check_hosts("lead back to", &settings.return_hosts)?;
    check_hosts("be in a page of", &settings.frame_hosts)
}

fn check_hosts(what: &str, hosts: &[String]) -> Result<(), Error> {
    if hosts.len() > MAX_HOSTS {
        return Err(Error::new(format!("a key page may {what} at most {MAX_HOSTS} hosts")));
    }
    match hosts.iter().find(|host| !is_host(host)) {
        Some(wrong) => Err(Error::new(format!("a key page cannot {what} `{wrong}`"))
            .hint("the name of a host alone, such as app.acme.example, with :PORT if it has one")),
        None => Ok(()),
    }
}

/// Whether a text names a host, with a port or without: exactly, and nothing around it.
fn is_host(text: &str) -> bool {
    let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
    let is_plain = |one: u8| one.is_ascii_lowercase() || one.is_ascii_digit() || one == b'-';
    let is_label =
        |label: &str| !label.is_empty() && label.len() <= 63 && label.bytes().all(is_plain);
    text.len() <= MAX_HOST
        && name.split('.').all(is_label)
        && port
            .is_none_or(|port| port.parse::<u16>().is_ok_and(|number| port == number.to_string()))
}

/// Whether a host is this machine: there a page comes without TLS.
fn is_here(host: &str) -> bool {
    let name = host.split(':').next().unwrap_or_default();
    name == "localhost" || name.parse::<std::net::Ipv4Addr>().is_ok_and(|one| one.is_loopback())
}

/// An address of the web that a page may lead to: by TLS, but on this machine.
fn web(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok().filter(|_| text.len() <= MAX_URL)?;
    let is_safe = match url.scheme() {
        "https" => url.has_host(),
        "http" => url.host_str().is_some_and(is_here),
        _ => false,
    };
    (is_safe && url.username().is_empty() && url.password().is_none()).then_some(url)
}

/// Where somebody goes back to, as a browser writes it, if it is at one of the hosts that are listed.
///
/// # Errors
/// When it is not.
pub(super) fn return_url(settings: &PortalSettings, text: &str) -> Result<String, Error> {
    let url = web(text).ok_or_else(|| {
        Error::new("what to go back to is no address of the web, by TLS")
            .hint("such as https://app.acme.example/settings")
    })?;
    let host = url.host_str().unwrap_or_default();
    let host = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    match settings.return_hosts.contains(&host) {
        true => Ok(url.into()),
        false => Err(Error::new(format!("a key page of this API does not lead back to `{host}`"))
            .hint("list the host first: keytender apis set NAME --return-hosts HOSTS")),
    }
}

/// Whose pages may hold the key page in a frame, as a content security policy says it (CSP 3, frame-ancestors).
pub(super) fn frame_ancestors(settings: &PortalSettings) -> String {
    let source = |host: &String| match is_here(host) {
        true => format!("http://{host} https://{host}"),
        false => format!("https://{host}"),
    };
    match settings.frame_hosts.as_slice() {
        [] => "'none'".to_owned(),
        hosts => hosts.iter().map(source).collect::<Vec<_>>().join(" "),
    }
}

/// A picture that was given in base64.
fn picture(data: String) -> Result<Logo, Error> {
    let bytes = STANDARD
        .decode(&data)
        .map_err(|error| Error::new("the logo is not in base64").source(error.to_string()))?;
    if bytes.len() > MAX_LOGO {
        let why = format!("the logo has at most {} KiB", MAX_LOGO / 1024);
        return Err(Error::new(why).hint("it is shown 2 rem high: a small picture is enough"));
    }
    let kind = PICTURES.iter().find(|(_, begin)| bytes.starts_with(begin));
    let (media_type, _) = kind.ok_or_else(|| {
        Error::new("the logo is no picture that is shown here").hint("PNG, JPEG, GIF or WebP")
    })?;
    Ok(Logo { media_type: (*media_type).to_owned(), data })
}

impl PortalView {
    /// The view of the settings.
    pub fn of(settings: &PortalSettings) -> Self {
        Self {
            accent: settings.accent.clone(),
            logo: settings.logo.as_ref().map(|logo| digest_of(&logo.data)),
            support: settings.support.clone(),
            docs: settings.docs.clone(),
            guide: settings.guide.clone(),
            return_hosts: settings.return_hosts.clone(),
            frame_hosts: settings.frame_hosts.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: PortalChange) -> Result<PortalSettings, Error> {
        changed(PortalSettings::default(), change)
    }

    #[test]
    fn a_colour_that_nobody_can_read_is_refused() {
        let accent = |text: &str| {
            with(PortalChange { accent: Some(Some(text.to_owned())), ..PortalChange::default() })
        };
        for wrong in ["#ffd400", "#ffffff", "#8a8a8a", "blue", "#12345", "#2f5fb3;x"] {
            assert!(accent(wrong).is_err(), "{wrong}");
        }
        let (light, dark) = accents(&accent("#0a3d62").unwrap()).unwrap();
        assert!(light.contrast(LIGHT) >= READABLE && dark.contrast(DARK) >= READABLE);
    }

    #[test]
    fn only_hosts_are_listed() {
        for wrong in [
            "https://app.acme.example",
            "app.acme.example/x",
            "*.acme.example",
            "App.acme.example",
            "a b",
            "acme.example;",
            "acme.example:",
            "acme.example:x",
            "acme.example:080",
            "'self'",
            "",
            ".",
            "acme..example",
            "user@acme.example",
        ] {
            assert!(!is_host(wrong), "{wrong}");
        }
        for right in ["app.acme.example", "localhost:3000", "127.0.0.1:8080", "a-b.example:65535"] {
            assert!(is_host(right), "{right}");
        }
    }

    #[test]
    fn nobody_is_led_elsewhere() {
        let hosts = vec!["app.acme.example".to_owned(), "localhost:3000".to_owned()];
        let settings = PortalSettings { return_hosts: hosts, ..PortalSettings::default() };
        for right in [
            "https://app.acme.example",
            "https://app.acme.example:443/settings?tab=keys#x",
            "https://APP.acme.example/",
            "http://localhost:3000/back",
        ] {
            return_url(&settings, right).unwrap_or_else(|error| panic!("{right}: {error}"));
        }
        for wrong in [
            "http://app.acme.example/",
            "https://app.acme.example:8443/",
            "https://app.acme.example.evil.example/",
            "https://evil.example/app.acme.example",
            "https://app.acme.example@evil.example/",
            "https://user@app.acme.example/",
            "https://evil.example\\@app.acme.example/",
            "//app.acme.example/",
            "/settings",
            "javascript:alert(1)//app.acme.example",
            "data:text/html,app.acme.example",
            "https://localhost:3001/",
            "http://localhost/",
            "",
        ] {
            assert!(return_url(&settings, wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn frames_are_only_for_those_that_are_listed() {
        assert_eq!(frame_ancestors(&PortalSettings::default()), "'none'");
        let hosts = vec!["app.acme.example".to_owned(), "127.0.0.1:9000".to_owned()];
        let settings = PortalSettings { frame_hosts: hosts, ..PortalSettings::default() };
        let expected = "https://app.acme.example http://127.0.0.1:9000 https://127.0.0.1:9000";
        assert_eq!(frame_ancestors(&settings), expected);
    }

    #[test]
    fn a_picture_is_one_that_holds_no_script() {
        let logo = |bytes: &[u8]| {
            let data = Some(Some(STANDARD.encode(bytes)));
            with(PortalChange { logo: data, ..PortalChange::default() })
                .map(|set| set.logo.unwrap())
        };
        assert_eq!(logo(b"\x89PNG\r\n\x1a\nxyz").unwrap().media_type, "image/png");
        for wrong in [&b"<svg onload='alert(1)'/>"[..], b"<html>", b""] {
            assert!(logo(wrong).is_err());
        }
        assert!(logo(&[&b"\x89PNG\r\n\x1a\n"[..], &[0; MAX_LOGO]].concat()).is_err());
        let text = Some(Some("no base64!".to_owned()));
        assert!(with(PortalChange { logo: text, ..PortalChange::default() }).is_err());
    }
}
