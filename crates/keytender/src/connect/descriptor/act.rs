//! One key: found, and changed. What changes something is done once, and where nobody knows whether it
//! was done, the failure says so.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use keytender_core::akm::{
    Arg, Call, Field, FieldName, Given, KeyType, ListedKey, Name, OperationName, Values,
    fingerprint, text,
};
use keytender_core::secret::Secret;
use keytender_core::time::Time;
use serde_json::Value;

use super::credential::whole_text;
use super::exchange::Job;
use super::failure::{Failure, Reason};
use super::list::{Complete, Found, Listing, about, noun, read};
use super::{Placement, Session};
use crate::clock;

/// How many random bytes tell one request from all others.
const REQUEST_ID_BYTES: usize = 18;

/// The key that something is done to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Target {
    /// Its id as listed: the fingerprint, where the id is the secret. For a new key it is that of
    /// the key that it follows, or empty.
    pub id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Who it acts for, if that is told.
    pub owner: Option<String>,
    /// What it stands in, the outermost first.
    pub within: Vec<Placement>,
}

impl From<&Found> for Target {
    fn from(found: &Found) -> Self {
        Self {
            id: found.key.id.clone(),
            name: found.key.name.clone(),
            owner: found.key.owner.clone(),
            within: found.within.clone(),
        }
    }
}

/// How a request is sent.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sending<'a> {
    /// Again, where the descriptor allows it.
    Again,
    /// Once.
    Once,
    /// Once, with this id of the request.
    Known(&'a str),
}

/// What came of an act.
#[derive(Clone, Debug, Default)]
pub struct Acted {
    /// The id of the new key, or of the one that was changed, if the answer tells.
    pub id: Option<String>,
    /// The secret of the new key.
    pub secret: Option<Secret>,
    /// When it stops by itself, if the answer tells.
    pub expires_at: Option<Time>,
    /// Whether the key was not there any more.
    pub was_gone: bool,
}

/// Who a credential is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Who {
    /// The kind of key whose `whoami` answered.
    pub key_type: String,
    /// The account at the provider.
    pub account: Option<String>,
    /// Its name, or that of who it acts for.
    pub name: Option<String>,
    /// The credential itself as a key, where the provider shows it so.
    pub key: Option<ListedKey>,
}

impl Session {
    /// A key as it is now; `None` if there is none.
    ///
    /// # Errors
    /// When the provider does not tell: an answer that there is no such thing counts where the
    /// descriptor says what it means, or the list does not show the key either.
    pub async fn find(&self, kind: &KeyType, target: &Target) -> Result<Option<Found>, Failure> {
        let Some((item, told)) = self.look(kind, target).await? else { return Ok(None) };
        let asked = told.as_ref().map_or(&[][..], |_| &[OperationName::Get]);
        let mut complete = self.complete(kind, &target.within, item, asked).await;
        if let (Some(told), Some(get)) = (told, kind.operations.get(&OperationName::Get)) {
            complete.entry.tell(&get.outputs, &told);
        }
        let mut odd = Listing::default();
        let key = read(kind, &complete, &mut odd);
        let key = key.ok_or_else(|| self.unread(kind, "the key has no id"))?;
        let key_type = kind.id.value.clone();
        Ok(Some(Found { key, within: target.within.clone(), key_type }))
    }

    /// The entry of a key, and the answer to `get` that it is from; `None` if there is none.
    pub(super) async fn look(
        &self,
        kind: &KeyType,
        target: &Target,
    ) -> Result<Option<(Value, Option<Value>)>, Failure> {
        let get = kind.operations.get(&OperationName::Get);
        let get = get.filter(|get| get.request.is_some() && !is_secret(kind));
        if let Some(get) = get {
            let about = one(kind, target);
            let values = self.values_for(target);
            match self.told(kind, OperationName::Get, &values, about).await {
                Ok(told) => {
                    let item = get.item.find(&told).cloned().unwrap_or_default();
                    match id_of(kind, &item) {
                        Some(id) if id == target.id => return Ok(Some((item, Some(told)))),
                        Some(_) => return Err(self.unread(kind, "it shows another key")),
                        // Some show by `get` only what the list does not.
                        None => {}
                    }
                }
                Err(failure) if failure.is_surely_gone() => return Ok(None),
                // The list says whether it is gone, or only hidden.
                Err(failure) if failure.is_gone() && self.can_list(kind) => {}
                Err(failure) => return Err(failure),
            }
        }
        Ok(self.listed(kind, target).await?.map(|item| (item, None)))
    }

