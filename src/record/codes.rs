//! What explanations choose from, and the numbers that stand for it in records.
//!
//! **Rule:** a number keeps its meaning for ever; what is new gets a new one. A reader that does not know a
//! number says `unknown`.

use std::fmt;

use serde::{Deserialize, Serialize};

macro_rules! codes {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $variant:ident = $number:literal $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum $name {
            $($(#[$doc])* $variant,)*
            /// A later version wrote it.
            Unknown,
        }

        impl $name {
            /// All that this program knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

            /// As records have it.
            #[must_use]
            pub fn number(self) -> u32 {
                match self {
                    $(Self::$variant => $number,)*
                    Self::Unknown => u32::MAX,
                }
            }

            /// What a number in a record stands for.
            #[must_use]
            pub fn read(number: u32) -> Self {
                match number {
                    $($number => Self::$variant,)*
                    _ => Self::Unknown,
                }
            }

            /// As people and scripts see it.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $(Self::$variant => $text,)*
                    Self::Unknown => "unknown",
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
                out.write_str(self.as_str())
            }
        }
    };
}

codes! {
    /// Why a group was flushed, or that it was not yet.
    FlushOccasion {
        /// Its timer.
        Tick = 0 "tick",
        /// Its timer went off while the process was down.
        CatchUp = 1 "catch_up",
        /// A notification of it is in doubt; its timer stays.
        InDoubt = 2 "in_doubt",
        /// It was due, and the process was not ready: it catches up after a start, or waits for
        /// `--dispatch.start-delay`.
        NotReady = 3 "not_ready",
    }
}

codes! {
    /// What kept a whole group back.
    MutedBy {
        /// None of the route's active time intervals was on.
        OutsideActiveIntervals = 0 "outside_active_interval",
        /// Mute time intervals of the route were on.
        InMuteIntervals = 1 "mute_interval",
        /// The route names an interval that there is not.
        UnknownInterval = 2 "unknown_interval",
        /// The route names a receiver that there is not.
        ReceiverMissing = 3 "receiver_missing",
    }
}

codes! {
    /// What was decided for an integration.
    ToldVerdict {
        /// It knows all of it already.
        NothingChanged = 0 "nothing_changed",
        /// It is told.
        Notify = 1 "notify",
        /// It is not told of resolved alerts, and there are no others.
        NothingToSend = 2 "nothing_to_send",
        /// What is in doubt is not sent again: it would be another notification by now, or none.
        Superseded = 3 "superseded",
        /// What is in doubt is taken as sent, as the configuration says.
        AssumedDelivered = 4 "assumed_delivered",
        /// What did harm is not sent again while it is the same.
        Quarantined = 5 "quarantined",
    }
}

codes! {
    /// Why an integration is told.
    ToldReason {
        /// It is not.
        None = 0 "none",
        /// Nothing was told before.
        FirstNotification = 1 "first_notification",
        /// Alerts came to those told.
        NewAlerts = 2 "new_alerts",
        /// Alerts of those told ended.
        SomeResolved = 3 "new_resolved",
        /// All alerts told ended.
        AllResolved = 4 "all_resolved",
        /// It was told too long ago.
        RepeatInterval = 5 "repeat",
    }
}
