//! The HTML of a notice: the same words as its plain text.
//!
//! Mail programs know little: tables for the layout, styles beside each thing for those that drop
//! the head, and a style in the head for dark rooms. No picture, no script, nothing from elsewhere.

use keytender_core::notice::{Digest, Item, subject};
use keytender_core::policy::Severity;
use keytender_core::steps::Step;
use keytender_core::time::Time;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

const STYLE: &str = include_str!("html.css");

const PAGE: &str = "margin:0;padding:0;background:#f4f6f8;color:#1a1d21;\
    font:16px/1.5 system-ui,-apple-system,'Segoe UI',Roboto,Helvetica,Arial,sans-serif";
const CARD: &str = "background:#ffffff;border:1px solid #d9dde2;border-radius:8px";
const PADDED: &str = "padding:20px 24px";
const HEADING: &str = "margin:0 0 8px;font-size:20px;line-height:1.3";
const LABEL: &str = "margin:16px 0 4px;font-size:14px;font-weight:600;color:#5b636d";
const PARAGRAPH: &str = "margin:0 0 8px";
const LIST: &str = "margin:0;padding:0 0 0 22px";
const LINE: &str = "margin:0 0 8px";
const CODE: &str = "display:block;margin:4px 0;padding:8px 10px;background:#f4f6f8;border-radius:4px;\
    font:13px/1.45 ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;\
    overflow-wrap:anywhere;word-break:break-word";
const TYPED: &str =
    "font:14px ui-monospace,SFMono-Regular,Menlo,Consolas,monospace;white-space:nowrap";
const LINK: &str = "color:#2f5fb3;overflow-wrap:anywhere;word-break:break-word";
const BUTTON: &str = "display:inline-block;margin:8px 0 0;padding:10px 16px;background:#2f5fb3;\
    color:#ffffff;border-radius:6px;font-weight:600;text-decoration:none";
const NAME: &str = "padding:3px 14px 3px 0;text-align:left;vertical-align:top;font-weight:normal;\
    color:#5b636d;white-space:nowrap;font-size:14px";
const VALUE: &str = "padding:3px 0;vertical-align:top;font-size:14px;overflow-wrap:anywhere;\
    word-break:break-word";
const SMALL: &str = "margin:0 0 4px;font-size:13px;color:#5b636d";

/// The notice as a page of HTML.
pub fn html(digest: &Digest, now: Time) -> String {
    let title = subject(digest, now);
    let mut parts = vec![lead(digest, now)];
    parts.extend(digest.in_full().iter().map(|item| card(digest, item, now)));
    if !digest.in_lines().is_empty() {
        parts.push(lines(digest));
    }
    parts.push(markup! { div style="padding:4px 24px" { (footer(digest)) } });
    around(&title, &parts)
}

/// The page around the parts of a notice.
fn around(title: &str, parts: &[Markup]) -> String {
    let page = markup! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="supported-color-schemes" content="light dark";
                title { (title) }
                style { (PreEscaped(STYLE)) }
            }
            body.page style=(PAGE) {
                table.page role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="background:#f4f6f8" {
                    tr { td align="center" style="padding:16px 8px" {
                        table role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style="max-width:640px;text-align:left" {
                            @for part in parts { tr { td style="padding:0 0 12px" { (part) } } }
                        }
                    } }
                }
            }
        }
    };
    page.into_string()
}

/// A short letter as a page of HTML: a title, sentences, and a place to go on.
pub fn letter(title: &str, sentences: &[String], place: &str) -> String {
    let content = boxed(&markup! {
        h1 style=(HEADING) { (title) }
        @for sentence in sentences { p style=(PARAGRAPH) { (sentence) } }
        p style=(PARAGRAPH) {
            @if place.starts_with("https://") { (link(place)) } @else { code { (place) } }
        }
    });
    around(title, &[content])
}

fn lead(digest: &Digest, now: Time) -> Markup {
    boxed(&markup! {
        @if let Some(brand) = digest.brand() { p.dim style=(SMALL) { (brand) } }
        h1 style=(HEADING) { (digest.headline(now)) }
        @for sentence in digest.lead(now) { p style=(PARAGRAPH) { (sentence) } }
    })
}

