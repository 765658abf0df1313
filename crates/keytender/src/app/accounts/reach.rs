//! How a new account is to be reached, held against what can be so.

use super::NewAccount;
use crate::app::described;
use crate::config::credential::Reference;
use crate::connect::shelf;
use crate::error::Error;
use crate::net::outbound;
use crate::store::accounts::{Access, AccountKind};

/// How long the name of a profile or role, or an external id, may be, in bytes: AWS takes ARNs of
/// up to 2,048.
const MAX_LINE: usize = 2_048;
/// The longest access key, or JSON with one.
const MAX_SECRET: usize = 4_096;
/// The provider that is asked by its own SDK.
const AWS: &str = "aws";

/// What an account of a provider is to us, if it speaks for an organization or for itself, and is
/// reached with a credential or not.
///
/// # Errors
/// When nobody can be asked for the members of an organization, or the provider not at all.
pub fn kind_of(
    provider: &str,
    is_organization: bool,
    has_credential: bool,
) -> Result<AccountKind, Error> {
    match (provider, is_organization) {
        (AWS, true) => Ok(AccountKind::Organization),
        (AWS, false) => Ok(AccountKind::Live),
        (_, true) => {
            Err(Error::new(format!("{provider} is not asked for the members of an organization")))
        }
        (_, false) if !has_credential => Ok(AccountKind::Manual),
        (_, false) => match shelf::text(provider) {
            Some(_) => Ok(AccountKind::Live),
            None => Err(not_asked(provider)),
        },
    }
}

/// The refusal of credentials for a provider that is not asked.
fn not_asked(provider: &str) -> Error {
    let hint = match shelf::text(provider) {
        Some(_) => "with --credential it is asked; without one its keys are told by hand",
        None => "keytender providers list shows whom Keytender asks; others' keys are told by hand",
    };
    Error::new(format!("{provider} is not asked like this")).hint(hint)
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

/// Refuses an endpoint in the place of AWS's own that nobody allowed, or that is none.
fn check_endpoint(access: &Access) -> Result<(), Error> {
    let Some(endpoint) = &access.endpoint else { return Ok(()) };
    let url = described::endpoint_of(endpoint)?;
    if !access.allow_private {
        return Err(Error::new("AWS's SDK does not look whether an address is public")
            .hint("--allow-private beside --endpoint says that it may be any"));
    }
    outbound::check(&url, true).map_err(|bad| {
        Error::new(format!("the endpoint is not called: {bad}"))
            .hint("https://…, or http:// on this machine")
    })
}

/// Refuses what only AWS has, and what its descriptor does not ask for.
fn check_described(new: &NewAccount) -> Result<(), Error> {
    let Access { profile, role, external_id, .. } = &new.access;
    if profile.is_some() || role.is_some() || external_id.is_some() {
        return Err(Error::new(format!("{} has no profiles and no roles", new.provider))
            .hint("--credential says where its credential is"));
    }
    match new.kind {
        AccountKind::Live => described::check(&new.provider, &new.access),
        _ => Ok(()),
    }
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
        return Err(Error::new("this is the place of a secret, not a credential")
            .hint("give the credential itself; of AWS the key's id, a space and its secret"));
    }
    if secret.as_ref().is_some_and(|secret| secret.expose().len() > MAX_SECRET) {
        return Err(Error::new(format!("a credential has at most {MAX_SECRET} bytes")));
    }
    if access.profile.is_some() && (access.credential.is_some() || secret.is_some()) {
        return Err(Error::new(
            "an account is reached by a profile or by an access key, not by both",
        ));
    }
    if access.external_id.is_some() && access.role.is_none() {
        return Err(Error::new("an external id belongs to a role").hint("name the role beside it"));
    }
    match new.provider.as_str() {
        AWS => {
            check_role(new.kind, access.role.as_deref())?;
            check_endpoint(access)?;
        }
        _ => check_described(new)?,
    }
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
