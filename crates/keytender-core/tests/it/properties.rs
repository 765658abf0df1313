//! Properties: any report made from a model is read back to the same model, and no bytes at all
//! make the reader panic.

use std::borrow::Cow;

use keytender_core::key::{
    Key, LastUse, Principal, PrincipalKind, SecondActive, State, Use, mark_second_active,
};
use keytender_core::report::{Row, aws};
use keytender_core::time::Time;
use proptest::prelude::*;

use crate::harness;

/// What a report can say of one principal.
#[derive(Clone, Debug)]
struct Model {
    name: String,
    is_root: bool,
    account: u64,
    created: Time,
    password: Password,
    mfa: bool,
    keys: [Option<KeyModel>; 2],
    style: Style,
}

#[derive(Clone, Debug)]
enum Password {
    None,
    NeverUsed,
    Used(Time),
}

#[derive(Clone, Debug)]
struct KeyModel {
    is_active: bool,
    created: Time,
    used: Option<(Time, Option<String>, Option<String>)>,
}

/// The ways in which AWS has written the same thing.
#[derive(Clone, Copy, Debug)]
struct Style {
    has_offset: bool,
    has_capitals: bool,
}

impl Model {
    fn line(&self) -> String {
        let flag = |flag: bool| match (flag, self.style.has_capitals) {
            (true, true) => "TRUE",
            (true, false) => "true",
            (false, true) => "FALSE",
            (false, false) => "false",
        };
        let date = |time: Time| match self.style.has_offset {
            true => time.to_string().replace('Z', "+00:00"),
            false => time.to_string(),
        };
        let last_used = match &self.password {
            Password::None => "N/A".to_owned(),
            Password::NeverUsed => "no_information".to_owned(),
            Password::Used(at) => date(*at),
        };
        let mut cells = vec![
            quoted(&self.name),
            quoted(&self.arn()),
            date(self.created),
            flag(!matches!(self.password, Password::None)).to_owned(),
            last_used,
            "N/A".to_owned(),
            "not_supported".to_owned(),
            flag(self.mfa).to_owned(),
        ];
        let none = || "N/A".to_owned();
        for key in &self.keys {
            let key = key.as_ref();
            cells.push(flag(key.is_some_and(|key| key.is_active)).to_owned());
            cells.push(key.map_or_else(none, |key| date(key.created)));
            let used = key.and_then(|key| key.used.as_ref());
            cells.push(used.map_or_else(none, |used| date(used.0)));
            cells.push(used.and_then(|used| used.1.clone()).unwrap_or_else(none));
            cells.push(used.and_then(|used| used.2.clone()).unwrap_or_else(none));
        }
        cells.extend(["false", "N/A", "false", "N/A"].map(str::to_owned));
        cells.join(",")
    }

    fn arn(&self) -> String {
        let who = if self.is_root { "root".to_owned() } else { format!("user/{}", self.name) };
        format!("arn:aws:iam::{:012}:{who}", self.account)
    }

