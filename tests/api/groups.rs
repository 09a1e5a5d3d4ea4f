//! Which groups are shown, and in which order? (`http-api.md` §5.5.)

use std::sync::Arc;

use tocsin::api::Options;
use tocsin::api::backend::{ListedGroup, Quiet, Receiver};
use tocsin::model::LabelSet;
use tocsin::sys::WallTime;

use crate::memory::{Memory, NOW, Stored, Told, alert, ask, receiver, service, set, silenced};

const HEAD: &str = "content-type: application/json\ncache-control: no-store\nvary: Origin\n\n";

fn group(
    labels: &[(&str, &str)],
    receiver: &Receiver,
    alerts: Vec<(Stored, Quiet)>,
) -> ListedGroup<Stored> {
    ListedGroup {
        labels: LabelSet::new(labels.iter().copied()),
        receiver: receiver.clone(),
        route_labels: LabelSet::default(),
        muted_by: Arc::default(),
        alerts,
    }
}

fn quiet_free(labels: &[(&str, &str)]) -> (Stored, Quiet) {
    (alert(labels), Quiet::default())
}

fn filled() -> Arc<Memory> {
    let a = receiver("a", &[("owner", "x")]);
    let b = receiver("b", &[]);
    let shared = [("alertname", "X"), ("name", "shared")];
    let alerts = vec![
        quiet_free(&[("name", "neither"), ("z", "1")]),
        quiet_free(&[("name", "job-2"), ("job", "2")]),
        quiet_free(&[("name", "job-1-2"), ("job", "1"), ("instance", "2")]),
        quiet_free(&[("name", "job-1"), ("job", "1")]),
        quiet_free(&[("name", "job-1-1"), ("job", "1"), ("instance", "1")]),
        quiet_free(&[("name", "fewer")]),
    ];
    let mut ended = alert(&[("name", "ended")]);
    Arc::make_mut(&mut ended.alert).ends_at = WallTime(NOW.0 - 1);
    let mut muted = group(&[("alertname", "X")], &b, vec![quiet_free(&shared)]);
    muted.muted_by = Arc::from(["nights".into(), "weekends".into()]);
    muted.route_labels = LabelSet::new([("severity", "<high>")]);
    let groups = vec![
        group(&[("alertname", "X"), ("b", "1")], &a, alerts),
        muted,
        group(
            &[("alertname", "X")],
            &a,
            vec![
                quiet_free(&shared),
                (alert(&[("name", "quiet")]), silenced(&["id"])),
            ],
        ),
        group(&[("alertname", "A")], &b, vec![(ended, Quiet::default())]),
        group(&[("alertname", "<W>")], &b, vec![quiet_free(&shared)]),
    ];
    let backend = Arc::<Memory>::default();
    set(&backend.groups, groups);
    backend
}

/// Groups as `receiver labels: name name …`.
fn outline(told: &Told) -> Vec<String> {
    let body = told.0.split_once("\n\n").map_or("", |(_, body)| body);
    let groups: Vec<serde_json::Value> = serde_json::from_str(body).expect("a list");
    let text = |value: &serde_json::Value| value.as_str().unwrap_or_default().to_owned();
    let shown = groups.iter().map(|group| {
        let alerts = group["alerts"].as_array().expect("a list").iter();
        let names: Vec<String> = alerts.map(|it| text(&it["labels"]["name"])).collect();
        format!(
            "{} {}: {}",
            text(&group["receiver"]["name"]),
            group["labels"],
            names.join(" ")
        )
    });
    shown.collect()
}

#[tokio::test]
async fn groups_are_sorted_and_so_are_their_alerts() {
    let api = service(&filled(), Options::default());
    let told = ask(&api, "GET /api/v2/alerts/groups", &[], "").await;
    assert_eq!(
        outline(&told),
        [
            r#"b {"alertname":"<W>"}: shared"#,
            r#"a {"alertname":"X"}: quiet shared"#,
            r#"b {"alertname":"X"}: shared"#,
            r#"a {"alertname":"X","b":"1"}: job-1-1 job-1-2 job-1 job-2 fewer neither"#,
        ]
    );
}

