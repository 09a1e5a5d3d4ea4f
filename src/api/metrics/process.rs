//! The process, as the operating system knows it (`metrics.md` §10): read from `/proc` at each scrape.
//!
//! Where there is no `/proc`, nothing is on the page: absent is better than 0.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::registry::Registry;

use super::kinds::{Labelled, Level, NoLabels, Registrar};
use crate::sys::Files;

/// Clock ticks in a second, in which `/proc` counts: the same on every Linux that there is.
const TICKS_PER_SECOND: f64 = 100.0;
/// `/proc/stat` has a line for each processor and interrupt.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// The process.
#[derive(Debug, Clone)]
pub struct ProcessMetrics {
    files: Arc<dyn Files>,
    cpu_seconds_total: Labelled<NoLabels, Counter<f64, AtomicU64>>,
    open_fds: Labelled<NoLabels, Level>,
    max_fds: Labelled<NoLabels, Level>,
    virtual_memory_bytes: Labelled<NoLabels, Level>,
    virtual_memory_max_bytes: Labelled<NoLabels, Level>,
    resident_memory_bytes: Labelled<NoLabels, Level>,
    start_time_seconds: Labelled<NoLabels, Level>,
}

impl ProcessMetrics {
    /// Registers them.
    pub fn register(registry: &mut Registry, files: Arc<dyn Files>) -> Self {
        let mut to = Registrar(registry);
        let mut level = |name, help| to.labelled(name, help, Level::default);
        Self {
            open_fds: level("process_open_fds", "Number of open file descriptors."),
            max_fds: level(
                "process_max_fds",
                "Maximum number of open file descriptors.",
            ),
            virtual_memory_bytes: level(
                "process_virtual_memory_bytes",
                "Virtual memory size in bytes.",
            ),
            virtual_memory_max_bytes: level(
                "process_virtual_memory_max_bytes",
                "Maximum amount of virtual memory available in bytes.",
            ),
            resident_memory_bytes: level(
                "process_resident_memory_bytes",
                "Resident memory size in bytes.",
            ),
            start_time_seconds: level(
                "process_start_time_seconds",
                "Start time of the process since unix epoch in seconds.",
            ),
            cpu_seconds_total: to.labelled(
                "process_cpu_seconds_total",
                "Total user and system CPU time spent in seconds.",
                Counter::default,
            ),
            files,
        }
    }

    /// Reads them. To be called before each scrape.
    pub fn read(&self) {
        let set = |level: &Labelled<NoLabels, Level>, value: Option<f64>| {
            if let Some(value) = value {
                level.with(&NoLabels).set(value);
            }
        };
        if let Some(stat) = self.text("/proc/self/stat") {
            let ticks = |number| field(&stat, number).map(|ticks| ticks / TICKS_PER_SECOND);
            if let (Some(user), Some(system)) = (ticks(14), ticks(15)) {
                let seconds = (user + system).to_bits();
                let counter = self.cpu_seconds_total.with(&NoLabels);
                counter.inner().store(seconds, Ordering::Relaxed);
            }
            let boot = self
                .text("/proc/stat")
                .and_then(|text| line(&text, "btime"));
            let started = ticks(22).zip(boot);
            set(
                &self.start_time_seconds,
                started.map(|(after, boot)| boot + after),
            );
        }
        if let Some(status) = self.text("/proc/self/status") {
            let bytes = |name| line(&status, name).map(|kibibytes| kibibytes * 1024.0);
            set(&self.virtual_memory_bytes, bytes("VmSize:"));
            set(&self.resident_memory_bytes, bytes("VmRSS:"));
        }
        if let Some(limits) = self.text("/proc/self/limits") {
            set(&self.max_fds, line(&limits, "Max open files"));
            set(
                &self.virtual_memory_max_bytes,
                line(&limits, "Max address space"),
            );
        }
        let open = self.files.list(Path::new("/proc/self/fd")).ok();
        let count = open.and_then(|open| u32::try_from(open.len()).ok());
        // The directory that is being read has one of its own.
        set(
            &self.open_fds,
            count.map(|count| f64::from(count.saturating_sub(1))),
        );
    }

    fn text(&self, path: &str) -> Option<String> {
        let bytes = self.files.read(Path::new(path), FILE_BYTES_MAX).ok()?;
        Some(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// A field of `/proc/self/stat`, counted from 1; the second one, the name, may hold anything.
fn field(stat: &str, number: usize) -> Option<f64> {
    let (_, behind) = stat.rsplit_once(')')?;
    behind
        .split_whitespace()
        .nth(number.checked_sub(3)?)?
        .parse()
        .ok()
}

/// The first number of the line that begins so. No limit is as high as a number gets, as Go's library
/// shows it.
fn line(text: &str, begins: &str) -> Option<f64> {
    let line = text.lines().find_map(|line| line.strip_prefix(begins))?;
    match line.split_whitespace().next()? {
        "unlimited" => Some(18_446_744_073_709_551_615.0),
        number => number.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::page;
    use super::*;
    use crate::sys::MemoryFiles;

    #[test]
    fn the_process_is_shown_as_proc_tells() {
        let files = MemoryFiles::new([
            (
                "/proc/self/stat",
                "7 (a) b) S 1 1 1 0 -1 4194560 1 0 0 0 250 50 0 0 20 0 9 0 12345 1000 10 18446744073709551615",
            ),
            ("/proc/stat", "cpu  1 2 3\nbtime 1700000000\nprocesses 5\n"),
            (
                "/proc/self/status",
                "Name:\ta\nVmSize:\t    2048 kB\nVmRSS:\t    1024 kB\n",
            ),
            (
                "/proc/self/limits",
                "Limit  Soft Limit  Hard Limit  Units\nMax open files            1024                 4096                 files\nMax address space         unlimited            unlimited            bytes\n",
            ),
            ("/proc/self/fd/0", ""),
            ("/proc/self/fd/1", ""),
            ("/proc/self/fd/2", ""),
        ]);
        let mut registry = Registry::default();
        let process = ProcessMetrics::register(&mut registry, Arc::new(files));
        process.read();
        let page = page(&registry).unwrap();
        let samples: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
        assert_eq!(
            samples,
            [
                "process_cpu_seconds_total 3",
                "process_max_fds 1024",
                "process_open_fds 2",
                "process_resident_memory_bytes 1.048576e+06",
                "process_start_time_seconds 1.70000012345e+09",
                "process_virtual_memory_bytes 2.097152e+06",
                "process_virtual_memory_max_bytes 1.8446744073709552e+19",
            ]
        );
    }

    #[test]
    fn without_proc_nothing_is_shown() {
        let mut registry = Registry::default();
        let files = MemoryFiles::default();
        ProcessMetrics::register(&mut registry, Arc::new(files)).read();
        assert_eq!(page(&registry).unwrap(), "");
    }
}
