//! What is on this machine that could be audited: looked for in the places where tools keep it,
//! without the network, and told by name only. No secret is kept or shown.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use keytender_core::report::Header;
use keytender_core::report::record::{Split, Splitter};

/// The largest file that is looked into: 1 MiB. Configuration files are far smaller.
const MAX_FILE_BYTES: u64 = 1024 * 1024;
/// How many files of the current folder are looked at.
const MAX_FILES: usize = 1_000;

/// What was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// The profiles in AWS's configuration.
    pub aws_profiles: Vec<String>,
    /// The variable by which the environment itself holds AWS credentials.
    pub aws_variable: Option<&'static str>,
    /// The hosts that GitHub's command line is signed in to.
    pub github_hosts: Vec<String>,
    /// Files with settings that look like keys, and how many of these each has.
    pub env_files: Vec<(PathBuf, usize)>,
    /// Reports in the current folder that can be audited.
    pub reports: Vec<PathBuf>,
}

/// Where to look.
#[derive(Clone, Debug)]
pub struct Places<F: Fn(&str) -> Option<OsString>> {
    /// The user's home folder.
    pub home: Option<PathBuf>,
    /// The current folder.
    pub folder: PathBuf,
    /// Reads a variable of the environment.
    pub variable: F,
}

impl<F: Fn(&str) -> Option<OsString>> Places<F> {
    /// Looks.
    pub fn look(&self) -> Found {
        let (env_files, reports) = self.look_in_folder();
        Found {
            aws_profiles: self.aws_profiles(),
            aws_variable: ["AWS_ACCESS_KEY_ID", "AWS_PROFILE", "AWS_WEB_IDENTITY_TOKEN_FILE"]
                .into_iter()
                .find(|name| (self.variable)(name).is_some_and(|value| !value.is_empty())),
            github_hosts: self.github_hosts(),
            env_files,
            reports,
        }
    }

    fn aws_profiles(&self) -> Vec<String> {
        let config = self.file("AWS_CONFIG_FILE", ".aws/config");
        let credentials = self.file("AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
        let mut profiles = BTreeSet::new();
        for text in [config, credentials].into_iter().flatten().filter_map(|path| text(&path)) {
            let sections = text.lines().filter_map(|line| {
                line.trim().strip_prefix('[')?.split(']').next().map(|name| name.trim().to_owned())
            });
            profiles.extend(sections.filter_map(|section| match section.split_once(' ') {
                Some(("profile", name)) => Some(name.trim().to_owned()),
                Some(_) => None,
                None => Some(section),
            }));
        }
        profiles.into_iter().collect()
    }

    fn github_hosts(&self) -> Vec<String> {
        let folder = (self.variable)("GH_CONFIG_DIR").map(PathBuf::from).or_else(|| {
            let config = (self.variable)("XDG_CONFIG_HOME").map(PathBuf::from);
            Some(config.or_else(|| Some(self.home.as_ref()?.join(".config")))?.join("gh"))
        });
        let Some(text) = folder.and_then(|folder| text(&folder.join("hosts.yml"))) else {
            return Vec::new();
        };
        // The hosts are the keys of the outermost mapping.
        let hosts = text.lines().filter_map(|line| line.strip_suffix(':'));
        hosts.filter(|host| !host.starts_with([' ', '#', '-'])).map(str::to_owned).collect()
    }

    /// The file that `variable` names, or `path` in the home folder.
    fn file(&self, variable: &str, path: &str) -> Option<PathBuf> {
        let named = (self.variable)(variable).map(PathBuf::from);
        named.or_else(|| Some(self.home.as_ref()?.join(path)))
    }

    fn look_in_folder(&self) -> (Vec<(PathBuf, usize)>, Vec<PathBuf>) {
        let mut names: Vec<PathBuf> = fs::read_dir(&self.folder)
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| entry.path())
            .take(MAX_FILES)
            .collect();
        names.sort();
        let mut env_files = Vec::new();
        let mut reports = Vec::new();
        for path in names {
            let Some(name) = path.file_name().and_then(|name| name.to_str()) else {
                continue;
            };
            if name == ".env" || name.starts_with(".env.") {
                let keys = text(&path).map_or(0, |text| text.lines().filter(is_key).count());
                if keys > 0 {
                    env_files.push((PathBuf::from(name), keys));
                }
            } else if has_ending(&path, "csv") && is_report(&path) {
                reports.push(PathBuf::from(name));
            }
        }
        (env_files, reports)
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|known| known.eq_ignore_ascii_case(ending))
}

/// The text of a small file.
fn text(path: &Path) -> Option<String> {
    let size = fs::metadata(path).ok().filter(fs::Metadata::is_file)?.len();
    if size > MAX_FILE_BYTES {
        return None;
    }
    fs::read_to_string(path).ok()
}

/// Whether a line of a .env file sets something that is named like a key, to something.
fn is_key(line: &&str) -> bool {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let Some((name, value)) = line.split_once('=') else {
        return false;
    };
    let name = name.trim().to_ascii_uppercase();
    let endings = ["KEY", "TOKEN", "SECRET", "PASSWORD", "KEY_ID"];
    let is_set = !value.trim().trim_matches(['"', '\'']).is_empty();
    is_set && !name.starts_with('#') && endings.iter().any(|ending| name.ends_with(ending))
}

/// Whether a file begins with the header of a report.
fn is_report(path: &Path) -> bool {
    use std::io::Read;
    let mut head = Vec::new();
    let read = fs::File::open(path).and_then(|file| file.take(4096).read_to_end(&mut head));
    if read.is_err() {
        return false;
    }
    match Splitter::new().next(&head, true) {
        (_, Split::Record(record)) => Header::parse(&record).is_ok(),
        _ => false,
    }
}
