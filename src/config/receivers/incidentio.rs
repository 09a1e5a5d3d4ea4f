//! `incidentio_configs`: alerts in incident.io.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::Inherit;
use crate::config::values::{GoDuration, HttpUrl, Secret};
use crate::config::yaml::Decoder;

block! {
    /// A source of alerts.
    Incidentio "incidentio.plain" of "incidentio.IncidentioConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        url: Option<HttpUrl> = None, always;
        url_file: String = String::new(), always;
        alert_source_token: Secret;
        alert_source_token_file: String;
        /// More alerts than this are left out; 0 for no limit.
        max_alerts: u64 = 0_u64, always;
        timeout: GoDuration = GoDuration::default(), always;
    }
}

impl Checked for Incidentio {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.url.is_none() && self.url_file.is_empty() {
            return Err("one of url or url_file must be configured".into());
        }
        at_most_one(
            &[
                ("url", self.url.is_some()),
                ("url_file", !self.url_file.is_empty()),
            ],
            "url & url_file",
        )?;
        let token = !self.alert_source_token.is_empty();
        let token_file = !self.alert_source_token_file.is_empty();
        at_most_one(
            &[
                ("alert_source_token", token),
                ("alert_source_token_file", token_file),
            ],
            "alert_source_token & alert_source_token_file",
        )?;
        let Some(http) = &self.http_config else {
            return Ok(());
        };
        match (http.authorization.is_some(), token || token_file) {
            (true, true) => Err(Refusal::at(
                "http_config",
                "cannot specify alert_source_token or alert_source_token_file when using http_config.authorization",
            )),
            (false, false) => Err(
                "at least one of alert_source_token, alert_source_token_file or http_config.authorization must be configured"
                    .into(),
            ),
            _ => Ok(()),
        }
    }
}

impl Inherit for Incidentio {
    const NAME: &'static str = "incidentio";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        Ok(())
    }
}
