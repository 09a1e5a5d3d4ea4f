//! How large a pattern may be, reckoned as Go reckons it.

use super::RegexError;

pub(super) const TOO_LARGE: &str = "expression too large";
pub(super) const TOO_DEEP: &str = "expression nests too deeply";

/// The levels of a pattern.
pub(super) const HEIGHT_MAX: u32 = 1000;
/// How often a part may be repeated, counting repetitions of repetitions.
pub(super) const REPEAT_MAX: u32 = 1000;
/// The steps of a compiled pattern: 128 MiB in Go.
const STEPS_MAX: u64 = 128 * 1024 * 1024 / 40;

/// What a part of a pattern counts for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Weight {
    /// Levels.
    pub(super) height: u32,
    /// Steps when compiled.
    pub(super) steps: u64,
    /// How often its most repeated part is.
    pub(super) repeated: u32,
}

/// A repetition: how often at least, and at most if there is an end to it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Times {
    pub(super) min: u32,
    pub(super) max: Option<u32>,
    /// Whether it was written with numbers. Only those are bounded.
    pub(super) is_counted: bool,
}

impl Weight {
    /// A character, a class, an assertion.
    pub(super) const ATOM: Self = Self {
        height: 1,
        steps: 1,
        repeated: 1,
    };

    /// The same, captured.
    pub(super) fn captured(self) -> Self {
        Self {
            height: self.height + 1,
            steps: self.steps.saturating_add(2),
            ..self
        }
    }

    /// The same, repeated.
    pub(super) fn times(self, times: Times) -> Self {
        let Times {
            min,
            max,
            is_counted,
        } = times;
        let steps = match max {
            None if min == 0 => self.steps.saturating_add(2),
            None => self.steps.saturating_mul(u64::from(min)).saturating_add(1),
            Some(max) => self
                .steps
                .saturating_mul(u64::from(max))
                .saturating_add(u64::from(max.saturating_sub(min))),
        };
        let repeated = match max.unwrap_or(min) {
            _ if !is_counted => self.repeated,
            // What occurs no time at all is repeated by nothing.
            0 if max.is_some() => 0,
            0 => self.repeated,
            count => self.repeated.max(1).saturating_mul(count),
        };
        Self {
            height: self.height + 1,
            steps: steps.max(1),
            repeated,
        }
    }

    /// Itself, if Go would accept it.
    pub(super) fn checked(self, whole: &str) -> Result<Self, RegexError> {
        if STEPS_MAX < self.steps {
            return Err(RegexError::new(TOO_LARGE, whole));
        }
        if HEIGHT_MAX < self.height {
            return Err(RegexError::new(TOO_DEEP, whole));
        }
        Ok(self)
    }
}

/// Several parts, one after the other or one instead of the other.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Sum {
    parts: u32,
    height: u32,
    steps: u64,
    repeated: u32,
}

impl Sum {
    pub(super) fn add(&mut self, part: Weight) {
        self.parts = self.parts.saturating_add(1);
        self.height = self.height.max(part.height);
        self.steps = self.steps.saturating_add(part.steps);
        self.repeated = self.repeated.max(part.repeated);
    }

    /// Takes the heavier form of a part that was added before.
    pub(super) fn exchange(&mut self, before: Weight, after: Weight) {
        self.parts = self.parts.saturating_sub(1);
        self.steps = self.steps.saturating_sub(before.steps);
        self.add(after);
    }

    /// All parts as one. `joint_steps` is what each joint costs.
    pub(super) fn total(self, joint_steps: u64) -> Weight {
        let joints = u64::from(self.parts.saturating_sub(1));
        // Characters in a row are one part to Go, and so are a single part and its group.
        let is_flat = self.parts <= 1 || (joint_steps == 0 && self.height == 1);
        Weight {
            height: self.height.max(1) + u32::from(!is_flat),
            steps: self
                .steps
                .saturating_add(joints.saturating_mul(joint_steps))
                .max(1),
            repeated: self.repeated,
        }
    }
}
