//! What an act on several keys would do, asked of their providers within the time that people wait.

use std::time::Duration;

use futures_util::stream::{self, StreamExt};

use super::{Asked, preview};
use crate::app::inventory::Inventory;
use crate::app::view::PlanView;
use crate::error::Error;

/// How many keys are asked for at once: as many as AWS lets through without throttling.
const MAX_AT_ONCE: usize = 8;
/// How long somebody waits for a page that asks them.
const PATIENCE: Duration = Duration::from_secs(4);

/// What an act on each of these keys would do, in their order; `None` where the time was over before
/// the provider answered. Nothing is changed.
pub async fn preview_each(
    inventory: &Inventory,
    keys: &[String],
    asked: &Asked,
) -> Vec<Option<Result<PlanView, Error>>> {
    let ask = async |(place, key): (usize, &String)| (place, preview(inventory, key, asked).await);
    let answers = stream::iter(keys.iter().enumerate()).map(ask).buffer_unordered(MAX_AT_ONCE);
    let answers = answers.take_until(tokio::time::sleep(PATIENCE));
    let mut plans: Vec<Option<Result<PlanView, Error>>> = keys.iter().map(|_| None).collect();
    let mut answers = std::pin::pin!(answers);
    while let Some((place, plan)) = answers.next().await {
        if let Some(one) = plans.get_mut(place) {
            *one = Some(plan);
        }
    }
    plans
}
