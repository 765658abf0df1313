//! Unsalted hashes, made of what is shown.

use std::fmt;

use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::{Digest as _, Sha256, Sha512};
use zeroize::Zeroizing;

use super::pepper::Pepper;
use super::rule::{Hashing, Rule};
use crate::token::Digest;

/// The secret of an HMAC.
#[derive(Clone, PartialEq, Eq)]
pub struct WaySecret(Zeroizing<Vec<u8>>);

impl WaySecret {
    /// Of these bytes.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }
}

impl fmt::Debug for WaySecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WaySecret")
    }
}

/// A way in which an unsalted hash is made of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Way {
    rule: Rule,
    secret: Option<WaySecret>,
}

impl Way {
    /// The way of a rule; none for a salted hash, or an HMAC without its secret.
    pub fn new(rule: Rule, secret: Option<WaySecret>) -> Option<Self> {
        let is_keyed = rule.hashing() == Hashing::HmacSha256;
        let is_possible = !rule.hashing().is_salted() && is_keyed == secret.is_some();
        is_possible.then_some(Self { rule, secret })
    }

    /// The rule.
    pub const fn rule(&self) -> &Rule {
        &self.rule
    }

    /// What is kept under a pepper of a key that is shown; none of a key without that part.
    pub fn digest(&self, pepper: &Pepper, key: &str) -> Option<Digest> {
        let part = self.rule.part().of(key)?.as_bytes();
        Some(match (self.rule.hashing(), &self.secret) {
            (Hashing::Sha256, _) => pepper.of_digest(&self.rule, &Sha256::digest(part)),
            (Hashing::Sha512, _) => pepper.of_digest(&self.rule, &Sha512::digest(part)),
            (Hashing::HmacSha256, Some(secret)) => {
                let mut hmac = Hmac::<Sha256>::new_from_slice(secret.0.as_slice()).ok()?;
                hmac.update(part);
                pepper.of_digest(&self.rule, &hmac.finalize().into_bytes())
            }
            _ => return None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::imported::Kept;

    /// Made with Python's `hashlib` and `hmac`.
    #[test]
    fn a_key_is_recognised_by_the_hash_that_others_made() {
        let pepper = Pepper::from_bytes([1; 32]);
        let secret = || Some(WaySecret::new(b"a secret of long ago".to_vec()));
        for (rule, secret, hash) in [
            (
                "sha256 whole",
                None,
                "sha256:1bab5e65096e8856173cccc2bdd1f7858512c34420c14f8c626a10edf755c424",
            ),
            (
                "sha512 after-first:.",
                None,
                "sha512:65563fd0cfdc65bb3d44a9a4aeb231c5527cc00293371414dcf5ee4a63daabe343af11386dc6ae4efa5369916221515ea6c047410ee5784addc591f7875b5be4",
            ),
            (
                "hmac-sha256 whole",
                secret(),
                "hmac-sha256:a17b5443eaff1be3a345de1ba00cd23dd843aea62f695d9d31d2fa766a6d636d",
            ),
        ] {
            let way = Way::new(rule.parse().unwrap(), secret).unwrap();
            let Ok(Kept::Digest(_, bytes)) = Kept::parse(None, hash) else { panic!("{hash}") };
            let kept = pepper.of_digest(way.rule(), &bytes);
            assert_eq!(way.digest(&pepper, "abcd.efgh1234"), Some(kept), "{rule}");
            assert_ne!(way.digest(&pepper, "abcd.efgh1235"), Some(kept), "{rule}");
            assert!(!format!("{way:?}").contains("97"), "the secret is not shown");
        }
    }

    #[test]
    fn a_way_is_unsalted_and_has_its_secret_if_it_needs_one() {
        let secret = || Some(WaySecret::new(vec![1]));
        let way = |rule: &str, secret| Way::new(rule.parse().unwrap(), secret);
        assert_eq!(way("bcrypt whole first:4", None), None);
        assert_eq!(way("hmac-sha256 whole", None), None);
        assert_eq!(way("sha256 whole", secret()), None);
        assert!(way("hmac-sha256 whole", secret()).is_some());
        let part = way("sha256 after-first:.", None).unwrap();
        assert_eq!(part.digest(&Pepper::from_bytes([1; 32]), "no dot"), None);
    }
}
