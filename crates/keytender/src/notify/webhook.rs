//! Web hooks as Standard Webhooks describes them (standardwebhooks.com, 1.0): an id, a moment and a
//! signature in the headers, an event in the body.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use reqwest::header::{HeaderMap, HeaderValue, USER_AGENT};
use serde::Serialize;
use serde_json::Value;
use thiserror::Error as ThisError;

use super::reach::{Hooks, Target};
use super::{Accepted, Failed, Step, Verdict, Why};

const PREFIX: &str = "whsec_";
/// Standard Webhooks: between 192 and 512 bits.
const MIN_SECRET_BYTES: usize = 24;
const MAX_SECRET_BYTES: usize = 64;

/// What happened to a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// It was found for the first time.
    Created,
    /// Another took its place.
    Rotated,
    /// It was disabled.
    Suspended,
    /// It was enabled again.
    Resumed,
    /// It was ended for good.
    Revoked,
    /// It is gone.
    Deleted,
    /// It will end by itself.
    Expiring,
    /// It ended by itself.
    Expired,
    /// It is older than it should be.
    Aged,
    /// Nobody uses it.
    Unused,
    /// Somebody else may have it.
    Exposed,
    /// It was used for the first time.
    FirstUsed,
    /// Its rotation needs a person.
    RotationWaiting,
    /// It is to go, both keys work, and it was used.
    RotationStillUsed,
    /// Its rotation has ended.
    RotationEnded,
    /// It stops soon, because another has taken its place, and is still used.
    OverlapEnding,
    /// It was used in another region than before.
    FirstUsedFromRegion,
    /// Nothing: somebody wants to see whether events arrive.
    Test,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 18] = [
        Self::Created,
        Self::Rotated,
        Self::Suspended,
        Self::Resumed,
        Self::Revoked,
        Self::Deleted,
        Self::Expiring,
        Self::Expired,
        Self::Aged,
        Self::Unused,
        Self::Exposed,
        Self::FirstUsed,
        Self::RotationWaiting,
        Self::RotationStillUsed,
        Self::RotationEnded,
        Self::OverlapEnding,
        Self::FirstUsedFromRegion,
        Self::Test,
    ];

    /// Those of keys that an API of ours issues.
    const ISSUED: [Self; 12] = [
        Self::Created,
        Self::Rotated,
        Self::Suspended,
        Self::Resumed,
        Self::Revoked,
        Self::Expiring,
        Self::OverlapEnding,
        Self::Aged,
        Self::Unused,
        Self::Exposed,
        Self::FirstUsed,
        Self::FirstUsedFromRegion,
    ];

    /// The kinds that a webhook can ask for: one of an API of ours, or the installation's.
    pub fn told(is_of_api: bool) -> impl Iterator<Item = Self> {
        let all: &[Self] = if is_of_api { &Self::ISSUED } else { &Self::ALL };
        all.iter().copied().filter(|kind| *kind != Self::Test)
    }

    /// The kind that a name stands for.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// The name on the wire, `key.aged`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "key.created",
            Self::Rotated => "key.rotated",
            Self::Suspended => "key.suspended",
            Self::Resumed => "key.resumed",
            Self::Revoked => "key.revoked",
            Self::Deleted => "key.deleted",
            Self::Expiring => "key.expiring",
            Self::Expired => "key.expired",
            Self::Aged => "key.aged",
            Self::Unused => "key.unused",
            Self::Exposed => "key.exposed",
            Self::FirstUsed => "key.first_used",
            Self::RotationWaiting => "rotation.waiting",
            Self::RotationStillUsed => "rotation.still_used",
            Self::RotationEnded => "rotation.ended",
            Self::OverlapEnding => "key.overlap_ending",
            Self::FirstUsedFromRegion => "key.first_used_from_region",
            Self::Test => "webhook.test",
        }
    }
}

/// One event for one endpoint.
#[derive(Clone)]
pub struct Event {
    /// Its id; another attempt keeps it, and receivers drop repeats by it.
    pub id: String,
    /// What happened.
    pub kind: EventKind,
    /// When it happened.
    pub at: Time,
    /// What is told of it: no secret.
    pub data: Value,
}

/// Where events go, and what they are signed with.
pub struct Endpoint {
    /// The URL.
    pub target: Target,
    /// The secrets, the newest first: while one rotates, both sign.
    pub secrets: Vec<SigningSecret>,
    /// What is named as the program that sends, where that is not this one.
    pub agent: Option<String>,
}

/// A secret that signs. It has no debug output.
#[derive(Clone)]
pub struct SigningSecret(hmac::Key);

/// Why a text cannot sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ThisError)]
#[error("not a signing secret: write `whsec_` and 24 to 64 bytes in base 64")]
pub struct BadSigningSecret;

