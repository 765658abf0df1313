//! The steps for AWS access keys, with the command lines of the AWS command line and the pages of
//! its console.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use super::{Context, Step, last_used, last_used_where, name};
use crate::key::{Key, LastUse, PrincipalKind, State};
use crate::policy::Action;
use crate::text::printable;
use crate::time::Time;

/// How long a disabled key waits before it is deleted: longer than a monthly job's pause.
const HOLD_DAYS: u32 = 30;

const LEAST_PRIVILEGE: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/best-practices.html#bp-workloads-use-roles";
const CENTRAL_ROOT: &str =
    "https://docs.aws.amazon.com/IAM/latest/UserGuide/id_root-enable-root-access.html";

/// What stands in a URL's path without being escaped.
const URL_SEGMENT: &AsciiSet =
    &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

pub(super) fn steps(key: &Key<'_>, action: Action, context: Context<'_>, now: Time) -> Vec<Step> {
    let at = Place { key, profile: context.profile };
    if key.principal_kind == Some(PrincipalKind::Root) {
        return root(&at, action, now);
    }
    let mut steps = Vec::new();
    match action {
        Action::Remove => remove(&at, now, &mut steps),
        Action::Rotate => rotate(&at, context.other, &mut steps),
        Action::Review => review(&at, &mut steps),
    }
    steps
}

fn root(at: &Place<'_>, action: Action, now: Time) -> Vec<Step> {
    let mut steps = Vec::new();
    let is_active = at.key.state == State::Active;
    if let (true, LastUse::Used(_)) = (is_active, &at.key.last_used) {
        let place = last_used_where(at.key).unwrap_or_else(|| "somewhere".to_owned());
        steps.push(Step::new(format!(
            "It is in use: {place}, {}: move that before you remove it.",
            last_used(at.key, now)
        )));
    }
    if is_active {
        let text =
            "Give what uses it a role, or a user of its own, with only the permissions it needs.";
        steps.push(Step::new(text).link(LEAST_PRIVILEGE));
    }
    let verb = match (action, is_active) {
        (Action::Review, _) => "look at the key",
        (_, true) => "deactivate the key, wait, then delete it",
        (_, false) => "delete the key",
    };
    steps.push(
        Step::new(format!("Sign in as root, whom alone AWS shows the key's id, and {verb}."))
            .link(root_page(at.key)),
    );
    let text = "If the account belongs to an AWS organization, its management account can remove \
                root's keys for good.";
    steps.push(Step::new(text).link(CENTRAL_ROOT));
    steps
}

fn remove(at: &Place<'_>, now: Time, steps: &mut Vec<Step>) {
    at.find_id(steps);
    if at.key.state == State::Active {
        let unused = match &at.key.last_used {
            LastUse::Used(_) => format!("Its last use was {}. ", last_used(at.key, now)),
            LastUse::Never { .. } | LastUse::Unknown { .. } => String::new(),
        };
        at.disable(&unused, steps);
        at.delete(&format!("After {HOLD_DAYS} days, if nobody missed it, delete it."), steps);
    } else {
        at.delete("It is disabled already: delete it, which cannot be undone.", steps);
    }
}

fn rotate(at: &Place<'_>, other: Option<&Key<'_>>, steps: &mut Vec<Step>) {
    if let Some(other) = other {
        let state = if other.state == State::Active { "active" } else { "disabled" };
        // Without a place its name is that of the principal, whose keys have the same.
        let which = match (other.slot, &other.id) {
            (None, Some(id)) => printable(id).into_owned(),
            _ => name(other),
        };
        steps.push(Step::new(format!(
            "{} has two keys, as many as AWS allows: the other one, {which}, is {state}. Delete \
             that first if nobody needs it, or move to it instead of making a new one.",
            printable(at.key.principal.as_deref().unwrap_or_default())
        )));
    }
    let text = "Make the new key (its secret is shown this once).";
    steps.push(
        Step::new(text).command(at.user_command("create-access-key", "")).link(at.user_page()),
    );
    let text = "Put it wherever the old one is used, and see the new one in use.";
    let last_used = at.command("get-access-key-last-used --access-key-id NEW_KEY_ID");
    steps.push(Step::new(text).command(last_used));
    at.find_id(steps);
    at.disable("", steps);
    at.delete(&format!("After {HOLD_DAYS} days, if nobody missed it, delete it."), steps);
}

