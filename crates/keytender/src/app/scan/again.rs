//! What a scan tells the inventory of the files of this machine, here or at a server.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use keytender_core::time::Time;

use super::shape::Shapes;
use super::walk::{Positions, absolute};
use super::{Finding, text};
use crate::app::view::{KeyInFile, KeyPlaceView, KeyPlacesRequest};

/// The largest file that is read again to see whether a key still stands in it, in bytes.
const MAX_READ_AGAIN: u64 = 64 * 1024 * 1024;

/// Findings as they are told; `told` are ids at providers, by fingerprint, and `since` says how old each is at least.
pub fn told(
    findings: &[Finding],
    told: &HashMap<String, String>,
    since: impl Fn(&Finding) -> Option<Time>,
) -> Vec<KeyInFile> {
    let one = |found: &Finding| KeyInFile {
        provider: found.provider.clone(),
        key_type: found.key_type.clone(),
        noun: found.noun.clone(),
        id: found.id.clone(),
        told_id: told.get(&found.fingerprint).cloned(),
        fingerprint: found.fingerprint.clone(),
        path: absolute(Path::new(&found.place.path)),
        line: found.place.line,
        stood_at: since(found),
    };
    findings.iter().map(one).collect()
}

/// Where these are, whatever folder is current.
pub fn whole(paths: &[PathBuf]) -> Vec<String> {
    paths.iter().map(|path| absolute(path)).collect()
}

/// Reads again where keys stood: what a scan left out, or in which it did not find them. What could not be read is
/// told neither way.
pub fn look(shapes: &Shapes, host: &str, places: Vec<KeyPlaceView>) -> KeyPlacesRequest {
    let mut request = KeyPlacesRequest { host: host.to_owned(), ..KeyPlacesRequest::default() };
    for place in places {
        match line_now(shapes, &place) {
            Standing::There(found) => request.keys.push(*found),
            Standing::Gone => request.gone.push(place),
            Standing::Unknown => {}
        }
    }
    request
}

/// Whether a key stands where it was found before.
enum Standing {
    There(Box<KeyInFile>),
    Gone,
    /// Nobody could read it.
    Unknown,
}

/// Reads a file again that this scan left out, or in which it did not find the key.
fn line_now(shapes: &Shapes, place: &KeyPlaceView) -> Standing {
    let content = match std::fs::metadata(&place.path) {
        Ok(known) if known.is_file() && known.len() <= MAX_READ_AGAIN => std::fs::read(&place.path),
        Ok(known) if known.is_file() => return Standing::Unknown,
        Ok(_) => return Standing::Gone,
        Err(error) => Err(error),
    };
    match content {
        Ok(content) => {
            let spots = text::find(shapes, &place.path, &content);
            let spot = spots.iter().find(|spot| spot.fingerprint() == place.fingerprint);
            spot.map_or(Standing::Gone, |spot| {
                Standing::There(Box::new(KeyInFile {
                    provider: spot.provider.clone(),
                    key_type: spot.key_type.clone(),
                    noun: spot.noun.clone(),
                    id: spot.id.clone(),
                    told_id: None,
                    fingerprint: place.fingerprint.clone(),
                    path: place.path.clone(),
                    line: Positions::new(&content).of(spot.start).0,
                    stood_at: None,
                }))
            })
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Standing::Gone,
        Err(_) => Standing::Unknown,
    }
}
