//! `keytender apis create`: from nothing to a protected API, with everything written out that has to be typed.

use std::io::Write;

use keytender_core::access::{Role, Scope, Scopes, Side};
use keytender_core::secret::Secret;
use keytender_core::token::Environment;

use crate::app::apis::NewApi;
use crate::app::apps::NewApp;
use crate::app::customers::NewCustomer;
use crate::app::issued::NewIssued;
use crate::app::tokens::NewToken;
use crate::app::users::UserFacts;
use crate::app::view::{ApiView, AppView};
use crate::cli::context::Context;
use crate::cli::desk::Desk;
use crate::cli::{DONE, Stop};
use crate::config::token;
use crate::error::Error;

/// Where a server is of which nobody says where.
const SERVER: &str = "http://127.0.0.1:7979";
/// The first customer and app.
const CUSTOMER: &str = "first-customer";
const APP: &str = "first-app";

/// Add an API with a first key, and print how to protect it: nginx, Caddy, axum, curl.
///
/// The key and the token of the gateway are printed this once.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Create {
    /// Its name: small letters, digits and -
    name: String,
    /// What each of its keys begins with, 2 to 10 of a-z and 0-9; the letters of its name if not given
    #[arg(long, value_name = "WORD")]
    brand: Option<String>,
    /// Where your API listens
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:8080")]
    upstream: String,
    /// Where the gateway before it is to listen
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8000")]
    gateway: std::net::SocketAddr,
    /// Where Keytender is served, as the gateway reaches it
    #[arg(long, value_name = "URL")]
    server: Option<String>,
}

/// What was made, and what stands in the lines that are printed.
struct Made {
    api: ApiView,
    app: AppView,
    key: Secret,
    token: Secret,
    server: String,
}

pub(super) fn run(args: &Create, context: &Context) -> Result<u8, Stop> {
    check(&args.upstream)?;
    let server = args.server.clone().or_else(token::server).unwrap_or_else(|| SERVER.to_owned());
    check(&server)?;
    let server = server.trim_end_matches('/').to_owned();
    context.desk(async |desk| {
        let made = make(desk, args, server).await.map_err(Stop::could_not)?;
        let mut out = anstream::stdout();
        write!(out, "{}", text(&made, args))?;
        Ok(DONE)
    })
}

/// What stands in a configuration must not end a line or a word of it.
fn check(url: &str) -> Result<(), Stop> {
    let is_plain = |one: char| one.is_ascii_alphanumeric() || "-._~:/[]@%".contains(one);
    let is_url = url.starts_with("http://") || url.starts_with("https://");
    match is_url && url.chars().all(is_plain) {
        true => Ok(()),
        false => Err(Stop::wrong_usage(
            Error::new("this is no address of a server").hint("such as http://127.0.0.1:8080"),
        )),
    }
}

async fn make(desk: &Desk<'_>, args: &Create, server: String) -> Result<Made, Error> {
    let new = NewApi { name: args.name.clone(), brand: args.brand.clone(), ..NewApi::default() };
    let api = desk.add_api(new).await?;
    let customer = NewCustomer { name: CUSTOMER.to_owned(), ..NewCustomer::default() };
    let customer = desk.add_customer(&api.name, customer).await?;
    let app = NewApp { name: APP.to_owned(), ..NewApp::default() };
    let app = desk.add_app(&customer.id, app).await?;
    let new = NewIssued {
        label: "first key".to_owned(),
        environment: Environment::Live,
        scopes: Vec::new(),
        networks: Vec::new(),
        expires_at: None,
    };
    let (_, key) = desk.create_key(&app.id, new).await?;
    let user = format!("{}-gateway", api.name);
    let facts = UserFacts { role: Role::Operator, address: None, owner: None, is_suspended: false };
    desk.add_user(&user, &facts).await?;
    // It does not end: with it ends what the gateway protects. The policy says when it is old.
    let scopes = Scopes::from_iter([Scope::KeysVerify]);
    let label = "asks about keys".to_owned();
    let side = Some(Side::Issued);
    let new = NewToken { label, scopes, side, account: None, expires_at: None };
    let (_, token) = desk.create_token(&user, new).await?;
    Ok(Made { api, app, key, token, server })
}

/// What is printed: the same words that a test types.
fn text(made: &Made, args: &Create) -> String {
    let Made { api, app, key, token, server } = made;
    let (key, token) = (key.expose(), token.expose());
    let (name, id, account) = (&api.name, &api.id, &app.account_name);
    let (gateway, upstream) = (args.gateway, args.upstream.trim_end_matches('/'));
    let wrong = format!("{}_live_wrong", api.brand);
    format!(
        "\
The API {name} issues keys. The first one, of {account}, is shown this once:

    {key}

Whatever stands before your API asks Keytender about keys with this token, which can do nothing else:

    {token}

1. Start Keytender, unless it runs already. It must be reached at {server}:

    keytender serve

2. Protect the API at {upstream} in one of these ways.

nginx, in a file of its own that `http` includes:

    server {{
        listen {gateway};
        location / {{
            auth_request /_key;
            auth_request_set $key_account $upstream_http_keytender_account;
            auth_request_set $key_app $upstream_http_keytender_app;
            proxy_set_header Keytender-Account $key_account;
            proxy_set_header Keytender-App $key_app;
            proxy_pass {upstream};
        }}
        location = /_key {{
            internal;
            proxy_pass {server}/v1/forward-auth?api={name}&service={name}&limit_status=403;
            proxy_pass_request_body off;
            proxy_set_header Content-Length \"\";
            proxy_set_header X-Real-IP $remote_addr;
            proxy_set_header Keytender-Token \"{token}\";
        }}
    }}

Caddy, in its Caddyfile:

    http://{gateway} {{
        forward_auth {server} {{
            uri /v1/forward-auth?api={name}&service={name}
            header_up Keytender-Token \"{token}\"
            header_up X-Real-IP {{remote_host}}
            copy_headers Keytender-Account Keytender-App
        }}
        reverse_proxy {upstream}
    }}

axum, within your API, with the crate keytender-verify and its features http and tower:

    let usage = Usage::open(Path::new(\"uses\"), \"node-1\", 100_000, getrandom::u64()?)?.usage;
    let verifier = Verifier::new(Arc::new(Table::new()), Lease::new(OnPartition::Serve)).with_usage(usage);
    let (verifier, clock) = (Arc::new(verifier), Clock::start());
    let feed = HttpFeed::new(\"{server}\", \"{id}\".parse()?, Secret::new(\"{token}\"))?;
    let _follower = Follower::start(Turns::new(feed, Arc::clone(&verifier), clock, \"node-1\"))?;
    let router = router.layer(KeyLayer::new(verifier, clock));

3. Try it. The first answers 200, the second 401:

    curl -i http://{gateway}/ -H \"Authorization: Bearer {key}\"
    curl -i http://{gateway}/ -H \"Authorization: Bearer {wrong}\"

The key's last use, a second later:

    keytender keys list --provider {name}

Your customers: keytender accounts add {name} CUSTOMER, apps add, keys create. All of it over HTTP:
{server}/docs
"
    )
}
