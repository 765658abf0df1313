//! What secret scanners need to find the keys of an API: the pattern, the checksum, and rules in their own formats.
//!
//! All of it is made from the form of a token, which the core knows. What can compute the checksum tells keys from
//! look-alikes; what cannot finds both.

use keytender_core::token::{self, Brand, Environment, Token};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::app::view::ApiView;
use crate::error::{Error, Kind};

/// What stands for the secret of the example: no key of anybody.
const EXAMPLE: [u8; token::RANDOM_BYTES] =
    *b"The example of a key that was never issued and that opens no doo";
/// How many letters the checksum has.
const CHECKSUM: usize = 6;

/// For which scanner.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Pattern, checksum and examples, as JSON.
    #[default]
    Recipe,
    /// A configuration of Gitleaks, in TOML.
    Gitleaks,
    /// A custom detector of `TruffleHog`, in YAML.
    Trufflehog,
    /// A rule of Kingfisher, in YAML, which checks the checksum.
    Kingfisher,
    /// A plug-in of detect-secrets, in Python, which checks the checksum.
    DetectSecrets,
    /// What GitHub asks for, as JSON: for a custom pattern, or to become a scanning partner.
    Github,
}

impl Format {
    /// The media type of what is written.
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Recipe | Self::Github => "application/json",
            Self::Gitleaks => "application/toml",
            Self::Trufflehog | Self::Kingfisher => "application/yaml",
            Self::DetectSecrets => "text/x-python; charset=utf-8",
        }
    }
}

/// The rules for the keys of an API.
///
/// # Errors
/// When its brand is none, which never was let in.
pub fn write(api: &ApiView, format: Format) -> Result<String, Error> {
    let brand = Brand::parse(&api.brand)
        .map_err(|error| Error::new("no brand").source(error).kind(Kind::Internal))?;
    let pattern = token::pattern(brand);
    let (name, brand_text) = (&api.name, brand.as_str());
    Ok(match format {
        Format::Recipe => recipe(name, brand, &pattern),
        Format::Gitleaks => gitleaks(name, brand_text, &pattern),
        Format::Trufflehog => trufflehog(name, brand_text, &pattern),
        Format::Kingfisher => kingfisher(name, &pattern),
        Format::DetectSecrets => detect_secrets(name, &pattern),
        Format::Github => github(api, brand, &pattern),
    })
}

/// What a key looks like that was never issued, and the same with a wrong checksum.
fn examples(brand: Brand) -> [String; 2] {
    let good = Token::make(brand, Environment::Live, &EXAMPLE).to_secret().expose().to_owned();
    let last = if good.ends_with('0') { '1' } else { '0' };
    let mut bad = good.clone();
    bad.pop();
    bad.push(last);
    [good, bad]
}

fn pretty(value: &serde_json::Value) -> String {
    format!("{value:#}\n")
}

fn recipe(name: &str, brand: Brand, pattern: &str) -> String {
    let [good, bad] = examples(brand);
    pretty(&json!({
        "version": 1,
        "api": name,
        "begins_with": Environment::ALL.map(|one| format!("{brand}_{}_", one.as_str())),
        "length": good.len(),
        "pattern": pattern,
        "checksum": {
            "last_letters": CHECKSUM,
            "algorithm": "CRC-32/ISO-HDLC, as in zlib, of all letters before them",
            "written_in": "base 62, the most significant letter first, with 0 in front where it is short",
            "letters": "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz",
        },
        "public_part": "all letters before the last _",
        "examples": {"good": [good], "wrong_checksum": [bad]},
    }))
}

