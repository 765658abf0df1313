//! The document of the API (OpenAPI 3.1), made from the handlers; its readable page; the page of
//! each type of problem.

use axum::extract::{Path, State as Extract};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use maud::{DOCTYPE, Markup, PreEscaped, html};
use serde_json::Value;
use utoipa::ToSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::{Operation, Parameter, ParameterBuilder, ParameterIn, PathItem};
use utoipa::openapi::schema::{ObjectBuilder, Type as SchemaType};
use utoipa::openapi::security::{ApiKey, ApiKeyValue, HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::tag::TagBuilder;
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, Required, ResponseBuilder,
};

use super::auth::{CUSTOMER_SCHEME, SCHEME};
use super::door;
use super::idempotency;
use super::problem::{self, Problem};
use super::published;
use super::router::{guarded, open, told};
use super::state::State;
use super::verify::{self, gateway};

/// How the page looks.
const STYLE: &str = include_str!("openapi.css");
/// The page shows its own style and nothing else.
const PAGE_POLICY: &str = "default-src 'none'; style-src 'self'; frame-ancestors 'none'; \
                           base-uri 'none'; form-action 'none'";
/// What the document says of the API as a whole.
const ABOUT: &str = "\
Keys that you hold at other people's APIs and keys that you issue, in one collection: what is known of \
each, what is due and why, and what to do about it.\n\n\
Programs show a token: `Authorization: Bearer TOKEN`. `keytender tokens create` makes one. Each operation \
names the scope that it needs; a token may do what is both in its scopes and in its user's role.\n\n\
Lists come in pages: `limit` says how many things one has, `next` is the cursor that goes into `after`. \
Things carry an `ETag`; a change with `If-Match` is made to that version only. A `POST` may carry an \
`Idempotency-Key`: sent again within 24 hours, it is not done again and gets the same answer. Refusals are \
problems as RFC 9457 has them. Times are RFC 3339 in UTC, with up to six digits of a second. Members that \
are not known are refused.";

/// The name of the scheme by which gateways show their token.
const GATEWAY: &str = "gateway";

/// The document.
pub(super) fn document_of() -> OpenApi {
    let info = InfoBuilder::new()
        .title("Keytender")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .license(Some(
            LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
        ))
        .build();
    let scheme = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of this server, as `keytender tokens create` prints it"))
        .build();
    let customers = HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some(
            "A token of a customer of an API: it reaches what is that customer's own, by the operations that name \
             this scheme and no others",
        ))
        .build();
    let gateway = ApiKeyValue::with_description(
        gateway::HEADER.as_str(),
        "A token of this server with the scope `keys:verify`: `Authorization` holds the key of whoever asked the gateway",
    );
    let components = ComponentsBuilder::new()
        .schema_from::<Problem>()
        .security_scheme(SCHEME, SecurityScheme::Http(scheme))
        .security_scheme(CUSTOMER_SCHEME, SecurityScheme::Http(customers))
        .security_scheme(GATEWAY, SecurityScheme::ApiKey(ApiKey::Header(gateway)))
        .build();
    let tags = TAGS
        .iter()
        .map(|(name, about)| TagBuilder::new().name(*name).description(Some(*about)).build());
    let mut document = guarded()
        .merge(verify::documented())
        .merge(door::documented())
        .merge(open())
        .merge(told())
        .into_openapi();
    let mut whole = OpenApiBuilder::new()
        .info(info)
        .components(Some(components))
        .tags(Some(tags.collect::<Vec<_>>()))
        .build();
    std::mem::swap(&mut whole.paths, &mut document.paths);
    if let (Some(into), Some(from)) = (&mut whole.components, document.components) {
        into.schemas.extend(from.schemas);
    }
    for (path, item) in &mut whole.paths.paths {
        let has_parts = path.contains('{');
        for (operation, changes) in operations(item) {
            complete(operation, has_parts, changes);
        }
        if let Some(post) = item.post.as_mut().filter(|post| is_guarded(post)) {
            post.parameters.get_or_insert_default().push(RefOr::T(header_parameter(
                idempotency::HEADER.as_str(),
                "Any text of your own, such as a UUID: sent again with it, the request is not done again",
            )));
        }
    }
    whole
}