    fn unread(&self, kind: &KeyType, why: &str) -> Failure {
        self.doing(OperationName::Get, kind).failed(Reason::Unread(why.to_owned()))
    }

    fn can_list(&self, kind: &KeyType) -> bool {
        let list = kind.operations.get(&OperationName::List);
        list.is_some_and(|list| list.request.is_some())
    }

    /// The entry of a key in the list of what it stands in.
    async fn listed(&self, kind: &KeyType, target: &Target) -> Result<Option<Value>, Failure> {
        let mut pages = self.key_pages(kind, &target.within)?;
        while let Some(items) = pages.next().await? {
            for item in items {
                if id_of(kind, &item).is_some_and(|id| id == target.id) {
                    return Ok(Some(item));
                }
            }
        }
        Ok(None)
    }

    /// Does something to a key, or makes a new one.
    ///
    /// # Errors
    /// When it was not done; [`Failure::is_undecided`] says whether it may have been done.
    pub async fn act(
        &self,
        kind: &KeyType,
        name: OperationName,
        target: &Target,
        args: BTreeMap<String, Given>,
    ) -> Result<Acted, Failure> {
        self.done(kind, name, target, args, Sending::Again).await
    }

    /// The same for a key that is made, or whose secret is changed: the request is sent once, whatever the
    /// descriptor says of repeating it.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub async fn act_once(
        &self,
        kind: &KeyType,
        name: OperationName,
        target: &Target,
        args: BTreeMap<String, Given>,
    ) -> Result<Acted, Failure> {
        self.done(kind, name, target, args, Sending::Once).await
    }

    /// The same, by an id of the request of one's own: a provider that knows requests again does it once,
    /// however often it is asked.
    ///
    /// # Errors
    /// As [`Self::act`].
    pub async fn act_known(
        &self,
        kind: &KeyType,
        name: OperationName,
        target: &Target,
        args: BTreeMap<String, Given>,
        request: &str,
    ) -> Result<Acted, Failure> {
        self.done(kind, name, target, args, Sending::Known(request)).await
    }

    async fn done(
        &self,
        kind: &KeyType,
        name: OperationName,
        target: &Target,
        args: BTreeMap<String, Given>,
        sending: Sending<'_>,
    ) -> Result<Acted, Failure> {
        let operation = kind.operations.get(&name);
        let mut job = self.job(name, operation, kind.auth.as_ref(), one(kind, target))?;
        job.is_once = sending != Sending::Again;
        let can_copy = !target.id.is_empty();
        given(&job.operation.args, &args, can_copy)
            .map_err(|why| job.doing.failed(Reason::Argument(why)))?;
        let mut call = match self.act_call(kind, &job, target, &args).await? {
            Some(call) => call,
            None if name == OperationName::Delete => return Ok(gone(target)),
            None => return Err(job.doing.failed(Reason::Absent)),
        };
        if let Some(header) = &job.operation.idempotency_header {
            let known = match sending {
                Sending::Known(id) => Some(id.to_owned()),
                Sending::Again | Sending::Once => request_id(),
            };
            let id = known.ok_or_else(|| {
                job.doing.failed(Reason::Argument("the system gives no random bytes".to_owned()))
            })?;
            call.headers.retain(|(known, _)| !known.eq_ignore_ascii_case(header));
            call.headers.push((header.clone(), id));
        }
        let (outgoing, _) = self.outgoing(&job, call)?;
        let makes = matches!(name, OperationName::Create | OperationName::Rotate);
        match self.exchange(&job, &outgoing, makes).await {
            Ok(told) => made(kind, &job, makes, target, &told.body),
            Err(failure) if name == OperationName::Delete && failure.is_surely_gone() => {
                Ok(gone(target))
            }
            Err(failure) => Err(failure),
        }
    }

    /// The call of an act; `None` if it needs what the key shows, and there is no such key.
    async fn act_call(
        &self,
        kind: &KeyType,
        job: &Job<'_>,
        target: &Target,
        args: &BTreeMap<String, Given>,
    ) -> Result<Option<Call>, Failure> {
        let mut values = self.values_for(target);
        let copies = |(name, arg): (&String, &Arg)| arg.copy.is_some() && !args.contains_key(name);
        let copies = job.operation.args.iter().any(copies) && !target.id.is_empty();
        let over = job.request.over.is_some();
        let mut shown = None;
        if copies || over || (is_secret(kind) && !target.id.is_empty()) {
            let Some((item, _)) = self.look(kind, target).await? else { return Ok(None) };
            if is_secret(kind)
                && let Some(id) = raw_id(kind, &item)
            {
                values.set("key", "id", id);
            }
            shown = Some(item);
        }
        values.set_args(&job.operation.args, args, shown.as_ref(), clock::now());
        // What was to be copied may not be there.
        let is_set = |name: &str| values.get(&Name::new("arg", name)).is_some();
        required(&job.operation.args, is_set)
            .map_err(|why| job.doing.failed(Reason::Argument(why)))?;
        let call = self.descriptor.call(job.request, &values, shown.as_ref().filter(|_| over));
        call.map(Some).map_err(|error| job.doing.failed(Reason::Call(error)))
    }

    /// Who the credential is; `None` if the provider has no call for it. Where kinds of keys have a call
    /// each, the first that takes this credential tells.
    ///
    /// # Errors
    /// When the provider does not tell.
    pub async fn whoami(&self) -> Result<Option<Who>, Failure> {
        let has_call = |kind: &&KeyType| {
            let whoami = kind.operations.get(&OperationName::Whoami);
            whoami.is_some_and(|whoami| whoami.request.is_some())
        };
        let mut refused = None;
        let mut kinds: Vec<_> = self.descriptor.key_types.iter().filter(has_call).collect();
        kinds.sort_by_key(|kind| self.own.as_ref() != Some(&kind.id.value));
        for kind in kinds {
            match self.whoami_as(kind).await {
                Err(failure) if failure.is_lacking() => refused = Some(failure),
                told => return told,
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// Who the credential is, if it is a key of this kind; `None` if the provider has no call for it.
    ///
    /// # Errors
    /// When the provider does not tell, or does not take the credential.
    pub async fn whoami_as(&self, kind: &KeyType) -> Result<Option<Who>, Failure> {
        let name = OperationName::Whoami;
        let about = "the credential".to_owned();
        let told = self.told(kind, name, &self.values, about).await?;
        let Some(operation) = kind.operations.get(&name) else { return Ok(None) };
        let fact = |name| operation.outputs.get(&name)?.at().find(&told).and_then(text);
        // Where other facts are named than those of a key, the answer shows none.
        let outputs = &operation.outputs;
        let is_key = outputs.is_empty() || outputs.contains_key(&FieldName::Id);
        let item = operation.item.find(&told).filter(|_| is_key).cloned();
        let key = item.and_then(|item| {
            let mut complete = Complete::alone(item);
            complete.entry.tell(&operation.outputs, &told);
            read(kind, &complete, &mut Listing::default())
        });
        let name = fact(FieldName::Name).or_else(|| key.as_ref()?.name.clone());
        let account = fact(FieldName::Account);
        Ok(Some(Who { key_type: kind.id.value.clone(), account, name, key }))
    }

    pub(super) fn values_for(&self, target: &Target) -> Values {
        let mut values = self.values_of(&target.within);
        if !target.id.is_empty() {
            values.set("key", "id", target.id.as_str());
        }
        for (word, text) in [("name", &target.name), ("owner", &target.owner)] {
            if let Some(text) = text {
                values.set("key", word, text.as_str());
            }
        }
        values
    }
}

/// A key, as a failure names it.
fn one(kind: &KeyType, target: &Target) -> String {
    let what = match target.id.as_str() {
        "" => noun(kind).to_owned(),
        id => format!("{} {id}", noun(kind)),
    };
    about(&what, &target.within)
}

fn is_secret(kind: &KeyType) -> bool {
    kind.fields.get(&FieldName::Id).is_some_and(Field::is_secret)
}

/// What stands at the id of an entry: the secret itself, where the id is one.
fn raw_id(kind: &KeyType, item: &Value) -> Option<String> {
    kind.fields.get(&FieldName::Id)?.at().find(item).and_then(whole_text)
}

/// The id of an entry, as it is listed.
fn id_of(kind: &KeyType, item: &Value) -> Option<String> {
    let id = kind.fields.get(&FieldName::Id)?.at().find(item).and_then(text)?;
    Some(if is_secret(kind) { fingerprint(&id) } else { id })
}

/// Refuses arguments that are unknown, and the absence of those that must be there and that no other
/// key can show.
pub(super) fn given(
    args: &BTreeMap<String, Arg>,
    given: &BTreeMap<String, Given>,
    can_copy: bool,
) -> Result<(), String> {
    if let Some(name) = given.keys().find(|name| !args.contains_key(*name)) {
        return Err(format!("there is no argument `{name}`"));
    }
    required(args, |name| {
        given.contains_key(name)
            || args.get(name).is_some_and(|arg| {
                arg.default.is_some()
                    || arg.default_days.is_some()
                    || (can_copy && arg.copy.is_some())
            })
    })
}

/// Refuses the absence of an argument that must be there.
fn required(args: &BTreeMap<String, Arg>, is_there: impl Fn(&str) -> bool) -> Result<(), String> {
    match args.iter().find(|(name, arg)| arg.required && !is_there(name)) {
        None => Ok(()),
        Some((name, arg)) => {
            let help = arg.help.as_ref().map(|help| format!(": {help}")).unwrap_or_default();
            Err(format!("`{name}` is missing{help}"))
        }
    }
}

fn gone(target: &Target) -> Acted {
    Acted { id: Some(target.id.clone()), was_gone: true, ..Acted::default() }
}

/// What an answer says of what was done. A new secret that cannot be read is lost: the key is there,
/// and nobody has it.
fn made(
    kind: &KeyType,
    job: &Job<'_>,
    makes: bool,
    target: &Target,
    told: &Value,
) -> Result<Acted, Failure> {
    let same = Some(target.id.clone()).filter(|id| !id.is_empty());
    if !makes {
        return Ok(Acted { id: same, ..Acted::default() });
    }
    let outputs = &job.operation.outputs;
    let item = job.operation.item.find(told);
    let fact = |name| {
        let output = outputs.get(&name).and_then(|field| Some((field, field.at().find(told)?)));
        let in_item =
            || kind.fields.get(&name).and_then(|field| Some((field, field.at().find(item?)?)));
        output.or_else(in_item)
    };
    let secret = outputs.get(&FieldName::Secret).map(|field| field.at().find(told));
    let secret = secret.map(|value| value.and_then(whole_text).filter(|text| !text.is_empty()));
    if secret == Some(None) {
        let reason = Reason::Unread("it shows no secret".to_owned());
        return Err(job.doing.ended(reason, true));
    }
    let id = fact(FieldName::Id).and_then(|(_, value)| text(value));
    let id = id.map(|id| if is_secret(kind) { fingerprint(&id) } else { id });
    let keeps = kind.rotation.as_ref().is_some_and(|rotation| rotation.keeps_id);
    let expires_at = fact(FieldName::ExpiresAt).and_then(|(field, value)| {
        field.format().unwrap_or(kind.times).read(value, clock::now()).ok().flatten()
    });
    Ok(Acted {
        id: id.or(same.filter(|_| keeps)),
        secret: secret.flatten().map(Secret::new),
        expires_at,
        was_gone: false,
    })
}

/// What tells one request from all others.
fn request_id() -> Option<String> {
    let mut bytes = [0; REQUEST_ID_BYTES];
    getrandom::fill(&mut bytes).ok()?;
    Some(URL_SAFE_NO_PAD.encode(bytes))
}
