//! `discord_configs`, `msteams_configs`, `msteamsv2_configs`: messages through a secret URL.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::Inherit;
use crate::config::values::SecretUrl;
use crate::config::yaml::Decoder;

block! {
    /// A channel of Discord.
    Discord "discord.plain" of "discord.DiscordConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        webhook_url: Option<SecretUrl>;
        webhook_url_file: String;
        content: String;
        title: String = "{{ template \"discord.default.title\" . }}";
        message: String = "{{ template \"discord.default.message\" . }}";
        username: String;
        avatar_url: String;
    }
}

block! {
    /// A channel of Microsoft Teams, by the connector that Microsoft has given up.
    MsTeams "msteams.plain" of "msteams.MSTeamsConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        webhook_url: Option<SecretUrl>;
        webhook_url_file: String;
        title: String = "{{ template \"msteams.default.title\" . }}";
        summary: String = "{{ template \"msteams.default.summary\" . }}";
        text: String = "{{ template \"msteams.default.text\" . }}";
    }
}

block! {
    /// A channel of Microsoft Teams, by a workflow.
    MsTeamsV2 "msteamsv2.plain" of "msteamsv2.MSTeamsV2Config" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        webhook_url: Option<SecretUrl>;
        webhook_url_file: String;
        title: String = "{{ template \"msteamsv2.default.title\" . }}";
        text: String = "{{ template \"msteamsv2.default.text\" . }}";
    }
}

fn check_webhook(url: Option<&SecretUrl>, file: &str) -> Result<(), Refusal> {
    if url.is_none() && file.is_empty() {
        return Err("one of webhook_url or webhook_url_file must be configured".into());
    }
    at_most_one(
        &[
            ("webhook_url", url.is_some()),
            ("webhook_url_file", !file.is_empty()),
        ],
        "webhook_url & webhook_url_file",
    )
}

impl Checked for Discord {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        check_webhook(self.webhook_url.as_ref(), &self.webhook_url_file)
    }
}

impl Checked for MsTeams {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        check_webhook(self.webhook_url.as_ref(), &self.webhook_url_file)
    }
}

impl Checked for MsTeamsV2 {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        check_webhook(self.webhook_url.as_ref(), &self.webhook_url_file)
    }
}

impl Inherit for Discord {
    const NAME: &'static str = "discord";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        match self.webhook_url.is_none() && self.webhook_url_file.is_empty() {
            true => Err("no discord webhook URL or URLFile provided".into()),
            false => Ok(()),
        }
    }
}

impl Inherit for MsTeams {
    const NAME: &'static str = "msteams";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        match self.webhook_url.is_none() && self.webhook_url_file.is_empty() {
            true => Err("no msteams webhook URL or URLFile provided".into()),
            false => Ok(()),
        }
    }
}

impl Inherit for MsTeamsV2 {
    const NAME: &'static str = "msteamsv2";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        // Of a global block only the proxy is taken over into one of its own.
        match (&mut self.http_config, &global.http_config) {
            (Some(http), _) if http.proxy_url.is_some() => {}
            (_, None) => return Err(global.no_http_config()),
            (Some(http), Some(inherited)) => http.proxy_url.clone_from(&inherited.proxy_url),
            (own @ None, inherited) => own.clone_from(inherited),
        }
        match self.webhook_url.is_none() && self.webhook_url_file.is_empty() {
            true => Err("no msteamsv2 webhook URL or URLFile provided".into()),
            false => Ok(()),
        }
    }
}
