//! The page of metrics in Prometheus' text format 0.0.4, as Go's library writes it.
//!
//! The library here writes OpenMetrics; its page is taken apart and written again:
//!
//! * Families are sorted by name, series by the values of their labels, labels by name (`le` last);
//!   buckets stand before sum and count. A family without series is left out.
//! * Counters are called `…_total` also where they are described, no unit and no end is marked, and
//!   help texts have no full stop of the library's own.
//! * A histogram without buckets is a summary, which the library does not know.
//! * Numbers are written as Go writes them, on which `le` labels depend (`0.005`, `100`, `1e+06`).

use std::collections::BTreeMap;
use std::fmt;

use gotemplate::Value;
use gotemplate::strconv::shown;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// All metrics of a registry.
///
/// # Errors
/// If a collector could not write its own.
pub fn page(registry: &Registry) -> Result<String, fmt::Error> {
    let mut open_metrics = String::new();
    text::encode(&mut open_metrics, registry)?;
    let mut page = String::with_capacity(open_metrics.len());
    for (name, family) in families(&open_metrics) {
        family.write(&mut page, &name);
    }
    Ok(page)
}

/// A family of series.
struct Family<'a> {
    help: &'a str,
    kind: &'a str,
    /// By their labels, sorted by name.
    series: BTreeMap<Vec<(&'a str, &'a str)>, Series<'a>>,
}

/// The values of a series, as the library writes them.
#[derive(Default)]
struct Series<'a> {
    value: &'a str,
    buckets: Vec<(&'a str, &'a str)>,
    sum: &'a str,
    count: &'a str,
}

fn families(page: &str) -> BTreeMap<String, Family<'_>> {
    let mut families: BTreeMap<String, Family<'_>> = BTreeMap::new();
    let mut name = String::new();
    let mut base = "";
    let mut lines = page.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            // The type is in the next line, and the name depends on it.
            let kind = lines.peek().and_then(|line| line.strip_prefix("# TYPE "));
            let kind = kind
                .and_then(|line| line.split_once(' '))
                .map_or("", |(_, kind)| kind);
            let (before, help) = described.split_once(' ').unwrap_or((described, ""));
            base = before;
            name = match kind {
                "counter" => format!("{base}_total"),
                "info" => format!("{base}_info"),
                _ => base.to_owned(),
            };
            families.entry(name.clone()).or_insert(Family {
                help: help.strip_suffix('.').unwrap_or(help),
                kind,
                series: BTreeMap::new(),
            });
        } else if !line.starts_with('#')
            && let Some(family) = families.get_mut(&name)
        {
            family.read(line, base);
        }
    }
    families
}

impl<'a> Family<'a> {
    /// Reads a sample: `name{label="value",…} 1`.
    fn read(&mut self, line: &'a str, base: &str) {
        let (before, value) = line.rsplit_once(' ').unwrap_or((line, ""));
        let (name, text) = match before.split_once('{') {
            Some((name, text)) => (name, text.strip_suffix('}').unwrap_or(text)),
            None => (before, ""),
        };
        let mut labels = labels(text);
        let suffix = name.strip_prefix(base).unwrap_or_default();
        let bound = match suffix {
            "_bucket" => labels.iter().position(|(name, _)| *name == "le"),
            _ => None,
        };
        let bound = bound.map(|at| labels.remove(at).1);
        labels.sort_unstable();
        let series = self.series.entry(labels).or_default();
        match (suffix, bound) {
            ("_bucket", Some(bound)) => series.buckets.push((bound, value)),
            ("_sum", _) => series.sum = value,
            ("_count", _) => series.count = value,
            _ => series.value = value,
        }
    }

    fn write(&self, page: &mut String, name: &str) {
        let Some(first) = self.series.values().next() else {
            return;
        };
        let kind = match self.kind {
            "counter" => "counter",
            "gauge" | "info" => "gauge",
            "histogram" if first.buckets.is_empty() => "summary",
            "histogram" => "histogram",
            _ => "untyped",
        };
        push(
            page,
            &[
                "# HELP ",
                name,
                " ",
                self.help,
                "\n# TYPE ",
                name,
                " ",
                kind,
                "\n",
            ],
        );
        for (labels, series) in &self.series {
            if self.kind != "histogram" {
                sample(page, &[name], labels, None, series.value);
                continue;
            }
            for (bound, value) in &series.buckets {
                sample(page, &[name, "_bucket"], labels, Some(bound), value);
            }
            sample(page, &[name, "_sum"], labels, None, series.sum);
            sample(page, &[name, "_count"], labels, None, series.count);
        }
    }
}

/// Names and values, the values as they are written: between their quotes, with escapes.
fn labels(mut text: &str) -> Vec<(&str, &str)> {
    let mut labels = Vec::new();
    while let Some((name, behind)) = text.split_once("=\"") {
        let mut is_escaped = false;
        let end = behind.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        let (value, rest) = behind.split_at(end.unwrap_or(behind.len()));
        labels.push((name, value));
        text = rest.trim_start_matches('"').trim_start_matches(',');
    }
    labels
}

