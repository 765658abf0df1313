use super::*;

fn warned(text: &str) -> Vec<(usize, String)> {
    let warnings = read(text).unwrap().warnings;
    warnings.into_iter().map(|one| (one.place.line, one.message)).collect()
}

fn faults(text: &str) -> Vec<String> {
    let checked = check(text).unwrap();
    let line = |one: &Remark| {
        format!(
            "{}:{} {}: {}; {}",
            one.place.line, one.place.column, one.member, one.message, one.hint
        )
    };
    checked.faults.iter().map(line).collect()
}

const GOOD: &str = r#"{
  "name": "Harbour",
  "description": "The harbour's APIs",
  "url": "https://harbour.example/apis.json",
  "specificationVersion": "0.23",
  "tags": [],
  "maintainers": [{"FN": "Ann"}],
  "apis": [{
    "name": "Berths", "description": "Where ships lie", "image": "",
    "baseURL": "https://api.harbour.example", "humanURL": "https://harbour.example",
    "properties": [{"type": "APIKeys", "url": "https://harbour.example/keys"}]
  }]
}"#;

#[test]
fn a_good_index_is_read_without_a_word_and_is_valid() {
    let found = read(GOOD).unwrap();
    assert_eq!(found.warnings, []);
    let api = &found.index.apis[0];
    assert_eq!((api.name.as_str(), api.place.line), ("Berths", 8));
    assert_eq!(api.properties[0].lead(), Some(Lead::ApiKeys));
    assert!(check(GOOD).unwrap().is_valid());
    assert_eq!(check(GOOD).unwrap().notes, []);
}

#[test]
fn what_is_odd_is_said_with_its_place_and_the_rest_is_read() {
    let text = "name: Dirty\nurl: https://dirty.example\nspecificationVersion: 0.14\nmaintainers:\n  FN: Ann\n\
                colour: red\napis:\n- name: One\n  description: null\n  baseURL: https://one.example\n  \
                properties:\n  - type: Getting startd\n    url: https://one.example/start\n  - type: Blog\n\
                - just a text\n- name: Two\n";
    let found = read(text).unwrap();
    let names: Vec<_> = found.index.apis.iter().map(|api| api.name.as_str()).collect();
    assert_eq!(names, ["One", "Two"]);
    assert_eq!(found.index.maintainers[0].name, "Ann");
    assert_eq!(
        warned(text),
        [
            (3, "it is a number, and taken as a text".to_owned()),
            (3, "it is of version 0.14; 0.23 is the latest that is known".to_owned()),
            (5, "it is an object, and taken as a list of one".to_owned()),
            (6, "an index has no member `colour`; it is not read".to_owned()),
            (9, "it is empty (null)".to_owned()),
            (12, "`Getting startd` is no type of 0.23".to_owned()),
            (14, "it has no `type` or no `url`, and leads nowhere".to_owned()),
            (15, "an API is an object, and this is a text".to_owned()),
            (16, "it says neither what calls begin with nor where its home page is".to_owned()),
        ]
    );
}

#[test]
fn what_stands_before_a_mistake_is_read() {
    let found =
        read("name: Half\napis:\n- name: One\n  baseURL: https://one.example\n- name: \"Two\n")
            .unwrap();
    assert_eq!(found.index.apis[0].name, "One");
    assert!(found.warnings.iter().any(|one| one.message.contains("only what stands before")));
    let cut = GOOD.strip_suffix("    \"properties\": [{\"type\": \"APIKeys\", \"url\": \"https://harbour.example/keys\"}]\n  }]\n}");
    let cut = cut.unwrap();
    assert_eq!(read(cut).unwrap().index.maintainers[0].name, "Ann");
    assert!(!check(cut).unwrap().is_valid());
}

#[test]
fn letters_that_json_writes_in_halves_are_read() {
    let text = GOOD.replace("Berths", r"Berths \ud83d\ude80");
    assert_eq!(read(&text).unwrap().index.apis[0].name, "Berths 🚀");
    assert!(check(&text).unwrap().is_valid());
}

#[test]
fn json_that_only_yaml_understands_is_told() {
    let text = GOOD.replace("\"tags\": [],", "\"tags\": [,],");
    assert!(!check(&text).unwrap().is_valid());
    let text = GOOD.replace("\"tags\": [],", "\"tags\": [\"ships\",],");
    let checked = check(&text).unwrap();
    assert!(checked.is_valid(), "{checked:?}");
    assert_eq!((checked.notes.len(), checked.notes[0].place.line), (1, 6));
}

