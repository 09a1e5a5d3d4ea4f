//! Planted bugs: the test of the tests.
//!
//! Each variant of [`Bug`] is a mistake that a log of this kind has made somewhere, or nearly made
//! here. Behind a Cargo feature of its own it is compiled in, and some layer of the proof in `chaos/`
//! has to find it. With the feature `bug-zoo` all of them are compiled in and one is chosen at run
//! time by [`select`]; with a single `bug-…` feature that bug is always on.
//!
//! At the place of the mistake stands one of three forms, so that builds without bugs have no line that
//! never runs: `planted(…)` as a part of a condition, [`unless_planted`] around a step that a bug leaves
//! out, and `#[cfg(feature = "bug-hooks")]` before a statement that only a bug does.
//!
//! **Invariant:** without these features [`planted`] is the constant `false`, and a release build
//! with one of them does not compile.

use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(all(feature = "bug-hooks", not(debug_assertions)))]
compile_error!("planted bugs must never be in a release build");

macro_rules! bugs {
    ($($variant:ident = $feature:literal : $about:literal,)*) => {
        /// A planted bug.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Bug {
            $(#[doc = $about] $variant,)*
        }

        impl Bug {
            /// All of them.
            pub const ALL: &'static [Bug] = &[$(Bug::$variant,)*];

            /// Its Cargo feature.
            #[must_use]
            pub fn feature(self) -> &'static str {
                match self { $(Self::$variant => $feature,)* }
            }

            /// What it does wrong.
            #[must_use]
            pub fn about(self) -> &'static str {
                match self { $(Self::$variant => $about,)* }
            }

            #[cfg(feature = "bug-hooks")]
            const fn is_compiled_in(self) -> bool {
                match self { $(Self::$variant => cfg!(feature = $feature),)* }
            }
        }
    };
}

bugs! {
    AckBeforeFsync = "bug-ack-before-fsync": "waiters are answered before the batch is synced",
    AckAfterWriteOnly = "bug-ack-after-write-only": "the batch is written and never synced",
    NoDirSyncAfterCreate = "bug-no-dir-sync-after-create": "the directory is not synced after a segment got its name",
    NoDirSyncAfterRename = "bug-no-dir-sync-after-rename": "the directory is not synced after a checkpoint got its name",
    FsyncRetried = "bug-fsync-retried": "a failed sync is tried again and its success believed",
    SyncErrorSwallowed = "bug-sync-error-swallowed": "a failed sync is ignored",
    WriteErrorSwallowed = "bug-write-error-swallowed": "a failed write is ignored",
    LengthNotInCrc = "bug-length-not-in-crc": "the header checksum leaves the length out",
    NoSalt = "bug-no-salt": "frames are not bound to their file",
    NoChain = "bug-no-chain": "frames are not bound to their predecessor",
    ZeroIsEnd = "bug-zero-is-end": "a length of zero is taken as the end of the log",
    TruncateInPlace = "bug-truncate-in-place": "the torn tail is overwritten where it stands and the segment reused",
    CutWithoutSeal = "bug-cut-without-seal": "the new segment does not seal the old one at the cut",
    CheckpointRenamedBeforeSync = "bug-checkpoint-renamed-before-sync": "a checkpoint gets its name before its bytes are synced",
    DeleteBeforeCheckpoint = "bug-delete-before-checkpoint": "segments are deleted before the checkpoint that covers them is durable",
    OneCheckpointKept = "bug-one-checkpoint-kept": "only the newest checkpoint is kept",
    DeleteUpToNewer = "bug-delete-up-to-newer": "segments are deleted up to the newer checkpoint",
    TailNotRewritten = "bug-tail-not-rewritten": "the suspect tail is believed and left where it is",
    TmpNotCleaned = "bug-tmp-not-cleaned": "unfinished files are left behind at start",
    CheckpointByWallClock = "bug-checkpoint-by-wall-clock": "the newest checkpoint is picked by its time of writing",
    TmpTakenAsCheckpoint = "bug-tmp-taken-as-checkpoint": "an unfinished checkpoint file is taken for the newest",
    PoisonIgnored = "bug-poison-ignored": "the log goes on after a failed sync",
    QueueUnbounded = "bug-queue-unbounded": "the queue accepts everything",
    PriorityIgnored = "bug-priority-ignored": "notification results wait behind everything else",
    BootsAccumulate = "bug-boots-accumulate": "each start leaves a segment behind",
    BatchPartlyAcked = "bug-batch-partly-acked": "the last request of a full batch is acknowledged unwritten",
    OneHeaderCopy = "bug-one-header-copy": "the second copy of a segment's header is not looked at",
    SegmentNotPreallocated = "bug-segment-not-preallocated": "segments are not filled with zeros before use",
    SealNotChecked = "bug-seal-not-checked": "a segment's word about its predecessor is not checked",
    StoreIdNotChecked = "bug-store-id-not-checked": "segments of another store are accepted",
    PartialBatchLeft = "bug-partial-batch-left": "what a full disk left of a batch is not removed",
    LsnHoleAfterFull = "bug-lsn-hole-after-full": "a batch refused by a full disk uses up its numbers",
    TailPublishedEarly = "bug-tail-published-early": "the re-written tail gets its name before its bytes are synced",
    OldSegmentDeletedEarly = "bug-old-segment-deleted-early": "the folded segment is deleted before its copy is durable",
    CheckpointNotVerified = "bug-checkpoint-not-verified": "a new checkpoint is not read back before older ones are deleted",
    CheckpointCrcIgnored = "bug-checkpoint-crc-ignored": "a checkpoint is believed without its checksums",
    ClaimsBeyondHoleIgnored = "bug-claims-beyond-hole-ignored": "proof of durability behind a damaged place is not looked for",
    LengthMismatchIgnored = "bug-short-file-ignored": "a segment shorter than it was made is taken for a short log",
    LockNotTaken = "bug-lock-not-taken": "two processes may open one store",
    ShortWriteIgnored = "bug-short-write-ignored": "a short write is taken for a whole one",
    GapIgnored = "bug-gap-ignored": "a missing segment is stepped over",
    FullPoisons = "bug-full-poisons": "a full disk ends acknowledgement for good",
    AheadNotChecked = "bug-ahead-not-checked": "a batch encoded ahead is written though its place did not come true",
    TimersReset = "bug-timers-reset": "a start gives every group its group_wait again",
    PhaseLost = "bug-phase-lost": "a start gives every group its interval again",
    OverdueNotFrozen = "bug-overdue-not-frozen": "what was owed at a start can be changed before it is told",
    EndsNotExtended = "bug-ends-not-extended": "downtime resolves alerts",
    EndsRenewed = "bug-ends-renewed": "every start renews what alerts have left",
    ForgottenUntold = "bug-forgotten-untold": "a resolved alert leaves its group though an integration was not told",
    DoubtIgnored = "bug-doubt-ignored": "a notification in doubt is taken for one that failed",
    EntryNotLogged = "bug-entry-not-logged": "what was told is not put into the notification log",
    IntentMissing = "bug-intent-missing": "a notification is sent without a record of the intent",
    KeyChanges = "bug-key-changes": "a notification that is sent again has another idempotency key",
    DoubtIsDelivery = "bug-doubt-is-delivery": "a notification in doubt is taken for delivered",
    SilencedEndForgotten = "bug-silenced-end-forgotten": "the end of an alert that is silenced is forgotten",
    FirstIntegrationOnly = "bug-first-integration-only": "only the first integration of a receiver is told",
    KeyWithoutContent = "bug-key-without-content": "the idempotency key covers only whom it is for",
    WaitIgnored = "bug-wait-ignored": "a new group is flushed at once",
    TouchLost = "bug-touch-lost": "an alert that is sent again unchanged still ends when it would have",
    ReloadLosesGroups = "bug-reload-loses-groups": "a reload makes every group anew",
    UnorderedState = "bug-unordered-state": "the state is written in the order of a hash table",
    AlertsAckedEarly = "bug-alerts-acked-early": "alerts are acknowledged before they are durable",
    SilenceAckedEarly = "bug-silence-acked-early": "a silence is acknowledged before it is durable",
    ExpiryAckedEarly = "bug-expiry-acked-early": "the end of a silence is acknowledged before it is durable",
    RefusedDropped = "bug-refused-dropped": "what a full disk refuses of the core's decisions is dropped",
    FailureIgnored = "bug-failure-ignored": "the server goes on when its log has failed",
    SentBeforeDurable = "bug-sent-before-durable": "a notification is sent before its intent is durable",
    RecordSkipped = "bug-record-skipped": "the last of several records is not applied while the server runs",
    ResultBeforeSend = "bug-result-before-send": "a notification is recorded as delivered before it is sent",
    FailureIsDelivery = "bug-failure-is-delivery": "a notification that failed is recorded as delivered",
    SentAgain = "bug-sent-again": "a notification that was taken is sent again",
    SendResolvedIgnored = "bug-send-resolved-ignored": "ends are told to who does not want to know of them",
    BootIsAlive = "bug-boot-is-alive": "a start that is killed at once counts as a sign of life",
    LatestIsAlive = "bug-latest-is-alive": "the latest time in the log is taken for the last sign of life",
}

