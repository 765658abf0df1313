//! What was odd about a source: kept up to a limit, counted beyond it.

use keytender_core::report::Fault;

/// How many warnings of one source are kept: a damaged file may hold millions, and memory must
/// not grow with it.
const MAX_WARNINGS: usize = 1_000;

/// The warnings of one source.
#[derive(Debug, Default)]
pub(super) struct Warnings {
    lines: Vec<String>,
    dropped: u64,
    faults: u64,
}

impl Warnings {
    /// A line that cannot be read.
    pub(super) fn fault(&mut self, fault: &Fault) {
        self.faults += 1;
        if self.lines.len() < MAX_WARNINGS {
            self.lines.push(fault.to_string());
        } else {
            self.dropped += 1;
        }
    }

    /// Anything else worth saying.
    pub(super) fn note(&mut self, line: String) {
        self.lines.push(line);
    }

    /// Whether a line could not be read.
    pub(super) const fn has_faults(&self) -> bool {
        self.faults > 0
    }

    /// The warnings, and how many are left out.
    pub(super) fn into_lines(mut self) -> Vec<String> {
        if self.dropped > 0 {
            self.lines.push(format!("and {} more lines that cannot be read", self.dropped));
        }
        self.lines
    }
}
