//! HTTP by hand: what no well-behaved client sends, and many requests on one connection.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(30);

/// A connection that is kept.
pub(super) struct Wire<S> {
    stream: BufReader<S>,
}

/// What came back.
#[derive(Debug)]
pub(super) struct Reply {
    pub(super) status: u16,
    pub(super) head: String,
    pub(super) body: String,
}

impl Reply {
    /// What the head says under a name; empty if it says nothing.
    pub(super) fn header(&self, name: &str) -> &str {
        let named = |line: &&str| line.to_ascii_lowercase().starts_with(&format!("{name}:"));
        let line = self.head.lines().find(named).unwrap_or_default();
        line.split_once(':').map_or("", |(_, value)| value.trim())
    }

    /// The head without the moment.
    pub(super) fn lines(&self) -> Vec<&str> {
        self.head.lines().filter(|line| !line.to_ascii_lowercase().starts_with("date:")).collect()
    }
}

impl Wire<TcpStream> {
    pub(super) fn to(url: &str) -> Self {
        Self::try_to(url).unwrap()
    }

    /// None if nobody listens any more.
    pub(super) fn try_to(url: &str) -> Option<Self> {
        let stream = TcpStream::connect(url.trim_start_matches("http://")).ok()?;
        stream.set_read_timeout(Some(PATIENCE)).ok()?;
        stream.set_nodelay(true).ok()?;
        Some(Self { stream: BufReader::new(stream) })
    }
}

impl Wire<UnixStream> {
    pub(super) fn at(path: &Path) -> Self {
        let stream = UnixStream::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        Self { stream: BufReader::new(stream) }
    }
}

impl<S: Read + Write> Wire<S> {
    /// Sends bytes as they are, and reads an answer; none if the other side is gone.
    pub(super) fn send(&mut self, bytes: &[u8]) -> Option<Reply> {
        self.stream.get_mut().write_all(bytes).ok()?;
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            if self.stream.read_line(&mut head).ok()? == 0 {
                return None;
            }
        }
        let status = head.split(' ').nth(1)?.parse().ok()?;
        let mut reply = Reply { status, head, body: String::new() };
        let length: usize = reply.header("content-length").parse().unwrap_or(0);
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).ok()?;
        reply.body = String::from_utf8(body).unwrap();
        Some(reply)
    }

    /// Asks for a path, with lines of a head.
    pub(super) fn get(&mut self, path: &str, lines: &[&str]) -> Option<Reply> {
        let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
        self.send(format!("GET {path} HTTP/1.1\r\nHost: test\r\n{lines}\r\n").as_bytes())
    }
}
