//! Files that are for credentials, told by their names: what stands in the place of a secret there is one, whoever
//! issued it.

use std::sync::LazyLock;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::secret::Secret;
use regex::bytes::{Regex, RegexBuilder};
use serde_json::Value;

use super::sample::is_sample;
use super::shape::Shapes;
use super::text::{Evidence, Spot, is_secret, value_after};

/// How many bytes may lie between the id of a service account's key and the key.
const MAX_BETWEEN: usize = 4_096;
/// How many registries of one file are looked at.
const MAX_REGISTRIES: usize = 1_000;
/// The fewest letters of a private key: the smallest of RSA that is in use has 1,600.
const MIN_PRIVATE_KEY: usize = 400;
const BEGIN: &[u8] = b"-----BEGIN PRIVATE KEY-----";
const END: &[u8] = b"-----END PRIVATE KEY-----";

/// A kind of file, and where its secrets stand.
struct Layout {
    /// The ends of its path.
    paths: &'static [&'static str],
    /// With the groups `secret` and, if the file says for whom it is, `host`.
    pattern: &'static str,
    /// For whom it is, where it does not say: a host, or a provider.
    host: &'static str,
}

const URLS: &str = r#"https?://(?:[^\s:/@"']*:)?(?P<secret>[^\s:/@"']{16,})@(?P<host>[^\s/:"']+)"#;

const LAYOUTS: [Layout; 8] = [
    Layout {
        paths: &["/.npmrc", "/npmrc"],
        pattern: r#"(?m)^\s*//(?P<host>[^/\s:]+)[^\s=]*:_(?:authToken|password|auth)\s*=\s*"?(?P<secret>[^\s"]{16,})"#,
        host: "npm",
    },
    Layout {
        paths: &["/.yarnrc.yml"],
        pattern: r#"npmAuthToken:\s*["']?(?P<secret>[^\s"']{16,})"#,
        host: "npm",
    },
    Layout {
        paths: &["/.netrc", "/_netrc"],
        pattern: r"machine\s+(?P<host>\S+)\s+(?:login\s+\S+\s+)?password\s+(?P<secret>\S{16,})",
        host: "",
    },
    Layout {
        paths: &["/.pypirc"],
        pattern: r"(?m)^\s*password\s*[:=]\s*(?P<secret>\S{16,})",
        host: "pypi",
    },
    Layout {
        paths: &[
            "/pip.conf",
            "/pip.ini",
            "/.git-credentials",
            "/.gitconfig",
            "/.git/config",
            "/requirements.txt",
            "/.condarc",
            "/uv.toml",
            "/.gemrc",
            "/.bundle/config",
        ],
        pattern: URLS,
        host: "",
    },
    Layout {
        paths: &[
            "/.kube/config",
            "/kubeconfig",
            ".kubeconfig",
            "/kubeconfig.yaml",
            "/kubeconfig.yml",
        ],
        pattern: r#"(?m)^\s*token:\s*["']?(?P<secret>[^\s"']{20,})"#,
        host: "kubernetes",
    },
    Layout {
        paths: &["/gh/hosts.yml", "/hub"],
        pattern: r#"(?m)^\s*-?\s*oauth_token:\s*["']?(?P<secret>[^\s"']{20,})"#,
        host: "github.com",
    },
    Layout {
        paths: &["/.terraformrc", "/terraform.rc"],
        pattern: r#"credentials\s+"(?P<host>[^"]+)"\s*\{\s*token\s*=\s*"(?P<secret>[^"]{16,})"#,
        host: "app.terraform.io",
    },
];

/// Where the secrets of each kind of file stand.
static PATTERNS: LazyLock<Vec<(&'static Layout, Regex)>> = LazyLock::new(|| {
    let pattern = |text: &str| RegexBuilder::new(text).unicode(false).build().ok();
    LAYOUTS.iter().filter_map(|layout| Some((layout, pattern(layout.pattern)?))).collect()
});

/// The names of files that are looked at even where an ignore file leaves them out: ignoring them is how people keep
/// them out of a repository, and it says where keys are used.
pub(super) fn is_for_credentials(name: &str) -> bool {
    const NAMES: [&str; 11] = [
        ".npmrc",
        ".netrc",
        "_netrc",
        ".pypirc",
        "pip.conf",
        "pip.ini",
        ".git-credentials",
        ".dockercfg",
        ".dockerconfigjson",
        "credentials",
        "kubeconfig",
    ];
    let is_env =
        name == ".env" || name == ".envrc" || name.starts_with(".env.") || name.ends_with(".env");
    is_env || NAMES.contains(&name)
}

