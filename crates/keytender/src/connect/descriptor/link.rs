//! The header `Link` (RFC 8288): which URL is the next part of a list.

/// The target of the first link whose relation is `next`, in one value of the header.
///
/// A link that says of itself `results="false"` leads to nothing, and is none: Sentry writes it behind the
/// last part. Only what RFC 8288 writes is read: `<URL>; param=value; param="value", <URL>…`. What is written
/// otherwise ends the reading, so that nothing is taken for a link that is none.
pub(super) fn next(value: &str) -> Option<&str> {
    let mut rest = value;
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        let (target, behind) = rest.strip_prefix('<')?.split_once('>')?;
        let (is_next, behind) = parameters(behind)?;
        if is_next {
            return Some(target);
        }
        rest = behind;
    }
}

/// Whether the parameters of a link name the relation `next`, and what stands behind them.
fn parameters(mut rest: &str) -> Option<(bool, &str)> {
    let mut relation = None;
    let mut is_empty = false;
    loop {
        rest = rest.trim_start_matches([' ', '\t']);
        let Some(behind) = rest.strip_prefix(';') else {
            let is_next = relation.is_some_and(|words: &str| {
                words.split_ascii_whitespace().any(|word| word.eq_ignore_ascii_case("next"))
            });
            let is_over = rest.is_empty() || rest.starts_with(',');
            return is_over.then_some((is_next && !is_empty, rest));
        };
        let behind = behind.trim_start_matches([' ', '\t']);
        let end = behind.find(['=', ';', ',', ' ']).unwrap_or(behind.len());
        let (name, behind) = behind.split_at_checked(end)?;
        let value;
        (value, rest) = match behind.trim_start_matches(' ').strip_prefix('=') {
            Some(behind) => text(behind.trim_start_matches([' ', '\t']))?,
            None => ("", behind),
        };
        is_empty |= name.eq_ignore_ascii_case("results") && value == "false";
        // The first counts (RFC 8288, section 3.3).
        if name.eq_ignore_ascii_case("rel") && relation.is_none() {
            relation = Some(value);
        }
    }
}

/// A token or a quoted text, and what stands behind it. An escape stays as it is: no relation has one.
fn text(rest: &str) -> Option<(&str, &str)> {
    let Some(quoted) = rest.strip_prefix('"') else {
        return rest.split_at_checked(rest.find([';', ',', ' ', '\t']).unwrap_or(rest.len()));
    };
    let mut is_escaped = false;
    for (at, letter) in quoted.char_indices() {
        match letter {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            '"' => return Some((quoted.get(..at)?, quoted.get(at + 1..)?)),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_part_is_found() {
        for (value, target) in [
            (r#"<https://a.b/x?page=2>; rel="next""#, "https://a.b/x?page=2"),
            (r#"<https://a.b/1>; rel="prev", <https://a.b/3>; rel="next""#, "https://a.b/3"),
            (r#"<https://a.b/a,b;c>; rel=next; title="x""#, "https://a.b/a,b;c"),
            (r#"</x?cursor=1>; title="a, <b>; rel=\"next\""; rel="last next""#, "/x?cursor=1"),
            (r#"<a>;rel="prev";results="false", <b>;rel="Next";results="true""#, "b"),
            (r#"<a>; rel="next"; results="false", <b>; rel="next""#, "b"),
        ] {
            assert_eq!(next(value), Some(target), "{value}");
        }
    }

    #[test]
    fn what_is_no_next_part_is_none() {
        for value in [
            "",
            "https://a.b/; rel=next",
            r#"<https://a.b/1>; rel="prev""#,
            r#"<https://a.b/1>; rel="prev"; rel="next""#,
            r#"<https://a.b/1>; rel="previous"; results="true", <https://a.b/3>; rel="next"; results="false""#,
            r#"<https://a.b/1>; results="false"; rel="next""#,
            r#"<https://a.b/1>; title="rel=next""#,
            r#"<https://a.b/1>; rel="nextish""#,
            r#"<https://a.b/1>; rel="next"#,
            r#"<https://a.b/1; rel="next""#,
            r#"<https://a.b/1> rel="next""#,
        ] {
            assert_eq!(next(value), None, "{value}");
        }
    }
}
