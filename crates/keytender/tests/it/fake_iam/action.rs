//! The actions: one function each, from the account and the parameters to a result.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use super::account::{Account, secret_of};
use super::organization;
use super::page::{page, paged};
use super::report;
use super::request::{Call, Service};
use super::user::{KEYS_PER_USER, Key, Principal, User};
use super::xml::{Failure, Xml, iso};

/// Does what the call asks, if there is such an action and the caller may.
pub(super) fn perform(
    account: &mut Account,
    service: Service,
    caller: &Principal,
    call: &Call,
) -> Result<Xml, Failure> {
    let action = call.action();
    match service {
        _ if call.find("Version") != Some(service.version()) => Err(unknown(call)),
        // AWS answers this one whatever the policies say.
        Service::Sts if action == "GetCallerIdentity" => Ok(get_caller_identity(account, caller)),
        Service::Sts if action == "AssumeRole" => organization::assume_role(account, caller, call),
        Service::Sts | Service::Organizations | Service::Account => Err(unknown(call)),
        Service::Iam if account.behaviour.deny.contains(action) => {
            Err(denied(account, caller, call))
        }
        Service::Iam => perform_iam(account, caller, call),
    }
}

fn perform_iam(account: &mut Account, caller: &Principal, call: &Call) -> Result<Xml, Failure> {
    match call.action() {
        "GenerateCredentialReport" => Ok(generate_credential_report(account)),
        "GetCredentialReport" => get_credential_report(account),
        "ListUsers" => list_users(account, call),
        "ListAccessKeys" => list_access_keys(account, caller, call),
        "GetAccessKeyLastUsed" => get_access_key_last_used(account, caller, call),
        "ListUserTags" => list_user_tags(account, call),
        "ListEntitiesForPolicy" => list_entities_for_policy(account, call),
        "GetGroup" => get_group(account, call),
        "ListAccountAliases" => Ok(list_account_aliases(account)),
        "GetAccountSummary" => Ok(get_account_summary(account)),
        "GetUser" => get_user(account, caller, call),
        "UpdateAccessKey" => update_access_key(account, caller, call),
        "DeleteAccessKey" => delete_access_key(account, caller, call),
        "CreateAccessKey" => create_access_key(account, caller, call),
        _ => Err(unknown(call)),
    }
}

fn get_caller_identity(account: &Account, caller: &Principal) -> Xml {
    let user = caller.user_name().and_then(|name| account.find_user(name));
    Xml::new()
        .text("Arn", account.arn(caller))
        .text("UserId", user.map_or_else(|| account.id.clone(), User::id))
        .text("Account", &account.id)
}

fn generate_credential_report(account: &mut Account) -> Xml {
    let state = report::generate(account);
    let started = "No report exists. Starting a new report generation task";
    Xml::new().text("State", state).optional("Description", (state == "STARTED").then_some(started))
}

fn get_credential_report(account: &mut Account) -> Result<Xml, Failure> {
    let (content, generated_at) = report::get(account)?;
    Ok(Xml::new()
        .text("Content", STANDARD.encode(content))
        .text("ReportFormat", "text/csv")
        .text("GeneratedTime", iso(generated_at)))
}

fn list_users(account: &Account, call: &Call) -> Result<Xml, Failure> {
    let prefix = call.find("PathPrefix").unwrap_or("/");
    let mut users = account.sorted_users();
    users.retain(|user| user.path.starts_with(prefix));
    let (page, next) = page(account, call, "users", &users)?;
    let members = page.iter().map(|user| user_element(account, user));
    Ok(paged(Xml::new().list("Users", members), next))
}

fn get_user(account: &Account, caller: &Principal, call: &Call) -> Result<Xml, Failure> {
    let user = match subject(account, caller, call)? {
        Principal::User(name) => account.find_user(&name).map(|user| user_element(account, user)),
        Principal::Root => account.root.as_ref().map(|root| {
            Xml::new()
                .optional("PasswordLastUsed", root.password_last_used.map(iso))
                .text("UserId", &account.id)
                .text("Arn", account.arn(&Principal::Root))
                .text("CreateDate", iso(root.created))
        }),
        Principal::Role(_) => None,
    };
    Ok(Xml::new().element("User", user.unwrap_or_default()))
}

fn user_element(account: &Account, user: &User) -> Xml {
    let last_used = user.password.as_ref().and_then(|password| password.last_used);
    Xml::new()
        .text("Path", &user.path)
        .text("UserName", &user.name)
        .text("UserId", user.id())
        .text("Arn", account.arn(&Principal::User(user.name.clone())))
        .text("CreateDate", iso(user.created))
        .optional("PasswordLastUsed", last_used.map(iso))
}

