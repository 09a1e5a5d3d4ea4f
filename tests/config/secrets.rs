//! No secret gets out: one is planted in every field that takes one, and looked for in everything that
//! the loader and the tools say.

use std::fmt::Write;

use tocsin::config::{LoadError, Options, load, load_with_document, picture};

/// The beginning of every secret.
const PLANTED: &str = "hunter2-";

/// Secrets with a number each.
struct Secrets(usize);

impl Secrets {
    fn text(&mut self) -> String {
        self.0 += 1;
        format!("{PLANTED}{}", self.0)
    }

    fn url(&mut self) -> String {
        format!(
            "https://user:{}@hooks.example.org/{}",
            self.text(),
            self.text()
        )
    }

    fn http_config(&mut self, indent: usize) -> String {
        let lines = [
            "http_config:".to_owned(),
            match indent {
                // An authorization of the global block would not go with tokens of Slack.
                2 => format!("  basic_auth: {{username: u, password: {}}}", self.text()),
                _ => format!("  authorization: {{credentials: {}}}", self.text()),
            },
            format!("  proxy_url: http://u:{}@proxy", self.text()),
            format!(
                "  proxy_connect_header: {{A: [{}, {}]}}",
                self.text(),
                self.text()
            ),
            format!("  http_headers: {{X: {{secrets: [{}]}}}}", self.text()),
            format!("  tls_config: {{cert: c, key: {}}}", self.text()),
        ];
        lines
            .iter()
            .map(|line| format!("{}{line}\n", " ".repeat(indent)))
            .collect()
    }
}

/// A configuration with a secret in every field that takes one.
fn planted() -> String {
    let s = &mut Secrets(0);
    let mut out = String::from("global:\n");
    for key in [
        "smtp_auth_password",
        "smtp_auth_secret",
        "opsgenie_api_key",
        "wechat_api_secret",
        "victorops_api_key",
        "telegram_bot_token",
        "rocketchat_token",
        "rocketchat_token_id",
    ] {
        let _ = writeln!(out, "  {key}: {}", s.text());
    }
    let _ = writeln!(out, "  slack_api_url: {}", s.url());
    let _ = writeln!(out, "  mattermost_webhook_url: {}", s.url());
    out += &s.http_config(2);
    out += "route: {receiver: r}\nreceivers:\n- name: r\n";
    let tokens = |s: &mut Secrets, keys: &[&str]| -> String {
        keys.iter()
            .map(|key| format!("    {key}: {}\n", s.text()))
            .collect()
    };
    let mut integration =
        |kind: &str, keys: &[&str], urls: &[&str], rest: &str, s: &mut Secrets| {
            let _ = writeln!(out, "  {kind}_configs:\n  - send_resolved: true");
            out += &tokens(s, keys);
            for key in urls {
                let _ = writeln!(out, "    {key}: {}", s.url());
            }
            out += rest;
            if !["email", "incidentio"].contains(&kind) {
                out += &s.http_config(4);
            }
        };
    integration("webhook", &[], &["url"], "", s);
    integration(
        "email",
        &["auth_password", "auth_secret"],
        &[],
        "    to: t\n    from: f\n    smarthost: h:1\n",
        s,
    );
    integration("slack", &[], &["api_url"], "", s);
    integration("pagerduty", &["service_key", "routing_key"], &[], "", s);
    integration("opsgenie", &["api_key"], &[], "", s);
    integration("wechat", &["api_secret"], &[], "    corp_id: c\n", s);
    integration("victorops", &["api_key"], &[], "    routing_key: r\n", s);
    integration("pushover", &["user_key", "token"], &[], "", s);
    let sigv4 = format!(
        "    topic_arn: t\n    sigv4: {{access_key: a, secret_key: {}}}\n",
        s.text()
    );
    integration("sns", &[], &[], &sigv4, s);
    integration("telegram", &["bot_token"], &[], "    chat_id: 1\n", s);
    integration("discord", &[], &["webhook_url"], "", s);
    integration("webex", &[], &[], "    room_id: r\n", s);
    integration("msteams", &[], &["webhook_url"], "", s);
    integration("msteamsv2", &[], &["webhook_url"], "", s);
    integration(
        "jira",
        &[],
        &[],
        "    project: p\n    issue_type: i\n    api_url: http://j\n",
        s,
    );
    integration("rocketchat", &["token", "token_id"], &[], "", s);
    integration("mattermost", &[], &["webhook_url"], "", s);
    integration(
        "incidentio",
        &["alert_source_token"],
        &[],
        "    url: http://i\n",
        s,
    );
    let _ = write!(
        out,
        "- name: other ways
  slack_configs:
  - app_token: {}
  - http_config: {{bearer_token: {}}}
  webhook_configs:
  - url: http://x
    http_config: {{basic_auth: {{username: u, password: {}}}}}
  - url: 'http://{{{{ .X }}}}/{}'
    http_config:
      oauth2:
        client_id: c
        token_url: t
        client_secret: {}
        proxy_url: http://u:{}@p
        tls_config: {{cert: c, key: {}}}
  - url: http://x
    http_config:
      oauth2:
        client_id: c
        token_url: t
        grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer
        client_certificate_key: |
          BEGIN
          {}
          END
event_recorder:
  webhook_outputs: [{{url: '{}'}}]
",
        s.text(),
        s.text(),
        s.text(),
        s.text(),
        s.text(),
        s.text(),
        s.text(),
        s.text(),
        s.url(),
    );
    out
}

