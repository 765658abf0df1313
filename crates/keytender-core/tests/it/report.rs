//! Reports: what is read, and what is refused with its place.

use keytender_core::key::{Key, LastUse, PrincipalKind, State};
use keytender_core::report::sniff::{NotCsv, sniff};
use keytender_core::report::{Fault, Problem, Row};

use crate::{harness, time};

const HEADER: &str = "user,arn,user_creation_time,password_enabled,password_last_used,\
    password_last_changed,password_next_rotation,mfa_active,access_key_1_active,\
    access_key_1_last_rotated,access_key_1_last_used_date,access_key_1_last_used_region,\
    access_key_1_last_used_service,access_key_2_active,access_key_2_last_rotated,\
    access_key_2_last_used_date,access_key_2_last_used_region,access_key_2_last_used_service,\
    cert_1_active,cert_1_last_rotated,cert_2_active,cert_2_last_rotated";

const NO_KEY: &str = "false,N/A,N/A,N/A,N/A";
const NO_CERTIFICATES: &str = "false,N/A,false,N/A";

/// A line of a user with one key, given as its five cells.
fn user(name: &str, key: &str) -> String {
    format!(
        "{name},arn:aws:iam::123456789012:user/team/x,2014-01-01T00:00:00Z,false,N/A,N/A,N/A,\
         false,{key},{NO_KEY},{NO_CERTIFICATES}"
    )
}

fn read(lines: &[&str]) -> Vec<Result<Row<'static>, Fault>> {
    harness::read(lines.join("\n").as_bytes(), 7)
}

fn only_row(lines: &[&str]) -> Row<'static> {
    let mut rows = read(lines);
    assert_eq!(rows.len(), 1);
    rows.remove(0).unwrap()
}

fn only_key(key: &str) -> Option<Key<'static>> {
    only_row(&[HEADER, &user("deploy", key)]).keys[0].clone()
}

/// The fault of the only record, as a person reads it.
fn fault(lines: &[&str]) -> String {
    let mut rows = read(lines);
    assert_eq!(rows.len(), 1);
    rows.remove(0).unwrap_err().to_string()
}

#[test]
fn both_forms_of_dates_and_of_booleans_are_read() {
    let new = only_key("true,2020-06-15T12:00:04Z,N/A,N/A,N/A").unwrap();
    let old = only_key("TRUE,2020-06-15T12:00:04+00:00,N/A,N/A,N/A").unwrap();
    assert_eq!(new, old);
    assert_eq!(new.created_at, Some(time("2020-06-15T12:00:04Z")));
}

#[test]
fn an_inactive_key_is_told_from_an_absent_one() {
    assert_eq!(only_key("false,N/A,N/A,N/A,N/A"), None);
    let inactive = only_key("false,2020-06-15T12:00:04Z,N/A,N/A,N/A").unwrap();
    assert_eq!(inactive.state, State::Suspended);
    assert_eq!(inactive.provider_state.as_deref(), Some("Inactive"));
}

#[test]
fn never_used_counts_from_when_aws_began_to_record() {
    let before = only_key("true,2012-01-01T00:00:00Z,N/A,N/A,N/A").unwrap();
    assert_eq!(before.last_used, LastUse::Never { since: time("2015-04-22") });
    let after = only_key("true,2020-01-01T00:00:00Z,N/A,N/A,N/A").unwrap();
    assert_eq!(after.last_used, LastUse::Never { since: time("2020-01-01") });
}

#[test]
fn no_region_beside_a_date_is_a_global_service_not_disuse() {
    let key = only_key("true,2020-01-01T00:00:00Z,2026-01-01T00:00:00Z,N/A,s3").unwrap();
    let LastUse::Used(used) = key.last_used else { panic!() };
    assert_eq!((used.region, used.service.as_deref()), (None, Some("s3")));
}

#[test]
fn words_of_a_report_that_supports_less_are_read() {
    let cells = "true,2020-01-01T00:00:00Z,2026-01-01T00:00:00Z,not_supported,not_supported";
    let LastUse::Used(used) = only_key(cells).unwrap().last_used else { panic!() };
    assert_eq!((used.region, used.service), (None, None));
    let unknown = only_key("true,2020-01-01T00:00:00Z,not_supported,N/A,N/A").unwrap();
    assert!(matches!(unknown.last_used, LastUse::Unknown { .. }));
}

#[test]
fn an_old_row_of_root_is_read() {
    let root = format!(
        "<root_account>,arn:aws:iam::123456789012:root,2014-03-02T09:11:54+00:00,not_supported,\
         2015-08-30T07:41:10+00:00,not_supported,not_supported,true,true,2013-05-06T12:00:01+00:00,\
         N/A,N/A,N/A,{NO_KEY},{NO_CERTIFICATES}"
    );
    let row = only_row(&[HEADER, &root]);
    let principal = row.principal.unwrap();
    assert_eq!((principal.kind, principal.has_password), (PrincipalKind::Root, None));
    assert_eq!(principal.password_last_used, Some(LastUse::at(time("2015-08-30T07:41:10Z"))));
    let key = row.keys[0].as_ref().unwrap();
    assert_eq!(key.last_used, LastUse::Never { since: time("2015-04-22") });
}

