//! What must not be shown is not, and other people's text is harmless.

use keytender_core::access::Side;
use keytender_core::text::printable;
use serde_json::Value;

use crate::app::view::KeyView;

/// The provider whose ids of keys are known to be public.
const PUBLIC: &str = "aws";
/// What is shorter is no secret, and may stand in other words by chance.
const LEAST: usize = 8;
/// What stands in place of what is hidden.
const HIDDEN: &str = "[hidden]";
/// The longest text that is told, in letters.
const LONGEST: usize = 2_000;

/// What must not be shown in one answer.
#[derive(Debug, Default)]
pub(super) struct Veil {
    hidden: Vec<String>,
}

impl Veil {
    /// Takes out of a key what may be a secret: people may have told one as the id of a key of an unknown provider.
    pub(super) fn cover(&mut self, view: &mut KeyView) {
        if view.provider != PUBLIC
            && view.side == Side::Held
            && let Some(id) = view.id.take().filter(|id| id.len() >= LEAST)
            && !self.hidden.contains(&id)
        {
            self.hidden.push(id);
        }
    }

    /// Text without what is hidden, on as many lines.
    pub(super) fn text(&self, text: &str) -> String {
        let lines: Vec<_> = text.lines().map(|line| self.line(line)).collect();
        lines.join("\n")
    }

    /// The same of all text in `value`.
    pub(super) fn value(&self, value: &mut Value) {
        match value {
            Value::String(text) => *text = self.line(text),
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item)),
            Value::Object(members) => {
                // Names of tags are other people's text too.
                *members = std::mem::take(members)
                    .into_iter()
                    .map(|(name, mut value)| {
                        self.value(&mut value);
                        (self.line(&name), value)
                    })
                    .collect();
            }
            _ => {}
        }
    }

    fn line(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for hidden in &self.hidden {
            text = text.replace(hidden, HIDDEN);
        }
        if text.chars().nth(LONGEST).is_some() {
            text = text.chars().take(LONGEST).chain(['…']).collect();
        }
        printable(&text).into_owned()
    }
}
