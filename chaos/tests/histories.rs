//! Histories of a store with kills, starts and power losses, against the list of what was submitted.
//! A failing history is shrunk to the shortest that fails, and printed with its seed.

use proptest::prelude::*;
use tocsin::sys::SeededEntropy;
use tocsin_chaos::log::workload::{Op, Run, Violation};

/// One step of a history.
#[derive(Debug, Clone, Copy)]
enum Step {
    Do(Op),
    /// Power is lost; the seed decides what is kept, lost and torn.
    LosePower(u64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => proptest::sample::select(Op::ALL.to_vec()).prop_map(Step::Do),
        1 => any::<u64>().prop_map(Step::LosePower),
    ];
    proptest::collection::vec(step, 1..40)
}

fn live(steps: &[Step], seed: u64) -> Result<(), Violation> {
    let mut run = Run::begin(seed)?;
    for step in steps {
        match step {
            Step::Do(op) => run.step(*op)?,
            Step::LosePower(choice) => run.lose_power(&SeededEntropy::new(*choice))?,
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn what_was_acknowledged_survives_any_history_of_kills_and_power_losses(
        steps in steps(),
        seed in any::<u64>(),
    ) {
        prop_assert_eq!(live(&steps, seed), Ok(()));
    }
}