#[test]
fn the_optional_column_and_unknown_ones_are_passed_over() {
    let header = format!("{HEADER},additional_credentials_info,colour");
    let line = format!("{},N/A,blue", user("deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A"));
    assert!(only_row(&[&header, &line]).keys[0].is_some());
}

#[test]
fn columns_are_found_by_name_in_any_order_and_optional_ones_may_be_missing() {
    let row = only_row(&[
        "access_key_2_last_used_date,access_key_2_last_rotated,access_key_2_active,arn,\
         access_key_1_active,access_key_1_last_rotated,access_key_1_last_used_date,user",
        "N/A,N/A,false,arn:aws-cn:iam::123456789012:user/x,true,2020-01-01T00:00:00Z,N/A,deploy",
    ]);
    assert_eq!(row.keys().count(), 1);
    let principal = row.principal.unwrap();
    assert!(matches!(principal.password_last_used, Some(LastUse::Unknown { .. })));
    assert_eq!((principal.mfa, principal.has_password), (None, None));
}

#[test]
fn quoted_names_keep_their_commas_and_quotes() {
    let line = user("\"Smith, \"\"Al\"\"\"", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    let row = only_row(&[HEADER, &line]);
    assert_eq!(row.principal.unwrap().name, "Smith, \"Al\"");
}

#[test]
fn windows_line_ends_a_byte_order_mark_and_a_final_newline_are_read() {
    let key = "true,2020-01-01T00:00:00Z,N/A,N/A,N/A";
    let text = format!("\u{feff}{HEADER}\r\n{}\r\n\r\n", user("deploy", key));
    let rows = harness::read(text.as_bytes(), 1);
    assert_eq!(rows.len(), 1);
    assert!(rows[0].is_ok());
}

#[test]
fn a_cut_line_is_a_fault_at_its_end_and_the_others_are_read() {
    let good = user("deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    let rows = read(&[HEADER, &good, &good[..60], &good]);
    assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 2);
    let fault = rows[1].clone().unwrap_err();
    assert_eq!((fault.line, fault.column), (3, 61));
    assert_eq!(fault.problem, Problem::CutOff { found: 3, expected: 22 });
}

#[test]
fn a_bad_date_is_named_with_line_and_column() {
    let line = user("Zoë", "true,2020-02-30T00:00:00Z,N/A,N/A,N/A");
    let message = fault(&[HEADER, &line]);
    let column = line[..line.find("2020-02-30").unwrap()].chars().count() + 1;
    assert_eq!(
        message,
        format!(
            "line 2, column {column}: `access_key_1_last_rotated` is not a date, \
             `2020-02-30T00:00:00Z`: expected a date such as 2026-11-24T09:30:00Z, or N/A"
        )
    );
}

#[test]
fn the_column_of_a_fault_counts_what_stands_in_the_file() {
    let line = user("\"Smith, Al\"", "true,2020-02-30T00:00:00Z,N/A,N/A,N/A");
    let column = line.find("2020-02-30").unwrap() + 1;
    let message = fault(&[HEADER, &line]);
    assert!(message.starts_with(&format!("line 2, column {column}: ")), "{message}");
}

#[test]
fn a_cell_that_may_be_a_secret_is_not_repeated() {
    let secret = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
    let line = user("deploy", &format!("true,{secret},N/A,N/A,N/A"));
    assert!(!fault(&[HEADER, &line]).contains(secret));
    let line = user("deploy", &format!("{secret},2020-01-01T00:00:00Z,N/A,N/A,N/A"));
    assert!(!fault(&[HEADER, &line]).contains(secret));
}

#[test]
fn an_active_key_without_a_date_is_kept_with_its_age_unknown() {
    let key = only_key("true,N/A,N/A,N/A,N/A").unwrap();
    assert_eq!((key.state, key.created_at), (State::Active, None));
}

#[test]
fn bytes_that_are_no_text_are_named_with_their_place() {
    let good = user("deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    for (bytes, problem) in [(b"a\xffb", Problem::NotUtf8), (b"a\0b", Problem::Nul)] {
        let mut text = HEADER.as_bytes().to_vec();
        text.extend(b"\n");
        text.extend(bytes);
        text.extend(&good.as_bytes()[6..]);
        text.extend(b"\n");
        text.extend(good.as_bytes());
        let rows = harness::read(&text, 50);
        assert_eq!(rows[0].clone().unwrap_err(), Fault { line: 2, column: 2, problem });
        assert!(rows[1].is_ok());
    }
}

#[test]
fn a_quote_that_never_closes_costs_one_line() {
    let good = user("deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    let open = user("\"deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    let rows = read(&[HEADER, &open, &good, &good]);
    assert_eq!(
        rows[0].clone().unwrap_err(),
        Fault { line: 2, column: 1, problem: Problem::OpenQuote }
    );
    assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 2);
    let many = vec![good.as_str(); 2000];
    let rows = read(&[&[HEADER, &open], many.as_slice()].concat());
    assert_eq!(rows.iter().filter(|row| row.is_ok()).count(), 2000);
}

#[test]
fn a_line_without_end_is_one_fault_and_the_next_is_read() {
    let good = user("deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    let long = "x".repeat(300_000);
    let text = [HEADER, &long, &good].join("\n");
    for piece in [1_000, 70_000, text.len()] {
        let rows = harness::read(text.as_bytes(), piece);
        let places: Vec<_> =
            rows.iter().map(|row| row.as_ref().map_err(|fault| fault.line)).collect();
        assert!(matches!(places[..], [Err(2), Ok(_)]), "{places:?}");
    }
}

#[test]
fn a_wrong_header_is_refused_with_its_place() {
    let first = |text: &str| harness::read(text.as_bytes(), 9)[0].clone().unwrap_err().to_string();
    assert!(
        first("a,b,c\n1,2,3").starts_with("line 1, column 1: this is not the header of a report")
    );
    assert!(first("user;arn;mfa_active\n").contains("separated by semicolons"));
    let message = first("user,arn,user_creation_time\n");
    assert_eq!(
        message,
        "line 1, column 28: the header has no column `access_key_1_active`, which an AWS \
         credential report needs"
    );
    assert!(first(&format!("{HEADER},user\n")).contains("column `user` twice"));
    assert!(first("provider,name\n").contains("no column `created`"));
}

#[test]
fn an_arn_that_is_none_is_refused() {
    let line = user("deploy", "true,2020-01-01T00:00:00Z,N/A,N/A,N/A");
    for arn in [
        "N/A",
        "arn:aws:iam::abc:user/x",
        "arn:aws:s3::123456789012:user/x",
        "arn:aws:iam::1:role/x",
    ] {
        let line = line.replace("arn:aws:iam::123456789012:user/team/x", arn);
        assert!(fault(&[HEADER, &line]).contains("`arn` is not an ARN"), "{arn}");
    }
}

#[test]
fn files_that_are_no_csv_are_named() {
    assert_eq!(sniff(b""), Err(NotCsv::Empty));
    assert_eq!(sniff(b"\n \n"), Err(NotCsv::Empty));
    assert_eq!(sniff(&[0x1f, 0x8b, 8, 0]), Err(NotCsv::Gzip));
    assert_eq!(sniff(b"PK\x03\x04..."), Err(NotCsv::Zip));
    assert_eq!(sniff(b"\n<!DOCTYPE html><html>"), Err(NotCsv::Html));
    assert_eq!(sniff(b"{\"Content\": \"dXNlcg==\"}"), Err(NotCsv::Json));
    assert_eq!(sniff(&[0xff, 0xfe, b'u', 0]), Err(NotCsv::Utf16));
    assert_eq!(sniff(HEADER.as_bytes()), Ok(()));
    assert_eq!(sniff(b"<root_account>,arn:"), Ok(()));
}

#[test]
fn a_plain_list_of_keys_is_read() {
    let rows = read(&[
        "Name,provider,Created,expires,last_used,owner,state,notes",
        "CI,github,2026-01-31,2027-01-31,never,ops@example.com,,x",
        "old one,stripe,,,,,revoked,",
        "deploy,openai,2025-05-05T10:00:00+02:00,,2026-11-01,,active,",
    ]);
    let keys: Vec<Key<'_>> =
        rows.into_iter().map(|row| row.unwrap().keys[0].clone().unwrap()).collect();
    assert_eq!(keys[0].label.as_deref(), Some("CI"));
    assert_eq!(keys[0].expires_at, Some(time("2027-01-31")));
    assert_eq!(keys[0].last_used, LastUse::Never { since: time("2026-01-31") });
    assert_eq!((keys[0].has_owner, keys[1].has_owner), (Some(true), None));
    assert_eq!((keys[1].state, keys[1].created_at), (State::Deactivated, None));
    assert!(matches!(keys[1].last_used, LastUse::Unknown { .. }));
    assert_eq!(keys[2].created_at, Some(time("2025-05-05T08:00:00Z")));
    assert_eq!(keys[2].last_used, LastUse::at(time("2026-11-01")));
}

#[test]
fn a_plain_list_is_refused_where_it_is_wrong() {
    let header = "provider,name,created,last_used,state";
    let first = |line: &str| fault(&[header, line]);
    assert!(first(",x,2026-01-01,,").starts_with("line 2, column 1: `provider` is empty"));
    assert!(
        first("github,x,31/01/2026,,")
            .starts_with("line 2, column 10: `created` is not a date, `31/01/2026`")
    );
    assert!(
        first("github,x,2026-01-01,soon,")
            .contains("`last_used` is not a date: expected a date such as 2026-11-24, never")
    );
    assert!(first("github,x,2026-01-01,,on fire").contains("`state` must be active"));
}
