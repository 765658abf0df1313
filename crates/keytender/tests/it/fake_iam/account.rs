//! What the fake knows: an AWS account with its root user, users, keys, and how it misbehaves.

use std::collections::BTreeSet;

use jiff::Timestamp;

use super::report::Report;
use super::user::{self, Key, Principal, Root, User};

/// The name of the caller that every account knows.
pub(crate) const AUDITOR: &str = "auditor";
/// The access key id of [`AUDITOR`].
pub(crate) const AUDITOR_KEY_ID: &str = "AKIAQAUDITOREXAMPLE2";
/// The secret of [`AUDITOR_KEY_ID`].
pub(crate) const AUDITOR_SECRET: &str = "fake/iam/auditor/secret/key/EXAMPLEKEY00";

/// Reads a time such as `2026-11-24T00:00:00Z`.
pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// The secret that the fake gives for an access key id: always the same for the same id.
pub(crate) fn secret_of(key_id: &str) -> String {
    match key_id {
        AUDITOR_KEY_ID => AUDITOR_SECRET.to_owned(),
        _ => user::secret(key_id),
    }
}

/// An AWS account. Times come from here, the fake reads no clock.
#[derive(Debug, Clone)]
pub(crate) struct Account {
    /// Twelve digits.
    pub(crate) id: String,
    pub(crate) alias: Option<String>,
    /// What its organization calls it.
    pub(crate) name: String,
    /// What its organization says of it: `ACTIVE`, `SUSPENDED`, `PENDING_CLOSURE` …
    pub(crate) state: &'static str,
    /// The role that lets the organization in, and the external id that it asks for.
    pub(crate) role: Option<(String, Option<String>)>,
    /// Whom AWS writes to about its security.
    pub(crate) security_contact: Option<String>,
    /// The accounts of the organization that this one manages; `None` where it is in none.
    pub(crate) members: Option<Vec<Account>>,
    /// `None` leaves the root row out of the report, which AWS never does (moto does).
    pub(crate) root: Option<Root>,
    /// In any order; the fake lists and reports them without regard to case, as AWS does.
    pub(crate) users: Vec<User>,
    /// The names of those users to whom AWS's policy AdministratorAccess is attached.
    pub(crate) administrators: Vec<String>,
    /// Groups to which it is attached, by name, and who is in them.
    pub(crate) groups: Vec<(String, Vec<String>)>,
    /// A caller of the tests, in neither the lists nor the report nor the counts, so that these
    /// hold what the test put there and nothing else.
    pub(crate) auditor: User,
    /// The creation time of keys made through the API.
    pub(crate) now: Timestamp,
    /// `GeneratedTime` of the next report.
    pub(crate) report_generated_at: Timestamp,
    pub(crate) report: Report,
    pub(crate) behaviour: Behaviour,
    keys_made: u32,
}

/// How the service behaves apart from its data.
#[derive(Debug, Clone, Default)]
pub(crate) struct Behaviour {
    /// How often a report answers INPROGRESS between STARTED and COMPLETE.
    pub(crate) report_polls: u32,
    /// Every n-th request with a good credential is answered 400 Throttling.
    pub(crate) throttle_every: Option<u32>,
    /// Actions (`ListUsers`) that are answered 403 AccessDenied.
    pub(crate) deny: BTreeSet<String>,
    /// The most that one page of users, keys or members holds, whatever MaxItems says; `None` is
    /// AWS's own way: MaxItems, or 100.
    pub(crate) page_size: Option<usize>,
    /// Each answer comes so much later; answers wait beside each other.
    pub(crate) latency_ms: u64,
    /// Every request is answered so: HTTP status and error code.
    pub(crate) fail_everything: Option<(u16, String)>,
}

impl Account {
    /// An account with a root user (no keys, MFA on) and no users, seen at `now`.
    pub(crate) fn new(id: &str, now: Timestamp) -> Self {
        let opened = at("2014-03-02T09:11:54Z");
        Self {
            id: id.to_owned(),
            alias: None,
            name: id.to_owned(),
            state: "ACTIVE",
            role: None,
            security_contact: None,
            members: None,
            root: Some(Root::new(opened)),
            users: Vec::new(),
            administrators: Vec::new(),
            groups: Vec::new(),
            auditor: User::new(AUDITOR, opened).key(Key::new(AUDITOR_KEY_ID, opened)),
            now,
            report_generated_at: now,
            report: Report::NeverAsked,
            behaviour: Behaviour::default(),
            keys_made: 0,
        }
    }

    pub(crate) fn root(self, root: Root) -> Self {
        Self { root: Some(root), ..self }
    }

    pub(crate) fn without_root(self) -> Self {
        Self { root: None, ..self }
    }

    pub(crate) fn user(mut self, user: User) -> Self {
        self.users.push(user);
        self
    }

    /// With a user to whom AWS's policy AdministratorAccess is attached.
    pub(crate) fn administrator(mut self, user: &str) -> Self {
        self.administrators.push(user.to_owned());
        self
    }

    /// With a group to which AWS's policy AdministratorAccess is attached.
    pub(crate) fn administrators_group(mut self, name: &str, members: &[&str]) -> Self {
        let members = members.iter().map(|&name| name.to_owned()).collect();
        self.groups.push((name.to_owned(), members));
        self
    }

    pub(crate) fn alias(self, alias: &str) -> Self {
        Self { alias: Some(alias.to_owned()), ..self }
    }

    pub(crate) fn security_contact(self, address: &str) -> Self {
        Self { security_contact: Some(address.to_owned()), ..self }
    }

