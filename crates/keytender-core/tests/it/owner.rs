//! Owners: which claim wins, and whom the names suggest.

use std::collections::BTreeMap;

use keytender_core::id::OwnerId;
use keytender_core::key::Key;
use keytender_core::owner::{Claim, ClaimKind, Claims, is_address, suggestion};

fn key(principal: &str, tags: &[(&str, &str)]) -> Key<'static> {
    let tags: BTreeMap<String, String> =
        tags.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Key {
        account: Some("111111111111".into()),
        principal: Some(principal.to_owned().into()),
        tags: Some(tags),
        ..Key::new("aws")
    }
}

fn owner(number: i64) -> OwnerId {
    OwnerId::from_i64(number)
}

#[test]
fn the_narrowest_claim_wins() {
    let claims = Claims::new(vec![
        Claim::new(owner(1), ClaimKind::Provider, "", "aws"),
        Claim::new(owner(2), ClaimKind::Account, "", "prod"),
        Claim::new(owner(3), ClaimKind::Principal, "", "ci-*"),
        Claim::new(owner(4), ClaimKind::Principal, "", "ci-deploy*"),
        Claim::new(owner(5), ClaimKind::Tag, "team", "data"),
    ]);
    assert_eq!(claims.owner(&key("zoe", &[]), "test"), Some(owner(1)));
    assert_eq!(claims.owner(&key("zoe", &[]), "prod"), Some(owner(2)));
    assert_eq!(claims.owner(&key("ci-test", &[]), "prod"), Some(owner(3)));
    assert_eq!(claims.owner(&key("ci-deploy-1", &[]), "prod"), Some(owner(4)));
    assert_eq!(claims.owner(&key("ci-deploy-1", &[("team", "data")]), "prod"), Some(owner(5)));
    assert_eq!(claims.owner(&Key::new("github"), "other"), None);
}

#[test]
fn an_account_is_claimed_by_its_id_too() {
    let claims = Claims::new(vec![Claim::new(owner(1), ClaimKind::Account, "", "1111*")]);
    assert_eq!(claims.owner(&key("zoe", &[]), "prod"), Some(owner(1)));
}

#[test]
fn an_address_in_a_tag_or_a_name_suggests_an_owner() {
    let tagged = key("ci", &[("Owner", "zoe@example.com")]);
    assert_eq!(suggestion(&tagged), Some(("zoe@example.com".to_owned(), "owner")));
    let named = key("sam@example.com", &[("Owner", "Sam")]);
    assert_eq!(suggestion(&named), Some(("sam@example.com".to_owned(), "principal")));
    assert_eq!(suggestion(&key("ci", &[("owner", "team blue")])), None);
}

#[test]
fn what_is_no_address_is_refused() {
    assert!(is_address("zoe@example.com"));
    for text in ["zoe", "zoe@", "@example.com", "zoe@host", "a b@example.com", "a@b@c.de", "a@b..c"]
    {
        assert!(!is_address(text), "{text}");
    }
}
