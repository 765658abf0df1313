//! What the protocol of [`seqlock`](crate::seqlock) is made of. A test puts a model checker's in its place.

pub(crate) use std::sync::atomic::{AtomicU64, Ordering, fence};

/// Between two looks at what another thread is about to finish.
pub(crate) fn pause() {
    std::hint::spin_loop();
}
