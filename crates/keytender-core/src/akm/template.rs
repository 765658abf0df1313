//! Texts with names in them that are filled in when a call is made: `/keys/{key.id}`.
//!
//! A template has no code: a name stands for one value, `{{` and `}}` for braces. Which names may
//! stand where is checked when the descriptor is read, so that none is missing when a call is made.

use std::fmt;

use serde::{Deserialize, Deserializer, de};

use super::place::{Place, Placed};

/// A text with names in it.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
    place: Place,
}

/// A part of a template.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part {
    /// Text as it is.
    Text(String),
    /// What a name stands for.
    Name(Name),
}

/// A name: `{scope.field}`, or `{scope}` where the scope is one value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name {
    /// `var`, `arg`, `key`, `secret`, `login` or the id of a resource.
    pub scope: String,
    /// Which of its values; empty for the scope itself.
    pub field: String,
}

impl Name {
    /// The name of a value.
    pub fn new(scope: &str, field: &str) -> Self {
        Self { scope: scope.to_owned(), field: field.to_owned() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.field.as_str() {
            "" => write!(f, "{{{}}}", self.scope),
            field => write!(f, "{{{}.{field}}}", self.scope),
        }
    }
}

impl Template {
    /// Reads a text that stands at `place`.
    ///
    /// # Errors
    /// What is wrong with its braces or a name.
    pub fn parse(text: &str, place: Place) -> Result<Self, String> {
        let mut parts = Vec::new();
        let mut plain = String::new();
        let mut letters = text.chars().peekable();
        while let Some(letter) = letters.next() {
            match letter {
                '{' | '}' if letters.peek() == Some(&letter) => {
                    letters.next();
                    plain.push(letter);
                }
                '{' => {
                    let mut inside = String::new();
                    loop {
                        match letters.next() {
                            Some('}') => break,
                            Some(letter) => inside.push(letter),
                            None => {
                                return Err(
                                    "a `{` without its `}`: write {{ for a brace".to_owned()
                                );
                            }
                        }
                    }
                    if !plain.is_empty() {
                        parts.push(Part::Text(std::mem::take(&mut plain)));
                    }
                    parts.push(Part::Name(name(&inside)?));
                }
                '}' => return Err("a `}` without its `{`: write }} for a brace".to_owned()),
                letter => plain.push(letter),
            }
        }
        if !plain.is_empty() {
            parts.push(Part::Text(plain));
        }
        Ok(Self { parts, place })
    }

    /// Its parts, in their order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The names in it.
    pub fn names(&self) -> impl Iterator<Item = &Name> {
        self.parts.iter().filter_map(|part| match part {
            Part::Name(name) => Some(name),
            Part::Text(_) => None,
        })
    }

    /// Where it stands.
    pub const fn place(&self) -> Place {
        self.place
    }

    /// The name that it consists of, if it is nothing else.
    pub fn only_name(&self) -> Option<&Name> {
        match self.parts.as_slice() {
            [Part::Name(name)] => Some(name),
            _ => None,
        }
    }

    /// The text, with `value` for each name; the first name without a value is refused.
    ///
    /// # Errors
    /// The name without a value.
    pub fn fill<E>(&self, mut value: impl FnMut(&Name) -> Result<String, E>) -> Result<String, E> {
        let mut text = String::new();
        for part in &self.parts {
            match part {
                Part::Text(plain) => text.push_str(plain),
                Part::Name(name) => text.push_str(&value(name)?),
            }
        }
        Ok(text)
    }
}

fn name(inside: &str) -> Result<Name, String> {
    let (scope, field) = match inside.split_once('.') {
        Some((scope, field)) => (scope, Some(field)),
        None => (inside, None),
    };
    let is_word = |word: &str| {
        word.starts_with(|one: char| one.is_ascii_alphabetic())
            && word.chars().all(|one| one.is_ascii_alphanumeric() || one == '_' || one == '-')
    };
    if !is_word(scope) || !field.is_none_or(is_word) {
        return Err(format!(
            "`{{{inside}}}` is no name: write {{scope.field}}, such as {{key.id}}, and {{{{ for a brace"
        ));
    }
    Ok(Name::new(scope, field.unwrap_or_default()))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.parts.iter().try_for_each(|part| match part {
            Part::Text(plain) => f.write_str(&plain.replace('{', "{{").replace('}', "}}")),
            Part::Name(name) => name.fmt(f),
        })
    }
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.to_string(), f)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Placed::<String>::deserialize(deserializer)?;
        Self::parse(&text.value, text.place).map_err(de::Error::custom)
    }
}

#[cfg(feature = "schema")]
impl schemars::JsonSchema for Template {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Template".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string",
            "description": "A text in which {scope.field} stands for a value: {var.NAME} of the account, \
                {key.FIELD} of the key, {RESOURCE.id}, {arg.NAME} of the act; {secret} and {secret.PART} \
                in authentication alone. {{ and }} are braces."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Template, String> {
        Template::parse(text, Place::default())
    }

    #[test]
    fn names_are_filled_in_and_braces_are_doubled() {
        let template = parse("/orgs/{var.org}/keys/{key.id}?q={{x}}").unwrap();
        let names: Vec<_> = template.names().map(Name::to_string).collect();
        assert_eq!(names, ["{var.org}", "{key.id}"]);
        let filled = template.fill(|name| Ok::<_, ()>(format!("<{}>", name.field))).unwrap();
        assert_eq!(filled, "/orgs/<org>/keys/<id>?q={x}");
        assert_eq!(template.to_string(), "/orgs/{var.org}/keys/{key.id}?q={{x}}");
        assert_eq!(template.only_name(), None);
        assert_eq!(parse("{secret}").unwrap().only_name(), Some(&Name::new("secret", "")));
    }

    #[test]
    fn what_is_no_name_is_refused() {
        for text in
            ["{}", "{key.}", "{key.}x}", "{a.b.c}", "{key.id|date}", "{ key.id }", "{key.id", "}"]
        {
            assert!(parse(text).is_err(), "{text}");
        }
    }
}
