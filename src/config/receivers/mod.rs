//! `receivers`: who is told, and how. One file for each kind of integration.

mod chat;
mod email;
mod incidentio;
mod jira;
mod mattermost;
mod opsgenie;
mod pagerduty;
mod pushover;
mod rocketchat;
mod slack;
mod sns;
mod telegram;
mod victorops;
mod webex;
mod webhook;
mod wechat;

pub use chat::{Discord, MsTeams, MsTeamsV2};
pub use email::{Email, Threading};
pub use incidentio::Incidentio;
pub use jira::{Jira, JiraText, JiraTextFields};
pub use mattermost::{
    Mattermost, MattermostAttachment, MattermostField, MattermostPriority, MattermostProps,
};
pub use opsgenie::{Opsgenie, OpsgenieResponder};
pub use pagerduty::{Pagerduty, PagerdutyImage, PagerdutyLink};
pub use pushover::Pushover;
pub use rocketchat::{Rocketchat, RocketchatAction, RocketchatField};
pub use slack::{Slack, SlackAction, SlackConfirmation, SlackField};
pub use sns::{SigV4, Sns};
pub use telegram::Telegram;
pub use victorops::Victorops;
pub use webex::Webex;
pub use webhook::Webhook;
pub use wechat::Wechat;

use std::collections::BTreeMap;

use gotemplate::strconv::quote;

use super::block::{Blocks, Checked, Refusal, block};
use super::global::Global;
use super::http::HttpConfig;
use super::inherit::inherit_all;
use super::paths::Directory;
use super::yaml::{Decoder, Step};

block! {
    /// Somebody who is told, by any number of integrations.
    Receiver "config.plain" of "config.Receiver" {
        name: String = String::new(), always;
        /// Always has a `name`, which is the receiver's.
        labels: BTreeMap<String, String>;
        discord_configs: Blocks<Discord>;
        email_configs: Blocks<Email>;
        incidentio_configs: Blocks<Incidentio>;
        pagerduty_configs: Blocks<Pagerduty>;
        slack_configs: Blocks<Slack>;
        webhook_configs: Blocks<Webhook>;
        opsgenie_configs: Blocks<Opsgenie>;
        wechat_configs: Blocks<Wechat>;
        pushover_configs: Blocks<Pushover>;
        victorops_configs: Blocks<Victorops>;
        sns_configs: Blocks<Sns>;
        telegram_configs: Blocks<Telegram>;
        webex_configs: Blocks<Webex>;
        msteams_configs: Blocks<MsTeams>;
        msteamsv2_configs: Blocks<MsTeamsV2>;
        jira_configs: Blocks<Jira>;
        rocketchat_configs: Blocks<Rocketchat>;
        mattermost_configs: Blocks<Mattermost>;
    }
}

impl Checked for Receiver {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.name.is_empty() {
            return Err("missing name in receiver".into());
        }
        let label = self
            .labels
            .entry("name".to_owned())
            .or_insert_with(|| self.name.clone());
        if *label != self.name {
            let (name, label) = (quote(self.name.as_bytes()), quote(label.as_bytes()));
            return Err(Refusal::at(
                "labels",
                format!("receiver label \"name\" must match receiver name {name}, got {label}"),
            ));
        }
        Ok(())
    }
}

/// Does something with the integrations of each type, in Alertmanager's order of filling them in.
macro_rules! each_type {
    ($do:ident) => {
        $do! {
            webhook_configs email_configs slack_configs pushover_configs pagerduty_configs
            incidentio_configs opsgenie_configs wechat_configs victorops_configs sns_configs
            telegram_configs discord_configs webex_configs msteams_configs msteamsv2_configs
            jira_configs rocketchat_configs mattermost_configs
        }
    };
}

impl Receiver {
    /// Takes over what the integrations lack.
    pub(super) fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        macro_rules! inherit {
            ($($field:ident)*) => {$(
                inherit_all(&mut self.$field, global).map_err(|(index, refusal)| {
                    refusal
                        .below(Step::Index(index))
                        .below(Step::Key(stringify!($field)))
                })?;
            )*};
        }
        each_type!(inherit);
        Ok(())
    }

    /// How many integrations there are.
    #[must_use]
    pub fn integration_count(&self) -> usize {
        let mut count = 0;
        macro_rules! count {
            ($($field:ident)*) => {$(
                count += self.$field.iter().count();
            )*};
        }
        each_type!(count);
        count
    }

    /// Alertmanager 0.34 leaves the paths of incident.io to the working directory.
    pub(super) fn resolve(&mut self, directory: &Directory) {
        let resolve = |http: &mut Option<HttpConfig>| {
            if let Some(http) = http {
                http.resolve(directory);
            }
        };
        macro_rules! resolve {
            ($($field:ident)*) => {$(
                for block in self.$field.all_mut().iter_mut().flatten() {
                    resolve(&mut block.http_config);
                }
            )*};
        }
        resolve! {
            opsgenie_configs pagerduty_configs pushover_configs slack_configs victorops_configs
            webhook_configs wechat_configs sns_configs telegram_configs discord_configs
            webex_configs msteams_configs msteamsv2_configs jira_configs rocketchat_configs
            mattermost_configs
        }
    }
}
