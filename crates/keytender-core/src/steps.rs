//! What to do about a key, step by step: plain words, the exact command line, the page to open.
//!
//! Pure text: nothing here runs anything. Names are quoted for a shell and made printable, so that
//! a hostile name cannot become a command.

use crate::key::{Key, LastUse, PrincipalKind, Use};
use crate::policy::Action;
use crate::text::printable;
use crate::time::Time;

mod aws;

pub use aws::root_page;

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Step {
    /// What to do, in a sentence.
    pub text: String,
    /// The command line that does it.
    pub command: Option<String>,
    /// The page to do it on, or to read.
    pub link: Option<String>,
}

impl Step {
    fn new(text: impl Into<String>) -> Self {
        Self { text: text.into(), ..Self::default() }
    }

    fn command(mut self, command: impl Into<String>) -> Self {
        self.command = Some(command.into());
        self
    }

    fn link(mut self, link: impl Into<String>) -> Self {
        self.link = Some(link.into());
        self
    }
}

/// What the steps depend on beside the key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'c> {
    /// The AWS profile that reaches the account.
    pub profile: Option<&'c str>,
    /// The principal's other key, where its provider allows two and the report shows both.
    pub other: Option<&'c Key<'c>>,
}

/// The steps that carry out `action` on `key`.
pub fn steps(key: &Key<'_>, action: Action, context: Context<'_>, now: Time) -> Vec<Step> {
    match key.provider.as_ref() {
        "aws" => aws::steps(key, action, context, now),
        _ => elsewhere(key, action),
    }
}

/// The steps at a provider of which nothing is known but its name.
fn elsewhere(key: &Key<'_>, action: Action) -> Vec<Step> {
    let provider = provider(&key.provider);
    match action {
        Action::Remove => vec![
            Step::new(format!("Disable it on {provider}'s key page if that is offered, and wait.")),
            Step::new("When nobody missed it, delete it there."),
        ],
        Action::Rotate => vec![
            Step::new(format!("Make a new key on {provider}'s key page.")),
            Step::new("Put it wherever the old one is used, and see the new one in use."),
            Step::new("Disable the old one; when nobody missed it, delete it."),
        ],
        Action::Review => vec![Step::new(format!("Look at it on {provider}'s key page."))],
    }
}

/// Providers and how they write their own names, where a capital letter at the front is not all.
const PROVIDERS: [(&str, &str); 18] = [
    ("aws", "AWS"),
    ("digitalocean", "DigitalOcean"),
    ("fastly", "Fastly"),
    ("github", "GitHub"),
    ("gitlab", "GitLab"),
    ("google-cloud", "Google Cloud"),
    ("google-maps", "Google Maps"),
    ("hubspot", "HubSpot"),
    ("keytender", "Keytender"),
    ("mongodb-atlas", "MongoDB Atlas"),
    ("newrelic", "New Relic"),
    ("npm", "npm"),
    ("openai", "OpenAI"),
    ("pagerduty", "PagerDuty"),
    ("pypi", "PyPI"),
    ("rubygems", "RubyGems"),
    ("sendgrid", "SendGrid"),
    ("terraform-cloud", "Terraform Cloud"),
];

/// A provider's name as it writes it itself; of one that is not known, its id with a capital letter.
pub fn provider(id: &str) -> String {
    if let Some((_, name)) = PROVIDERS.iter().find(|(known, _)| *known == id) {
        return (*name).to_owned();
    }
    let mut letters = id.chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    printable(&format!("{first}{}", letters.as_str())).into_owned()
}

/// Who a key belongs to and which of its keys it is, for people: `deploy/1`, `root/2`, `ann/laptop`, or
/// the label of a key without a principal.
pub fn name(key: &Key<'_>) -> String {
    let whose = match (key.principal_kind, &key.principal) {
        (Some(PrincipalKind::Root), _) => "root".into(),
        (_, Some(principal)) => printable(principal),
        (_, None) => match key.label.as_deref().or(key.id.as_deref()) {
            Some(label) => format!("{}/{}", printable(&key.provider), printable(label)).into(),
            None => printable(&key.provider),
        },
    };
    match (key.slot, &key.label, &key.principal) {
        (Some(slot), ..) => format!("{whose}/{slot}"),
        (None, Some(label), Some(_)) => format!("{whose}/{}", printable(label)),
        _ => whose.into_owned(),
    }
}

/// How long ago `at` was, for people: `4 days ago`, `just now`.
pub fn ago(at: Time, now: Time) -> String {
    match now.since(at).in_words() {
        words if words == "moments" => "just now".to_owned(),
        words => format!("{words} ago"),
    }
}

/// When the key was last used, for people: `4 days ago`, `never since 2020-06-15`.
pub fn last_used(key: &Key<'_>, now: Time) -> String {
    match &key.last_used {
        LastUse::Used(used) => ago(used.at, now),
        LastUse::Never { since } if key.created_at == Some(*since) => "never".to_owned(),
        LastUse::Never { since } => format!("never since {}", since.date()),
        LastUse::Unknown { .. } => "unknown".to_owned(),
    }
}

/// Where it was last used, for people: `s3 in us-east-1`; `None` if that is not known.
pub fn last_used_where(key: &Key<'_>) -> Option<String> {
    let LastUse::Used(used) = &key.last_used else {
        return None;
    };
    used_where(used)
}

/// Where a use was, as far as that is known: `s3 in eu-west-1`.
pub fn used_where(used: &Use<'_>) -> Option<String> {
    match (used.service.as_deref().map(printable), used.region.as_deref().map(printable)) {
        (Some(service), Some(region)) => Some(format!("{service} in {region}")),
        (Some(service), None) => Some(service.into_owned()),
        (None, Some(region)) => Some(format!("in {region}")),
        (None, None) => None,
    }
}
