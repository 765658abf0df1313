//! Aligned columns for a terminal of any width.

use std::io::{self, Write};

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::style;

/// What stands between two columns.
const GAP: usize = 2;
/// No column is made narrower than this, however narrow the terminal is.
const MIN_COLUMN: usize = 9;

/// A cell: its lines, and how it looks.
#[derive(Clone, Debug, Default)]
pub(super) struct Cell {
    lines: Vec<String>,
    style: Style,
}

impl Cell {
    /// A cell of these lines; empty ones are left out.
    pub(super) fn new(lines: impl IntoIterator<Item = String>) -> Self {
        let lines = lines.into_iter().filter(|line| !line.is_empty()).collect();
        Self { lines, style: Style::new() }
    }

    /// The same cell, in `style`.
    pub(super) fn styled(mut self, style: Style) -> Self {
        self.style = style;
        self
    }

    fn joined(&self) -> String {
        self.lines.join(", ")
    }
}

/// Rows under a head.
pub(super) struct Grid<const N: usize> {
    head: [&'static str; N],
    rows: Vec<[Cell; N]>,
}

impl<const N: usize> Grid<N> {
    pub(super) const fn new(head: [&'static str; N]) -> Self {
        Self { head, rows: Vec::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub(super) fn push(&mut self, row: [Cell; N]) {
        self.rows.push(row);
    }

    /// Writes the rows: each on one line if `width` allows it, else with cells of several lines,
    /// wrapped where needed. Without a width there is no terminal, and a row is a line.
    pub(super) fn write(&self, out: &mut dyn Write, width: Option<usize>) -> io::Result<()> {
        let joined = self.widths(|cell| cell.joined().width());
        match width {
            Some(width) if total(&joined) > width => {
                let mut widths = self.widths(|cell| widest(&cell.lines));
                shrink(&mut widths, width);
                self.write_with(out, &widths, |cell, width| wrap(&cell.lines, width))
            }
            _ => self.write_with(out, &joined, |cell, _| vec![cell.joined()]),
        }
    }

    fn widths(&self, measure: impl Fn(&Cell) -> usize) -> [usize; N] {
        let mut widths = self.head.map(UnicodeWidthStr::width);
        for row in &self.rows {
            for (width, cell) in widths.iter_mut().zip(row) {
                *width = (*width).max(measure(cell));
            }
        }
        widths
    }

    fn write_with(
        &self,
        out: &mut dyn Write,
        widths: &[usize; N],
        lines: impl Fn(&Cell, usize) -> Vec<String>,
    ) -> io::Result<()> {
        let head = self.head.map(|name| Cell::new([name.to_owned()]).styled(style::HEAD));
        for row in std::iter::once(&head).chain(&self.rows) {
            let cells: Vec<(Vec<String>, Style, usize)> = row
                .iter()
                .zip(widths)
                .map(|(cell, width)| (lines(cell, *width), cell.style, *width))
                .collect();
            let height = cells.iter().map(|(lines, ..)| lines.len()).max().unwrap_or(0);
            for place in 0..height {
                write_line(out, &cells, place)?;
            }
        }
        Ok(())
    }
}

/// Writes the line `place` of each cell, without spaces at its end.
fn write_line(
    out: &mut dyn Write,
    cells: &[(Vec<String>, Style, usize)],
    place: usize,
) -> io::Result<()> {
    let mut pending = 0;
    for (lines, style, width) in cells {
        let text = lines.get(place).map(String::as_str).unwrap_or_default();
        if !text.is_empty() {
            write!(out, "{:pending$}{style}{text}{style:#}", "")?;
            pending = 0;
        }
        pending += width.saturating_sub(text.width()) + GAP;
    }
    writeln!(out)
}

fn total(widths: &[usize]) -> usize {
    widths.iter().sum::<usize>() + GAP * widths.len().saturating_sub(1)
}

/// Takes from the widest column until all fit.
fn shrink(widths: &mut [usize], limit: usize) {
    while total(widths) > limit {
        match widths.iter_mut().max() {
            Some(widest) if *widest > MIN_COLUMN => *widest -= 1,
            _ => return,
        }
    }
}

fn widest(lines: &[String]) -> usize {
    lines.iter().map(|line| line.width()).max().unwrap_or(0)
}

fn wrap(lines: &[String], width: usize) -> Vec<String> {
    lines
        .iter()
        .flat_map(|line| textwrap::wrap(line, width.max(1)))
        .map(std::borrow::Cow::into_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(width: Option<usize>) -> String {
        let mut grid = Grid::new(["KEY", "LAST USED", "DO"]);
        let lines = |lines: &[&str]| Cell::new(lines.iter().map(|&line| line.to_owned()));
        grid.push([
            lines(&["deploy/1"]),
            lines(&["4 days ago", "s3 in us-east-1"]),
            lines(&["remove"]),
        ]);
        grid.push([lines(&["Zoë/1"]), lines(&[]), lines(&["rotate"])]);
        let mut out = Vec::new();
        grid.write(&mut out, width).unwrap();
        anstream::adapter::strip_str(std::str::from_utf8(&out).unwrap()).to_string()
    }

    #[test]
    fn a_wide_terminal_gets_a_line_a_row() {
        let expected = "KEY       LAST USED                    DO\n\
                        deploy/1  4 days ago, s3 in us-east-1  remove\n\
                        Zoë/1                                  rotate\n";
        assert_eq!(written(Some(80)), expected);
        assert_eq!(written(None), expected);
    }

    #[test]
    fn a_narrow_one_gets_cells_of_several_lines() {
        let expected = "KEY       LAST USED        DO\n\
                        deploy/1  4 days ago       remove\n          \
                                  s3 in us-east-1\n\
                        Zoë/1                      rotate\n";
        assert_eq!(written(Some(40)), expected);
    }

    #[test]
    fn a_very_narrow_one_gets_wrapped_lines() {
        assert!(written(Some(32)).lines().all(|line| line.width() <= 32));
    }
}