/// The groups of operations, in the order in which people read them.
const TAGS: [(&str, &str); 18] = [
    ("keys", "Keys, held and issued: what is known of them and what is due"),
    ("rotations", "Held keys that are replaced by others, and where their secrets are used"),
    ("accounts", "Where keys are held, and bringing the inventory up to date"),
    ("catalog", "The APIs that are used, and where their keys are"),
    ("apis", "Your own APIs: customers, apps, the keys that they hold"),
    ("verification", "Whether keys of your own APIs are good: for gateways and programs"),
    ("principals", "Who keys act for"),
    ("owners", "Who answers for which keys"),
    ("findings", "Rules that keys break or broke"),
    ("policy", "The rules that keys are held against"),
    ("reports", "The credential report"),
    ("notices", "Who was told what, and how its delivery stands"),
    ("channels", "Mail servers, webhooks and chats"),
    ("tasks", "What the server does by itself"),
    ("log", "Who did what, when, from where and why"),
    ("users", "Who may use this API"),
    ("tokens", "With what programs use this API"),
    ("server", "This server"),
];

/// The document as text, ready to be read and compared.
pub fn text() -> String {
    serde_json::to_string_pretty(&document_of()).unwrap_or_default()
}

/// The operations of a path, and whether each changes something.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (&mut Operation, bool)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let all = [(get, false), (put, true), (post, true), (delete, true), (patch, true)];
    all.into_iter().filter_map(|(operation, changes)| Some((operation.as_mut()?, changes)))
}

fn header_parameter(name: &str, about: &str) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(about))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(SchemaType::String)
                .min_length(Some(1))
                .max_length(Some(idempotency::MAX_KEY))
                .pattern(Some("^[ -~]+$")),
        ))
        .build()
}

/// Whether a token is needed.
fn is_guarded(operation: &Operation) -> bool {
    operation.security.as_ref().is_some_and(|all| {
        serde_json::to_value(all).is_ok_and(|all| all.to_string().contains(SCHEME))
    })
}

/// Adds what every operation of its kind may be answered with.
fn complete(operation: &mut Operation, has_parts: bool, changes: bool) {
    let is_guarded = is_guarded(operation);
    let has_body = operation.request_body.is_some();
    let has = |test: fn(&Parameter) -> bool| {
        let parameters = operation.parameters.iter().flatten();
        parameters.into_iter().any(|one| matches!(one, RefOr::T(one) if test(one)))
    };
    let has_version = has(|one| one.name == "If-Match");
    let has_query = has(|one| matches!(one.parameter_in, ParameterIn::Query));
    let mut statuses = vec![500, 503];
    for (applies, more) in [
        (is_guarded, &[401, 403][..]),
        // What is open and takes a body has limits of its own.
        (is_guarded || has_body, &[408, 429]),
        (has_parts, &[404]),
        (has_query || has_body || has_version || is_guarded, &[400]),
        (has_version, &[412]),
        (has_body, &[413, 415]),
        (changes, &[409, 422]),
    ] {
        if applies {
            statuses.extend(more);
        }
    }
    for status in statuses {
        let responses = &mut operation.responses.responses;
        responses.entry(status.to_string()).or_insert_with(|| problem_response(status));
    }
}

fn problem_response(status: u16) -> RefOr<utoipa::openapi::Response> {
    let title = problem::ALL.iter().find(|one| one.0 == status).map_or("", |one| one.2);
    let schema = Ref::from_schema_name(Problem::name());
    let content = ContentBuilder::new().schema(Some(schema)).build();
    ResponseBuilder::new()
        .description(title)
        .content("application/problem+json", content)
        .extensions(None::<Extensions>)
        .build()
        .into()
}

/// Read this document
#[utoipa::path(get, path = "/openapi.json", tag = "server",
    responses((status = 200, body = Value, description = "OpenAPI 3.1",
               content_type = "application/json")), security(()))]
pub(super) async fn document(Extract(state): Extract<State>) -> Response {
    published::open_to_all("application/json", state.openapi.clone())
}

/// Read about the API on a page
#[utoipa::path(get, path = "/docs", tag = "server",
    responses((status = 200, body = String, description = "A page", content_type = "text/html")),
    security(()))]
