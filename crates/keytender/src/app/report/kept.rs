//! Credential reports that are made on a schedule, or now, and kept: what stood when, for whoever asks later.

use aws_lc_rs::digest::{SHA256, digest};
use keytender_core::id::ReportId;
use keytender_core::time::Span;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::{Form, write};
use crate::app::inventory::{Done, Inventory, Sight, cannot_read, cannot_write, commit};
use crate::app::view::{KeptReportView, KeptReports};
use crate::error::{Error, Kind};
use crate::store::reports::KeptReport;
use crate::store::{self, Store};

/// The setting that says how often one is made.
const SETTING: &str = "report_schedule";
/// How many are kept at most: a month of days, or seven months of weeks.
const MOST: i64 = 31;
/// For how long one is kept at most: longer than a year, so that auditors can compare.
const AGE: Span = Span::days(400);
/// The longest that is kept, in bytes: some 300,000 keys.
const MAX_BYTES: usize = 256 * 1024 * 1024;
/// The size of a piece, in bytes.
const PIECE: usize = 1024 * 1024;

/// How often a report is made and kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Schedule {
    /// Never by itself.
    #[default]
    Off,
    /// Each day.
    Daily,
    /// Each week.
    Weekly,
}

impl Schedule {
    /// Each of them.
    pub const ALL: [Self; 3] = [Self::Off, Self::Daily, Self::Weekly];

    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
        }
    }

    /// The one of this word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == word)
    }

    const fn every(self) -> Option<Span> {
        match self {
            Self::Off => None,
            Self::Daily => Some(Span::days(1)),
            Self::Weekly => Some(Span::days(7)),
        }
    }
}

/// How often one is made.
///
/// # Errors
/// When the database does not answer.
pub async fn schedule(store: &Store) -> store::Result<Schedule> {
    let word = store.find_setting(SETTING).await?;
    Ok(word.and_then(|word| Schedule::parse(&word)).unwrap_or_default())
}

/// From now on one is made so often.
///
/// # Errors
/// When whoever asks does not see all keys, or the database refuses.
pub async fn set_schedule(inventory: &Inventory, schedule: Schedule) -> Result<(), Error> {
    refuse_narrow(inventory)?;
    let mut tx = inventory.begin().await?;
    tx.put_setting(SETTING, schedule.as_str()).await.map_err(cannot_write)?;
    let details = json!({"schedule": schedule.as_str()});
    inventory.log(&mut tx, done("reports.schedule", "schedule".to_owned(), details)).await?;
    commit(tx).await
}

/// The schedule, and the reports that are kept, the newest first.
///
/// # Errors
/// When the database does not answer.
pub async fn list(inventory: &Inventory) -> Result<KeptReports, Error> {
    let schedule = schedule(&inventory.store).await.map_err(cannot_read)?;
    // They are of every key.
    if inventory.sight != Sight::default() {
        return Ok(KeptReports { schedule, reports: Vec::new() });
    }
    let reports = inventory.store.list_reports().await.map_err(cannot_read)?;
    Ok(KeptReports { schedule, reports: reports.iter().map(view).collect() })
}

/// The text of one that is kept: JSON, as [`Form::Json`] writes it.
///
/// # Errors
/// When there is none of this id; for whoever does not see all keys there is none.
pub async fn text(inventory: &Inventory, word: &str) -> Result<String, Error> {
    let missing = || Error::not_found(format!("there is no credential report `{word}`"));
    let id: ReportId = word.parse().map_err(|_| missing())?;
    if inventory.sight != Sight::default() {
        return Err(missing());
    }
    let text = inventory.store.report_text(id).await.map_err(cannot_read)?;
    if text.is_empty() { Err(missing()) } else { Ok(text) }
}

/// Makes one now and keeps it.
///
/// # Errors
/// When whoever asks does not see all keys, it is too long, or the database refuses.
pub async fn make(inventory: &Inventory) -> Result<KeptReportView, Error> {
    refuse_narrow(inventory)?;
    keep(inventory, false).await.map(|report| view(&report))
}

