//! `rocketchat_configs`: messages in a channel of Rocket.Chat.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, or};
use crate::config::values::{HttpUrl, Secret};
use crate::config::yaml::Decoder;

block! {
    /// A channel.
    Rocketchat "rocketchat.plain" of "rocketchat.RocketchatConfig" {
        send_resolved: bool = false, always;
        http_config: Option<HttpConfig>;
        api_url: Option<HttpUrl>;
        token_id: Option<Secret>;
        token_id_file: String;
        token: Option<Secret>;
        token_file: String;
        channel: String;
        color: String = "{{ if eq .Status \"firing\" }}red{{ else }}green{{ end }}";
        title: String = "{{ template \"rocketchat.default.title\" . }}";
        title_link: String = "{{ template \"rocketchat.default.titlelink\" . }}";
        text: String = "{{ template \"rocketchat.default.text\" . }}";
        fields: Vec<Option<RocketchatField>>;
        short_fields: bool = false, always;
        emoji: String = "{{ template \"rocketchat.default.emoji\" . }}";
        icon_url: String = "{{ template \"rocketchat.default.iconurl\" . }}";
        image_url: String;
        thumb_url: String;
        link_names: bool = false, always;
        actions: Vec<Option<RocketchatAction>>;
    }
}

block! {
    /// A field of a message.
    RocketchatField "rocketchat.RocketchatAttachmentField" {
        short: Option<bool> = None, always;
        title: String = String::new(), always;
        value: String = String::new(), always;
    }
}

block! {
    /// A button. Its keys are written without underscores, whatever the manual says.
    RocketchatAction "rocketchat.RocketchatAttachmentAction" {
        kind as "type": String = String::new(), always;
        text: String = String::new(), always;
        url: String = String::new(), always;
        image_url as "imageurl": String = String::new(), always;
        is_webview as "iswebview": bool = false, always;
        webview_height_ratio as "webviewheightratio": String = String::new(), always;
        msg: String = String::new(), always;
        msg_in_chat_window as "msginchatwindow": bool = false, always;
        msg_processing_type as "msgprocessingtype": String = String::new(), always;
    }
}

impl Checked for RocketchatField {
    const IS_CUSTOM: bool = false;
}

impl Checked for RocketchatAction {
    const IS_CUSTOM: bool = false;
}

impl Checked for Rocketchat {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        at_most_one(
            &[
                ("token", self.token.is_some()),
                ("token_file", !self.token_file.is_empty()),
            ],
            "token & token_file",
        )?;
        at_most_one(
            &[
                ("token_id", self.token_id.is_some()),
                ("token_id_file", !self.token_id_file.is_empty()),
            ],
            "token_id & token_id_file",
        )
    }
}

impl Inherit for Rocketchat {
    const NAME: &'static str = "rocketchat";
    const MAY_BE_NULL: bool = true;

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        or(&mut self.api_url, &global.rocketchat_api_url);
        or(&mut self.token_id, &global.rocketchat_token_id);
        or(&mut self.token_id_file, &global.rocketchat_token_id_file);
        if self.token_id.is_none() && self.token_id_file.is_empty() {
            return Err("no global Rocketchat TokenID set either inline or in a file".into());
        }
        or(&mut self.token, &global.rocketchat_token);
        or(&mut self.token_file, &global.rocketchat_token_file);
        if self.token.is_none() && self.token_file.is_empty() {
            return Err("no global Rocketchat Token set either inline or in a file".into());
        }
        Ok(())
    }
}
