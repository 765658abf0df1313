//! Mail, over SMTP.
//!
//! The dialogue is led step by step, because what a lost connection means depends on the step:
//! before the end of the message it was not delivered, after it nobody can know.

use std::future::Future;
use std::net::IpAddr;
use std::time::Duration;

use keytender_core::secret::Secret;
use keytender_core::time::Time;
use lettre::address::{Address, Envelope};
use lettre::message::header::{HeaderName, HeaderValue};
use lettre::message::{Mailbox, MultiPart};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, Certificate, TlsParameters};
use lettre::transport::smtp::commands::{Data, Mail, Rcpt};
use lettre::transport::smtp::extension::{ClientId, Extension, MailBodyParameter, MailParameter};
use lettre::transport::smtp::{Error as SmtpError, response::Response};
use serde::{Deserialize, Serialize};

use super::{Accepted, Failed, Roots, Step, Verdict, Why, network_cause};
use crate::clock;
use crate::error::Error;

/// How long a farewell may take: the mail is delivered already.
const QUIT_TIMEOUT: Duration = Duration::from_secs(2);
/// Far below the 998 bytes of a line (RFC 5322, section 2.1.1), with room for its header's name.
const MAX_ID_BYTES: usize = 200;

/// How a connection is made secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// By the command STARTTLS, which must be offered (port 587).
    StartTls,
    /// From the first byte (port 465).
    Implicit,
    /// Not at all: only to this machine.
    None,
}

/// Which mail server, and as whom.
#[derive(Clone)]
pub struct Smtp {
    /// Its name, which its certificate must carry.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is made secret.
    pub tls: Tls,
    /// Certificates to trust beside those of the system.
    pub roots: Option<Roots>,
    /// The user name; `None` if the server asks for none.
    pub username: Option<String>,
    /// Its password.
    pub password: Option<Secret>,
    /// The address that mail comes from, and that answers go to.
    pub from: String,
    /// The name beside that address.
    pub from_name: Option<String>,
    /// How long each answer of the server may take.
    pub timeout: Duration,
}

/// One mail. It has no debug output: addresses and bodies are not for logs.
#[derive(Clone)]
pub struct Message {
    /// The address that it goes to.
    pub to: String,
    /// The name beside that address.
    pub to_name: Option<String>,
    /// The subject.
    pub subject: String,
    /// The body as plain text.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// The id of this delivery, as [`Mailer::id`] makes it; another attempt keeps it.
    pub message_id: String,
    /// The ids of the threads that it belongs to, one a key, as [`Mailer::id`] makes them.
    pub references: Vec<String>,
    /// When it was written.
    pub date: Time,
    /// In whose name it goes, where that is not the mail server's own.
    pub sender: Sender,
    /// Where one click ends mails such as this one (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// In whose name a mail goes; what is absent is as the mail server has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sender {
    /// The address that it comes from.
    pub from: Option<String>,
    /// The name beside that address.
    pub name: Option<String>,
    /// The address that answers go to.
    pub reply_to: Option<String>,
}

/// A mail server that is ready to be asked.
pub struct Mailer {
    settings: Smtp,
    tls: Option<TlsParameters>,
    from: Mailbox,
}

impl Mailer {
    /// Checks the settings and reads the certificates; reaches for nobody.
    ///
    /// # Errors
    /// When the address cannot be read, when the connection would not be secret, and when there are
    /// no certificates in the file.
    pub fn new(settings: Smtp) -> Result<Self, Error> {
        let address: Address = settings.from.parse().map_err(|_| {
            Error::new("the sender's address cannot be read")
                .hint("write one such as keys@example.com")
        })?;
        let from = Mailbox::new(settings.from_name.clone(), address);
        let tls = match settings.tls {
            Tls::None if is_loopback(&settings.host) => None,
            Tls::None => {
                return Err(Error::new("mail without TLS goes only to this machine")
                    .hint("set TLS to `starttls` or `implicit`"));
            }
            Tls::StartTls | Tls::Implicit => Some(tls_parameters(&settings)?),
        };
        Ok(Self { settings, tls, from })
    }

