//! Parts of forms: lines to type into, what was wrong with what was typed, and the page that asks
//! before something is lost.

use axum::response::Response;
use maud::{Markup, Render, html};

use super::layout;
use super::visit::Visit;
use crate::error::Error;
use crate::http::problem::{Problem, Refusal};

/// A line to type into, with its name and what is to know about it. `form` tells forms of one page
/// apart.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'f> {
    form: &'f str,
    name: &'f str,
    label: &'f str,
    value: &'f str,
    kind: &'f str,
    about: Option<&'f str>,
    is_required: bool,
    autocomplete: &'f str,
}

impl<'f> Field<'f> {
    pub(super) const fn new(form: &'f str, name: &'f str, label: &'f str) -> Self {
        Self {
            form,
            name,
            label,
            value: "",
            kind: "text",
            about: None,
            is_required: false,
            autocomplete: "off",
        }
    }

    /// With what was typed before.
    pub(super) fn value(mut self, value: Option<&'f str>) -> Self {
        self.value = value.unwrap_or_default();
        self
    }

    /// Of another kind than a line of text: `email`, `url`, `number`, `date`.
    pub(super) const fn kind(mut self, kind: &'f str) -> Self {
        self.kind = kind;
        self
    }

    /// For a secret: nobody sees it, and no browser keeps it as the visitor's own password.
    pub(super) const fn secret(mut self) -> Self {
        self.kind = "password";
        self.autocomplete = "new-password";
        self
    }

    /// With a sentence below it.
    pub(super) const fn about(mut self, about: &'f str) -> Self {
        self.about = Some(about);
        self
    }

    pub(super) const fn required(mut self) -> Self {
        self.is_required = true;
        self
    }
}

impl Render for Field<'_> {
    fn render(&self) -> Markup {
        let id = format!("{}-{}", self.form, self.name);
        let about = self.about.map(|_| format!("{id}-about"));
        html! {
            label for=(id) { (self.label) }
            input id=(id) name=(self.name) type=(self.kind) value=(self.value) required[self.is_required]
                autocomplete=(self.autocomplete) aria-describedby=[about.as_deref()];
            @if let (Some(id), Some(text)) = (&about, self.about) { small id=(id) { (text) } }
        }
    }
}

/// A choice of one of several words, each with what people read.
#[derive(Clone, Debug)]
pub(super) struct Choice<'f> {
    form: &'f str,
    name: &'f str,
    label: &'f str,
    options: Vec<(String, String)>,
    chosen: Option<&'f str>,
    about: Option<&'f str>,
}

impl<'f> Choice<'f> {
    pub(super) fn new<W: Into<String>, T: Into<String>>(
        form: &'f str,
        name: &'f str,
        label: &'f str,
        options: impl IntoIterator<Item = (W, T)>,
    ) -> Self {
        let options = options.into_iter().map(|(word, text)| (word.into(), text.into())).collect();
        Self { form, name, label, options, chosen: None, about: None }
    }

    pub(super) const fn chosen(mut self, word: Option<&'f str>) -> Self {
        self.chosen = word;
        self
    }

    pub(super) const fn about(mut self, about: &'f str) -> Self {
        self.about = Some(about);
        self
    }
}

impl Render for Choice<'_> {
    fn render(&self) -> Markup {
        let id = format!("{}-{}", self.form, self.name);
        let about = self.about.map(|_| format!("{id}-about"));
        html! {
            label for=(id) { (self.label) }
            select id=(id) name=(self.name) aria-describedby=[about.as_deref()] {
                @for (word, text) in &self.options {
                    option value=(word) selected[self.chosen == Some(word.as_str())] { (text) }
                }
            }
            @if let (Some(id), Some(text)) = (&about, self.about) { small id=(id) { (text) } }
        }
    }
}

/// Scopes to tick, each a word: what a key, or a token, may do.
pub(super) fn boxes<'s>(
    legend: &str,
    about: &Markup,
    all: impl IntoIterator<Item = &'s str>,
    ticked: Option<&Vec<String>>,
) -> Markup {
    let is_ticked = |scope: &str| ticked.is_some_and(|all| all.iter().any(|one| one == scope));
    html! {
        fieldset {
            legend { (legend) }
            small { (about) }
            div.boxes { @for scope in all {
                label.box {
                    input type="checkbox" name="scopes" value=(scope) checked[is_ticked(scope)]; (scope)
                }
            } }
        }
    }
}