fn gitleaks(name: &str, brand: &str, pattern: &str) -> String {
    format!(
        "\
# Finds keys of {name}, beside all that Gitleaks finds by itself:
#     gitleaks dir --config FILE .
# It cannot compute their checksum, so what only looks like a key is found too.
[extend]
useDefault = true

[[rules]]
id = \"{name}-api-key\"
description = \"API key of {name}\"
regex = '''{pattern}'''
keywords = [\"{brand}_live_\", \"{brand}_test_\"]
"
    )
}

fn trufflehog(name: &str, brand: &str, pattern: &str) -> String {
    format!(
        "\
# Finds keys of {name}:
#     trufflehog filesystem --config FILE --no-verification .
# It cannot compute their checksum, so what only looks like a key is found too.
detectors:
  - name: {name}-api-key
    keywords:
      - {brand}_live_
      - {brand}_test_
    regex:
      key: '{pattern}'
"
    )
}

/// Two named groups, and the checksum of the one is the other.
fn kingfisher(name: &str, pattern: &str) -> String {
    let grouped = split(pattern).map_or_else(
        || pattern.to_owned(),
        |(body, checksum)| format!("((?P<body>{body})(?P<checksum>{checksum}))"),
    );
    format!(
        "\
# Finds keys of {name} whose checksum is right:
#     kingfisher scan --rules-path FILE --no-validate .
rules:
  - name: API key of {name}
    id: keytender.{name}.1
    pattern: '{grouped}'
    confidence: high
    pattern_requirements:
      checksum:
        actual:
          template: \"{{{{ checksum }}}}\"
          requires_capture: checksum
        expected: \"{{{{ body | crc32 | base62: {CHECKSUM} }}}}\"
        skip_if_missing: false
"
    )
}

/// The pattern of what stands before the checksum, and that of the checksum: the last letters are counted together.
fn split(pattern: &str) -> Option<(String, String)> {
    let (before, counted) = pattern.rsplit_once('{')?;
    let letters = before.rsplit_once('[')?.1;
    let count: usize = counted.strip_suffix('}')?.parse().ok()?;
    let rest = count.checked_sub(CHECKSUM)?;
    Some((format!("{before}{{{rest}}}"), format!("[{letters}{{{CHECKSUM}}}")))
}

fn detect_secrets(name: &str, pattern: &str) -> String {
    format!(
        "\
\"\"\"Finds keys of {name} whose checksum is right.

    detect-secrets scan --plugin FILE
\"\"\"

import re
import string
import zlib

from detect_secrets.plugins.base import RegexBasedDetector

LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase


def checksum(before):
    number, text = zlib.crc32(before.encode(\"ascii\")), \"\"
    for _ in range({CHECKSUM}):
        number, digit = divmod(number, 62)
        text = LETTERS[digit] + text
    return text


class KeyDetector(RegexBasedDetector):
    secret_type = \"API key of {name}\"
    denylist = [re.compile(r\"{pattern}\")]

    def analyze_string(self, string):
        for key in super().analyze_string(string):
            if checksum(key[:-{CHECKSUM}]) == key[-{CHECKSUM}:]:
                yield key
"
    )
}

fn github(api: &ApiView, brand: Brand, pattern: &str) -> String {
    let [good, _] = examples(brand);
    let name = &api.name;
    let as_named = || format!("{}_api_key", name.replace('-', "_"));
    pretty(&json!({
        "pattern_name": format!("API key of {name}"),
        "secret_format": pattern,
        "before_secret": "\\A|[^0-9A-Za-z]",
        "after_secret": "\\z|[^0-9A-Za-z]",
        "test_string": good,
        "secret_type": api.scanning_type.clone().unwrap_or_else(as_named),
        "report_to": "/v1/exposures/partner",
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_cut_off_the_pattern_of_every_brand() {
        for brand in ["ab", "acme", "abcdefghij"] {
            let brand = Brand::parse(brand).unwrap();
            let (body, checksum) = split(&token::pattern(brand)).unwrap();
            assert_eq!(body, format!("{brand}_(?:live|test)_[0-9A-Za-z]{{12}}_[0-9A-Za-z]{{32}}"));
            assert_eq!(checksum, "[0-9A-Za-z]{6}");
            let [good, bad] = examples(brand);
            assert!(Token::parse(&good).is_ok());
            assert!(Token::parse(&bad).is_err() && bad.len() == good.len());
        }
    }
}
