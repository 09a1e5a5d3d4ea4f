//! `webex_configs`: messages in a room of Webex.

use crate::config::block::{Checked, Refusal, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, or};
use crate::config::values::HttpUrl;
use crate::config::yaml::Decoder;

block! {
    /// A room.
    Webex "config.plain" of "config.WebexConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        api_url: Option<HttpUrl>;
        message: String = "{{ template \"webex.default.message\" . }}";
        room_id: String = String::new(), always;
    }
}

impl Checked for Webex {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.room_id.is_empty() {
            return Err("missing room_id on webex_config".into());
        }
        let is_authorized = |http: &HttpConfig| http.authorization.is_some();
        match self.http_config.as_ref().is_some_and(is_authorized) {
            true => Ok(()),
            false => Err("missing webex_configs.http_config.authorization".into()),
        }
    }
}

impl Inherit for Webex {
    const NAME: &'static str = "webex";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        or(&mut self.api_url, &global.webex_api_url);
        match self.api_url {
            Some(_) => Ok(()),
            None => Err("no global Webex URL set".into()),
        }
    }
}
