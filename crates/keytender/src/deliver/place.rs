//! Places that are read and written by calls: read, compared, written while they are still what was
//! read, and read again.

use super::{Held, Stands, Written};
use crate::error::{Error, Kind};

/// How often others may change a place between our reading and our writing.
pub(super) const MAX_CHANGES: usize = 5;

/// What came of an attempt to put something there.
pub(super) enum Put {
    /// It was done.
    Done,
    /// The place is not what was read any more: nothing was done.
    Changed,
}

/// A place.
pub(super) trait Place {
    /// What tells the state that was read from others, such as a version.
    type Seen;

    /// What stands there, and which state that is.
    async fn look(&self) -> Result<(Option<Held>, Self::Seen), Error>;

    /// Writes, if the place can tell only where it is still as it was seen.
    async fn put(&self, seen: Self::Seen, wanted: &Held) -> Result<Put, Error>;

    /// What people call it.
    fn name(&self) -> String;
}

/// Writes `wanted` if `expected` stands there.
pub(super) async fn write<P: Place>(
    place: &P,
    expected: Option<&Held>,
    wanted: &Held,
) -> Result<Written, Error> {
    for _ in 0..MAX_CHANGES {
        let (held, seen) = place.look().await?;
        match Stands::of(held.as_ref(), expected, wanted) {
            Stands::Wanted => return Ok(Written::Already),
            Stands::Expected => {}
            Stands::Foreign => return Ok(Written::Foreign),
        }
        if matches!(place.put(seen, wanted).await?, Put::Changed) {
            continue;
        }
        return match place.look().await?.0 {
            Some(held) if held.is_same(wanted) => Ok(Written::Now),
            _ => Err(Error::new(format!(
                "{} does not give back what was written there",
                place.name()
            ))
            .kind(Kind::Conflict)
            .hint("see whether something else writes it")),
        };
    }
    Err(changed(&place.name()))
}

/// The refusal of what others keep changing.
pub(super) fn changed(name: &str) -> Error {
    Error::new(format!("{name} was changed by others again and again"))
        .kind(Kind::Conflict)
        .hint("see what writes it, and try again")
}
