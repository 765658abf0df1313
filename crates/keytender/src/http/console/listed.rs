//! Lists of pages: what is looked for in one, and where it goes on.

use maud::{Markup, html};
use serde::Deserialize;

use crate::http::page;
use crate::http::problem::Refusal;

/// What is asked of a list.
#[derive(Clone, Debug, Default, Deserialize)]
pub(super) struct Listed {
    /// Letters that each thing of it holds.
    q: Option<String>,
    /// Where the page begins.
    after: Option<String>,
}

impl Listed {
    /// Of a list that is asked for more.
    pub(super) const fn of(q: Option<String>, after: Option<String>) -> Self {
        Self { q, after }
    }

    /// Whether one of the texts holds what is looked for, in any case.
    pub(super) fn finds(&self, texts: &[&str]) -> bool {
        let wanted = self.wanted().to_lowercase();
        wanted.is_empty() || texts.iter().any(|text| text.to_lowercase().contains(&wanted))
    }

    /// What is looked for.
    pub(super) fn wanted(&self) -> &str {
        self.q.as_deref().unwrap_or_default().trim()
    }

    /// The page of a list that was asked for, and where the next begins.
    ///
    /// # Errors
    /// When the place is none.
    pub(super) fn page<T>(
        &self,
        all: Vec<T>,
        name: impl Fn(&T) -> String,
    ) -> Result<(Vec<T>, Option<String>), Refusal> {
        page::slice(all, None, self.after.as_deref(), name)
    }

    /// The line in which one says what to look for.
    pub(super) fn search(&self, path: &str, label: &str) -> Markup {
        self.search_among(path, label, &[])
    }

    /// The same where more is asked, which stays.
    pub(super) fn search_among(&self, path: &str, label: &str, asked: &[(&str, &str)]) -> Markup {
        let kept = asked.iter().filter(|(name, value)| *name != "q" && !value.is_empty());
        html! {
            form.row.search method="get" action=(path) role="search" {
                @for (name, value) in kept { input type="hidden" name=(name) value=(value); }
                label { (label) input type="search" name="q" value=(self.wanted()); }
                button.quiet type="submit" { "Search" }
            }
        }
    }

    /// The way to the next page.
    pub(super) fn more(&self, path: &str, next: Option<&str>) -> Markup {
        more(path, &[("q", self.wanted())], next)
    }
}

/// The way to the next page of a list at `path`, with what else was asked.
pub(super) fn more(path: &str, asked: &[(&str, &str)], next: Option<&str>) -> Markup {
    let Some(next) = next else { return html! {} };
    html! {
        nav aria-label="Pages" { a.button.quiet href=(with_query(path, asked, Some(next))) rel="next" { "Next page" } }
    }
}

/// A path with what is asked there.
pub(super) fn with_query(path: &str, asked: &[(&str, &str)], after: Option<&str>) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(asked.iter().filter(|(_, value)| !value.is_empty()));
    if let Some(after) = after {
        query.append_pair("after", after);
    }
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}
