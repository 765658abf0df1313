//! What the manager of an organization is asked beside IAM: its members, whom AWS writes to about
//! an account's security, and sessions of a member's role.
//!
//! A session's key names its account, so the fake keeps none.

use serde_json::{Value, json};

use super::account::Account;
use super::request::{Call, Credential, Service};
use super::user::Principal;
use super::xml::{Failure, Xml, iso};

/// Items of a page where MaxResults does not say, and the most that AWS takes.
const PAGE_SIZE: usize = 20;
/// What a session's key begins with; the id of its account follows.
const SESSION_KEY: &str = "ASIA";

/// The account that a session is in, and who acts there.
pub(super) fn session<'a>(
    manager: &'a mut Account,
    credential: &Credential,
) -> Option<(&'a mut Account, Principal)> {
    let id = credential.key_id.strip_prefix(SESSION_KEY)?;
    let member = manager.members.iter_mut().flatten().find(|member| member.id == id)?;
    let (role, _) = member.role.clone()?;
    let is_good = credential.token.as_deref() == Some(&token(id, &role));
    is_good.then(|| (member, Principal::Role(format!("{role}/keytender"))))
}

fn token(id: &str, role: &str) -> String {
    format!("token/of/{role}/in/{id}")
}

/// A role that is not there, or lets nobody in, is refused as forbidden: so does AWS.
pub(super) fn assume_role(
    manager: &Account,
    caller: &Principal,
    call: &Call,
) -> Result<Xml, Failure> {
    let (arn, session) = (call.get("RoleArn")?, call.get("RoleSessionName")?);
    let denied = || {
        let who = manager.arn(caller);
        let message =
            format!("User: {who} is not authorized to perform: sts:AssumeRole on resource: {arn}");
        Failure::new(403, "AccessDenied", &message)
    };
    let (id, role) = arn
        .strip_prefix("arn:aws:iam::")
        .and_then(|rest| rest.split_once(":role/"))
        .ok_or_else(|| Failure::validation(&format!("{arn} is invalid")))?;
    let mut members = manager.members.iter().flatten();
    let member = members.find(|member| member.id == id).ok_or_else(denied)?;
    let given = (role.to_owned(), call.find("ExternalId").map(str::to_owned));
    if member.role.as_ref() != Some(&given) || member.state != "ACTIVE" {
        return Err(denied());
    }
    let lifetime = jiff::SignedDuration::from_hours(1);
    let credentials = Xml::new()
        .text("AccessKeyId", format!("{SESSION_KEY}{id}"))
        .text("SecretAccessKey", "fake/iam/session/secret/key/EXAMPLEKEY00")
        .text("SessionToken", token(id, role))
        .text("Expiration", iso(manager.now + lifetime));
    let user = Xml::new()
        .text("AssumedRoleId", format!("AROAEXAMPLE:{session}"))
        .text("Arn", format!("arn:aws:sts::{id}:assumed-role/{role}/{session}"));
    Ok(Xml::new().element("Credentials", credentials).element("AssumedRoleUser", user))
}

/// Does what a call in JSON asks.
pub(super) fn perform(
    account: &Account,
    service: Service,
    caller: &Principal,
    call: &Call,
) -> Result<Value, Failure> {
    let action = call.action();
    if account.behaviour.deny.contains(action) {
        let message = format!("{} is not authorized", account.arn(caller));
        return Err(Failure::new(400, "AccessDeniedException", &message));
    }
    match (service, action) {
        (Service::Organizations, "ListAccounts") => list_accounts(account, call),
        (Service::Account, "GetAlternateContact") => get_alternate_contact(account, call),
        _ => Err(Failure::new(400, "UnknownOperationException", action)),
    }
}

/// Every account, the manager first.
fn list_accounts(manager: &Account, call: &Call) -> Result<Value, Failure> {
    let Some(members) = &manager.members else {
        let message = "Your account is not a member of an organization.";
        return Err(Failure::new(400, "AWSOrganizationsNotInUseException", message));
    };
    let invalid = |what: &str| Failure::new(400, "InvalidInputException", what);
    let wanted = match call.find("MaxResults").map(str::parse) {
        None => PAGE_SIZE,
        Some(Ok(count)) if (1..=PAGE_SIZE).contains(&count) => count,
        Some(_) => return Err(invalid("MaxResults must be from 1 to 20")),
    };
    let size = manager.behaviour.page_size.map_or(wanted, |most| wanted.min(most.max(1)));
    let start: usize = match call.find("NextToken") {
        None => 0,
        Some(token) => {
            let start = token.strip_prefix("after-").and_then(|start| start.parse().ok());
            start.ok_or_else(|| invalid("NextToken"))?
        }
    };
    let everyone: Vec<&Account> = std::iter::once(manager).chain(members).collect();
    let page = everyone.iter().skip(start).take(size);
    let listed: Vec<Value> = page
        .map(|account| {
            let arn =
                format!("arn:aws:organizations::{}:account/o-fake/{}", manager.id, account.id);
            json!({"Id": account.id, "Arn": arn, "Name": account.name, "State": account.state,
                   "Email": "owner@example.com"})
        })
        .collect();
    let mut answer = json!({"Accounts": listed});
    if everyone.len() > start + size {
        answer["NextToken"] = json!(format!("after-{}", start + size));
    }
    Ok(answer)
}

fn get_alternate_contact(account: &Account, call: &Call) -> Result<Value, Failure> {
    if call.get("AlternateContactType")? != "SECURITY" || call.find("AccountId").is_some() {
        return Err(Failure::new(400, "ValidationException", "only one's own, for security"));
    }
    let message = "No contact of the inputted alternate contact type found.";
    let address = account
        .security_contact
        .as_ref()
        .ok_or_else(|| Failure::new(404, "ResourceNotFoundException", message))?;
    Ok(json!({"AlternateContact": {"AlternateContactType": "SECURITY", "EmailAddress": address,
                                   "Name": "Security", "Title": "Team",
                                   "PhoneNumber": "+1-555-0100"}}))
}