impl SigningSecret {
    /// Reads `whsec_` and base 64.
    ///
    /// # Errors
    /// [`BadSigningSecret`] if it is something else, or too short or too long.
    pub fn parse(secret: &Secret) -> Result<Self, BadSigningSecret> {
        let text = secret.expose().strip_prefix(PREFIX).ok_or(BadSigningSecret)?;
        let bytes = zeroize::Zeroizing::new(STANDARD.decode(text).map_err(|_| BadSigningSecret)?);
        if !(MIN_SECRET_BYTES..=MAX_SECRET_BYTES).contains(&bytes.len()) {
            return Err(BadSigningSecret);
        }
        Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, &bytes)))
    }

    /// A new secret, as it is shown once, from 32 random bytes.
    pub fn from_random(bytes: &[u8; 32]) -> Secret {
        Secret::new(format!("{PREFIX}{}", STANDARD.encode(bytes)))
    }

    /// Whether one of the signatures of a header, `v1,…` with spaces between, is this secret's.
    pub fn is_good(&self, id: &str, timestamp: &str, body: &[u8], signatures: &str) -> bool {
        let mut signed = Vec::new();
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            signed.extend_from_slice(part);
        }
        let given = signatures.split(' ').filter_map(|one| one.strip_prefix("v1,"));
        let mut given = given.filter_map(|one| STANDARD.decode(one).ok());
        given.any(|signature| hmac::verify(&self.0, &signed, &signature).is_ok())
    }

    /// The signature of a body with its id and moment: `v1,` and base 64.
    fn sign(&self, id: &str, timestamp: &str, body: &[u8]) -> String {
        let mut context = hmac::Context::with_key(&self.0);
        for part in [id.as_bytes(), b".", timestamp.as_bytes(), b".", body] {
            context.update(part);
        }
        format!("v1,{}", STANDARD.encode(context.sign()))
    }
}

#[derive(Serialize)]
struct Payload<'e> {
    r#type: &'static str,
    timestamp: Time,
    data: &'e Value,
}

/// Makes one attempt, at `now`, to tell `endpoint` of `event`.
///
/// # Errors
/// [`Failed`], which says whether another attempt makes sense. A receiver that answered 410 wants
/// nothing more.
pub async fn send(
    hooks: &Hooks,
    endpoint: &Endpoint,
    event: &Event,
    now: Time,
) -> Result<Accepted, Failed> {
    let not_writable = || Failed::new(Verdict::Permanent, Step::Message, Why::NotWritable);
    let is_id_safe = event.id.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'.');
    if endpoint.secrets.is_empty() || event.id.is_empty() || !is_id_safe {
        return Err(not_writable());
    }
    let payload = Payload { r#type: event.kind.as_str(), timestamp: event.at, data: &event.data };
    let body = serde_json::to_vec(&payload).map_err(|_| not_writable())?;
    let timestamp = now.as_micros().div_euclid(1_000_000).to_string();
    let signatures: Vec<String> =
        endpoint.secrets.iter().map(|secret| secret.sign(&event.id, &timestamp, &body)).collect();
    let mut headers = HeaderMap::new();
    for (name, value) in [
        ("webhook-id", event.id.as_str()),
        ("webhook-timestamp", timestamp.as_str()),
        ("webhook-signature", signatures.join(" ").as_str()),
    ] {
        headers.insert(name, HeaderValue::from_str(value).map_err(|_| not_writable())?);
    }
    if let Some(agent) = &endpoint.agent {
        let agent = HeaderValue::from_str(agent).map_err(|_| not_writable())?;
        headers.insert(USER_AGENT, agent);
    }
    hooks.post(&endpoint.target, headers, body).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_specification_has_its_signature() {
        // https://github.com/standard-webhooks/standard-webhooks, the libraries' common test.
        let secret = Secret::new("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let signature = SigningSecret::parse(&secret).unwrap().sign(
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            br#"{"test": 2432232314}"#,
        );
        assert_eq!(signature, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
        let secret = SigningSecret::parse(&secret).unwrap();
        let is_good = |body: &[u8], signatures: &str| {
            secret.is_good("msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body, signatures)
        };
        assert!(is_good(br#"{"test": 2432232314}"#, &format!("v1,AAAA v2,x {signature}")));
        assert!(!is_good(br#"{"test": 2432232315}"#, &signature));
        assert!(!is_good(br#"{"test": 2432232314}"#, "v1,AAAA"));
    }

    #[test]
    fn what_cannot_sign_is_refused() {
        for text in ["", "whsec_", "whsec_c2hvcnQ=", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_*"]
        {
            assert!(SigningSecret::parse(&Secret::new(text)).is_err(), "{text}");
        }
        assert!(SigningSecret::parse(&SigningSecret::from_random(&[7; 32])).is_ok());
    }
}
