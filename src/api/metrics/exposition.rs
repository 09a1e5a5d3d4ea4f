//! The page of metrics in Prometheus' text format 0.0.4.
//!
//! The library writes OpenMetrics. The formats differ in few ways, all of them line by line: counters
//! are called `…_total` also where they are described, no unit and no end is marked, help texts have no
//! full stop of the library's own, and numbers are written as Go writes them, on which `le` labels
//! depend (`0.005`, `100`, `1e+06`).

use std::fmt;

use gotemplate::Value;
use gotemplate::strconv::shown;
use prometheus_client::encoding::text;
use prometheus_client::registry::Registry;

/// The media type of the page.
pub const MEDIA_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";

/// All metrics of a registry.
///
/// # Errors
/// If a collector could not write its own.
pub fn page(registry: &Registry) -> Result<String, fmt::Error> {
    let mut open_metrics = String::new();
    text::encode(&mut open_metrics, registry)?;
    let mut page = String::with_capacity(open_metrics.len());
    let mut family = Family::default();
    let mut lines = open_metrics.lines().peekable();
    while let Some(line) = lines.next() {
        if let Some(described) = line.strip_prefix("# HELP ") {
            // The type is in the next line, and the help's name depends on it.
            let kind = lines.peek().and_then(|line| line.strip_prefix("# TYPE "));
            family = Family::new(kind.unwrap_or_default());
            let help = described.split_once(' ').map_or("", |(_, help)| help);
            let help = help.strip_suffix('.').unwrap_or(help);
            push(&mut page, &["# HELP ", &family.name, " ", help, "\n"]);
        } else if line.starts_with("# TYPE ") {
            push(
                &mut page,
                &["# TYPE ", &family.name, " ", family.kind, "\n"],
            );
        } else if !line.starts_with('#') {
            sample(&mut page, line);
        }
    }
    Ok(page)
}

#[derive(Default)]
struct Family {
    name: String,
    kind: &'static str,
}

impl Family {
    fn new(described: &str) -> Self {
        let (name, kind) = described.split_once(' ').unwrap_or((described, ""));
        let (suffix, kind) = match kind {
            "counter" => ("_total", "counter"),
            "gauge" => ("", "gauge"),
            "histogram" => ("", "histogram"),
            "summary" => ("", "summary"),
            "info" => ("_info", "gauge"),
            _ => ("", "untyped"),
        };
        Self {
            name: format!("{name}{suffix}"),
            kind,
        }
    }
}

/// A sample, with its numbers as Go writes them.
fn sample(page: &mut String, line: &str) {
    const BUCKET: &str = "le=\"";
    let (series, value) = line.rsplit_once(' ').unwrap_or((line, ""));
    let bucket = series.rfind(BUCKET).filter(|_| series.contains("_bucket{"));
    match bucket.map(|at| series.split_at(at + BUCKET.len())) {
        Some((before, rest)) => {
            let (bound, behind) = rest.split_once('"').unwrap_or((rest, ""));
            push(page, &[before, &number(bound), "\"", behind]);
        }
        None => page.push_str(series),
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
    use prometheus_client::metrics::counter::Counter;
    use prometheus_client::metrics::gauge::Gauge;
    use prometheus_client::metrics::histogram::Histogram;

    use super::*;

    #[test]
    fn the_page_is_in_the_text_format_with_go_s_numbers() {
        let mut registry = Registry::default();
        let counter: Counter = Counter::default();
        counter.inc_by(1_234_567);
        registry.register("requests", "Ends with a stop.", counter);
        let histogram = Histogram::new([0.005, 100.0, 1e5, 1e6]);
        histogram.observe(0.5);
        registry.register("size_bytes", "Ends without", histogram);
        let gauge = Gauge::<f64, std::sync::atomic::AtomicU64>::default();
        gauge.set(130_516_640_502_791.0);
        registry.register("hash", "A hash", gauge);
        assert_eq!(
            page(&registry).unwrap(),
            "# HELP requests_total Ends with a stop.\n\
             # TYPE requests_total counter\n\
             requests_total 1.234567e+06\n\
             # HELP size_bytes Ends without\n\
             # TYPE size_bytes histogram\n\
             size_bytes_sum 0.5\n\
             size_bytes_count 1\n\
             size_bytes_bucket{le=\"0.005\"} 0\n\
             size_bytes_bucket{le=\"100\"} 1\n\
             size_bytes_bucket{le=\"100000\"} 1\n\
             size_bytes_bucket{le=\"1e+06\"} 1\n\
             size_bytes_bucket{le=\"+Inf\"} 1\n\
             # HELP hash A hash\n\
             # TYPE hash gauge\n\
             hash 1.30516640502791e+14\n"
        );
    }
}
