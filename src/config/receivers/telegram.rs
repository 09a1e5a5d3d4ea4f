//! `telegram_configs`: messages in a chat of Telegram.

use crate::config::block::{Checked, Refusal, at_most_one, block};
use crate::config::global::Global;
use crate::config::http::HttpConfig;
use crate::config::inherit::{Inherit, or};
use crate::config::values::{HttpUrl, Secret};
use crate::config::yaml::{Decoder, Int};

block! {
    /// A chat.
    Telegram "telegram.plain" of "telegram.TelegramConfig" {
        send_resolved: bool = true, always;
        http_config: Option<HttpConfig>;
        api_url: Option<HttpUrl> = None, always;
        bot_token: Secret;
        bot_token_file: String;
        chat_id: i64;
        chat_id_file: String;
        message_thread_id: Int;
        message: String = "{{ template \"telegram.default.message\" . }}";
        disable_notifications: bool;
        parse_mode: String = "HTML";
    }
}

impl Checked for Telegram {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        at_most_one(
            &[
                ("bot_token", !self.bot_token.is_empty()),
                ("bot_token_file", !self.bot_token_file.is_empty()),
            ],
            "bot_token & bot_token_file",
        )?;
        let (chat, chat_file) = (self.chat_id != 0, !self.chat_id_file.is_empty());
        if !chat && !chat_file {
            return Err("missing chat_id or chat_id_file on telegram_config".into());
        }
        at_most_one(
            &[("chat_id", chat), ("chat_id_file", chat_file)],
            "chat_id & chat_id_file",
        )?;
        match self.parse_mode.as_str() {
            "" | "Markdown" | "MarkdownV2" | "HTML" => Ok(()),
            _ => Err(Refusal::at(
                "parse_mode",
                "unknown parse_mode on telegram_config, must be Markdown, MarkdownV2, HTML or empty string",
            )),
        }
    }
}

impl Inherit for Telegram {
    const NAME: &'static str = "telegram";

    fn inherit(&mut self, global: &mut Global) -> Result<(), Refusal> {
        global.lend_http_config(&mut self.http_config);
        or(&mut self.api_url, &global.telegram_api_url);
        if !self.bot_token.is_empty() || !self.bot_token_file.is_empty() {
            return Ok(());
        }
        if global.telegram_bot_token.is_empty() && global.telegram_bot_token_file.is_empty() {
            return Err("missing bot_token or bot_token_file on telegram_config".into());
        }
        self.bot_token = global.telegram_bot_token.clone();
        self.bot_token_file = global.telegram_bot_token_file.clone();
        Ok(())
    }
}
