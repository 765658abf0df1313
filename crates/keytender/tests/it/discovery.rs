//! `keytender audit` without a source: what is here, without the network.

use crate::{Home, example};

#[test]
fn what_lies_in_the_usual_places_is_found_by_name() {
    let home = Home::new();
    home.write(
        ".aws/config",
        "[default]\nregion = eu-west-1\n[profile prod]\n[sso-session corp]\n[services x]\n",
    );
    home.write(
        ".aws/credentials",
        "[legacy one]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n[dev]\n",
    );
    home.write(
        ".config/gh/hosts.yml",
        "github.com:\n    user: kim\n    oauth_token: gho_secret\nghe.example.com:\n",
    );
    home.write(".env", "STRIPE_SECRET_KEY=sk_live_verysecret\nPORT=8080\nexport GITHUB_TOKEN=\"ghp_x\"\n# API_KEY=1\nEMPTY_KEY=\n");
    let example = example();
    home.write("my report.csv", example);
    home.write("other.csv", "a,b\n1,2\n");
    let ran = home.run(&["audit"]);
    assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
    for expected in [
        "AWS profiles    default, dev, prod\n",
        "GitHub login    github.com, ghe.example.com\n",
        ".env file       .env, 2 settings named like a key\n",
        "reports         my report.csv\n",
        "keytender audit 'my report.csv'",
        "keytender audit aws:default aws:dev aws:prod",
    ] {
        assert!(ran.stdout.contains(expected), "{expected}: {}", ran.stdout);
    }
    for secret in ["verysecret", "gho_secret", "ghp_x", "AKIAIOSFODNN7EXAMPLE"] {
        assert!(!ran.stdout.contains(secret), "{secret}");
    }
}

#[test]
fn credentials_in_the_environment_are_named_by_their_variable() {
    let home = Home::new().with("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE");
    let ran = home.run(&["audit"]);
    assert!(
        ran.stdout.contains("credentials in the environment (AWS_ACCESS_KEY_ID)"),
        "{}",
        ran.stdout
    );
    assert!(ran.stdout.contains("keytender audit aws "), "{}", ran.stdout);
    assert!(!ran.stdout.contains("AKIAIOSFODNN7EXAMPLE"));
}

#[test]
fn where_nothing_is_known_the_next_command_is_still_named() {
    let ran = Home::new().run(&["audit"]);
    assert_eq!(ran.code, 0);
    assert!(ran.stdout.starts_with("Nothing to audit was found here"), "{}", ran.stdout);
    assert!(ran.stdout.contains("keytender audit credential-report.csv"), "{}", ran.stdout);
    assert!(ran.stdout.contains("keytender audit keys.csv"), "{}", ran.stdout);
}