fn card(digest: &Digest, item: &Item, now: Time) -> Markup {
    let color = match item.severity() {
        Severity::Critical => "#a4161a",
        Severity::High => "#b3470b",
        Severity::Medium => "#7a5c00",
        Severity::Low => "#4a5560",
    };
    boxed(&markup! {
        @if !item.is_customers() { p.severity.(item.severity().as_str()) style={ "margin:0 0 4px;font-size:13px;font-weight:600;color:" (color) } { "Severity: " (item.severity().as_str()) } }
        h2 style="margin:0 0 8px;font-size:17px;line-height:1.35;overflow-wrap:anywhere" { (item.heading()) }
        @if digest.keys() > 1 {
            @for sentence in item.lead(now) { p style=(PARAGRAPH) { (sentence) } }
        }
        p.dim style=(LABEL) { "Why" }
        ul style=(LIST) { @for reason in item.reasons() { li style=(LINE) { (reason) } } }
        p.dim style=(LABEL) { "What to do" }
        ol style=(LIST) { @for one in item.steps() { (step(one)) } }
        @for one in item.keep() {
            div style=(PARAGRAPH) {
                (words(&one.text))
                @if let Some(line) = &one.command { (command(line)) }
            }
        }
        @if let Some(page) = item.page() {
            p style=(PARAGRAPH) { a.button href=(page) style=(BUTTON) { "Open your keys" } }
        }
        p.dim style=(LABEL) { "What is known" }
        table cellpadding="0" cellspacing="0" border="0" {
            @for (name, value) in item.facts(now) {
                tr { th.dim scope="row" style=(NAME) { (name) } td style=(VALUE) { (value) } }
            }
            @if !item.links().is_empty() {
                tr {
                    th.dim scope="row" style=(NAME) { "Read" }
                    td style=(VALUE) { @for page in item.links() { div style="margin:0 0 4px" { (link(page)) } } }
                }
            }
        }
    })
}

fn step(step: &Step) -> Markup {
    markup! {
        li style=(LINE) {
            (words(&step.text))
            @if let Some(line) = &step.command { (command(line)) }
            @if let Some(page) = &step.link { div { (link(page)) } }
        }
    }
}

/// A sentence: what stands between backticks is to be typed.
fn words(text: &str) -> Markup {
    markup! {
        @for (number, part) in text.split('`').enumerate() {
            @if number % 2 == 1 { code style=(TYPED) { (part) } } @else { (part) }
        }
    }
}

/// A command line, which a narrow window does not break within an option.
fn command(line: &str) -> Markup {
    markup! {
        code.code style=(CODE) {
            @for (number, word) in line.split(' ').enumerate() {
                @if number > 0 { " " }
                @if word.starts_with("--") { span style="white-space:nowrap" { (word) } } @else { (word) }
            }
        }
    }
}

fn lines(digest: &Digest) -> Markup {
    boxed(&markup! {
        h2 style="margin:0 0 8px;font-size:17px;line-height:1.35" { (digest.lines_title()) }
        ul style=(LIST) {
            @for item in digest.in_lines() {
                li style=(LINE) {
                    @match item.page() {
                        Some(page) => a href=(page) style=(LINK) { (item.line()) },
                        None => (item.line()),
                    }
                }
            }
        }
        @if let Some(rest) = digest.rest() { p style=(PARAGRAPH) { (rest) } }
    })
}

fn footer(digest: &Digest) -> Markup {
    markup! {
        p.dim style=(SMALL) { (digest.signature()) }
        @for (name, place) in digest.footer() {
            p.dim style=(SMALL) {
                (name) ": "
                @if place.starts_with("https://") { (link(place)) } @else { (place) }
            }
        }
    }
}

fn link(page: &str) -> Markup {
    markup! { a href=(page) style=(LINK) { (page) } }
}

fn boxed(content: &Markup) -> Markup {
    markup! {
        table.card role="presentation" width="100%" cellpadding="0" cellspacing="0" border="0" style=(CARD) {
            tr { td style=(PADDED) { (content) } }
        }
    }
}