    /// An id for a header: `<name@domain of the sender>`.
    pub fn id(&self, name: &str) -> String {
        format!("<{name}@{}>", self.from.email.domain())
    }

    /// Makes one attempt to hand `message` over.
    ///
    /// # Errors
    /// [`Failed`], which says whether another attempt makes sense and whether it may be a repeat.
    pub async fn send(&self, message: &Message) -> Result<Accepted, Failed> {
        let (envelope, bytes) = self.write(message)?;
        let mut connection = self.connect().await?;
        let outcome = self.hand_over(&mut connection, &envelope, &bytes).await;
        // Whatever it answers changes nothing.
        _ = tokio::time::timeout(QUIT_TIMEOUT, connection.abort()).await;
        outcome
    }

    fn write(&self, message: &Message) -> Result<(Envelope, Vec<u8>), Failed> {
        let not_writable = || Failed::new(Verdict::Permanent, Step::Message, Why::NotWritable);
        let to: Address = message.to.parse().map_err(|_| not_writable())?;
        let ids = || std::iter::once(&message.message_id).chain(&message.references);
        if message.subject.chars().any(char::is_control) || !ids().all(|id| is_id(id)) {
            return Err(not_writable());
        }
        let mut builder = lettre::Message::builder()
            .from(self.from(&message.sender).ok_or_else(not_writable)?)
            .to(Mailbox::new(message.to_name.clone(), to))
            .subject(message.subject.clone())
            .date(clock::system_time(message.date))
            .message_id(Some(message.message_id.clone()))
            // RFC 3834: no holiday notices in answer.
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        if !message.references.is_empty() {
            builder = builder.references(message.references.join(" "));
        }
        if let Some(address) = &message.sender.reply_to {
            let address = address.parse().map_err(|_| not_writable())?;
            builder = builder.reply_to(Mailbox::new(None, address));
        }
        if let Some(place) = &message.unsubscribe {
            if !place.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte)) {
                return Err(not_writable());
            }
            for (name, value) in [
                ("List-Unsubscribe", format!("<{place}>")),
                ("List-Unsubscribe-Post", "List-Unsubscribe=One-Click".to_owned()),
            ] {
                let name = HeaderName::new_from_ascii_str(name);
                builder = builder.raw_header(HeaderValue::new(name, value));
            }
        }
        let parts = MultiPart::alternative_plain_html(message.text.clone(), message.html.clone());
        let written = builder.multipart(parts).map_err(|_| not_writable())?;
        Ok((written.envelope().clone(), written.formatted()))
    }

    /// Who a mail comes from.
    fn from(&self, sender: &Sender) -> Option<Mailbox> {
        let mut from = self.from.clone();
        if let Some(address) = &sender.from {
            from.email = address.parse().ok()?;
        }
        from.name = sender.name.clone().or(from.name);
        Some(from)
    }

    async fn connect(&self) -> Result<AsyncSmtpConnection, Failed> {
        let name = ClientId::Domain(self.from.email.domain().to_owned());
        let server = (self.settings.host.as_str(), self.settings.port);
        let limit = self.settings.timeout;
        let is_implicit = self.settings.tls == Tls::Implicit;
        let tls = if is_implicit { self.tls.clone() } else { None };
        let connecting = AsyncSmtpConnection::connect_tokio1(server, Some(limit), &name, tls, None);
        let mut connection = self.within(Step::Connect, connecting).await?;
        if let (Tls::StartTls, Some(tls)) = (self.settings.tls, self.tls.clone()) {
            if !connection.can_starttls() {
                return Err(Failed::new(Verdict::Temporary, Step::Tls, Why::NotOffered));
            }
            self.within(Step::Tls, connection.starttls(tls, &name)).await?;
        }
        if let (Some(username), Some(password)) = (&self.settings.username, &self.settings.password)
        {
            let words = Credentials::new(username.clone(), password.expose().to_owned());
            let ways = [Mechanism::Plain, Mechanism::Login];
            if !ways.iter().any(|way| connection.server_info().supports_auth_mechanism(*way)) {
                return Err(Failed::new(Verdict::Temporary, Step::SignIn, Why::NotOffered));
            }
            self.within(Step::SignIn, connection.auth(&ways, &words)).await?;
        }
        Ok(connection)
    }

    async fn hand_over(
        &self,
        connection: &mut AsyncSmtpConnection,
        envelope: &Envelope,
        bytes: &[u8],
    ) -> Result<Accepted, Failed> {
        let mut options = Vec::new();
        let mut addresses = envelope.from().into_iter().chain(envelope.to());
        if !addresses.all(|address| AsRef::<str>::as_ref(address).is_ascii()) {
            if !connection.server_info().supports_feature(Extension::SmtpUtfEight) {
                return Err(Failed::new(Verdict::Permanent, Step::Recipient, Why::NotOffered));
            }
            options.push(MailParameter::SmtpUtfEight);
        }
        if !bytes.is_ascii() {
            options.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let sender = Mail::new(envelope.from().cloned(), options);
        self.within(Step::Sender, connection.command(sender)).await?;
        for to in envelope.to() {
            let recipient = Rcpt::new(to.clone(), Vec::new());
            self.within(Step::Recipient, connection.command(recipient)).await?;
        }
        self.within(Step::Content, connection.command(Data)).await?;
        let sending = self.within(Step::Content, connection.message(bytes)).await;
        let answer: Response = sending.map_err(|failed| match failed.why {
            Why::Answer { .. } => failed,
            // The end of the message may have been read: nobody can know.
            _ => Failed { verdict: Verdict::Undecided, ..failed },
        })?;
        Ok(Accepted { code: answer.code().into() })
    }

    /// One step of the dialogue, within the time of an answer.
    async fn within<T>(
        &self,
        step: Step,
        doing: impl Future<Output = Result<T, SmtpError>>,
    ) -> Result<T, Failed> {
        match tokio::time::timeout(self.settings.timeout, doing).await {
            Ok(Ok(done)) => Ok(done),
            Ok(Err(error)) => Err(failed(step, &error)),
            Err(_) => Err(Failed::new(Verdict::Temporary, step, Why::TimedOut)),
        }
    }
}

