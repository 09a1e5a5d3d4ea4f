//! What do all operations of API v2 have in common? (`http-api.md` §4.) The texts were also seen in a
//! running Alertmanager 0.25.

use std::sync::Arc;

use tocsin::api::Options;

use crate::memory::{Memory, ask, post, service};

const JSON: (&str, &str) = ("content-type", "application/json");

#[tokio::test]
async fn what_is_nowhere_or_has_another_method_is_refused_in_json() {
    let api = service(&Arc::default(), Options::default());
    let told = [
        ask(&api, "GET /api/v2/nosuch", &[], "").await,
        ask(&api, "GET /api/v2/", &[], "").await,
        ask(&api, "GET /api/v2/no%3Csuch", &[], "").await,
        ask(&api, "GET /api/v2/silence/", &[], "").await,
        ask(&api, "GET /api/v2/silence/a/b", &[], "").await,
        ask(&api, "PUT /api/v2/alerts", &[], "").await,
        ask(&api, "OPTIONS /api/v2/alerts", &[], "").await,
        ask(&api, "FOO /api/v2/silence/x", &[], "").await,
        ask(&api, "POST /api/v2/status", &[], "").await,
    ];
    let refused = |status: &str, allow: &str, body: &str| {
        let head = "content-type: application/json\ncache-control: no-store\nvary: Origin";
        format!("{status}{allow}\n{head}\n\n{body}")
    };
    let nowhere = |path: &str| {
        let body = format!(r#"{{"code":404,"message":"path {path} was not found"}}"#);
        refused("404", "", &body)
    };
    let method = |method: &str, allowed: &str| {
        let message = format!("method {method} is not allowed, but [{allowed}] are");
        let body = format!(r#"{{"code":405,"message":"{message}"}}"#);
        refused("405", &format!("\nallow: {allowed}"), &body)
    };
    assert_eq!(
        told.map(|told| told.0),
        [
            nowhere("/api/v2/nosuch"),
            nowhere("/api/v2/"),
            nowhere("/api/v2/no%3Csuch"),
            nowhere("/api/v2/silence/"),
            nowhere("/api/v2/silence/a/b"),
            method("PUT", "GET,POST"),
            method("OPTIONS", "GET,POST"),
            method("FOO", "DELETE,GET"),
            method("POST", "GET"),
        ]
    );
}

#[tokio::test]
async fn a_body_that_is_no_json_is_refused_before_it_is_read() {
    let api = service(&Arc::default(), Options::default());
    let body = |told: crate::memory::Told| {
        let (head, body) = told.0.split_once("\n\n").expect("a head and a body");
        format!("{} {body}", head.lines().next().unwrap_or_default())
    };
    let types = [
        "text/plain",
        "",
        "application/json; a",
        "a\"b/",
        "APPLICATION/json; charset=utf-8",
    ];
    let mut told = Vec::new();
    for media_type in types {
        let headers = [("content-type", media_type)];
        told.push(body(ask(&api, "POST /api/v2/alerts", &headers, "[]").await));
    }
    told.push(body(ask(&api, "POST /api/v2/alerts", &[], "[]").await));
    told.push(body(
        ask(
            &api,
            "GET /api/v2/alerts",
            &[("content-type", "text/plain")],
            "x",
        )
        .await,
    ));
    let unsupported = |media_type: &str| {
        let message = format!(
            r#"unsupported media type \"{media_type}\", only [application/json] are allowed"#
        );
        format!(r#"415 {{"code":415,"message":"{message}"}}"#)
    };
    let unparsed = |header: &str, why: &str| {
        let message =
            format!(r#"parsing Content-Type header from \"{header}\" failed, because {why}"#);
        format!(r#"400 {{"code":400,"message":"{message}"}}"#)
    };
    assert_eq!(
        told,
        [
            unsupported("text/plain"),
            unsupported("application/octet-stream"),
            unparsed("application/json; a", "mime: invalid media parameter"),
            unparsed("a\\\\\\\"b/", "mime: expected slash after first token"),
            "200 ".to_owned(),
            unsupported("application/octet-stream"),
            unsupported("text/plain"),
        ]
    );
}

#[tokio::test]
async fn who_does_not_want_json_gets_406() {
    let api = service(&Arc::default(), Options::default());
    let wanted = [
        "text/html",
        "text/html, */*;q=0.1",
        "application/*",
        "APPLICATION/JSON",
        "application/json;q=0",
        "application/json;charset=utf-8",
        "",
        ",",
        "x",
        "application/json;q=x",
        "text/html;q=1, application/json;q=0.5",
    ];
    let mut told = Vec::new();
    for accept in wanted {
        let answer = ask(&api, "GET /api/v2/receivers", &[("accept", accept)], "").await;
        told.push(answer.0.get(..3).unwrap_or_default().to_owned());
    }
    let refusal = ask(&api, "GET /api/v2/receivers", &[("accept", "x")], "").await;
    told.push(refusal.0);
    assert_eq!(
        told,
        [
            "406",
            "200",
            "200",
            "406",
            "406",
            "200",
            "200",
            "200",
            "406",
            "200",
            "200",
            "406\ncontent-type: application/json\ncache-control: no-store\nvary: Origin\n\n\
             {\"code\":406,\"message\":\"unsupported media type requested, only [application/json] are available\"}",
        ]
    );
}

#[tokio::test]
async fn pages_of_other_origins_may_read_and_post() {
    let api = service(&Arc::default(), Options::default());
    let origin = ("origin", "http://o");
    let ask_for = |method| ("access-control-request-method", method);
    let headers = |names| ("access-control-request-headers", names);
    let told = [
        ask(&api, "GET /api/v2/receivers", &[origin], "").await,
        ask(&api, "DELETE /api/v2/silence/x", &[origin], "").await,
        ask(
            &api,
            "OPTIONS /api/v2/alerts",
            &[origin, ask_for("POST"), headers("accept,content-type")],
            "",
        )
        .await,
        ask(
            &api,
            "OPTIONS /api/v2/alerts",
            &[origin, ask_for("DELETE")],
            "",
        )
        .await,
        ask(
            &api,
            "OPTIONS /api/v2/alerts",
            &[origin, ask_for("POST"), headers("content-type,accept")],
            "",
        )
        .await,
        ask(&api, "OPTIONS /api/v2/nosuch", &[ask_for("GET")], "").await,
    ];
    let vary =
        "vary: Origin, Access-Control-Request-Method, Access-Control-Request-Headers".to_owned();
    let denied = format!("204\n{vary}\n\n");
    assert_eq!(
        told.map(|told| told.0),
        [
            "200\ncontent-type: application/json\ncache-control: no-store\nvary: Origin\n\
             access-control-allow-origin: *\n\n[]\n"
                .to_owned(),
            "422\ncontent-type: application/json\ncache-control: no-store\nvary: Origin\n\n\
             {\"code\":601,\"message\":\"silenceID in path must be of type uuid: \\\"x\\\"\"}"
                .to_owned(),
            format!(
                "204\n{vary}\naccess-control-allow-origin: *\naccess-control-allow-methods: POST\n\
                 access-control-allow-headers: accept,content-type\n\n"
            ),
            denied.clone(),
            denied.clone(),
            denied,
        ]
    );
}

#[tokio::test]
async fn a_body_is_wanted_where_something_is_posted() {
    let api = service(&Arc::default(), Options::default());
    let told = [
        ask(&api, "POST /api/v2/alerts", &[JSON], "").await,
        ask(&api, "POST /api/v2/silences", &[], "").await,
        post(&api, "/api/v2/alerts", " \n").await,
        post(&api, "/api/v2/silences", " ").await,
    ];
    let head = "422\ncontent-type: application/json\ncache-control: no-store\nvary: Origin\n\n";
    let required =
        |what: &str| format!("{head}{{\"code\":602,\"message\":\"{what} in body is required\"}}");
    assert_eq!(
        told.map(|told| told.0),
        [
            required("alerts"),
            required("silence"),
            required("alerts"),
            required("silence")
        ]
    );
}

#[tokio::test]
async fn what_does_not_parse_is_refused_in_go_s_words() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let mut told = Vec::new();
    for body in [
        "<",
        "[{\"labels\":5}]",
        "{}",
        "[{\"labels\":{\"a\":\"b\"},\"startsAt\":\"x\"}]",
    ] {
        told.push(post(&api, "/api/v2/alerts", body).await.0);
    }
    told.push(
        post(&api, "/api/v2/silences", "{\"matchers\":[{\"name\":5}]}")
            .await
            .0,
    );
    let head = "400\ncontent-type: application/json\ncache-control: no-store\nvary: Origin\n\n";
    let because = |what: &str, why: &str| {
        let message = format!(r#"parsing {what} body from \"\" failed, because {why}"#);
        format!(r#"{head}{{"code":400,"message":"{message}"}}"#)
    };
    let field = "json: cannot unmarshal number into Go struct field";
    assert_eq!(
        (told, backend.stored()),
        (
            vec![
                because(
                    "alerts",
                    r"invalid character '\u003c' looking for beginning of value"
                ),
                because(
                    "alerts",
                    &format!("{field} Alert.labels of type models.LabelSet")
                ),
                because(
                    "alerts",
                    "json: cannot unmarshal object into Go value of type models.PostableAlerts"
                ),
                because(
                    "alerts",
                    r#"parsing time \"x\" as \"2006-01-02\": cannot parse \"x\" as \"2006\""#
                ),
                because(
                    "silence",
                    &format!("{field} Matcher.matchers.name of type string")
                ),
            ],
            Vec::new()
        )
    );
}
