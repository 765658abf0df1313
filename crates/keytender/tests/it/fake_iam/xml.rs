//! The answers: XML in the shape that AWS gives it.

use jiff::Timestamp;

use super::request::Service;

/// A time as AWS writes it, in whole seconds.
pub(super) fn iso(time: Timestamp) -> String {
    time.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// Elements in a row; every text in them is escaped.
#[derive(Default)]
pub(super) struct Xml(String);

impl Xml {
    pub(super) fn new() -> Self {
        Self::default()
    }

    pub(super) fn text(mut self, name: &str, value: impl ToString) -> Self {
        self.0.push_str(&format!("<{name}>{}</{name}>", escape(&value.to_string())));
        self
    }

    /// Nothing where there is no value, as AWS does.
    pub(super) fn optional(self, name: &str, value: Option<impl ToString>) -> Self {
        match value {
            Some(value) => self.text(name, value),
            None => self,
        }
    }

    pub(super) fn element(mut self, name: &str, inner: Self) -> Self {
        self.0.push_str(&format!("<{name}>{}</{name}>", inner.0));
        self
    }

    /// A list: each item as a `member`.
    pub(super) fn list(self, name: &str, items: impl IntoIterator<Item = Self>) -> Self {
        let members =
            items.into_iter().fold(Self::new(), |list, item| list.element("member", item));
        self.element(name, members)
    }
}

/// A refusal: HTTP status, error code, message.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) status: u16,
    pub(super) code: String,
    pub(super) message: String,
}

impl Failure {
    pub(super) fn new(status: u16, code: &str, message: &str) -> Self {
        Self { status, code: code.to_owned(), message: message.to_owned() }
    }

    pub(super) fn invalid_token() -> Self {
        let message = "The security token included in the request is invalid.";
        Self::new(403, "InvalidClientTokenId", message)
    }

    pub(super) fn no_such_entity(what: &str) -> Self {
        Self::new(404, "NoSuchEntity", &format!("The {what} cannot be found."))
    }

    pub(super) fn validation(what: &str) -> Self {
        Self::new(400, "ValidationError", &format!("1 validation error detected: {what}"))
    }
}

/// The document of an answer; an action without a result (`UpdateAccessKey`) gives an empty one.
pub(super) fn success(service: Service, action: &str, result: Xml, request_id: &str) -> String {
    let metadata = Xml::new().text("RequestId", request_id);
    let mut inner = Xml::new();
    if !result.0.is_empty() {
        inner = inner.element(&format!("{action}Result"), result);
    }
    document(service, &format!("{action}Response"), inner.element("ResponseMetadata", metadata))
}

/// The document of a refusal.
pub(super) fn failure(service: Service, failure: &Failure, request_id: &str) -> String {
    let fault = if failure.status < 500 { "Sender" } else { "Receiver" };
    let error = Xml::new()
        .text("Type", fault)
        .text("Code", &failure.code)
        .text("Message", &failure.message);
    document(
        service,
        "ErrorResponse",
        Xml::new().element("Error", error).text("RequestId", request_id),
    )
}

fn document(service: Service, root: &str, inner: Xml) -> String {
    format!("<{root} xmlns=\"{}\">{}</{root}>\n", service.namespace(), inner.0)
}

fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&apos;"),
            '\r' => escaped.push_str("&#xD;"),
            other => escaped.push(other),
        }
    }
    escaped
}
