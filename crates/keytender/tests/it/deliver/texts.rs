//! Values in texts: what is replaced, what is added, what is refused, and that all else stays.

use std::fs;
use std::os::unix::fs::MetadataExt;

use keytender::deliver::Written;
use proptest::prelude::*;
use serde_json::json;

use super::{destination, env, field, file, names, read, write};
use crate::databases::block_on;

#[test]
fn a_value_is_replaced_as_it_was_written() {
    for (kind, old, new, text, wanted) in [
        ("env", "x", "y", "KEY=x", "KEY=y"),
        (
            "env",
            "x",
            "y",
            "# KEY=no\r\nexport KEY='x'\r\nB=1\r\n",
            "# KEY=no\r\nexport KEY='y'\r\nB=1\r\n",
        ),
        ("env", "x y", "z", "A=1\nKEY=\"x y\" # why\n", "A=1\nKEY=\"z\" # why\n"),
        ("env", "x", "a b", "KEY = x # why\n", "KEY = 'a b' # why\n"),
        ("env", "x", "it's", "KEY='x'\n", "KEY=\"it's\"\n"),
        ("env", "x", "y", "A=\"one\nKEY=no\n\"\nKEY=x\n", "A=\"one\nKEY=no\n\"\nKEY=y\n"),
        ("env", "one\ntwo", "y", "KEY=\"one\ntwo\"\nB=2", "KEY=\"y\"\nB=2"),
        ("env", "a#b", "y", "KEY=a#b\n", "KEY=y\n"),
        (
            "json",
            "x",
            "\"\\\n",
            "{ \"app\":{\"key\" : \"x\"}, \"n\":1.0 }",
            "{ \"app\":{\"key\" : \"\\\"\\\\\\n\"}, \"n\":1.0 }",
        ),
        (
            "yaml",
            "x",
            "w",
            "app: # of\n  key: x  # why\n  b: [1,  2]\r\n",
            "app: # of\n  key: w  # why\n  b: [1,  2]\r\n",
        ),
        ("yaml", "x", "true", "app: {key: x, b: 1}\n", "app: {key: 'true', b: 1}\n"),
        ("yaml", "x", "a'b", "app:\n  'key': 'x'", "app:\n  'key': 'a''b'"),
        (
            "yaml",
            "x",
            "a\"b",
            "---\napp:\n  key: \"x\"\n...\n",
            "---\napp:\n  key: \"a\\\"b\"\n...\n",
        ),
        (
            "toml",
            "x",
            "y",
            "# of\r\n[app] # it\r\nkey = 'x' # why\r\nb = 1",
            "# of\r\n[app] # it\r\nkey = 'y' # why\r\nb = 1",
        ),
        ("toml", "x", "a\"b", "app.key = \"x\"\n", "app.key = \"a\\\"b\"\n"),
        ("file", "x", "y", "x\r\n", "y\r\n"),
        ("file", "x", "y", "x", "y"),
    ] {
        let (folder, path) = file(text);
        let at = match kind {
            "env" => env(&path),
            "file" => destination(json!({"kind": "file", "path": path})),
            _ => field(kind, &path),
        };
        assert_eq!(read(&at).as_deref(), Some(old), "{text}");
        block_on(at.check()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(write(&at, Some("other"), new).unwrap(), Written::Foreign);
        assert_eq!(write(&at, None, new).unwrap(), Written::Foreign);
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
        assert_eq!(write(&at, Some(old), new).unwrap(), Written::Now, "{text}");
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
        assert_eq!(write(&at, Some(old), new).unwrap(), Written::Already);
        assert_eq!(names(&folder), ["settings"]);
    }
}

#[test]
fn what_is_not_there_is_added_where_it_can_be() {
    for (text, wanted) in [
        ("", "KEY=y\n"),
        ("A=1", "A=1\nKEY=y"),
        ("export A=1\r\n", "export A=1\r\nexport KEY=y\r\n"),
        ("KEY=\n", "KEY=y\n"),
    ] {
        let (_folder, path) = file(text);
        assert_eq!(read(&env(&path)), None);
        block_on(env(&path).check()).unwrap();
        assert_eq!(write(&env(&path), None, "y").unwrap(), Written::Now);
        assert_eq!(fs::read_to_string(&path).unwrap(), wanted);
    }
    let (folder, path) = file("");
    fs::remove_file(&path).unwrap();
    assert_eq!(read(&env(&path)), None);
    assert_eq!(write(&env(&path), Some("x"), "y").unwrap(), Written::Foreign);
    assert_eq!(names(&folder), Vec::<String>::new());
    assert_eq!(write(&env(&path), None, "y").unwrap(), Written::Now);
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    let (_folder, path) = file("{}");
    let said = write(&field("json", &path), None, "y").unwrap_err().report();
    assert!(said.contains("there is no `/app/key`") && said.contains("hint: add it"), "{said}");
}

#[test]
fn what_is_in_doubt_is_refused_with_its_line_and_without_the_value() {
    for (kind, text, why) in [
        ("env", "A=1\nKEY=s3cr$t\n", "line 2: the value of `KEY` means one thing to a shell"),
        ("env", "KEY=\"s3cr`t\"\n", "line 1: the value of `KEY` means"),
        ("env", "KEY='s3cr", "line 1: the value of `KEY` has a quote that never closes"),
        ("env", "KEY='s3cr'; A=1\n", "line 1: the value of `KEY` is followed by something else"),
        ("env", "KEY=s3cr\n\nKEY=s3cr\n", "line 3: `KEY` is set a second time"),
        ("json", "{\n\"app\": s3cr}", "line 2: this is no JSON"),
        ("json", "{\"app\":\n{\"key\": [\"s3cr\"]}}", "line 2: `/app/key` is no text"),
        (
            "json",
            "{\"app\":{\"key\":\"s3cr\",\n\"key\":\"s3cr\"}}",
            "line 2: `/app/key` is there twice",
        ),
        ("yaml", "app:\n  key: |\n    s3cr\n", "`/app/key` is a block"),
        ("yaml", "app:\n  key: 0123\n", "line 2: `/app/key` is no text"),
        ("yaml", "a: &a s3cr\napp:\n  key: *a\n", "line 3: `/app/key` is an alias"),
        ("yaml", "a: [s3cr\n", "this is no YAML"),
        ("toml", "[app]\nkey = s3cr\n", "line 2: this is no TOML"),
        ("toml", "[app]\nkey = 7\n", "line 2: `/app/key` is no text"),
    ] {
        let (_folder, path) = file(text);
        let at = if kind == "env" { env(&path) } else { field(kind, &path) };
        for said in [
            block_on(at.read()).map(|_| ()).unwrap_err().report(),
            block_on(at.check()).unwrap_err().report(),
            write(&at, Some("s3cr"), "y").unwrap_err().report(),
        ] {
            assert!(said.contains(why), "{text}: {said}");
            assert!(!said.contains("s3cr") && said.contains("settings"), "{said}");
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 40, ..ProptestConfig::default() })]

    #[test]
    fn nothing_beside_the_value_changes(
        before in proptest::collection::vec("[ -~]{0,20}", 0..5),
        after in proptest::collection::vec("[ -~éü]{0,20}", 0..5),
        value in "[ -~]{0,30}[A-Za-z0-9]",
        (end, last) in (prop_oneof![Just("\n"), Just("\r\n")], any::<bool>()),
        quote in prop_oneof![Just("'"), Just("\"")],
    ) {
        prop_assume!(value != "old");
        let lines = |lines: &[String], make: &dyn Fn(usize, &str) -> String| -> String {
            lines.iter().enumerate().map(|(at, line)| make(at, line) + end).collect()
        };
        let hash = |_: usize, line: &str| format!("# {line}");
        let plain = |at: usize, line: &str| format!("k{at} = {}", json!(line));
        let colon = |at: usize, line: &str| format!("  k{at}:  {} # {line}", json!(line));
        let json_line = |at: usize, line: &str| format!("  \"k{at}\" :{},", json!(line));
        let open = if last { end } else { "" };
        let documents = [
            ("env", format!("{}{}KEY={quote}", lines(&before, &hash), lines(&before, &|at, line| {
                format!("V{at}='{}'", line.replace(['\'', '\\'], ""))
            })), format!("{quote} # why{end}{}{open}", lines(&after, &hash).trim_end_matches(end))),
            ("json", format!("{{{end}{}\"app\": {{\"key\":", lines(&before, &json_line)),
                format!("}}, \"z\": 1.50{end}}}{open}")),
            ("yaml", format!("app:{end}{}  key: {quote}", lines(&before, &colon)),
                format!("{quote} # why{end}other:{end}{}", lines(&after, &colon))),
            ("toml", format!("{}[app]{end}key = {quote}", lines(&before, &plain)),
                format!("{quote} # why{end}{}{open}", lines(&after, &plain))),
        ];
        for (kind, mut head, mut tail) in documents {
            let mut whole = format!("{head}old{tail}");
            if kind == "json" {
                whole = format!("{head}\"old\"{tail}");
            } else {
                // The quotes may change with the value.
                head.pop();
                tail.remove(0);
            }
            let (_folder, path) = file(&whole);
            let at = if kind == "env" { env(&path) } else { field(kind, &path) };
            prop_assert_eq!(read(&at), Some("old".to_owned()), "{}", whole);
            match write(&at, Some("old"), &value) {
                Ok(done) => {
                    prop_assert_eq!(done, Written::Now);
                    let now = fs::read_to_string(&path).unwrap();
                    prop_assert!(now.starts_with(&head) && now.ends_with(&tail), "{}\n{}", whole, now);
                    prop_assert_eq!(read(&at), Some(value.clone()));
                }
                Err(error) => {
                    prop_assert!(kind == "env" && value.contains(['$', '`']), "{}", error.report());
                    prop_assert_eq!(fs::read_to_string(&path).unwrap(), whole);
                }
            }
        }
    }
}
