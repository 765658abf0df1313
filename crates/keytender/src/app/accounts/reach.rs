//! How a new account is to be reached, held against what can be so.

use super::NewAccount;
use crate::config::credential::Reference;
use crate::error::Error;
use crate::store::accounts::{Access, AccountKind};

/// How long the name of a profile or role, or an external id, may be, in bytes: AWS takes ARNs of
/// up to 2,048.
const MAX_LINE: usize = 2_048;
/// The longest access key, or JSON with one.
const MAX_SECRET: usize = 4_096;
/// The provider that is asked.
const ASKED: &str = "aws";

/// What an account of a provider is to us, if it speaks for an organization or for itself.
///
/// # Errors
/// When nobody can be asked for the members of an organization.
pub fn kind_of(provider: &str, is_organization: bool) -> Result<AccountKind, Error> {
    match (provider, is_organization) {
        (ASKED, true) => Ok(AccountKind::Organization),
        (ASKED, false) => Ok(AccountKind::Live),
        (_, true) => Err(not_asked(provider)),
        (_, false) => Ok(AccountKind::Manual),
    }
}

/// The refusal of credentials for a provider that is not asked.
pub fn not_asked(provider: &str) -> Error {
    Error::new(format!("{provider} is not asked: it needs no credentials"))
}

/// Refuses a role that is neither an ARN nor, of an organization, the name that it has in every member.
fn check_role(kind: AccountKind, role: Option<&str>) -> Result<(), Error> {
    let is_organization = kind == AccountKind::Organization;
    let is_arn = role.is_some_and(|role| role.starts_with("arn:"));
    let is_name = |role: &str| {
        let is_plain = |one: char| one.is_ascii_alphanumeric() || "+=,.@-_/".contains(one);
        role.chars().all(is_plain) && !role.is_empty() && !role.starts_with('/')
    };
    let refusal = match (is_organization, role) {
        (true, None) => Error::new("an organization needs a role by which its members are entered")
            .hint("--role OrganizationAccountAccessRole is there in members that were made by it"),
        (true, Some(role)) if is_arn => {
            let name = role.split_once('/').map_or("NAME", |(_, name)| name);
            Error::new("each member has a role of its own: --organization takes its name, no ARN")
                .hint(format!("--role {name}"))
        }
        (true, Some(role)) if !is_name(role) => Error::new("this is no name of a role")
            .hint("letters, digits, and + = , . @ - _, with a path before it where it has one"),
        (false, Some(_)) if !is_arn => Error::new("the role of an account is given by its ARN")
            .hint("such as arn:aws:iam::123456789012:role/auditor; --organization takes a name"),
        _ => return Ok(()),
    };
    Err(refusal)
}

/// Refuses an access that nothing can come of.
///
/// # Errors
/// When a part does not fit the others.
pub fn check(new: &NewAccount) -> Result<(), Error> {
    let NewAccount { access, secret, .. } = new;
    if new.kind == AccountKind::Manual && (*access != Access::default() || secret.is_some()) {
        return Err(not_asked(&new.provider));
    }
    if secret.as_ref().is_some_and(|secret| secret.expose().parse::<Reference>().is_ok()) {
        return Err(Error::new("this is the place of a secret, not an access key")
            .hint("give the key itself: its id, a space and its secret"));
    }
    if secret.as_ref().is_some_and(|secret| secret.expose().len() > MAX_SECRET) {
        return Err(Error::new(format!("an access key has at most {MAX_SECRET} bytes")));
    }
    if access.profile.is_some() && (access.credential.is_some() || secret.is_some()) {
        return Err(Error::new(
            "an account is reached by a profile or by an access key, not by both",
        ));
    }
    if access.external_id.is_some() && access.role.is_none() {
        return Err(Error::new("an external id belongs to a role").hint("name the role beside it"));
    }
    check_role(new.kind, access.role.as_deref())?;
    let is_line = |text: &&str| {
        !text.trim().is_empty() && text.len() <= MAX_LINE && !text.chars().any(char::is_control)
    };
    let lines = [
        ("profile", &access.profile),
        ("role", &access.role),
        ("external id", &access.external_id),
    ];
    for (what, text) in lines {
        if text.as_deref().is_some_and(|text| !is_line(&text)) {
            return Err(Error::new(format!("the {what} of `{}` is no line of text", new.name)));
        }
    }
    Ok(())
}