pub(super) async fn page(Extract(state): Extract<State>) -> Response {
    let document: Value = serde_json::from_str(&state.openapi).unwrap_or_default();
    page_response(render(&document))
}

/// Read what a type of problem means
#[utoipa::path(get, path = "/problems/{name}", tag = "server",
    params(("name" = String, Path, description = "The last part of its `type`")),
    responses((status = 200, body = String, description = "A page", content_type = "text/html")),
    security(()))]
pub(super) async fn problem(Path(name): Path<String>) -> Response {
    let mut all = problem::ALL.into_iter().chain(problem::KEYS);
    let found = all.find(|one| one.1 == name);
    let Some(problem::Type(status, name, title, meaning)) = found else {
        return Problem::not_found("there is no such type of problem").into_response();
    };
    page_response(layout(
        title,
        &html! {
            h1 { (title) }
            p { code { (status) } " · " code { (name) } }
            p { (prose(meaning)) }
            p { a href="/docs" { "The API" } }
        },
    ))
}

pub(super) fn page_response(page: Markup) -> Response {
    let mut response = page.into_string().into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, PAGE_POLICY),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}

/// The style of the pages.
pub(super) async fn style() -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/css; charset=utf-8"),
        (header::CACHE_CONTROL, "max-age=3600"),
    ];
    (StatusCode::OK, headers, STYLE).into_response()
}

fn layout(title: &str, content: &Markup) -> Markup {
    bare(&format!("{title} · Keytender"), content)
}

/// A page that stands by itself, without a script.
pub(super) fn bare(title: &str, content: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (title) }
                link rel="stylesheet" href="/docs/style.css";
            }
            body { main { (content) } }
        }
    }
}

/// A text in which backticks stand around words of code.
fn prose(text: &str) -> Markup {
    html! {
        @for (place, part) in text.split('`').enumerate() {
            @if place % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An operation, where it is found.
struct Entry<'d> {
    method: String,
    path: &'d str,
    operation: &'d Value,
}

fn entries<'d>(document: &'d Value, tag: &str) -> Vec<Entry<'d>> {
    let paths = document.get("paths").and_then(Value::as_object);
    let mut entries = Vec::new();
    for (path, item) in paths.into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let tags = operation.get("tags").and_then(Value::as_array);
            if tags.into_iter().flatten().any(|one| one == tag) {
                entries.push(Entry { method: method.to_uppercase(), path, operation });
            }
        }
    }
    entries
}

fn render(document: &Value) -> Markup {
    let info = document.get("info").unwrap_or(&Value::Null);
    let groups: Vec<_> = TAGS
        .iter()
        .map(|(name, about)| (name, about, entries(document, name)))
        .filter(|(.., entries)| !entries.is_empty())
        .collect();
    layout(
        "API",
        &html! {
            h1 { "The API of Keytender " small { (text_of(info, "version")) } }
            @for paragraph in text_of(info, "description").split("\n\n") { p { (prose(paragraph)) } }
            p { a href="/openapi.json" { "The same as OpenAPI 3.1" } }
            nav aria-label="Groups of operations" {
                @for (name, about, _) in &groups { a href={ "#" (name) } title=(about) { (name) } " " }
            }
            @for (name, about, entries) in &groups {
                section id=(name) {
                    h2 { (name) }
                    p { (about) "." }
                    @for entry in entries { (operation(entry, document)) }
                }
            }
            section id="problems" {
                h2 { "problems" }
                table {
                    tr { th { "status" } th { "type" } th { "meaning" } }
                    @for problem::Type(status, name, _, meaning) in problem::ALL.into_iter().chain(problem::KEYS) {
                        tr { td { (status) } td { code { (name) } } td { (prose(meaning)) } }
                    }
                }
            }
        },
    )
}

