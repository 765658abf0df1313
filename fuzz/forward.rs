//! What the fuzzer does with its bytes as a request of a gateway; the tests do the same with bytes of their own.

/// What is good, and must come together for a request to pass.
pub(crate) struct Good {
    /// The gateway's token.
    pub(crate) token: String,
    /// The key.
    pub(crate) key: String,
}

/// What a header may be called that the server reads.
const NAMES: [&str; 10] = [
    "authorization",
    "x-api-key",
    "keytender-token",
    "x-real-ip",
    "x-forwarded-for",
    "keytender-region",
    "keytender-service",
    "user-agent",
    "cookie",
    "x-fuzz",
];
/// Marks what must not come back as it was sent.
const MARK: &str = "\"<fuzz>'";

/// Makes a request to forward-auth of `bytes`, sends it by `ask`, which tells the status, the head and the body of what
/// is answered, and nothing where the connection was closed. Nothing but the good key with the good token may pass,
/// nothing may be a failure of the server, and nothing that was sent may come back as it is.
pub(crate) fn forward(bytes: &[u8], good: &Good, ask: impl FnOnce(&[u8]) -> Option<(u16, String)>) {
    let mut request = b"GET /v1/forward-auth".to_vec();
    let mut parts = bytes.split(|byte| *byte == b'\n');
    let path: Vec<u8> =
        parts.next().unwrap_or_default().iter().copied().filter(is_of_path).collect();
    if !bytes.len().is_multiple_of(3) {
        request.extend_from_slice(b"?api=acme&");
    }
    request.extend_from_slice(&path);
    request.extend_from_slice(b" HTTP/1.1\r\nhost: test\r\n");
    for part in parts {
        let (kind, value) = part.split_first().map_or((0, part), |(kind, value)| (*kind, value));
        let name = NAMES[usize::from(kind) % NAMES.len()];
        let known = match kind / 10 % 5 {
            0 => format!("Bearer {}", good.key),
            1 => good.token.clone(),
            2 => good.key.clone(),
            _ => MARK.to_owned(),
        };
        request.extend_from_slice(format!("{name}: {known}").as_bytes());
        request.extend(value.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')));
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"connection: close\r\n\r\n");
    let Some((status, said)) = ask(&request) else { return };
    assert!(status < 500, "{status}: {}", request.escape_ascii());
    assert!(!said.contains(MARK), "it came back: {}", request.escape_ascii());
    assert!(!said.contains(&good.token) && !said.contains(&good.key), "a secret came back");
    if status == 200 {
        let shows = |text: &str| has(&request, text.as_bytes());
        assert!(shows(&good.token) && shows(&good.key), "it passed: {}", request.escape_ascii());
        let of = |name: &[u8]| lines(&request).filter(|line| line.starts_with(name)).count();
        let shown = match of(b"x-api-key:") {
            0 => of(b"authorization:"),
            several => several,
        };
        assert_eq!(shown, 1, "one of several keys passed: {}", request.escape_ascii());
    }
}

/// What stands in a path without ending it.
fn is_of_path(byte: &u8) -> bool {
    byte.is_ascii_graphic() && *byte != b'#'
}

fn lines(request: &[u8]) -> impl Iterator<Item = &[u8]> {
    request.split(|byte| *byte == b'\n')
}

fn has(request: &[u8], text: &[u8]) -> bool {
    request.windows(text.len()).any(|window| window == text)
}
