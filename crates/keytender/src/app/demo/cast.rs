//! Who is in the demonstration: the owners with what they claim, and the accounts.
//!
//! Every address ends in example.com, every number and name is made up.

use keytender_core::owner::ClaimKind;
use keytender_core::owner::ClaimKind::{Account, Principal, Tag};

/// An owner.
pub(super) struct OwnerPlan {
    pub(super) name: &'static str,
    pub(super) address: &'static str,
    pub(super) time_zone: &'static str,
    /// By what, and what it looks like; a tag is always `team`.
    pub(super) claims: &'static [(ClaimKind, &'static str)],
}

const fn owner(
    name: &'static str,
    address: &'static str,
    time_zone: &'static str,
    claims: &'static [(ClaimKind, &'static str)],
) -> OwnerPlan {
    OwnerPlan { name, address, time_zone, claims }
}

/// The tag by which owners claim what their teams use.
pub(super) const TEAM: &str = "team";

#[rustfmt::skip]
pub(super) const OWNERS: &[OwnerPlan] = &[
    owner("data",      "data@example.com",      "Europe/Berlin", &[(Tag, "data"), (Account, "github-data")]),
    owner("finance",   "finance@example.com",   "Europe/London", &[(Tag, "finance")]),
    owner("lena",      "lena@example.com",      "Europe/Berlin", &[(Principal, "lena@example.com")]),
    owner("marketing", "marketing@example.com", "Europe/London", &[(Tag, "marketing"), (Account, "sendgrid")]),
    owner("mobile",    "mobile@example.com",    "Europe/London", &[(Tag, "mobile"), (Account, "twilio")]),
    owner("payments",  "payments@example.com",  "Europe/Berlin", &[(Tag, "payments"), (Account, "stripe-*")]),
    owner("platform",  "platform@example.com",  "Europe/Berlin", &[(Tag, "platform"), (Account, "datadog"), (Account, "cloudflare"), (Account, "gitlab")]),
    owner("research",  "research@example.com",  "UTC",           &[(Tag, "research"), (Account, "openai-research"), (Account, "anthropic")]),
    owner("security",  "security@example.com",  "Europe/London", &[(Tag, "security"), (Principal, "auditor-*")]),
    owner("support",   "support@example.com",   "UTC",           &[(Tag, "support"), (Account, "slack")]),
    owner("tomas",     "tomas@example.com",     "Europe/Madrid", &[(Principal, "tomas@example.com")]),
    owner("web",       "web@example.com",       "Europe/Berlin", &[(Tag, "web"), (Account, "github-shop"), (Account, "npm"), (Account, "openai-shop")]),
];

/// An account.
pub(super) struct AccountPlan {
    pub(super) provider: &'static str,
    pub(super) name: &'static str,
    /// The provider's id of it.
    pub(super) external_id: &'static str,
    /// The organization that it belongs to.
    pub(super) parent: Option<&'static str>,
    /// Since how many days it is watched.
    pub(super) days: u32,
    /// How it is looked at.
    pub(super) looks: Looks,
}

/// How an account of the demonstration seems to be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Looks {
    /// Each look succeeds.
    Succeed,
    /// No look succeeds.
    Fail,
    /// Nobody looks: its keys are told by hand.
    Never,
}

use Looks::{Fail, Never, Succeed};

const fn account(
    provider: &'static str,
    name: &'static str,
    external_id: &'static str,
    parent: Option<&'static str>,
    days: u32,
    looks: Looks,
) -> AccountPlan {
    AccountPlan { provider, name, external_id, parent, days, looks }
}

/// The account of AWS that the others belong to.
const ROOT: Option<&str> = Some("aws-management");

/// An organization stands before its members.
#[rustfmt::skip]
pub(super) const ACCOUNTS: &[AccountPlan] = &[
    account("aws",          "aws-management",  "111122223333",           None, 378, Succeed),
    account("aws",          "aws-prod",        "222233334444",           ROOT, 378, Succeed),
    account("aws",          "aws-staging",     "333344445555",           ROOT, 378, Succeed),
    account("aws",          "aws-dev",         "444455556666",           ROOT, 378, Succeed),
    account("aws",          "aws-data",        "555566667777",           ROOT, 378, Succeed),
    account("aws",          "aws-backup",      "666677778888",           ROOT, 378, Succeed),
    account("aws",          "aws-legacy",      "777788889999",           ROOT, 378, Succeed),
    account("aws",          "aws-sandbox",     "888899990000",           ROOT, 204, Succeed),
    account("aws",          "aws-labs",        "999900001111",           ROOT,  41, Fail),
    account("anthropic",    "anthropic",       "example-assistants",     None, 204, Succeed),
    account("azure",        "azure",           "example-directory",      None, 372, Succeed),
    account("cloudflare",   "cloudflare",      "example-zones",          None, 378, Succeed),
    account("datadog",      "datadog",         "example-monitoring",     None, 378, Succeed),
    account("docker-hub",   "docker-hub",      "example-images",         None, 260, Succeed),
    account("github",       "github-data",     "example-data",           None, 378, Succeed),
    account("github",       "github-shop",     "example-shop",           None, 378, Succeed),
    account("gitlab",       "gitlab",          "example-group",          None, 316, Succeed),
    account("google-cloud", "google-data",     "example-warehouse",      None, 378, Succeed),
    account("google-cloud", "google-maps",     "example-maps",           None, 378, Succeed),
    account("npm",          "npm",             "example-packages",       None, 316, Succeed),
    account("openai",       "openai-research", "example-experiments",    None, 378, Succeed),
    account("openai",       "openai-shop",     "example-shop-assistant", None, 288, Succeed),
    account("sendgrid",     "sendgrid",        "example-mails",          None, 378, Succeed),
    account("slack",        "slack",           "example-workspace",      None, 378, Succeed),
    account("stripe",       "stripe-eu",       "example-eu",             None, 378, Succeed),
    account("stripe",       "stripe-us",       "example-us",             None, 378, Succeed),
    account("twilio",       "twilio",          "example-calls",          None, 378, Succeed),
    account("postgres",     "postgres",        "example-databases",      None, 330, Never),
    account("partners",     "partners",        "example-partners",       None, 330, Never),
];

/// Who works here, by the name of their address.
pub(super) const PEOPLE: &[&str] = &[
    "aiko", "amara", "anton", "bilal", "carla", "dario", "elif", "emeka", "farah", "goran",
    "hanna", "ines", "ivan", "jonas", "kofi", "leila", "mateo", "nadia", "oskar", "priya", "quynh",
    "rafael", "sofia", "timur", "uma", "viktor", "wanda", "yusuf", "zora",
];

/// What services are for.
pub(super) const SERVICES: &[&str] = &[
    "accounts",
    "billing",
    "carts",
    "catalog",
    "checkout",
    "coupons",
    "exports",
    "feeds",
    "images",
    "imports",
    "invoices",
    "ledger",
    "mailer",
    "metrics",
    "orders",
    "prices",
    "push",
    "queue",
    "refunds",
    "reports",
    "returns",
    "search",
    "sessions",
    "shipping",
    "sitemap",
    "stock",
    "taxes",
    "thumbnails",
    "uploads",
    "webhooks",
];
