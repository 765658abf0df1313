//! The help: on one screen, in groups, and complete.

use crate::Home;

#[test]
fn the_help_fits_a_screen_of_24_lines_and_80_columns() {
    let help = Home::new().run(&["--help"]);
    assert_eq!(help.code, 0);
    assert!(help.stdout.lines().count() <= 24, "{}", help.stdout);
    assert!(help.stdout.lines().all(|line| line.chars().count() <= 80), "{}", help.stdout);
}

#[test]
fn the_help_groups_every_command_and_has_no_other() {
    let home = Home::new();
    let help = home.run(&["--help"]).stdout;
    let groups = help.split("Options:").next().unwrap();
    let named: Vec<&str> = groups
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split("  ").next())
        .flat_map(|names| names.split(", "))
        .collect();
    // The completions list every command that the parser knows.
    let completions = home.run(&["completions", "bash"]).stdout;
    let known: std::collections::BTreeSet<&str> = completions
        .lines()
        .filter_map(|line| line.trim().strip_prefix("keytender,"))
        .filter_map(|line| line.strip_suffix(')'))
        .collect();
    assert_eq!(named.iter().copied().collect::<std::collections::BTreeSet<_>>(), known);
}

#[test]
fn wrong_usage_is_exit_code_2_and_says_what_is_right() {
    let home = Home::new();
    for words in [
        vec!["audti"],
        vec!["audit", "--format", "xml"],
        vec!["audit", "--as-of", "yesterday", "x.csv"],
        vec!["audit", "--fail-on", "severe", "x.csv"],
        vec!["audit", "aws", "--fresh", "--report-only"],
        vec!["audit", "aws", "aws"],
        vec!["audit", "--format", "json", "--explain", "-"],
        vec!["audit", "--format", "json"],
        vec!["audit", "--fail-on", "high"],
    ] {
        let ran = home.run(&words);
        assert_eq!(ran.code, 2, "{words:?}: {}", ran.stderr);
        assert!(ran.stdout.is_empty(), "{words:?}");
        assert!(ran.stderr.starts_with("error: "), "{words:?}: {}", ran.stderr);
    }
}
