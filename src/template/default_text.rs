//! The default templates of text notifications.
//!
//! Three things are fixed by what users can see: the output of each template; that the text between
//! the definitions is 81 newlines, for it shows where an HTML string is blank; and the place of
//! `__subject`, which errors name.

/// Newlines between and behind the definitions.
const OUTER_NEWLINES: usize = 81;

/// The source of the default templates.
pub(super) fn source() -> String {
    let mut out = String::new();
    let mut newlines = 0;
    for (name, body) in definitions() {
        if name == SUBJECT {
            out.push('\n');
            newlines += 1;
        }
        out.push_str(&format!("{{{{ define \"{name}\" }}}}{body}{{{{ end }}}}\n"));
        newlines += 1;
    }
    out.push_str(&"\n".repeat(OUTER_NEWLINES.saturating_sub(newlines)));
    out
}

const SUBJECT: &str = "__subject";

/// Templates that are the subject line.
const SUBJECTS: [&str; 13] = [
    "slack.default.title",
    "pagerduty.default.description",
    "opsgenie.default.message",
    "victorops.default.entity_display_name",
    "pushover.default.title",
    "sns.default.subject",
    "discord.default.title",
    "msteams.default.summary",
    "msteams.default.title",
    "msteamsv2.default.title",
    "jira.default.summary",
    "rocketchat.default.title",
    "mattermost.default.title",
];

/// Templates that are the name of the program.
const NAMES: [&str; 5] = [
    "slack.default.username",
    "pagerduty.default.client",
    "victorops.default.monitoring_tool",
    "rocketchat.default.alias",
    "mattermost.default.username",
];

/// Templates that are the link to the server.
const LINKS: [&str; 6] = [
    "slack.default.titlelink",
    "pagerduty.default.clientURL",
    "opsgenie.default.source",
    "pushover.default.url",
    "rocketchat.default.titlelink",
    "mattermost.default.titlelink",
];

/// Templates that exist to be overridden.
const EMPTY: [&str; 15] = [
    "__description",
    "slack.default.callbackid",
    "slack.default.pretext",
    "slack.default.iconemoji",
    "slack.default.iconurl",
    "slack.default.text",
    "slack.default.footer",
    "wechat.default.to_user",
    "wechat.default.to_party",
    "wechat.default.to_tag",
    "wechat.default.agent_id",
    "discord.default.content",
    "rocketchat.default.emoji",
    "rocketchat.default.iconurl",
    "rocketchat.default.text",
];

const SUBJECT_BODY: &str = concat!(
    r#"[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ len .Alerts.Firing }}{{ end }}] "#,
    r#"{{ join " " .GroupLabels.SortedPairs.Values }} "#,
    r#"{{ if lt (len .GroupLabels) (len .CommonLabels) }}("#,
    r#"{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ join " " .Values }}{{ end }})"#,
    r#"{{ end }}"#,
);

const LINK_BODY: &str = "{{ .ExternalURL }}/#/alerts?receiver={{ urlquery .Receiver }}";

const COLOR_BODY: &str = r#"{{ if eq .Status "firing" }}danger{{ else }}good{{ end }}"#;