/// The secrets of a file that is for credentials.
pub(super) fn find(shapes: &Shapes, name: &str, text: &[u8]) -> Vec<Spot> {
    let path = format!("/{}", name.replace('\\', "/"));
    let mut spots: Vec<Spot> = Vec::new();
    for (layout, pattern) in PATTERNS.iter() {
        if !layout.paths.iter().any(|end| path.ends_with(end)) {
            continue;
        }
        for found in pattern.captures_iter(text) {
            let Some(secret) = found.name("secret") else { continue };
            let Ok(value) = std::str::from_utf8(secret.as_bytes()) else { continue };
            let host =
                found.name("host").and_then(|host| std::str::from_utf8(host.as_bytes()).ok());
            let host = host.unwrap_or(layout.host);
            spots.extend(
                is_secret(value).then(|| spot(shapes, host, (secret.start(), secret.end()), value)),
            );
        }
    }
    const DOCKER: [&str; 3] = ["/.docker/config.json", "/.dockercfg", "/.dockerconfigjson"];
    if DOCKER.iter().any(|end| path.ends_with(end)) {
        spots.extend(docker(shapes, text));
    }
    spots
}

/// A secret for a host; a pattern tells more of it than the file.
fn spot(shapes: &Shapes, host: &str, place: (usize, usize), secret: &str) -> Spot {
    let shape = shapes.of_whole(secret);
    Spot {
        start: place.0,
        end: place.1,
        provider: match shape {
            Some(shape) => shape.provider.clone(),
            None => shapes.hosts.provider(host),
        },
        key_type: shape.and_then(|shape| shape.key_type.clone()),
        noun: shape.map_or_else(|| "credential".to_owned(), |shape| shape.noun.clone()),
        id: None,
        evidence: Evidence::File,
        secret: Secret::new(secret),
    }
}

/// The registries of Docker's configuration: a user and a password in base 64.
fn docker(shapes: &Shapes, text: &[u8]) -> Vec<Spot> {
    let Ok(whole) = serde_json::from_slice::<Value>(text) else { return Vec::new() };
    // The older file has the registries at its top.
    let registries = whole.get("auths").unwrap_or(&whole).as_object();
    let entries = registries.into_iter().flatten().take(MAX_REGISTRIES);
    entries
        .filter_map(|(registry, entry)| {
            let auth = entry.get("auth")?.as_str()?;
            let pair = String::from_utf8(STANDARD.decode(auth).ok()?).ok()?;
            let (_, password) = pair.split_once(':')?;
            let at = find_bytes(text, auth.as_bytes())?;
            let is_key = shapes.of_whole(password).is_some() || is_secret(password);
            let host =
                registry.trim_start_matches("https://").split('/').next().unwrap_or(registry);
            is_key.then(|| spot(shapes, host, (at, at + auth.len()), password))
        })
        .collect()
}

/// The key file of a service account of Google, whose word for the id of its key ends at `end`.
pub(super) fn google(text: &[u8], end: usize) -> Option<Spot> {
    let (at, id) = value_after(text, end)?;
    let is_id = id.len() == 40 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    let near = text.get(at.saturating_sub(MAX_BETWEEN)..text.len().min(at + MAX_BETWEEN))?;
    let begin = find_bytes(near, BEGIN)?;
    let rest = near.get(begin..)?;
    let key = std::str::from_utf8(rest.get(..find_bytes(rest, END)? + END.len())?).ok()?;
    // As it is once the JSON is read.
    let key = format!("{}\n", key.replace("\\n", "\n"));
    let body = key.lines().nth(3)?;
    (is_id && !is_sample(id) && key.len() >= MIN_PRIVATE_KEY && !is_sample(body)).then(|| Spot {
        start: at,
        end: at + id.len(),
        provider: "google-cloud".to_owned(),
        key_type: None,
        noun: "service account key".to_owned(),
        id: Some(id.to_owned()),
        evidence: Evidence::File,
        secret: Secret::new(key),
    })
}

fn find_bytes(text: &[u8], part: &[u8]) -> Option<usize> {
    text.windows(part.len()).position(|window| window == part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_layout_has_a_pattern_that_can_be_read() {
        assert_eq!(PATTERNS.len(), LAYOUTS.len());
        for (layout, pattern) in PATTERNS.iter() {
            let names: Vec<_> = pattern.capture_names().flatten().collect();
            assert!(names.contains(&"secret"), "{:?}", layout.paths);
            assert!(names.contains(&"host") || !layout.host.is_empty(), "{:?}", layout.paths);
        }
    }
}
