//! A provider on loopback that answers as a test says, byte for byte, also as none should: it closes
//! connections, hangs, floods, and leads elsewhere. What it was asked is kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use keytender::connect::descriptor::MAX_ANSWER_BYTES;
use reqwest::Url;
use serde_json::{Value, json};

use crate::notify::PATIENT;

/// A request.
#[derive(Clone, Debug)]
pub(crate) struct Came {
    /// The method and the path with its parameters.
    pub(crate) line: String,
    /// Headers, by their names in small letters.
    pub(crate) headers: Value,
    pub(crate) body: String,
}

impl Came {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    /// The fields of a form.
    pub(crate) fn form(&self) -> Value {
        form_urlencoded::parse(self.body.as_bytes())
            .map(|(name, value)| (name.into_owned(), Value::from(value.into_owned())))
            .collect()
    }

    pub(crate) fn authorization(&self) -> &str {
        self.headers["authorization"].as_str().unwrap_or_default()
    }
}

/// What is answered.
pub(crate) enum Reply {
    /// A code, headers, a body.
    Whole(u16, Vec<(&'static str, String)>, String),
    /// Nothing: the connection is closed.
    Close,
    /// A good head and half a body, and the connection is closed.
    Half,
    /// Nothing, as long as the caller waits.
    Hang,
    /// A body that is said to be too long.
    Long,
    /// A body that does not end where it must.
    Flood,
}

pub(crate) fn json_of(code: u16, body: &Value) -> Reply {
    Reply::Whole(code, Vec::new(), body.to_string())
}

pub(crate) fn good(body: Value) -> Reply {
    json_of(200, &body)
}

type Desk = Arc<dyn Fn(&Came) -> Reply + Send + Sync>;

/// A provider; it ends when it is told to, or with the test program.
pub(crate) struct Provider {
    pub(crate) url: Url,
    is_over: Arc<AtomicBool>,
    came: Arc<Mutex<Vec<Came>>>,
}

impl Provider {
    pub(crate) fn start(desk: impl Fn(&Came) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap()).parse().unwrap();
        let came = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::clone(&came);
        let desk: Desk = Arc::new(desk);
        let is_over = Arc::new(AtomicBool::new(false));
        let is_told = Arc::clone(&is_over);
        std::thread::spawn(move || {
            let is_on = |_: &_| !is_told.load(Ordering::SeqCst);
            for stream in listener.incoming().take_while(is_on) {
                let (shared, desk) = (Arc::clone(&shared), Arc::clone(&desk));
                std::thread::spawn(move || serve(&stream.unwrap(), &shared, &desk));
            }
        });
        Self { url, is_over, came }
    }

    /// Takes no more connections.
    pub(crate) fn end(&self) {
        self.is_over.store(true, Ordering::SeqCst);
        // It waits for one.
        _ = TcpStream::connect((self.url.host_str().unwrap(), self.url.port().unwrap()));
    }

    /// What came so far.
    pub(crate) fn came(&self) -> Vec<Came> {
        self.came.lock().unwrap().clone()
    }

    /// The method and path of each request.
    pub(crate) fn lines(&self) -> Vec<String> {
        self.came().into_iter().map(|came| came.line).collect()
    }
}

/// Answers the requests of one connection until it is closed.
fn serve(mut stream: &TcpStream, all: &Mutex<Vec<Came>>, desk: &Desk) {
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    let mut lines = BufReader::new(stream);
    while let Some(came) = read(&mut lines) {
        all.lock().unwrap().push(came.clone());
        let sent = match desk(&came) {
            Reply::Whole(code, headers, body) => {
                let mut head = format!("HTTP/1.1 {code} X\r\ncontent-length: {}\r\n", body.len());
                for (name, value) in headers {
                    head.push_str(&format!("{name}: {value}\r\n"));
                }
                stream.write_all(format!("{head}\r\n{body}").as_bytes())
            }
            Reply::Close => return,
            Reply::Half => {
                let half = "HTTP/1.1 200 X\r\ncontent-length: 100\r\n\r\n{\"secret\": \"hun";
                stream.write_all(half.as_bytes()).unwrap();
                return;
            }
            Reply::Hang => {
                // Until the caller goes.
                _ = lines.read(&mut [0]);
                return;
            }
            Reply::Long => {
                let head =
                    format!("HTTP/1.1 200 X\r\ncontent-length: {}\r\n\r\n", MAX_ANSWER_BYTES + 1);
                stream.write_all(head.as_bytes())
            }
            Reply::Flood => flood(stream),
        };
        if sent.is_err() {
            return;
        }
    }
}

/// Chunks without end; an error when the caller has gone.
fn flood(mut stream: &TcpStream) -> std::io::Result<()> {
    stream.write_all(b"HTTP/1.1 200 X\r\ntransfer-encoding: chunked\r\n\r\n")?;
    let chunk = format!("10000\r\n{}\r\n", "[".repeat(0x10000));
    loop {
        stream.write_all(chunk.as_bytes())?;
    }
}

fn read(lines: &mut BufReader<&TcpStream>) -> Option<Came> {
    let mut line = String::new();
    lines.read_line(&mut line).ok().filter(|count| *count > 0)?;
    let line = line.trim_end().trim_end_matches(" HTTP/1.1").to_owned();
    let mut headers = json!({});
    loop {
        let mut header = String::new();
        if lines.read_line(&mut header).unwrap_or(0) == 0 {
            return None;
        }
        match header.trim_end().split_once(": ") {
            Some((name, value)) => headers[name.to_lowercase()] = value.into(),
            None => break,
        }
    }
    let length = headers["content-length"].as_str().map_or(0, |length| length.parse().unwrap());
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    Some(Came { line, headers, body: String::from_utf8(body).unwrap() })
}
