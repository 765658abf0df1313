//! How the key page of an API's customers looks, as options.

use std::io::{self, Write};
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keytender_core::text::printable;

use super::{NOTHING, Stop};
use crate::app::view::{PortalChange, PortalView};
use crate::error::Error;

/// What is said of the key page of an API's customers.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "The key page of its customers")]
pub(super) struct Options {
    /// The colour of its links and buttons, such as #2f5fb3; `none` takes it away
    #[arg(long, value_name = "COLOUR")]
    accent: Option<String>,
    /// The picture at its top: a PNG, JPEG, GIF or WebP of at most 32 KiB; `none` takes it away
    #[arg(long, value_name = "FILE")]
    logo: Option<PathBuf>,
    /// Whom customers ask: a mail address or an address of the web; `none` takes it away
    #[arg(long, value_name = "PLACE")]
    support: Option<String>,
    /// Where customers read how the API is used; `none` takes it away
    #[arg(long, value_name = "URL")]
    docs: Option<String>,
    /// Where customers read how a key is replaced and kept well; `none`: on the server's own page
    #[arg(long, value_name = "URL")]
    guide: Option<String>,
    /// The hosts to which a link may lead back, such as "app.acme.example"; `none`: to none
    #[arg(long, value_name = "HOSTS")]
    return_hosts: Option<String>,
    /// The hosts whose pages may hold it in a frame; `none`: of nobody
    #[arg(long, value_name = "HOSTS")]
    frame_hosts: Option<String>,
}

/// Nothing, if the word says so.
fn or_none(text: String) -> Option<String> {
    Some(text).filter(|text| text != NOTHING)
}

fn hosts(text: String) -> Vec<String> {
    let words = or_none(text).unwrap_or_default();
    words.split([' ', ',']).filter(|word| !word.is_empty()).map(str::to_owned).collect()
}

impl Options {
    /// What is to change.
    ///
    /// # Errors
    /// When the picture cannot be read.
    pub(super) fn change(self) -> Result<PortalChange, Stop> {
        let logo = match self.logo {
            None => None,
            Some(path) if path.as_os_str() == NOTHING => Some(None),
            Some(path) => {
                let bytes = std::fs::read(&path).map_err(|error| {
                    Stop::could_not(
                        Error::new(format!("cannot read the logo `{}`", path.display()))
                            .source(error),
                    )
                })?;
                Some(Some(STANDARD.encode(bytes)))
            }
        };
        Ok(PortalChange {
            accent: self.accent.map(or_none),
            logo,
            support: self.support.map(or_none),
            docs: self.docs.map(or_none),
            guide: self.guide.map(or_none),
            return_hosts: self.return_hosts.map(hosts),
            frame_hosts: self.frame_hosts.map(hosts),
        })
    }
}

/// Writes what is said of it.
pub(super) fn write(out: &mut impl Write, portal: &PortalView) -> io::Result<()> {
    let (back, frames) = (portal.return_hosts.join(" "), portal.frame_hosts.join(" "));
    let logo = portal.logo.as_ref().map(|_| "given");
    let lines = [
        ("accent", portal.accent.as_deref()),
        ("logo", logo),
        ("support", portal.support.as_deref()),
        ("docs", portal.docs.as_deref()),
        ("guide", portal.guide.as_deref()),
        ("leads back", Some(back.as_str()).filter(|hosts| !hosts.is_empty())),
        ("in frames of", Some(frames.as_str()).filter(|hosts| !hosts.is_empty())),
    ];
    for (name, value) in lines {
        if let Some(value) = value {
            writeln!(out, "  {name:<12} {}", printable(value))?;
        }
    }
    Ok(())
}
