//! Secrets of the configuration: wherever they stand, they are sent to whom they are for and appear
//! nowhere else. Every one has its own text, `hush-hush-` and a number: what is longer than eight
//! bytes is never shown (`docs/differences.md`).

use std::collections::BTreeSet;
use std::path::Path;

use base64::Engine as _;

use crate::support::{Place, Reply, Request, Sink, until};

/// All secrets that there are.
const SECRETS: usize = 18;

fn secret(number: usize) -> String {
    format!("hush-hush-{number:02}")
}

/// A secret in every place that takes one. `refused` is an address where nobody listens.
fn configuration(place: &Place, sink: &Sink, refused: &str) -> String {
    let file = |name: &str, number: usize| {
        let path = place.path(name);
        std::fs::write(&path, secret(number)).unwrap();
        path.display().to_string()
    };
    let url_file = place.path("url");
    std::fs::write(&url_file, sink.url(&format!("/{}", secret(1)))).unwrap();
    let s = secret;
    let webhooks = [
        format!(
            "url: http://user:{}@{refused}/{}?token={}",
            s(2),
            s(3),
            s(4)
        ),
        format!("url_file: {}", url_file.display()),
        format!(
            "url: {}\n    http_config: {{basic_auth: {{username: u, password: {}}}}}",
            sink.url("/basic"),
            s(5)
        ),
        format!(
            "url: {}\n    http_config: {{basic_auth: {{username: u, password_file: {}}}}}",
            sink.url("/basic-file"),
            file("password", 6)
        ),
        format!(
            "url: {}\n    http_config: {{authorization: {{credentials: {}}}}}",
            sink.url("/bearer"),
            s(7)
        ),
        format!(
            "url: {}\n    http_config: {{authorization: {{type: Other, credentials_file: {}}}}}",
            sink.url("/bearer-file"),
            file("credentials", 8)
        ),
        format!(
            "url: {}\n    http_config: {{oauth2: {{client_id: c, client_secret: {}, token_url: \"{}\", endpoint_params: {{audience: x}}}}}}",
            sink.url("/oauth2"),
            s(9),
            sink.url("/token")
        ),
        format!(
            "url: {}\n    http_config: {{oauth2: {{client_id: c, client_secret_file: {}, token_url: \"http://{refused}/{}\"}}}}",
            sink.url("/oauth2-file"),
            file("client", 10),
            "token"
        ),
        format!(
            "url: {}\n    http_config: {{proxy_url: \"http://u:{}@{refused}\"}}",
            sink.url("/proxy-down"),
            s(11)
        ),
        format!(
            "url: http://receiver.invalid/{}\n    http_config: {{proxy_url: \"http://u:{}@{}\"}}",
            s(12),
            s(13),
            sink.address()
        ),
        format!(
            "url: https://receiver.invalid/{}\n    http_config: {{proxy_url: \"http://{}\", proxy_connect_header: {{X-Secret: [{}]}}}}",
            s(14),
            sink.address(),
            s(15)
        ),
        format!(
            "url: {}\n    http_config: {{http_headers: {{X-Secret: {{secrets: [{}]}}}}}}",
            sink.url("/header"),
            s(16)
        ),
        format!(
            "url: {}\n    http_config: {{http_headers: {{X-Secret: {{files: [{}]}}}}}}",
            sink.url("/header-file"),
            file("header", 17)
        ),
        // Whose proxy is that of the environment.
        "url: http://environment.invalid/\n    http_config: {proxy_from_environment: true}"
            .to_owned(),
    ];
    let webhooks: String = webhooks.iter().map(|it| format!("  - {it}\n")).collect();
    format!(
        "route: {{receiver: r, group_wait: 0s, group_interval: 1s}}\nreceivers:\n- name: r\n  webhook_configs:\n{webhooks}"
    )
}

/// The secrets in a text, as they are and as basic authentication would have them.
fn found_in(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    let is_in = |secret: &String| {
        let forms = [secret.clone(), basic("u", secret), basic("user", secret)];
        forms.iter().any(|form| text.contains(form.as_str()))
    };
    (1..=SECRETS).map(secret).filter(is_in).collect()
}

/// `user:…` and `u:…` in base64.
fn basic(user: &str, secret: &str) -> String {
    base64::prelude::BASE64_STANDARD.encode(format!("{user}:{secret}"))
}

/// All files below a directory.
fn files(root: &Path) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push((path.display().to_string(), std::fs::read(&path).unwrap())),
        }
    }
    found
}

