//! Descriptors: the samples, right and wrong, and the shelf.

mod properties;

use std::fs;
use std::path::{Path, PathBuf};

use keytender_core::akm::{Descriptor, Fault};

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(!files.is_empty(), "{} is empty", folder.display());
    files
}

fn samples(kind: &str) -> Vec<PathBuf> {
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/akm").join(kind))
}

/// What the first lines of a sample say that is found in it.
fn expected(text: &str) -> Vec<&str> {
    text.lines().map_while(|line| line.strip_prefix("# ")).collect()
}

/// Holds what is found in samples against what they say of it; returns those that differ.
fn differing(kind: &str, found: impl Fn(&str) -> Result<Vec<Fault>, String>) -> String {
    let mut wrong = String::new();
    for path in samples(kind) {
        let text = fs::read_to_string(&path).unwrap();
        let name = path.file_name().unwrap().display().to_string();
        match found(&text) {
            Ok(found) => {
                let found: Vec<_> = found.iter().map(ToString::to_string).collect();
                if found != expected(&text) {
                    wrong += &format!("{name}\n# {}\n", found.join("\n# "));
                }
            }
            Err(error) => wrong += &format!("{name}: {error}\n"),
        }
    }
    wrong
}

#[test]
fn right_samples_are_read_with_the_warnings_that_they_name() {
    let wrong = differing("valid", |text| match Descriptor::parse(text) {
        Ok(read) => Ok(read.warnings),
        Err(faults) => Err(format!("{faults:?}")),
    });
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn wrong_samples_are_refused_with_the_place_and_the_reason_that_they_name() {
    let wrong = differing("invalid", |text| match Descriptor::parse(text) {
        Ok(_) => Err("it is taken for right".to_owned()),
        Err(faults) => Ok(faults),
    });
    assert!(wrong.is_empty(), "{wrong}");
}

#[test]
fn every_descriptor_on_the_shelf_is_right_and_named_as_its_folder() {
    let shelf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../providers");
    let mut wrong = Vec::new();
    for folder in files(&shelf).into_iter().filter(|path| path.is_dir()) {
        let path = folder.join("akm.yaml");
        let text =
            fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        match Descriptor::parse(&text) {
            Ok(read) => assert_eq!(
                Some(&*read.descriptor.provider.id.value),
                folder.file_name().and_then(|name| name.to_str())
            ),
            Err(faults) => {
                wrong.extend(faults.iter().map(|fault| format!("{}: {fault}", path.display())))
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
