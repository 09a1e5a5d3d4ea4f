//! What is told about the process and its receivers? (`http-api.md` §5.1, §5.2.)

use std::sync::Arc;

use tocsin::api::Options;
use tocsin::api::backend::Cluster;

use crate::memory::{Memory, ask, receiver, service, set};

const HEAD: &str = "content-type: application/json\ncache-control: no-store\nvary: Origin\n\n";

#[tokio::test]
async fn receivers_are_listed_as_configured_and_chosen_by_their_labels() {
    let backend = Arc::<Memory>::default();
    set(
        &backend.receivers,
        Arc::from([
            receiver("z", &[]),
            receiver("a<", &[("owner", "x"), ("b", "&")]),
        ]),
    );
    let api = service(&backend, Options::default());
    let told = [
        ask(&api, "GET /api/v2/receivers", &[], "").await.0,
        ask(&api, "GET /api/v2/receivers/", &[], "").await.0,
        ask(
            &api,
            "GET /api/v2/receivers?receiver_matchers=owner%3Dx&receiver_matchers=b!%3D1",
            &[],
            "",
        )
        .await
        .0,
        ask(&api, "GET /api/v2/receivers?receiver_matchers=foo", &[], "")
            .await
            .0,
    ];
    let a = "{\"labels\":{\"b\":\"&\",\"owner\":\"x\"},\"name\":\"a<\"}";
    let all = format!("200\n{HEAD}[{{\"name\":\"z\"}},{a}]\n");
    assert_eq!(
        told,
        [
            all.clone(),
            all,
            format!("200\n{HEAD}[{a}]\n"),
            format!(
                "400\n{HEAD}\"failed to parse receiver_matchers param: bad matcher format: foo\"\n"
            ),
        ]
    );
}

#[tokio::test]
async fn the_status_tells_of_the_cluster_the_configuration_and_the_build() {
    let backend = Arc::<Memory>::default();
    let api = service(&backend, Options::default());
    let alone = ask(&api, "GET /api/v2/status", &[], "").await.0;
    set(
        &backend.cluster,
        Cluster::Member {
            name: "01H".to_owned(),
            is_settling: true,
            peers: vec![("01H".to_owned(), "10.0.0.1:9094".to_owned())],
        },
    );
    let member = ask(&api, "GET /api/v2/status", &[], "").await.0;
    let rest = "\"config\":{\"original\":\"route:\\n  receiver: \\\"<x>\\\"\\n\"},\
        \"uptime\":\"2026-11-22T03:39:56.666Z\",\"versionInfo\":{\"branch\":\"HEAD\",\
        \"buildDate\":\"20260816-12:00:00\",\"buildUser\":\"root@host\",\"goVersion\":\"rust1.95\",\
        \"revision\":\"r\",\"version\":\"0.34.0\"}}\n";
    assert_eq!(
        [alone, member],
        [
            format!("200\n{HEAD}{{\"cluster\":{{\"peers\":[],\"status\":\"disabled\"}},{rest}"),
            format!(
                "200\n{HEAD}{{\"cluster\":{{\"name\":\"01H\",\"peers\":[{{\"address\":\"10.0.0.1:9094\",\
                 \"name\":\"01H\"}}],\"status\":\"settling\"}},{rest}"
            ),
        ]
    );
}
