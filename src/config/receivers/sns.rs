//! `sns_configs`: messages through Amazon's Simple Notification Service.

use std::collections::BTreeMap;

use crate::config::block::{Checked, Refusal, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::Inherit;
use crate::config::values::Secret;
use crate::config::yaml::Decoder;

block! {
    /// A topic, a telephone or an application.
    Sns "sns.plain" of "sns.SNSConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        api_url: String;
        sigv4: SigV4 = SigV4::default(), always;
        topic_arn: String;
        phone_number: String;
        target_arn: String;
        subject: String = "{{ template \"sns.default.subject\" . }}";
        message: String = "{{ template \"sns.default.message\" . }}";
        attributes: BTreeMap<String, String>;
        use_aws_http_client: bool;
    }
}

block! {
    /// How requests are signed.
    SigV4 "sigv4.plain" {
        region: String;
        access_key: String;
        secret_key: Secret;
        profile: String;
        role_arn: String;
        external_id: String;
        use_fips_sts_endpoint: bool;
        service_name: String;
    }
}

impl Checked for SigV4 {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        if self.access_key.is_empty() != self.secret_key.is_empty() {
            return Err(
                "must provide a AWS SigV4 Access key and Secret Key if credentials are specified in the SigV4 config"
                    .into(),
            );
        }
        if !self.external_id.is_empty() && self.role_arn.is_empty() {
            return Err(Refusal::at(
                "external_id",
                "external_id can only be used with role_arn",
            ));
        }
        Ok(())
    }
}

impl Checked for Sns {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        // Alertmanager 0.34 takes all three, too.
        let targets = [&self.target_arn, &self.topic_arn, &self.phone_number];
        match targets.iter().filter(|target| target.is_empty()).count() % 2 {
            0 => Ok(()),
            _ => Err(
                "must provide either a Target ARN, Topic ARN, or Phone Number for SNS config"
                    .into(),
            ),
        }
    }
}

impl Inherit for Sns {
    const NAME: &'static str = "sns";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        Ok(())
    }
}
