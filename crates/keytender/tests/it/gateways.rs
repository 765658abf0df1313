//! Real gateways before a small API, whose keys Keytender issues; and the lines that `apis create` prints, typed
//! as they are.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::served::Served;
use crate::verifying::{pause, until};
use crate::{Home, partner};

mod embedded;
mod examples;

/// How long a gateway may take to listen, or a use to be seen.
const PATIENCE: Duration = Duration::from_secs(20);

/// A process that ends with this value.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        _ = self.0.kill();
        _ = self.0.wait();
    }
}

/// An API that answers every request with the headers that a gateway added. It ends with the tests.
fn api() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().map_while(Result::ok) {
            std::thread::spawn(move || answer(stream));
        }
    });
    address
}

fn answer(mut stream: TcpStream) {
    let reader = BufReader::new(stream.try_clone().unwrap());
    let head = reader.lines().map_while(Result::ok).take_while(|line| !line.is_empty());
    let added: Vec<String> = head
        .map(|line| line.to_ascii_lowercase())
        .filter(|line| line.starts_with("keytender-"))
        .collect();
    let body = added.join("\n");
    let head =
        format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    _ = stream.write_all(format!("{head}{body}").as_bytes());
}

/// An address on which nobody listens for now.
fn free_address() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap()
}

/// Whether a gateway is there; CI has all of them.
fn has(program: &str) -> bool {
    let found =
        Command::new(program).arg("-v").stdout(Stdio::null()).stderr(Stdio::null()).status();
    let found = found.is_ok();
    if !found {
        assert_ne!(std::env::var("CI").as_deref(), Ok("true"), "no {program}");
        eprintln!("skipped: no {program}");
    }
    found
}

/// What `apis create acme` printed, and where everything is.
struct Created {
    text: String,
    gateway: SocketAddr,
    served: Served,
    home: Home,
}

impl Created {
    fn new() -> Self {
        let home = Home::new();
        let served = Served::start(&home);
        let (upstream, gateway) = (format!("http://{}", api()), free_address());
        let server = served.url.clone();
        let listen = gateway.to_string();
        let words = [
            "apis",
            "create",
            "acme",
            "--upstream",
            &upstream,
            "--gateway",
            &listen,
            "--server",
            &server,
        ];
        let ran = home.run(&words);
        assert_eq!(ran.code, 0, "{}", ran.stderr);
        Self { text: ran.stdout, gateway, served, home }
    }

    /// The lines that stand indented below the one that begins so.
    fn block(&self, begin: &str) -> String {
        let lines = self.text.lines().skip_while(|line| !line.starts_with(begin)).skip(2);
        let block: Vec<&str> = lines.take_while(|line| line.starts_with("    ")).collect();
        assert!(!block.is_empty(), "nothing below {begin}: {}", self.text);
        let bare = |line: &&str| format!("{}\n", line.strip_prefix("    ").unwrap());
        block.iter().map(bare).collect()
    }

    fn key(&self) -> String {
        self.block("The API acme").trim().to_owned()
    }

    fn token(&self) -> String {
        self.block("Whatever stands before").trim().to_owned()
    }

    /// What the two lines that are to be tried answer, each typed into a shell.
    fn tried(&self) -> Vec<String> {
        let lines = self.block("3. Try it.");
        let lines: Vec<&str> = lines.lines().collect();
        assert_eq!(lines.len(), 2);
        lines
            .iter()
            .map(|line| {
                let output = Command::new("sh").args(["-c", line]).output().unwrap();
                String::from_utf8(output.stdout).unwrap()
            })
            .collect()
    }

    /// The status that the gateway answers a request with a key.
    fn status(&self, key: &str) -> u16 {
        let url = format!("http://{}/", self.gateway);
        let words = [
            "-s",
            "-o",
            "/dev/null",
            "-w",
            "%{http_code}",
            "-H",
            &format!("Authorization: Bearer {key}"),
            &url,
        ];
        let output = Command::new("curl").args(words).output().unwrap();
        String::from_utf8(output.stdout).unwrap().parse().unwrap()
    }

    /// Starts a gateway, and waits until it listens.
    fn start(&self, command: &mut Command) -> Running {
        let log = self.home.path().join("gateway.log");
        let file = std::fs::File::create(&log).unwrap();
        command.stdout(file.try_clone().unwrap()).stderr(file).stdin(Stdio::null());
        let mut running = Running(command.spawn().unwrap());
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(self.gateway).is_err() {
            let said = || std::fs::read_to_string(&log).unwrap();
            assert!(running.0.try_wait().unwrap().is_none(), "it ended: {}", said());
            assert!(Instant::now() < end, "it does not listen: {}", said());
            pause(Duration::from_millis(20));
        }
        running
    }

