//! Flags of what is not part of this version: the cluster, and sockets of systemd.
//!
//! Alertmanager listens for its cluster unless `--cluster.listen-address=` says no; then it takes all
//! other flags of the cluster and does nothing with them, and so does tocsin. Where the cluster would
//! be on, a flag that says something else than its default is refused.

use clap::Args;

use super::values;
use crate::model::Duration;

/// The flags of the cluster, all but the first two for the case that it is off.
#[derive(Debug, Clone, Args)]
pub(super) struct ClusterArgs {
    /// Address to listen on for the cluster, which is not part of this version: empty for none
    #[arg(long = "cluster.listen-address", value_name = "ADDRESS", default_value = LISTEN_ADDRESS)]
    pub(super) listen_address: String,
    /// Members of the cluster. This and all other flags of the cluster are refused unless it is off
    #[arg(long = "cluster.peer", value_name = "ADDRESS")]
    peers: Vec<String>,
    #[arg(
        long = "cluster.advertise-address",
        value_name = "ADDRESS",
        default_value = "",
        hide = true
    )]
    advertise_address: String,
    #[arg(
        long = "cluster.peer-name",
        value_name = "NAME",
        default_value = "",
        hide = true
    )]
    peer_name: String,
    #[arg(long = "cluster.peer-timeout", default_value = "15s", value_parser = values::duration, hide = true)]
    peer_timeout: Duration,
    #[arg(long = "cluster.peers-resolve-timeout", default_value = "15s", value_parser = values::duration, hide = true)]
    peers_resolve_timeout: Duration,
    #[arg(long = "cluster.gossip-interval", default_value = "200ms", value_parser = values::duration, hide = true)]
    gossip_interval: Duration,
    #[arg(long = "cluster.pushpull-interval", default_value = "1m", value_parser = values::duration, hide = true)]
    pushpull_interval: Duration,
    #[arg(long = "cluster.tcp-timeout", default_value = "10s", value_parser = values::duration, hide = true)]
    tcp_timeout: Duration,
    #[arg(long = "cluster.probe-timeout", default_value = "500ms", value_parser = values::duration, hide = true)]
    probe_timeout: Duration,
    #[arg(long = "cluster.probe-interval", default_value = "1s", value_parser = values::duration, hide = true)]
    probe_interval: Duration,
    #[arg(long = "cluster.settle-timeout", default_value = "1m", value_parser = values::duration, hide = true)]
    settle_timeout: Duration,
    #[arg(long = "cluster.reconnect-interval", default_value = "10s", value_parser = values::duration, hide = true)]
    reconnect_interval: Duration,
    #[arg(long = "cluster.reconnect-timeout", default_value = "6h", value_parser = values::duration, hide = true)]
    reconnect_timeout: Duration,
    #[arg(
        long = "cluster.tls-config",
        value_name = "FILE",
        default_value = "",
        hide = true
    )]
    tls_config: String,
    #[arg(
        long = "cluster.allow-insecure-public-advertise-address-discovery",
        hide = true
    )]
    allow_insecure_public: bool,
    #[arg(
        long = "cluster.label",
        value_name = "LABEL",
        default_value = "",
        hide = true
    )]
    label: String,
}

const LISTEN_ADDRESS: &str = "0.0.0.0:9094";

impl ClusterArgs {
    /// Whether Alertmanager would listen for its cluster.
    pub(super) fn is_on(&self) -> bool {
        !self.listen_address.is_empty()
    }

    /// The first flag that asks for a cluster.
    pub(super) fn asked_for(&self) -> Option<&'static str> {
        if !self.is_on() {
            return None;
        }
        let seconds = Duration::from_secs;
        let is_set = [
            (
                "cluster.listen-address",
                self.listen_address != LISTEN_ADDRESS,
            ),
            ("cluster.peer", !self.peers.is_empty()),
            (
                "cluster.advertise-address",
                !self.advertise_address.is_empty(),
            ),
            ("cluster.peer-name", !self.peer_name.is_empty()),
            ("cluster.peer-timeout", self.peer_timeout != seconds(15)),
            (
                "cluster.peers-resolve-timeout",
                self.peers_resolve_timeout != seconds(15),
            ),
            (
                "cluster.gossip-interval",
                self.gossip_interval != Duration::from_nanos(200_000_000),
            ),
            (
                "cluster.pushpull-interval",
                self.pushpull_interval != seconds(60),
            ),
            ("cluster.tcp-timeout", self.tcp_timeout != seconds(10)),
            (
                "cluster.probe-timeout",
                self.probe_timeout != Duration::from_nanos(500_000_000),
            ),
            ("cluster.probe-interval", self.probe_interval != seconds(1)),
            ("cluster.settle-timeout", self.settle_timeout != seconds(60)),
            (
                "cluster.reconnect-interval",
                self.reconnect_interval != seconds(10),
            ),
            (
                "cluster.reconnect-timeout",
                self.reconnect_timeout != seconds(6 * 60 * 60),
            ),
            ("cluster.tls-config", !self.tls_config.is_empty()),
            (
                "cluster.allow-insecure-public-advertise-address-discovery",
                self.allow_insecure_public,
            ),
            ("cluster.label", !self.label.is_empty()),
        ];
        is_set
            .into_iter()
            .find(|(_, is_set)| *is_set)
            .map(|(name, _)| name)
    }
}
