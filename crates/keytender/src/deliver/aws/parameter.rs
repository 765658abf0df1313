//! Parameters of AWS Systems Manager's Parameter Store.
//!
//! One that is there keeps its type, its key, its tier and the rest, of which AWS takes each from the
//! call that writes it; one that is not there is made a SecureString. There is no check-and-set: what
//! somebody writes in the moment between our reading and our writing is replaced, and the error says so.
//! API: docs.aws.amazon.com/systems-manager/latest/APIReference, PutParameter and DescribeParameters.

use keytender_core::secret::Secret;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::super::Held;
use super::super::place::{Place, Put};
use super::super::service::{Answer, quoted};
use super::{Caller, Desk, refused, word, words};
use crate::error::{Error, Kind};

const SERVICE: &str = "ssm";
const PREFIX: &str = "AmazonSSM";
const READ: &str = "ssm:GetParameter";
const DESCRIBE: &str = "ssm:DescribeParameters";
const WRITE: &str = "ssm:PutParameter";
const EXISTS: &str = "ParameterAlreadyExists";
/// A filter for one name may come upon empty pages first.
const MAX_PAGES: usize = 20;

/// Parameters.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Parameter {
    /// The parameter that holds the secret part of the key: `/shop/stripe`.
    pub secret: String,
    /// The parameter that holds its id, if one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The region; that of AWS's own configuration, if nothing is said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// A profile of AWS's configuration.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub profile: Option<String>,
    /// The ARN of a role to assume.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<String>,
    /// What the owner of the role asks for beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Whether the service may be at a private address, such as an endpoint of a VPC.
    #[serde(default, skip_serializing_if = "words::is_false", deserialize_with = "words::truth")]
    pub allow_private: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Found {
    parameter: Current,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Current {
    value: String,
    version: u64,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Page {
    #[serde(default)]
    parameters: Vec<Description>,
    next_token: Option<String>,
}

/// What a write must say again.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Description {
    r#type: String,
    key_id: Option<String>,
    description: Option<String>,
    allowed_pattern: Option<String>,
    tier: Option<String>,
    data_type: Option<String>,
    #[serde(default)]
    policies: Vec<Policy>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Policy {
    policy_text: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Made {
    version: u64,
}

/// A parameter that is there.
pub(in super::super) struct Known {
    value: Secret,
    version: u64,
}

/// What was read of the parameters of id and secret.
pub(in super::super) struct Seen {
    id: Option<Known>,
    secret: Option<Known>,
}

/// Parameters with the credentials for them.
pub(in super::super) struct Open<'a> {
    at: &'a Parameter,
    desk: Desk,
}

impl Parameter {
    pub(in super::super) async fn open(&self) -> Result<Open<'_>, Error> {
        let caller = Caller {
            region: self.region.as_deref(),
            profile: self.profile.as_deref(),
            role: self.role.as_deref(),
            external_id: self.external_id.as_deref(),
            allow_private: self.allow_private,
        };
        Ok(Open { at: self, desk: Desk::open(caller, SERVICE, PREFIX).await? })
    }
}

impl Place for Open<'_> {
    type Seen = Seen;

    async fn look(&self) -> Result<(Option<Held>, Seen), Error> {
        let id = match &self.at.id {
            Some(name) => self.get(name).await?,
            None => None,
        };
        let secret = self.get(&self.at.secret).await?;
        let value = |known: &Option<Known>| known.as_ref().map(|known| known.value.clone());
        Ok((Held::of(value(&id), value(&secret)), Seen { id, secret }))
    }

    async fn put(&self, seen: Seen, wanted: &Held) -> Result<Put, Error> {
        if let (Some(name), Some(id)) = (&self.at.id, &wanted.id)
            && matches!(self.set(name, seen.id.as_ref(), id).await?, Put::Changed)
        {
            return Ok(Put::Changed);
        }
        match &wanted.secret {
            Some(secret) => self.set(&self.at.secret, seen.secret.as_ref(), secret).await,
            None => Ok(Put::Done),
        }
    }

    fn name(&self) -> String {
        quoted(&self.at.secret)
    }
}

