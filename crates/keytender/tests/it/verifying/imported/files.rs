//! What a file may hold, and what is said of one that is wrong.

use serde_json::{Value, json};

use super::super::until;
use super::{Gate, KINDS, SECRET, file, is_good, kept_by, made};
use crate::Home;
use crate::databases::new_databases;

/// Faults as a line each.
fn faults(done: &Value) -> Vec<String> {
    let text = |fault: &Value| {
        let what = fault["what"].as_str().unwrap();
        format!("{}:{}: {what}", fault["line"], fault["column"])
    };
    done["faults"].as_array().unwrap().iter().map(text).collect()
}

const BAD: &str = "account,label,key,hash,algorithm,locator,scopes,created,enabled\n\
    globex,one,one.0123456789,,,,,2026-01-01,\n\
    ,two,two.0123456789,,,,,,\n\
    globex,three,short,,,,,,\n\
    globex,four,four.0123456789,sha256:00,,,,,\n\
    globex,five,,,,,,,\n\
    globex,six,,deadbeef,sha256,,,,\n\
    globex,seven,,$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW,,,,,\n\
    globex,eight,eight.0123456789,,,,orders read!,,\n\
    globex,nine,nine.0123456789,,,,,soon,\n\
    globex,ten,ten.0123456789,,,,,,perhaps\n\
    glo bex,eleven,eleven.0123456789,,,,,,\n\
    globex,twelve,twelve.0123456789,,,,,\n\
    \"globex\",\"thir\"\"teen\",one.0123456789,,,,,,\n\
    globex,fourteen,with space 0123456789,,,,,,\n";

#[test]
fn what_is_wrong_is_told_with_its_place_and_nothing_is_imported() {
    let expected = [
        "3:1: nobody says whose key this is",
        "4:14: a key of less than 8 letters can be guessed",
        "5:13: there are both a key and a hash",
        "6:1: there is neither a key nor a hash",
        "7:13: this is no sha256 digest in hexadecimal or base64",
        "8:15: a salted hash cannot be looked up without the part of the key that leads to it",
        "9:34: a scope has 1 to 64 letters, digits, and : . _ / * -",
        "10:33: `created` is no moment",
        "11:32: `enabled` is true or false",
        "12:1: a customer's name consists of letters, digits, and - _ . @",
        "13:37: the line has 8 fields, the header has 9",
        "14:23: this key is in the file twice",
        "15:17: a key has at most 512 visible letters of ASCII",
    ];
    for database in new_databases() {
        let gate = Gate::open(database);
        let count = || {
            gate.first().get("/v1/keys?side=issued").expect(200)["keys"].as_array().unwrap().len()
        };
        let before = count();
        let dry = gate.import(BAD, &json!({"dry_run": true}));
        assert_eq!(faults(&dry), expected);
        assert_eq!(
            (&dry["imported"], &dry["keys"], &dry["bad"]),
            (&json!(false), &json!(1), &json!(13))
        );
        let body = json!({"content": BAD, "locator": "before-first:."});
        let refused = gate.first().post("/v1/apis/acme/imports", &body).expect(422);
        let detail = refused["detail"].as_str().unwrap();
        assert!(
            detail.starts_with("13 rows are wrong, so nothing was imported: line 3"),
            "{detail}"
        );
        assert_eq!(count(), before);
        assert_eq!(gate.ask(0, "one.0123456789").status, 401);
        let done = gate.import(BAD, &json!({"skip_bad": true}));
        assert_eq!(
            (&done["imported"], &done["keys"], &done["bad"]),
            (&json!(true), &json!(1), &json!(13))
        );
        assert_eq!(count(), before + 1);
        until(|| gate.ask(0, "one.0123456789").status == 200);
        for fault in dry["faults"].as_array().unwrap() {
            let text = fault.to_string();
            assert!(!text.contains("0123456789") && !text.contains("deadbeef"), "{text}");
        }
    }
}

