//! What is wrong in a file, and where.

use keytender_core::report::Fault as Unreadable;

use crate::app::view::ImportFaultView;

/// Where something is in a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum At {
    /// A line, and a character in it, both from 1.
    Line(u64, u64),
    /// So many bytes from the start: its line is looked for only if something is wrong there.
    Byte(usize),
}

/// Something that is wrong. It never repeats a cell that may be a key or a hash.
#[derive(Clone, Debug)]
pub(super) struct Fault {
    at: At,
    what: String,
    hint: Option<String>,
}

impl Fault {
    pub(super) fn new(at: At, what: impl Into<String>, hint: impl Into<String>) -> Self {
        let hint = Some(hint.into()).filter(|hint| !hint.is_empty());
        Self { at, what: what.into(), hint }
    }

    /// For people and programs, of a file with this content.
    pub(super) fn view(&self, content: &[u8]) -> ImportFaultView {
        let (line, column) = match self.at {
            At::Line(line, column) => (line, column),
            At::Byte(offset) => place(content, offset),
        };
        ImportFaultView { line, column, what: self.what.clone(), hint: self.hint.clone() }
    }
}

impl From<Unreadable> for Fault {
    fn from(fault: Unreadable) -> Self {
        Self::new(At::Line(fault.line, fault.column), fault.problem.to_string(), "")
    }
}

/// The line and the character of a byte, both from 1.
fn place(content: &[u8], offset: usize) -> (u64, u64) {
    let before = content.get(..offset).unwrap_or(content);
    let lines = before.iter().filter(|byte| **byte == b'\n').count();
    let line = before.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let letters = String::from_utf8_lossy(line).chars().count();
    let number = |count: usize| u64::try_from(count).unwrap_or(u64::MAX).saturating_add(1);
    (number(lines), number(letters))
}
