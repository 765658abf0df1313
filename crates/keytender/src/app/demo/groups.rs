//! The keys of every day: how many of which kind each account has.

use keytender_core::key::PrincipalKind;
use keytender_core::key::PrincipalKind::{App, User};

use super::rhythm::Place;

/// How keys are used.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Habit {
    Hourly,
    Daily,
    Weekly,
    Monthly,
    Quarterly,
    /// It was used daily until so many days ago, from the least to the most.
    Ended(i64, i64),
    /// It was never used.
    Never,
    /// The provider does not say.
    Untold,
}

use Habit::{Daily, Ended, Hourly, Monthly, Never, Untold, Weekly};

/// Keys that are alike.
pub(super) struct Group {
    pub(super) account: &'static str,
    pub(super) keys: u32,
    pub(super) kind: PrincipalKind,
    /// What their principals are called before the service's name; people have none.
    pub(super) stem: &'static str,
    /// Whose they are, by a tag.
    pub(super) team: Option<&'static str>,
    /// How many days old, from the least to the most.
    pub(super) age: (i64, i64),
    pub(super) habit: Habit,
    /// In how many days they end, from the least to the most.
    pub(super) ends: Option<(i64, i64)>,
}

#[expect(clippy::too_many_arguments, reason = "a line of the table below")]
const fn group(
    account: &'static str,
    keys: u32,
    kind: PrincipalKind,
    stem: &'static str,
    team: Option<&'static str>,
    age: (i64, i64),
    habit: Habit,
    ends: Option<(i64, i64)>,
) -> Group {
    Group { account, keys, kind, stem, team, age, habit, ends }
}

#[rustfmt::skip]
pub(super) const GROUPS: &[Group] = &[
    //    account           keys kind  stem         team               age in days   use             ends in days
    group("aws-prod",         16, App,  "svc",       Some("payments"),  (3, 80),      Hourly,         None),
    group("aws-prod",         14, App,  "svc",       Some("web"),       (2, 85),      Hourly,         None),
    group("aws-prod",          9, App,  "svc",       Some("platform"),  (95, 330),    Daily,          None),
    group("aws-prod",          6, App,  "svc",       Some("mobile"),    (380, 1_100), Daily,          None),
    group("aws-prod",          4, App,  "job",       Some("finance"),   (20, 85),     Monthly,        None),
    group("aws-prod",          3, App,  "old",       Some("web"),       (400, 900),   Ended(70, 300), None),
    group("aws-staging",      14, App,  "svc",       Some("platform"),  (5, 85),      Daily,          None),
    group("aws-staging",       6, App,  "svc",       Some("web"),       (100, 300),   Weekly,         None),
    group("aws-staging",       5, App,  "test",      None,              (120, 700),   Ended(50, 200), None),
    group("aws-dev",          12, User, "",          Some("web"),       (4, 80),      Weekly,         None),
    group("aws-dev",           8, User, "",          Some("mobile"),    (95, 360),    Weekly,         None),
    group("aws-dev",           5, User, "",          None,              (200, 800),   Ended(60, 300), None),
    group("aws-dev",           3, User, "",          Some("data"),      (60, 400),    Never,          None),
    group("aws-data",         12, App,  "etl",       Some("data"),      (6, 85),      Hourly,         None),
    group("aws-data",          7, App,  "etl",       Some("data"),      (130, 700),   Daily,          None),
    group("aws-data",          4, App,  "model",     Some("research"),  (15, 80),     Weekly,         None),
    group("aws-backup",        6, App,  "backup",    Some("platform"),  (10, 88),     Daily,          None),
    group("aws-legacy",        9, App,  "erp",       None,              (900, 2_600), Daily,          None),
    group("aws-legacy",        6, App,  "erp",       Some("finance"),   (500, 1_150), Ended(90, 600), None),
    group("aws-sandbox",      10, User, "",          Some("research"),  (3, 70),      Weekly,         None),
    group("aws-management",    3, App,  "auditor",   None,              (12, 80),     Daily,          None),
    group("anthropic",         7, App,  "assistant", None,              (8, 85),      Untold,         None),
    group("azure",            12, App,  "app",       Some("platform"),  (20, 85),     Daily,          Some((45, 500))),
    group("azure",             4, App,  "app",       Some("support"),   (200, 340),   Daily,          Some((8, 29))),
    group("cloudflare",        9, App,  "zone",      None,              (15, 88),     Daily,          Some((40, 300))),
    group("cloudflare",        3, App,  "zone",      None,              (300, 1_300), Weekly,         None),
    group("datadog",          10, App,  "agent",     None,              (10, 86),     Hourly,         None),
    group("datadog",           4, User, "",          None,              (200, 800),   Ended(50, 160), None),
    group("docker-hub",        6, App,  "pull",      None,              (9, 85),      Hourly,         Some((40, 280))),
    group("github-data",      13, User, "",          None,              (5, 75),      Daily,          Some((31, 90))),
    group("github-data",       4, App,  "deploy",    None,              (110, 800),   Daily,          None),
    group("github-shop",      16, User, "",          None,              (6, 80),      Daily,          Some((33, 110))),
    group("github-shop",       5, App,  "deploy",    None,              (7, 80),      Hourly,         Some((35, 90))),
    group("github-shop",       5, User, "",          None,              (250, 900),   Ended(60, 400), None),
    group("gitlab",           12, App,  "runner",    None,              (10, 85),     Hourly,         Some((60, 280))),
    group("gitlab",            4, App,  "bot",       None,              (100, 330),   Weekly,         Some((35, 200))),
    group("google-data",      11, App,  "bq",        Some("data"),      (9, 85),      Daily,          None),
    group("google-data",       5, App,  "bq",        Some("research"),  (150, 900),   Weekly,         None),
    group("google-maps",       4, App,  "maps",      Some("mobile"),    (20, 85),     Hourly,         None),
    group("npm",               7, App,  "publish",   None,              (8, 80),      Weekly,         Some((35, 90))),
    group("openai-research",  10, User, "",          None,              (4, 80),      Daily,          None),
    group("openai-research",   4, User, "",          None,              (120, 500),   Ended(50, 250), None),
    group("openai-shop",       6, App,  "chat",      None,              (12, 85),     Hourly,         None),
    group("sendgrid",          7, App,  "mail",      None,              (20, 88),     Untold,         None),
    group("sendgrid",          3, App,  "campaign",  None,              (400, 1_600), Untold,         None),
    group("slack",             9, App,  "bot",       None,              (30, 89),     Untold,         None),
    group("stripe-eu",         7, App,  "shop",      None,              (15, 88),     Untold,         None),
    group("stripe-us",         5, App,  "shop",      None,              (180, 700),   Untold,         None),
    group("twilio",            6, App,  "calls",     None,              (40, 360),    Untold,         None),
];

/// Where keys of a provider are used, as far as it says.
pub(super) const fn places(provider: &str) -> &'static [Place] {
    match provider.as_bytes() {
        b"aws" => &[
            (Some("s3"), Some("eu-central-1")),
            (Some("s3"), Some("eu-west-1")),
            (Some("sqs"), Some("eu-central-1")),
            (Some("dynamodb"), Some("eu-central-1")),
            (Some("ses"), Some("eu-west-1")),
        ],
        b"google-cloud" => &[(Some("bigquery"), None), (Some("storage"), None)],
        _ => &[],
    }
}
