//! The tools that look, and change nothing but what is known of destinations.

use keytender_core::steps::{Context as StepContext, steps};
use keytender_core::time::Time;

use super::asked::{DueKeys, OfKey, OfRotation, Rotations, check_word, limit};
use super::server::{Answer, Call};
use super::told::{self, AdviceView, CheckedList, CheckedView, ExplainedView, RotationPage};
use crate::app::keys;
use crate::app::view::{HeldRotationView, KeyQuery, KeySort, KeyView, NewRotationRequest};
use crate::cli::desk::WhichRotations;
use crate::error::{Error, Kind};

/// How many keys a word is looked up among.
const MEANT: u32 = 10;
/// How many rotations are looked through for those that are asked for: what a server gives at once.
const LOOKED_THROUGH: u32 = 1_000;
/// How much of a story is told.
const MAX_EVENTS: usize = 50;

impl Call<'_> {
    pub(super) async fn list_due_keys(&mut self, asked: DueKeys) -> Result<Answer, Error> {
        let words = [&asked.owner, &asked.account, &asked.provider, &asked.rule];
        words.into_iter().flatten().try_for_each(|word| check_word("filter", word))?;
        let offset = match &asked.cursor {
            None => 0,
            Some(cursor) => cursor.parse().map_err(|_| no_cursor())?,
        };
        let query = KeyQuery {
            due: Some(true),
            owner: asked.owner,
            account: asked.account,
            provider: asked.provider,
            rule: asked.rule,
            action: asked.action,
            sort: Some(KeySort::Severity),
            limit: Some(limit(asked.limit)?),
            offset: Some(offset).filter(|offset| *offset > 0),
            ..KeyQuery::default()
        };
        let query = self.server.allowed.narrow(query)?;
        let mut list = self.opened.desk().list_keys(query).await?;
        let end = offset.saturating_add(u64::try_from(list.keys.len()).unwrap_or(u64::MAX));
        list.next = (end < list.total && !list.keys.is_empty()).then(|| end.to_string());
        list.keys.iter_mut().for_each(|view| self.veil.cover(view));
        let text = told::keys(&list);
        Answer::new(&list, text)
    }

    pub(super) async fn explain_key(&mut self, asked: OfKey) -> Result<Answer, Error> {
        let (key, as_of) = self.key(&asked.key).await?;
        let mut events = self.opened.desk().timeline(&key.key).await?;
        latest(&mut events);
        let steps = match key.action {
            Some(action) => steps(&key.key(), action, StepContext::default(), as_of),
            None => Vec::new(),
        };
        let steps = steps.into_iter().map(|step| AdviceView {
            text: step.text,
            command: step.command,
            link: step.link,
        });
        let view = ExplainedView { as_of, key, steps: steps.collect(), events };
        let text = told::explained(&view);
        Answer::new(&view, text)
    }

    pub(super) async fn list_rotations(&mut self, asked: Rotations) -> Result<Answer, Error> {
        let limit = usize::try_from(limit(asked.limit)?).unwrap_or(usize::MAX);
        let key = match &asked.key {
            Some(word) => Some(self.key(word).await?.0.key),
            None => None,
        };
        let which = WhichRotations {
            key: key.as_deref(),
            live: (asked.ended != Some(true) && key.is_none()).then_some(true),
            waiting: asked.waiting == Some(true),
            limit: LOOKED_THROUGH,
        };
        let found = self.opened.desk().list_rotations(&which).await?;
        let mut rest = found.into_iter();
        if let Some(cursor) = &asked.cursor {
            rest.find(|view| view.rotation == *cursor).ok_or_else(no_cursor)?;
        }
        let mut page = RotationPage { rotations: Vec::new(), next: None };
        for view in rest {
            if !self.is_seen(&view).await? {
                continue;
            }
            if page.rotations.len() == limit {
                page.next = page.rotations.last().map(|last| last.rotation.clone());
                break;
            }
            page.rotations.push(view);
        }
        let text = told::rotations(&page);
        Answer::new(&page, text)
    }

    pub(super) async fn show_rotation(&mut self, asked: OfRotation) -> Result<Answer, Error> {
        let view = self.rotation(&asked.rotation).await?;
        told_of(view)
    }

    pub(super) async fn plan_rotation(
        &mut self,
        mut asked: NewRotationRequest,
    ) -> Result<Answer, Error> {
        asked.key = self.key(&asked.key).await?.0.key;
        self.add_gates(&mut asked);
        let mut plan = self.opened.desk().plan_rotation(&asked).await?;
        // What a key's id may give away, it gives away here too.
        let (key, _) = self.key(&asked.key).await?;
        plan.id = key.id;
        let text = told::plan(&plan);
        Answer::new(&plan, text)
    }

    pub(super) async fn check_destinations(&mut self, asked: OfKey) -> Result<Answer, Error> {
        let (key, _) = self.key(&asked.key).await?;
        let found = self.opened.desk().check_destinations(Some(&key.key)).await?;
        let destinations = found.into_iter().map(CheckedView::of).collect();
        let list = CheckedList { key: key.key, destinations };
        let text = told::checked(&list);
        Answer::new(&list, text)
    }

    /// Has an agent's rotation wait where the user wants to be asked.
    pub(super) fn add_gates(&self, asked: &mut NewRotationRequest) {
        let gates = self.server.allowed.ask();
        if !gates.is_empty() {
            asked.approve.get_or_insert_default().extend(gates);
        }
    }

    /// The one key that a word means, of those that there are for agents, and the moment at which it was so.
    pub(super) async fn key(&mut self, word: &str) -> Result<(KeyView, Time), Error> {
        check_word("key", word)?;
        let query =
            KeyQuery { named: Some(word.to_owned()), limit: Some(MEANT), ..KeyQuery::default() };
        let query = self.server.allowed.narrow(query)?;
        let list = self.opened.desk().list_keys(query).await?;
        let facts = |view: &KeyView| (view.key.clone(), view.state);
        let mut view = keys::one(word, list.keys, facts)?;
        self.veil.cover(&mut view);
        Ok((view, list.as_of))
    }

    /// A rotation, if its key is one of those that there are for agents.
    pub(super) async fn rotation(&mut self, word: &str) -> Result<HeldRotationView, Error> {
        check_word("rotation", word)?;
        let view = self.opened.desk().get_rotation(word).await?;
        match self.is_seen(&view).await? {
            true => Ok(view),
            false => Err(Error::not_found(format!("there is no rotation `{word}`"))),
        }
    }

    async fn is_seen(&mut self, view: &HeldRotationView) -> Result<bool, Error> {
        match self.key(&view.key).await {
            Ok(_) => Ok(true),
            Err(error) if error.of_kind() == Kind::NotFound => Ok(false),
            Err(error) => Err(error),
        }
    }
}

/// The answer of how a rotation stands.
pub(super) fn told_of(mut view: HeldRotationView) -> Result<Answer, Error> {
    latest(&mut view.events);
    let text = told::rotation(&view);
    Answer::new(&view, text)
}

fn latest<T>(events: &mut Vec<T>) {
    let old = events.len().saturating_sub(MAX_EVENTS);
    events.drain(..old);
}

fn no_cursor() -> Error {
    Error::new("this cursor leads nowhere").hint("give what `next` said, or none to begin again")
}
