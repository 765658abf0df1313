//! The page of an audit in a real browser.

use std::path::Path;
use std::process::Command;

use crate::{audit_example, partner};

#[test]
fn the_page_is_whole_in_every_width_and_scheme_and_asks_nothing_of_the_network() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let Some(chromium) = partner("KEYTENDER_TEST_CHROMIUM") else { return };
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("pages");
    std::fs::create_dir_all(&folder).unwrap();
    let page = folder.join("audit.html");
    std::fs::write(&page, audit_example(&["--format", "html"]).stdout).unwrap();
    let look = Command::new(python)
        .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/page.py"))
        .args([chromium.as_ref(), page.as_path(), folder.as_path()])
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&look.stderr);
    assert!(look.status.success(), "{said}");
    eprintln!("pictures: {}", folder.display());
}
