//! The default templates of text notifications.
//!
//! Three things are fixed by what users can see: the output of each template; that the text between
//! the definitions is 81 newlines, for it shows where an HTML string is blank; and the places that
//! errors name when a template is given data it is not for.

/// Newlines between and behind the definitions.
const OUTER_NEWLINES: usize = 81;

/// The source of the default templates.
///
/// Each definition begins on its line. What a multi-line body lacks to the next one is made up
/// within its closing action, where newlines mean nothing.
pub(super) fn source() -> String {
    let mut out = String::new();
    let (mut line, mut outer) = (1, 0);
    for (wanted, name, body) in definitions() {
        let missing = wanted.saturating_sub(line);
        // What is more than the one newline between definitions would show.
        let between = if out.ends_with(MULTI_LINE_END) {
            missing.min(1)
        } else {
            missing
        };
        let within = "\n".repeat(missing - between);
        if out.ends_with(MULTI_LINE_END) {
            out.truncate(out.len() - MULTI_LINE_END.len());
            out.push_str(&format!("{{{{ end{within} }}}}"));
        }
        out.push_str(&"\n".repeat(between));
        outer += between;
        let is_multi_line = body.contains('\n');
        let end = if is_multi_line {
            MULTI_LINE_END
        } else {
            "{{ end }}"
        };
        out.push_str(&format!("{{{{ define \"{name}\" }}}}{body}{end}"));
        line = wanted.max(line) + body.matches('\n').count();
    }
    out = out.replace(MULTI_LINE_END, "{{ end }}");
    out.push_str(&"\n".repeat(OUTER_NEWLINES.saturating_sub(outer)));
    out
}

/// The end of a body of several lines until it is known how many newlines it takes up.
const MULTI_LINE_END: &str = "{{ end @ }}";

const SUBJECT_BODY: &str = concat!(
    r#"[{{ .Status | toUpper }}{{ if eq .Status "firing" }}:{{ .Alerts.Firing | len }}{{ end }}] "#,
    r#"{{ .GroupLabels.SortedPairs.Values | join " " }} "#,
    r#"{{ if gt (len .CommonLabels) (len .GroupLabels) }}("#,
    r#"{{ with .CommonLabels.Remove .GroupLabels.Names }}{{ .Values | join " " }}{{ end }})"#,
    r#"{{ end }}"#,
);

const LINK_BODY: &str = "{{ .ExternalURL }}/#/alerts?receiver={{ .Receiver | urlquery }}";

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

const COMMON_ANNOTATIONS: &str = r#"{{ .CommonAnnotations.SortedPairs.Values | join " " }}"#;

/// The firing and the resolved alerts, without blank lines around them.
const COMPACT: &str = r#"{{ if gt (len .Alerts.Firing) 0 }}Alerts Firing:
{{ template "__text_alert_list" .Alerts.Firing }}{{ end }}
{{ if gt (len .Alerts.Resolved) 0 }}Alerts Resolved:
{{ template "__text_alert_list" .Alerts.Resolved }}{{ end }}"#;

/// The firing and the resolved alerts under headings that begin with a mark.
fn spaced(mark: &str, list: &str) -> String {
    let part = |state: &str| {
        format!(
            "{{{{ if gt (len .Alerts.{state}) 0 }}}}\n{mark}Alerts {state}:\n\
             {{{{ template \"{list}\" .Alerts.{state} }}}}\n{{{{ end }}}}\n"
        )
    };
    part("Firing") + &part("Resolved")
}

/// The urgency of the gravest alert among those of one state, in the variable `$priority`.
fn priority_of(alerts: &str) -> String {
    format!(
        r#"{{{{- range .Alerts.{alerts} -}}}}
{{{{ $severity := .Labels.severity -}}}}
{{{{ if eq $severity "critical" }}}}{{{{ $priority = "High" -}}}}
{{{{ else if and (eq $severity "warning") (ne $priority "High") }}}}{{{{ $priority = "Medium" -}}}}
{{{{ else if and (eq $severity "info") (not $priority) }}}}{{{{ $priority = "Low" -}}}}
{{{{ end -}}}}
{{{{ end -}}}}"#
    )
}

