//! `global`: what receivers take over.

use super::block::{Checked, Refusal, at_most_one, block};
use super::http::HttpConfig;
use super::tls::TlsConfig;
use super::values::{HostPort, HttpUrl, Secret, SecretUrl};
use super::yaml::Step;
use crate::model::Duration;

const RESOLVE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

block! {
    /// What receivers take over.
    Global "config.plain" of "config.GlobalConfig" {
        /// When an alert counts as resolved that says nothing of its end.
        resolve_timeout: Duration = RESOLVE_TIMEOUT, always;
        http_config: Option<HttpConfig> = <HttpConfig as super::block::Block>::with_defaults();
        jira_api_url: Option<HttpUrl>;
        smtp_from: String;
        smtp_hello: String = "localhost";
        smtp_smarthost: HostPort;
        smtp_auth_username: String;
        smtp_auth_password: Secret;
        smtp_auth_password_file: String;
        smtp_auth_secret: Secret;
        smtp_auth_secret_file: String;
        smtp_auth_identity: String;
        smtp_require_tls: bool = true, always;
        smtp_tls_config: Option<TlsConfig> = TlsConfig::default();
        smtp_force_implicit_tls: Option<bool>;
        slack_api_url: Option<SecretUrl>;
        slack_api_url_file: String;
        slack_app_token: Secret;
        slack_app_token_file: String;
        slack_app_url: Option<HttpUrl> = HttpUrl::built_in("https://slack.com/api/chat.postMessage");
        pagerduty_url: Option<HttpUrl> = HttpUrl::built_in("https://events.pagerduty.com/v2/enqueue");
        opsgenie_api_url: Option<HttpUrl> = HttpUrl::built_in("https://api.opsgenie.com/");
        opsgenie_api_key: Secret;
        opsgenie_api_key_file: String;
        wechat_api_url: Option<HttpUrl> = HttpUrl::built_in("https://qyapi.weixin.qq.com/cgi-bin/");
        wechat_api_secret: Secret;
        wechat_api_secret_file: String;
        wechat_api_corp_id: String;
        victorops_api_url: Option<HttpUrl> = HttpUrl::built_in("https://alert.victorops.com/integrations/generic/20131114/alert/");
        victorops_api_key: Secret;
        victorops_api_key_file: String;
        telegram_api_url: Option<HttpUrl> = HttpUrl::built_in("https://api.telegram.org");
        telegram_bot_token: Secret;
        telegram_bot_token_file: String;
        webex_api_url: Option<HttpUrl> = HttpUrl::built_in("https://webexapis.com/v1/messages");
        rocketchat_api_url: Option<HttpUrl> = HttpUrl::built_in("https://open.rocket.chat/");
        rocketchat_token: Option<Secret>;
        rocketchat_token_file: String;
        rocketchat_token_id: Option<Secret>;
        rocketchat_token_id_file: String;
        mattermost_webhook_url: Option<SecretUrl>;
        mattermost_webhook_url_file: String;
    }
}

impl Checked for Global {}

impl Global {
    /// Gives a receiver the global block unless it has one of its own.
    pub(super) fn lend_http_config(&self, own: &mut Option<HttpConfig>) {
        if own.is_none() {
            own.clone_from(&self.http_config);
        }
    }

    /// For a receiver that cannot do without. Alertmanager 0.34 crashes here.
    #[expect(clippy::unused_self, reason = "it is about this block")]
    pub(super) fn no_http_config(&self) -> Refusal {
        Refusal::on(
            vec![Step::Key("global"), Step::Key("http_config")],
            "global http_config must not be null when receivers inherit it",
        )
    }

    /// Which fields exclude each other. Alertmanager 0.34 looks after the whole file has been read.
    pub(super) fn check_pairs(&self) -> Result<(), Refusal> {
        let secret = |secret: &Secret| !secret.is_empty();
        let text = |text: &String| !text.is_empty();
        self.check_slack()?;
        let pairs = [
            (
                "opsgenie_api_key",
                secret(&self.opsgenie_api_key),
                "opsgenie_api_key_file",
                text(&self.opsgenie_api_key_file),
            ),
            (
                "victorops_api_key",
                secret(&self.victorops_api_key),
                "victorops_api_key_file",
                text(&self.victorops_api_key_file),
            ),
            (
                "telegram_bot_token",
                secret(&self.telegram_bot_token),
                "telegram_bot_token_file",
                text(&self.telegram_bot_token_file),
            ),
            (
                "smtp_auth_password",
                secret(&self.smtp_auth_password),
                "smtp_auth_password_file",
                text(&self.smtp_auth_password_file),
            ),
            (
                "rocketchat_token",
                self.rocketchat_token.is_some(),
                "rocketchat_token_file",
                text(&self.rocketchat_token_file),
            ),
            (
                "rocketchat_token_id",
                self.rocketchat_token_id.is_some(),
                "rocketchat_token_id_file",
                text(&self.rocketchat_token_id_file),
            ),
            (
                "smtp_auth_secret",
                secret(&self.smtp_auth_secret),
                "smtp_auth_secret_file",
                text(&self.smtp_auth_secret_file),
            ),
            (
                "wechat_api_secret",
                secret(&self.wechat_api_secret),
                "wechat_api_secret_file",
                text(&self.wechat_api_secret_file),
            ),
            (
                "mattermost_webhook_url",
                self.mattermost_webhook_url.is_some(),
                "mattermost_webhook_url_file",
                text(&self.mattermost_webhook_url_file),
            ),
        ];
        pairs
            .into_iter()
            .try_for_each(|(inline, has_inline, file, has_file)| {
                at_most_one(
                    &[(inline, has_inline), (file, has_file)],
                    &format!("{inline} & {file}"),
                )
            })
            .map_err(|refusal| refusal.below(Step::Key("global")))
    }

    fn check_slack(&self) -> Result<(), Refusal> {
        let (token, token_file) = (
            !self.slack_app_token.is_empty(),
            !self.slack_app_token_file.is_empty(),
        );
        let (url, url_file) = (
            self.slack_api_url.is_some(),
            !self.slack_api_url_file.is_empty(),
        );
        let below = |refusal: Refusal| refusal.below(Step::Key("global"));
        at_most_one(
            &[
                ("slack_app_token", token),
                ("slack_app_token_file", token_file),
            ],
            "slack_app_token & slack_app_token_file",
        )
        .map_err(below)?;
        at_most_one(
            &[("slack_api_url", url), ("slack_api_url_file", url_file)],
            "slack_api_url & slack_api_url_file",
        )
        .map_err(below)?;
        // A way from before there were tokens: the URL of the application as that of all channels.
        let is_old_way = match (&self.slack_api_url, &self.slack_app_url) {
            (Some(api), Some(app)) => *api.expose() == app.0,
            // Alertmanager 0.34 crashes here.
            _ => false,
        };
        if is_old_way {
            return Ok(());
        }
        at_most_one(
            &[
                ("slack_app_token", token || token_file),
                (
                    if url {
                        "slack_api_url"
                    } else {
                        "slack_api_url_file"
                    },
                    url || url_file,
                ),
            ],
            "slack_app_token/slack_app_token_file & slack_api_url/slack_api_url_file",
        )
        .map_err(below)
    }
}
