//! Who answers for a key.
//!
//! An owner claims keys by a tag, a principal, an account or a provider; the narrowest claim wins,
//! and what was said of a key by hand stands above all of them. Patterns know `*` and `?`.

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use crate::id::OwnerId;
use crate::key::Key;

/// How narrow a claim is; a narrower one is greater.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(utoipa::ToSchema))]
#[serde(rename_all = "lowercase")]
pub enum ClaimKind {
    /// Every key of a provider.
    Provider,
    /// Every key of an account, by its id or the name it has here.
    Account,
    /// The keys of a principal.
    Principal,
    /// The keys whose principal carries a tag.
    Tag,
}

impl ClaimKind {
    /// Every kind, the widest first.
    pub const ALL: [Self; 4] = [Self::Provider, Self::Account, Self::Principal, Self::Tag];

    /// The word on the command line and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Provider => "provider",
            Self::Account => "account",
            Self::Principal => "principal",
            Self::Tag => "tag",
        }
    }
}

/// One claim of an owner.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Whose.
    pub owner_id: OwnerId,
    /// By what.
    pub kind: ClaimKind,
    /// The name of the tag; empty for the others.
    pub name: String,
    /// What its value must look like.
    pattern: WildMatch,
}

impl Claim {
    /// A claim by `pattern`; `name` is that of the tag.
    pub fn new(owner_id: OwnerId, kind: ClaimKind, name: &str, pattern: &str) -> Self {
        Self { owner_id, kind, name: name.to_owned(), pattern: WildMatch::new(pattern) }
    }

    fn holds(&self, key: &Key<'_>, account_name: &str) -> bool {
        let fits = |text: Option<&str>| text.is_some_and(|text| self.pattern.matches(text));
        match self.kind {
            ClaimKind::Provider => fits(Some(&key.provider)),
            ClaimKind::Account => fits(key.account.as_deref()) || fits(Some(account_name)),
            ClaimKind::Principal => fits(key.principal.as_deref()),
            ClaimKind::Tag => {
                fits(key.tags.as_ref().and_then(|tags| tags.get(&self.name)).map(String::as_str))
            }
        }
    }
}

/// All claims, the narrowest first.
#[derive(Clone, Debug, Default)]
pub struct Claims(Vec<Claim>);

impl Claims {
    /// Puts claims in their order: the narrowest first, of equal ones the longest pattern.
    pub fn new(mut claims: Vec<Claim>) -> Self {
        claims.sort_by_key(|claim| {
            let width = claim.pattern.to_string().len();
            std::cmp::Reverse((claim.kind, width))
        });
        Self(claims)
    }

    /// Whose key it is by these claims.
    pub fn owner(&self, key: &Key<'_>, account_name: &str) -> Option<OwnerId> {
        self.0.iter().find(|claim| claim.holds(key, account_name)).map(|claim| claim.owner_id)
    }

    /// Whether there is none.
    pub const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The tags that people write an owner's address into, as the large clouds' tagging guides name
/// them; in any case of letters.
const OWNER_TAGS: [&str; 7] =
    ["owner", "owner-email", "owner_email", "team", "contact", "created-by", "createdby"];

/// Who a key's owner may be, and what says so: an address in a tag, or a principal that is named
/// like one.
pub fn suggestion(key: &Key<'_>) -> Option<(String, &'static str)> {
    let tagged = key.tags.iter().flatten().find_map(|(name, value)| {
        let name = name.to_ascii_lowercase();
        let tag = OWNER_TAGS.iter().find(|known| **known == name)?;
        is_address(value).then(|| (value.clone(), *tag))
    });
    tagged.or_else(|| {
        let name = key.principal.as_deref()?;
        is_address(name).then(|| (name.to_owned(), "principal"))
    })
}

/// Whether a text looks like a mail address: one `@`, no spaces, a dot in the domain.
pub fn is_address(text: &str) -> bool {
    let Some((local, domain)) = text.split_once('@') else {
        return false;
    };
    let is_plain = |part: &str| {
        part.chars()
            .all(|one| !one.is_whitespace() && !one.is_control() && !"@<>,;\"".contains(one))
    };
    let has_labels = domain.split('.').count() > 1 && domain.split('.').all(|one| !one.is_empty());
    !local.is_empty() && is_plain(local) && is_plain(domain) && has_labels && text.len() <= 254
}
