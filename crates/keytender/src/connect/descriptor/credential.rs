//! The credential of an account, in the parts that a way of authentication wants.

use keytender_core::akm::{Placed, Values};
use keytender_core::secret::Secret;
use serde_json::{Map, Value};

/// Puts a credential, or its parts, behind the names that templates of authentication have.
///
/// Without parts it is the whole text. Otherwise it is a JSON object with a member for each part
/// (more are ignored, so the file of a service account fits), or the parts in their order, with
/// white space between them.
///
/// # Errors
/// What it should look like, without a word of it.
pub(super) fn split(
    secret: Option<&Secret>,
    parts: &[Placed<String>],
    values: &mut Values,
) -> Result<(), String> {
    let names: Vec<&str> = parts.iter().map(|part| part.value.as_str()).collect();
    let text = secret.map(|secret| secret.expose().trim()).filter(|text| !text.is_empty());
    let text = text.ok_or_else(|| "there is no credential".to_owned())?;
    match names.as_slice() {
        [] => {
            values.set("secret", "", text);
            Ok(())
        }
        names if text.starts_with('{') => {
            let members: Map<String, Value> = serde_json::from_str(text)
                .map_err(|_| format!("the credential is no JSON object with {}", list(names)))?;
            for name in names {
                let member = members.get(*name).and_then(whole_text);
                let member = member.filter(|member| !member.is_empty());
                let missing = || format!("the credential has no `{name}`: it has {}", list(names));
                values.set("secret", name, member.ok_or_else(missing)?);
            }
            Ok(())
        }
        [only] => {
            values.set("secret", only, text);
            Ok(())
        }
        names => {
            let words: Vec<&str> = text.split_whitespace().collect();
            if words.len() != names.len() {
                return Err(format!(
                    "the credential has {} parts, {}: write them in this order with a space between \
                     them, or as a JSON object",
                    names.len(),
                    list(names)
                ));
            }
            for (name, word) in names.iter().zip(words) {
                values.set("secret", name, word);
            }
            Ok(())
        }
    }
}

fn list(names: &[&str]) -> String {
    names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

/// A text or a number as a text, however long.
pub(super) fn whole_text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use keytender_core::akm::{Name, Place};

    use super::*;

    fn parted(text: &str, parts: &[&str]) -> Result<Vec<String>, String> {
        let named: Vec<_> = parts
            .iter()
            .map(|part| Placed { value: (*part).to_owned(), place: Place::default() })
            .collect();
        let mut values = Values::default();
        split(Some(&Secret::new(text)), &named, &mut values)?;
        let parts = if parts.is_empty() { &[""] } else { parts };
        let value = |part: &&str| values.get(&Name::new("secret", part)).unwrap();
        Ok(parts.iter().map(|part| value(part).as_str().unwrap().to_owned()).collect())
    }

    #[test]
    fn a_credential_is_one_text_or_has_parts() {
        assert_eq!(parted(" a b\n", &[]).unwrap(), ["a b"]);
        assert_eq!(parted("{\"a\":1}", &[]).unwrap(), ["{\"a\":1}"]);
        assert_eq!(parted("id\n  word ", &["user", "key"]).unwrap(), ["id", "word"]);
        assert_eq!(parted("-----BEGIN X-----\nAA", &["pem"]).unwrap(), ["-----BEGIN X-----\nAA"]);
        let file = r#"{"type":"service_account","key":"a\nb","user":12}"#;
        assert_eq!(parted(file, &["user", "key"]).unwrap(), ["12", "a\nb"]);
    }

    #[test]
    fn what_does_not_fit_is_refused_without_a_word_of_it() {
        for (text, parts) in [
            ("", &[][..]),
            (" \n", &["user", "key"]),
            ("hunter2", &["user", "key"]),
            ("hunter2 a b", &["user", "key"]),
            (r#"{"user":"hunter2"}"#, &["user", "key"]),
            (r#"{"user":"hunter2","key":""}"#, &["user", "key"]),
            (r#"{"user":"hunter2","key":["a"]}"#, &["user", "key"]),
            (r#"{"user":"hunter2""#, &["user", "key"]),
        ] {
            let why = parted(text, parts).unwrap_err();
            assert!(!why.contains("hunter2"), "{why}");
        }
        assert!(split(None, &[], &mut Values::default()).is_err());
    }
}