    /// What every gateway must do: let the first key pass with whose it is, refuse another, say where it was used,
    /// and refuse it from the moment on at which it is revoked.
    fn check(&self, service: &str) {
        // The key was made beside the server, which hears of it within a moment.
        until(|| self.status(&self.key()) == 200);
        let [good, bad] = self.tried().try_into().unwrap();
        assert!(good.starts_with("HTTP/1.1 200"), "{good}");
        assert!(
            good.contains("keytender-account: acc_") && good.contains("keytender-app: app_"),
            "{good}"
        );
        assert!(bad.starts_with("HTTP/1.1 401"), "{bad}");
        let key = self.key();
        let id = public(&key);
        let place = format!("/v1/keys/{id}");
        until(|| self.served.get(&place).expect(200)["last_used"]["status"] == "used");
        let used = self.served.get(&place).expect(200);
        assert_eq!(used["last_used"]["service"], service, "{used}");
        let usage = self.served.get(&format!("{place}/usage")).expect(200);
        assert_eq!(
            (&usage["address"], &usage["agent"]),
            (&json!("127.0.0.1"), &json!("curl")),
            "{usage}"
        );
        assert_eq!(self.status(&key), 200);
        let revoked =
            self.served.post(&format!("/v1/keys/{id}/revocation"), &json!({"because": "test"}));
        revoked.expect(200);
        assert_eq!(self.status(&key), 401, "a revoked key is refused at once");
    }
}

/// What stands in a key in clear.
fn public(key: &str) -> &str {
    key.split('_').nth(2).unwrap()
}

fn write(path: &Path, text: &str) {
    std::fs::write(path, text).unwrap();
}

#[test]
fn nginx_protects_an_api_by_the_lines_that_are_printed() {
    if !has("nginx") {
        return;
    }
    let created = Created::new();
    let folder = created.home.path();
    let block = created.block("nginx, in a file");
    let paths: String = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .iter()
        .map(|name| format!("{name}_temp_path {}/nginx-{name};\n", folder.display()))
        .collect();
    let folder_name = folder.display();
    let config = format!(
        "pid {folder_name}/nginx.pid; error_log stderr; daemon off; master_process off;\n\
         events {{}}\nhttp {{\naccess_log off;\n{paths}{block}}}\n"
    );
    let file = folder.join("nginx.conf");
    write(&file, &config);
    let _gateway = created.start(Command::new("nginx").arg("-c").arg(&file).arg("-p").arg(folder));
    created.check("acme");
}

#[test]
fn caddy_protects_an_api_by_the_lines_that_are_printed() {
    if !has("caddy") {
        return;
    }
    let created = Created::new();
    let folder = created.home.path();
    let file = folder.join("Caddyfile");
    write(
        &file,
        &format!("{{\n    admin off\n    auto_https off\n}}\n{}", created.block("Caddy, in its")),
    );
    let mut command = Command::new("caddy");
    command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
    command.env("HOME", folder).env("XDG_DATA_HOME", folder).env("XDG_CONFIG_HOME", folder);
    let _gateway = created.start(&mut command);
    created.check("acme");
}

#[test]
fn haproxy_protects_an_api_by_the_example() {
    if !has("haproxy") {
        return;
    }
    let created = Created::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/haproxy");
    let asked =
        format!("{}/v1/forward-auth?api=acme&service=orders&region=eu-west-1", created.served.url);
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(example.join("haproxy.cfg"));
    command
        .env("LUA", example.join("keytender.lua"))
        .env("GATEWAY", created.gateway.to_string())
        .env("UPSTREAM", api().to_string())
        .env("KEYTENDER_FORWARD_AUTH", asked)
        .env("KEYTENDER_GATEWAY_TOKEN", created.token());
    let _gateway = created.start(&mut command);
    created.check("orders");
}

#[test]
fn envoy_protects_an_api_by_the_example() {
    let Some(python) = partner("KEYTENDER_TEST_PYTHON") else { return };
    let created = Created::new();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/envoy/envoy.yaml");
    let mut config = std::fs::read_to_string(example).unwrap();
    let server = created.served.url.trim_start_matches("http://").parse().unwrap();
    for (port, address) in [(8080, created.gateway), (9000, api()), (7979, server)] {
        let here = |port: u16| format!("address: 127.0.0.1, port_value: {port} }}");
        assert_eq!(config.matches(&here(port)).count(), 1, "{port}");
        config = config.replace(&here(port), &here(SocketAddr::port(&address)));
    }
    config = config.replace("value: GATEWAY_TOKEN", &format!("value: {}", created.token()));
    let file = created.home.path().join("envoy.yaml");
    write(&file, &config);
    let mut command = Command::new(Path::new(&python).with_file_name("envoy"));
    command.args(["--concurrency", "1", "--disable-hot-restart", "-c"]).arg(&file);
    let _gateway = created.start(&mut command);
    created.check("orders");
}
