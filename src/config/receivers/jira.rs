//! `jira_configs`: issues in Jira.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::config::block::{Block, Checked, Refusal, Show, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, or};
use crate::config::values::HttpUrl;
use crate::config::yaml::{Any, Decode, Decoded, Decoder, Item, NodeId, Resolved};
use crate::model::Duration;

block! {
    /// A project.
    Jira "jira.plain" of "jira.JiraConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        api_url: Option<HttpUrl>;
        /// `auto`, `cloud` or `datacenter`.
        api_type: String = "auto";
        project: String;
        summary: JiraText = JiraText::of("{{ template \"jira.default.summary\" . }}");
        description: JiraText = JiraText::of("{{ template \"jira.default.description\" . }}");
        labels: Vec<String>;
        priority: String = "{{ template \"jira.default.priority\" . }}";
        issue_type: String;
        reopen_transition: String;
        resolve_transition: String;
        wont_fix_resolution: String;
        reopen_duration: Duration;
        fields: BTreeMap<String, Any>;
    }
}

block! {
    /// A text of an issue, and whether a later notification changes it.
    JiraTextFields "jira.plain" {
        template: String;
        /// Unset: it does.
        enable_update: Option<bool>;
    }
}

impl Checked for JiraTextFields {
    const IS_CUSTOM: bool = false;
}

/// A text of an issue; may be given by itself, or with what is to be done with it.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct JiraText(pub JiraTextFields);

impl JiraText {
    fn of(template: &str) -> Self {
        Self(JiraTextFields {
            template: template.to_owned(),
            enable_update: None,
        })
    }
}

impl Decode for JiraText {
    const IS_CUSTOM: bool = true;

    fn go_type() -> Cow<'static, str> {
        JiraTextFields::GO_TYPE.into()
    }

    fn decode(&mut self, at: NodeId, decoder: &mut Decoder<'_>) -> Decoded {
        match decoder.scalar(at)? {
            Some((Resolved::Null, _)) => {
                self.0.template.clear();
                Ok(true)
            }
            Some((_, text)) => {
                self.0.template = text.into_owned();
                Ok(true)
            }
            None => self.0.decode(at, decoder),
        }
    }
}

impl Show for JiraText {
    fn item(&self) -> Item {
        self.0.item()
    }

    fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

impl Checked for Jira {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.project.is_empty() {
            return Err("missing project in jira_config".into());
        }
        if self.issue_type.is_empty() {
            return Err("missing issue_type in jira_config".into());
        }
        match self.api_type.as_str() {
            "auto" | "cloud" | "datacenter" => Ok(()),
            _ => Err(Refusal::at(
                "api_type",
                "unknown api_type on jira_config, must be auto, cloud or datacenter",
            )),
        }
    }
}

impl Inherit for Jira {
    const NAME: &'static str = "jira";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        or(&mut self.api_url, &global.jira_api_url);
        match self.api_url {
            Some(_) => Ok(()),
            None => Err("no global Jira Cloud URL set".into()),
        }
    }
}
