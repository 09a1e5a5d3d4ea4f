//! `mattermost_configs`: messages in a channel of Mattermost.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::Inherit;
use crate::config::values::SecretUrl;
use crate::config::yaml::Decoder;

block! {
    /// A channel.
    Mattermost "mattermost.plain" of "mattermost.MattermostConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        webhook_url: Option<SecretUrl>;
        webhook_url_file: String;
        channel: String;
        username: String = "{{ template \"mattermost.default.username\" . }}";
        text: String = "{{ template \"mattermost.default.text\" . }}";
        fallback: String = "{{ template \"mattermost.default.fallback\" . }}";
        color: String = "{{ template \"mattermost.default.color\" . }}";
        pretext: String;
        author_name: String;
        author_link: String;
        author_icon: String;
        title: String = "{{ template \"mattermost.default.title\" . }}";
        title_link: String = "{{ template \"mattermost.default.titlelink\" . }}";
        fields: Vec<Option<MattermostField>>;
        thumb_url: String;
        footer: String;
        footer_icon: String;
        image_url: String;
        icon_url: String;
        icon_emoji: String;
        attachments: Vec<Option<MattermostAttachment>>;
        kind as "type": String;
        props: Option<MattermostProps>;
        priority: Option<MattermostPriority>;
    }
}

block! {
    /// A field of a message.
    MattermostField "mattermost.plain" of "mattermost.MattermostField" {
        title: String;
        value: String;
        short: Option<bool>;
    }
}

block! {
    /// A part of a message.
    MattermostAttachment "mattermost.MattermostAttachment" {
        fallback: String;
        color: String;
        pretext: String;
        text: String;
        author_name: String;
        author_link: String;
        author_icon: String;
        title: String;
        title_link: String;
        fields: Vec<Option<MattermostField>>;
        thumb_url: String;
        footer: String;
        footer_icon: String;
        image_url: String;
    }
}

block! {
    /// What hangs on a message.
    MattermostProps "mattermost.MattermostProps" {
        card: String;
    }
}

block! {
    /// How urgent a message is.
    MattermostPriority "mattermost.MattermostPriority" {
        priority: String;
        requested_ack: bool;
        persistent_notifications: bool;
    }
}

impl Checked for MattermostAttachment {
    const IS_CUSTOM: bool = false;
}

impl Checked for MattermostProps {
    const IS_CUSTOM: bool = false;
}

impl Checked for MattermostPriority {
    const IS_CUSTOM: bool = false;
}

impl Checked for MattermostField {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.title.is_empty() {
            return Err("missing title in Mattermost field configuration".into());
        }
        if self.value.is_empty() {
            return Err("missing value in Mattermost field configuration".into());
        }
        Ok(())
    }
}

impl Checked for Mattermost {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        at_most_one(
            &[
                ("webhook_url", self.webhook_url.is_some()),
                ("webhook_url_file", !self.webhook_url_file.is_empty()),
            ],
            "webhook_url & webhook_url_file",
        )
    }
}

impl Inherit for Mattermost {
    const NAME: &'static str = "mattermost";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        if self.webhook_url.is_some() || !self.webhook_url_file.is_empty() {
            return Ok(());
        }
        let file = &global.mattermost_webhook_url_file;
        if global.mattermost_webhook_url.is_none() && file.is_empty() {
            return Err("missing webhook_url or webhook_url_file on mattermost_config".into());
        }
        self.webhook_url = global.mattermost_webhook_url.clone();
        self.webhook_url_file.clone_from(file);
        Ok(())
    }
}
