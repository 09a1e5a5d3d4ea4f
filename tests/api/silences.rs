//! How are silences made, shown and ended? (`http-api.md` §5.6 to §5.8.)

use std::sync::Arc;

use tocsin::api::Options;
use tocsin::api::backend::Silence;
use tocsin::model::{LabelSet, Matchers, Mode};
use tocsin::sys::WallTime;

use crate::memory::{Memory, NOW, ask, post, service, set, unavailable};

const HEAD: &str = "content-type: application/json\ncache-control: no-store\nvary: Origin\n\n";
const BARE: &str = "cache-control: no-store\nvary: Origin\n\n";

const HOUR_NS: i64 = 3_600_000_000_000;

/// A silence from and to these hours after [`NOW`].
fn silence(number: u32, from_h: i64, to_h: i64, matchers: &str) -> Silence {
    let matchers = Mode::Utf8Strict
        .parse_matchers(matchers)
        .expect("matchers")
        .value;
    Silence {
        id: format!("00000000-0000-4000-8000-{number:012}"),
        matcher_sets: if matchers.is_empty() {
            vec![]
        } else {
            vec![matchers]
        },
        starts_at: WallTime(NOW.0 + from_h * HOUR_NS),
        ends_at: WallTime(NOW.0 + to_h * HOUR_NS),
        updated_at: NOW,
        created_by: "<me>".to_owned(),
        comment: "c".to_owned(),
        annotations: LabelSet::default(),
    }
}

fn filled(silences: Vec<Silence>) -> Arc<Memory> {
    let backend = Arc::<Memory>::default();
    set(
        &backend.silences,
        silences.into_iter().map(Arc::new).collect(),
    );
    backend
}

#[tokio::test]
async fn a_silence_is_made_and_shown() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let body = r#"{"createdBy":"<me>","comment":"&","startsAt":"2027-01-01T00:00:00+01:00",
        "endsAt":"2028-01-01T00:00:00.1239Z","annotations":{"t":"1"},
        "matchers":[{"name":"a","value":"<b>","isRegex":false},
                    {"name":"b","value":"x.*","isRegex":true,"isEqual":false}]}"#;
    let made = post(&api, "/api/v2/silences", body).await;
    let path = "/api/v2/silence/00000000-0000-4000-8000-000000000000";
    let one = ask(&api, &format!("GET {path}"), &[], "").await;
    let all = ask(&api, "GET /api/v2/silences", &[], "").await;
    let shown = "{\"id\":\"00000000-0000-4000-8000-000000000000\",\"status\":{\"state\":\"pending\"},\
        \"updatedAt\":\"2026-11-22T03:39:56.666Z\",\"annotations\":{\"t\":\"1\"},\"comment\":\"\\u0026\",\
        \"createdBy\":\"\\u003cme\\u003e\",\"endsAt\":\"2028-01-01T00:00:00.123Z\",\
        \"matchers\":[{\"isEqual\":true,\"isRegex\":false,\"name\":\"a\",\"value\":\"\\u003cb\\u003e\"},\
        {\"isEqual\":false,\"isRegex\":true,\"name\":\"b\",\"value\":\"x.*\"}],\
        \"startsAt\":\"2026-12-31T23:00:00.000Z\"}";
    assert_eq!(
        [made.0, one.0, all.0],
        [
            format!("200\n{HEAD}{{\"silenceID\":\"00000000-0000-4000-8000-000000000000\"}}\n"),
            format!("200\n{HEAD}{shown}\n"),
            format!("200\n{HEAD}[{shown}]\n"),
        ]
    );
}

