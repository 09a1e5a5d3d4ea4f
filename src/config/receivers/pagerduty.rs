//! `pagerduty_configs`: incidents in PagerDuty.

use std::collections::BTreeMap;

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, or};
use crate::config::values::{GoDuration, HttpUrl, Secret};
use crate::config::yaml::{Any, Decoder};

block! {
    /// A service.
    Pagerduty "pagerduty.plain" of "pagerduty.PagerdutyConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        service_key: Secret;
        service_key_file: String;
        routing_key: Secret;
        routing_key_file: String;
        url: Option<HttpUrl>;
        client: String = "{{ template \"pagerduty.default.client\" . }}";
        client_url: String = "{{ template \"pagerduty.default.clientURL\" . }}";
        description: String = "{{ template \"pagerduty.default.description\" .}}";
        details: BTreeMap<String, Any>;
        images: Vec<PagerdutyImage>;
        links: Vec<PagerdutyLink>;
        source: String;
        severity: String;
        class: String;
        component: String;
        group: String;
        timeout: GoDuration = GoDuration::default(), always;
    }
}

block! {
    /// A picture.
    PagerdutyImage "pagerduty.PagerdutyImage" {
        src: String;
        alt: String;
        href: String;
    }
}

block! {
    /// A link.
    PagerdutyLink "pagerduty.PagerdutyLink" {
        href: String;
        text: String;
    }
}

impl Checked for PagerdutyImage {
    const IS_CUSTOM: bool = false;
}

impl Checked for PagerdutyLink {
    const IS_CUSTOM: bool = false;
}

/// What an incident tells unless the same key is given.
const DETAILS: [(&str, &str); 4] = [
    ("firing", "{{ .Alerts.Firing | toJson }}"),
    ("resolved", "{{ .Alerts.Resolved | toJson }}"),
    ("num_firing", "{{ .Alerts.Firing | len }}"),
    ("num_resolved", "{{ .Alerts.Resolved | len }}"),
];

impl Checked for Pagerduty {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let (routing, routing_file) = (
            !self.routing_key.is_empty(),
            !self.routing_key_file.is_empty(),
        );
        let (service, service_file) = (
            !self.service_key.is_empty(),
            !self.service_key_file.is_empty(),
        );
        if !routing && !routing_file && !service && !service_file {
            return Err("missing service or routing key in PagerDuty config".into());
        }
        at_most_one(
            &[("routing_key", routing), ("routing_key_file", routing_file)],
            "routing_key & routing_key_file",
        )?;
        at_most_one(
            &[("service_key", service), ("service_key_file", service_file)],
            "service_key & service_key_file",
        )?;
        for (key, template) in DETAILS {
            self.details
                .entry(key.to_owned())
                .or_insert_with(|| Any::Text(template.to_owned()));
        }
        or(&mut self.source, &self.client);
        Ok(())
    }
}

impl Inherit for Pagerduty {
    const NAME: &'static str = "pagerduty";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        or(&mut self.url, &global.pagerduty_url);
        match self.url {
            Some(_) => Ok(()),
            None => Err("no global PagerDuty URL set".into()),
        }
    }
}
