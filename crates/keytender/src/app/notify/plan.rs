//! What is to be told now: to whom, by which channel, in which words.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashMap};

use keytender_core::id::{AccountId, ChannelId, KeyId, NoticeId, OwnerId};
use keytender_core::key::State;
use keytender_core::notice::{self, About, Digest, Footer, Item, Next, Series};
use keytender_core::policy::{Action, Assessment, Condition, Finding, Policy, Severity};
use keytender_core::steps::Context;
use keytender_core::time::{Span, Time};
use serde_json::{Value, json};

use super::pages::Pages;
use super::{Hours, Status};
use crate::app::evaluate;
use crate::app::inventory::{Inventory, cannot_read, cannot_write};
use crate::error::Error;
use crate::notify::chat::{self, Chat};
use crate::notify::webhook::EventKind;
use crate::store::accounts::Account;
use crate::store::channels::{Channel, ChannelKind};
use crate::store::keys::{Filter, HeldKey};
use crate::store::notices::{Notice, NoticeItem, NoticeState, ToldItem};
use crate::store::owners::Owner;
use crate::store::{self};

/// How far ahead the end of a key's allowed age is told.
const AHEAD: Span = Span::days(30);
/// At most one digest a person and channel within this time: a working day apart.
const APART: &str = "16h";
/// The name of the problem that a key ends, before and after it did.
const EXPIRY: &str = "expiry";
/// What this installation is called in notices: without a server it has no name.
const INSTALLATION: &str = "";

/// A notice that is ready for the outbox.
pub struct Letter {
    /// By which channel.
    pub channel: Channel,
    /// To whom, for people: an owner's name or the channel's.
    pub who: String,
    /// The digest, for a preview.
    pub digest: Digest,
    /// What goes into the outbox.
    pub notice: Notice,
    /// What it tells.
    pub items: Vec<NoticeItem>,
}

/// What is to be told now.
#[derive(Default)]
pub struct Plan {
    /// What every channel is to deliver.
    pub letters: Vec<Letter>,
    /// How many keys have something wrong and nobody who would get a mail about it.
    pub unheard: u64,
}

/// Somebody who is told.
struct Recipient {
    name: String,
    address: String,
    time_zone: String,
}

/// One problem of a key that is to be told to somebody.
struct Problem {
    item: NoticeItem,
    series: Series,
    rules: Vec<usize>,
}

/// A key in a letter, and what of it is told now.
struct Part {
    problems: Vec<Problem>,
    item: Item,
}

/// What is to be told now by every channel. Nothing is written.
///
/// # Errors
/// When the database does not answer.
pub(super) async fn plan(
    inventory: &Inventory,
    status: &Status,
    hours: Hours,
) -> Result<Plan, Error> {
    let store = &inventory.store;
    let (_, policy) = evaluate::policy(store).await?;
    let owners = store.list_owners().await.map_err(cannot_read)?;
    let accounts = store.list_accounts().await.map_err(cannot_read)?;
    let observed = store.last_sightings().await.map_err(cannot_read)?;
    let pages = Pages::find(inventory).await?;
    let planner = Planner {
        now: inventory.now,
        hours,
        policy: &policy,
        owners: owners.iter().map(|owner| (owner.id, owner)).collect(),
        accounts: accounts.iter().map(|account| (account.id, account)).collect(),
        observed,
        contact: status.contact.as_deref(),
        pages: &pages,
        told: Told::of(store.told_items().await.map_err(cannot_read)?),
    };
    let keys = keys(inventory).await?;
    let mut plan = Plan::default();
    for channel in store.list_channels().await.map_err(cannot_read)? {
        planner.letters(&channel, &keys, &mut plan)?;
    }
    Ok(plan)
}

/// The keys of which something may be to be told: they break a rule, or may soon.
async fn keys(inventory: &Inventory) -> Result<Vec<HeldKey>, Error> {
    let filter = Filter { finding_by: Some(inventory.now.plus(AHEAD)), ..Filter::default() };
    let filter = inventory.sight.narrow(filter);
    inventory.store.every_key(&filter).await.map_err(cannot_read)
}

/// What was told before.
struct Told {
    first: HashMap<(ChannelId, String, KeyId, String, i64), Time>,
    stages: std::collections::HashSet<(ChannelId, String, KeyId, String, i64, String)>,
    last: HashMap<(ChannelId, String), Time>,
}