#[test]
fn letters_that_were_lost_are_told() {
    let text = GOOD.replace("harbour's", "h\u{fffd}fen");
    assert_eq!(warned(&text), [(3, "some letters are not UTF-8 and lost".to_owned())]);
}

#[test]
fn an_index_of_one_api_without_a_list_is_that_api() {
    let found =
        read("name: IAM\nbaseURL: https://iam.example\nproperties:\n- {type: Console, url: /c}\n")
            .unwrap();
    assert_eq!(found.index.apis[0].base_url, "https://iam.example");
    assert_eq!(found.index.apis[0].properties[0].lead(), Some(Lead::Console));
}

#[test]
fn each_fault_has_its_place_and_says_what_to_do() {
    let text = GOOD
        .replace("\"image\": \"\",", "")
        .replace("\"APIKeys\"", "\"API Kees\"")
        .replace("\"tags\": []", "\"x-common\": [], \"position\": \"Selling\"")
        .replace("0.23\"", "0.23\", \"rating\": 5");
    assert_eq!(
        faults(&text),
        [
            "1:1 tags: an index needs it, and it is not there; add the list, `[]` if there is nothing",
            "5:45 rating: it is a text, and this is a number; put it in quotes",
            "6:3 x-common: an index has no such member; call it `common`",
            "6:31 position: `Selling` is none of its words; write one of Producing, Consuming",
            "8:12 apis[0].image: an API needs it, and it is not there; add the address of a picture; an empty \
             text is taken too",
            "11:29 apis[0].properties[0].type: `API Kees` is no type of 0.23; write `APIKeys`",
        ]
    );
}

#[test]
fn no_text_is_too_much() {
    let million = format!("{{\"apis\":[{}{{}}]}}", "{},".repeat(1_000_000));
    let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
    let deep_yaml: String = (0..200).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..20 {
        let before = format!("*a{}", level - 1);
        bomb.push_str(&format!("a{level}: &a{level} [{}]\n", vec![before; 10].join(",")));
    }
    let long =
        format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1_000_000), vec!["*a"; 1_000].join(","));
    let large = "x".repeat(MAX_BYTES + 1);
    for text in [million, deep, deep_yaml, bomb, long, large] {
        let fault = read(&text).unwrap_err();
        assert!(check(&text).is_err() || fault.message.contains("neither"), "{fault}");
    }
    let within = "a: &a [*a]\nname: Within itself\n";
    assert_eq!(read(within).unwrap().index.name, "Within itself");
}

#[test]
fn words_are_known_however_they_are_spelled() {
    for (kind, lead) in [
        ("APIKeys", Lead::ApiKeys),
        ("API Keys", Lead::ApiKeys),
        ("x-api-keys", Lead::ApiKeys),
        ("X-signup", Lead::SignUp),
        ("x-selfservice-registration", Lead::SignUp),
        ("Sign Up", Lead::SignUp),
        ("x-authentication-overview", Lead::Authentication),
        ("Login", Lead::Login),
        ("OpenIDConnect", Lead::OAuth),
    ] {
        assert_eq!(Lead::of(kind), Some(lead), "{kind}");
    }
    assert_eq!(Lead::of("Blog"), None);
    assert_eq!(words::meant("Rate Limits"), "RateLimits");
    assert_eq!(words::meant("Fine-Tuning"), "x-fine-tuning");
}

#[test]
fn what_is_written_is_valid_whatever_it_holds() {
    let mut index = Index::new("", "", "https://we.example/apis.json");
    assert!(check(&index.to_json()).unwrap().is_valid());
    index.name = "🚀".repeat(80);
    index.position = Some("Consuming".to_owned());
    index.tags = vec![String::new()];
    let mut api = Api { base_url: "{host}".to_owned(), ..Api::default() };
    api.tags = vec![String::new(), "x".to_owned()];
    api.properties = vec![
        Property::new("What is it", "https://x.example"),
        Property::new("Console", ""),
        Property { description: Some("abc".to_owned()), ..Property::new("Login", "/login") },
    ];
    index.apis = vec![api];
    index.common = vec![Property::new("", "https://x.example")];
    index.include = vec![Include::default()];
    index.maintainers =
        vec![Contact::default(), Contact { name: "A\u{1b}".to_owned(), ..Contact::default() }];
    let json = index.to_json();
    let checked = check(&json).unwrap();
    assert!(checked.is_valid(), "{checked:?}");
    assert_eq!(read(&json).unwrap().index.apis[0].properties.len(), 2);
}
