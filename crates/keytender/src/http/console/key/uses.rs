//! When a key was used, drawn over time.

use keytender_core::time::{Span, Time};
use maud::{Markup, html};

use crate::app::view::{EventView, KeyView, LastUseView};
use crate::http::console::words::relative;

/// The width of the drawing, in its own units.
const WIDTH: i64 = 720;
/// The room at both sides.
const MARGIN: i64 = 8;
/// Where the marks of uses begin.
const TOP: i64 = 8;
/// Where the line of time is.
const LINE: i64 = 44;
/// The height of the drawing.
const HEIGHT: i64 = 52;
const MICROS_PER_SECOND: i64 = 1_000_000;

/// The uses that are known, as a picture and in words.
pub(super) fn section(view: &KeyView, events: &[EventView], now: Time) -> Markup {
    let mut uses: Vec<Time> =
        events.iter().filter(|one| one.what == "used").map(|one| one.at).collect();
    if let LastUseView::Used { at, .. } = view.last_used {
        uses.push(at);
    }
    uses.sort_unstable();
    uses.dedup();
    html! {
        @match (uses.first(), uses.last(), &view.last_used) {
            (Some(first), Some(last), _) if uses.len() > 1 => {
                @let said = said(view, uses.len(), *first, *last, now);
                figure.uses {
                    figcaption { (said) }
                    (picture(&uses, *first, *last, cadence(view), now, &said))
                }
            }
            (Some(only), ..) => p { "One use is known: " (only.date()) ", " (relative(*only, now)) "." },
            (_, _, LastUseView::Unknown { why }) => p { "Nobody can say whether it was used: " (why) "." },
            (_, _, LastUseView::Never { since }) => p { "It was not used since " (since.date()) "." },
            _ => p { "No use is known." },
        }
    }
}

fn cadence(view: &KeyView) -> Option<Span> {
    view.cadence_seconds.map(|one| Span::from_micros(one.saturating_mul(MICROS_PER_SECOND)))
}

fn said(view: &KeyView, count: usize, first: Time, last: Time, now: Time) -> String {
    let often = match cadence(view) {
        Some(gap) => format!(", at least every {}", gap.in_words()),
        None => String::new(),
    };
    let (from, to) = (first.date(), last.date());
    format!("{count} uses were seen from {from} to {to}{often}; the last {}", relative(last, now))
}

/// A mark for each use, and where the next one is due if it is used as before.
fn picture(
    uses: &[Time],
    first: Time,
    last: Time,
    cadence: Option<Span>,
    now: Time,
    said: &str,
) -> Markup {
    let next = cadence.map(|gap| last.plus(gap));
    let end = next.map_or(now, |next| next.max(now)).max(last);
    let length = end.since(first).as_micros().max(1);
    let place = |at: Time| {
        let share = i128::from(at.since(first).as_micros().min(length));
        let wide = i128::from(WIDTH - 2 * MARGIN);
        MARGIN + i64::try_from(share * wide / i128::from(length)).unwrap_or(0)
    };
    html! {
        // It is as wide as there is room: lines keep their strength, and words stand beneath.
        svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) preserveAspectRatio="none" role="img" aria-label=(said) {
            line.base x1=(MARGIN) x2=(WIDTH - MARGIN) y1=(LINE) y2=(LINE) {}
            @for at in uses {
                line.use x1=(place(*at)) x2=(place(*at)) y1=(TOP) y2=(LINE) {
                    title { (at.to_seconds()) }
                }
            }
            @if let Some(next) = next {
                line.next x1=(place(next)) x2=(place(next)) y1=(TOP) y2=(LINE) stroke-dasharray="3 3" {
                    title { "If it is used as before, again by " (next.date()) }
                }
            }
            line.now x1=(place(now)) x2=(place(now)) y1=(LINE - 6) y2=(LINE + 6) { title { "now" } }
        }
        p.ends aria-hidden="true" { span { (first.date()) } span { (end.date()) } }
    }
}
