//! `victorops_configs`: incidents in Splunk On-Call.

use std::collections::BTreeMap;

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, api_url, or};
use crate::config::values::{HttpUrl, Secret};
use crate::config::yaml::Decoder;

block! {
    /// A team.
    Victorops "config.plain" of "config.VictorOpsConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        api_key: Secret;
        api_key_file: String;
        api_url: Option<HttpUrl> = None, always;
        routing_key: String = String::new(), always;
        message_type: String = "CRITICAL", always;
        state_message: String = "{{ template \"victorops.default.state_message\" . }}", always;
        entity_display_name: String = "{{ template \"victorops.default.entity_display_name\" . }}", always;
        monitoring_tool: String = "{{ template \"victorops.default.monitoring_tool\" . }}", always;
        custom_fields: BTreeMap<String, String>;
    }
}

/// Fields that every incident has.
const FIXED_FIELDS: [&str; 7] = [
    "routing_key",
    "message_type",
    "state_message",
    "entity_display_name",
    "monitoring_tool",
    "entity_id",
    "entity_state",
];

impl Checked for Victorops {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.routing_key.is_empty() {
            return Err("missing Routing key in VictorOps config".into());
        }
        at_most_one(
            &[
                ("api_key", !self.api_key.is_empty()),
                ("api_key_file", !self.api_key_file.is_empty()),
            ],
            "api_key & api_key_file",
        )?;
        let is_custom = |field: &&&str| self.custom_fields.contains_key(**field);
        match FIXED_FIELDS.iter().find(is_custom) {
            None => Ok(()),
            Some(field) => Err(Refusal::at(
                "custom_fields",
                format!(
                    "victorOps config contains custom field {field} which cannot be used as it conflicts with the fixed/static fields"
                ),
            )),
        }
    }
}

impl Inherit for Victorops {
    const NAME: &'static str = "victorops";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        if !api_url(&mut self.api_url, &mut global.victorops_api_url) {
            return Err("no global VictorOps URL set".into());
        }
        or(&mut self.api_key, &global.victorops_api_key);
        or(&mut self.api_key_file, &global.victorops_api_key_file);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            return Err("no global VictorOps API Key set".into());
        }
        Ok(())
    }
}
