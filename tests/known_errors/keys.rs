//! Errors of idempotency keys. Found by `tests/prometheus.rs`, with alerts that come and go.

use std::collections::BTreeSet;

use crate::core_support::{World, simple};

/// The key covered the number of the flush, which a group counts from its beginning. A group that went away
/// and came again had the keys it had before: a receiver that knows repetitions by their keys would have
/// taken the news for one.
#[test]
fn a_group_that_comes_again_does_not_use_its_keys_again() {
    let mut world = World::new(simple());
    for life in 0..3 {
        world.post(&["A"]);
        world.run(10_000 * life + 1_000);
        world.post(&["-A"]);
        world.run(10_000 * (life + 1));
    }
    let keys: BTreeSet<[u8; 32]> = world.got.iter().map(|it| it.idempotency_key).collect();
    assert_eq!((world.got.len(), keys.len()), (6, 6));
}
