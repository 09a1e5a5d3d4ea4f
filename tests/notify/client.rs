//! What a client shows of who sends a request, and to whom.

use std::collections::BTreeMap;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{KeyPair, RSA_PKCS1_2048_8192_SHA256, RsaKeyPair, UnparsedPublicKey};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;

use crate::files::Place;
use crate::sink::{Reply, Sink, redirect, say};
use crate::webhook::attempt;

/// The headers of that name, request by request.
fn shown(sink: &Sink, name: &str) -> Vec<Vec<String>> {
    let got = sink.got();
    got.into_iter()
        .map(|mut got| got.headers.remove(name).unwrap_or_default())
        .collect()
}

#[tokio::test]
async fn credentials_are_read_anew_for_every_request() {
    let sink = Sink::start(&[say(200)]).await;
    let place = Place::new();
    place.files.put("/token", " one\n");
    let configured = [
        "authorization: {credentials: x}",
        "authorization: {type: Token, credentials_file: /token}",
        "bearer_token: y",
        "basic_auth: {username: u, password: p}",
        "basic_auth: {username_file: /token, password_file: /token}",
        "follow_redirects: true",
    ];
    let mut seen = Vec::new();
    for http in configured {
        let yaml = format!("url: {}\nhttp_config:\n  {http}", sink.url("/"));
        let webhook = place.webhook(&yaml).unwrap();
        seen.push(attempt(&webhook).await);
        place.files.put("/token", "two");
    }
    let by_url = format!("url: http://u:p%40@{}/", sink.address);
    seen.push(attempt(&place.webhook(&by_url).unwrap()).await);
    let expected = [
        &["Bearer x"][..],
        &["Token two"],
        &["Bearer y"],
        &["Basic dTpw"],
        &["Basic dHdvOnR3bw=="],
        &[],
        &["Basic dTpwQA=="],
    ];
    assert_eq!(
        (seen, shown(&sink, "authorization")),
        (
            vec!["delivered".to_owned(); 7],
            expected
                .map(|all| all.iter().map(|&one| one.to_owned()).collect())
                .to_vec()
        )
    );
}