#[tokio::test]
async fn a_silence_that_says_too_little_is_refused_by_the_first_thing_missing() {
    let api = service(&Arc::default(), Options::default());
    let head = r#""comment":"","createdBy":"","endsAt":"2030-01-01""#;
    let bodies = [
        "null".to_owned(),
        r#"{"comment":""}"#.to_owned(),
        r#"{"comment":"","createdBy":""}"#.to_owned(),
        format!("{{{head}}}"),
        format!("{{{head},\"matchers\":[]}}"),
        format!("{{{head},\"matchers\":[{{}}]}}"),
        format!("{{{head},\"matchers\":[{{\"isRegex\":true}}]}}"),
        format!("{{{head},\"matchers\":[{{\"isRegex\":true,\"name\":\"\"}}]}}"),
        format!("{{{head},\"matchers\":[null]}}"),
        format!("{{{head},\"matchers\":[{{\"isRegex\":true,\"name\":\"\",\"value\":\"\"}}]}}"),
    ];
    let mut told = Vec::new();
    for body in &bodies {
        told.push(
            post(&api, "/api/v2/silences", body)
                .await
                .0
                .replace(HEAD, ""),
        );
    }
    let required =
        |what: &str| format!("422\n{{\"code\":602,\"message\":\"{what} in body is required\"}}");
    let nested = |what: &str| format!("422\n{{\"code\":602,\"message\":\"{what} is required\"}}");
    assert_eq!(
        told,
        [
            required("comment"),
            required("createdBy"),
            required("endsAt"),
            required("matchers"),
            "422\n{\"code\":612,\"message\":\"matchers in body should have at least 1 items\"}"
                .to_owned(),
            nested("matchers.0.isRegex in body"),
            nested("matchers.0.name in body"),
            nested("matchers.0.value in body"),
            nested("matchers.0 in body"),
            required("startsAt"),
        ]
    );
}

#[tokio::test]
async fn a_silence_that_makes_no_sense_is_refused_in_upstream_s_words() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let make = |id: &str, from: &str, to: &str, matcher: &str| {
        format!(
            r#"{{"id":"{id}","comment":"","createdBy":"","startsAt":"{from}","endsAt":"{to}","matchers":[{matcher}]}}"#
        )
    };
    let plain = r#"{"name":"a","value":"b","isRegex":false}"#;
    let bodies = [
        make("", "2030-01-01", "2030-01-01", plain),
        make("", "2020-01-01", "2021-01-01", plain),
        make(
            "",
            "2020-01-01",
            "2030-01-01",
            r#"{"name":"","value":"b","isRegex":false}"#,
        ),
        make(
            "",
            "2020-01-01",
            "2030-01-01",
            &format!("{plain},{{\"name\":\"a\",\"value\":\"(\",\"isRegex\":true}}"),
        ),
        make(
            "",
            "2020-01-01",
            "2030-01-01",
            r#"{"name":"a","value":"a)|(b","isRegex":true}"#,
        ),
        make(
            "",
            "2020-01-01",
            "2030-01-01",
            r#"{"name":"a","value":"","isRegex":false},{"name":"b","value":".*","isRegex":true}"#,
        ),
        make("nope", "2020-01-01", "2030-01-01", plain),
        make(
            "",
            "0001-01-01T00:00:00Z",
            "2030-01-01",
            r#"{"name":"a","value":"","isRegex":false,"isEqual":false}"#,
        ),
    ];
    let mut told = Vec::new();
    for body in &bodies {
        told.push(
            post(&api, "/api/v2/silences", body)
                .await
                .0
                .replace(HEAD, ""),
        );
    }
    set(&backend.refusal, Some(unavailable()));
    told.push(
        post(
            &api,
            "/api/v2/silences",
            bodies.last().expect("there are some"),
        )
        .await
        .0
        .replace(HEAD, ""),
    );
    let set_0 = "400\n\"invalid silence: invalid label matcher";
    assert_eq!(
        told,
        [
            "400\n\"Failed to create silence: start time must be before end time\"\n".to_owned(),
            "400\n\"Failed to create silence: end time can't be in the past\"\n".to_owned(),
            format!("{set_0} 0 in set 0: invalid label name \\\"\\\"\"\n"),
            format!(
                "{set_0} 1 in set 0: invalid regular expression \\\"(\\\": error parsing regexp: missing closing ): `(`\"\n"
            ),
            format!(
                "{set_0} 0 in set 0: invalid regular expression \\\"a)|(b\\\": error parsing regexp: unexpected ): `a)|(b`\"\n"
            ),
            "400\n\"invalid silence: matcher set 0: at least one matcher must not match the empty string\"\n"
                .to_owned(),
            "404\n\"silence not found\"\n".to_owned(),
            "200\n{\"silenceID\":\"00000000-0000-4000-8000-000000000000\"}\n".to_owned(),
            "503\n\"the log is closed\"\n".to_owned(),
        ]
    );
}