fn list_access_keys(account: &Account, caller: &Principal, call: &Call) -> Result<Xml, Failure> {
    let owner = subject(account, caller, call)?;
    let keys = account.keys(&owner).unwrap_or_default();
    let scope = format!("keys of {}", owner.user_name().unwrap_or("root"));
    let (page, next) = page(account, call, &scope, keys)?;
    let members = page.iter().map(|key| key_element(&owner, key));
    Ok(paged(Xml::new().list("AccessKeyMetadata", members), next))
}

fn list_user_tags(account: &Account, call: &Call) -> Result<Xml, Failure> {
    let name = call.find("UserName").unwrap_or_default();
    let user = account.find_user(name).ok_or_else(|| {
        Failure::new(404, "NoSuchEntity", &format!("The user with name {name} cannot be found."))
    })?;
    let tags: Vec<_> = user.tags.iter().collect();
    let (page, next) = page(account, call, &format!("tags of {name}"), &tags)?;
    let members = page.iter().map(|(key, value)| Xml::new().text("Key", key).text("Value", value));
    Ok(paged(Xml::new().list("Tags", members), next))
}

/// Users and groups share the pages, groups first; of no other policy anything is attached.
fn list_entities_for_policy(account: &Account, call: &Call) -> Result<Xml, Failure> {
    let arn = call.get("PolicyArn")?;
    if arn != "arn:aws:iam::aws:policy/AdministratorAccess" {
        return Err(Failure::no_such_entity(&format!("policy {arn}")));
    }
    let groups = account.groups.iter().map(|(name, _)| ("GroupName", name));
    let users = account.administrators.iter().map(|name| ("UserName", name));
    let all: Vec<_> = groups.chain(users).collect();
    let (page, next) = page(account, call, "entities", &all)?;
    let of = |kind: &str| -> Vec<Xml> {
        let members = page.iter().filter(|(one, _)| *one == kind);
        members.map(|(_, name)| Xml::new().text(kind, name)).collect()
    };
    let list = Xml::new()
        .list("PolicyGroups", of("GroupName"))
        .list("PolicyUsers", of("UserName"))
        .list("PolicyRoles", Vec::new());
    Ok(paged(list, next))
}

fn get_group(account: &Account, call: &Call) -> Result<Xml, Failure> {
    let name = call.get("GroupName")?;
    let group = account.groups.iter().find(|(known, _)| known == name);
    let (_, members) = group.ok_or_else(|| Failure::no_such_entity(&format!("group {name}")))?;
    let (page, next) = page(account, call, &format!("group {name}"), members)?;
    let users = page.iter().filter_map(|name| account.find_user(name));
    let group = Xml::new()
        .text("Path", "/")
        .text("GroupName", name)
        .text("GroupId", "AGPAQGROUP0000000001")
        .text("Arn", format!("arn:aws:iam::{}:group/{name}", account.id))
        .text("CreateDate", "2020-01-01T00:00:00Z");
    let users = users.map(|user| user_element(account, user));
    Ok(paged(Xml::new().element("Group", group).list("Users", users), next))
}

/// Who the key is, without its secret.
fn key_element(owner: &Principal, key: &Key) -> Xml {
    Xml::new()
        .optional("UserName", owner.user_name())
        .text("AccessKeyId", &key.id)
        .text("Status", if key.active { "Active" } else { "Inactive" })
        .text("CreateDate", iso(key.created))
}

/// A key that is not of this account is refused as forbidden, not as missing: so does AWS.
fn get_access_key_last_used(
    account: &Account,
    caller: &Principal,
    call: &Call,
) -> Result<Xml, Failure> {
    let id = call.get("AccessKeyId")?;
    let owner = account.owner(id).ok_or_else(|| denied(account, caller, call))?;
    let keys = account.keys(&owner).unwrap_or_default();
    let last_used = keys.iter().find(|key| key.id == id).and_then(|key| key.last_used.as_ref());
    let or_none = |text: Option<&String>| text.map_or("N/A", String::as_str).to_owned();
    let stamp = Xml::new()
        .text("Region", or_none(last_used.and_then(|used| used.region.as_ref())))
        .optional("LastUsedDate", last_used.map(|used| iso(used.at)))
        .text("ServiceName", or_none(last_used.and_then(|used| used.service.as_ref())));
    Ok(Xml::new().optional("UserName", owner.user_name()).element("AccessKeyLastUsed", stamp))
}

fn list_account_aliases(account: &Account) -> Xml {
    // The members of this list are plain texts.
    let aliases = account.alias.iter().fold(Xml::new(), |list, alias| list.text("member", alias));
    paged(Xml::new().element("AccountAliases", aliases), None)
}

