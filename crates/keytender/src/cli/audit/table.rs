//! The table of an audit: due keys, most serious first, for people at a terminal.

use std::cmp::Reverse;
use std::io::{self, Write};

use keytender_core::key::{Key, LastUse, Principal};
use keytender_core::policy::{Action, Assessment, Policy, Severity};
use keytender_core::steps::{ago, last_used, last_used_where, name};
use keytender_core::text::printable;
use keytender_core::time::Time;

use super::explain::Explanation;
use super::{Args, shell_word};
use crate::app::audit::{Observation, Outcome, Sink, Source, Summary};
use crate::cli::grid::{Cell, Grid};
use crate::cli::style;
use crate::cli::words::{count, terminal_width, thousands};

/// Keeps what it prints, and prints it at the end.
pub(in crate::cli) struct Table<'p, W: Write> {
    out: W,
    policy: &'p Policy,
    as_of: Time,
    width: Option<usize>,
    shows_all: bool,
    explains: bool,
    shows_principals: bool,
    /// Of more keys than this only the number is printed.
    most: usize,
    keys: Vec<Line>,
    principals: Vec<[Cell; 6]>,
    explanations: Vec<Explanation>,
    /// The accounts that were seen; two of them are enough to know that they must be named.
    accounts: Vec<String>,
    /// How the next command names what was audited; `None` where it cannot be read again.
    sources: Option<String>,
}

/// A key, ready to be printed.
struct Line {
    rank: (Option<Severity>, Option<Action>, i64),
    account: String,
    key: String,
    id: Option<String>,
    age: String,
    last_used: [String; 2],
    why: Vec<String>,
    action: &'static str,
    explanation: Option<Explanation>,
}

impl<'p, W: Write> Table<'p, W> {
    pub(super) fn new(out: W, args: &Args, policy: &'p Policy, as_of: Time) -> Self {
        let words: Vec<String> =
            args.sources.iter().map(|source| shell_word(&source.display().to_string())).collect();
        let can_repeat = !args.sources.iter().any(|source| source == "-");
        Self {
            shows_all: args.all,
            explains: args.explain,
            shows_principals: args.principals,
            sources: can_repeat.then(|| words.join(" ")),
            ..Self::of_most(out, policy, as_of, usize::MAX)
        }
    }

    /// A table of the keys that are due and matter most, so many of them.
    pub(in crate::cli) fn of_most(out: W, policy: &'p Policy, as_of: Time, most: usize) -> Self {
        Self {
            out,
            policy,
            as_of,
            width: terminal_width(),
            shows_all: false,
            explains: false,
            shows_principals: false,
            most,
            keys: Vec::new(),
            principals: Vec::new(),
            explanations: Vec::new(),
            accounts: Vec::new(),
            sources: None,
        }
    }

    /// Takes a key of an account, if it is to be shown.
    pub(in crate::cli) fn key(&mut self, key: &Key<'_>, account: &str, assessment: &Assessment) {
        self.push(key, Some(account), assessment, None);
    }

    fn push(
        &mut self,
        key: &Key<'_>,
        account: Option<&str>,
        assessment: &Assessment,
        explanation: Option<Explanation>,
    ) {
        if !self.shows_all && !assessment.is_due() {
            return;
        }
        let account = self.note_account(&key.provider, account);
        let mut why: Vec<String> = self
            .policy
            .findings(assessment)
            .map(|finding| printable(&finding.rule.title).into_owned())
            .collect();
        why.extend(self.policy.excepted(assessment).map(|(rule, exception)| {
            format!("excepted until {}: {}", exception.until.date(), printable(&rule.title))
        }));
        let age = key.age(self.as_of);
        self.keys.push(Line {
            rank: (
                assessment.severity(),
                assessment.action(),
                age.map_or(-1, |age| age.whole_days()),
            ),
            account,
            key: name(key),
            id: key.id.as_deref().map(|id| printable(id).into_owned()),
            age: age.map_or_else(|| "unknown".to_owned(), |age| age.in_words()),
            last_used: [last_used(key, self.as_of), last_used_where(key).unwrap_or_default()],
            why,
            action: assessment.action().map_or("–", Action::as_str),
            explanation,
        });
    }