#[test]
fn a_list_of_json_is_read_with_its_places() {
    let gate = Gate::open(new_databases().remove(0));
    let content = "[\n  {\"account\": \"globex\", \"label\": \"one\", \"key\": \"one.0123456789\",\n   \
        \"scopes\": [\"a:read\", \"a:write\"], \"created\": 1714521600, \"enabled\": 1, \"app\": null},\n  \
        {\"account\": \"globex\", \"key\": \"short\"},\n  \"no object\",\n  \
        {\"account\": \"globex\", \"password\": \"x\"}\n]";
    let dry = gate.import(content, &json!({"dry_run": true}));
    let expected = [
        "4:32: a key of less than 8 letters can be guessed",
        "5:3: this is no object",
        "6:37: this is no column of an import",
    ];
    assert_eq!(faults(&dry), expected);
    gate.import(content, &json!({"skip_bad": true}));
    let seen = gate.labelled("one");
    assert_eq!(seen["created_at"], "2024-05-01T00:00:00Z");
    assert_eq!(seen["issued"]["scopes"], json!(["a:read", "a:write"]));
    for (content, fault) in [
        ("", "1:1: the file is empty"),
        ("{\"account\": 1}", "1:1: this is one object and no list of keys"),
        ("[{\"account\": \"globex\"", "1:21: the list ends before it is closed"),
        ("[1,\n 2,,]", "2:4: this is no JSON"),
        ("account,secret\nglobex,x\n", "1:9: this is no column of an import"),
        ("account,account\nglobex,x\n", "1:9: the column `account` is there twice"),
    ] {
        let done = gate.import(content, &json!({"dry_run": true}));
        assert_eq!(faults(&done), [fault], "{content}");
    }
}

#[test]
fn the_same_file_twice_adds_nothing_before_and_after_the_first_use() {
    for database in new_databases() {
        let gate = Gate::open(database);
        let keys: Vec<_> =
            KINDS.iter().map(|kind| ((*kind).to_owned(), *kind, made(kind))).collect();
        gate.bring(&keys);
        let again = || {
            let done = gate.import(&file(&keys), &json!({}));
            assert_eq!((&done["imported"], &done["keys"]), (&json!(true), &json!(0)), "{done}");
            assert_eq!(done["known"], KINDS.len());
        };
        again();
        for kind in KINDS {
            assert!(is_good(&gate, 0, "forward-auth", &made(kind)));
            until(|| gate.kept(kind) == "native");
        }
        again();
        // The key itself, of which an unsalted hash came before, is the same key.
        let raw: Vec<_> =
            ["sha256", "hmac-sha256"].map(|kind| (kind.to_owned(), "key", made(kind))).into();
        let done = gate.import(&file(&raw), &json!({}));
        assert_eq!((&done["keys"], &done["known"]), (&json!(0), &json!(2)), "{done}");
    }
}

#[test]
fn hashes_that_cannot_be_looked_up_are_refused_with_the_reason() {
    let gate = Gate::open(new_databases().remove(0));
    let bcrypt = kept_by("bcrypt", &made("one"));
    let import = |content: &str, said: Value| {
        let mut body = json!({"content": content, "dry_run": true});
        body.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
        let done = gate.first().post("/v1/apis/acme/imports", &body).expect(200);
        let fault = done["faults"][0].clone();
        format!(
            "{}; {}",
            fault["what"].as_str().unwrap(),
            fault["hint"].as_str().unwrap_or_default()
        )
    };
    let salted = format!("account,hash,locator\nglobex,{bcrypt},one\n");
    assert_eq!(
        import(&salted, json!({})),
        "a salted hash cannot be looked up: which part of a key leads to it?; \
         say it: --locator before-first:. with that part in the column `locator`"
    );
    let said = import(&salted.replace(",one", ",o.ne"), json!({"locator": "before-first:."}));
    assert!(said.starts_with("no key has this as the part that leads to its hash"), "{said}");
    let bare = format!("account,hash\nglobex,{}\n", "0".repeat(64));
    let said = import(&bare, json!({}));
    assert!(said.starts_with("this does not say how it was hashed"), "{said}");
    let said = import(&bare, json!({"hash": "hmac-sha256"}));
    assert!(said.starts_with("an HMAC is of no use without the secret"), "{said}");
    let many: String = (0..5)
        .map(|number| format!("globex,{},one\n", kept_by("bcrypt", &made(&number.to_string()))))
        .collect();
    let many = format!("account,hash,locator\n{many}");
    let said = import(&many, json!({"locator": "before-first:."}));
    assert!(said.starts_with("more than 4 keys have this locator"), "{said}");
    let token = gate.key(&json!({})).text;
    let said = import(&format!("account,key\nglobex,{token}\n"), json!({}));
    assert!(said.starts_with("this is a key that Keytender made"), "{said}");
}