/// Names the feature of the bug that is on, for test programs that do not call [`select`].
pub const VARIABLE: &str = "TOCSIN_PLANTED_BUG";

/// Which bug of the zoo is on: its place in [`Bug::ALL`] plus one; 0 for none; [`UNREAD`] until the
/// environment was asked.
static SELECTED: AtomicUsize = AtomicUsize::new(UNREAD);

const UNREAD: usize = usize::MAX;

/// Turns one bug of the zoo on, or all off. Does nothing unless built with `bug-zoo`.
pub fn select(bug: Option<Bug>) {
    let at = bug.map_or(0, |bug| bug as usize + 1);
    SELECTED.store(at, Ordering::SeqCst);
}

/// Whether the bug is on.
#[cfg(not(feature = "bug-hooks"))]
pub(crate) const fn planted(_bug: Bug) -> bool {
    false
}

/// Whether the bug is on.
#[cfg(feature = "bug-hooks")]
#[inline]
pub(crate) fn planted(bug: Bug) -> bool {
    if !bug.is_compiled_in() {
        return false;
    }
    !cfg!(feature = "bug-zoo") || selected() == bug as usize + 1
}

/// Takes the step, unless the bug that leaves it out is on.
#[inline]
pub(crate) fn unless_planted<E>(bug: Bug, step: impl FnOnce() -> Result<(), E>) -> Result<(), E> {
    if planted(bug) { Ok(()) } else { step() }
}

#[cfg(feature = "bug-hooks")]
fn selected() -> usize {
    let selected = SELECTED.load(Ordering::Relaxed);
    if selected != UNREAD {
        return selected;
    }
    let named = std::env::var(VARIABLE).ok();
    select(
        Bug::ALL
            .iter()
            .copied()
            .find(|bug| named.as_deref() == Some(bug.feature())),
    );
    SELECTED.load(Ordering::Relaxed)
}
