//! The service around the one that is protected.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use http::{Request, Response};
use pin_project_lite::pin_project;
use tower_service::Service;

use super::Settings;
use super::answer::{put_hints, refusal};
use crate::verdict::{Accepted, Reason, Verdict};

/// Lets only good keys through to a service.
#[derive(Clone)]
pub struct KeyService<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> KeyService<S> {
    fn refuse<F, R: From<String>>(&self, reason: Option<Reason>) -> KeyFuture<F, R> {
        KeyFuture::bad(refusal(reason, &self.settings.problems))
    }

    pub(super) const fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S: std::fmt::Debug> std::fmt::Debug for KeyService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyService").field("inner", &self.inner).finish_non_exhaustive()
    }
}

impl<S, B, R> Service<Request<B>> for KeyService<S>
where
    S: Service<Request<B>, Response = Response<R>>,
    R: From<String>,
{
    type Response = Response<R>;
    type Error = S::Error;
    type Future = KeyFuture<S::Future, R>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        match self.settings.judge(request.headers(), request.extensions()) {
            Some(Verdict::Accepted(accepted)) => {
                let is_near_end = self.settings.is_near_end(&accepted);
                request.extensions_mut().insert(accepted.clone());
                let answer = self.inner.call(request);
                KeyFuture { state: State::Good { answer, accepted, is_near_end } }
            }
            Some(Verdict::Refused(reason)) => self.refuse(Some(reason)),
            None => self.refuse(None),
        }
    }
}

pin_project! {
    /// The answer: a refusal, or that of the service within.
    #[derive(Debug)]
    pub struct KeyFuture<F, R> {
        #[pin]
        state: State<F, R>,
    }
}

pin_project! {
    #[project = Projected]
    #[derive(Debug)]
    enum State<F, R> {
        Good { #[pin] answer: F, accepted: Accepted, is_near_end: bool },
        // Taken when it is given out.
        Bad { answer: Option<Response<R>> },
    }
}

impl<F, R> KeyFuture<F, R> {
    const fn bad(answer: Response<R>) -> Self {
        Self { state: State::Bad { answer: Some(answer) } }
    }
}

impl<F, R, E> Future for KeyFuture<F, R>
where
    F: Future<Output = Result<Response<R>, E>>,
{
    type Output = Result<Response<R>, E>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().state.project() {
            Projected::Good { answer, accepted, is_near_end } => {
                let mut answer = ready!(answer.poll(context))?;
                put_hints(answer.headers_mut(), accepted, *is_near_end);
                Poll::Ready(Ok(answer))
            }
            // Whoever asks again after the answer waits for ever.
            Projected::Bad { answer } => {
                answer.take().map_or(Poll::Pending, |answer| Poll::Ready(Ok(answer)))
            }
        }
    }
}
