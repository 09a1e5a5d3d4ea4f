//! `event_recorder`: where events go.

use gotemplate::strconv::quote;

use super::block::{Checked, Refusal, Show, block};
use super::http::HttpConfig;
use super::paths::Directory;
use super::tls::TlsConfig;
use super::values::SecretUrl;
use super::yaml::{Decoder, Int};
use crate::model::Duration;

block! {
    /// Where events go. Every event goes to every output.
    EventRecorder "eventrecorder.Config" {
        file_outputs: Vec<FileOutput>;
        webhook_outputs: Vec<WebhookOutput>;
        kafka_outputs: Vec<KafkaOutput>;
        stdout_outputs: Vec<StdoutOutput>;
    }
}

block! {
    /// A file that grows.
    FileOutput "eventrecorder.plain" of "eventrecorder.FileOutputConfig" {
        path: String = String::new(), always;
    }
}

block! {
    /// A URL that is posted to.
    WebhookOutput "eventrecorder.plain" of "eventrecorder.WebhookOutputConfig" {
        url: Option<SecretUrl> = None, always;
        http_config: Option<HttpConfig>;
        timeout: Duration;
        workers: Int;
        max_retries: Int;
        retry_backoff: Duration;
        batch: bool;
        batch_max_events: Int;
        batch_max_bytes: Int;
        batch_flush_interval: Duration;
    }
}

block! {
    /// A topic of Kafka.
    KafkaOutput "eventrecorder.plain" of "eventrecorder.KafkaOutputConfig" {
        brokers: Vec<String> = Vec::new(), always;
        topic: String = String::new(), always;
        client_id: String;
        /// `json` or `protobuf`.
        format: String = "json";
        /// `none`, `leader` or `all`.
        acks: String;
        compression: String;
        buffer_size: Int;
        tls_config: Option<TlsConfig>;
    }
}

block! {
    /// Standard output.
    StdoutOutput "eventrecorder.StdoutOutputConfig" {
    }
}

impl Checked for EventRecorder {
    const IS_CUSTOM: bool = false;
}

impl Checked for StdoutOutput {
    const IS_CUSTOM: bool = false;
}

impl Checked for FileOutput {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        match self.path.is_empty() {
            true => Err("event_recorder file output requires a path".into()),
            false => Ok(()),
        }
    }
}

impl Checked for WebhookOutput {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        match &self.url {
            None => return Err("event_recorder webhook output requires a url".into()),
            Some(url) if url.expose().is_empty() => {
                return Err(Refusal::at(
                    "url",
                    "event_recorder webhook output requires an absolute http(s) url",
                ));
            }
            Some(_) => {}
        }
        let numbers = [
            ("batch_max_events", self.batch_max_events.0),
            ("batch_max_bytes", self.batch_max_bytes.0),
            ("batch_flush_interval", self.batch_flush_interval.as_nanos()),
        ];
        if let Some((key, _)) = numbers.iter().find(|(_, number)| *number < 0) {
            return Err(Refusal::at(
                key,
                "event_recorder webhook batch settings cannot be negative",
            ));
        }
        match numbers.iter().find(|(_, number)| *number != 0) {
            Some((key, _)) if !self.batch => Err(Refusal::at(
                key,
                "event_recorder webhook batch settings require batch: true",
            )),
            _ => Ok(()),
        }
    }
}

impl Checked for KafkaOutput {
    fn check(&mut self, _decoder: &mut Decoder<'_>) -> Result<(), Refusal> {
        let refused =
            |key, text: String| Err(Refusal::at(key, format!("event_recorder kafka: {text}")));
        if self.brokers.is_empty() {
            return refused("brokers", "at least one broker is required".to_owned());
        }
        if self.brokers.iter().any(String::is_empty) {
            return refused("brokers", "broker entries must be non-empty".to_owned());
        }
        if !["", "none", "leader", "all"].contains(&self.acks.as_str()) {
            let acks = quote(self.acks.as_bytes());
            let text = format!("unknown acks {acks}, must be \"none\", \"leader\", or \"all\"");
            return refused("acks", text);
        }
        let compressions = ["", "none", "gzip", "snappy", "lz4", "zstd"];
        if !compressions.contains(&self.compression.as_str()) {
            let compression = quote(self.compression.as_bytes());
            return refused("compression", format!("unknown compression {compression}"));
        }
        if self.topic.is_empty() {
            return Err("event_recorder kafka output requires a topic".into());
        }
        if !["json", "protobuf"].contains(&self.format.as_str()) {
            let format = quote(self.format.as_bytes());
            let text = format!("unknown format {format}, must be \"json\" or \"protobuf\"");
            return refused("format", text);
        }
        Ok(())
    }
}

impl EventRecorder {
    /// Whether there is an output at all.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.is_zero()
    }

    pub(super) fn resolve(&mut self, directory: &Directory) {
        for output in &mut self.file_outputs {
            directory.join(&mut output.path);
        }
        for output in &mut self.webhook_outputs {
            if let Some(http) = &mut output.http_config {
                http.resolve(directory);
            }
        }
        for output in &mut self.kafka_outputs {
            if let Some(tls) = &mut output.tls_config {
                tls.resolve(directory);
            }
        }
    }
}
