//! The table of the stages, and the guide's picture of it.

use keytender_core::rotation::{Stage, table};

#[test]
fn each_stage_has_its_row_and_an_end_has_nothing_after_it() {
    for (stage, row) in Stage::ALL.into_iter().zip(table::ROWS) {
        assert_eq!(row.stage, stage);
        assert_eq!(row.next.is_empty(), stage.is_ended(), "{stage:?}");
    }
}

const BEGIN: &str = "<!-- stages: made by the test of rotation/table.rs -->\n";
const END: &str = "<!-- stages: end -->";

/// The picture and the table of the guide.
fn drawn() -> String {
    let mut text = String::from("```mermaid\nstateDiagram-v2\n    [*] --> planned\n");
    for row in table::ROWS {
        for next in row.next {
            text.push_str(&format!("    {} --> {}\n", name(row.stage), name(*next)));
        }
        if row.next.is_empty() {
            text.push_str(&format!("    {} --> [*]\n", name(row.stage)));
        }
    }
    text.push_str("```\n\n| stage | written before the call | the call | if its answer is lost |\n|---|---|---|---|\n");
    for row in table::ROWS {
        let table::Row { stage, written, call, lost, .. } = row;
        text.push_str(&format!("| `{}` | {written} | {call} | {lost} |\n", stage.as_str()));
    }
    text
}

/// The word of a stage, as Mermaid takes it.
fn name(stage: Stage) -> String {
    stage.as_str().replace('-', "_")
}

#[test]
fn the_guide_shows_the_stages_as_they_are() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/guide/rotation.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("KEYTENDER_TEST_ACCEPT").is_some() {
        std::fs::write(path, format!("{before}{BEGIN}{}{END}{after}", drawn())).unwrap();
        return;
    }
    assert_eq!(shown, drawn());
}
