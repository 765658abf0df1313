//! Notices: who is told of a key, when, and in which words.
//!
//! Pure: what is due to be told follows from what was found, what was told before and a moment.
//! Nothing here sends, keeps or reads a clock. No text here holds a secret: where the id of a key is
//! its secret, [`Item::new`] leaves it out before anything is written.

mod brand;
mod digest;
mod hours;
mod item;
mod schedule;
mod text;
mod words;

pub use brand::Brand;
pub use digest::{Digest, Footer, subject};
pub use hours::{UnknownZone, is_time_zone, send_at};
pub use item::{About, CustomersKey, Fact, Item, News, Next};
pub use schedule::{DAYS_BEFORE, Series, Stage, act_by, stage};
pub use text::text;

#[cfg(test)]
mod tests;
