//! Asks providers, with the keys themselves, whose these are and whether they work: by the `whoami` of the descriptor, at
//! the hosts that it names and nowhere else; of AWS by `sts:GetCallerIdentity`. Nothing is asked before somebody was shown
//! what will be.

use std::collections::{BTreeMap, HashMap, HashSet};

use keytender_core::akm::{Descriptor, KeyType, OperationName};
use keytender_core::id::AccountId;
use keytender_core::secret::Secret;
use keytender_core::time::Time;

use super::Finding;
use crate::app::described;
use crate::connect::shelf;
use crate::error::Error;
use crate::store::accounts::{Access, Account, AccountKind};

/// How providers are reached, where not at their own addresses.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// What takes the place of a provider's address.
    pub endpoints: BTreeMap<String, String>,
    /// What a provider asks for beside, such as its host.
    pub variables: BTreeMap<String, BTreeMap<String, String>>,
    /// Whether providers in private networks are reached too.
    pub allow_private: bool,
}

/// What would be asked about one key.
#[derive(Clone, Debug)]
pub struct Question {
    /// What stands for the key.
    pub fingerprint: String,
    /// Whose it is.
    pub provider: String,
    /// The call, such as `GET https://gitlab.com/api/v4/personal_access_tokens/self`.
    pub call: String,
    ask: Ask,
}

#[derive(Clone, Debug)]
enum Ask {
    Described {
        account: Box<Account>,
        kind: Box<KeyType>,
        secret: Secret,
    },
    #[cfg(feature = "aws")]
    Aws {
        id: String,
        secret: Secret,
        endpoint: Option<String>,
    },
}

/// What a provider said of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Whether it works; `None` where nobody could say.
    pub works: Option<bool>,
    /// Whose it is, or why that is not known, in words.
    pub says: String,
    /// Its id at the provider, if the answer has one.
    pub id: Option<String>,
}

/// What can be asked about the keys that were found, each key once; beside it how many keys nobody can ask about.
///
/// # Errors
/// When what somebody said of how a provider is reached does not fit it.
pub fn plan(findings: &[Finding], ways: &Ways, now: Time) -> Result<(Vec<Question>, usize), Error> {
    let mut questions: BTreeMap<&str, Question> = BTreeMap::new();
    let mut mute: HashSet<&str> = HashSet::new();
    for found in findings {
        match question(found, ways, now)? {
            Some(question) => {
                questions.entry(&found.fingerprint).or_insert(question);
            }
            None => {
                mute.insert(&found.fingerprint);
            }
        }
    }
    let mute = mute.iter().filter(|print| !questions.contains_key(*print)).count();
    Ok((questions.into_values().collect(), mute))
}

fn question(found: &Finding, ways: &Ways, now: Time) -> Result<Option<Question>, Error> {
    let with = |call: String, ask: Ask| {
        let (fingerprint, provider) = (found.fingerprint.clone(), found.provider.clone());
        Some(Question { fingerprint, provider, call, ask })
    };
    let endpoint = ways.endpoints.get(&found.provider).cloned();
    #[cfg(feature = "aws")]
    if let ("aws", Some(id)) = (found.provider.as_str(), &found.id) {
        // A key that ends within hours has a third part, which does not stand beside it for sure.
        if id.starts_with("ASIA") {
            return Ok(None);
        }
        let at = endpoint.clone().unwrap_or_else(|| "AWS".to_owned());
        let ask = Ask::Aws { id: id.clone(), secret: found.secret.clone(), endpoint };
        return Ok(with(format!("sts:GetCallerIdentity at {at}"), ask));
    }
    let Ok(Some(descriptor)) = shelf::find(&found.provider) else { return Ok(None) };
    let Some(kind) = kind(&descriptor, found) else { return Ok(None) };
    let variables = ways.variables.get(&found.provider).cloned().unwrap_or_default();
    let access =
        Access { variables, endpoint, allow_private: ways.allow_private, ..Access::default() };
    // Where something must be known that nobody told, such as a host, there is nobody to ask.
    let Ok(hosts) = described::hosts(&found.provider, &access) else { return Ok(None) };
    described::check(&found.provider, &Access { credential: None, ..access.clone() })
        .or_else(|error| if access.variables.is_empty() { Ok(()) } else { Err(error) })?;
    let request =
        kind.operations.get(&OperationName::Whoami).and_then(|whoami| whoami.request.as_ref());
    let Some(request) = request else { return Ok(None) };
    let place = access.endpoint.clone().unwrap_or_else(|| {
        let host = hosts.iter().next().map_or("", String::as_str);
        format!("https://{host}")
    });
    let call = format!("{} {} at {place}", request.method.value.as_str(), request.url);
    let account = account(&found.provider, Access { hosts, ..access }, now);
    let ask = Ask::Described {
        account: Box::new(account),
        kind: Box::new(kind.clone()),
        secret: found.secret.clone(),
    };
    Ok(with(call, ask))
}