fn sample(
    page: &mut String,
    name: &[&str],
    labels: &[(&str, &str)],
    le: Option<&str>,
    value: &str,
) {
    push(page, name);
    let le = le.map(number);
    let all = labels
        .iter()
        .copied()
        .chain(le.as_deref().map(|le| ("le", le)));
    let mut before = "{";
    for (name, value) in all {
        push(page, &[before, name, "=\"", value, "\""]);
        before = ",";
    }
    if before == "," {
        page.push('}');
    }
    push(page, &[" ", &number(value), "\n"]);
}

fn number(text: &str) -> String {
    match text.parse::<f64>() {
        Ok(value) if value == f64::INFINITY => "+Inf".to_owned(),
        Ok(value) if value == f64::NEG_INFINITY => "-Inf".to_owned(),
        Ok(value) if value.is_nan() => "NaN".to_owned(),
        Ok(value) => shown(&Value::from(value)),
        Err(_) => text.to_owned(),
    }
}

fn push(page: &mut String, parts: &[&str]) {
    for part in parts {
        page.push_str(part);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::family::Family;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;

    use super::super::kinds::Summary;
    use super::*;

    /// The expected page is what Go's library (client_golang 1.24) made of the same metrics.
    #[test]
    fn the_page_is_in_the_order_and_in_the_numbers_of_go() {
        type Labels = Vec<(&'static str, &'static str)>;
        let mut registry = Registry::default();
        let counters = Family::<Labels, Counter>::default();
        for (b, a, count) in [("2", "z", 1), ("1", "z\"\\\n", 5), ("10", "b", 1_234_567)] {
            counters
                .get_or_create(&vec![("b", b), ("a", a)])
                .inc_by(count);
        }
        registry.register("c", "x", counters);
        registry.register("empty", "x", Family::<Labels, Counter>::default());
        let histograms: Family<Labels, Histogram, fn() -> Histogram> =
            Family::new_with_constructor(|| Histogram::new([0.5, 100.0, 1e6]));
        for (method, code, handler, value) in [
            ("post", "500", "/a", 200.0),
            ("get", "200", "/", 1.0),
            ("get", "200", "/-/x", 1.0),
        ] {
            let labels = vec![("method", method), ("code", code), ("handler", handler)];
            histograms.get_or_create(&labels).observe(value);
        }
        registry.register("a_hist", "Ends with a stop.", histograms);
        let summary = Summary::default();
        summary.observe(0.25);
        registry.register("b_summary", "No quantiles", summary);
        let gauge = Gauge::<f64, AtomicU64>::default();
        gauge.set(130_516_640_502_791.0);
        registry.register("hash", "A hash", gauge);
        assert_eq!(
            page(&registry).unwrap(),
            "# HELP a_hist Ends with a stop.\n\
             # TYPE a_hist histogram\n\
             a_hist_bucket{code=\"200\",handler=\"/\",method=\"get\",le=\"0.5\"} 0\n\
             a_hist_bucket{code=\"200\",handler=\"/\",method=\"get\",le=\"100\"} 1\n\
             a_hist_bucket{code=\"200\",handler=\"/\",method=\"get\",le=\"1e+06\"} 1\n\
             a_hist_bucket{code=\"200\",handler=\"/\",method=\"get\",le=\"+Inf\"} 1\n\
             a_hist_sum{code=\"200\",handler=\"/\",method=\"get\"} 1\n\
             a_hist_count{code=\"200\",handler=\"/\",method=\"get\"} 1\n\
             a_hist_bucket{code=\"200\",handler=\"/-/x\",method=\"get\",le=\"0.5\"} 0\n\
             a_hist_bucket{code=\"200\",handler=\"/-/x\",method=\"get\",le=\"100\"} 1\n\
             a_hist_bucket{code=\"200\",handler=\"/-/x\",method=\"get\",le=\"1e+06\"} 1\n\
             a_hist_bucket{code=\"200\",handler=\"/-/x\",method=\"get\",le=\"+Inf\"} 1\n\
             a_hist_sum{code=\"200\",handler=\"/-/x\",method=\"get\"} 1\n\
             a_hist_count{code=\"200\",handler=\"/-/x\",method=\"get\"} 1\n\
             a_hist_bucket{code=\"500\",handler=\"/a\",method=\"post\",le=\"0.5\"} 0\n\
             a_hist_bucket{code=\"500\",handler=\"/a\",method=\"post\",le=\"100\"} 0\n\
             a_hist_bucket{code=\"500\",handler=\"/a\",method=\"post\",le=\"1e+06\"} 1\n\
             a_hist_bucket{code=\"500\",handler=\"/a\",method=\"post\",le=\"+Inf\"} 1\n\
             a_hist_sum{code=\"500\",handler=\"/a\",method=\"post\"} 200\n\
             a_hist_count{code=\"500\",handler=\"/a\",method=\"post\"} 1\n\
             # HELP b_summary No quantiles\n\
             # TYPE b_summary summary\n\
             b_summary_sum 0.25\n\
             b_summary_count 1\n\
             # HELP c_total x\n\
             # TYPE c_total counter\n\
             c_total{a=\"b\",b=\"10\"} 1.234567e+06\n\
             c_total{a=\"z\",b=\"2\"} 1\n\
             c_total{a=\"z\\\"\\\\\\n\",b=\"1\"} 5\n\
             # HELP hash A hash\n\
             # TYPE hash gauge\n\
             hash 1.30516640502791e+14\n"
        );
    }
}
