//! The plain text of a notice: the same as its HTML, in lines of 72 columns.
//!
//! Links and command lines stay whole, so that they can be copied; they may be longer.

use textwrap::{Options, WordSplitter};

use crate::steps::Step;
use crate::time::Time;

use super::digest::Digest;
use super::item::Item;

/// What mail programs show without a second line, with room for a quote's signs.
const COLUMNS: usize = 72;
/// Where the values begin beside their names.
const VALUE_COLUMN: usize = 15;

/// The notice as plain text.
pub fn text(digest: &Digest, now: Time) -> String {
    let mut page = Page::default();
    for sentence in digest.lead(now) {
        page.paragraph(&sentence);
    }
    for item in digest.in_full() {
        page.title(&item.heading());
        if digest.keys() > 1 {
            for sentence in item.lead(now) {
                page.paragraph(&sentence);
            }
            page.line("");
        }
        page.item(item, now);
    }
    if !digest.in_lines().is_empty() {
        page.title(digest.lines_title());
        for item in digest.in_lines() {
            page.wrapped(&item.line(), "- ", "  ");
            if let Some(link) = item.page() {
                page.line(&format!("  {link}"));
            }
        }
    }
    if let Some(rest) = digest.rest() {
        page.paragraph("");
        page.paragraph(&rest);
    }
    page.line("");
    page.line("-- ");
    page.paragraph(&digest.signature());
    for (name, place) in digest.footer() {
        page.value(name, place);
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn line(&mut self, line: &str) {
        self.0.push_str(line);
        self.0.push('\n');
    }

    fn paragraph(&mut self, text: &str) {
        self.wrapped(text, "", "");
    }

    fn wrapped(&mut self, text: &str, first: &str, next: &str) {
        let options = Options::new(COLUMNS)
            .initial_indent(first)
            .subsequent_indent(next)
            .break_words(false)
            .word_splitter(WordSplitter::NoHyphenation);
        for line in textwrap::wrap(text, options) {
            self.line(&line);
        }
    }

    fn title(&mut self, title: &str) {
        self.line("");
        self.line("");
        self.paragraph(title);
        self.line(&"-".repeat(COLUMNS));
    }

    fn item(&mut self, item: &Item, now: Time) {
        self.line("Why:");
        for reason in item.reasons() {
            self.wrapped(reason, "- ", "  ");
        }
        self.line("");
        self.line("What to do:");
        for (number, step) in (1_usize..).zip(item.steps()) {
            self.step(number, step);
        }
        self.line("");
        for step in item.keep() {
            self.paragraph(&step.text);
            if let Some(command) = &step.command {
                self.line(&format!("   {command}"));
            }
        }
        if let Some(link) = item.page() {
            self.line(&format!("   {link}"));
        }
        self.line("");
        self.line("What is known:");
        if !item.is_customers() {
            self.value("Severity", item.severity().as_str());
        }
        for (name, value) in item.facts(now) {
            self.value(name, &value);
        }
        for (number, link) in item.links().iter().enumerate() {
            self.value(if number == 0 { "Read" } else { "" }, link);
        }
    }

    fn step(&mut self, number: usize, step: &Step) {
        self.wrapped(&step.text, &format!("{number}. "), "   ");
        for whole in [&step.command, &step.link].into_iter().flatten() {
            self.line(&format!("   {whole}"));
        }
    }

    fn value(&mut self, name: &str, value: &str) {
        let first = format!("{name:<VALUE_COLUMN$}");
        self.wrapped(value, &first, &" ".repeat(VALUE_COLUMN));
    }
}
