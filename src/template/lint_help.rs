//! What to write instead: for names that other programs' templates have, and for misspelt ones.

/// Names of functions that people know from Sprig, Prometheus and Grafana.
const FUNCTIONS: [(&str, &str); 34] = [
    (
        "default",
        "`or VALUE \"…\"` gives the first of its arguments that is not empty",
    ),
    ("upper", "write `toUpper`"),
    ("lower", "write `toLower`"),
    ("trim", "write `trimSpace`"),
    ("replace", "write `reReplaceAll PATTERN REPLACEMENT TEXT`"),
    (
        "regexReplaceAll",
        "write `reReplaceAll PATTERN REPLACEMENT TEXT`",
    ),
    ("contains", "write `match PATTERN TEXT`"),
    ("hasPrefix", "write `match \"^PREFIX\" TEXT`"),
    ("hasSuffix", "write `match \"SUFFIX$\" TEXT`"),
    ("regexMatch", "write `match PATTERN TEXT`"),
    ("quote", "write `printf \"%q\" VALUE`"),
    ("add", "templates of Alertmanager have no arithmetic"),
    ("sub", "templates of Alertmanager have no arithmetic"),
    ("mul", "templates of Alertmanager have no arithmetic"),
    ("div", "templates of Alertmanager have no arithmetic"),
    (
        "humanize",
        "that is a function of Prometheus's rules; here: `printf \"%.2f\"` for numbers, `humanizeDuration` for times",
    ),
    (
        "humanizePercentage",
        "that is a function of Prometheus's rules; let the rule's annotation hold the text",
    ),
    ("humanizeTimestamp", "write `.StartsAt.Format LAYOUT`"),
    (
        "query",
        "that is a function of Prometheus's rules; let the rule's annotation hold the text",
    ),
    (
        "value",
        "the value is not part of an alert; let the rule's annotation hold it",
    ),
    ("first", "write `index LIST 0`"),
    ("last", "there is no function for the last element"),
    ("split", "there is no function that divides a text"),
    ("b64enc", "write `base64encode`"),
    ("b64dec", "write `base64decode`"),
    ("toJSON", "write `toJson`"),
    ("map", "write `dict KEY VALUE …`"),
    ("array", "write `list VALUE …`"),
    ("safeHTML", "write `safeHtml`"),
    ("safeURL", "write `safeUrl`"),
    ("formatTime", "write `date LAYOUT TIME`"),
    ("duration", "write `humanizeDuration`"),
    ("ternary", "write `{{ if CONDITION }}…{{ else }}…{{ end }}`"),
    ("nindent", "templates of Alertmanager do not indent"),
];

/// Names of fields that people expect where they are not.
const FIELDS: [(&str, &str, &str); 20] = [
    (
        "Data",
        "Labels",
        "labels belong to alerts: `.CommonLabels` has those that all alerts share, and within `range .Alerts` each has `.Labels`",
    ),
    (
        "Data",
        "Annotations",
        "annotations belong to alerts: `.CommonAnnotations` has those that all alerts share, and within `range .Alerts` each has `.Annotations`",
    ),
    (
        "Data",
        "StartsAt",
        "times belong to alerts: `range .Alerts`, or `(index .Alerts 0).StartsAt`",
    ),
    (
        "Data",
        "EndsAt",
        "times belong to alerts: `range .Alerts`, or `(index .Alerts 0).EndsAt`",
    ),
    (
        "Data",
        "GeneratorURL",
        "it belongs to alerts: `range .Alerts`, or `(index .Alerts 0).GeneratorURL`",
    ),
    (
        "Data",
        "Fingerprint",
        "it belongs to alerts: `range .Alerts`, or `(index .Alerts 0).Fingerprint`",
    ),
    ("Data", "Firing", "write `.Alerts.Firing`"),
    ("Data", "Resolved", "write `.Alerts.Resolved`"),
    (
        "Data",
        "GroupKey",
        "the group's key is not part of the data",
    ),
    ("Data", "Title", "that is a field of Grafana's alerting"),
    ("Data", "Message", "that is a field of Grafana's alerting"),
    (
        "Alert",
        "CommonLabels",
        "it belongs to the notification: write `$.CommonLabels`",
    ),
    (
        "Alert",
        "GroupLabels",
        "it belongs to the notification: write `$.GroupLabels`",
    ),
    (
        "Alert",
        "CommonAnnotations",
        "it belongs to the notification: write `$.CommonAnnotations`",
    ),
    (
        "Alert",
        "ExternalURL",
        "it belongs to the notification: write `$.ExternalURL`",
    ),
    (
        "Alert",
        "Receiver",
        "it belongs to the notification: write `$.Receiver`",
    ),
    (
        "Alert",
        "Values",
        "values are not part of an alert; let the rule's annotation hold them",
    ),
    (
        "Alert",
        "Value",
        "the value is not part of an alert; let the rule's annotation hold it",
    ),
    ("Alert", "Name", "write `.Labels.alertname`"),
    (
        "Alert",
        "Alerts",
        "this is one alert already; `$.Alerts` are all",
    ),
];

