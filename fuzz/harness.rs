//! What the fuzzer does with its bytes; the tests do the same with bytes of their own.

use keytender_core::akm::{Descriptor, Values};
use keytender_core::policy::{Assessment, DEFAULT, Policy};
use keytender_core::report::record::{MAX_RECORD_BYTES, Split, Splitter};
use keytender_core::report::{Fault, Header, Row, sniff};
use keytender_core::steps;
use keytender_core::time::Time;
use keytender_core::token::{LENGTHS, Token};

/// Reads `bytes` as a report, in pieces of `piece` bytes as a file would bring them.
pub(crate) fn read(bytes: &[u8], piece: usize) -> Vec<Result<Row<'static>, Fault>> {
    let mut splitter = Splitter::new();
    let mut header = None;
    let mut rows = Vec::new();
    let (mut start, mut end) = (0, piece.min(bytes.len()));
    loop {
        let (used, split) = splitter.next(&bytes[start..end], end == bytes.len());
        start += used;
        match split {
            Split::End => return rows,
            Split::More => {
                assert!(end < bytes.len(), "more was asked for where nothing is left");
                assert!(end - start <= MAX_RECORD_BYTES + 1, "a record without an end");
                end = (end + piece).min(bytes.len());
            }
            Split::Fault(fault) => rows.push(Err(fault)),
            Split::Record(record) => match &header {
                None => match Header::parse(&record) {
                    Ok(found) => header = Some(found),
                    Err(fault) => return vec![Err(fault)],
                },
                Some(header) => rows.push(header.row(&record).map(Row::into_owned)),
            },
        }
    }
}

/// Reads `bytes` as a report, holds every key against the default policy and writes down what to
/// do: whatever the bytes are, nothing may panic, and pieces of any size give the same rows.
pub(crate) fn credential_report(bytes: &[u8]) {
    let _ = sniff::sniff(bytes);
    let rows = read(bytes, bytes.len().max(1));
    let piece = usize::from(bytes.first().copied().unwrap_or(1)).max(1);
    assert_eq!(rows, read(bytes, piece));
    let policy = Policy::parse(DEFAULT).expect("the default policy is sound");
    let now = Time::from_unix_seconds(1_795_478_400);
    let mut assessment = Assessment::default();
    for mut row in rows.into_iter().flatten() {
        row.keys_mut().for_each(|key| _ = key.clamp_to(now));
        for key in row.keys() {
            policy.assess(key, now, &mut assessment);
            for finding in policy.findings(&assessment) {
                assert!(!finding.rule.message(key, now).to_string().contains(char::is_control));
            }
            if let Some(action) = assessment.action() {
                steps::steps(key, action, steps::Context::default(), now);
            }
        }
    }
}

/// Reads `bytes` as a token: nothing may panic, and what is read has one text only and passes its own
/// digest.
pub(crate) fn token(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    if let Ok(token) = Token::parse(&text) {
        assert!(LENGTHS.contains(&text.len()));
        assert_eq!(token.to_secret().expose(), text);
        assert!(token.verify(&token.digest()));
        assert!(!format!("{token:?}").contains(&text[text.len() - 38..]));
    }
}

/// Reads `bytes` as a descriptor: nothing may panic, what is refused is said in one line each, and what
/// is taken is made into calls only of https and its own templates.
pub(crate) fn descriptor(bytes: &[u8]) {
    let text = String::from_utf8_lossy(bytes);
    match Descriptor::parse(&text) {
        Ok(read) => {
            let kinds = read.descriptor.key_types.iter().flat_map(|kind| kind.operations.values());
            for request in kinds.filter_map(|operation| operation.request.as_ref()) {
                if let Ok(call) = read.descriptor.call(request, &Values::default(), None) {
                    assert!(call.url.starts_with("https://"), "{}", call.url);
                }
            }
        }
        Err(faults) => assert!(!faults.is_empty(), "it is refused without a reason"),
    }
}