#[tokio::test]
async fn one_client_sees_a_changed_file() {
    let sink = Sink::start(&[say(200)]).await;
    let place = Place::new();
    let yaml = format!(
        "url: {}\nhttp_config:\n  authorization: {{credentials_file: /token}}\n  http_headers: {{X-A: {{values: [v, w], secrets: [s], files: [/token]}}}}",
        sink.url("/")
    );
    let webhook = place.webhook(&yaml).unwrap();
    let mut seen = Vec::new();
    for token in ["one", "two"] {
        place.files.put("/token", token);
        seen.push(attempt(&webhook).await);
    }
    let missing = Place::new();
    seen.push(attempt(&missing.webhook(&yaml).unwrap()).await);
    let list = |values: &[&str]| {
        values
            .iter()
            .map(|&value| value.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (
            seen,
            shown(&sink, "authorization"),
            shown(&sink, "x-a"),
            sink.connections()
        ),
        (
            list(&[
                "delivered",
                "delivered",
                "retry other Post \"<redacted>\": unable to read headers file /token: open /token: no such file or directory",
            ]),
            vec![list(&["Bearer one"]), list(&["Bearer two"])],
            vec![list(&["v", "w", "s", "one"]), list(&["v", "w", "s", "two"])],
            1
        )
    );
}

#[tokio::test]
async fn after_a_redirect_to_another_host_secrets_stay_at_home() {
    let there = Sink::start(&[redirect(307, "/again".to_owned()), say(200)]).await;
    let elsewhere = format!("http://localhost:{}/there", there.address.port());
    let here = Sink::start(&[redirect(307, "/here".to_owned()), redirect(307, elsewhere)]).await;
    let yaml = format!(
        "url: {}\nhttp_config:\n  authorization: {{credentials: c}}\n  http_headers: {{X-A: {{values: [v], secrets: [s]}}}}",
        here.url("/")
    );
    let seen = attempt(&Place::new().webhook(&yaml).unwrap()).await;
    let all = |sink: &Sink| (shown(sink, "authorization"), shown(sink, "x-a"));
    let list = |values: &[&str]| {
        values
            .iter()
            .map(|&value| value.to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(
        (seen.as_str(), all(&here), all(&there)),
        (
            "delivered",
            (vec![list(&["Bearer c"]); 2], vec![list(&["v", "s"]); 2]),
            (vec![list(&[]); 2], vec![list(&["v"]); 2])
        )
    );
}

#[tokio::test]
async fn what_cannot_be_used_is_refused_when_the_client_is_made() {
    let place = Place::new();
    let configured = [
        "authorization: {credentials_ref: r}",
        "basic_auth: {username_ref: r}",
        "basic_auth: {password_ref: r}",
        "oauth2: {client_id: c, token_url: 'http://t', client_secret_ref: r}",
        "tls_config: {ca_ref: r}",
        "tls_config: {ca_file: /missing}",
        "tls_config: {ca: none}",
        "tls_config: {cert: none, key: none}",
        "tls_config: {min_version: TLS13, max_version: TLS12}",
        "tls_config: {max_version: TLS11}",
        "tls_config: {server_name: 'no name'}",
        "proxy_url: 'ftp://u:secret@p'",
    ];
    let seen = configured.map(|http| {
        let yaml = format!("url: http://h/\nhttp_config:\n  {http}");
        place
            .webhook(&yaml)
            .map_or_else(|error| error, |_| "made".to_owned())
    });
    let expected = [
        "unable to use credentials: cannot use secret ref without manager",
        "unable to use username: cannot use secret ref without manager",
        "unable to use password: cannot use secret ref without manager",
        "unable to use client secret: cannot use secret ref without manager",
        "unable to use CA cert: cannot use secret ref without manager",
        "unable to read CA cert: unable to read file /missing: open /missing: no such file or directory",
        "unable to use specified CA cert inline",
        "unable to use specified client cert (inline) & key (inline): no items found",
        "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified",
        "tls_config.max_version is below TLS12, and no version below it is supported",
        "tls_config.server_name \"no name\": invalid dns name",
        "invalid proxy address: the scheme is not http, https, socks5 or socks5h",
    ];
    assert_eq!(seen, expected);
}

fn granted(token: &'static str) -> Reply {
    Reply::Say(200, Vec::new(), token)
}

#[tokio::test]
async fn a_token_is_fetched_once_and_again_when_the_secret_changes() {
    let sink = Sink::start(&[say(200)]).await;
    let tokens = Sink::start(&[
        granted(r#"{"access_token":"t1","token_type":"bearer","expires_in":3600}"#),
        granted(r#"{"access_token":"t2"}"#),
    ])
    .await;
    let place = Place::new();
    place.files.put("/secret", "s&1\n");
    let yaml = format!(
        "url: {}\nhttp_config:\n  oauth2:\n    client_id: c\n    client_secret_file: /secret\n    token_url: {}\n    scopes: [a, b]\n    endpoint_params: {{audience: x}}",
        sink.url("/"),
        tokens.url("/token")
    );
    let webhook = place.webhook(&yaml).unwrap();
    let mut seen = vec![attempt(&webhook).await, attempt(&webhook).await];
    place.files.put("/secret", "s2");
    seen.push(attempt(&webhook).await);
    let asked: Vec<_> = tokens
        .got()
        .into_iter()
        .map(|got| (got.header("authorization").map(str::to_owned), got.body))
        .collect();
    let form = "audience=x&grant_type=client_credentials&scope=a+b";
    // c:s%261 and c:s2
    let basic = |text: &str| Some(format!("Basic {text}"));
    assert_eq!(
        (seen, shown(&sink, "authorization"), asked),
        (
            vec!["delivered".to_owned(); 3],
            ["Bearer t1", "Bearer t1", "Bearer t2"]
                .map(|one| vec![one.to_owned()])
                .to_vec(),
            vec![
                (basic("YzpzJTI2MQ=="), form.to_owned()),
                (basic("YzpzMg=="), form.to_owned()),
            ]
        )
    );
}

#[tokio::test]
async fn a_server_of_tokens_that_wants_the_secret_in_the_body_gets_it_there() {
    let sink = Sink::start(&[say(200)]).await;
    let tokens = Sink::start(&[say(401), granted(r#"{"access_token":"t"}"#)]).await;
    let refusing = Sink::start(&[Reply::Say(
        400,
        Vec::new(),
        r#"{"error":"invalid_client","secret":"s"}"#,
    )])
    .await;
    let mut seen = Vec::new();
    for server in [&tokens, &refusing] {
        let yaml = format!(
            "url: {}\nhttp_config:\n  oauth2: {{client_id: c, client_secret: s, token_url: '{}'}}",
            sink.url("/"),
            server.url("/")
        );
        seen.push(attempt(&Place::new().webhook(&yaml).unwrap()).await);
    }
    let bodies: Vec<_> = tokens.got().into_iter().map(|got| got.body).collect();
    assert_eq!(
        (seen, bodies),
        (
            vec![
                "delivered".to_owned(),
                "retry other Post \"<redacted>\": oauth2: \"invalid_client\" \"\"".to_owned(),
            ],
            vec![
                "grant_type=client_credentials".to_owned(),
                "client_id=c&client_secret=s&grant_type=client_credentials".to_owned(),
            ]
        )
    );
}

#[tokio::test]
async fn an_assertion_says_who_we_are_and_is_signed() {
    const KEY: &str = include_str!("rsa.pem");
    let sink = Sink::start(&[say(200)]).await;
    let tokens = Sink::start(&[granted(r#"{"access_token":"t"}"#)]).await;
    let place = Place::new();
    place.files.put("/key", KEY);
    let yaml = format!(
        "url: {}\nhttp_config:\n  oauth2:\n    client_id: c\n    client_certificate_key_file: /key\n    client_certificate_key_id: k\n    grant_type: urn:ietf:params:oauth:grant-type:jwt-bearer\n    token_url: {}\n    scopes: [a, b]\n    claims: {{extra: 1, aud: other}}",
        sink.url("/"),
        tokens.url("/")
    );
    let seen = attempt(&place.webhook(&yaml).unwrap()).await;
    let body = tokens.got()[0].body.clone();
    let (assertion, form) = body
        .strip_prefix("assertion=")
        .unwrap()
        .split_once('&')
        .unwrap();
    let parts: Vec<_> = assertion.split('.').collect();
    let json = |part: &str| -> BTreeMap<String, serde_json::Value> {
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).unwrap()).unwrap()
    };
    let mut claims = json(parts[1]);
    let id = claims
        .remove("jti")
        .and_then(|id| id.as_str().map(str::len));
    let key = match PrivateKeyDer::from_pem_slice(KEY.as_bytes()) {
        Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).unwrap(),
        _ => panic!("the key is PKCS #8"),
    };
    let public = UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, key.public_key().as_ref());
    let signed = format!("{}.{}", parts[0], parts[1]);
    let signature = URL_SAFE_NO_PAD.decode(parts[2]).unwrap();
    let is_signed = public.verify(signed.as_bytes(), &signature).is_ok();
    let expected = serde_json::json!({
        "iss": "c", "sub": "c", "aud": "other", "extra": 1, "scope": "a b",
        "iat": 1_767_323_045, "exp": 1_767_323_645,
    });
    assert_eq!(
        (
            seen.as_str(),
            is_signed,
            id,
            json(parts[0]),
            serde_json::to_value(claims).unwrap(),
            form
        ),
        (
            "delivered",
            true,
            Some(36),
            BTreeMap::from([
                ("alg".to_owned(), "RS256".into()),
                ("kid".to_owned(), "k".into()),
                ("typ".to_owned(), "JWT".into()),
            ]),
            expected,
            "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Ajwt-bearer"
        )
    );
}
