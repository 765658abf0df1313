//! Chats by their incoming web hooks: Slack and Microsoft Teams. The URL is the secret.
//!
//! Names come from providers, so they are sent as plain text, which cannot mention anybody or hide a
//! link.

use keytender_core::notice::{Digest, subject};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use reqwest::header::HeaderMap;
use serde_json::{Value, json};

use super::reach::Hooks;
use super::{Accepted, Failed, Step, Verdict, Why};

/// How many keys are named in a chat.
const MAX_LINES: usize = 10;
/// Slack: a header has at most 150 letters, a section 3,000.
const MAX_HEADER_LETTERS: usize = 150;
const MAX_SECTION_LETTERS: usize = 2_900;

/// Which chat.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chat {
    /// Slack, and what understands its messages (Mattermost, Rocket.Chat).
    Slack,
    /// Microsoft Teams, by its workflows.
    Teams,
}

/// The message that a chat is sent for `digest`.
pub fn message(chat: Chat, digest: &Digest, now: Time) -> Value {
    let (title, body, pages) = (subject(digest, now), body(digest, now), pages(digest));
    match chat {
        Chat::Slack => slack(&title, &body, &pages),
        Chat::Teams => teams(&title, &body, &pages),
    }
}

/// The message that a chat is sent for a title, sentences and a place to go on.
pub fn note(chat: Chat, title: &str, sentences: &[String], place: &str) -> Value {
    let body = cut(&sentences.join("\n"), MAX_SECTION_LETTERS);
    let pages: Vec<(&str, &str)> =
        place.starts_with("https://").then_some(("The rotation", place)).into_iter().collect();
    let body = if pages.is_empty() { format!("{body}\n{place}") } else { body };
    match chat {
        Chat::Slack => slack(title, &body, &pages),
        Chat::Teams => teams(title, &body, &pages),
    }
}

/// Makes one attempt to post `message` at the `url` of a chat.
///
/// # Errors
/// [`Failed`], which says whether another attempt makes sense and whether it may be a repeat.
pub async fn send(hooks: &Hooks, url: &Secret, message: &Value) -> Result<Accepted, Failed> {
    let target = hooks
        .target(url)
        .map_err(|_| Failed::new(Verdict::Permanent, Step::Message, Why::NotWritable))?;
    hooks.post(&target, HeaderMap::new(), message.to_string().into_bytes()).await
}

/// The message for Slack: blocks of plain text, and one text for the notification.
fn slack(title: &str, body: &str, pages: &[(&str, &str)]) -> Value {
    let mut blocks = vec![
        json!({"type": "header", "text": plain(&cut(title, MAX_HEADER_LETTERS))}),
        json!({"type": "section", "text": plain(&cut(body, MAX_SECTION_LETTERS))}),
    ];
    if !pages.is_empty() {
        let links: Vec<String> =
            pages.iter().map(|(name, url)| format!("<{}|{name}>", escaped(url))).collect();
        let text = json!({"type": "mrkdwn", "text": links.join("  ")});
        blocks.push(json!({"type": "context", "elements": [text]}));
    }
    json!({"text": escaped(title), "blocks": blocks})
}

/// The message for Teams: an adaptive card of text runs, which know no markup.
fn teams(title: &str, body: &str, pages: &[(&str, &str)]) -> Value {
    let run = |text: &str, weight: &str| {
        json!({"type": "RichTextBlock", "inlines": [
            {"type": "TextRun", "text": text, "weight": weight}
        ]})
    };
    let text = cut(body, MAX_SECTION_LETTERS);
    let mut blocks = vec![run(title, "Bolder")];
    blocks.extend(text.lines().filter(|line| !line.is_empty()).map(|line| run(line, "Default")));
    let actions: Vec<Value> = pages
        .iter()
        .map(|(name, url)| json!({"type": "Action.OpenUrl", "title": name, "url": url}))
        .collect();
    json!({"type": "message", "attachments": [{
        "contentType": "application/vnd.microsoft.card.adaptive",
        "content": {
            "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
            "type": "AdaptiveCard",
            "version": "1.4",
            "body": blocks,
            "actions": actions,
        },
    }]})
}

fn body(digest: &Digest, now: Time) -> String {
    let mut lines = digest.lead(now).to_vec();
    let items = digest.items();
    lines.extend(items.iter().take(MAX_LINES).map(|item| format!("• {}", item.line())));
    let rest = digest.keys().saturating_sub(MAX_LINES);
    if rest > 0 {
        lines.push(format!("and {rest} more"));
    }
    lines.join("\n")
}

/// What stands below a notice and is a page.
fn pages(digest: &Digest) -> Vec<(&'static str, &str)> {
    digest.footer().into_iter().filter(|(_, place)| place.starts_with("https://")).collect()
}

fn plain(text: &str) -> Value {
    json!({"type": "plain_text", "text": text, "emoji": false})
}

/// Slack's three letters with a meaning.
fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn cut(text: &str, max: usize) -> String {
    if text.chars().count() <= max {
        return text.to_owned();
    }
    text.chars().take(max.saturating_sub(1)).chain(['…']).collect()
}
