//! Where the inventory is kept.

use std::path::PathBuf;

use etcetera::BaseStrategy;

use crate::error::Error;

/// The variable that names the database.
pub const VARIABLE: &str = "KEYTENDER_DATABASE";

/// The folder of this program's data, below the platform's.
const FOLDER: &str = "keytender";
/// The file of the inventory.
const FILE: &str = "inventory.db";

/// The database: the one that was `named`, else that of `KEYTENDER_DATABASE`, else a file in the
/// platform's data folder, which is made so that only its owner can enter it.
///
/// # Errors
/// When there is no home, or the folder cannot be made.
pub fn find(named: Option<&str>) -> Result<String, Error> {
    let variable = std::env::var(VARIABLE).ok();
    if let Some(text) = named.or(variable.as_deref()).filter(|text| !text.is_empty()) {
        return Ok(text.to_owned());
    }
    let folder = data_folder()?;
    Ok(folder.join(FILE).display().to_string())
}

/// As [`find`], for whoever only looks: nothing is made, and a file that is not there is no inventory.
pub fn find_there(named: Option<&str>) -> Option<String> {
    let variable = std::env::var(VARIABLE).ok();
    let given = named.or(variable.as_deref()).filter(|text| !text.is_empty()).map(str::to_owned);
    let usual = || {
        let base = etcetera::choose_base_strategy().ok()?;
        Some(base.data_dir().join(FOLDER).join(FILE).display().to_string())
    };
    let location = given.or_else(usual)?;
    let is_server = location.starts_with("postgres://") || location.starts_with("postgresql://");
    let path = location.strip_prefix("sqlite:").unwrap_or(&location);
    (is_server || std::path::Path::new(path).is_file()).then_some(location)
}

/// The folder of this program's data, which is made where there is none.
///
/// # Errors
/// When there is no home, or the folder cannot be made.
pub fn data_folder() -> Result<PathBuf, Error> {
    let base = etcetera::choose_base_strategy().map_err(|error| {
        Error::new("cannot find the folder for the inventory")
            .source(error)
            .hint(format!("name the database: --database FILE, or {VARIABLE}"))
    })?;
    let folder = base.data_dir().join(FOLDER);
    make(&folder)?;
    Ok(folder)
}

fn make(folder: &std::path::Path) -> Result<(), Error> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| {
        Error::new(format!("cannot make the folder `{}`", folder.display())).source(error)
    })
}
