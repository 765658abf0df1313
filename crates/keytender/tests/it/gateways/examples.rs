//! The examples of the repository: what their READMEs say, typed into a shell as it stands there, on other ports.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{free_address, has};
use crate::served::Served;
use crate::{Home, partner};

/// Ends what is started, and lets cargo find the repository without the network.
const BEFORE: &str = "set -eu\ntrap 'kill $(jobs -p) 2>/dev/null' EXIT\n\
    cargo() { command cargo \"$@\" --manifest-path \"$REPOSITORY/Cargo.toml\" --locked --offline; }\n";
/// Waits for what the READMEs say of the last use: uses are told within a second or two.
const AFTER: &str = "for _ in $(seq 100); do\n\
    keytender keys list --provider acme --json | grep -q '\"orders\"' && exit 0; sleep 0.2\ndone\nexit 1\n";
/// A person who types is no quicker.
const PATIENTLY: &str = " --silent --retry 60 --retry-connrefused --retry-delay 1";
/// What a gateway answers while the API behind it, or its keys, are not there yet.
const NOT_YET: [&str; 2] = ["502", "503"];

/// An example in a folder of its own, beside the configurations of gateways.
struct Example {
    home: Home,
    served: Served,
    folder: PathBuf,
}

impl Example {
    /// A copy of an example and of what stands beside it, in which our ports stand for those that are written.
    fn copy(name: &str) -> Self {
        let home = Home::new();
        let served = Served::start(&home);
        let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
        let (gateway, api) = (free_address(), free_address());
        let server: SocketAddr = served.url.trim_start_matches("http://").parse().unwrap();
        for part in [name, "nginx", "caddy"] {
            let to = home.path().join("examples").join(part);
            fs::create_dir_all(&to).unwrap();
            for entry in fs::read_dir(from.join(part)).unwrap() {
                let path = entry.unwrap().path();
                let Ok(text) = fs::read_to_string(&path) else { continue };
                let text = [(8000, gateway), (8080, api), (7979, server)]
                    .iter()
                    .fold(text, |text, (port, here)| {
                        text.replace(&port.to_string(), &here.port().to_string())
                    });
                fs::write(to.join(path.file_name().unwrap()), text).unwrap();
            }
        }
        let folder = home.path().join("examples").join(name);
        Self { home, served, folder }
    }

    /// The shell blocks of its README, one after the other. What would be installed is there already, and requests
    /// wait for what was started.
    fn script(&self) -> String {
        let readme = fs::read_to_string(self.folder.join("README.md")).unwrap();
        let blocks = readme.split("```sh\n").skip(1).map(|rest| rest.split("```").next().unwrap());
        let mut script = BEFORE.to_owned();
        let lines: Vec<&str> = blocks.flat_map(str::lines).collect();
        assert!(lines.iter().any(|line| line.starts_with("curl ")), "{readme}");
        for line in lines {
            let installs = line.contains("npm ci") || line.contains("pip install");
            let patience = if line.starts_with("curl ") { PATIENTLY } else { "" };
            if !installs {
                script.push_str(&format!("{line}{patience}\n"));
            }
        }
        script + AFTER
    }

    /// What the last three requests of the README answer: they are tried until the first passes.
    fn run(&self) {
        let program = Path::new(env!("CARGO_BIN_EXE_keytender")).parent().unwrap();
        let path = std::env::var("PATH").unwrap();
        let mut command = Command::new("bash");
        command
            .args(["-c", &self.script()])
            .current_dir(&self.folder)
            .env("PATH", format!("{}:{path}", program.display()))
            .env("HOME", self.home.path())
            .env("XDG_DATA_HOME", self.home.path())
            .env("XDG_CONFIG_HOME", self.home.path())
            .env("REPOSITORY", Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."))
            .env("KEYTENDER_SERVER", &self.served.url)
            .env("KEYTENDER_TOKEN", &self.served.token)
            .stdin(Stdio::null())
            .process_group(0);
        let output = command.output().unwrap();
        let (out, err) =
            (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{out}\n{err}");
        // What stands before may be a body that ends without a line end.
        let statuses: Vec<&str> = out
            .split("HTTP/1.1 ")
            .skip(1)
            .filter_map(|rest| rest.split([' ', '\r']).next())
            .filter(|status| !NOT_YET.contains(status))
            .collect();
        assert_eq!(statuses, ["200", "401", "403"], "{out}\n{err}");
        let listed = self.served.get("/v1/keys?provider=acme").expect(200);
        assert_eq!(listed["keys"][0]["last_used"]["service"], "orders", "{listed}");
    }
}

#[test]
fn express_behind_nginx_runs_as_its_readme_says() {
    let Some(modules) = partner("KEYTENDER_TEST_EXPRESS") else { return };
    if !has("nginx") {
        return;
    }
    let example = Example::copy("express");
    symlink(modules, example.folder.join("node_modules")).unwrap();
    example.run();
}

#[test]
fn fastapi_behind_caddy_runs_as_its_readme_says() {
    let Some(venv) = partner("KEYTENDER_TEST_FASTAPI") else { return };
    if !has("caddy") {
        return;
    }
    let example = Example::copy("fastapi");
    symlink(venv, example.folder.join(".venv")).unwrap();
    example.run();
}

#[test]
fn axum_runs_as_its_readme_says() {
    let example = Example::copy("axum");
    let built = Path::new(env!("CARGO_BIN_EXE_keytender")).parent().unwrap().parent().unwrap();
    symlink(built, example.home.path().join("target")).unwrap();
    example.run();
}
