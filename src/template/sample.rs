//! Data to try templates on: made of alerts, or Alertmanager's own sample.

use gotemplate::time::Time;

use super::{Alert, Data, Labels};

/// What `firing` and `resolved` alerts are called in data.
const FIRING: &str = "firing";
const RESOLVED: &str = "resolved";

impl Data {
    /// The data of a notification about these alerts, as Alertmanager makes them: the status is
    /// `firing` if any alert fires, and what all alerts have in common is common.
    #[must_use]
    pub fn of_alerts(alerts: Vec<Alert>, group_by: &[String]) -> Self {
        let common = |of: fn(&Alert) -> &Labels| -> Labels {
            let Some((first, others)) = alerts.split_first() else {
                return Labels::new();
            };
            of(first)
                .iter()
                .filter(|(name, value)| {
                    let same = |alert: &Alert| of(alert).get(*name) == Some(value);
                    others.iter().all(same)
                })
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        let common_labels = common(|alert| &alert.labels);
        let group_labels = common_labels
            .iter()
            .filter(|(name, _)| group_by.contains(name))
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect();
        let is_firing = alerts.iter().any(|alert| alert.status == FIRING);
        Self {
            receiver: "receiver".to_owned(),
            status: if is_firing { FIRING } else { RESOLVED }.to_owned(),
            notification_reason: "first notification".to_owned(),
            group_labels,
            common_labels,
            common_annotations: common(|alert| &alert.annotations),
            external_url: "http://alertmanager.example.com".to_owned(),
            route_labels_rendered: true,
            alerts,
            ..Self::default()
        }
    }

    /// The data that `amtool template render` uses when it is given none.
    #[must_use]
    pub fn sample_of_amtool(now: &Time) -> Self {
        let labels = |pairs: &[(&str, &str)]| -> Labels {
            pairs
                .iter()
                .map(|&(name, value)| (name.to_owned(), value.to_owned()))
                .collect()
        };
        let numbered = |kind: &str| -> Labels {
            (1..=2)
                .map(|n| (format!("{kind}key{n}"), format!("{kind}value{n}")))
                .collect()
        };
        let (common_labels, common_annotations) =
            (numbered("commonlabel"), numbered("commonannotation"));
        let alert =
            |status: &str, minutes: i64, own: &[(&str, &str)], notes: &[(&str, &str)], n| {
                let with = |common: &Labels, own| {
                    let mut all = common.clone();
                    all.extend(labels(own));
                    all
                };
                Alert {
                    status: status.to_owned(),
                    labels: with(&common_labels, own),
                    annotations: with(&common_annotations, notes),
                    starts_at: Time::from_unix(
                        now.unix() - minutes * 60,
                        now.nanos(),
                        now.zone().clone(),
                    ),
                    ends_at: now.clone(),
                    generator_url: "https://generatorurl.com".to_owned(),
                    fingerprint: format!("fingerprint{n}"),
                }
            };
        let own = [
            ("label1", "value1"),
            ("label2", "value2"),
            ("instance", "foo.bar:1234"),
        ];
        let notes = [("annotation1", "value1"), ("annotation2", "value2")];
        let alerts = vec![
            alert(FIRING, 5, &own, &notes, 1),
            alert(
                RESOLVED,
                10,
                &[("foo", "bar"), ("baz", "qux")],
                &[("aaa", "bbb"), ("ccc", "ddd")],
                2,
            ),
        ];
        Self {
            receiver: "receiver".to_owned(),
            status: "alertstatus".to_owned(),
            alerts,
            group_labels: numbered("grouplabel"),
            common_labels,
            common_annotations,
            external_url: "https://example.com".to_owned(),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(status: &str, labels: &[(&str, &str)]) -> Alert {
        let labels = labels
            .iter()
            .map(|&(name, value)| (name.to_owned(), value.to_owned()));
        Alert {
            status: status.to_owned(),
            labels: labels.collect(),
            ..Alert::default()
        }
    }

    #[test]
    fn what_all_alerts_share_is_common_and_one_that_fires_makes_all_firing() {
        let data = Data::of_alerts(
            vec![
                alert(
                    "resolved",
                    &[("alertname", "A"), ("job", "x"), ("zone", "1")],
                ),
                alert("firing", &[("alertname", "A"), ("job", "y"), ("zone", "1")]),
            ],
            &["alertname".to_owned(), "job".to_owned()],
        );
        let names = |labels: &Labels| labels.keys().cloned().collect::<Vec<_>>().join(" ");
        assert_eq!(
            (
                data.status.as_str(),
                names(&data.common_labels),
                names(&data.group_labels)
            ),
            (
                "firing",
                "alertname zone".to_owned(),
                "alertname".to_owned()
            )
        );
    }
}