fn get_account_summary(account: &Account) -> Xml {
    let root = account.root.as_ref();
    let flag = |on: bool| usize::from(on);
    let with_mfa = account.users.iter().filter(|user| user.mfa).count();
    let numbers = [
        ("Users", account.users.len()),
        ("UsersQuota", 5000),
        ("AccessKeysPerUserQuota", KEYS_PER_USER),
        ("AccountAccessKeysPresent", flag(root.is_some_and(|root| !root.keys.is_empty()))),
        ("AccountMFAEnabled", flag(root.is_some_and(|root| root.mfa))),
        (
            "AccountPasswordPresent",
            flag(root.is_some_and(|root| root.password_enabled != Some(false))),
        ),
        ("AccountSigningCertificatesPresent", 0),
        ("MFADevices", with_mfa),
        ("MFADevicesInUse", with_mfa),
        ("Groups", 0),
        ("Roles", 0),
    ];
    let entries = numbers.iter().fold(Xml::new(), |map, (key, value)| {
        map.element("entry", Xml::new().text("key", key).text("value", value))
    });
    Xml::new().element("SummaryMap", entries)
}

fn update_access_key(
    account: &mut Account,
    caller: &Principal,
    call: &Call,
) -> Result<Xml, Failure> {
    let (owner, id, status) =
        (subject(account, caller, call)?, call.get("AccessKeyId")?, call.get("Status")?);
    let active = match status {
        "Active" => true,
        "Inactive" => false,
        other => {
            return Err(Failure::validation(&format!(
                "Value '{other}' at 'status' failed to satisfy constraint: Member must satisfy enum \
                 value set: [Active, Inactive]"
            )));
        }
    };
    let keys = account.keys_mut(&owner).into_iter().flatten();
    let key = keys.into_iter().find(|key| key.id == id).ok_or_else(|| no_such_key(id))?;
    key.active = active;
    Ok(Xml::new())
}

fn delete_access_key(
    account: &mut Account,
    caller: &Principal,
    call: &Call,
) -> Result<Xml, Failure> {
    let (owner, id) = (subject(account, caller, call)?, call.get("AccessKeyId")?);
    let keys = account.keys_mut(&owner).ok_or_else(|| no_such_key(id))?;
    let place = keys.iter().position(|key| key.id == id).ok_or_else(|| no_such_key(id))?;
    keys.remove(place);
    Ok(Xml::new())
}

fn create_access_key(
    account: &mut Account,
    caller: &Principal,
    call: &Call,
) -> Result<Xml, Failure> {
    let owner = subject(account, caller, call)?;
    if account.keys(&owner).unwrap_or_default().len() >= KEYS_PER_USER {
        let message = format!("Cannot exceed quota for AccessKeysPerUser: {KEYS_PER_USER}");
        return Err(Failure::new(409, "LimitExceeded", &message));
    }
    let key = Key::new(&account.next_key_id(), account.now);
    let element = key_element(&owner, &key).text("SecretAccessKey", secret_of(&key.id));
    account.keys_mut(&owner).into_iter().for_each(|keys| keys.push(key.clone()));
    Ok(Xml::new().element("AccessKey", element))
}

/// Whom a call is about: the user it names, or else its caller.
fn subject(account: &Account, caller: &Principal, call: &Call) -> Result<Principal, Failure> {
    match call.find("UserName") {
        None if matches!(caller, Principal::Role(_)) => {
            Err(Failure::validation("Must specify userName when calling with non-User credentials"))
        }
        None => Ok(caller.clone()),
        Some(name) if account.find_user(name).is_some() => Ok(Principal::User(name.to_owned())),
        Some(name) => Err(Failure::no_such_entity(&format!("user with name {name}"))),
    }
}

fn no_such_key(id: &str) -> Failure {
    Failure::no_such_entity(&format!("Access Key with id {id}"))
}

fn unknown(call: &Call) -> Failure {
    let version = call.find("Version").unwrap_or_default();
    let message = format!("Could not find operation {} for version {version}", call.action());
    Failure::new(400, "InvalidAction", &message)
}

/// AWS's own words for a caller without the permission.
fn denied(account: &Account, caller: &Principal, call: &Call) -> Failure {
    let action = call.action();
    let named = call.find("UserName").or_else(|| caller.user_name()).unwrap_or("null");
    let resource = match action {
        "ListUsers" => format!("arn:aws:iam::{}:user/", account.id),
        "GetAccessKeyLastUsed" => {
            format!("access key {}", call.find("AccessKeyId").unwrap_or("null"))
        }
        "GetUser" | "ListAccessKeys" | "ListUserTags" | "UpdateAccessKey" | "DeleteAccessKey"
        | "CreateAccessKey" => {
            format!("user {named}")
        }
        _ => "*".to_owned(),
    };
    let message = format!(
        "User: {} is not authorized to perform: iam:{action} on resource: {resource} because no \
         identity-based policy allows the iam:{action} action",
        account.arn(caller)
    );
    Failure::new(403, "AccessDenied", &message)
}
