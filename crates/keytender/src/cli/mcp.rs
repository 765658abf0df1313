//! `keytender mcp`: a server of the Model Context Protocol on stdin and stdout, for coding agents.
//!
//! Each tool is a use case that commands have too, done at the same desk: on the inventory here, or by a server.
//! Whoever starts it says what agents may do; what is not allowed is no tool. No tool takes a secret or gives one,
//! none shows a new key, and stdout carries the protocol alone.
//!
//! - `allowed`: what agents may do, and with which keys
//! - `tools`: the tools, and what each tells clients of itself; `schema` makes schemas of views
//! - `server`: the protocol's side; `place`: where an agent's acts are done, and in whose name
//! - `look`, `turn`: what the tools do; `asked`, `told` are what they take and give that no command does
//! - `veil`: what must not be shown is not, and other people's text is harmless

use std::io::{self, IsTerminal};

use keytender_core::rotation::Gate;
use rmcp::ServiceExt;
use rmcp::service::ServerInitializeError;
use rmcp::transport::async_rw::AsyncRwTransport;

use super::context::Context;
use super::rotations::gate;
use super::{DONE, Stop};
use crate::app::view::KeyQuery;
use crate::error::Error;
use allowed::{Allow, Allowed, Only};
use place::Place;
use server::Server;

mod allowed;
mod asked;
mod look;
mod place;
mod schema;
mod server;
mod told;
mod tools;
mod turn;
mod veil;

/// The longest message of a client, in bytes: far beyond what any tool takes.
const MAX_MESSAGE: usize = 1024 * 1024;

/// Answer coding agents over the Model Context Protocol (MCP), within what you allow.
///
/// The agent's program starts it, and speaks with it on stdin and stdout. Without --allow agents only look: what is
/// due and why, how rotations stand, what one would do. They never see a secret.
#[derive(Debug, clap::Args)]
pub(super) struct Args {
    /// What agents may do beside looking; can be given several times
    #[arg(long, value_name = "WHAT")]
    allow: Vec<Allow>,
    /// The only keys that there are for them; given several times, a key must be all of it
    #[arg(long, value_name = "owner|account|provider=NAME")]
    keys: Vec<Only>,
    /// A step that waits for somebody's approval in each rotation that they begin; can be given several times
    #[arg(long, value_name = "STEP", value_parser = gate)]
    ask: Vec<Gate>,
}

pub(super) fn run(args: Args, context: &Context) -> Result<u8, Stop> {
    let allowed = Allowed::new(args.allow, args.keys, args.ask).map_err(Stop::wrong_usage)?;
    if io::stdin().is_terminal() {
        context
            .talk
            .note("a coding agent's program starts this and speaks MCP with it; Ctrl-D ends it");
    }
    context.desk(async |desk| {
        // A key that no filter lets through would look like a key that is not there.
        let one = KeyQuery { limit: Some(1), ..KeyQuery::default() };
        let one = allowed.narrow(one).map_err(Stop::could_not)?;
        desk.list_keys(one).await.map_err(Stop::could_not)?;
        let server = Server::new(allowed, Place::of(desk), context.talk);
        let running = server.running();
        let pipes = AsyncRwTransport::new(tokio::io::stdin(), tokio::io::stdout());
        match server.serve(pipes.with_max_line_length(MAX_MESSAGE)).await {
            Ok(service) => {
                _ = service.waiting().await;
            }
            // It was closed before anything was said.
            Err(ServerInitializeError::ConnectionClosed(_)) => {}
            Err(_) => {
                let error = Error::new("whoever speaks on stdin does not begin as MCP does");
                return Err(Stop::could_not(
                    error.hint("docs/guide/mcp.md says how clients start this"),
                ));
            }
        }
        running.end().await;
        Ok(DONE)
    })
}
