//! Random histories: replay equals the live state, deciding twice decides nothing new, and no alert is
//! lost.

use proptest::prelude::*;

use crate::history::{
    History, Step, due_and_firing, grouped, lost, plain_step, regroup_step, step, the_policy,
    was_told_firing,
};
use crate::support::{explaining, restored, sections};

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, max_shrink_time: 20_000, ..ProptestConfig::default() })]

    #[test]
    fn replay_equals_the_live_state_also_through_a_checkpoint_in_the_middle(
        steps in prop::collection::vec(step(), 1..60),
        cut in 0usize..60,
    ) {
        let mut world = explaining(the_policy(0));
        let mut history = History::default();
        let mut checkpoint = None;
        for (place, step) in steps.iter().enumerate() {
            if place == cut {
                checkpoint = Some((sections(&world.core), world.log.len(), world.now));
            }
            if !matches!(step, Step::Reload(_)) {
                history.act(&mut world, step);
            }
        }
        let live = world.checked_hash();
        if let Some((parts, from, now)) = checkpoint {
            let mut core = restored(&parts, &world.policy, now);
            for (lsn, record) in &world.log[from..] {
                core.apply(*lsn, record.clone());
            }
            prop_assert_eq!(core.state_hash().unwrap(), live);
        }
    }

    #[test]
    fn deciding_again_without_the_records_decides_nothing_new(
        steps in prop::collection::vec(step(), 1..40),
    ) {
        let mut world = explaining(the_policy(0));
        let mut history = History::default();
        for step in &steps {
            history.act(&mut world, step);
        }
        world.now += 10_000;
        let mut twice = world.core.clone();
        twice.decide(crate::support::at(world.now));
        // What is smeared comes later, and at the same time there is nothing more.
        let again = twice.decide(crate::support::at(world.now));
        prop_assert_eq!(again.len(), 0);
    }

    #[test]
    fn no_alert_is_lost_once_receivers_and_time_allow(
        steps in prop::collection::vec(step(), 1..60),
    ) {
        let mut world = explaining(the_policy(0));
        let mut history = History::default();
        for step in &steps {
            history.act(&mut world, step);
        }
        history.heal(&mut world);
        prop_assert_eq!(lost(&world), Vec::<String>::new());
    }

    #[test]
    fn what_was_due_when_the_process_came_up_is_told_firing_whatever_comes_after(
        steps in prop::collection::vec(plain_step(), 1..40),
    ) {
        let mut world = explaining(the_policy(2));
        let mut history = History::default();
        let mut owed = vec![];
        for step in &steps {
            history.act(&mut world, step);
            if let Step::Crash(_) = step {
                owed.extend(due_and_firing(&world).into_iter().map(|name| (name, world.got.len())));
            }
        }
        world.run(world.now + 3_000);
        let untold = owed.into_iter().filter(|(name, since)| !was_told_firing(&world, name, *since));
        prop_assert_eq!(untold.collect::<Vec<_>>(), vec![]);
    }

    #[test]
    fn no_alert_is_lost_when_the_configuration_groups_otherwise(
        steps in prop::collection::vec(regroup_step(), 1..60),
    ) {
        let mut world = explaining(grouped(3));
        let mut history = History::default();
        for step in &steps {
            history.act(&mut world, step);
        }
        history.heal(&mut world);
        prop_assert_eq!(lost(&world), Vec::<String>::new());
    }
}
