//! `wechat_configs`: messages in WeCom.

use gotemplate::strconv::quote;

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, api_url, or};
use crate::config::values::{HttpUrl, Secret};
use crate::config::yaml::Decoder;

block! {
    /// Some members.
    Wechat "config.plain" of "config.WechatConfig" {
        send_resolved: bool = false, always;
        http_config: Option<HttpConfig>;
        api_secret: Secret;
        api_secret_file: String;
        corp_id: String;
        message: String = "{{ template \"wechat.default.message\" . }}";
        api_url: Option<HttpUrl>;
        to_user: String = "{{ template \"wechat.default.to_user\" . }}";
        to_party: String = "{{ template \"wechat.default.to_party\" . }}";
        to_tag: String = "{{ template \"wechat.default.to_tag\" . }}";
        agent_id: String = "{{ template \"wechat.default.agent_id\" . }}";
        message_type: String;
    }
}

impl Checked for Wechat {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        or(&mut self.message_type, &"text".to_owned());
        if !["text", "markdown"].contains(&self.message_type.as_str()) {
            let kind = quote(self.message_type.as_bytes());
            return Err(Refusal::at(
                "message_type",
                format!(
                    "weChat message type {kind} does not match valid options ^(text|markdown)$"
                ),
            ));
        }
        at_most_one(
            &[
                ("api_secret", !self.api_secret.is_empty()),
                ("api_secret_file", !self.api_secret_file.is_empty()),
            ],
            "api_secret & api_secret_file",
        )
    }
}

impl Inherit for Wechat {
    const NAME: &'static str = "wechat";
    const MAY_BE_NULL: bool = true;

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        if self.api_url.is_none() && global.wechat_api_url.is_none() {
            return Err("no global Wechat URL set".into());
        }
        if self.api_secret.is_empty() && self.api_secret_file.is_empty() {
            if global.wechat_api_secret.is_empty() && global.wechat_api_secret_file.is_empty() {
                return Err("no global Wechat Api Secret set either inline or in a file".into());
            }
            self.api_secret = global.wechat_api_secret.clone();
            self.api_secret_file = global.wechat_api_secret_file.clone();
        }
        or(&mut self.corp_id, &global.wechat_api_corp_id);
        if self.corp_id.is_empty() {
            return Err("no global Wechat CorpID set".into());
        }
        api_url(&mut self.api_url, &mut global.wechat_api_url);
        Ok(())
    }
}