/// The alerts of a list; a line each for labels and annotations.
const ALERT_LIST: &str = "{{ range . }}Labels:
{{ range .Labels.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Annotations:
{{ range .Annotations.SortedPairs }} - {{ .Name }} = {{ .Value }}
{{ end }}Source: {{ .GeneratorURL }}
{{ end }}";

const MARKDOWN_ALERT_LIST: &str = "{{ range . }}
Labels:
{{ range .Labels.SortedPairs }}  - {{ .Name }} = {{ .Value }}
{{ end }}
Annotations:
{{ range .Annotations.SortedPairs }}  - {{ .Name }} = {{ .Value }}
{{ end }}
Source: {{ .GeneratorURL }}
{{ end }}
";

const COMMON_ANNOTATIONS: &str = r#"{{ join " " .CommonAnnotations.SortedPairs.Values }}"#;

/// The firing and the resolved alerts, without blank lines around them.
const COMPACT: &str = r#"{{ if .Alerts.Firing }}Alerts Firing:
{{ template "__text_alert_list" .Alerts.Firing }}{{ end }}
{{ if .Alerts.Resolved }}Alerts Resolved:
{{ template "__text_alert_list" .Alerts.Resolved }}{{ end }}"#;

/// The firing and the resolved alerts under headings that begin with a mark.
fn spaced(mark: &str, list: &str) -> String {
    let part = |state: &str| {
        format!(
            "{{{{ if .Alerts.{state} }}}}\n{mark}Alerts {state}:\n\
             {{{{ template \"{list}\" .Alerts.{state} }}}}\n{{{{ end }}}}\n"
        )
    };
    part("Firing") + &part("Resolved")
}

/// The urgency of the gravest alert among those of one state, in the variable `$priority`.
fn priority_of(alerts: &str) -> String {
    format!(
        r#"{{{{ range .Alerts.{alerts} -}}}}
{{{{ $severity := .Labels.severity -}}}}
{{{{ if eq $severity "critical" }}}}{{{{ $priority = "High" -}}}}
{{{{ else if and (eq $severity "warning") (ne $priority "High") }}}}{{{{ $priority = "Medium" -}}}}
{{{{ else if and (eq $severity "info") (not $priority) }}}}{{{{ $priority = "Low" -}}}}
{{{{ end -}}}}
{{{{ end -}}}}"#
    )
}

fn definitions() -> Vec<(&'static str, String)> {
    let plain = spaced("", "__text_alert_list");
    let markdown = format!("\n{}", spaced("# ", "__text_alert_list_markdown"));
    let summary_and_compact = format!("{COMMON_ANNOTATIONS}\n{COMPACT}");
    let mut all = vec![
        ("__alertmanager", "Alertmanager".to_owned()),
        ("__alertmanagerURL", LINK_BODY.to_owned()),
        (SUBJECT, SUBJECT_BODY.to_owned()),
        ("__text_alert_list", ALERT_LIST.to_owned()),
        ("__text_alert_list_markdown", MARKDOWN_ALERT_LIST.to_owned()),
    ];
    let call = |template: &str| format!("{{{{ template \"{template}\" . }}}}");
    all.extend(SUBJECTS.map(|name| (name, call(SUBJECT))));
    all.extend(NAMES.map(|name| (name, call("__alertmanager"))));
    all.extend(LINKS.map(|name| (name, call("__alertmanagerURL"))));
    all.extend(EMPTY.map(|name| (name, String::new())));
    for (fallback, title, link) in [
        (
            "slack.default.fallback",
            "slack.default.title",
            "slack.default.titlelink",
        ),
        (
            "mattermost.default.fallback",
            "mattermost.default.title",
            "mattermost.default.titlelink",
        ),
    ] {
        all.push((fallback, format!("{} | {}", call(title), call(link))));
    }
    all.extend(
        ["slack.default.color", "mattermost.default.color"]
            .map(|name| (name, COLOR_BODY.to_owned())),
    );
    all.push(("pagerduty.default.instances", call("__text_alert_list")));
    all.extend(
        [
            "opsgenie.default.description",
            "victorops.default.state_message",
        ]
        .map(|name| (name, summary_and_compact.clone())),
    );
    all.push((
        "wechat.default.message",
        format!(
            "{}\n{summary_and_compact}\nAlertmanagerUrl:\n{}",
            call(SUBJECT),
            call("__alertmanagerURL")
        ),
    ));
    all.extend(
        [
            "pushover.default.message",
            "sns.default.message",
            "webex.default.message",
        ]
        .map(|name| (name, format!("{COMMON_ANNOTATIONS}\n{plain}"))),
    );
    all.extend(
        ["telegram.default.message", "discord.default.message"]
            .map(|name| (name, format!("\n{plain}"))),
    );
    all.extend(
        [
            "msteams.default.text",
            "msteamsv2.default.text",
            "jira.default.description",
            "mattermost.default.text",
        ]
        .map(|name| (name, markdown.clone())),
    );
    let (firing, resolved) = (priority_of("Firing"), priority_of("Resolved"));
    all.push((
        "jira.default.priority",
        format!(
            "{{{{- $priority := \"\" -}}}}\n{firing}\n{{{{ if not $priority -}}}}\n{resolved}\n\
             {{{{ end -}}}}\n{{{{ $priority -}}}}\n"
        ),
    ));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outer_text_is_eighty_one_newlines() {
        let mut set = gotemplate::TextSet::default();
        for name in ["toUpper", "join"] {
            let stub = gotemplate::Function::variadic(
                [&gotemplate::types::ANY as gotemplate::Type],
                |_, _| Ok(gotemplate::Value::None),
            );
            set.environment_mut().functions.insert(name, stub);
        }
        let outer = set
            .parse("", source())
            .map_err(|error| error.to_string())
            .and_then(|tree| {
                set.execute_tree(&tree, &gotemplate::Value::None)
                    .map_err(|error| error.to_string())
            });
        assert_eq!(outer, Ok("\n".repeat(OUTER_NEWLINES).into_bytes()));
    }
}
