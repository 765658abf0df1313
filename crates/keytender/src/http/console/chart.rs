//! Pictures, drawn as SVG without a script. Each says in words what it shows.

use keytender_core::text::{count, thousands};
use keytender_core::time::{Span, Time};
use maud::{Markup, html};

/// How wide a picture is, in its own units.
const WIDTH: i64 = 520;
/// How high a curve is.
const CURVE: i64 = 120;
/// How high the columns of days are.
const COLUMNS: i64 = 90;
/// How wide one is, with the gap to the next.
const COLUMN: i64 = 6;
/// What stands left of a curve, for its numbers.
const LEFT: i64 = 40;
/// What stands below it, for its days.
const BELOW: i64 = 20;
/// The side of a day in a calendar, with the gap to the next.
const DAY: i64 = 24;

/// A bar with its name and number.
#[derive(Debug)]
pub(super) struct Bar {
    /// What is counted.
    pub(super) name: String,
    /// How many.
    pub(super) count: u64,
    /// Of which so many stand out.
    pub(super) part: u64,
    /// Where those are listed.
    pub(super) link: Option<String>,
}

impl Bar {
    /// A bar of which nothing stands out.
    pub(super) fn new(name: impl Into<String>, count: u64) -> Self {
        Self { name: name.into(), count, part: 0, link: None }
    }

    /// The same, with so many that stand out.
    pub(super) const fn part(mut self, part: u64) -> Self {
        self.part = part;
        self
    }

    /// The same, with the place where those are listed.
    pub(super) fn link(mut self, link: String) -> Self {
        self.link = Some(link);
        self
    }
}