/// Configurations that are refused, with a secret near what is wrong.
fn broken(config: &str) -> Vec<String> {
    let line = |text: &str| config.replace("route:", &format!("{text}\nroute:"));
    let s = secret(5);
    vec![
        line(&format!("global: {{slack_api_url: \"not a url {s}\"}}")),
        line(&format!("global: {{slack_api_url: \"ftp://x/{s}\"}}")),
        line(&format!("global: {{smtp_auth_password: [{s}]}}")),
        line(&format!(
            "global: {{http_config: {{tls_config: {{cert: x, key: \"-----BEGIN {s}\"}}}}}}"
        )),
        line(&format!("global: {{opsgenie_api_key: {{{s}: {s}}}}}")),
        config.replace("credentials: ", "credentials: !!int "),
        config.replace("password: ", "pasword: "),
        config.replace("client_secret: ", "client_id: "),
        config.replace("http://u:", "http://u\\x7f:"),
        config.replace("receiver: r", "receiver: r2"),
        format!(
            "{config}- name: pager\n  pagerduty_configs: [{{routing_key: {s}, url: \"x:{s}\"}}]\n"
        ),
        format!("{config}- name: unused\n  slack_configs: [{{api_url: \"http://x/{s}\"}}]\n")
            .replace("receiver: r,", "receiver: unused,"),
        format!("{config}  - url: \"http://x/{{{{ {s} }}}}\"\n"),
        format!("{config}  - url: \"http://[::1/{s}\"\n"),
        config.replace("basic_auth:", "bearer_token: x, basic_auth:"),
    ]
}

#[test]
fn a_secret_is_sent_to_its_receiver_and_is_nowhere_else() {
    let sink = Sink::start();
    sink.reply_at("/token", Reply::Say(401));
    sink.reply_at("/basic-file", Reply::Say(400));
    sink.reply_at("/bearer", Reply::Say(500));
    sink.reply_at("/header-file", Reply::Reset);
    let place = Place::new("");
    let refused = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().to_string()
    };
    let config = configuration(&place, &sink, &refused);
    place.configure(&config);
    let proxy = format!("http://u:{}@{}", secret(18), sink.address());
    let start = || {
        let environment = [("HTTP_PROXY", proxy.as_str()), ("NO_PROXY", "")];
        let mut server = place.spawn_in(&environment, &["--log.level=debug"]);
        server.wait_until_ready();
        server
    };
    let server = start();
    server.fire(&["A"]);
    let paths = [
        "/basic",
        "/basic-file",
        "/bearer",
        "/bearer-file",
        "/token",
        "/header",
        "/header-file",
        "http://environment.invalid/",
    ];
    until("a notification at every path", || {
        let got = sink.got();
        let all = paths
            .iter()
            .all(|path| got.iter().any(|it| it.path == *path));
        let failed = server.log().matches("Notify attempt failed").count();
        (all && failed >= 6).then_some(())
    });
    let mut seen: Vec<(String, Vec<u8>)> = Vec::new();
    for broken in broken(&config) {
        place.configure(&broken);
        let answer = server.ask(&Request::post("/-/reload", ""));
        seen.push((
            format!("the answer to {broken}"),
            answer.body.clone().into(),
        ));
        assert_eq!(answer.status, 500, "{}\n{broken}", answer.body);
    }
    place.configure(&config);
    server.kill();
    let server = start();
    for path in [
        "/metrics",
        "/api/v2/status",
        "/api/v2/receivers",
        "/api/v2/alerts",
        "/api/v2/alerts/groups",
        "/api/tocsin/v1/recovery",
        "/api/v2/nowhere",
    ] {
        seen.push((path.to_owned(), server.get(path).body.into()));
    }
    let masked = server
        .get("/api/v2/status")
        .body
        .matches("<secret>")
        .count();
    let shown = place.amtool(&server, &["config", "show"]);
    let is_shown = shown.contains("<secret>");
    seen.push(("amtool config show".to_owned(), shown.into()));
    let ended = server.stop();
    seen.push(("the log".to_owned(), ended.log.into()));
    seen.extend(files(&place.data()));
    seen.push(("the dump".to_owned(), place.wal(&["dump"]).1.into()));
    let leaks: Vec<(String, Vec<String>)> = seen
        .into_iter()
        .map(|(place, text)| (place, found_in(&text)))
        .filter(|(_, found)| !found.is_empty())
        .collect();
    let sent: BTreeSet<String> = sink
        .got()
        .iter()
        .flat_map(|it| found_in(format!("{} {:?} {}", it.path, it.headers, it.body).as_bytes()))
        .collect();
    // Those for whom there is nobody to send them to: 2, 3, 4, 10, 11; 14 is behind a tunnel that is refused.
    let expected: BTreeSet<String> = [1, 5, 6, 7, 8, 9, 12, 13, 15, 16, 17, 18]
        .map(secret)
        .into();
    assert_eq!(
        (leaks, sent, masked >= 13, is_shown),
        (vec![], expected, true, true)
    );
}