/// Everything that is said about a text.
fn said(text: &str) -> String {
    let options = Options::default();
    match load_with_document(text.as_bytes(), &options) {
        Ok(loaded) => format!("{:#?}\n{}", loaded.config, loaded.config.rendered()),
        Err((error, document)) => {
            let picture = picture::draw("file", text.as_bytes(), &error, document.as_deref());
            let whole = LoadError::Invalid(error.clone());
            format!("{error}\n{error:?}\n{whole}\n{whole:?}\n{picture}")
        }
    }
}

/// The texts that come of a change in one line.
///
/// Every third of them, in turn: each line is changed in five ways, and each way met in many lines.
fn mistakes(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let with = |number: usize, line: String| {
        let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
        lines[number] = line;
        lines.join("\n")
    };
    let mut texts = Vec::new();
    let planted = lines
        .iter()
        .enumerate()
        .filter(|(_, line)| line.contains(PLANTED));
    for (number, line) in planted {
        texts.push(with(number, line.replace(": ", ":: ")));
        texts.push(with(number, line.replace(": ", ": [")));
        texts.push(with(number, line.replace(": ", ": \"")));
        texts.push(with(number, line.replace(": ", ": !!int ")));
        texts.push(with(number, line.replace(": ", ": @")));
        texts.push(with(number, line.replace(": ", "x: ")));
        texts.push(with(number, line.replace("https://", "https//:")));
        texts.push(with(number, line.replace("https://", "https:// ")));
        texts.push(with(number, line.replace("https://", "ftp://")));
        texts.push(with(number, line.replace('@', ":x@")));
        texts.push(with(number, line.replace("hooks", "ho%zzoks")));
        texts.push(with(
            number,
            line.replace("secrets: [", "secrets: ").replace("]}}", "}}"),
        ));
        texts.push(with(number, line.replace("[", "").replace(']', "")));
        texts.push(with(number, format!("{line}\n{line}")));
        texts.push(with(number, format!(" {line}")));
        texts.push(with(number, String::new()));
    }
    // Sixteen ways, so that the thirds shift from line to line.
    texts.into_iter().step_by(3).collect()
}

#[test]
fn a_configuration_with_a_secret_in_every_field_is_taken_and_shows_none() {
    let text = planted();
    let loaded = load(text.as_bytes(), &Options::default());
    assert!(loaded.is_ok(), "{:?}\n{text}", loaded.err());
    let said = said(&text);
    let found: Vec<&str> = said.lines().filter(|line| line.contains(PLANTED)).collect();
    assert_eq!(found, Vec::<&str>::new());
}

#[test]
fn a_mistake_in_any_line_of_it_shows_none_either() {
    let mut leaks = Vec::new();
    for text in mistakes(&planted()) {
        let said = said(&text);
        // What Alertmanager's library shows of a value at most.
        if let Some(line) = said.lines().find(|line| line.contains(&PLANTED[..7])) {
            leaks.push(line.to_owned());
        }
    }
    assert_eq!(leaks, Vec::<String>::new());
}

#[test]
fn a_panic_that_shows_a_configuration_shows_none() {
    let text = planted();
    let loaded = load(text.as_bytes(), &Options::default()).expect("the text is sound");
    let panic = std::panic::catch_unwind(|| panic!("while it was used: {:?}", loaded.config));
    let shown = panic
        .err()
        .and_then(|payload| payload.downcast::<String>().ok())
        .expect("the panic has a text");
    assert!(shown.contains("receivers") && !shown.contains(PLANTED));
}
