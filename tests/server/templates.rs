//! Templates that would never end.

use std::fs;

use serde_json::Value;

use crate::support::{Place, Sink};

/// Loops, recursion, and output without end, in the labels of a route, which are templates.
const TEMPLATES: &str = r#"
{{ define "recursion" }}{{ template "recursion" . }}{{ end }}
{{ define "doubling" }}{{ template "doubling" (print . .) }}{{ end }}
{{ define "inner" }}{{ range .Alerts }}{{ range $.Alerts }}{{ template "recursion" $ }}{{ end }}{{ end }}{{ end }}
"#;

#[test]
fn a_template_without_end_is_stopped_and_the_notification_is_sent_without_it() {
    let sink = Sink::start();
    let place = Place::new(&format!(
        "templates: ['*.tmpl']
route:
  receiver: hook
  group_wait: 0s
  labels:
    good: '{{{{ .GroupLabels.SortedPairs | len }}}}'
    recursion: '{{{{ template \"recursion\" . }}}}'
    doubling: '{{{{ template \"doubling\" \"x\" }}}}'
    inner: '{{{{ template \"inner\" . }}}}'
receivers:
- name: hook
  webhook_configs:
  - url: {}
",
        sink.url("/")
    ));
    fs::write(place.path("without_end.tmpl"), TEMPLATES).unwrap();
    let server = place.start();
    server.fire(&["A", "B"]);
    let got = sink.wait_for(1);
    let body: Value = serde_json::from_str(&got[0].body).unwrap();
    let labels = body["routeLabels"].to_string();
    let log = server.log();
    let failed = ["doubling", "inner", "recursion"].map(|label| {
        let lines = log.lines();
        lines
            .filter(|line| line.contains("failed to render route label"))
            .any(|line| line.contains(&format!("label={label} ")))
    });
    assert_eq!(
        (labels.as_str(), failed, server.fire(&["C"])),
        (r#"{"good":"0"}"#, [true; 3], 200)
    );
}
