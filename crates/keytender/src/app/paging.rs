//! Pages of a list that is read from a place on.

/// Cuts `things`, of which one more was read than the page has, to the `limit` things of the page.
/// Gives the place of the last of them if there are more.
pub fn cut<T, P>(things: &mut Vec<T>, limit: u32, place: impl FnOnce(&T) -> P) -> Option<P> {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let is_more = things.len() > limit;
    things.truncate(limit);
    things.last().filter(|_| is_more).map(place)
}
