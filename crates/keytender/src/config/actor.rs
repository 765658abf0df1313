//! Who acts on the command line, and from where: for the log of acts.

/// The variables that hold a person's name, in the order in which they are believed.
const NAMES: [&str; 4] = ["KEYTENDER_ACTOR", "SUDO_USER", "USER", "USERNAME"];
/// Where Linux tells the machine's name.
const HOST_FILE: &str = "/proc/sys/kernel/hostname";

/// The name of whoever runs the program; `unknown` where nothing tells.
pub fn name() -> String {
    let names = NAMES.iter().filter_map(|name| std::env::var(name).ok());
    names.map(|name| name.trim().to_owned()).find(|name| !name.is_empty()).unwrap_or_else(unknown)
}

/// Where the program runs, such as `command line on HOST`.
pub fn origin() -> String {
    format!("command line on {}", host())
}

/// The name of the machine; `unknown` where nothing tells.
pub fn host() -> String {
    let host = std::env::var("HOSTNAME").ok().or_else(|| std::fs::read_to_string(HOST_FILE).ok());
    let host = host.map(|host| host.trim().to_owned()).filter(|host| !host.is_empty());
    host.unwrap_or_else(unknown)
}

fn unknown() -> String {
    "unknown".to_owned()
}
