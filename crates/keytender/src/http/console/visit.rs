//! What every page reaches: who looks at it, the inventory as they see it, and what their forms carry.

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use keytender_core::access::Scope;
use keytender_core::secret::Secret;
use maud::{Markup, html};
use serde::de::DeserializeOwned;

use super::cookie;
use super::session::PROOF;
use crate::app::inventory::{Inventory, cannot_read};
use crate::app::sessions::{Came, Signed};
use crate::error::Error;
use crate::http::problem::{Problem, Refusal};
use crate::http::state::State;

/// What a form must carry.
#[derive(Clone, Debug)]
pub(super) struct Proof(pub(super) String);

/// What a browser keeps and shows, and by which name it asks.
#[derive(Clone, Debug)]
pub(super) struct Browser {
    /// What its cookie holds.
    pub(super) held: Secret,
    /// The host that it asks, and the port.
    pub(super) host: String,
}

/// From where a browser comes.
#[derive(Clone, Debug)]
pub(super) struct From(pub(super) Came);

/// Somebody who looks at a page.
#[derive(Debug)]
pub(super) struct Visit {
    /// What the handler reaches.
    pub(super) state: State,
    /// Who it is, if they are signed in.
    pub(super) signed: Option<Signed>,
    /// From where they come.
    pub(super) came: Came,
    /// The browser.
    pub(super) browser: Browser,
    /// What the page before left to say.
    pub(super) word: Option<String>,
    /// Whether there is an API of ours, or they may add one.
    pub(super) is_issuing: bool,
    proof: String,
}

impl Visit {
    /// Whether they may do what needs this scope.
    pub(super) fn may(&self, scope: Scope) -> bool {
        self.signed.as_ref().is_some_and(|signed| signed.who.grant.allows(scope))
    }

    /// The session of whoever is signed in.
    ///
    /// # Errors
    /// When nobody is: the page has no guard.
    pub(super) fn session(&self) -> Result<&Signed, Refusal> {
        self.signed.as_ref().ok_or_else(|| Refusal::Failed("a page without a guard".to_owned()))
    }

    /// Counts that a password of `name`, or what is as good, is tried; the answer to send, if too often.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_sign_in(&self, name: &str) -> Result<Option<Response>, Error> {
        let (state, address) = (&self.state, &self.came.address);
        state.limiter.count_sign_in(&state.store, address, name).await
    }

    /// Counts that it was wrong.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_wrong(&self) -> Result<(), Error> {
        self.state.limiter.count_wrong(&self.state.store, &self.came.address).await
    }

    /// Counts that somebody tries what only `name` knows; the answer to send, if too often.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_proof(&self, name: &str) -> Result<Option<Response>, Error> {
        self.state.limiter.count_proof(&self.state.store, name).await
    }

    /// Counts that a sign-in begins that is kept until it ends; the answer to send, if too often.
    ///
    /// # Errors
    /// When the database does not do its part.
    pub(super) async fn count_ceremony(&self) -> Result<Option<Response>, Error> {
        self.state.limiter.count_ceremony(&self.state.store, &self.came.address).await
    }

    /// The member of a form that proves that it came from a page of ours. Every form has one.
    pub(super) fn proof(&self) -> Markup {
        proof_member(&self.proof)
    }

    /// Goes to another page, and says there what was done.
    pub(super) fn done(&self, path: &str, word: &str) -> Response {
        let mut response = Redirect::to(path).into_response();
        cookie::leave_word(response.headers_mut(), word, self.state.is_https);
        response
    }
}

impl FromRequestParts<State> for Visit {
    type Rejection = Refusal;

    async fn from_request_parts(parts: &mut Parts, state: &State) -> Result<Self, Refusal> {
        let missing = || Refusal::Failed("a page without a session".to_owned());
        let Proof(proof) = parts.extensions.get::<Proof>().cloned().ok_or_else(missing)?;
        let From(came) = parts.extensions.get::<From>().cloned().ok_or_else(missing)?;
        let browser = parts.extensions.get::<Browser>().cloned().ok_or_else(missing)?;
        let signed = parts.extensions.get::<Signed>().cloned();
        let is_issuing = is_issuing(state, signed.as_ref()).await?;
        Ok(Self {
            state: state.clone(),
            signed,
            is_issuing,
            came,
            browser,
            word: cookie::word(&parts.headers),
            proof,
        })
    }
}

/// Whether the keys that are issued concern somebody: there is an API of ours, or they may add one.
async fn is_issuing(state: &State, signed: Option<&Signed>) -> Result<bool, Refusal> {
    let Some(Signed { who, .. }) = signed else { return Ok(false) };
    if who.grant.allows(Scope::ApisWrite) || !who.grant.allows(Scope::ApisRead) {
        return Ok(who.grant.allows(Scope::ApisRead));
    }
    let apis = state.store.of_tenant(who.tenant).list_apis().await.map_err(cannot_read)?;
    Ok(!apis.is_empty())
}

/// The inventory of the installation, for whoever is not signed in yet.
pub(super) fn before_sign_in(visit: &Visit) -> Inventory {
    Inventory {
        store: visit.state.store.clone(),
        location: visit.state.location.clone(),
        actor: crate::store::acts::Actor {
            name: "visitor".to_owned(),
            origin: format!("console from {}", visit.came.address),
        },
        now: crate::clock::now(),
        sight: crate::app::inventory::Sight::default(),
    }
}

/// The member of a form that proves that it came from a page of ours.
pub(super) fn proof_member(proof: &str) -> Markup {
    html! { input type="hidden" name=(PROOF) value=(proof); }
}

/// A form that was posted. A member that is empty counts as not there.
#[derive(Debug)]
pub(super) struct Form<T>(pub(super) T);

impl<T: DeserializeOwned> FromRequest<State> for Form<T> {
    type Rejection = Refusal;

    async fn from_request(request: Request, state: &State) -> Result<Self, Refusal> {
        match axum_extra::extract::Form::<T>::from_request(request, state).await {
            Ok(axum_extra::extract::Form(value)) => Ok(Self(value)),
            Err(_) => {
                let what = "a field of the form is missing, or holds what it cannot";
                Err(Problem::new(StatusCode::UNPROCESSABLE_ENTITY, what).into())
            }
        }
    }
}