/// The kind of key whose `whoami` is asked: the one that it is, else the first that can be asked so.
fn kind<'d>(descriptor: &'d Descriptor, found: &Finding) -> Option<&'d KeyType> {
    let is_meant = |kind: &&KeyType| found.key_type.as_ref().is_none_or(|id| kind.id.value == *id);
    let takes = |kind: &&KeyType| described::takes_itself(descriptor, kind);
    descriptor.key_types.iter().filter(is_meant).find(takes)
}

/// An account that is nowhere kept.
fn account(provider: &str, access: Access, now: Time) -> Account {
    Account {
        id: AccountId::from_random(0),
        provider: provider.to_owned(),
        name: provider.to_owned(),
        kind: AccountKind::Live,
        parent_id: None,
        external_id: None,
        alias: None,
        contact: None,
        security_contact: None,
        access,
        sealed: None,
        secret: None,
        report_header: None,
        created_at: now,
        api_id: None,
        suspended_at: None,
    }
}

/// Asks, one after the other; `progress` hears how many were asked.
pub async fn ask(questions: &[Question], progress: &dyn Fn(usize)) -> HashMap<String, Answer> {
    let mut answers = HashMap::with_capacity(questions.len());
    for (before, question) in questions.iter().enumerate() {
        progress(before);
        let answer = match &question.ask {
            Ask::Described { account, kind, secret } => {
                described_answer(account, kind, secret).await
            }
            #[cfg(feature = "aws")]
            Ask::Aws { id, secret, endpoint } => aws_answer(id, secret, endpoint.as_deref()).await,
        };
        answers.insert(question.fingerprint.clone(), answer);
    }
    answers
}

async fn described_answer(account: &Account, kind: &KeyType, secret: &Secret) -> Answer {
    let unknown = |says: String| Answer { works: None, says, id: None };
    let session = match described::open_as(account, secret) {
        Ok(session) => session,
        Err(error) => return unknown(error.explanation()),
    };
    match session.whoami_as(kind).await {
        Ok(Some(who)) => {
            let says = described::words(session.descriptor(), &who);
            Answer { works: Some(true), says, id: who.key.map(|key| key.id) }
        }
        Ok(None) => unknown("the provider does not tell".to_owned()),
        // What may not ask who it is works all the same.
        Err(failure) if failure.is_denied() && !failure.is_forbidden() => {
            Answer { works: Some(false), says: failure.to_string(), id: None }
        }
        Err(failure) => unknown(failure.to_string()),
    }
}

#[cfg(feature = "aws")]
async fn aws_answer(id: &str, secret: &Secret, endpoint: Option<&str>) -> Answer {
    use crate::connect::aws::{Credentials, Iam, Reason};
    let credentials = Credentials { key: Some((id, secret)), endpoint, ..Credentials::default() };
    match Iam::open(&credentials).await.identity().await {
        Ok(who) => Answer { works: Some(true), says: who.arn, id: None },
        Err(failure) => {
            let is_refused = matches!(failure.reason, Reason::BadCredentials { .. });
            Answer { works: is_refused.then_some(false), says: failure.to_string(), id: None }
        }
    }
}