/// What an error of the dialogue means. Its text is left out: servers repeat addresses.
fn failed(step: Step, error: &SmtpError) -> Failed {
    let Some(code) = error.status() else {
        let why = if error.is_timeout() { Why::TimedOut } else { network_cause(error) };
        return Failed::new(Verdict::Temporary, step, why);
    };
    let verdict = if error.is_permanent() { Verdict::Permanent } else { Verdict::Temporary };
    Failed::new(verdict, step, Why::Answer { code: code.into(), enhanced: enhanced(error) })
}

/// The finer code that begins the server's text (RFC 3463): `5.1.1`.
fn enhanced(error: &SmtpError) -> Option<String> {
    let text = std::error::Error::source(error)?.to_string();
    let word = text.split_whitespace().next()?;
    let parts: Vec<&str> = word.split('.').collect();
    let is_number = |part: &&str| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    };
    (parts.len() == 3 && parts.iter().all(is_number)).then(|| word.to_owned())
}

fn tls_parameters(settings: &Smtp) -> Result<TlsParameters, Error> {
    let mut builder = TlsParameters::builder(settings.host.clone());
    if let Some(roots) = &settings.roots {
        let certificates = Certificate::from_pem(&roots.read()?).map_err(|_| roots.bad())?;
        builder = builder.add_root_certificate(certificates);
    }
    builder
        .build_rustls()
        .map_err(|error| Error::new("could not prepare TLS for the mail server").source(error))
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Whether `id` can stand in a header: `<name@domain>` in visible ASCII.
fn is_id(id: &str) -> bool {
    let inside = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    inside.is_some_and(|inside| {
        inside.len() <= MAX_ID_BYTES
            && inside.contains('@')
            && inside.bytes().all(|byte| byte.is_ascii_graphic() && !b"<>".contains(&byte))
    })
}