fn operation(entry: &Entry<'_>, document: &Value) -> Markup {
    let operation = entry.operation;
    let parameters = operation.get("parameters").and_then(Value::as_array);
    let parameters: Vec<&Value> = parameters.into_iter().flatten().collect();
    let body = operation.pointer("/requestBody/content/application~1json/schema");
    let answers = operation.get("responses").and_then(Value::as_object);
    let answers: Vec<_> = answers.into_iter().flatten().collect();
    let good = answers.iter().filter(|(status, _)| status.starts_with('2'));
    let bad: Vec<&str> = answers
        .iter()
        .filter(|(status, _)| !status.starts_with('2'))
        .map(|(status, _)| status.as_str())
        .collect();
    let scopes = operation.pointer("/security/0/token").and_then(Value::as_array);
    html! {
        details {
            summary {
                code class="method" { (entry.method) } " " code { (entry.path) }
                span { (text_of(operation, "summary")) }
            }
            @if let Some(scopes) = scopes {
                p { "Scope: "
                    @for scope in scopes { code { (scope.as_str().unwrap_or_default()) } " " }
                    @if scopes.is_empty() { "any token" }
                }
            }
            @let about = text_of(operation, "description");
            @if !about.is_empty() { p { (prose(about)) } }
            @if !parameters.is_empty() {
                table {
                    tr { th { "parameter" } th { "in" } th { "" } }
                    @for one in &parameters {
                        tr {
                            td { code { (text_of(one, "name")) } }
                            td { (text_of(one, "in")) }
                            td { (prose(text_of(one, "description"))) }
                        }
                    }
                }
            }
            @if let Some(schema) = body { (members("Body", schema, document)) }
            @for (status, answer) in good {
                p { code { (status) } " " (text_of(answer, "description")) }
                @if let Some(schema) = answer.pointer("/content/application~1json/schema") {
                    (members("Answer", schema, document))
                }
            }
            p { "Refusals: " (bad.join(", ")) }
        }
    }
}

/// The members of an object, one line each; those of named objects within stand in their own place.
fn members(title: &str, schema: &Value, document: &Value) -> Markup {
    let schema = resolved(schema, document);
    let properties = schema.get("properties").and_then(Value::as_object);
    let required = schema.get("required").and_then(Value::as_array);
    let is_required = |name: &str| required.into_iter().flatten().any(|one| one == name);
    let Some(properties) = properties else {
        return PreEscaped(String::new());
    };
    html! {
        table {
            tr { th { (title) } th { "type" } th { "" } }
            @for (name, member) in properties {
                tr {
                    td { code { (name) } @if !is_required(name) { " ?" } }
                    td { (kind(member, document)) }
                    td { (prose(about(member))) }
                }
            }
        }
    }
}

/// What a member is; of one that may be null, what is said of it where it is not.
fn about(member: &Value) -> &str {
    let choices = member.get("oneOf").and_then(Value::as_array).into_iter().flatten();
    let mut texts = std::iter::once(member).chain(choices).map(|one| text_of(one, "description"));
    texts.find(|text| !text.is_empty()).unwrap_or_default()
}

fn resolved<'d>(schema: &'d Value, document: &'d Value) -> &'d Value {
    let name = schema.get("$ref").and_then(Value::as_str);
    let found = name.and_then(|name| document.pointer(name.trim_start_matches('#')));
    found.unwrap_or(schema)
}

/// The type of a member in a few words.
fn kind(member: &Value, document: &Value) -> String {
    if let Some(name) = member.get("$ref").and_then(Value::as_str) {
        let target = resolved(member, document);
        return match target.get("enum").and_then(Value::as_array) {
            Some(words) => words_of(words),
            // A moment is told by its form, an object by its name.
            None if target.get("format").is_some() => kind(target, document),
            None => name.rsplit('/').next().unwrap_or_default().to_owned(),
        };
    }
    if let Some(choices) = member.get("oneOf").and_then(Value::as_array) {
        let parts: Vec<String> = choices.iter().map(|one| kind(one, document)).collect();
        return parts.join(" or ");
    }
    if let Some(words) = member.get("enum").and_then(Value::as_array) {
        return words_of(words);
    }
    let types: Vec<&str> = match member.get("type") {
        Some(Value::String(one)) => vec![one.as_str()],
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        _ => vec!["any"],
    };
    let format = text_of(member, "format");
    let format = if format.is_empty() { String::new() } else { format!(" ({format})") };
    let items = member.get("items").map(|items| format!(" of {}", kind(items, document)));
    format!("{}{format}{}", types.join(" or "), items.unwrap_or_default())
}

fn words_of(words: &[Value]) -> String {
    let words: Vec<&str> = words.iter().filter_map(Value::as_str).collect();
    words.join(", ")
}