/// Bars below each other, as a table that can be read aloud.
pub(super) fn bars(title: &str, bars: &[Bar]) -> Markup {
    let most = bars.iter().map(|bar| bar.count).max().unwrap_or(0).max(1);
    html! {
        figure {
            table.bars {
                caption { (title) }
                tbody {
                    @for bar in bars {
                        tr {
                            th scope="row" {
                                @match &bar.link {
                                    Some(link) if bar.count > 0 => a href=(link) { (bar.name) },
                                    _ => (bar.name),
                                }
                            }
                            td {
                                svg viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true" {
                                    rect.bar width=(share(bar.count, most)) height="10" rx="1" {}
                                    @if bar.part > 0 {
                                        rect.part width=(share(bar.part, most)) height="10" rx="1" {}
                                    }
                                }
                            }
                            td.number {
                                (thousands(bar.count))
                                @if bar.part > 0 { small { (thousands(bar.part)) " due" } }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Hundredths of `most`, at least one where there is anything.
fn share(count: u64, most: u64) -> u64 {
    match count {
        0 => 0,
        count => (count.saturating_mul(100) / most).clamp(1, 100),
    }
}

/// A curve over steps of time, `first` the end of the first one.
pub(super) fn curve(title: &str, values: &[u64], first: Time, step: Span) -> Markup {
    let most = values.iter().copied().max().unwrap_or(0).max(1);
    let last_place = i64::try_from(values.len().saturating_sub(1)).unwrap_or(0).max(1);
    let x =
        |place: usize| LEFT + (WIDTH - LEFT - 8) * i64::try_from(place).unwrap_or(0) / last_place;
    let y = |value: u64| {
        let high = i64::try_from(value.saturating_mul(1_000) / most).unwrap_or(0);
        8 + CURVE - CURVE * high / 1_000
    };
    let points: Vec<String> = values
        .iter()
        .enumerate()
        .map(|(place, value)| format!("{},{}", x(place), y(*value)))
        .collect();
    let (now, then) = (values.last().copied(), values.first().copied());
    let said = format!(
        "{title}: {} at the end, {} on {}, {} at most",
        thousands(now.unwrap_or(0)),
        thousands(then.unwrap_or(0)),
        first.date(),
        thousands(most)
    );
    let bottom = 8 + CURVE;
    let area = format!("{LEFT},{bottom} {} {},{bottom}", points.join(" "), WIDTH - 8);
    let quarters = (0..values.len()).step_by((values.len() / 4).max(1));
    html! {
        figure {
            figcaption { (title) }
            svg role="img" aria-label=(said) viewBox=(format!("0 0 {WIDTH} {}", bottom + BELOW)) {
                @for (value, high) in [(most, y(most)), (0, y(0))] {
                    line.base x1=(LEFT) x2=(WIDTH - 8) y1=(high) y2=(high) {}
                    text x=(LEFT - 6) y=(high + 4) text-anchor="end" { (thousands(value)) }
                }
                polygon.area points=(area) {}
                polyline.curve points=(points.join(" ")) {}
                @for place in quarters {
                    text x=(x(place)) y=(bottom + 15) { (month(first, step, place)) }
                }
            }
        }
    }
}

/// A column for each day, `first` the first; how often something was on each.
pub(super) fn columns(title: &str, what: &str, days: &[u64], first: Time) -> Markup {
    let most = days.iter().copied().max().unwrap_or(0);
    let total: u64 = days.iter().sum();
    let last = u32::try_from(days.len().saturating_sub(1)).unwrap_or(0);
    let said =
        format!("{title}: {} in all, {} at most on a day", count(total, what), thousands(most));
    let width = i64::try_from(days.len()).unwrap_or(0).max(1) * COLUMN;
    html! {
        figure.columns {
            figcaption { (title) ": " (thousands(most)) " at most" }
            // It is as wide as there is room, and words stand beneath.
            svg role="img" aria-label=(said) viewBox=(format!("0 0 {width} {COLUMNS}")) preserveAspectRatio="none" {
                @for (place, value) in days.iter().enumerate().filter(|(_, value)| **value > 0) {
                    (column(place, *value, most, (first, what)))
                }
                line.base x1="0" x2=(width) y1=(COLUMNS) y2=(COLUMNS) {}
            }
            p.ends aria-hidden="true" { span { (first.date()) } span { (first.plus(Span::days(last)).date()) } }
        }
    }
}

fn column(place: usize, value: u64, most: u64, (first, what): (Time, &str)) -> Markup {
    let share = value.saturating_mul(COLUMNS.unsigned_abs()) / most.max(1);
    // One beside many is seen.
    let high = i64::try_from(share).unwrap_or(0).max(2);
    let date = first.plus(Span::days(u32::try_from(place).unwrap_or(0))).date();
    html! {
        rect.bar x=(i64::try_from(place).unwrap_or(0) * COLUMN) y=(COLUMNS - high) width=(COLUMN - 1)
            height=(high) { title { (date) ": " (count(value, what)) } }
    }
}

/// The month of a step, as `2026-11`.
fn month(first: Time, step: Span, place: usize) -> String {
    let steps = i64::try_from(place).unwrap_or(0);
    let at = Time::from_micros(first.as_micros().saturating_add(step.as_micros() * steps));
    at.date().chars().take(7).collect()
}

/// A strip of days, a column a week, Mondays on top; how many things there are on each day.
pub(super) fn calendar(title: &str, what: &str, days: &[u64], first: Time) -> Markup {
    let monday = weekday(first);
    let total: u64 = days.iter().sum();
    let most = days.iter().copied().max().unwrap_or(0).max(1);
    let weeks = (i64::try_from(days.len()).unwrap_or(0) + monday + 6) / 7;
    let said = format!("{title}: {} in {} days", count(total, what), days.len());
    html! {
        figure {
            figcaption { (title) }
            svg.calendar role="img" aria-label=(said)
                viewBox=(format!("0 0 {} {}", LEFT + weeks * DAY, 7 * DAY + BELOW)) {
                @for (row, name) in [(0, "Mon"), (2, "Wed"), (4, "Fri")] {
                    text x=(LEFT - 6) y=(row * DAY + 15) text-anchor="end" { (name) }
                }
                @for (place, number) in days.iter().enumerate() {
                    (day(place, *number, most, (monday, first, what)))
                }
            }
        }
    }
}

fn day(place: usize, number: u64, most: u64, (monday, first, what): (i64, Time, &str)) -> Markup {
    let days = u32::try_from(place).unwrap_or(0);
    let date = first.plus(Span::days(days)).date();
    let days = i64::from(days);
    let (week, row) = ((days + monday) / 7, (days + monday) % 7);
    // The first day's month is named if that of the next is far enough away.
    let day_of_month = date.rsplit('-').next().and_then(|day| day.parse::<u8>().ok());
    let is_early = place == 0 && day_of_month.is_some_and(|day| day <= 10);
    let is_new_month = is_early || day_of_month == Some(1);
    let strength = match number {
        0 => 0,
        number => 1 + number.saturating_mul(3) / most,
    };
    html! {
        rect class=(format!("day day-{strength}")) x=(LEFT + week * DAY) y=(row * DAY)
            width=(DAY - 3) height=(DAY - 3) rx="3" {
            title { (date) ": " (count(number, what)) }
        }
        @if number > 0 {
            text.in-day x=(LEFT + week * DAY + (DAY - 3) / 2) y=(row * DAY + 15) text-anchor="middle"
                aria-hidden="true" { (number) }
        }
        @if is_new_month {
            text x=(LEFT + week * DAY) y=(7 * DAY + 14) { (date.chars().take(7).collect::<String>()) }
        }
    }
}

/// How many days after a Monday a moment is. The first day of 1970 was a Thursday.
fn weekday(at: Time) -> i64 {
    (at.as_micros().div_euclid(Span::days(1).as_micros()) + 3).rem_euclid(7)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weeks_begin_on_monday() {
        let at = |text: &str| Time::parse(text).unwrap();
        assert_eq!(weekday(at("2026-11-23T00:00:00Z")), 0);
        assert_eq!(weekday(at("2026-11-24T23:59:59Z")), 1);
        assert_eq!(weekday(at("2026-11-29T00:00:00Z")), 6);
        assert_eq!(weekday(at("1970-01-01T00:00:00Z")), 3);
    }

    #[test]
    fn a_few_are_seen_beside_many() {
        assert_eq!((share(0, 1_000), share(1, 1_000), share(1_000, 1_000)), (0, 1, 100));
    }

    #[test]
    fn a_day_with_uses_has_a_column_and_says_how_many() {
        let first = Time::parse("2026-11-23T00:00:00Z").unwrap();
        let drawn = columns("Uses", "use", &[0, 1_000, 1], first).into_string();
        assert_eq!(drawn.matches("<rect").count(), 2, "{drawn}");
        assert!(drawn.contains("<title>2026-11-24: 1,000 uses</title>"), "{drawn}");
        assert!(drawn.contains("height=\"2\""), "one beside many is seen: {drawn}");
    }

    #[test]
    fn a_picture_without_values_is_drawn() {
        let first = Time::parse("2026-11-23T00:00:00Z").unwrap();
        assert!(curve("Due", &[], first, Span::days(7)).into_string().contains("<svg"));
        assert!(calendar("Ends", "key", &[], first).into_string().contains("<svg"));
        assert!(columns("Uses", "use", &[], first).into_string().contains("<svg"));
        assert!(bars("Keys", &[]).into_string().contains("<table"));
    }
}