    /// The row that must be read.
    fn row(&self) -> Row<'static> {
        let password_last_used = match &self.password {
            Password::None => None,
            Password::NeverUsed => {
                Some(LastUse::Never { since: self.created.max(aws::PASSWORD_USE_RECORDED_SINCE) })
            }
            Password::Used(at) => Some(LastUse::at(*at)),
        };
        let principal: Principal<'static> = Principal {
            provider: "aws".into(),
            account: format!("{:012}", self.account).into(),
            name: self.name.clone().into(),
            kind: if self.is_root { PrincipalKind::Root } else { PrincipalKind::User },
            has_password: Some(!matches!(self.password, Password::None)),
            password_last_used,
            mfa: Some(self.mfa),
        };
        let mut slot = 0;
        let mut keys = self.keys.clone().map(|key| {
            slot += 1;
            key.map(|key| self.key(slot, &key, &principal))
        });
        mark_second_active(&mut keys);
        Row { principal: Some(principal), keys }
    }

    fn key(&self, slot: u8, key: &KeyModel, principal: &Principal<'static>) -> Key<'static> {
        Key {
            account: Some(principal.account.clone()),
            principal: Some(principal.name.clone()),
            principal_kind: Some(principal.kind),
            principal_ref: Some(self.arn().into()),
            slot: Some(slot),
            state: if key.is_active { State::Active } else { State::Suspended },
            provider_state: Some(if key.is_active { "Active" } else { "Inactive" }.into()),
            created_at: Some(key.created),
            last_used: match &key.used {
                Some((at, region, service)) => LastUse::Used(Use {
                    at: *at,
                    region: region.clone().map(Cow::Owned),
                    service: service.clone().map(Cow::Owned),
                }),
                None => LastUse::Never { since: key.created.max(aws::KEY_USE_RECORDED_SINCE) },
            },
            ..Key::new("aws")
        }
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// Whole seconds from 2006, when AWS began, to 2040.
fn times() -> impl Strategy<Value = Time> {
    (1_136_073_600_i64..2_208_988_800).prop_map(Time::from_unix_seconds)
}

fn keys() -> impl Strategy<Value = KeyModel> {
    let place = || prop::option::of("[a-z]{2}-[a-z]{4,9}-[1-9]");
    let used = prop::option::of((times(), place(), place()));
    (any::<bool>(), times(), used).prop_map(|(is_active, created, used)| KeyModel {
        is_active,
        created,
        used,
    })
}

fn models() -> impl Strategy<Value = Model> {
    let password = prop_oneof![
        Just(Password::None),
        Just(Password::NeverUsed),
        times().prop_map(Password::Used)
    ];
    let style = (any::<bool>(), any::<bool>())
        .prop_map(|(has_offset, has_capitals)| Style { has_offset, has_capitals });
    // Names as IAM allows them, and some that it does not, of which a file may still be full.
    let name = "[A-Za-z0-9+=,.@_ \"ëЖ-]{1,20}"
        .prop_filter("empty names are faults", |name| !name.is_empty());
    let pair = [prop::option::of(keys()), prop::option::of(keys())];
    (
        name,
        prop::bool::weighted(0.1),
        0..1_000_000_000_000_u64,
        times(),
        password,
        any::<bool>(),
        pair,
        style,
    )
        .prop_map(|(name, is_root, account, created, password, mfa, keys, style)| {
            let name = if is_root { aws::ROOT.to_owned() } else { name };
            Model { name, is_root, account, created, password, mfa, keys, style }
        })
}

const EXAMPLE: &str = include_str!("../../../../examples/credential-report.csv");

proptest! {
    #[test]
    fn a_report_made_from_a_model_is_read_back(
        models in prop::collection::vec(models(), 0..20),
        piece in 1_usize..5_000,
        ends_with_newline: bool,
    ) {
        let header = EXAMPLE.lines().next().unwrap().to_owned();
        let lines: Vec<String> = std::iter::once(header).chain(models.iter().map(Model::line)).collect();
        let text = lines.join("\n") + if ends_with_newline { "\n" } else { "" };
        let rows: Vec<Row<'_>> =
            harness::read(text.as_bytes(), piece).into_iter().map(Result::unwrap).collect();
        prop_assert_eq!(rows, models.iter().map(Model::row).collect::<Vec<_>>());
    }

    #[test]
    fn a_report_that_was_read_is_written_byte_for_byte(
        mut models in prop::collection::vec(models(), 0..20),
    ) {
        use keytender_core::report::write::{Subject, columns, report};
        for model in &mut models {
            // The lines are cut at commas below.
            model.name.retain(|one| !",\"\n\r".contains(one));
            model.name.push('x');
        }
        models.retain(|model| !model.is_root);
        models.sort_by_key(|model| (model.name.to_lowercase(), model.name.clone()));
        let lines: Vec<String> =
            std::iter::once(columns().join(",")).chain(models.iter().map(Model::line)).collect();
        let text = lines.join("\n");
        let rows: Vec<Row<'static>> = models.iter().map(Model::row).collect();
        let cells: Vec<Vec<String>> = models
            .iter()
            .map(|model| model.line().split(',').map(str::to_owned).collect())
            .collect();
        let keys: Vec<Vec<&Key<'_>>> = rows.iter().map(|row| row.keys().collect()).collect();
        let subjects = rows.iter().zip(&cells).zip(&keys).map(|((row, cells), keys)| Subject {
            principal: row.principal.as_ref().unwrap(),
            arn: None,
            cells: Some(cells),
            keys,
        });
        prop_assert_eq!(report(&columns(), subjects.collect()), text);
    }

    #[test]
    fn random_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..2_000)) {
        harness::credential_report(&bytes);
    }

    #[test]
    fn changed_reports_never_panic(
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..30),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut bytes = EXAMPLE.as_bytes().to_vec();
        for (place, byte) in &changes {
            let place = place.index(bytes.len());
            match byte % 4 {
                0 => bytes[place] = *byte,
                1 => bytes.insert(place, b",\"\n\0"[usize::from(byte / 4) % 4]),
                2 => { bytes.remove(place); }
                _ => bytes[place] ^= 1 << (byte / 4 % 8),
            }
        }
        harness::credential_report(&bytes);
        harness::credential_report(&bytes[..cut.index(bytes.len())]);
    }

    #[test]
    fn any_text_as_a_policy_never_panics(text in "\\PC{0,200}", cut in any::<prop::sample::Index>()) {
        use keytender_core::policy::{DEFAULT, Policy};
        _ = Policy::parse(&text);
        let cut = (0..=cut.index(DEFAULT.len())).rev().find(|place| DEFAULT.is_char_boundary(*place));
        let mut broken = DEFAULT[..cut.unwrap()].to_owned();
        broken.push_str(&text);
        _ = Policy::parse(&broken);
    }

    #[test]
    fn times_are_written_as_they_are_read(time in times()) {
        prop_assert_eq!(Time::parse(&time.to_string()), Ok(time));
    }

    #[test]
    fn nothing_changes_before_the_next_change(
        created in 0..800_u32,
        idle in 0..800_u32,
        ends_in in prop::option::of(0..100_i64),
        younger in prop::option::of(0..60_u32),
        is_active: bool,
        part in 0.0..1.0_f64,
    ) {
        use keytender_core::policy::{Assessment, DEFAULT, Policy};
        use keytender_core::time::Span;
        let text = format!(
            "{DEFAULT}\n[[exception]]\nmatch = {{ provider = \"aws\" }}\nrule = \"key-age\"\n\
             until = 2026-12-24\nreason = \"a test\"\n[[rule]]\nid = \"young\"\n\
             when = {{ age_under = \"30d\", not = {{ expires_within = \"9d\" }} }}\n\
             severity = \"low\"\naction = \"review\"\ntitle = \"Young\"\n"
        );
        let policy = Policy::parse(&text).unwrap();
        let now = Time::parse("2026-11-24T09:30:00Z").unwrap();
        let key = Key {
            state: if is_active { State::Active } else { State::Suspended },
            created_at: Some(now.minus(Span::days(created))),
            last_used: LastUse::at(now.minus(Span::days(idle.min(created)))),
            expires_at: ends_in.map(|days| now.plus(Span::days(u32::try_from(days).unwrap()))),
            second_active: younger.map_or(SecondActive::No, |days| {
                SecondActive::OlderThan(now.minus(Span::days(days)))
            }),
            ..Key::new("aws")
        };
        let kinds = |at: Time| {
            let mut assessment = Assessment::default();
            policy.assess(&key, at, &mut assessment);
            let outcomes = assessment.outcomes().iter();
            outcomes.map(std::mem::discriminant).collect::<Vec<_>>()
        };
        let next = policy.next_change(&key, now);
        let end = next.map_or(now.as_micros() * 2, Time::as_micros);
        #[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "any moment in between")]
        let between = now.as_micros() + ((end - 1 - now.as_micros()) as f64 * part) as i64;
        prop_assert_eq!(kinds(now), kinds(Time::from_micros(between)));
        if let Some(next) = next {
            prop_assert!(next > now);
        }
    }
}
