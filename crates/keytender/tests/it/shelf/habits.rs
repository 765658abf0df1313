//! What some providers do that no descriptor says, and that their pages or answers show: it must do no harm.

/// Those whose links to the next part may leave out the host.
const SHORT_LINKS: [&str; 3] = ["atlassian", "honeycomb", "snyk"];

/// What a provider is used to.
#[derive(Clone, Copy)]
pub(super) struct Habits<'p>(pub &'p str);

impl Habits<'_> {
    /// Whether its links to the next part leave out the host.
    pub(super) fn has_short_links(self) -> bool {
        SHORT_LINKS.contains(&self.0)
    }

    /// Whether it links to a next part behind the last one, and says that nothing is there.
    pub(super) fn links_to_nothing(self) -> bool {
        self.0 == "sentry"
    }

    /// What it writes for the end of a key that does not end.
    pub(super) fn never(self) -> Option<&'static str> {
        (self.0 == "google-cloud").then_some("9999-12-31T23:59:59Z")
    }

    /// The form of its times that is not that of RFC 3339.
    pub(super) fn times(self) -> Option<&'static str> {
        // As PostgreSQL writes them.
        (self.0 == "resend").then_some("%Y-%m-%d %H:%M:%S.000000+00")
    }
}
