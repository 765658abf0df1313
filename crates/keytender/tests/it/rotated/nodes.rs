//! Two servers at one inventory, each of which would take every rotation.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::json;

use super::cloud::{Cloud, Door};
use super::journey::LEASE;
use crate::Home;
use crate::databases::new_databases;
use crate::inventory::run;
use crate::served::Served;
use crate::verifying::until;

/// How many rotations are under way at the same time.
const USERS: usize = 6;

/// Users of AWS, each with a key that a file holds; the ids of the keys.
fn users(cloud: &Cloud, home: &Home, prefix: &str) -> Vec<String> {
    let made: Vec<_> = (0..USERS).map(|at| cloud.user(&format!("{prefix}-{at}"))).collect();
    run(home, &["accounts", "add", "aws", "prod"]);
    run(home, &["sync"]);
    let ids = made.into_iter().map(|(id, secret)| {
        let path = home.write(&id, format!("KEY={secret}\nID={id}\n"));
        let path = format!("path={}", path.display());
        run(home, &["destinations", "add", &id, "file", "env", &path, "secret=KEY", "id=ID"]);
        id
    });
    ids.collect()
}

fn stage(server: &Served, key: &str) -> String {
    let view = server.get(&format!("/v1/rotations/{key}")).expect(200);
    view["stage"].as_str().unwrap().to_owned()
}

#[test]
fn two_servers_at_one_inventory_make_each_key_once_and_one_goes_on_without_the_other() {
    let Some(cloud) = Cloud::open() else { return };
    for (number, database) in new_databases().iter().enumerate() {
        let door: Arc<Door> = Arc::new(cloud.door());
        let home = cloud.home(&door).with("KEYTENDER_DATABASE", database.text.as_str());
        let prefix = format!("node-{number}");
        let keys = users(&cloud, &home, &prefix);
        let start = || Served::start_with(&home, &["--lease", LEASE]);
        let mut servers = [start(), start()];
        for (key, server) in keys.iter().zip(servers.iter().cycle()) {
            server.post("/v1/rotations", &json!({"key": key})).expect(201);
        }
        let all =
            |server: &Served, wanted: &str| keys.iter().all(|key| stage(server, key) == wanted);
        until(|| all(&servers[0], "overlap"));
        assert_eq!(door.count("CreateAccessKey"), USERS, "{}", database.text);
        for (key, server) in keys.iter().zip(servers.iter().cycle()) {
            let approve = json!({"say": "approve", "gate": "disable"});
            server.post(&format!("/v1/rotations/{key}/words"), &approve).expect(200);
        }
        // Whatever it had in hand goes on at the other, when its leases end.
        servers[0].kill();
        until(|| all(&servers[1], "disabled"));
        assert_eq!(door.count("CreateAccessKey"), USERS, "{}", database.text);
        let mut holders = BTreeSet::new();
        for (at, old) in keys.iter().enumerate() {
            let text = std::fs::read_to_string(home.path().join(old)).unwrap();
            let new = text.lines().find_map(|line| line.strip_prefix("ID=")).unwrap();
            let mut listed = cloud.keys(&format!("{prefix}-{at}"));
            listed.sort_unstable_by_key(|(id, _)| id != old);
            let stand = |id: &str, status: &str| (id.to_owned(), status.to_owned());
            assert_eq!(listed, [stand(old, "Inactive"), stand(new, "Active")]);
            holders.insert(new.to_owned());
        }
        assert_eq!(holders.len(), USERS);
        servers[1].kill();
    }
}
