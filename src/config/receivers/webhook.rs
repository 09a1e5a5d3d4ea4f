//! `webhook_configs`: the alerts as JSON, to anybody.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::Inherit;
use crate::config::values::{GoDuration, SecretTemplateUrl};
use crate::config::yaml::{Any, Decoder};

block! {
    /// A URL that is posted to.
    Webhook "webhook.plain" of "webhook.WebhookConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        url: SecretTemplateUrl = SecretTemplateUrl::default(), always;
        url_file: String = String::new(), always;
        /// More alerts than this are left out; 0 for no limit.
        max_alerts: u64 = 0_u64, always;
        timeout: GoDuration = GoDuration::default(), always;
        /// What is sent instead of the alerts. Texts in it are templates.
        payload: Any;
    }
}

impl Checked for Webhook {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let has_url = !self.url.0.is_empty();
        if !has_url && self.url_file.is_empty() {
            return Err("one of url or url_file must be configured".into());
        }
        at_most_one(
            &[("url", has_url), ("url_file", !self.url_file.is_empty())],
            "url & url_file",
        )
    }
}

impl Inherit for Webhook {
    const NAME: &'static str = "webhook";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        Ok(())
    }
}