/// The definitions and the lines on which they begin, which errors in them name.
fn definitions() -> Vec<(usize, &'static str, String)> {
    let plain = spaced("", "__text_alert_list");
    let spaced_only = format!("\n{plain}");
    let markdown = format!("\n{}", spaced("# ", "__text_alert_list_markdown"));
    let compact = format!("{COMMON_ANNOTATIONS}\n{COMPACT}");
    let summary = format!("{COMMON_ANNOTATIONS}\n{plain}");
    let call = |template: &str| format!("{{{{ template \"{template}\" . }}}}");
    let subject = || call("__subject");
    let name = || call("__alertmanager");
    let link = || call("__alertmanagerURL");
    let both = |title: &str, link: &str| format!("{} | {}", call(title), call(link));
    let wechat = format!(
        "{}\n{compact}\nAlertmanagerUrl:\n{}",
        subject(),
        call("__alertmanagerURL")
    );
    let (firing, resolved) = (priority_of("Firing"), priority_of("Resolved"));
    let priority = format!(
        "\n{{{{- $priority := \"\" -}}}}\n{firing}\n{{{{ if not $priority -}}}}\n{resolved}\n\
         {{{{ end -}}}}\n{{{{ $priority -}}}}\n"
    );
    let empty = String::new;
    vec![
        (1, "__alertmanager", "Alertmanager".to_owned()),
        (2, "__alertmanagerURL", LINK_BODY.to_owned()),
        (4, "__subject", SUBJECT_BODY.to_owned()),
        (5, "__description", empty()),
        (7, "__text_alert_list", ALERT_LIST.to_owned()),
        (
            14,
            "__text_alert_list_markdown",
            MARKDOWN_ALERT_LIST.to_owned(),
        ),
        (25, "slack.default.title", subject()),
        (26, "slack.default.username", name()),
        (
            27,
            "slack.default.fallback",
            both("slack.default.title", "slack.default.titlelink"),
        ),
        (28, "slack.default.callbackid", empty()),
        (29, "slack.default.pretext", empty()),
        (30, "slack.default.titlelink", link()),
        (31, "slack.default.iconemoji", empty()),
        (32, "slack.default.iconurl", empty()),
        (33, "slack.default.text", empty()),
        (34, "slack.default.footer", empty()),
        (35, "slack.default.color", COLOR_BODY.to_owned()),
        (38, "pagerduty.default.description", subject()),
        (39, "pagerduty.default.client", name()),
        (40, "pagerduty.default.clientURL", link()),
        (41, "pagerduty.default.instances", call("__text_alert_list")),
        (44, "opsgenie.default.message", subject()),
        (45, "opsgenie.default.description", compact.clone()),
        (55, "opsgenie.default.source", link()),
        (58, "wechat.default.message", wechat),
        (71, "wechat.default.to_user", empty()),
        (72, "wechat.default.to_party", empty()),
        (73, "wechat.default.to_tag", empty()),
        (74, "wechat.default.agent_id", empty()),
        (78, "victorops.default.state_message", compact),
        (88, "victorops.default.entity_display_name", subject()),
        (89, "victorops.default.monitoring_tool", name()),
        (91, "pushover.default.title", subject()),
        (92, "pushover.default.message", summary.clone()),
        (102, "pushover.default.url", link()),
        (104, "sns.default.subject", subject()),
        (105, "sns.default.message", summary.clone()),
        (116, "telegram.default.message", spaced_only.clone()),
        (127, "discord.default.content", empty()),
        (128, "discord.default.title", subject()),
        (129, "discord.default.message", spaced_only),
        (140, "webex.default.message", summary),
        (151, "msteams.default.summary", subject()),
        (152, "msteams.default.title", subject()),
        (153, "msteams.default.text", markdown.clone()),
        (164, "msteamsv2.default.title", subject()),
        (165, "msteamsv2.default.text", markdown.clone()),
        (176, "jira.default.summary", subject()),
        (177, "jira.default.description", markdown.clone()),
        (188, "jira.default.priority", priority),
        (215, "rocketchat.default.title", subject()),
        (216, "rocketchat.default.alias", name()),
        (217, "rocketchat.default.titlelink", link()),
        (218, "rocketchat.default.emoji", empty()),
        (219, "rocketchat.default.iconurl", empty()),
        (220, "rocketchat.default.text", empty()),
        (222, "mattermost.default.color", COLOR_BODY.to_owned()),
        (223, "mattermost.default.username", name()),
        (224, "mattermost.default.title", subject()),
        (225, "mattermost.default.titlelink", link()),
        (
            226,
            "mattermost.default.fallback",
            both("mattermost.default.title", "mattermost.default.titlelink"),
        ),
        (227, "mattermost.default.text", markdown),
    ]
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
