//! The protocol of slots, in every order that the memory model allows: a reader sees a change whole or not at all.

#[path = "../../src/seqlock.rs"]
mod protocol;

/// What the protocol is made of, by the model checker.
mod atomic {
    pub(crate) use loom::sync::atomic::{AtomicU64, Ordering, fence};

    pub(crate) fn pause() {
        loom::thread::yield_now();
    }
}

use std::sync::Arc;

use self::protocol::Cell;

/// The words of a cell.
#[derive(Default)]
struct Owned {
    head: atomic::AtomicU64,
    words: [atomic::AtomicU64; 2],
}

impl Owned {
    fn cell(&self) -> Cell<'_, 2> {
        Cell::new(&self.head, &self.words)
    }
}

/// Runs a model with a bound on how often threads interrupt each other; two suffice for almost every fault
/// (Musuvathi and Qadeer, 2007).
fn explore(model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(model);
}

#[test]
fn a_reader_sees_a_change_whole_or_not_at_all() {
    explore(|| {
        let cell = Arc::new(Owned::default());
        let written = Arc::clone(&cell);
        let writer = loom::thread::spawn(move || {
            written.cell().write(1, [10, 100]);
            written.cell().write(2, [20, 200]);
        });
        let (head, words) = cell.cell().read();
        assert_eq!(words, [head * 10, head * 100]);
        writer.join().unwrap();
        assert_eq!(cell.cell().read(), (2, [20, 200]));
    });
}

#[test]
fn who_sees_the_head_of_a_change_sees_its_words() {
    explore(|| {
        let cell = Arc::new(Owned::default());
        let written = Arc::clone(&cell);
        let writer = loom::thread::spawn(move || written.cell().write(1, [10, 100]));
        let head = cell.cell().head();
        assert!(
            head == 0 || cell.cell().peek(1) == 100,
            "a search may look at words after the head"
        );
        writer.join().unwrap();
    });
}

#[test]
#[should_panic(expected = "torn")]
fn the_model_would_find_a_torn_change() {
    explore(|| {
        let cell = Arc::new(Owned::default());
        let written = Arc::clone(&cell);
        let writer = loom::thread::spawn(move || written.cell().write(1, [10, 100]));
        let words = [cell.cell().peek(0), cell.cell().peek(1)];
        assert!(words == [0, 0] || words == [10, 100], "torn");
        writer.join().unwrap();
    });
}
