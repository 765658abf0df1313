//! Where an agent's acts are done, and in whose name: the log says that it was an agent, through which program.

use keytender_core::text::printable;
use rmcp::model::Implementation;

use crate::app::inventory::{Inventory, Sight};
use crate::app::log;
use crate::cli::Talk;
use crate::cli::desk::Desk;
use crate::client::Client;
use crate::clock;
use crate::config::actor;
use crate::store::Store;
use crate::store::acts::Actor;
use crate::store::db::Location;

/// How much of what a client calls itself is kept, in letters.
const LONGEST_NAME: usize = 60;

/// Where the tools work, for as long as the server runs.
#[derive(Clone, Debug)]
pub(super) enum Place {
    /// On the inventory here.
    Here(Store, Location),
    /// By a server.
    There(Client),
}

impl Place {
    /// Where a command would work.
    pub(super) fn of(desk: &Desk<'_>) -> Self {
        match desk {
            Desk::Here(inventory) => {
                Self::Here(inventory.store.clone(), inventory.location.clone())
            }
            Desk::There(server) => Self::There((*server).clone()),
        }
    }

    /// Takes it in hand for one call, at this moment.
    pub(super) fn open(&self, origin: &str) -> Opened {
        match self {
            Self::Here(store, location) => Opened::Here(Box::new(Inventory {
                store: store.clone(),
                location: location.clone(),
                actor: Actor { name: actor::name(), origin: origin.to_owned() },
                now: clock::now(),
                sight: Sight::default(),
            })),
            Self::There(server) => Opened::There(server.clone()),
        }
    }
}

/// Where one call works.
#[derive(Debug)]
pub(super) enum Opened {
    /// On the inventory, in the agent's name.
    Here(Box<Inventory>),
    /// By a server, in the name of the token.
    There(Client),
}

impl Opened {
    /// The desk.
    pub(super) fn desk(&self) -> Desk<'_> {
        match self {
            Self::Here(inventory) => Desk::Here(inventory),
            Self::There(server) => Desk::There(server),
        }
    }

    /// A reason as it is kept. A server knows the token alone, so there it says who asks.
    pub(super) fn reason(&self, because: &str, origin: &str) -> String {
        match self {
            Self::Here(_) => because.to_owned(),
            Self::There(_) => format!("{because} ({origin})"),
        }
    }

    /// Seals what was done: the server may run for days.
    pub(super) async fn seal(&self, talk: Talk) {
        if let Self::Here(inventory) = self
            && let Err(error) = log::seal(inventory).await
        {
            talk.warning(&format!("the log is not sealed yet: {}", error.report()));
        }
    }
}

/// Where an agent acts from: `mcp on HOST, by CLIENT VERSION`.
pub(super) fn origin(client: Option<&Implementation>) -> String {
    let client = client.map(|client| format!("{} {}", client.name, client.version));
    let client = client.unwrap_or_else(|| "an unnamed client".to_owned());
    let client: String = client.chars().take(LONGEST_NAME).collect();
    format!("mcp on {}, by {}", actor::host(), printable(client.trim()))
}
