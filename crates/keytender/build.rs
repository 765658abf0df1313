//! Puts the shelf of providers into the program: each folder of `providers` with its descriptor, so that
//! a new provider is a new folder and nothing else.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

fn main() -> Result<(), Box<dyn Error>> {
    let root = env::var("CARGO_MANIFEST_DIR")?;
    let shelf = Path::new(&root).join("../../providers").canonicalize()?;
    println!("cargo::rerun-if-changed={}", shelf.display());
    let mut folders: Vec<_> =
        fs::read_dir(&shelf)?.map(|entry| Ok(entry?.path())).collect::<std::io::Result<_>>()?;
    folders.sort();
    let mut code = String::from("&[\n");
    for folder in folders {
        let file = folder.join("akm.yaml");
        if let (true, Some(name)) =
            (file.is_file(), folder.file_name().and_then(|one| one.to_str()))
        {
            writeln!(code, "    ({name:?}, include_str!({:?})),", file.display().to_string())?;
        }
    }
    code.push(']');
    fs::write(Path::new(&env::var("OUT_DIR")?).join("shelf.rs"), code)?;
    Ok(())
}