    /// Prints the keys and what they come to.
    ///
    /// # Errors
    /// When it cannot be written.
    pub(in crate::cli) fn end(mut self, summary: &Summary) -> io::Result<()> {
        self.write_keys()?;
        writeln!(self.out, "{}", sentence(summary))?;
        self.out.flush()
    }

    fn write_keys(&mut self) -> io::Result<()> {
        // The most serious first; of equal ones the stronger action, then the older key.
        self.keys.sort_by_key(|line| Reverse(line.rank));
        let names_accounts = self.accounts.len() > 1;
        let others = self.keys.len().saturating_sub(self.most);
        let mut grid = Grid::new(["SEVERITY", "KEY", "AGE", "LAST USED", "WHY", "DO"]);
        for line in self.keys.drain(..).take(self.most) {
            let severity = line.rank.0;
            let look = severity.map(style::severity).unwrap_or_default();
            let account = if names_accounts { line.account } else { String::new() };
            grid.push([
                Cell::new([severity.map_or("–", Severity::as_str).to_owned()]).styled(look),
                Cell::new([line.key, line.id.unwrap_or_default(), account]),
                Cell::new([line.age]),
                Cell::new(line.last_used),
                Cell::new(line.why),
                Cell::new([line.action.to_owned()]).styled(look),
            ]);
            self.explanations.extend(line.explanation);
        }
        if grid.is_empty() {
            return Ok(());
        }
        grid.write(&mut self.out, self.width)?;
        if others > 0 {
            let others = count(others, "other key");
            let dim = style::DIM;
            writeln!(self.out, "{dim}… and {others} that matter less{dim:#}")?;
        }
        writeln!(self.out)
    }

    fn write_principals(&mut self) -> io::Result<()> {
        let head = ["PRINCIPAL", "ACCOUNT", "PASSWORD USED", "MFA", "KEYS", "LAST ACTIVE"];
        let mut grid = Grid::new(head);
        self.principals.drain(..).for_each(|row| grid.push(row));
        grid.write(&mut self.out, self.width)?;
        writeln!(self.out)
    }

    fn write_explanations(&mut self) -> io::Result<()> {
        for (place, explanation) in self.explanations.iter().enumerate() {
            explanation.write(&mut self.out, place + 1, self.width)?;
        }
        Ok(())
    }

    fn write_next(&mut self, summary: &Summary) -> io::Result<()> {
        let Some(sources) = &self.sources else { return Ok(()) };
        let explain = format!("keytender audit {sources} --explain");
        let page = format!("keytender audit {sources} --format html > audit.html");
        let mut commands = Vec::new();
        if summary.due > 0 && !self.explains {
            commands.push((explain, "what to do, step by step"));
        }
        if summary.to_review > 0 && !self.shows_all {
            commands.push((format!("keytender audit {sources} --all"), "the others too"));
        }
        if summary.due > 0 {
            commands.push((page, "as a page, for others"));
        }
        let width = commands.iter().map(|(command, _)| command.len()).max().unwrap_or(0);
        let (look, dim) = (style::COMMAND, style::DIM);
        for (command, what) in commands {
            writeln!(self.out, "  {look}{command:width$}{look:#}  {dim}{what}{dim:#}")?;
        }
        Ok(())
    }

