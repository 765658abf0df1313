//! Damaged files: each gets an error with file, line and column, and hides no other.

use crate::{AS_OF, Home, example};

/// The header of the example and the line of its user deploy.
fn header_and_line() -> (String, String) {
    let text = example();
    let line = text.lines().find(|line| line.starts_with("deploy,")).unwrap().to_owned();
    (text.lines().next().unwrap().to_owned(), line)
}

#[test]
fn a_file_that_is_no_report_is_refused_with_its_place() {
    let (header, line) = header_and_line();
    let cases: [(&str, Vec<u8>, &str); 9] = [
        ("blank.csv", vec![b'\n'; 1_000], "blank.csv: the file is empty"),
        ("empty.csv", vec![], "empty.csv: line 1, column 1: the file is empty"),
        (
            "page.csv",
            b"<!DOCTYPE html><html>".to_vec(),
            "page.csv: line 1, column 1: this is an HTML page",
        ),
        ("packed.csv", vec![0x1f, 0x8b, 8, 0], "packed.csv: line 1, column 1: this is a gzip file"),
        (
            "other.csv",
            b"a,b,c\n1,2,3\n".to_vec(),
            "other.csv: line 1, column 1: this is not the header of a report",
        ),
        (
            "answer.csv",
            b"{\"Content\":\"\"}".to_vec(),
            "answer.csv: line 1, column 1: this is JSON",
        ),
        (
            "wide.csv",
            "user".encode_utf16().flat_map(u16::to_be_bytes).collect(),
            "wide.csv: line 1, column 1: there is a NUL byte",
        ),
        (
            "nul.csv",
            format!("\0{header}\n{line}").into_bytes(),
            "nul.csv: line 1, column 1: there is a NUL byte",
        ),
        (
            "cut.csv",
            header.as_bytes()[..40].to_vec(),
            "cut.csv: line 1, column 41: the header has no column `access_key_1_active`",
        ),
    ];
    for (name, bytes, expected) in cases {
        let home = Home::new();
        home.write(name, bytes);
        let ran = home.run(&["audit", name]);
        assert_eq!(ran.code, 1, "{name}");
        assert!(ran.stdout.is_empty(), "{name}: {}", ran.stdout);
        assert!(ran.stderr.starts_with(&format!("error: {expected}")), "{name}: {}", ran.stderr);
    }
}

#[test]
fn a_bad_row_is_reported_and_the_others_are_audited() {
    let (header, line) = header_and_line();
    let rows: [(&str, Vec<u8>, String); 4] = [
        (
            "cut line",
            line.as_bytes()[..50].to_vec(),
            "line 3, column 51: the line is cut off".to_owned(),
        ),
        (
            "bad date",
            line.replacen("2020-06-15T12:00:04Z", "2020-06-31T12:00:04Z", 1).into_bytes(),
            "line 3, column 99: `access_key_1_last_rotated` is not a date, `2020-06-31T12:00:04Z`"
                .to_owned(),
        ),
        (
            "not UTF-8",
            [b"de\xff", &line.as_bytes()[2..]].concat(),
            "line 3, column 3: the bytes here are not UTF-8".to_owned(),
        ),
        (
            "NUL",
            [b"de\0", &line.as_bytes()[2..]].concat(),
            "line 3, column 3: there is a NUL byte".to_owned(),
        ),
    ];
    for (what, bad, expected) in rows {
        let home = Home::new();
        let text = [header.as_bytes(), line.as_bytes(), &bad, line.as_bytes()].join(&b'\n');
        home.write("report.csv", text);
        let ran = home.run(&["audit", "report.csv", "--format", "json", "--as-of", AS_OF]);
        let json = ran.json();
        assert_eq!(json["summary"]["due"], 2, "{what}");
        let warning = json["sources"][0]["warnings"][0].as_str().unwrap();
        assert!(warning.starts_with(&expected), "{what}: {warning}");
        assert!(ran.stderr.contains(&format!("warning: report.csv: {expected}")), "{}", ran.stderr);
        let strict = home.run(&["audit", "report.csv", "--strict", "--as-of", AS_OF]);
        assert_eq!(strict.code, 1, "{what}");
        assert!(strict.stdout.contains("2 of 2 keys are due"), "{what}: {}", strict.stdout);
    }
}

#[test]
fn a_file_full_of_bad_rows_says_so_briefly() {
    let (header, line) = header_and_line();
    let mut text = header;
    for _ in 0..5_000 {
        text.push_str("\ncut,line");
    }
    text.push('\n');
    text.push_str(&line);
    let home = Home::new();
    home.write("report.csv", text);
    let ran = home.run(&["audit", "report.csv", "--format", "json", "--as-of", AS_OF]);
    let warnings = ran.json()["sources"][0]["warnings"].as_array().unwrap().clone();
    assert_eq!(warnings.len(), 1001);
    assert_eq!(warnings[1000], "and 4000 more lines that cannot be read");
    assert_eq!(ran.stderr.lines().count(), 11, "{}", ran.stderr);
}

#[test]
fn one_unreadable_source_does_not_hide_the_others() {
    let (header, line) = header_and_line();
    let home = Home::new();
    home.write("good.csv", format!("{header}\n{line}"));
    home.write("bad.csv", "");
    let ran = home.run(&["audit", "bad.csv", "good.csv", "--as-of", AS_OF]);
    assert_eq!(ran.code, 1);
    assert!(ran.stdout.contains("deploy/1"), "{}", ran.stdout);
    assert!(ran.stderr.contains("error: bad.csv: line 1, column 1: the file is empty"));
    assert!(
        ran.stderr
            .ends_with("1 of 2 sources could not be read; what is said above is of the others\n")
    );
}

#[test]
fn a_source_that_does_not_exist_says_what_is_possible() {
    let ran = Home::new().run(&["audit", "nowhere.csv"]);
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr
            .starts_with("error: there is no file `nowhere.csv`\nhint: name a credential report")
    );
}

#[test]
fn escape_sequences_in_names_never_reach_the_terminal() {
    let (header, line) = header_and_line();
    let home = Home::new();
    home.write(
        "report.csv",
        format!("{header}\n{}", line.replace("deploy,arn", "\u{1b}[2Jdeploy\u{202e},arn")),
    );
    for words in [vec![], vec!["--explain", "--principals"]] {
        let ran = home.run(&[vec!["audit", "report.csv", "--as-of", AS_OF], words].concat());
        assert!(!ran.stdout.contains(['\u{1b}', '\u{202e}']), "{}", ran.stdout);
        assert!(ran.stdout.contains("\\u{1b}[2Jdeploy\\u{202e}"), "{}", ran.stdout);
    }
}