fn review(at: &Place<'_>, steps: &mut Vec<Step>) {
    at.find_id(steps);
    let command = format!("get-access-key-last-used --access-key-id {}", at.id());
    steps.push(Step::new("See whether it is still used.").command(at.command(&command)));
    at.disable("If a younger key took its place: ", steps);
}

/// Where a key is managed.
struct Place<'k> {
    key: &'k Key<'k>,
    profile: Option<&'k str>,
}

impl Place<'_> {
    /// A credential report has no ids: the creation date tells which one it is.
    fn find_id(&self, steps: &mut Vec<Step>) {
        if self.key.id.is_some() {
            return;
        }
        let created = match self.key.created_at {
            Some(created) => format!(": the one created {created}"),
            None => String::new(),
        };
        steps.push(
            Step::new(format!("Find its id{created}."))
                .command(self.user_command("list-access-keys", "")),
        );
    }

    fn disable(&self, before: &str, steps: &mut Vec<Step>) {
        let rest = format!(" --access-key-id {} --status Inactive", self.id());
        steps.push(
            Step::new(format!("{before}Disable it; `--status Active` undoes that."))
                .command(self.user_command("update-access-key", &rest))
                .link(self.user_page()),
        );
    }

    fn delete(&self, text: &str, steps: &mut Vec<Step>) {
        let rest = format!(" --access-key-id {}", self.id());
        steps.push(
            Step::new(text)
                .command(self.user_command("delete-access-key", &rest))
                .link(self.user_page()),
        );
    }

    fn user_command(&self, operation: &str, rest: &str) -> String {
        let user = quoted(self.key.principal.as_deref().unwrap_or_default());
        // A name that begins with a hyphen would be read as an option.
        let sign = if user.trim_start_matches('\'').starts_with('-') { '=' } else { ' ' };
        self.command(&format!("{operation} --user-name{sign}{user}{rest}"))
    }

    fn command(&self, rest: &str) -> String {
        match self.profile {
            Some(profile) => format!("aws --profile {} iam {rest}", quoted(profile)),
            None => format!("aws iam {rest}"),
        }
    }

    fn id(&self) -> String {
        self.key.id.as_deref().map_or_else(|| "KEY_ID".to_owned(), quoted)
    }

    fn user_page(&self) -> String {
        let user = self.key.principal.as_deref().unwrap_or_default();
        format!(
            "https://{}/iam/home#/users/details/{}?section=security_credentials",
            console(self.key),
            utf8_percent_encode(user, URL_SEGMENT)
        )
    }
}

/// The page on which root, once signed in, sees, disables and deletes its own keys.
pub fn root_page(key: &Key<'_>) -> String {
    format!("https://{}/iam/home#/security_credentials", console(key))
}

/// The console of the partition that the principal's ARN names.
fn console(key: &Key<'_>) -> &'static str {
    let arn = key.principal_ref.as_deref().unwrap_or_default();
    match arn.split(':').nth(1) {
        Some("aws-cn") => "console.amazonaws.cn",
        Some("aws-us-gov") => "console.amazonaws-us-gov.com",
        _ => "console.aws.amazon.com",
    }
}

/// One word of a shell's command line.
fn quoted(text: &str) -> String {
    let text = printable(text);
    // Only a NUL cannot be quoted, and `printable` leaves none.
    shlex::try_quote(&text).map_or_else(|_| "''".to_owned(), |quoted| quoted.into_owned())
}
