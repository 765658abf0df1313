//! The tools that act on rotations. What is asked for is kept before it is done, as for anybody else.

use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::timeout;

use super::asked::{Acknowledged, Approved, Said, check_reason, check_word};
use super::look::told_of;
use super::place::Opened;
use super::server::{Answer, Call};
use super::tools::withheld;
use crate::app::view::{HeldRotationView, NewRotationRequest, SayRequest, SayWord};
use crate::error::{Error, Kind};

/// How long a call waits until a rotation rests; clients give up after a minute.
const PATIENCE: Duration = Duration::from_secs(40);

impl Call<'_> {
    pub(super) async fn start_rotation(
        &mut self,
        mut asked: NewRotationRequest,
    ) -> Result<Answer, Error> {
        let reason = asked.because.take().unwrap_or_default();
        check_reason(&reason)?;
        self.refuse_withheld(&asked)?;
        asked.key = self.key(&asked.key).await?.0.key;
        asked.because = Some(self.opened.reason(&reason, &self.origin));
        self.add_gates(&mut asked);
        let begun = self.opened.desk().start_rotation(&asked).await?;
        self.goes_on(begun.rotation).await
    }

    /// Refuses what agents may not say of a rotation.
    fn refuse_withheld(&self, asked: &NewRotationRequest) -> Result<(), Error> {
        let said = [
            ("to", asked.to.is_some()),
            ("emergency", asked.emergency == Some(true)),
            ("deadline", asked.deadline.is_some()),
        ];
        let withheld = withheld(&self.server.allowed);
        match said.into_iter().find(|(word, is_said)| *is_said && withheld.contains(word)) {
            None => Ok(()),
            Some((word, _)) => {
                let message = format!("`{word}` is for a person to say");
                Err(Error::new(message)
                    .kind(Kind::Forbidden)
                    .hint("leave it out, or have the user run keytender rotate"))
            }
        }
    }

    pub(super) async fn resume_rotation(&mut self, asked: Said) -> Result<Answer, Error> {
        let before = self.before(&asked.rotation, &asked.because).await?;
        if before.is_blocked {
            self.say(&before, SayWord::Resume, &asked.because, |_| ()).await?;
        }
        self.goes_on(before.rotation).await
    }

    pub(super) async fn roll_back_rotation(&mut self, asked: Said) -> Result<Answer, Error> {
        let before = self.before(&asked.rotation, &asked.because).await?;
        let word = match (before.can_abort, before.can_roll_back) {
            (true, _) => SayWord::Abort,
            (false, true) => SayWord::Rollback,
            (false, false) => {
                let message = format!("{} cannot be taken back any more", before.rotation);
                return Err(Error::new(message).kind(Kind::Conflict).hint(before.says));
            }
        };
        self.say(&before, word, &asked.because, |_| ()).await?;
        self.goes_on(before.rotation).await
    }

    pub(super) async fn approve_step(&mut self, asked: Approved) -> Result<Answer, Error> {
        let before = self.before(&asked.rotation, &asked.because).await?;
        if !before.asks.contains(&asked.step) {
            let step = asked.step.as_str();
            let message = format!("{} does not ask for `{step}` now", before.rotation);
            return Err(Error::new(message).kind(Kind::Conflict).hint(before.says));
        }
        let gate = Some(asked.step);
        self.say(&before, SayWord::Approve, &asked.because, |said| said.gate = gate).await?;
        self.goes_on(before.rotation).await
    }

    pub(super) async fn acknowledge_destination(
        &mut self,
        asked: Acknowledged,
    ) -> Result<Answer, Error> {
        check_word("destination", &asked.destination)?;
        let before = self.before(&asked.rotation, &asked.because).await?;
        let name = Some(asked.destination);
        self.say(&before, SayWord::Acknowledge, &asked.because, |said| said.destination = name)
            .await?;
        self.goes_on(before.rotation).await
    }

    /// The rotation that something is to be said to, and whether that has a reason.
    async fn before(&mut self, rotation: &str, because: &str) -> Result<HeldRotationView, Error> {
        check_reason(because)?;
        self.rotation(rotation).await
    }

    async fn say(
        &self,
        to: &HeldRotationView,
        say: SayWord,
        because: &str,
        more: impl FnOnce(&mut SayRequest),
    ) -> Result<(), Error> {
        let because = Some(self.opened.reason(because, &self.origin));
        let mut said = SayRequest { say, gate: None, destination: None, because };
        more(&mut said);
        self.opened.desk().say(&to.rotation, &said).await.map(drop)
    }

    /// Takes a rotation as far as it goes now, or for as long as clients wait; it goes on by itself then.
    async fn goes_on(&mut self, rotation: String) -> Result<Answer, Error> {
        let done = match &self.opened {
            Opened::Here(_) => timeout(PATIENCE, self.taken_on(&rotation)).await.ok(),
            // The server takes it on, and here it is only waited for.
            there @ Opened::There(_) => {
                let desk = there.desk();
                timeout(PATIENCE, desk.advance_rotation(&rotation, |_| ())).await.ok().map(Some)
            }
        };
        let view = match done.flatten() {
            Some(Ok(view)) => view,
            Some(Err(error)) => {
                let message = format!("{rotation} heard it, and does not go on yet");
                let error = Error::new(message).kind(error.of_kind()).source(error);
                return Err(error.hint("show_rotation tells how it stands"));
            }
            None => self.opened.desk().get_rotation(&rotation).await?,
        };
        // Its keys may be hidden.
        self.key(&view.key).await?;
        told_of(view)
    }

    /// Has this program take a rotation on; that goes on when nobody waits for it any more.
    async fn taken_on(&self, rotation: &str) -> Option<Result<HeldRotationView, Error>> {
        let (told, hears) = oneshot::channel();
        let opened = self.server.place.open(&self.origin);
        let (talk, rotation) = (self.server.talk, rotation.to_owned());
        self.server.running().spawn(async move {
            let done = opened.desk().advance_rotation(&rotation, |_| ()).await;
            opened.seal(talk).await;
            // Whoever asked may have given up.
            _ = told.send(done);
        });
        hears.await.ok()
    }
}
