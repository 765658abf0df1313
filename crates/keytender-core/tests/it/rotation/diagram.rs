//! The table of the stages, and the guide's picture of it.

use keytender_core::rotation::{Stage, table};

#[test]
fn each_stage_has_its_row_and_an_end_has_nothing_after_it() {
    for (stage, row) in Stage::ALL.into_iter().zip(table::ROWS) {
        assert_eq!(row.stage, stage);
        assert_eq!(row.next.is_empty(), stage.is_ended(), "{stage:?}");
    }
}
