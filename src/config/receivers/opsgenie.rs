//! `opsgenie_configs`: alerts in Opsgenie.

use std::collections::BTreeMap;

use gotemplate::{Environment, HtmlSet};

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, api_url, or};
use crate::config::values::{HttpUrl, Secret};
use crate::config::yaml::Decoder;

block! {
    /// A team.
    Opsgenie "opsgenie.plain" of "opsgenie.OpsGenieConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        api_key: Secret;
        api_key_file: String;
        api_url: Option<HttpUrl>;
        message: String = "{{ template \"opsgenie.default.message\" . }}";
        description: String = "{{ template \"opsgenie.default.description\" . }}";
        source: String = "{{ template \"opsgenie.default.source\" . }}";
        details: BTreeMap<String, String>;
        entity: String;
        responders: Vec<OpsgenieResponder>;
        actions: String;
        tags: String;
        note: String;
        priority: String;
        update_alerts: bool;
    }
}

block! {
    /// Somebody who is told.
    OpsgenieResponder "opsgenie.OpsGenieConfigResponder" {
        id: String;
        name: String;
        username: String;
        kind as "type": String;
    }
}

impl Checked for OpsgenieResponder {
    const IS_CUSTOM: bool = false;
}

impl OpsgenieResponder {
    /// Its fields as Go prints a struct.
    fn shown(&self, kind: &str) -> String {
        let Self {
            id, name, username, ..
        } = self;
        format!("opsGenieConfig responder {{{id} {name} {username} {kind}}}")
    }

    fn check_fields(&self) -> Result<(), String> {
        if self.id.is_empty() && self.username.is_empty() && self.name.is_empty() {
            let shown = self.shown(&self.kind);
            return Err(format!(
                "{shown} has to have at least one of id, username or name specified"
            ));
        }
        if self.kind.contains("{{") {
            return HtmlSet::new(Environment::default())
                .parse("", &self.kind)
                .map(drop)
                .map_err(|error| {
                    let shown = self.shown(&self.kind);
                    format!("{shown} type contains invalid template syntax: {error}")
                });
        }
        let kind = self.kind.to_lowercase();
        match kind.as_str() {
            "team" | "teams" | "user" | "escalation" | "schedule" => Ok(()),
            _ => Err(format!(
                "{} type does not match valid options ^(team|teams|user|escalation|schedule)$",
                self.shown(&kind)
            )),
        }
    }
}

impl Checked for Opsgenie {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        at_most_one(
            &[
                ("api_key", !self.api_key.is_empty()),
                ("api_key_file", !self.api_key_file.is_empty()),
            ],
            "api_key & api_key_file",
        )?;
        self.responders
            .iter()
            .try_for_each(OpsgenieResponder::check_fields)
            .map_err(|text| Refusal::at("responders", text))
    }
}

impl Inherit for Opsgenie {
    const NAME: &'static str = "opsgenie";
    const MAY_BE_NULL: bool = true;

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        if !api_url(&mut self.api_url, &mut global.opsgenie_api_url) {
            return Err("no global OpsGenie URL set".into());
        }
        or(&mut self.api_key, &global.opsgenie_api_key);
        or(&mut self.api_key_file, &global.opsgenie_api_key_file);
        if self.api_key.is_empty() && self.api_key_file.is_empty() {
            return Err("no global OpsGenie API Key set either inline or in a file".into());
        }
        Ok(())
    }
}