    /// As a member of an organization, by the name that it has there.
    pub(crate) fn named(self, name: &str) -> Self {
        Self { name: name.to_owned(), ..self }
    }

    /// As its organization says how it stands.
    pub(crate) fn state(self, state: &'static str) -> Self {
        Self { state, ..self }
    }

    /// With a role that trusts the organization.
    pub(crate) fn role(self, name: &str) -> Self {
        Self { role: Some((name.to_owned(), None)), ..self }
    }

    /// As the manager of an organization with this member beside those that it has.
    pub(crate) fn member(mut self, member: Self) -> Self {
        self.members.get_or_insert_default().push(member);
        self
    }

    /// The member of that id, which must be there.
    pub(crate) fn member_mut(&mut self, id: &str) -> &mut Self {
        let found = self.members.iter_mut().flatten().find(|member| member.id == id);
        found.unwrap_or_else(|| panic!("the fake organization has no member {id}"))
    }

    pub(crate) fn report_generated_at(self, generated_at: Timestamp) -> Self {
        Self { report_generated_at: generated_at, ..self }
    }

    /// A report of the account as it now stands is there from the beginning, as when somebody
    /// asked for one within the last four hours.
    pub(crate) fn report_ready(mut self) -> Self {
        self.report = Report::of(&self);
        self
    }

    pub(crate) fn report_polls(mut self, polls: u32) -> Self {
        self.behaviour.report_polls = polls;
        self
    }

    pub(crate) fn throttle_every(mut self, requests: u32) -> Self {
        self.behaviour.throttle_every = Some(requests);
        self
    }

    pub(crate) fn deny(mut self, action: &str) -> Self {
        self.behaviour.deny.insert(action.to_owned());
        self
    }

    pub(crate) fn page_size(mut self, items: usize) -> Self {
        self.behaviour.page_size = Some(items);
        self
    }

    pub(crate) fn latency_ms(mut self, latency_ms: u64) -> Self {
        self.behaviour.latency_ms = latency_ms;
        self
    }

    pub(crate) fn fail_everything(mut self, status: u16, code: &str) -> Self {
        self.behaviour.fail_everything = Some((status, code.to_owned()));
        self
    }

    /// The user of that name, which must be there.
    pub(crate) fn user_mut(&mut self, name: &str) -> &mut User {
        let found = self.everyone_mut().find(|user| user.name == name);
        found.unwrap_or_else(|| panic!("the fake account has no user {name}"))
    }

    /// The key of that id, which must be there.
    pub(crate) fn key_mut(&mut self, id: &str) -> &mut Key {
        let root = self.root.iter_mut().flat_map(|root| &mut root.keys);
        let users =
            self.users.iter_mut().chain([&mut self.auditor]).flat_map(|user| &mut user.keys);
        let found = root.chain(users).find(|key| key.id == id);
        found.unwrap_or_else(|| panic!("the fake account has no key {id}"))
    }

    /// The users without regard to case, as AWS sorts its lists and its report.
    pub(super) fn sorted_users(&self) -> Vec<&User> {
        let mut users: Vec<&User> = self.users.iter().collect();
        users.sort_by_cached_key(|user| user.name.to_lowercase());
        users
    }

    /// The user of that name, the auditor included.
    pub(super) fn find_user(&self, name: &str) -> Option<&User> {
        self.users.iter().chain([&self.auditor]).find(|user| user.name == name)
    }

    fn everyone_mut(&mut self) -> impl Iterator<Item = &mut User> {
        self.users.iter_mut().chain([&mut self.auditor])
    }

    /// Who signs with this key, if it exists and works.
    pub(super) fn caller(&self, key_id: &str) -> Option<Principal> {
        let owner = self.owner(key_id)?;
        self.keys(&owner)?.iter().any(|key| key.id == key_id && key.active).then_some(owner)
    }

    /// Whose key it is.
    pub(super) fn owner(&self, key_id: &str) -> Option<Principal> {
        let holds = |keys: &[Key]| keys.iter().any(|key| key.id == key_id);
        if self.root.as_ref().is_some_and(|root| holds(&root.keys)) {
            return Some(Principal::Root);
        }
        let mut users = self.users.iter().chain([&self.auditor]);
        users.find(|user| holds(&user.keys)).map(|user| Principal::User(user.name.clone()))
    }

    pub(super) fn keys(&self, principal: &Principal) -> Option<&[Key]> {
        match principal {
            Principal::Root => self.root.as_ref().map(|root| root.keys.as_slice()),
            Principal::User(name) => self.find_user(name).map(|user| user.keys.as_slice()),
            Principal::Role(_) => None,
        }
    }

    pub(super) fn keys_mut(&mut self, principal: &Principal) -> Option<&mut Vec<Key>> {
        match principal {
            Principal::Root => self.root.as_mut().map(|root| &mut root.keys),
            Principal::User(name) => {
                self.everyone_mut().find(|user| user.name == *name).map(|user| &mut user.keys)
            }
            Principal::Role(_) => None,
        }
    }

    pub(super) fn arn(&self, principal: &Principal) -> String {
        match principal {
            Principal::Root => format!("arn:aws:iam::{}:root", self.id),
            Principal::User(name) => {
                let path = self.find_user(name).map_or("/", |user| user.path.as_str());
                format!("arn:aws:iam::{}:user{path}{name}", self.id)
            }
            Principal::Role(role) => format!("arn:aws:sts::{}:assumed-role/{role}", self.id),
        }
    }

    /// The id of a key that the fake is about to make.
    pub(super) fn next_key_id(&mut self) -> String {
        self.keys_made += 1;
        user::key_id(&format!("{} {}", self.id, self.keys_made))
    }
}
