//! Where recorder and sink write down what they see.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::ledger::{Answer, Ledger, Statement, Telling};
use super::nemesis::Outage;

/// The notes of a run.
#[derive(Debug, Default)]
pub(super) struct Book {
    ledger: Mutex<Ledger>,
}

impl Book {
    fn notes(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn note_telling(&self, telling: Telling) {
        self.notes().tellings.push(telling);
    }

    /// Notes a request that has ended. Whether it changes something that was acknowledged is told.
    pub(super) fn note_statement(&self, statement: Statement) -> bool {
        let mut notes = self.notes();
        let before = notes.changes();
        notes.statements.push(statement);
        notes.changes() > before
    }

    pub(super) fn changes_acknowledged(&self) -> usize {
        self.notes().changes()
    }

    pub(super) fn tellings(&self) -> usize {
        self.notes().tellings.len()
    }

    /// Requests that have ended.
    pub(super) fn requests_in_all(&self) -> usize {
        self.notes().statements.len()
    }

    pub(super) fn requests_not_acknowledged(&self) -> usize {
        let notes = self.notes();
        let lost = notes
            .statements
            .iter()
            .filter(|it| it.answer != Answer::Acknowledged);
        lost.count()
    }

    pub(super) fn alerts_not_acknowledged(&self) -> u64 {
        let notes = self.notes();
        let lost = notes
            .statements
            .iter()
            .filter(|it| it.answer != Answer::Acknowledged);
        lost.map(|it| it.alerts.len() as u64).sum()
    }

    /// Whether each alert was acknowledged by requests behind the first so many.
    pub(super) fn everything_acknowledged_since(&self, requests: usize) -> bool {
        let notes = self.notes();
        let since: BTreeSet<_> = notes.statements[requests..]
            .iter()
            .filter(|it| it.answer == Answer::Acknowledged)
            .flat_map(|it| &it.alerts)
            .map(|(name, _)| name)
            .collect();
        since == notes.names()
    }

    /// The notes so far, with the times without a server.
    pub(super) fn ledger(&self, outages: &[Outage]) -> Ledger {
        Ledger {
            outages: outages.to_vec(),
            ..self.notes().clone()
        }
    }
}