    /// How old what is said of a live account is.
    fn write_observed(&mut self, outcome: &Outcome) -> io::Result<()> {
        for source in &outcome.sources {
            // Others show their keys as they are at the moment of the audit.
            let is_cached = source.kind == "aws-account";
            if let Some(observed_at) = source.observed_at.filter(|_| is_cached) {
                let age = self.as_of.since(observed_at);
                let name = printable(&source.name);
                let hint = if age.whole_days() == 0 && age.in_words() == "moments" {
                    String::new()
                } else {
                    format!(", {} ago: --fresh lists every user's keys now", age.in_words())
                };
                writeln!(self.out, "{name}: as AWS saw it at {observed_at}{hint}")?;
            }
        }
        Ok(())
    }

    fn note_account(&mut self, provider: &str, account: Option<&str>) -> String {
        let account = match account {
            Some(account) => printable(account).into_owned(),
            None => printable(provider).into_owned(),
        };
        if self.accounts.len() < 2 && !self.accounts.contains(&account) {
            self.accounts.push(account.clone());
        }
        account
    }

    fn principal(&self, principal: &Principal<'_>, observation: &Observation<'_>) -> [Cell; 6] {
        let cell = |text: String| Cell::new([text]);
        let ago = |at: Time| ago(at, self.as_of);
        let password = match &principal.password_last_used {
            None => "no password".to_owned(),
            Some(LastUse::Used(used)) => ago(used.at),
            Some(LastUse::Never { since }) => format!("never since {}", since.date()),
            Some(LastUse::Unknown { .. }) => "unknown".to_owned(),
        };
        let mfa = principal.mfa.map_or("unknown", |mfa| if mfa { "yes" } else { "no" });
        let last_active = principal.last_active(observation.row.keys());
        [
            cell(printable(&principal.name).into_owned()),
            cell(printable(&principal.account).into_owned()),
            cell(password),
            cell(mfa.to_owned()),
            cell(observation.keys().count().to_string()),
            cell(last_active.map_or_else(|| "not known".to_owned(), ago)),
        ]
    }
}

impl<W: Write> Sink for Table<'_, W> {
    fn row(&mut self, observation: &Observation<'_>) -> io::Result<()> {
        if let (true, Some(principal)) = (self.shows_principals, &observation.row.principal) {
            let row = self.principal(principal, observation);
            self.principals.push(row);
        }
        let profile = match observation.source {
            Source::Aws { profile } => profile.as_deref(),
            _ => None,
        };
        for (key, assessment) in observation.keys() {
            let explains = self.explains && assessment.is_due();
            let explanation = explains.then(|| {
                let other = observation.other(key);
                Explanation::of(key, other, profile, assessment, self.policy, self.as_of)
            });
            self.push(key, key.account.as_deref(), assessment, explanation);
        }
        Ok(())
    }

    fn finish(&mut self, outcome: &Outcome) -> io::Result<()> {
        if outcome.sources.is_empty() {
            return self.out.flush();
        }
        self.write_keys()?;
        if self.shows_principals {
            self.write_principals()?;
        }
        self.write_explanations()?;
        writeln!(self.out, "{}", sentence(&outcome.summary))?;
        self.write_observed(outcome)?;
        self.write_next(&outcome.summary)?;
        self.out.flush()
    }
}

/// What the audit came to, in one line.
pub(super) fn sentence(summary: &Summary) -> String {
    let keys = count(summary.keys, "key");
    let [review, rotate, remove] = summary.by_action;
    let mut sentence = match summary.due {
        0 => format!("Nothing is due: {keys}"),
        due => {
            let verb = if due == 1 { "is" } else { "are" };
            let parts = [(remove, "to remove"), (rotate, "to rotate")];
            let parts: Vec<String> = parts
                .iter()
                .filter(|(count, _)| *count > 0)
                .map(|(count, what)| format!("{} {what}", thousands(*count)))
                .collect();
            format!("{} of {keys} {verb} due: {}", thousands(due), parts.join(", "))
        }
    };
    if review > 0 {
        sentence.push_str(&format!("; {} to review", thousands(review)));
    }
    if summary.excepted > 0 {
        sentence.push_str(&format!("; {} excepted", thousands(summary.excepted)));
    }
    sentence.push('.');
    sentence
}
