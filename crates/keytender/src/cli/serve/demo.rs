//! `keytender serve --demo`: a database that is gone afterwards, and what is due in it.

use std::io::{self, BufWriter};

use keytender_core::policy::Assessment;
use tempfile::TempDir;

use crate::app::audit::Summary;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::{demo, evaluate};
use crate::cli::Stop;
use crate::cli::audit::table::Table;
use crate::cli::context::Context;
use crate::config::checkpoint;
use crate::error::Error;
use crate::store::keys::Filter;

/// What people are told beside the address.
pub(super) const NOTE: &str = "This is a demonstration: everything in it is made up, no account is asked, no notice leaves.\n\
     Ctrl+C ends it, and it is gone.";
/// How many keys are shown: what fits a screen beside their number.
const SHOWN: usize = 12;
/// The file in the temporary folder.
const FILE: &str = "demonstration.db";

/// A place for a database that is gone when this value is.
pub(super) struct Database(TempDir);

impl Database {
    /// A new one.
    ///
    /// # Errors
    /// When another database is named, the log of another one would be touched, or there is no place.
    pub(super) fn new(context: &Context) -> Result<Self, Stop> {
        if context.database.is_some() {
            let error = Error::new("--demo brings a database of its own, and takes no other");
            return Err(Stop::wrong_usage(error.hint("leave out --database or --demo")));
        }
        // The log of acts of a demonstration has nothing to look for among the proofs of a real one.
        if std::env::var_os(checkpoint::VARIABLE).is_some_and(|path| !path.is_empty()) {
            let name = checkpoint::VARIABLE;
            let error = Error::new(format!("{name} is set: --demo would write into that file"));
            return Err(Stop::wrong_usage(
                error.hint(format!("unset {name} for the demonstration")),
            ));
        }
        let folder = tempfile::Builder::new().prefix("keytender-demo-").tempdir();
        folder.map(Self).map_err(|error| {
            let error = Error::new("cannot make a temporary folder").source(error);
            Stop::could_not(error.hint("TMPDIR names the folder in which it is made"))
        })
    }

    /// Where it is.
    pub(super) fn location(&self) -> String {
        self.0.path().join(FILE).display().to_string()
    }
}

/// Fills the inventory, and prints what is due in it.
pub(super) async fn show(inventory: &Inventory) -> Result<(), Stop> {
    demo::fill(inventory, demo::SEED).await.map_err(Stop::could_not)?;
    let (_, policy) = evaluate::policy(&inventory.store).await.map_err(Stop::could_not)?;
    let keys = inventory.store.every_key(&Filter::default()).await;
    let keys = keys.map_err(cannot_read).map_err(Stop::could_not)?;
    let out = BufWriter::new(anstream::AutoStream::auto(io::stdout()));
    let mut table = Table::of_most(out, &policy, inventory.now, SHOWN);
    let (mut summary, mut assessment) = (Summary::default(), Assessment::default());
    for held in keys {
        let key = &held.record.key;
        match held.is_kept(inventory.now) {
            true => assessment = Assessment::default(),
            false => policy.assess(key, inventory.now, &mut assessment),
        }
        summary.add(&assessment);
        table.key(key, &held.account_name, &assessment);
    }
    table.end(&summary)?;
    demo::use_apis(inventory).await.map_err(Stop::could_not)?;
    // Issued keys have a policy of their own, and are seen in the console.
    demo::issue(inventory).await.map_err(Stop::could_not)
}