/// Fields of Grafana's alerts.
const GRAFANA: [&str; 6] = [
    "ValueString",
    "DashboardURL",
    "PanelURL",
    "SilenceURL",
    "ImageURL",
    "EmbeddedImage",
];

/// What to say of a function that there is not.
pub(super) fn for_function<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    let listed = FUNCTIONS.iter().find(|(wrong, _)| *wrong == name);
    listed
        .map(|(_, help)| (*help).to_owned())
        .or_else(|| nearest(name, known).map(|right| format!("did you mean `{right}`?")))
}

/// What to say of a field that a type has not.
pub(super) fn for_field(ty: &str, name: &str, known: &[&str]) -> Option<String> {
    let ty = ty.rsplit('.').next().unwrap_or(ty);
    let listed = FIELDS
        .iter()
        .find(|(owner, wrong, _)| *owner == ty && *wrong == name);
    if let Some((_, _, help)) = listed {
        return Some((*help).to_owned());
    }
    if GRAFANA.contains(&name) {
        return Some(
            "that is a field of Grafana's alerting, which Alertmanager has not".to_owned(),
        );
    }
    if let Some(right) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `.{right}`?"));
    }
    (!known.is_empty()).then(|| format!("there are {}", listing(known)))
}

/// What to say of a key that is not there.
pub(super) fn for_key(name: &str, known: &[&str]) -> Option<String> {
    if let Some(right) = nearest(name, known.iter().copied()) {
        return Some(format!("did you mean `{right}`?"));
    }
    (!known.is_empty()).then(|| format!("there are {}", listing(known)))
}

/// What to say of a variable that is not declared.
pub(super) fn for_variable(name: &str) -> Option<String> {
    matches!(name, "$labels" | "$value" | "$values" | "$externalURL").then(|| {
        format!(
            "`{name}` exists in Prometheus's rules only; here: `.CommonLabels`, or `.Labels` of an alert within `range .Alerts`"
        )
    })
}

/// What to say of a template that nobody defines.
pub(super) fn for_template<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<String> {
    nearest(name, known).map(|right| format!("did you mean \"{right}\"?"))
}

fn listing(names: &[&str]) -> String {
    const SHOWN: usize = 12;
    let mut shown: Vec<String> = names
        .iter()
        .take(SHOWN)
        .map(|name| format!("`{name}`"))
        .collect();
    if names.len() > SHOWN {
        shown.push("…".to_owned());
    }
    shown.join(", ")
}

/// The name that was most likely meant: a third of its letters may differ, and case does not count.
fn nearest<'n>(name: &str, known: impl Iterator<Item = &'n str>) -> Option<&'n str> {
    let lower = name.to_lowercase();
    known
        .filter(|known| !known.is_empty())
        .map(|known| {
            (
                strsim::damerau_levenshtein(&lower, &known.to_lowercase()),
                known,
            )
        })
        .filter(|(distance, known)| *distance <= (known.chars().count() / 3).min(3))
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn help_names_what_was_most_likely_meant() {
        let functions = ["toUpper", "toLower", "printf"];
        let seen = [
            for_function("upper", functions.into_iter()),
            for_function("toupper", functions.into_iter()),
            for_function("printd", functions.into_iter()),
            for_function("xyzzy", functions.into_iter()),
            for_field("template.Data", "Alert", &["Alerts", "Status"]),
            for_key("severty", &["alertname", "severity"]),
            for_template("slack.default.titel", ["slack.default.title"].into_iter()),
        ]
        .map(Option::unwrap_or_default);
        let expected = [
            "write `toUpper`",
            "did you mean `toUpper`?",
            "did you mean `printf`?",
            "",
            "did you mean `.Alerts`?",
            "did you mean `severity`?",
            "did you mean \"slack.default.title\"?",
        ];
        assert_eq!(seen, expected);
    }
}
