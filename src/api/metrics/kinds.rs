//! Kinds of metrics that the library lacks, and short ways to register those that it has.
//!
//! Names are written in full where they are registered (`…_total`), so that they can be searched for.

use std::fmt::{self, Debug};
use std::hash::Hash;
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use prometheus_client::encoding::{EncodeLabelSet, EncodeMetric, LabelSetEncoder, MetricEncoder};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::{MetricType, TypedMetric};
use prometheus_client::registry::{Metric, Registry};

/// A number that goes up and down.
pub type Level = Gauge<f64, AtomicU64>;

/// Go's default bounds of histograms, in seconds.
pub const DURATIONS_S: &[f64] = &[
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];

/// Nothing that tells metrics of one name apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct NoLabels;

impl EncodeLabelSet for NoLabels {
    fn encode(&self, _encoder: &mut LabelSetEncoder<'_>) -> Result<(), fmt::Error> {
        Ok(())
    }
}

/// How often, and how much altogether. Alertmanager's summaries have no quantiles.
#[derive(Debug, Clone, Default)]
pub struct Summary(Arc<Mutex<Observed>>);

#[derive(Debug, Clone, Default)]
struct Observed {
    sum: f64,
    count: u64,
}

impl Summary {
    /// Counts one value.
    pub fn observe(&self, value: f64) {
        let mut observed = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        observed.sum += value;
        observed.count += 1;
    }
}

impl EncodeMetric for Summary {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let Observed { sum, count } = *self.0.lock().unwrap_or_else(PoisonError::into_inner);
        // The library knows no summaries: the page takes a histogram without buckets for one.
        encoder.encode_histogram::<NoLabels>(sum, count, &[], None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

/// A histogram to which counts of others can be added.
#[derive(Debug, Clone)]
pub struct Histogram {
    bounds: &'static [f64],
    counts: Arc<Mutex<Counts>>,
}

#[derive(Debug)]
struct Counts {
    sum: f64,
    /// For each bound how many were not greater than it and greater than the one before; at the end
    /// those that were greater than all.
    buckets: Vec<u64>,
}

impl Histogram {
    /// An empty one with those upper bounds, which rise.
    #[must_use]
    pub fn new(bounds: &'static [f64]) -> Self {
        Self {
            bounds,
            counts: Arc::new(Mutex::new(Counts {
                sum: 0.0,
                buckets: vec![0; bounds.len() + 1],
            })),
        }
    }

    /// Counts one value.
    pub fn observe(&self, value: f64) {
        let at = self.bounds.partition_point(|bound| *bound < value);
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.sum += value;
        if let Some(bucket) = counts.buckets.get_mut(at) {
            *bucket += 1;
        }
    }

    /// Adds what was counted elsewhere: for each bound how many were not greater than it and greater
    /// than the one before, and at the end those that were greater than all.
    pub fn add(&self, buckets: &[u64], sum: f64) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.sum += sum;
        for (bucket, more) in counts.buckets.iter_mut().zip(buckets) {
            *bucket += more;
        }
    }
}

impl EncodeMetric for Histogram {
    fn encode(&self, mut encoder: MetricEncoder<'_>) -> Result<(), fmt::Error> {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let bounds = self.bounds.iter().copied().chain([f64::INFINITY]);
        let buckets: Vec<(f64, u64)> = bounds.zip(counts.buckets.iter().copied()).collect();
        let count = counts.buckets.iter().sum();
        encoder.encode_histogram::<NoLabels>(counts.sum, count, &buckets, None)
    }

    fn metric_type(&self) -> MetricType {
        MetricType::Histogram
    }
}

impl TypedMetric for Histogram {
    const TYPE: MetricType = MetricType::Histogram;
}

/// Metrics of one name that labels tell apart.
#[derive(Debug, Clone)]
pub struct Labelled<L, M>(Family<L, M, fn() -> M>);

impl<L, M> Labelled<L, M>
where
    L: Clone + Eq + Hash,
    M: Clone,
{
    /// The one with those labels, which from then on is on the page.
    #[must_use]
    pub fn with(&self, labels: &L) -> M {
        self.0.get_or_create_owned(labels)
    }

    /// Puts the one with those labels on the page.
    pub fn prepare(&self, labels: &L) {
        drop(self.with(labels));
    }

    /// Takes all of them from the page.
    pub fn clear(&self) {
        self.0.clear();
    }
}

/// Where metrics are registered.
pub(super) struct Registrar<'a>(pub(super) &'a mut Registry);

impl Registrar<'_> {
    /// A counter. Its name ends in `_total`.
    pub(super) fn counter(&mut self, name: &str, help: &str) -> Counter {
        self.register(name, help, Counter::default())
    }

    pub(super) fn level(&mut self, name: &str, help: &str) -> Level {
        self.register(name, help, Level::default())
    }

    pub(super) fn summary(&mut self, name: &str, help: &str) -> Summary {
        self.register(name, help, Summary::default())
    }

    pub(super) fn durations(&mut self, name: &str, help: &str) -> Histogram {
        self.register(name, help, Histogram::new(DURATIONS_S))
    }

    /// A family of metrics, each made by `make` when it is first asked for.
    pub(super) fn labelled<L, M>(
        &mut self,
        name: &str,
        help: &str,
        make: fn() -> M,
    ) -> Labelled<L, M>
    where
        L: Clone + Eq + Hash + EncodeLabelSet + Debug + Send + Sync + 'static,
        M: EncodeMetric + TypedMetric + Debug + Clone + Send + Sync + 'static,
    {
        let family = Family::new_with_constructor(make);
        Labelled(self.register(name, help, family))
    }

    fn register<M: Metric + Clone>(&mut self, name: &str, help: &str, metric: M) -> M {
        // The library adds the ending of counters itself.
        let name = name.strip_suffix("_total").unwrap_or(name);
        self.0.register(name, help, metric.clone());
        metric
    }
}

#[cfg(test)]
mod tests {
    use super::super::page;
    use super::*;

    #[test]
    fn a_histogram_counts_values_and_what_was_counted_elsewhere_alike() {
        let text = |fill: fn(&Histogram)| {
            let histogram = Histogram::new(&[1.0, 5.0]);
            fill(&histogram);
            let mut registry = Registry::default();
            Registrar(&mut registry).register("h", "x", histogram);
            page(&registry).unwrap()
        };
        let expected = "# HELP h x\n# TYPE h histogram\nh_bucket{le=\"1\"} 2\nh_bucket{le=\"5\"} 3\nh_bucket{le=\"+Inf\"} 4\nh_sum 13.5\nh_count 4\n";
        let by_value = text(|histogram| {
            for value in [0.5, 1.0, 5.0, 7.0] {
                histogram.observe(value);
            }
        });
        let by_count = text(|histogram| histogram.add(&[2, 1, 1], 13.5));
        assert_eq!([by_value.as_str(), &by_count], [expected, expected]);
    }
}
