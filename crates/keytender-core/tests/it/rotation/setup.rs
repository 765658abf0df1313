//! How a world begins: what the provider is like, what was settled, who uses the old key.

use keytender_core::rotation::{Able, Destination, Gate, OldKey, Plan, Way, plan};
use keytender_core::time::{Span, Time};

use super::run::{HOUR, MINUTE, SECOND, pick};
use super::world::{Chance, Maker, Nature, User, World};

/// The old key, where it stands, and who uses it.
pub(super) fn populate(world: &mut World, places: u64, watched: Span) {
    let now = world.now;
    let long_ago = now.minus(watched).minus(Span::days(100));
    world.now = long_ago;
    let (_, secret) = world.make(Maker::Before, None).unwrap();
    for place in 0..usize::try_from(places).unwrap() {
        world.places.push(Some(secret));
        let every =
            Span::from_micros(pick(&mut world.chance, &[6 * HOUR, 24 * HOUR, 7 * 24 * HOUR]));
        let next_at = long_ago.plus(world.chance.within(every));
        let user = User {
            place: Some(place),
            secret: Some(secret),
            every,
            next_at,
            waits_for_reload: false,
            failures: 0,
        };
        world.users.push(user);
    }
    if world.chance.percent(30) {
        let every = Span::days(pick(&mut world.chance, &[1, 7, 30, 40]));
        let next_at = long_ago.plus(world.chance.within(every));
        let user = User {
            place: None,
            secret: Some(secret),
            every,
            next_at,
            waits_for_reload: true,
            failures: 0,
        };
        world.users.push(user);
    }
    world.pass(now);
}

/// What the provider is like.
pub(super) fn nature(chance: &mut Chance) -> Nature {
    let spans = [0, SECOND, MINUTE, 4 * HOUR];
    Nature {
        has_labels: chance.percent(50),
        tells_use: chance.percent(85),
        slots: pick(chance, &[None, None, Some(2), Some(5)]),
        lag: Span::from_micros(pick(chance, &spans)),
        granularity: Span::from_micros(pick(chance, &[SECOND, MINUTE, HOUR, 24 * HOUR])),
        propagation: Span::from_micros(pick(chance, &[0, SECOND, 30 * SECOND, 5 * MINUTE])),
        watched: Span::days(pick(chance, &[5, 60, 200])),
    }
}

/// What was settled before.
pub(super) fn plan_for(chance: &mut Chance, nature: &Nature, began_at: Time) -> Plan {
    let can_disable = chance.percent(80);
    let way = if chance.percent(85) { Way::CreateThenDelete } else { Way::InPlace };
    let able = Able {
        list: chance.percent(95),
        label: nature.has_labels,
        disable: can_disable,
        try_new: chance.percent(85),
        slots: nature.slots,
        last_use: nature
            .tells_use
            .then_some(plan::Exactness { granularity: nature.granularity, lag: nature.lag }),
        propagation: nature.propagation,
    };
    let places = chance.below(4);
    let by_hand = chance.percent(10);
    let destinations = (0..places).map(|place| Destination {
        name: format!("place {place}"),
        by_hand: by_hand && place == 0,
        has_reload: chance.percent(50),
    });
    let destinations: Vec<_> = destinations.collect();
    let gates = Gate::ALL.into_iter().filter(|_| chance.percent(12)).collect();
    Plan {
        way,
        old: OldKey { id: "key-1".to_owned() },
        able,
        destinations,
        gates,
        window: None,
        quiet_for: plan::QUIET_FOR,
        hold: if nature.tells_use { plan::HOLD } else { plan::BLIND_HOLD },
        poll: Span::from_micros(pick(chance, &[6 * HOUR, 24 * HOUR, 24 * HOUR])),
        deadline: chance.percent(5).then(|| began_at.plus(Span::days(60))),
        is_emergency: chance.percent(8),
        timeout: Span::from_micros(30 * SECOND),
    }
}
