//! How much a tenant may have.

/// Bounds; what is absent is not bounded. Each refusal is an event or an answer, never silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Limits {
    /// Firing alerts with the same `alertname`. Checked when alerts are admitted, so that a refused one
    /// never gets into the log. Alertmanager 0.34: `--alerts.per-alertname-limit`.
    pub alerts_per_name: Option<u32>,
    /// Aggregation groups. Mimir: `alertmanager_max_dispatcher_aggregation_groups`.
    pub groups: Option<u32>,
    /// Silences, expired ones included. Alertmanager 0.34: `--silences.max-silences`.
    pub silences: Option<u32>,
    /// Bytes of one silence as a protobuf message. Alertmanager 0.34: `--silences.max-silence-size-bytes`.
    pub silence_bytes: Option<u32>,
}
