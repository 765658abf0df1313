//! What commands on the inventory begin with: a runtime, the open inventory, questions to people.

use std::future::Future;
use std::io::{self, BufRead, IsTerminal, Write};

use super::desk::Desk;
use super::{Stop, Talk};
use crate::app::inventory::Inventory;
use crate::app::log;
use crate::client::Client;
use crate::clock;
use crate::config::{actor, location, token};
use crate::error::Error;
use crate::store::acts::Actor;

/// The options that every command has.
#[derive(Clone, Debug)]
pub(super) struct Context {
    /// What is said on stderr.
    pub(super) talk: Talk,
    /// The database that was named.
    pub(super) database: Option<String>,
}

impl Context {
    /// Hands the inventory here, or the server that stands for it, to `act`.
    pub(super) fn desk<T>(
        &self,
        act: impl AsyncFnOnce(&Desk<'_>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        match self.server()? {
            Some(server) => block_on(act(&Desk::There(&server)))?,
            None => self.open(async |inventory| act(&Desk::Here(inventory)).await),
        }
    }

    /// Hands the inventory here to `act`, if there is one: none is made.
    pub(super) fn look<T>(
        &self,
        act: impl AsyncFnOnce(Option<&Inventory>) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        match location::find_there(self.database.as_deref()) {
            Some(_) => self.open(async |inventory| act(Some(inventory)).await),
            None => {
                if let Some(named) = &self.database {
                    self.talk.warning(&format!("there is no inventory `{named}`"));
                }
                block_on(act(None))?
            }
        }
    }

    /// Runs `act` without an inventory.
    pub(super) fn alone<T>(&self, act: impl AsyncFnOnce() -> Result<T, Stop>) -> Result<T, Stop> {
        block_on(act())?
    }

    /// Whether a server is asked rather than an inventory here.
    pub(super) fn is_there(&self) -> bool {
        self.database.is_none() && token::server().is_some()
    }

    /// The server, if one is named and no database.
    fn server(&self) -> Result<Option<Client>, Stop> {
        let Some(address) = token::server().filter(|_| self.database.is_none()) else {
            return Ok(None);
        };
        let token = token::find().map_err(Stop::could_not)?;
        Client::new(&address, token).map(Some).map_err(Stop::could_not)
    }

    /// Opens the inventory for a server: on all processors, until it is stopped.
    pub(super) fn serve<T>(
        &self,
        act: impl AsyncFnOnce(&Inventory) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build();
        let runtime = runtime.map_err(no_runtime)?;
        runtime.block_on(self.opened(act))
    }

    fn open<T>(&self, act: impl AsyncFnOnce(&Inventory) -> Result<T, Stop>) -> Result<T, Stop> {
        block_on(self.opened(act))?
    }

    async fn opened<T>(
        &self,
        act: impl AsyncFnOnce(&Inventory) -> Result<T, Stop>,
    ) -> Result<T, Stop> {
        let location = location::find(self.database.as_deref()).map_err(Stop::could_not)?;
        let actor = Actor { name: actor::name(), origin: actor::origin() };
        let inventory = Inventory::open(&location, actor, clock::now()).await;
        let inventory = inventory.map_err(Stop::could_not)?;
        let done = act(&inventory).await;
        // What was done is done: that it could not be sealed yet is worth a word.
        if let Err(error) = log::seal(&inventory).await {
            self.talk.warning(&format!("the log is not sealed yet: {}", error.report()));
        }
        inventory.store.close().await;
        done
    }
}

/// Runs a future on a runtime of its own.
pub(super) fn block_on<T>(future: impl Future<Output = T>) -> Result<T, Stop> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(no_runtime)?;
    Ok(runtime.block_on(future))
}

/// Waits for something that needs no inventory.
pub(super) fn wait<T>(future: impl Future<Output = T>) -> Result<T, Stop> {
    block_on(future)
}

fn no_runtime(error: io::Error) -> Stop {
    Stop::could_not(Error::new("cannot start the runtime of this program").source(error))
}

/// Asks whether to go on; without a terminal nobody can be asked.
pub(super) fn confirm(question: &str, is_answered: bool) -> Result<(), Stop> {
    if is_answered {
        return Ok(());
    }
    let refuse = |message: &str| {
        Err(Stop::could_not(Error::new(message).hint("add --yes to do it without being asked")))
    };
    if !io::stdin().is_terminal() {
        return refuse("nothing was done: nobody can be asked here");
    }
    let mut err = io::stderr().lock();
    write!(err, "{question} [y/N] ")?;
    err.flush()?;
    let mut answer = String::new();
    io::stdin().lock().read_line(&mut answer)?;
    match answer.trim() {
        "y" | "Y" | "yes" => Ok(()),
        _ => refuse("nothing was done"),
    }
}