impl Open<'_> {
    /// A write that may not replace: AWS refuses it because the parameter is there, but only to
    /// whoever may write it.
    pub(in super::super) async fn check(&self) -> Result<(), Error> {
        let (_, seen) = self.look().await?;
        for (name, known) in
            [(self.at.id.as_ref(), &seen.id), (Some(&self.at.secret), &seen.secret)]
        {
            if let (Some(name), Some(known)) = (name, known) {
                let asked = self.said_again(name, &known.value).await?;
                let answer = self.desk.call("PutParameter", &asked).await?;
                if !answer.code.is_success() && word(&answer).as_deref() != Some(EXISTS) {
                    return Err(refused(&answer, &format!("write {}", quoted(name)), WRITE));
                }
            }
        }
        Ok(())
    }

    async fn get(&self, name: &str) -> Result<Option<Known>, Error> {
        let asked = json!({"Name": name, "WithDecryption": true});
        let answer = self.desk.call("GetParameter", &asked).await?;
        match word(&answer).as_deref() {
            Some("ParameterNotFound") => return Ok(None),
            _ if answer.code.is_success() => {}
            _ => return Err(refused(&answer, &format!("give {}", quoted(name)), READ)),
        }
        let found: Found = answer.owned()?;
        let value = Secret::new(found.parameter.value);
        Ok(Some(Known { value, version: found.parameter.version }))
    }

    async fn set(&self, name: &str, known: Option<&Known>, value: &Secret) -> Result<Put, Error> {
        let doing = format!("write {}", quoted(name));
        let Some(known) = known else {
            let asked = json!({"Name": name, "Value": value.expose(), "Type": "SecureString"});
            let answer = self.desk.call("PutParameter", &asked).await?;
            return match word(&answer).as_deref() {
                Some(EXISTS) => Ok(Put::Changed),
                _ if answer.code.is_success() => Ok(Put::Done),
                _ => Err(refused(&answer, &doing, WRITE)),
            };
        };
        let mut asked = self.said_again(name, value).await?;
        if let Some(members) = asked.as_object_mut() {
            _ = members.insert("Overwrite".to_owned(), true.into());
        }
        let answer = self.desk.call("PutParameter", &asked).await?;
        if !answer.code.is_success() {
            return Err(refused(&answer, &doing, WRITE));
        }
        let made: Made = answer.owned()?;
        match made.version == known.version + 1 {
            true => Ok(Put::Done),
            false => Err(Error::new(format!("{} was changed by somebody else too", quoted(name)))
                .kind(Kind::Conflict)
                .hint(format!(
                    "ours is version {}; see the one before: `aws ssm get-parameter-history`",
                    made.version
                ))),
        }
    }

    /// A write of a parameter that leaves the rest of it as it is.
    async fn said_again(&self, name: &str, value: &Secret) -> Result<Value, Error> {
        let known = self.describe(name).await?;
        let mut asked = json!({"Name": name, "Value": value.expose(), "Type": known.r#type});
        let Some(members) = asked.as_object_mut() else { return Ok(asked) };
        let policies = known.policies.iter().map(|policy| policy.policy_text.as_str());
        let policies: Vec<&str> = policies.collect();
        let policies = (!policies.is_empty()).then(|| format!("[{}]", policies.join(",")));
        for (field, said) in [
            ("KeyId", known.key_id),
            ("Description", known.description.filter(|text| !text.is_empty())),
            ("AllowedPattern", known.allowed_pattern.filter(|text| !text.is_empty())),
            ("Tier", known.tier),
            ("DataType", known.data_type),
            ("Policies", policies),
        ] {
            if let Some(said) = said {
                _ = members.insert(field.to_owned(), said.into());
            }
        }
        Ok(asked)
    }

    async fn describe(&self, name: &str) -> Result<Description, Error> {
        let filter = json!([{"Key": "Name", "Option": "Equals", "Values": [name]}]);
        let mut asked = json!({"ParameterFilters": filter});
        for _ in 0..MAX_PAGES {
            let answer: Answer = self.desk.call("DescribeParameters", &asked).await?;
            if !answer.code.is_success() {
                return Err(refused(&answer, &format!("describe {}", quoted(name)), DESCRIBE));
            }
            let page: Page = answer.owned()?;
            if let Some(found) = page.parameters.into_iter().next() {
                return Ok(found);
            }
            let Some(next) = page.next_token.filter(|next| !next.is_empty()) else { break };
            asked = json!({"ParameterFilters": filter, "NextToken": next});
        }
        Err(Error::new(format!("AWS does not describe {}", quoted(name))).kind(Kind::Provider))
    }
}
