//! What stands for tenants and subjects in chunks and names.

use twox_hash::XxHash64;

use crate::history::Subject;
use crate::model::Fingerprint;

/// What stands for a tenant. Every entry is found under it too.
#[must_use]
pub fn of_tenant(tenant: &str) -> u64 {
    XxHash64::oneshot(0, tenant.as_bytes())
}

/// What stands for a subject of a tenant.
#[must_use]
pub fn of_subject(tenant: u64, subject: &Subject) -> u64 {
    match subject.short_key() {
        Some(key) => XxHash64::oneshot(tenant, &key),
        None => XxHash64::oneshot(tenant, &subject.key()),
    }
}

/// [`of_subject`] of an alert.
#[must_use]
pub fn of_alert(tenant: u64, alert: Fingerprint) -> u64 {
    of_subject(tenant, &Subject::Alert(alert))
}
