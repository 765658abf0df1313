//! Notices leave here: mail, web hooks and chats.
//!
//! Each channel makes one attempt and says how it went; when to try again, and what was told
//! already, is for whoever calls. Nothing here prints, keeps or logs: addresses, bodies, URLs and
//! passwords never stand in an error.

use std::error::Error as StdError;
use std::fmt;

use crate::net::outbound::Cause;

pub mod chat;
mod html;
pub mod mail;
mod reach;
pub mod webhook;

pub use crate::net::outbound::{BadTarget, Roots, Settings};
pub use html::{html, letter};
pub use reach::{Hooks, Target};

/// The channel took the notice over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The code that it answered: SMTP's, or HTTP's.
    pub code: u16,
}

/// What an attempt that failed means for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It was not delivered; another attempt may succeed.
    Temporary,
    /// It was not delivered, and another attempt will not do better.
    Permanent,
    /// Nobody can know: the answer to the last word was lost. Another attempt may deliver it twice,
    /// with the same id.
    Undecided,
}

/// How far an attempt came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// The message itself was not fit to send.
    Message,
    /// Reaching the server, and its greeting.
    Connect,
    /// Making the connection secret.
    Tls,
    /// User name and password.
    SignIn,
    /// Naming the sender.
    Sender,
    /// Naming the recipient.
    Recipient,
    /// Handing the message over.
    Content,
}

/// Why an attempt failed, without a word of what was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The server said so.
    Answer {
        /// The code: SMTP's, or HTTP's.
        code: u16,
        /// The finer code of RFC 3463, `5.1.1`, if the server gave one.
        enhanced: Option<String>,
    },
    /// Nobody listens there.
    Refused,
    /// No answer in time.
    TimedOut,
    /// The server's certificate is not trusted, or not for this name.
    Certificate,
    /// The server cannot do what is asked for: STARTTLS, a way to sign in, letters beyond ASCII.
    NotOffered,
    /// The name leads to no address, or only to private ones.
    NoAddress,
    /// An address or an id cannot be written in a message.
    NotWritable,
    /// It is larger than the channel takes.
    TooLarge,
    /// The connection broke.
    Broken,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failed {
    /// What it means for the next attempt.
    pub verdict: Verdict,
    /// How far it came.
    pub step: Step,
    /// Why it failed.
    pub why: Why,
    /// How long the server asks to be left alone.
    pub retry_after_seconds: Option<u32>,
}

impl Failed {
    const fn new(verdict: Verdict, step: Step, why: Why) -> Self {
        Self { verdict, step, why, retry_after_seconds: None }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let step = match self.step {
            Step::Message => "could not write the notice",
            Step::Connect => "could not reach the server",
            Step::Tls => "could not make the connection secret",
            Step::SignIn => "could not sign in",
            Step::Sender => "the sender was not accepted",
            Step::Recipient => "the recipient was not accepted",
            Step::Content if self.verdict == Verdict::Undecided => {
                "the notice was handed over, but the answer was lost"
            }
            Step::Content => "the notice was not accepted",
        };
        write!(f, "{step}: ")?;
        match &self.why {
            Why::Answer { code, enhanced: Some(enhanced) } => write!(f, "{code} ({enhanced})"),
            Why::Answer { code, enhanced: None } => write!(f, "the answer was {code}"),
            Why::Refused => f.write_str("connection refused"),
            Why::TimedOut => f.write_str("timed out"),
            Why::Certificate => f.write_str("its certificate is not trusted for this name"),
            Why::NotOffered => f.write_str("the server does not offer what is asked for"),
            Why::NoAddress => f.write_str("its name leads to no address, or only to private ones"),
            Why::NotWritable => f.write_str("an address or an id cannot be written"),
            Why::TooLarge => f.write_str("it is too large"),
            Why::Broken => f.write_str("the connection broke"),
        }
    }
}

impl StdError for Failed {}

/// What the causes of `error` say about the network, without their texts: those may hold names.
fn network_cause(error: &(dyn StdError + 'static)) -> Why {
    match Cause::of(error) {
        Cause::Refused => Why::Refused,
        Cause::TimedOut => Why::TimedOut,
        Cause::Certificate => Why::Certificate,
        Cause::NoAddress => Why::NoAddress,
        Cause::Broken => Why::Broken,
    }
}