/// Something that is said with a reason, behind a word that opens it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Reasoned<'f> {
    /// Tells forms of one page apart.
    pub(super) form: &'f str,
    /// Where it is sent.
    pub(super) action: &'f str,
    /// What it is called.
    pub(super) title: &'f str,
    /// What it does, in a sentence.
    pub(super) what: &'f str,
    /// What the button says.
    pub(super) button: &'f str,
    /// Whether something is lost by it.
    pub(super) is_danger: bool,
    /// What else is sent.
    pub(super) hidden: &'f [(&'f str, &'f str)],
    /// The reason that was typed when it was refused: it stands open then.
    pub(super) refused: Option<Option<&'f str>>,
}

impl Reasoned<'_> {
    pub(super) fn show(&self, visit: &Visit) -> Markup {
        html! {
            details open[self.refused.is_some()] {
                summary { (self.title) }
                p { (self.what) }
                form.stack method="post" action=(self.action) {
                    (visit.proof())
                    @for (name, value) in self.hidden { input type="hidden" name=(name) value=(value); }
                    (Field::new(self.form, "because", "Because").value(self.refused.flatten()))
                    button.danger[self.is_danger] type="submit" { (self.button) }
                }
            }
        }
    }
}

/// Why a form was not taken: told on the page that it came from.
#[derive(Debug)]
pub(super) struct Wrong(Problem);

impl Wrong {
    /// What there is to tell of an error.
    ///
    /// # Errors
    /// When it is a failure of ours: that is a page of its own.
    pub(super) fn of(error: Error) -> Result<Self, Refusal> {
        match Refusal::from(error) {
            Refusal::Told(problem) => Ok(Self(*problem)),
            failed @ Refusal::Failed(_) => Err(failed),
        }
    }

    /// The page that tells it, with its status.
    pub(super) fn on(&self, mut page: Response) -> Response {
        *page.status_mut() = self.0.status();
        page
    }
}

impl Render for Wrong {
    fn render(&self) -> Markup {
        // What to type at the command line helps nobody who looks at a page.
        let hint =
            self.0.advice().filter(|hint| !hint.contains("keytender ") && !hint.contains("--"));
        html! {
            p.wrong role="alert" {
                (capital(self.0.detail().unwrap_or(self.0.title()))) "."
                @if let Some(hint) = hint { " " (capital(hint)) "." }
            }
        }
    }
}

/// A text with a capital at its beginning, if it begins with a letter.
pub(super) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first: String = letters.next().map(|one| one.to_uppercase().collect()).unwrap_or_default();
    first + letters.as_str()
}

/// A form that is folded behind what it does, `summary`, until somebody wants it or was wrong in it.
pub(super) fn folded(
    visit: &Visit,
    summary: &str,
    button: &str,
    action: &str,
    wrong: Option<&Wrong>,
    lines: &Markup,
) -> Markup {
    html! {
        details.add open[wrong.is_some()] {
            summary { (summary) }
            form.stack method="post" action=(action) {
                (visit.proof())
                @if let Some(wrong) = wrong { (wrong) }
                (lines)
                button type="submit" { (button) }
            }
        }
    }
}

/// What is asked before something is lost.
#[derive(Clone, Copy, Debug)]
pub(super) struct Question<'q> {
    /// The section of the page.
    pub(super) section: &'q str,
    /// What is to be done, such as `Remove mia?`.
    pub(super) title: &'q str,
    /// Where it is done; the page itself asks at the same path.
    pub(super) action: &'q str,
    /// What the button says.
    pub(super) button: &'q str,
    /// Where one goes who does not want it.
    pub(super) back: &'q str,
}

/// The page that asks, with what will happen, and lines to type into.
pub(super) fn ask(
    visit: &Visit,
    question: &Question<'_>,
    what: &Markup,
    lines: &Markup,
) -> Response {
    let content = html! {
        h1 { (question.title) }
        (what)
        form.stack method="post" action=(question.action) {
            (visit.proof())
            (lines)
            div.row {
                button.danger type="submit" { (question.button) }
                a.button.quiet href=(question.back) { "Keep it" }
            }
        }
    };
    layout::page(visit, question.section, question.title, &content)
}

/// The page that asks before something is removed that has a page of its own, `place`, in a section.
pub(super) fn removal(
    visit: &Visit,
    (section, place): (&str, &str),
    title: &str,
    button: &str,
    what: &Markup,
) -> Response {
    let action = format!("{place}/remove");
    let question = Question { section, title, action: &action, button, back: place };
    ask(visit, &question, what, &html! {})
}