#[tokio::test]
async fn a_muted_group_is_written_to_the_byte() {
    let api = service(&filled(), Options::default());
    let query = "GET /api/v2/alerts/groups?receiver=b&filter=name%3Dshared&silenced=false";
    let told = ask(&api, query, &[], "").await;
    let print = LabelSet::new([("alertname", "X"), ("name", "shared")]).fingerprint();
    let alert = |muted_by: &str, state: &str| {
        format!(
            "{{\"annotations\":{{}},\"endsAt\":\"2026-11-22T03:44:56.666Z\",\"fingerprint\":\"{print}\",\
             \"receivers\":[{{\"name\":\"b\"}},{{\"name\":\"b\"}}],\"startsAt\":\"2026-11-22T03:39:56.666Z\",\
             \"status\":{{\"inhibitedBy\":[],\"mutedBy\":[{muted_by}],\"silencedBy\":[],\"state\":\"{state}\"}},\
             \"updatedAt\":\"2026-11-22T03:39:56.666Z\",\"labels\":{{\"alertname\":\"X\",\"name\":\"shared\"}}}}"
        )
    };
    let groups = [
        format!(
            "{{\"alerts\":[{}],\"labels\":{{\"alertname\":\"<W>\"}},\"receiver\":{{\"name\":\"b\"}},\"routeLabels\":{{}}}}",
            alert("", "active")
        ),
        format!(
            "{{\"alerts\":[{}],\"labels\":{{\"alertname\":\"X\"}},\"receiver\":{{\"name\":\"b\"}},\
             \"routeLabels\":{{\"severity\":\"<high>\"}}}}",
            alert("\"nights\",\"weekends\"", "suppressed")
        ),
    ];
    assert_eq!(told.0, format!("200\n{HEAD}[{}]\n", groups.join(",")));
}

#[tokio::test]
async fn queries_choose_among_groups() {
    let api = service(&filled(), Options::default());
    let mut told = Vec::new();
    for query in [
        "muted=false",
        "receiver=b&muted=false",
        "receiver_matchers=owner%3Dx&filter=job!%3D%22%22",
        "active=false",
        "silenced=false&receiver=a&filter=alertname%3DX",
        "filter=name%3Dnone",
    ] {
        let answer = ask(&api, &format!("GET /api/v2/alerts/groups?{query}"), &[], "").await;
        told.push(outline(&answer));
    }
    assert_eq!(
        told,
        [
            vec![
                r#"b {"alertname":"<W>"}: shared"#,
                r#"a {"alertname":"X"}: quiet shared"#,
                r#"a {"alertname":"X","b":"1"}: job-1-1 job-1-2 job-1 job-2 fewer neither"#,
            ],
            vec![r#"b {"alertname":"<W>"}: shared"#],
            vec![r#"a {"alertname":"X","b":"1"}: job-1-1 job-1-2 job-1 job-2"#],
            vec![r#"a {"alertname":"X"}: quiet"#],
            vec![r#"a {"alertname":"X"}: shared"#],
            vec![],
        ]
    );
}

#[tokio::test]
async fn an_alert_names_the_receivers_of_all_shown_groups_that_hold_it() {
    let api = service(&filled(), Options::default());
    let mut told = Vec::new();
    for query in ["", "?receiver=a", "?muted=false"] {
        let answer = ask(&api, &format!("GET /api/v2/alerts/groups{query}"), &[], "").await;
        let body = answer.0.split_once("\n\n").map_or("", |(_, body)| body);
        let groups: Vec<serde_json::Value> = serde_json::from_str(body).expect("a list");
        let mut alerts = groups
            .iter()
            .flat_map(|group| group["alerts"].as_array().expect("a list"));
        let shared = alerts
            .find(|it| it["labels"]["name"] == "shared")
            .expect("it is there");
        told.push(shared["receivers"].to_string());
    }
    assert_eq!(
        told,
        [
            r#"[{"name":"a"},{"name":"b"},{"name":"b"}]"#,
            r#"[{"name":"a"}]"#,
            // Groups that are not shown because they are muted count: upstream leaves them out later.
            r#"[{"name":"a"},{"name":"b"},{"name":"b"}]"#,
        ]
    );
}
