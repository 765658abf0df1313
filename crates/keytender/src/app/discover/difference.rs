//! What is new in a document that changed, for whoever is asked whether it may take the place of the one before.

use std::collections::BTreeMap;

use keytender_core::akm::{Descriptor, HttpMethod, Operation, OperationName};

use crate::store::accounts::Access;

/// The differences, a line each; of texts alone, one line.
pub(super) fn lines(before: &Descriptor, after: &Descriptor, access: &Access) -> Vec<String> {
    let mut lines = Vec::new();
    let hosts = |one: &Descriptor| crate::app::described::hosts_of(one, access);
    let (old, new) = (hosts(before), hosts(after));
    lines.extend(new.difference(&old).map(|host| format!("calls would go to the host {host}")));
    lines.extend(
        old.difference(&new).map(|host| format!("no call would go to the host {host} any more")),
    );
    let (old, new) = (calls(before), calls(after));
    for (what, call) in &new {
        match old.get(what) {
            None => lines.push(format!("{what} is new: {call}")),
            Some(known) if known != call => {
                lines.push(format!("{what} is another call: {call} (was {known})"))
            }
            Some(_) => {}
        }
    }
    lines.extend(
        old.keys().filter(|what| !new.contains_key(*what)).map(|what| format!("{what} is gone")),
    );
    if lines.is_empty() {
        lines.push("calls and hosts are the same; what changed is what it says beside".to_owned());
    }
    lines
}

/// Each operation that is a call, by what it is done to.
fn calls(descriptor: &Descriptor) -> BTreeMap<String, String> {
    let resources = descriptor.resources.iter().map(|one| (&one.id.value, &one.operations));
    let kinds = descriptor.key_types.iter().map(|one| (&one.id.value, &one.operations));
    let call = |of: &str, name: OperationName, operation: &Operation| {
        let request = operation.request.as_ref()?;
        let method: HttpMethod = request.method.value;
        Some((format!("{of}, {}", name.as_str()), format!("{} {}", method.as_str(), request.url)))
    };
    resources
        .chain(kinds)
        .flat_map(|(of, all)| all.iter().filter_map(move |(name, one)| call(of, *name, one)))
        .collect()
}