#[tokio::test]
async fn silences_are_listed_by_state_and_time() {
    let backend = filled(vec![
        silence(1, -9, -2, "a=b"),
        silence(2, 2, 9, "a=b"),
        silence(3, -1, 5, "a=b,c=~d"),
        silence(4, -9, -1, "a=b"),
        silence(5, 1, 9, "a=~b"),
        silence(6, -1, 0, "a=b"),
        silence(7, 0, 1, ""),
    ]);
    let api = service(&backend, Options::default());
    let mut told = Vec::new();
    for query in [
        "",
        "?active=false",
        "?expired=false&pending=no",
        "?active=false&expired=false&pending=false",
        "?filter=a%3Db",
        "?filter=a%3Db&filter=c%3D~d",
        "?filter=foo",
    ] {
        let answer = ask(&api, &format!("GET /api/v2/silences{query}"), &[], "").await;
        let ids = answer
            .0
            .split("\"id\":\"00000000-0000-4000-8000-00000000000")
            .skip(1);
        let ids: Vec<&str> = ids.filter_map(|rest| rest.get(..1)).collect();
        told.push(format!(
            "{} {query} {}",
            answer.0.get(..3).unwrap_or_default(),
            ids.join("")
        ));
    }
    assert_eq!(
        told,
        [
            "200  7352641",
            "200 ?active=false 52641",
            "200 ?expired=false&pending=no 73",
            "200 ?active=false&expired=false&pending=false ",
            "200 ?filter=a%3Db 32641",
            "200 ?filter=a%3Db&filter=c%3D~d 3",
            "400 ?filter=foo ",
        ]
    );
}

#[tokio::test]
async fn a_silence_of_several_sets_cannot_be_shown() {
    let mut several = silence(1, 0, 1, "a=b");
    several.matcher_sets.push(Matchers::default());
    let api = service(&filled(vec![several]), Options::default());
    let told = [
        ask(&api, "GET /api/v2/silences", &[], "").await.0,
        ask(
            &api,
            "GET /api/v2/silence/00000000-0000-4000-8000-000000000001",
            &[],
            "",
        )
        .await
        .0,
    ];
    let refused = format!(
        "500\n{HEAD}\"silence '00000000-0000-4000-8000-000000000001' has multiple matcher sets which is \
         not supported by this API version\"\n"
    );
    assert_eq!(told, [refused.clone(), refused]);
}

#[tokio::test]
async fn a_silence_is_named_by_its_id_as_it_stands() {
    let api = service(&filled(vec![silence(1, 0, 1, "a=b")]), Options::default());
    let id = "00000000-0000-4000-8000-000000000001";
    let bare = id.replace('-', "");
    let mut told = Vec::new();
    for (method, id) in [
        ("DELETE", id.to_owned()),
        ("DELETE", "77d9a120-080a-4924-b799-0a36a4521072".to_owned()),
        ("GET", "77D9A120-080a-4924-b799-0a36a4521072".to_owned()),
        ("GET", bare),
        ("GET", format!("urn:uuid:{id}")),
        ("GET", format!("URN:UUID:{id}")),
        ("GET", format!("%7b{id}%7d")),
        ("GET", "f%3Co".to_owned()),
        ("DELETE", format!("{id}0")),
    ] {
        told.push(
            ask(&api, &format!("{method} /api/v2/silence/{id}"), &[], "")
                .await
                .0,
        );
    }
    let missing = format!("404\n{BARE}");
    let no_uuid = |id: &str| {
        let message = format!(r#"silenceID in path must be of type uuid: \"{id}\""#);
        format!("422\n{HEAD}{{\"code\":601,\"message\":\"{message}\"}}")
    };
    assert_eq!(
        told,
        [
            format!("200\n{BARE}"),
            missing.clone(),
            missing.clone(),
            missing.clone(),
            missing.clone(),
            missing.clone(),
            missing,
            no_uuid("f\\u003co"),
            no_uuid(&format!("{id}0")),
        ]
    );
}
