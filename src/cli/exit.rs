//! Exit codes: a promise to scripts, and therefore in one place.

use crate::wal::Class;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Exit(u8);

/// All is well (classes E and S).
pub const SOUND: Exit = Exit(0);
/// All is well after what the next start does by itself (classes T and C).
pub const MENDS_ITSELF: Exit = Exit(1);
/// What `amtool` ends with when anything went wrong: Alertmanager's tool knows no other code.
pub const AMTOOL_FAILED: Exit = Exit(1);
/// What was looked at has faults.
pub const FAULTY: Exit = Exit(1);
/// The command line is not understood.
pub const USAGE: Exit = Exit(2);
/// Acknowledged records cannot be read (class M), or the store's identity is damaged.
pub const DAMAGED: Exit = Exit(3);
/// Another process has the store open.
pub const IN_USE: Exit = Exit(4);
/// Input or output failed.
pub const INPUT_OUTPUT: Exit = Exit(74);

/// For the help texts.
pub const TABLE: &str = "Exit codes:
  0   sound (class E or S), or the command did what it was asked to do
  1   sound after what the next start does by itself (class T or C)
  2   the command line is not understood, or asks for what there is not
  3   damaged: acknowledged records cannot be read (class M), or the store's identity is damaged
  4   another process has the store open
  5   a file of another store, or of a later version of tocsin
  6   no such directory, or not a data directory
  13  no permission
  74  input/output error";

impl Exit {
    /// The number.
    #[must_use]
    pub fn code(self) -> u8 {
        self.0
    }

    /// The exit of that number: where another part has the table.
    #[must_use]
    pub fn of_code(code: u8) -> Self {
        Self(code)
    }

    /// The exit for that error.
    #[must_use]
    pub fn of_error(error: &crate::wal::OpenError) -> Self {
        Self(error.exit_code())
    }

    /// The exit for a store in that state.
    #[must_use]
    pub fn of_class(class: Class) -> Self {
        match class {
            Class::CleanEnd | Class::Sealed => SOUND,
            Class::TornTail | Class::Covered => MENDS_ITSELF,
            Class::Damaged => DAMAGED,
        }
    }

    /// The exit for a command that shows records of a store in that state: a torn tail held nothing
    /// that could be missing in what was shown.
    #[must_use]
    pub fn of_shown(class: Class) -> Self {
        match class {
            Class::CleanEnd | Class::Sealed | Class::TornTail => SOUND,
            Class::Covered => MENDS_ITSELF,
            Class::Damaged => DAMAGED,
        }
    }
}
