//! A receiver of the configuration → its integrations.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::http_client::{BuildError, World};
use super::webhook::{OwnHeaders, Webhook};
use super::{Integration, IntegrationId};
use crate::config::Receiver;
use crate::template::Templates;

/// An integration that was made.
#[derive(Debug, Clone)]
pub struct Built {
    /// Which of its receiver's.
    pub id: IntegrationId,
    /// The integration.
    pub integration: Arc<dyn Integration>,
    /// Whether it tells of resolved alerts.
    pub send_resolved: bool,
}

/// What integrations are made with.
#[derive(Debug, Clone)]
pub struct Kit {
    /// The templates of the configuration.
    pub templates: Arc<Templates>,
    /// What clients need.
    pub world: World,
    /// Whether requests tell repetitions from news.
    pub own_headers: OwnHeaders,
}

/// The integrations of a receiver in Alertmanager's order, numbered for each kind from 0.
///
/// # Errors
/// What of its configuration cannot be used: all of it, one a line. That this version does not have
/// an integration is such an error; none is ever left out in silence.
pub fn build(receiver: &Receiver, kit: &Kit) -> Result<Vec<Built>, BuildError> {
    let mut built = Vec::new();
    let mut problems = Vec::new();
    let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
    for webhook in receiver.webhook_configs.iter() {
        let made = Webhook::new(webhook, kit.templates.clone(), &kit.world, kit.own_headers);
        let index = counts.entry("webhook").or_default();
        match made {
            Ok(integration) => built.push(Built {
                id: IntegrationId {
                    kind: "webhook".to_owned(),
                    index: *index,
                },
                integration: Arc::new(integration),
                send_resolved: webhook.send_resolved,
            }),
            Err(error) => problems.push(error.to_string()),
        }
        *index += 1;
    }
    for (kind, count) in unsupported(receiver) {
        if count > 0 {
            let name = &receiver.name;
            problems.push(format!(
                "receiver {name:?}: {kind} is not supported by this version"
            ));
        }
    }
    match problems.is_empty() {
        true => Ok(built),
        false => Err(BuildError(problems.join("\n"))),
    }
}

/// The kinds that are still to come, and how many of each there are.
fn unsupported(receiver: &Receiver) -> [(&'static str, usize); 17] {
    [
        ("email_configs", receiver.email_configs.all().len()),
        ("pagerduty_configs", receiver.pagerduty_configs.all().len()),
        ("opsgenie_configs", receiver.opsgenie_configs.all().len()),
        ("wechat_configs", receiver.wechat_configs.all().len()),
        ("slack_configs", receiver.slack_configs.all().len()),
        ("victorops_configs", receiver.victorops_configs.all().len()),
        ("pushover_configs", receiver.pushover_configs.all().len()),
        ("sns_configs", receiver.sns_configs.all().len()),
        ("telegram_configs", receiver.telegram_configs.all().len()),
        ("discord_configs", receiver.discord_configs.all().len()),
        ("webex_configs", receiver.webex_configs.all().len()),
        ("msteams_configs", receiver.msteams_configs.all().len()),
        ("msteamsv2_configs", receiver.msteamsv2_configs.all().len()),
        ("jira_configs", receiver.jira_configs.all().len()),
        (
            "incidentio_configs",
            receiver.incidentio_configs.all().len(),
        ),
        (
            "rocketchat_configs",
            receiver.rocketchat_configs.all().len(),
        ),
        (
            "mattermost_configs",
            receiver.mattermost_configs.all().len(),
        ),
    ]
}