impl Told {
    fn of(items: Vec<ToldItem>) -> Self {
        let mut told = Self {
            first: HashMap::new(),
            stages: std::collections::HashSet::new(),
            last: HashMap::new(),
        };
        for one in items {
            let NoticeItem { key_id, problem, problem_at, stage } = one.item;
            let at = problem_at.as_micros();
            let (channel, who) = (one.channel_id, one.recipient);
            told.last.insert((channel, who.clone()), one.at);
            told.first.entry((channel, who.clone(), key_id, problem.clone(), at)).or_insert(one.at);
            told.stages.insert((channel, who, key_id, problem, at, stage));
        }
        told
    }
}

struct Planner<'p> {
    now: Time,
    hours: Hours,
    policy: &'p Policy,
    owners: HashMap<OwnerId, &'p Owner>,
    accounts: HashMap<AccountId, &'p Account>,
    observed: HashMap<AccountId, Time>,
    contact: Option<&'p str>,
    pages: &'p Pages,
    told: Told,
}

impl Planner<'_> {
    /// What one channel is to deliver.
    fn letters(&self, channel: &Channel, keys: &[HeldKey], plan: &mut Plan) -> Result<(), Error> {
        let mut found: BTreeMap<String, (Recipient, Vec<Part>)> = BTreeMap::new();
        for held in keys.iter().filter(|held| held.record.key.state != State::Destroyed) {
            if held.is_kept(self.now) {
                continue;
            }
            let Some(recipient) = self.recipient(channel, held) else {
                plan.unheard += u64::from(held.standing.is_due);
                continue;
            };
            let problems = self.problems(channel, &recipient.address, held);
            if problems.is_empty() {
                continue;
            }
            let address = recipient.address.clone();
            let entry = found.entry(address).or_insert_with(|| (recipient, Vec::new()));
            let page = self.pages.page(channel.kind, &entry.0.address, held.record.id);
            entry.1.extend(self.parts(channel, held, problems, page.as_deref()));
        }
        for (recipient, mut parts) in found.into_values() {
            parts.sort_by_key(|part| Reverse(part.item.severity()));
            if !self.may_be_told(channel, &recipient, &parts)? {
                continue;
            }
            match channel.kind {
                ChannelKind::Webhook => {
                    for part in parts {
                        plan.letters.push(self.letter(channel, &recipient, vec![part])?);
                    }
                }
                _ => plan.letters.push(self.letter(channel, &recipient, parts)?),
            }
        }
        Ok(())
    }

    /// A key in a digest is told of once, with all that is wrong with it; a webhook is told of each
    /// problem apart.
    fn parts(
        &self,
        channel: &Channel,
        held: &HeldKey,
        problems: Vec<Problem>,
        page: Option<&str>,
    ) -> Vec<Part> {
        if channel.kind == ChannelKind::Webhook {
            let part = |problem: Problem| {
                let item = self.item(held, std::slice::from_ref(&problem), false, page);
                Part { problems: vec![problem], item }
            };
            return problems.into_iter().map(part).collect();
        }
        let item = self.item(held, &problems, true, page);
        vec![Part { problems, item }]
    }

    /// Who is told of a key: by mail its owner, else the account's contact, else the
    /// installation's; by other channels whoever reads them.
    fn recipient(&self, channel: &Channel, held: &HeldKey) -> Option<Recipient> {
        let owner = held.owner_id.and_then(|id| self.owners.get(&id));
        if channel.kind != ChannelKind::Mail {
            return Some(Recipient {
                name: channel.name.clone(),
                address: channel.name.clone(),
                time_zone: "UTC".to_owned(),
            });
        }
        if let Some(owner) = owner {
            return Some(Recipient {
                name: owner.name.clone(),
                address: owner.address.clone(),
                time_zone: owner.time_zone.clone(),
            });
        }
        let contact = self.accounts.get(&held.account_id).and_then(|one| one.hears());
        contact.or(self.contact).map(|address| Recipient {
            name: address.to_owned(),
            address: address.to_owned(),
            time_zone: "UTC".to_owned(),
        })
    }

    /// The problems of a key whose present stage was not told yet.
    fn problems(&self, channel: &Channel, who: &str, held: &HeldKey) -> Vec<Problem> {
        let key = &held.record.key;
        let mut assessment = Assessment::default();
        self.policy.assess(key, self.now, &mut assessment);
        let now: Vec<Finding<'_>> = self.policy.findings(&assessment).collect();
        let mut later = Assessment::default();
        self.policy.assess(key, self.now.plus(AHEAD), &mut later);
        let ahead = self.policy.findings(&later).filter(|finding| {
            let is_new = !now.iter().any(|known| known.index == finding.index);
            is_new && has_age(finding) && finding.rule.action != Action::Review
        });
        let mut problems: Vec<Problem> = Vec::new();
        for finding in now.iter().copied().chain(ahead) {
            let (problem, at) = identity(&finding, held);
            match problems.iter_mut().find(|known| known.item.problem == problem) {
                Some(known) => known.rules.push(finding.index),
                None => {
                    let id = held.record.id;
                    let told = (channel.id, who.to_owned(), id, problem.clone(), at.as_micros());
                    let first = self.told.first.get(&told).copied();
                    let series = series(&finding, held, at, first);
                    let Some(stage) = notice::stage(series, self.now) else { continue };
                    let stage = stage.as_key();
                    let (channel_id, who, key_id, problem, micros) = told;
                    let whole = (channel_id, who, key_id, problem.clone(), micros, stage.clone());
                    if self.told.stages.contains(&whole) {
                        continue;
                    }
                    let item = NoticeItem { key_id: id, problem, problem_at: at, stage };
                    problems.push(Problem { item, series, rules: vec![finding.index] });
                }
            }
        }
        problems
    }

    /// Whether the recipient hears of this now: at once, or in working hours and once a day.
    fn may_be_told(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        parts: &[Part],
    ) -> Result<bool, Error> {
        let mut problems = parts.iter().flat_map(|part| &part.problems);
        if problems.any(|problem| problem.series == Series::AtOnce) {
            return Ok(true);
        }
        let slot = notice::send_at(self.now, &recipient.time_zone).map_err(|error| {
            Error::new(format!("`{}` has no known time zone", recipient.name))
                .source(error)
                .hint(format!("keytender owners set {} --time-zone Europe/Berlin", recipient.name))
        })?;
        if self.hours == Hours::Working && channel.kind == ChannelKind::Mail && slot > self.now {
            return Ok(false);
        }
        let apart = Span::parse(APART).unwrap_or_default();
        let last = self.told.last.get(&(channel.id, recipient.address.clone()));
        let is_free = last.is_none_or(|last| self.now.since(*last) >= apart);
        Ok(is_free || self.hours == Hours::Any || channel.kind == ChannelKind::Webhook)
    }

    /// What is told of a key: the rules of `problems`, or all that it breaks.
    fn item(
        &self,
        held: &HeldKey,
        problems: &[Problem],
        is_whole: bool,
        page: Option<&str>,
    ) -> Item {
        let key = &held.record.key;
        let mut now = Assessment::default();
        self.policy.assess(key, self.now, &mut now);
        let mut later = Assessment::default();
        self.policy.assess(key, self.now.plus(AHEAD), &mut later);
        let is_told = |index: usize| problems.iter().any(|one| one.rules.contains(&index));
        let mut findings: Vec<Finding<'_>> = Vec::new();
        for (assessment, is_present) in [(&now, true), (&later, false)] {
            for finding in self.policy.findings(assessment) {
                let is_new = !findings.iter().any(|known| known.index == finding.index);
                if is_new && (is_told(finding.index) || is_whole && is_present) {
                    findings.push(finding);
                }
            }
        }
        let act_by = problems.iter().filter_map(|one| notice::act_by(one.series, self.now)).min();
        let account = self.accounts.get(&held.account_id);
        let owner = held.owner_id.and_then(|id| self.owners.get(&id));
        let destinations: Vec<String> = held.where_used.iter().cloned().collect();
        let about = About {
            own_id: Some(held.record.id),
            // People may have told a secret as the id of a key of an unknown provider.
            id_is_secret: key.provider != "aws",
            account_alias: account
                .and_then(|one| one.alias.as_deref())
                .or(Some(&held.account_name)),
            is_admin: false,
            owner: owner.map(|owner| owner.name.as_str()),
            observed_at: self.observed.get(&held.account_id).copied(),
            destinations: &destinations,
            act_by,
            next: match key.expires_at {
                Some(at) if at > self.now => Next::Expires { at },
                _ => Next::Nothing,
            },
            in_a_line: problems.iter().all(|one| one.series == Series::Monthly),
            page,
            steps: Context {
                profile: account.and_then(|one| one.access.profile.as_deref()),
                other: None,
            },
        };
        Item::new(key, &findings, &about, self.now)
    }

    fn letter(
        &self,
        channel: &Channel,
        recipient: &Recipient,
        parts: Vec<Part>,
    ) -> Result<Letter, Error> {
        let event = parts.first().and_then(|part| self.event(part));
        let (mut items, mut shown) = (Vec::new(), Vec::new());
        for part in parts {
            items.extend(part.problems.into_iter().map(|problem| problem.item));
            shown.push(part.item);
        }
        let footer = Footer {
            report: Some("keytender report".to_owned()),
            thresholds: Some("keytender policy show".to_owned()),
        };
        let digest = Digest::new(&recipient.name, INSTALLATION, shown, footer);
        let content = match channel.kind {
            ChannelKind::Mail => mail(&digest, recipient, &items, self.now),
            ChannelKind::Webhook => event.unwrap_or_default(),
            ChannelKind::Slack => chat::message(Chat::Slack, &digest, self.now),
            ChannelKind::Teams => chat::message(Chat::Teams, &digest, self.now),
        };
        let notice = Notice {
            id: NoticeId::from_random(store::random().map_err(cannot_write)?),
            channel_id: channel.id,
            recipient: recipient.address.clone(),
            subject: notice::subject(&digest, self.now),
            content: content.to_string(),
            state: NoticeState::Waiting,
            created_at: self.now,
            send_at: self.now,
            attempts: 0,
            sent_at: None,
            error: None,
        };
        Ok(Letter { channel: channel.clone(), who: recipient.name.clone(), digest, notice, items })
    }

    /// What a webhook is told of one problem.
    fn event(&self, part: &Part) -> Option<Value> {
        let (problem, item) = (part.problems.first()?, &part.item);
        let rules: Vec<_> =
            problem.rules.iter().filter_map(|index| self.policy.rules().get(*index)).collect();
        let kind = match problem.item.problem.as_str() {
            EXPIRY if problem.item.problem_at <= self.now => EventKind::Expired,
            EXPIRY => EventKind::Expiring,
            _ if rules.iter().any(|rule| rule.when.iter().any(is_exposed)) => EventKind::Exposed,
            _ if rules.iter().any(|rule| rule.when.iter().any(is_idle)) => EventKind::Unused,
            _ => EventKind::Aged,
        };
        let facts: serde_json::Map<String, Value> = item
            .facts(self.now)
            .into_iter()
            .map(|(name, value)| (name.to_lowercase().replace(' ', "_"), Value::String(value)))
            .collect();
        Some(json!({
            "type": kind.as_str(),
            "data": {
                "key": problem.item.key_id.to_string(),
                "rules": rules.iter().map(|rule| rule.id.as_str()).collect::<Vec<_>>(),
                "action": item.action().as_str(),
                "severity": item.severity().as_str(),
                "stage": problem.item.stage,
                "act_by": item.act_by(),
                "reasons": item.reasons(),
                "facts": facts,
            },
        }))
    }
}