/// Makes the one that is due by the schedule, if one is; how long until the next.
///
/// # Errors
/// When it is too long, or the database refuses.
pub async fn run(inventory: &Inventory) -> Result<Option<Span>, Error> {
    let Inventory { store, now, .. } = inventory;
    let Some(every) = schedule(store).await.map_err(cannot_read)?.every() else { return Ok(None) };
    let known = store.list_reports().await.map_err(cannot_read)?;
    let last = known.iter().find(|report| report.is_scheduled).map(|report| report.made_at);
    let age = last.map_or(every, |last| now.since(last));
    if age < every {
        return Ok(Some(Span::from_micros(every.as_micros() - age.as_micros())));
    }
    keep(inventory, true).await?;
    Ok(Some(every))
}

/// Forgets those that are old or too many; how many.
///
/// # Errors
/// When the database refuses.
pub async fn sweep(inventory: &Inventory) -> Result<u64, Error> {
    let mut tx = inventory.begin().await?;
    let before = inventory.now.minus(AGE);
    let count = tx.forget_reports(before, MOST).await.map_err(cannot_write)?;
    commit(tx).await?;
    Ok(count)
}

async fn keep(inventory: &Inventory, is_scheduled: bool) -> Result<KeptReport, Error> {
    let mut content = Vec::new();
    write(inventory, Form::Json, None, None, &mut content).await?;
    if content.len() > MAX_BYTES {
        let why = format!("a report of more than {} MiB is not kept", MAX_BYTES / 1024 / 1024);
        return Err(
            Error::new(why).hint("write it where you want it: keytender report --format json")
        );
    }
    let hashed = digest(&SHA256, &content);
    let text = String::from_utf8(content)
        .map_err(|error| Error::new("the report is no text").kind(Kind::Internal).source(error))?;
    let report = KeptReport {
        id: ReportId::from_random(store::random().map_err(cannot_write)?),
        made_at: inventory.now,
        made_by: inventory.actor.name.clone(),
        is_scheduled,
        bytes: u64::try_from(text.len()).unwrap_or(u64::MAX),
        digest: hashed.as_ref().iter().map(|byte| format!("{byte:02x}")).collect(),
    };
    let mut tx = inventory.begin().await?;
    tx.insert_report(&report, &pieces(&text)).await.map_err(cannot_write)?;
    tx.forget_reports(inventory.now.minus(AGE), MOST).await.map_err(cannot_write)?;
    let details =
        json!({"bytes": report.bytes, "sha256": report.digest, "scheduled": is_scheduled});
    inventory.log(&mut tx, done("report.make", report.id.to_string(), details)).await?;
    commit(tx).await?;
    Ok(report)
}

/// Cuts a text where no letter is cut.
fn pieces(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (piece, after) = rest.split_at(rest.floor_char_boundary(PIECE));
        pieces.push(piece);
        rest = after;
    }
    pieces
}

fn done(verb: &str, target_id: String, details: serde_json::Value) -> Done<'_> {
    Done { verb, target_kind: "report", target_id, why: None, details }
}

/// What is kept is of every key.
fn refuse_narrow(inventory: &Inventory) -> Result<(), Error> {
    if inventory.sight == Sight::default() {
        return Ok(());
    }
    let error = Error::new("kept credential reports are of every key, and you see only some");
    Err(error.kind(Kind::Forbidden).hint("make one of those that you see: keytender report"))
}

fn view(report: &KeptReport) -> KeptReportView {
    KeptReportView {
        id: report.id.to_string(),
        made_at: report.made_at,
        made_by: report.made_by.clone(),
        scheduled: report.is_scheduled,
        bytes: report.bytes,
        sha256: report.digest.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_make_the_text_again_and_cut_no_letter() {
        let text = "ä€x".repeat(PIECE / 2);
        let cut = pieces(&text);
        assert!(cut.len() > 2 && cut.iter().all(|piece| piece.len() <= PIECE));
        assert!(cut.concat() == text);
        assert!(pieces("").is_empty());
    }

    #[test]
    fn a_schedule_is_the_one_of_its_word() {
        for schedule in Schedule::ALL {
            assert_eq!(Schedule::parse(schedule.as_str()), Some(schedule));
        }
        assert_eq!(Schedule::parse("hourly"), None);
    }
}
