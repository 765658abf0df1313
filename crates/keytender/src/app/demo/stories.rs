//! The keys of which there is something to tell, and those that people tell of by hand.

use keytender_core::key::State;
use keytender_core::key::State::{Active, Compromised, Deactivated, PreActivation, Suspended};

use super::groups::Habit;
use super::rhythm::Place;

/// Who a key of a story acts for.
#[derive(Clone, Copy)]
pub(super) enum Who {
    /// The root of the account.
    Root,
    /// A service.
    App(&'static str),
    /// A person.
    User(&'static str),
}

/// Something that people say.
#[derive(Clone, Copy)]
pub(super) enum Said {
    /// It was found where a secret must not be.
    Exposed,
    /// It stays as it is for so many days from now on.
    KeepFor(u32),
    /// It is this owner's.
    Owner(&'static str),
    /// It is used there.
    WhereUsed(&'static str),
}

/// A change of a story: days ago, the state, the provider's word, and who did it here and why.
pub(super) type Turn = (i64, State, Option<&'static str>, Option<(&'static str, &'static str)>);
/// A sentence of a story: days ago, who, what, and why.
pub(super) type Sentence = (i64, &'static str, Said, &'static str);

/// A key of which there is something to tell.
#[derive(Clone, Copy)]
pub(super) struct Story {
    pub(super) account: &'static str,
    pub(super) who: Who,
    pub(super) team: Option<&'static str>,
    /// How many days old; `None` if nobody knows.
    pub(super) age: Option<i64>,
    pub(super) habit: Habit,
    /// How many hours ago it was last used, if it was.
    pub(super) idle_hours: i64,
    /// Where it is used, if not where its provider's other keys are.
    pub(super) places: &'static [Place],
    /// In how many days it ends; negative where it has.
    pub(super) ends: Option<i64>,
    pub(super) turns: &'static [Turn],
    pub(super) said: &'static [Sentence],
}

/// What most stories have in common.
const PLAIN: Story = Story {
    account: "",
    who: Who::Root,
    team: None,
    age: None,
    habit: Habit::Untold,
    idle_hours: 1,
    places: &[],
    ends: None,
    turns: &[],
    said: &[],
};

/// Two keys of one principal stand one after the other, the older first.
pub(super) const STORIES: &[Story] = &[
    // The root key that nobody dares to touch.
    Story {
        account: "aws-management",
        age: Some(3_310),
        habit: Habit::Daily,
        idle_hours: 26,
        places: &[(Some("s3"), Some("us-east-1"))],
        said: &[
            (240, "noor", Said::WhereUsed("the billing export, says the wiki"), "asked around"),
            (239, "noor", Said::Owner("finance"), "it pays the bills"),
        ],
        ..PLAIN
    },
    Story {
        account: "aws-legacy",
        age: Some(2_410),
        habit: Habit::Monthly,
        idle_hours: 24 * 402,
        places: &[(Some("iam"), Some("us-east-1"))],
        ..PLAIN
    },
    Story { account: "aws-sandbox", age: Some(33), habit: Habit::Never, ..PLAIN },
    // The key of the pipeline that stood in a public repository.
    Story {
        account: "aws-prod",
        who: Who::App("ci-deploy"),
        team: Some("web"),
        age: Some(412),
        habit: Habit::Hourly,
        places: &[(Some("sts"), Some("ap-southeast-2")), (Some("s3"), Some("eu-central-1"))],
        said: &[
            (300, "mia", Said::WhereUsed("secret of example-shop on GitHub"), "found it there"),
            (2, "mia", Said::Exposed, "it stands in a commit of a public repository"),
        ],
        ..PLAIN
    },
    // Its provider saw it first, and ended it.
    Story {
        account: "npm",
        who: Who::App("publish-widgets"),
        age: Some(71),
        habit: Habit::Weekly,
        idle_hours: 24 * 21,
        ends: Some(19),
        turns: &[(20, Compromised, Some("revoked"), None)],
        said: &[(20, "mia", Said::Exposed, "npm found it in a package that anybody can read")],
        ..PLAIN
    },
    Story {
        account: "slack",
        who: Who::App("bot-standup"),
        age: Some(640),
        turns: &[(
            5,
            Suspended,
            Some("disabled"),
            Some(("mia", "it was in a screenshot of a talk")),
        )],
        said: &[(5, "mia", Said::Exposed, "it was in a screenshot of a talk")],
        ..PLAIN
    },
    // The intern left, the key stayed, nobody ever used it.
    Story {
        account: "aws-dev",
        who: Who::User("intern-summer"),
        team: Some("web"),
        age: Some(853),
        habit: Habit::Never,
        ..PLAIN
    },
    // The agency's contract ended; its key did not.
    Story {
        account: "google-maps",
        who: Who::App("agency-campaign"),
        team: Some("marketing"),
        age: Some(1_480),
        habit: Habit::Daily,
        idle_hours: 24 * 213,
        places: &[(Some("maps"), None)],
        said: &[(
            120,
            "noor",
            Said::WhereUsed("the agency that made the spring campaign; its contract ended"),
            "purchasing said so",
        )],
        ..PLAIN
    },
    // The backup of every night: old, and in use.
    Story {
        account: "aws-backup",
        who: Who::App("backup-nightly"),
        team: Some("platform"),
        age: Some(1_127),
        habit: Habit::Daily,
        idle_hours: 9,
        places: &[(Some("s3"), Some("eu-west-1"))],
        ..PLAIN
    },
    // In a rotation that waits for somebody's yes.
    Story {
        account: "aws-prod",
        who: Who::App("svc-checkout"),
        team: Some("payments"),
        age: Some(389),
        habit: Habit::Hourly,
        idle_hours: 24 * 40,
        ..PLAIN
    },
    Story {
        account: "aws-prod",
        who: Who::App("svc-checkout"),
        team: Some("payments"),
        age: Some(41),
        habit: Habit::Hourly,
        ..PLAIN
    },
    Story {
        account: "aws-data",
        who: Who::App("etl-orders"),
        team: Some("data"),
        age: Some(78),
        habit: Habit::Daily,
        idle_hours: 24 * 16,
        ..PLAIN
    },
    Story {
        account: "aws-data",
        who: Who::App("etl-orders"),
        team: Some("data"),
        age: Some(17),
        habit: Habit::Daily,
        idle_hours: 3,
        ..PLAIN
    },
    // Lena left; what she could do her token still can.
    Story {
        account: "github-shop",
        who: Who::User("lena@example.com"),
        age: Some(1_310),
        habit: Habit::Daily,
        idle_hours: 24 * 96,
        ..PLAIN
    },
    // The tax export runs once a quarter: its key is idle, and not unused.
    Story {
        account: "aws-prod",
        who: Who::App("job-taxes"),
        team: Some("finance"),
        age: Some(540),
        habit: Habit::Quarterly,
        idle_hours: 24 * 63,
        ..PLAIN
    },
    // Kept as they are, for a reason and until a day.
    Story {
        account: "aws-management",
        who: Who::App("auditor-yearly"),
        age: Some(720),
        habit: Habit::Monthly,
        idle_hours: 24 * 160,
        said: &[(
            98,
            "mia",
            Said::KeepFor(45),
            "the auditors bring their own key next time; agreed with them",
        )],
        ..PLAIN
    },
    Story {
        account: "stripe-eu",
        who: Who::App("ledger-migration"),
        age: Some(433),
        said: &[(
            30,
            "tomas",
            Said::KeepFor(61),
            "the old ledger reads with it until the migration is over",
        )],
        ..PLAIN
    },
    // Disabled, and held: whoever needs it will say so.
    Story {
        account: "aws-staging",
        who: Who::App("test-load"),
        team: Some("platform"),
        age: Some(508),
        habit: Habit::Daily,
        idle_hours: 24 * 130,
        turns: &[(12, Suspended, Some("Inactive"), Some(("noor", "nobody answered for it")))],
        ..PLAIN
    },
    // Disabled in winter, and forgotten.
    Story {
        account: "datadog",
        who: Who::App("agent-oldcluster"),
        age: Some(902),
        habit: Habit::Daily,
        idle_hours: 24 * 171,
        turns: &[(140, Suspended, Some("disabled"), Some(("noor", "the cluster is gone")))],
        ..PLAIN
    },
    // Disabled one day, missed at the end of the month, and enabled again.
    Story {
        account: "aws-prod",
        who: Who::App("job-monthend"),
        team: Some("finance"),
        age: Some(610),
        habit: Habit::Monthly,
        idle_hours: 24 * 11,
        turns: &[
            (64, Suspended, Some("Inactive"), Some(("noor", "it seemed to be unused"))),
            (58, Active, Some("Active"), Some(("tomas", "the report at the month's end needs it"))),
        ],
        ..PLAIN
    },
    Story {
        account: "azure",
        who: Who::App("app-signin"),
        team: Some("platform"),
        age: Some(359),
        habit: Habit::Hourly,
        ends: Some(6),
        ..PLAIN
    },
    Story {
        account: "azure",
        who: Who::App("app-intranet"),
        team: Some("support"),
        age: Some(374),
        habit: Habit::Daily,
        idle_hours: 24 * 9 + 5,
        ends: Some(-9),
        ..PLAIN
    },
    Story {
        account: "gitlab",
        who: Who::App("bot-changelog"),
        age: Some(380),
        habit: Habit::Weekly,
        idle_hours: 24 * 19,
        ends: Some(-15),
        turns: &[(15, Deactivated, Some("expired"), None)],
        ..PLAIN
    },
    // Asked for yesterday; an owner of the organization has to agree.
    Story {
        account: "github-data",
        who: Who::User("tomas@example.com"),
        age: Some(1),
        habit: Habit::Never,
        ends: Some(89),
        turns: &[(2, PreActivation, Some("pending"), None)],
        ..PLAIN
    },
];

/// A key that somebody told of: account, label, how many days old, whose, and where it is used.
pub(super) type Told =
    (&'static str, &'static str, Option<i64>, Option<&'static str>, Option<&'static str>);

#[rustfmt::skip]
pub(super) const TOLD: &[Told] = &[
    ("postgres", "shop-application",     Some(61),    Some("web"),       Some("the shop's servers")),
    ("postgres", "shop-replication",     Some(920),   Some("platform"),  Some("the replica in Dublin")),
    ("postgres", "warehouse-loader",     Some(77),    Some("data"),      Some("the loader of the warehouse")),
    ("postgres", "warehouse-readonly",   None,        None,              Some("half of all spreadsheets")),
    ("postgres", "ledger-application",   Some(80),    Some("payments"),  Some("the ledger")),
    ("postgres", "ledger-reports",       Some(540),   Some("finance"),   Some("the reports of every month")),
    ("postgres", "support-console",      Some(45),    Some("support"),   None),
    ("postgres", "migrations",           Some(1_270), Some("platform"),  None),
    ("partners", "parcel-labels",        Some(72),    Some("web"),       Some("the warehouse's printers")),
    ("partners", "parcel-tracking",      Some(83),    Some("web"),       None),
    ("partners", "address-check",        Some(415),   Some("web"),       Some("the checkout")),
    ("partners", "exchange-rates",       Some(1_905), None,              None),
    ("partners", "fraud-score",          Some(58),    Some("payments"),  Some("the checkout")),
    ("partners", "weather",              Some(2_204), Some("marketing"), Some("a page that is no longer there")),
    ("partners", "newsletter",           Some(66),    Some("marketing"), None),
    ("partners", "translation",          Some(310),   Some("web"),       None),
];