fn mail(digest: &Digest, recipient: &Recipient, items: &[NoticeItem], now: Time) -> Value {
    let keys: Vec<String> = items.iter().map(|item| item.key_id.to_string()).collect();
    json!({
        "to_name": recipient.name,
        "text": notice::text(digest, now),
        "html": crate::notify::html(digest, now),
        "keys": keys,
    })
}

fn has_age(finding: &Finding<'_>) -> bool {
    finding.rule.when.iter().any(|one| matches!(one, Condition::AgeOver(_)))
}

const fn is_exposed(condition: &Condition) -> bool {
    matches!(condition, Condition::Exposed(true))
}

const fn is_idle(condition: &Condition) -> bool {
    matches!(condition, Condition::IdleOver(_) | Condition::SuspendedFor(_))
}

const fn is_end(condition: &Condition) -> bool {
    matches!(condition, Condition::ExpiresWithin(_) | Condition::Expired(true))
}

/// Which problem a finding is, and its moment. That a key ends is one problem before and after.
fn identity(finding: &Finding<'_>, held: &HeldKey) -> (String, Time) {
    let end = held.record.key.expires_at.filter(|_| finding.rule.when.iter().any(is_end));
    match end {
        Some(end) => (EXPIRY.to_owned(), end),
        None => {
            let at = finding.since.unwrap_or(held.record.first_seen_at);
            (finding.rule.id.clone(), at)
        }
    }
}

/// How often somebody hears of a problem.
fn series(finding: &Finding<'_>, held: &HeldKey, at: Time, first: Option<Time>) -> Series {
    let rule = finding.rule;
    if rule.when.iter().any(is_exposed) {
        return match first {
            None => Series::AtOnce,
            Some(first) => Series::Discovery { first_notice_at: Some(first) },
        };
    }
    if rule.action == Action::Review || rule.severity == Severity::Low {
        return Series::Monthly;
    }
    let was_seen_coming = has_age(finding) && held.record.first_seen_at < at;
    if was_seen_coming || rule.when.iter().any(is_end) {
        return Series::Deadline { at };
    }
    Series::Discovery { first_notice_at: first }
}
