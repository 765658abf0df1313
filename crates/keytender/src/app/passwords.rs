//! Passwords of our own users: what is asked of one, and how one is kept.
//!
//! Kept is an Argon2id hash with the parameters that OWASP recommends (19 MiB, two passes). To compute
//! one takes some 20 ms of a processor, and so only a few are computed at once.

use argon2::Argon2;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use keytender_core::secret::Secret;
use tokio::sync::Semaphore;

use crate::error::{Error, Kind};

/// The fewest letters of a password (NIST SP 800-63B-4, section 3.1.1.2, where it may be the only proof).
const MIN_LETTERS: usize = 15;
/// The most bytes of one: what is longer would only cost time.
const MAX_BYTES: usize = 1_024;
/// How many are computed at once: each takes 19 MiB and a processor.
const AT_ONCE: usize = 2;

static TURNS: Semaphore = Semaphore::const_new(AT_ONCE);

/// Hashes a new password of the user `name`.
///
/// # Errors
/// When it is too short, too long, or holds little but the name.
pub(super) async fn hash(name: &str, password: &Secret) -> Result<String, Error> {
    check(name, password)?;
    let password = password.clone();
    computed(move || {
        let hash = Argon2::default().hash_password(password.expose().as_bytes());
        hash.map(|hash| hash.to_string()).map_err(|error| {
            let error = error.to_string();
            Error::new("cannot hash a password").kind(Kind::Internal).source(error)
        })
    })
    .await?
}

/// Whether a password is the one of `hash`. Without a hash it takes as long and is not.
///
/// # Errors
/// When the work cannot be done.
pub(super) async fn is_right(hash: Option<&str>, password: &Secret) -> Result<bool, Error> {
    let password = password.clone();
    let hash = hash.map(str::to_owned);
    computed(move || {
        if password.expose().len() > MAX_BYTES {
            return false;
        }
        let bytes = password.expose().as_bytes();
        match hash.as_deref().map(PasswordHash::new) {
            Some(Ok(hash)) => Argon2::default().verify_password(bytes, &hash).is_ok(),
            // Nobody is to see by the time whether there is such a user.
            _ => Argon2::default().hash_password(bytes).is_err(),
        }
    })
    .await
}

async fn computed<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Error> {
    let failed = |error: &str| {
        Error::new("cannot work on a password").kind(Kind::Internal).source(error.to_owned())
    };
    let _turn = TURNS.acquire().await.map_err(|error| failed(&error.to_string()))?;
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|_| failed("the work was broken off"))
}

fn check(name: &str, password: &Secret) -> Result<(), Error> {
    let text = password.expose();
    let refuse = |what: String| {
        Err(Error::new(what).hint("a sentence of a few words that only you know is easy to keep"))
    };
    if text.chars().count() < MIN_LETTERS {
        return refuse(format!("a password has at least {MIN_LETTERS} letters"));
    }
    if text.len() > MAX_BYTES {
        return refuse(format!("a password has at most {MAX_BYTES} bytes"));
    }
    let letters: std::collections::BTreeSet<char> = text.chars().collect();
    let rest = text.to_lowercase().replace(&name.to_lowercase(), "");
    if letters.len() < 5 || rest.chars().count() < MIN_LETTERS / 2 {
        return refuse("this password is easy to guess".to_owned());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(password: &str) -> bool {
        check("mia", &Secret::new(password)).is_err()
    }

    #[test]
    fn what_is_easy_to_guess_is_refused() {
        for weak in
            ["", "hunter2", "aaaaaaaaaaaaaaaaaaaa", "miamiamiamiamiamia", &"x".repeat(2_000)]
        {
            assert!(refused(weak), "{weak}");
        }
        assert!(!refused("three geese and a lamp"));
        assert!(!refused("日本語のパスワードは長くてよい文です"));
    }

    #[tokio::test]
    async fn only_the_password_itself_is_right() {
        let hash = hash("mia", &Secret::new("three geese and a lamp")).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        let is_right = async |text: &str| is_right(Some(&hash), &Secret::new(text)).await.unwrap();
        assert!(is_right("three geese and a lamp").await);
        assert!(!is_right("three geese and a lamP").await);
        assert!(!super::is_right(None, &Secret::new("three geese and a lamp")).await.unwrap());
    }
}
