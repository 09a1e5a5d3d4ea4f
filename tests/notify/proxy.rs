//! Through a proxy, or not.

use tocsin::receivers::http_client::ProxyEnvironment;

use crate::files::Place;
use crate::sink::{Sink, say, tunnel_proxy};
use crate::tls::{Authority, quoted};
use crate::webhook::attempt;

#[tokio::test]
async fn a_plain_request_goes_to_the_proxy_with_the_whole_url() {
    let proxy = Sink::start(&[say(200)]).await;
    let yaml = format!(
        "url: http://receiver.example:81/a?b\nhttp_config: {{proxy_url: 'http://u:p@{}'}}",
        proxy.address
    );
    let seen = attempt(&Place::new().webhook(&yaml).unwrap()).await;
    let got = proxy.got().remove(0);
    assert_eq!(
        (
            seen.as_str(),
            got.uri.as_str(),
            got.header("host"),
            got.header("proxy-authorization")
        ),
        (
            "delivered",
            "http://receiver.example:81/a?b",
            Some("receiver.example:81"),
            Some("Basic dTpw")
        )
    );
}

#[tokio::test]
async fn a_tls_connection_goes_through_a_tunnel() {
    let authority = Authority::new();
    let sink = authority.sink("receiver.example", None).await;
    let (proxy, heads) = tunnel_proxy().await;
    let port = sink.address.port();
    let yaml = format!(
        "url: 'https://receiver.example:{port}/a'\nhttp_config:\n  proxy_url: 'http://u:p@{proxy}'\n  proxy_connect_header: {{X-A: [one, two]}}\n  tls_config: {{ca: {}}}",
        quoted(&authority.pem())
    );
    let seen = attempt(&Place::new().webhook(&yaml).unwrap()).await;
    let got = sink.got().remove(0);
    let mut head: Vec<_> = heads.lock().unwrap()[0]
        .lines()
        .map(str::to_lowercase)
        .collect();
    head.sort();
    let mut expected = vec![
        String::new(),
        format!("connect receiver.example:{port} http/1.1"),
        format!("host: receiver.example:{port}"),
        "proxy-authorization: basic dtpw".to_owned(),
        "x-a: one".to_owned(),
        "x-a: two".to_owned(),
    ];
    expected.sort();
    assert_eq!(
        (
            seen.as_str(),
            head,
            got.header("proxy-authorization"),
            got.header("x-a")
        ),
        ("delivered", expected, None, None)
    );
}

#[tokio::test]
async fn exceptions_are_called_straight() {
    let proxy = Sink::start(&[say(503)]).await;
    let sink = Sink::start(&[say(200)]).await;
    let environment = ProxyEnvironment {
        http: format!("http://{}", proxy.address),
        ..ProxyEnvironment::default()
    };
    let place = Place::with_proxies(environment);
    let configured = [
        format!(
            "proxy_url: 'http://{}', no_proxy: '10.0.0.1'",
            proxy.address
        ),
        // Without exceptions even this host is called through the proxy, as Go does it.
        format!("proxy_url: 'http://{}'", proxy.address),
        "proxy_from_environment: true".to_owned(),
        "follow_redirects: true".to_owned(),
    ];
    let mut seen = Vec::new();
    for http in &configured {
        let yaml = format!("url: {}\nhttp_config: {{{http}}}", sink.url("/"));
        seen.push(attempt(&place.webhook(&yaml).unwrap()).await);
    }
    let elsewhere = "url: http://receiver.example/\nhttp_config: {proxy_from_environment: true}";
    seen.push(attempt(&place.webhook(elsewhere).unwrap()).await);
    let by_proxy = "retry serverError unexpected status code 503";
    assert_eq!(
        seen,
        ["delivered", by_proxy, "delivered", "delivered", by_proxy]
    );
}
