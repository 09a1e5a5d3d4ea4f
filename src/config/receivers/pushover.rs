//! `pushover_configs`: messages on telephones.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::Inherit;
use crate::config::values::{GoDurationText, Secret};
use crate::config::yaml::Decoder;
use crate::model::Duration;

const RETRY: GoDurationText = GoDurationText(Duration::from_secs(60));
const EXPIRE: GoDurationText = GoDurationText(Duration::from_secs(3600));

block! {
    /// A user.
    Pushover "pushover.plain" of "pushover.PushoverConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        user_key: Secret;
        user_key_file: String;
        token: Secret;
        token_file: String;
        title: String = "{{ template \"pushover.default.title\" . }}";
        message: String = "{{ template \"pushover.default.message\" . }}";
        url: String = "{{ template \"pushover.default.url\" . }}";
        url_title: String;
        device: String;
        sound: String;
        priority: String = "{{ if eq .Status \"firing\" }}2{{ else }}0{{ end }}";
        retry: GoDurationText = RETRY;
        expire: GoDurationText = EXPIRE;
        ttl: GoDurationText;
        html: bool;
        monospace: bool;
    }
}

impl Checked for Pushover {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let (user, user_file) = (!self.user_key.is_empty(), !self.user_key_file.is_empty());
        let (token, token_file) = (!self.token.is_empty(), !self.token_file.is_empty());
        if !user && !user_file {
            return Err("one of user_key or user_key_file must be configured".into());
        }
        at_most_one(
            &[("user_key", user), ("user_key_file", user_file)],
            "user_key & user_key_file",
        )?;
        if !token && !token_file {
            return Err("one of token or token_file must be configured".into());
        }
        at_most_one(
            &[("token", token), ("token_file", token_file)],
            "token & token_file",
        )?;
        at_most_one(
            &[("html", self.html), ("monospace", self.monospace)],
            "monospace & html",
        )
    }
}

impl Inherit for Pushover {
    const NAME: &'static str = "pushover";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        Ok(())
    }
}