#[test]
fn the_secret_of_an_issuer_stays_the_same() {
    let gate = Gate::open(new_databases().remove(0));
    gate.bring(&[("one".into(), "hmac-sha256", made("one"))]);
    let body = json!({"content": file(&[("two".into(), "hmac-sha256", made("two"))]),
                      "hmac_secret": "another", "locator": "before-first:."});
    let said = gate.first().post("/v1/apis/acme/imports", &body).expect(409);
    assert_eq!(said["detail"], "this API knows HMACs with another secret");
}

/// Here and at a server: the same words, and nothing that was in the file but what people may see.
#[test]
fn the_command_line_imports_from_a_file_and_from_stdin() {
    let there = Gate::open(new_databases().remove(0));
    let here = Home::new();
    assert_eq!(here.run(&["apis", "add", "acme"]).code, 0);
    assert_eq!(here.run(&["accounts", "add", "acme", "globex"]).code, 0);
    let client = there.first().home();
    let mut said = Vec::new();
    for home in [&here, &client] {
        let home_secret = home.write("secret", SECRET);
        std::fs::set_permissions(&home_secret, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .unwrap();
        let keys: Vec<_> =
            KINDS.iter().map(|kind| ((*kind).to_owned(), *kind, made(kind))).collect();
        home.write("keys.csv", file(&keys));
        home.write("bad.csv", BAD);
        let import = ["apis", "import", "acme", "--locator", "before-first:."];
        let secret = ["--hmac-secret", "file:secret"];
        let run = |words: &[&str]| {
            let ran = home.run(&[&import[..], &secret, words].concat());
            (ran.code, ran.stdout, ran.stderr)
        };
        let dry = run(&["keys.csv", "--dry-run"]);
        assert!(dry.1.starts_with("would import 8 keys into acme\n"), "{dry:?}");
        let bad = run(&["bad.csv"]);
        assert_eq!(bad.0, 1);
        assert!(
            bad.2.contains("bad.csv: line 3, column 1: nobody says whose key this is; fill"),
            "{bad:?}"
        );
        assert!(bad.2.contains("13 rows are wrong: nothing was imported"), "{bad:?}");
        let done = run(&["keys.csv"]);
        assert!(done.1.starts_with("imported 8 keys into acme\n"), "{done:?}");
        let again = run(&["keys.csv"]);
        assert!(again.1.contains("known       8 keys, which stay as they are"), "{again:?}");
        let csv = "account,key\nglobex,from-stdin-0123456789\n";
        let piped = home.run_with_input(&[&import[..], &["-", "--json"]].concat(), csv);
        assert_eq!(piped.json()["keys"], 1);
        let shown = home.run(&["apis", "show", "acme"]).stdout;
        assert!(shown.contains("  imported     argon2 whole before-first:.: 1 key\n"), "{shown}");
        let one = home.run(&["keys", "show", "bcrypt"]).stdout;
        let words =
            "begins with bcrypt; recognised by bcrypt whole before-first:. until its first use";
        assert!(one.contains(words), "{one}");
        let wrong = home.run(&["apis", "import", "acme", "keys.csv", "--hash", "bcrypt"]);
        assert_eq!(wrong.code, 2, "{}", wrong.stderr);
        for text in [&dry.1, &bad.1, &bad.2, &done.1, &again.1, &shown, &one, &piped.stdout] {
            assert!(!text.contains("Zq81bnVw") && !text.contains("0123456789"), "{text}");
        }
        said.push((dry, bad, done, again));
    }
    assert_eq!(said[0], said[1]);
    assert_nothing_is_kept(&here);
}

/// No key, no hash and no secret is in any file of an inventory.
fn assert_nothing_is_kept(home: &Home) {
    let folder = home.path().join(".local/share/keytender");
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        bytes.extend(std::fs::read(entry.unwrap().path()).unwrap());
    }
    let has = |text: &str| bytes.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(has("bcrypt"), "the labels are there");
    for kind in KINDS {
        let kept = kept_by(kind, &made(kind));
        let last = kept.rsplit(['$', ':']).next().unwrap();
        assert!(!has(&made(kind)) && !has("Zq81bnVw4tTd") && !has(last), "{kind}");
    }
    assert!(!has(SECRET));
}
