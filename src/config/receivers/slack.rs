//! `slack_configs`: messages in a channel of Slack.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::{Authorization, HttpConfig};
use crate::config::inherit::{Inherit, or};
use crate::config::values::{GoDuration, HttpUrl, Secret, SecretUrl};
use crate::config::yaml::Decoder;

/// Where a message that was sent can be changed.
const POST_MESSAGE: &str = "https://slack.com/api/chat.postMessage";

block! {
    /// A channel.
    Slack "config.plain" of "config.SlackConfig" {
        send_resolved: bool = false, always;
        http_config: Option<HttpConfig>;
        api_url: Option<SecretUrl>;
        api_url_file: String;
        app_token: Secret;
        app_token_file: String;
        app_url: Option<HttpUrl>;
        channel: String;
        username: String = "{{ template \"slack.default.username\" . }}";
        color: String = "{{ template \"slack.default.color\" . }}";
        title: String = "{{ template \"slack.default.title\" . }}";
        title_link: String = "{{ template \"slack.default.titlelink\" . }}";
        pretext: String = "{{ template \"slack.default.pretext\" . }}";
        text: String = "{{ template \"slack.default.text\" . }}";
        message_text: String;
        fields: Vec<Option<SlackField>>;
        short_fields: bool = false, always;
        footer: String = "{{ template \"slack.default.footer\" . }}";
        fallback: String = "{{ template \"slack.default.fallback\" . }}";
        callback_id: String = "{{ template \"slack.default.callbackid\" . }}";
        icon_emoji: String = "{{ template \"slack.default.iconemoji\" . }}";
        icon_url: String = "{{ template \"slack.default.iconurl\" . }}";
        image_url: String;
        thumb_url: String;
        link_names: bool = false, always;
        mrkdwn_in: Vec<String>;
        actions: Vec<Option<SlackAction>>;
        update_message: bool = false, always;
        timeout: GoDuration = GoDuration::default(), always;
    }
}

block! {
    /// A field of a message.
    SlackField "config.plain" of "config.SlackField" {
        title: String;
        value: String;
        short: Option<bool>;
    }
}

block! {
    /// A button.
    SlackAction "config.plain" of "config.SlackAction" {
        kind as "type": String;
        text: String;
        url: String;
        style: String;
        name: String;
        value: String;
        confirm: Option<SlackConfirmation>;
    }
}

block! {
    /// What is asked before a button does anything.
    SlackConfirmation "config.plain" of "config.SlackConfirmationField" {
        text: String;
        title: String;
        ok_text: String;
        dismiss_text: String;
    }
}

impl Checked for SlackField {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.title.is_empty() {
            return Err("missing title in Slack field configuration".into());
        }
        if self.value.is_empty() {
            return Err("missing value in Slack field configuration".into());
        }
        Ok(())
    }
}

impl Checked for SlackAction {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.kind.is_empty() {
            return Err("missing type in Slack action configuration".into());
        }
        if self.text.is_empty() {
            return Err("missing text in Slack action configuration".into());
        }
        if !self.url.is_empty() {
            // A link does nothing else.
            self.name.clear();
            self.value.clear();
            self.confirm = None;
        } else if self.name.is_empty() {
            return Err("missing name or url in Slack action configuration".into());
        }
        Ok(())
    }
}

impl Checked for SlackConfirmation {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        match self.text.is_empty() {
            true => Err("missing text in Slack confirmation configuration".into()),
            false => Ok(()),
        }
    }
}

impl Checked for Slack {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let (has_url, has_url_file) = (self.api_url.is_some(), !self.api_url_file.is_empty());
        let (has_token, has_token_file) =
            (!self.app_token.is_empty(), !self.app_token_file.is_empty());
        at_most_one(
            &[("api_url", has_url), ("api_url_file", has_url_file)],
            "api_url & api_url_file",
        )?;
        at_most_one(
            &[("app_token", has_token), ("app_token_file", has_token_file)],
            "app_token & app_token_file",
        )?;
        at_most_one(
            &[
                ("api_url", has_url || has_url_file),
                ("app_token", has_token || has_token_file),
            ],
            "api_url/api_url_file & app_token/app_token_file",
        )?;
        let is_post_message = |url: &SecretUrl| url.expose().exposed() == POST_MESSAGE;
        // Alertmanager 0.34 crashes without a URL of its own here.
        if self.update_message && !self.api_url.as_ref().is_some_and(is_post_message) {
            return Err(Refusal::at(
                "update_message",
                format!(
                    "update_message can only be used with bot tokens. api_url must be set to {POST_MESSAGE}"
                ),
            ));
        }
        Ok(())
    }
}

impl Slack {
    fn has_app_token(&self) -> bool {
        !self.app_token.is_empty() || !self.app_token_file.is_empty()
    }

    fn has_api_url(&self) -> bool {
        self.api_url.is_some() || !self.api_url_file.is_empty()
    }
}

impl Inherit for Slack {
    const NAME: &'static str = "slack";
    const MAY_BE_NULL: bool = true;

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        or(&mut self.app_url, &global.slack_app_url);
        let Some(app_url) = self.app_url.clone() else {
            return Err("no global Slack App URL set".into());
        };
        let is_authorized = |http: &HttpConfig| http.authorization.is_some();
        let has_own_way =
            self.http_config.as_ref().is_some_and(is_authorized) || self.api_url.is_some();
        if !self.has_app_token() && !has_own_way {
            self.app_token = global.slack_app_token.clone();
            self.app_token_file = global.slack_app_token_file.clone();
        }
        if !self.has_api_url() {
            self.api_url = global.slack_api_url.clone();
            self.api_url_file = global.slack_api_url_file.clone();
        }
        if !self.has_api_url() && !self.has_app_token() {
            return Err("no Slack API URL nor App token set either inline or in a file".into());
        }
        global.lend_http_config(&mut self.http_config);
        let Some(http) = &mut self.http_config else {
            return Err(global.no_http_config());
        };
        if self.app_token.is_empty() && self.app_token_file.is_empty() {
            return Ok(());
        }
        if http.authorization.is_some() {
            return Err(Refusal::at(
                "http_config",
                "http authorization can't be set when using Slack App tokens",
            ));
        }
        http.authorization = Some(Authorization {
            kind: "Bearer".to_owned(),
            credentials: self.app_token.clone(),
            credentials_file: self.app_token_file.clone(),
            credentials_ref: String::new(),
        });
        self.api_url = Some(SecretUrl::new(app_url.0));
        Ok(())
    }
}
