//! The protocol's side: what is there, and which call is which tool.

use std::sync::{Arc, Mutex, PoisonError};

use rmcp::model::{
    CallToolRequestParams, CallToolResponse, CallToolResult, ContentBlock, ErrorData,
    Implementation, JsonObject, ListToolsResult, PaginatedRequestParams, ServerCapabilities,
    ServerConfig, Tool,
};
use rmcp::service::RequestContext;
use rmcp::{RoleServer, ServerHandler};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::task::JoinSet;

use super::allowed::Allowed;
use super::place::{Opened, Place, origin};
use super::tools::{self, Name};
use super::veil::Veil;
use crate::cli::Talk;
use crate::error::{Error, Kind};

/// The server.
#[derive(Debug)]
pub(super) struct Server {
    pub(super) allowed: Allowed,
    pub(super) place: Place,
    pub(super) talk: Talk,
    tools: Vec<Tool>,
    running: Running,
}

/// Rotations that go on while calls are answered.
#[derive(Clone, Debug, Default)]
pub(super) struct Running(Arc<Mutex<JoinSet<()>>>);

impl Running {
    /// Has something go on by itself.
    pub(super) fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        let mut set = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        while set.try_join_next().is_some() {}
        set.spawn(work);
    }

    /// Waits until all of it rests: a rotation that is left in the middle of a call must be taken up again.
    pub(super) async fn end(&self) {
        let mut set = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        while set.join_next().await.is_some() {}
    }
}

/// What a call came to: the document, and the same in a few words.
pub(super) struct Answer {
    value: Value,
    text: String,
}

impl Answer {
    /// An answer of a document.
    ///
    /// # Errors
    /// When the document cannot be written, which is a mistake of this program.
    pub(super) fn new(document: &impl Serialize, text: String) -> Result<Self, Error> {
        let value = serde_json::to_value(document);
        let value =
            value.map_err(|error| Error::new("no answer").source(error).kind(Kind::Internal))?;
        Ok(Self { value, text })
    }
}

/// One call of a tool.
pub(super) struct Call<'s> {
    pub(super) server: &'s Server,
    pub(super) opened: Opened,
    /// Who calls, from where: for the log.
    pub(super) origin: String,
    /// What must not be shown.
    pub(super) veil: Veil,
}

impl Server {
    pub(super) fn new(allowed: Allowed, place: Place, talk: Talk) -> Self {
        let tools = tools::listed(&allowed);
        Self { allowed, place, talk, tools, running: Running::default() }
    }

    /// What goes on by itself.
    pub(super) fn running(&self) -> Running {
        self.running.clone()
    }

    /// The tool that is called, if it is there.
    fn called(&self, name: &str) -> Result<Name, ErrorData> {
        let known = Name::find(name);
        if let Some(known) = known
            && self.tools.iter().any(|tool| tool.name == known.as_str())
        {
            return Ok(known);
        }
        let message = match known.and_then(Name::needs) {
            Some(what) => format!(
                "the user has not allowed `{name}`; they do so by `keytender mcp --allow {}`",
                what.as_str()
            ),
            None => format!("there is no tool `{}`", Veil::default().text(name)),
        };
        Err(ErrorData::invalid_params(message, None))
    }
}

impl ServerHandler for Server {
    fn get_info(&self) -> ServerConfig {
        let me =
            Implementation::new("keytender", env!("CARGO_PKG_VERSION")).with_title("Keytender");
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(me)
            .with_instructions(tools::instructions(&self.allowed))
    }

    async fn list_tools(
        &self,
        _page: Option<PaginatedRequestParams>,
        _context: RequestContext<RoleServer>,
    ) -> Result<ListToolsResult, ErrorData> {
        Ok(ListToolsResult::with_all_items(self.tools.clone()))
    }

    async fn call_tool(
        &self,
        request: CallToolRequestParams,
        context: RequestContext<RoleServer>,
    ) -> Result<CallToolResponse, ErrorData> {
        let name = self.called(&request.name)?;
        let origin = origin(context.client_info().as_ref());
        let opened = self.place.open(&origin);
        let mut call = Call { server: self, opened, origin, veil: Veil::default() };
        let done = call.done(name, request.arguments.unwrap_or_default()).await;
        let veil = call.veil;
        Ok(match done {
            Ok(Answer { mut value, text }) => {
                veil.value(&mut value);
                let mut result = CallToolResult::structured(value);
                result.content = vec![ContentBlock::text(veil.text(&text))];
                result.into()
            }
            // The agent is to read what is wrong, and to do it right.
            Err(error) => {
                CallToolResult::error(vec![ContentBlock::text(veil.text(&error.report()))]).into()
            }
        })
    }
}

impl Call<'_> {
    async fn done(&mut self, name: Name, arguments: JsonObject) -> Result<Answer, Error> {
        match name {
            Name::ListDueKeys => self.list_due_keys(read(arguments)?).await,
            Name::ExplainKey => self.explain_key(read(arguments)?).await,
            Name::ListRotations => self.list_rotations(read(arguments)?).await,
            Name::ShowRotation => self.show_rotation(read(arguments)?).await,
            Name::PlanRotation => self.plan_rotation(read(arguments)?).await,
            Name::CheckDestinations => self.check_destinations(read(arguments)?).await,
            Name::StartRotation => self.start_rotation(read(arguments)?).await,
            Name::ResumeRotation => self.resume_rotation(read(arguments)?).await,
            Name::RollBackRotation => self.roll_back_rotation(read(arguments)?).await,
            Name::ApproveStep => self.approve_step(read(arguments)?).await,
            Name::AcknowledgeDestination => self.acknowledge_destination(read(arguments)?).await,
        }
    }
}

/// The arguments of a call, if they are as the tool's schema says.
fn read<T: DeserializeOwned>(arguments: JsonObject) -> Result<T, Error> {
    serde_json::from_value(Value::Object(arguments)).map_err(|error| {
        Error::new("these arguments are not as the tool's schema says").source(error)
    })
}
