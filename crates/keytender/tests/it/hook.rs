//! A receiver of webhooks that stays, on loopback: what it answers can be changed, and what came is
//! kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use crate::notify::PATIENT;

/// The headers, by their names in small letters, and the body of a request.
#[derive(Clone)]
pub(crate) struct Came {
    pub(crate) headers: Value,
    pub(crate) text: String,
}

impl Came {
    pub(crate) fn body(&self) -> Value {
        serde_json::from_str(&self.text).unwrap()
    }

    /// Which event it was.
    pub(crate) fn event(&self) -> String {
        self.body()["type"].as_str().unwrap().to_owned()
    }
}

#[derive(Default)]
struct Desk {
    status: &'static str,
    came: Vec<Came>,
}

/// A receiver.
pub(crate) struct Hook {
    pub(crate) url: String,
    desk: Arc<Mutex<Desk>>,
}

impl Hook {
    /// A receiver that answers `status`, such as `204 No Content`. It ends with the test program.
    pub(crate) fn start(status: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        let desk = Arc::new(Mutex::new(Desk { status, came: Vec::new() }));
        let shared = Arc::clone(&desk);
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let shared = Arc::clone(&shared);
                std::thread::spawn(move || serve(&stream.unwrap(), &shared));
            }
        });
        Self { url, desk }
    }

    /// Answers otherwise from now on.
    pub(crate) fn answer(&self, status: &'static str) {
        self.desk.lock().unwrap().status = status;
    }

    /// What came since this was asked last, in its order.
    pub(crate) fn take(&self) -> Vec<Came> {
        std::mem::take(&mut self.desk.lock().unwrap().came)
    }

    /// The events that came since this was asked last, by their names.
    pub(crate) fn events(&self) -> Vec<String> {
        let mut events: Vec<String> = self.take().iter().map(Came::event).collect();
        events.sort();
        events
    }
}

/// Answers the requests of one connection until it is closed.
fn serve(stream: &TcpStream, desk: &Mutex<Desk>) {
    stream.set_read_timeout(Some(PATIENT)).unwrap();
    let mut lines = BufReader::new(stream);
    while let Some(came) = read(&mut lines) {
        let status = {
            let mut desk = desk.lock().unwrap();
            desk.came.push(came);
            desk.status
        };
        let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
        if (&mut &*stream).write_all(answer.as_bytes()).is_err() {
            return;
        }
    }
}

fn read(lines: &mut BufReader<&TcpStream>) -> Option<Came> {
    let mut headers = serde_json::Map::new();
    loop {
        let mut line = String::new();
        if lines.read_line(&mut line).unwrap_or(0) == 0 {
            return None;
        }
        match line.trim_end().split_once(": ") {
            Some((name, value)) => _ = headers.insert(name.to_lowercase(), value.into()),
            None if line == "\r\n" => break,
            None => {}
        }
    }
    let length = headers.get("content-length")?.as_str()?.parse().ok()?;
    let mut body = vec![0; length];
    lines.read_exact(&mut body).ok()?;
    Some(Came { headers: headers.into(), text: String::from_utf8(body).ok()? })
}
