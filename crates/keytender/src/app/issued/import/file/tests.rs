//! Files of either form, and of none.

use proptest::prelude::*;

use super::*;

fn texts(read: &Read) -> Vec<Vec<(&'static str, String)>> {
    let cells = |row: &Row| {
        row.cells.iter().map(|(column, cell)| (column.as_str(), cell.text().to_owned())).collect()
    };
    read.rows.iter().map(cells).collect()
}

/// Faults as a line each.
fn faults(content: &[u8]) -> Vec<String> {
    let faults = match read(content) {
        Ok(read) => read.faults,
        Err(fault) => vec![fault],
    };
    let text = |fault: &Fault| {
        let view = fault.view(content);
        format!("{}:{}: {}", view.line, view.column, view.what)
    };
    faults.iter().map(text).collect()
}

#[test]
fn both_forms_are_read_alike() {
    let csv = "Account, key ,scopes,enabled\nglobex,\"a,\"\"b\"\"c12345\",a b,1\n\ninitech,,,\n";
    let json = "[{\"account\": \"globex\", \"key\": \"a,\\\"b\\\"c12345\", \"scopes\": [\"a\", \"b\"], \
                \"enabled\": 1}, {\"account\": \"initech\", \"key\": null}]";
    let (csv, json) = (read(csv.as_bytes()).unwrap(), read(json.as_bytes()).unwrap());
    assert_eq!(texts(&csv), texts(&json));
    assert_eq!(csv.rows.len(), 2);
    assert!(!csv.has_uses && !json.has_uses);
    assert!(read(b"key,last_used\n").unwrap().has_uses);
    assert!(read(b"[{\"last_used\": null}]").unwrap().has_uses);
}

#[test]
fn places_are_counted_in_letters() {
    assert_eq!(
        faults("key,label\nä,ö,ü\n".as_bytes()),
        ["2:5: the line has 3 fields, the header has 2"]
    );
    assert_eq!(
        faults("[\n {\"label\": \"ä\", \"key\": {}}]".as_bytes()),
        ["2:24: `key` is no text, number or list of texts"]
    );
    assert_eq!(
        faults(b"key\n\"open\n"),
        ["2:1: a quote is opened in this record and never closed"]
    );
    assert_eq!(faults(b"[\"\xff\"]"), ["1:3: the bytes here are not UTF-8 text"]);
    assert_eq!(
        faults(b"label,key\nx,a\x07b\n"),
        ["2:3: `key` is longer than 8192 bytes, or not one line"]
    );
}

proptest! {
    /// Whatever comes in, it is read or refused, with a place that is there.
    #[test]
    fn any_bytes_are_a_file_or_none(content in "(key,account\n|\\[)?[\\[\\]{}\":,a-z0-9 \néü]{0,80}") {
        let lines = u64::try_from(content.lines().count()).unwrap() + 1;
        let found = match read(content.as_bytes()) {
            Ok(read) => read.faults,
            Err(fault) => vec![fault],
        };
        for fault in found {
            let view = fault.view(content.as_bytes());
            prop_assert!((1..=lines).contains(&view.line) && view.column > 0, "{view:?}");
        }
    }

    /// What a library writes as CSV or JSON comes out again.
    #[test]
    fn what_is_written_is_read(cells in prop::collection::vec("[a-zA-Z0-9,\"' .:$]{0,20}", 1..8)) {
        let quoted = |text: &String| format!("\"{}\"", text.replace('"', "\"\""));
        let csv: String =
            cells.iter().map(|cell| format!("globex,{}\n", quoted(cell))).collect();
        let csv = read(format!("account,label\n{csv}").as_bytes()).unwrap();
        let json: Vec<_> = cells
            .iter()
            .map(|cell| serde_json::json!({"account": "globex", "label": cell}))
            .collect();
        let json = serde_json::to_string(&json).unwrap();
        let json = read(json.as_bytes()).unwrap();
        prop_assert_eq!(texts(&csv), texts(&json));
        let labels: Vec<&str> =
            csv.rows.iter().map(|row| row.text(Column::Label).unwrap_or_default()).collect();
        let expected: Vec<&str> = cells.iter().map(|cell| cell.trim()).collect();
        prop_assert_eq!(labels, expected);
    }
}
