//! The rest of the command line prints the same beside the inventory and at a server.

use crate::api_keys::{offices_at, printed};

const OWN: &str = "[[rule]]\nid = \"old\"\nwhen = { state = \"active\", age_over = \"30d\" }\n\
                   severity = \"high\"\naction = \"rotate\"\ntitle = \"Old\"\nhelp = \"Rotate it.\"\n";

const LINES: [&str; 50] = [
    "owners add platform --address platform@example.com --time-zone Europe/Berlin",
    "owners add platform --address other@example.com",
    "owners add other --address nowhere",
    "owners set platform --address team@example.com",
    "owners set platform --time-zone Moon/Base",
    "owners set nobody --address x@example.com",
    "owners claim platform --principal dep*",
    "owners claim platform --tag team",
    "owners claim platform --tag team=data",
    "owners claim platform --account nowhere --remove",
    "owners list",
    "owners list --json",
    "policy show --inventory",
    "policy use own.toml",
    "policy use broken.toml",
    "policy show --inventory",
    "keys list --side held --due",
    "policy use default",
    "report --account prod",
    "report --account prod --format json",
    "report --account prod --format aws",
    "report --account nowhere --format aws",
    "report --format aws",
    "report --account prod --at 2020-01-01",
    "report --at 2999-01-01",
    "report --compare 2020-01-01 2020-01-02",
    "report --compare 2020-01-02 2020-01-01 --format json",
    "users add mia --role operator --address mia@example.com",
    "users add mia --role auditor",
    "users add eve --role owner",
    "users add eve --role owner --owner platform",
    "users list",
    "users set mia --role auditor --suspended yes",
    "users set mia",
    "users list --json",
    "owners remove platform --yes",
    "users remove eve --yes",
    "owners remove platform --yes",
    "tokens list mia",
    "tasks run nothing",
    "catalog list",
    "catalog import apis.yml",
    "catalog list --without-keys",
    "catalog show parcels.example",
    "catalog show nobody",
    "catalog list --indexes",
    "catalog export --name Ours",
    "catalog check apis.yml",
    "catalog remove apis.yml --yes",
    "catalog remove apis.yml --yes",
];

#[test]
fn the_rest_of_the_command_line_prints_the_same_here_and_at_a_server() {
    let now = keytender::clock::now();
    for (here, there) in offices_at(now).into_iter().zip(offices_at(now)) {
        let client = there.server.home();
        for home in [&here.home, &client] {
            home.write("own.toml", OWN);
            home.write("apis.yml", crate::catalog::USED);
            home.write("broken.toml", "[[rule]]\nid = 1\n");
        }
        let mut codes = Vec::new();
        for line in LINES {
            let words: Vec<&str> = line.split(' ').collect();
            let (one, other) = (here.home.run(&words), client.run(&words));
            assert_eq!(printed(&one), printed(&other), "{line}");
            codes.push(one.code);
        }
        for code in [0, 1, 2] {
            assert!(codes.contains(&code), "{code}: {codes:?}");
        }
        // Who acted and from where is told as it was, so the logs differ in that alone.
        let verbs = |home: &crate::Home| -> Vec<String> {
            let acts = home.run(&["log", "--json", "--limit", "1000"]).json();
            let acts = acts["acts"].as_array().unwrap().clone();
            let mut verbs: Vec<String> =
                acts.iter().map(|act| format!("{} {}", act["verb"], act["stage"])).collect();
            // Acts of one moment stand in no order.
            verbs.sort();
            verbs
        };
        assert_eq!(verbs(&here.home), verbs(&client));
        assert_eq!(client.run(&["log", "verify"]).code, 0);
        let token = client.run(&["tokens", "create", "mia", "--expires", "never"]);
        assert!(token.stdout.starts_with("keytender_live_"), "{}", token.stderr);
        assert!(client.run(&["tokens", "list", "mia"]).stdout.contains("never"));
        assert!(client.run(&["tasks", "list"]).stdout.contains("evaluate"));
    }
}
