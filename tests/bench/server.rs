//! The server beside Debian's `prometheus-alertmanager`, in one run, on one machine, under one load.
//!
//! `cargo bench --bench server`, or `cargo bench --bench server -- tocsin` for one of the three: `tocsin`,
//! `bare` (without the index of history), `peer`. The peer is found on the path; where it is not, a line says so.
//!
//! Load: 8 connections, each a thread that sends its next request when it has its answer; bodies are
//! made beforehand. 100,000 series of 8 labels and 2 annotations under 1,000 alert names. Latencies of
//! the open loop count from when a request was due, so that a server that stalls is charged for all
//! that had to wait.
#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a benchmark starts real processes, reads their memory from the system, and tells what it measured"
)]

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

const SERIES: usize = 100_000;
const NAMES: usize = 1_000;
const CONNECTIONS: usize = 8;
/// Requests before memory is measured the first time, all with the same 256 alerts.
const WARM_UP: usize = 100;
const CLOSED_LOOP: Duration = Duration::from_secs(5);
const OPEN_LOOP: Duration = Duration::from_secs(5);
/// Part of what the closed loop reached that the open loop asks for.
const OPEN_LOOP_LOAD: f64 = 0.5;
const BATCHES: [usize; 3] = [1, 64, 256];
const PEER: &str = "prometheus-alertmanager";

const CONFIG: &str = "route:
  receiver: nowhere
  group_by: [alertname]
  group_wait: 1h
  group_interval: 1h
receivers:
  - name: nowhere
";

fn alert(number: usize) -> String {
    let name = number % NAMES;
    format!(
        r#"{{"annotations":{{"summary":"Instance node-{number}.example.org:9100 of job node is down","runbook_url":"https://runbooks.example.org/InstanceDown"}},"endsAt":"2036-11-22T03:43:54.509Z","startsAt":"2026-11-22T03:39:54.509Z","generatorURL":"http://prometheus.example.org:9090/graph?g0.expr=up+%3D%3D+0\u0026g0.tab=1","labels":{{"alertname":"InstanceDown{name}","cluster":"eu-west-1","instance":"node-{number}.example.org:9100","job":"node","namespace":"monitoring","pod":"node-exporter-{number}","severity":"critical","team":"infrastructure"}}}}"#
    )
}

/// All series in requests of that many alerts.
fn requests(batch: usize) -> Vec<Vec<u8>> {
    let numbers: Vec<usize> = (0..SERIES).collect();
    let request = |numbers: &[usize]| {
        let alerts: Vec<String> = numbers.iter().map(|number| alert(*number)).collect();
        let body = format!("[{}]", alerts.join(","));
        format!(
            "POST /api/v2/alerts HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
        .into_bytes()
    };
    numbers.chunks(batch).map(request).collect()
}

struct Connection {
    stream: BufReader<TcpStream>,
}

impl Connection {
    fn open(port: u16) -> Self {
        let stream = TcpStream::connect(("127.0.0.1", port)).expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        stream
            .set_read_timeout(Some(Duration::from_secs(60)))
            .expect("a socket");
        Self {
            stream: BufReader::with_capacity(64 << 10, stream),
        }
    }

    /// Sends, and gives the status and the length of the answer.
    fn exchange(&mut self, request: &[u8]) -> (u16, usize) {
        self.stream
            .get_mut()
            .write_all(request)
            .expect("it is read");
        let mut line = String::new();
        let mut next = |stream: &mut BufReader<TcpStream>| {
            line.clear();
            stream.read_line(&mut line).expect("an answer");
            line.trim_end().to_owned()
        };
        let status = next(&mut self.stream);
        let status = status.split(' ').nth(1).expect("a status");
        let status = status.parse().expect("a number");
        let mut length = Some(0);
        loop {
            let header = next(&mut self.stream).to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(value) = header.strip_prefix("content-length:") {
                length = value.trim().parse().ok();
            }
            if header.starts_with("transfer-encoding:") {
                length = None;
            }
        }
        match length {
            Some(length) => {
                let mut body = vec![0; length];
                self.stream.read_exact(&mut body).expect("a body");
                (status, length)
            }
            None => (status, self.chunked()),
        }
    }

    fn chunked(&mut self) -> usize {
        let mut total = 0;
        let mut chunk = Vec::new();
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line).expect("a chunk");
            let size = usize::from_str_radix(line.trim(), 16).expect("its size");
            chunk.resize(size + 2, 0);
            self.stream.read_exact(&mut chunk).expect("its bytes");
            total += size;
            if size == 0 {
                return total;
            }
        }
    }
}

struct Server {
    name: &'static str,
    program: PathBuf,
    root: PathBuf,
    port: u16,
    flags: &'static [&'static str],
    child: Option<Child>,
}

impl Server {
    fn new(
        name: &'static str,
        program: PathBuf,
        root: &Path,
        port: u16,
        flags: &'static [&'static str],
    ) -> Self {
        let root = root.join(name);
        fs::create_dir_all(&root).expect("a directory");
        fs::write(root.join("config.yml"), CONFIG).expect("a file");
        Self {
            name,
            program,
            root,
            port,
            flags,
            child: None,
        }
    }

    /// Starts it; how long from exec to ready.
    fn start(&mut self) -> Duration {
        let log = fs::File::create(self.root.join("log")).expect("a file");
        let started = Instant::now();
        let child = Command::new(&self.program)
            .arg(format!("--config.file={}/config.yml", self.root.display()))
            .arg(format!("--storage.path={}/data", self.root.display()))
            .arg(format!("--web.listen-address=127.0.0.1:{}", self.port))
            .arg("--cluster.listen-address=")
            .args(self.flags)
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .expect("it can be run");
        self.child = Some(child);
        let deadline = started + Duration::from_secs(60);
        while !self.is_ready() {
            assert!(
                Instant::now() < deadline,
                "{} does not become ready: {}",
                self.name,
                fs::read_to_string(self.root.join("log")).unwrap_or_default()
            );
            thread::yield_now();
        }
        started.elapsed()
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(("127.0.0.1", self.port)) else {
            return false;
        };
        let asked = stream
            .write_all(b"GET /-/ready HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let mut answer = String::new();
        asked.is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().expect("our own child");
            child.wait().expect("our own child");
        }
    }

    fn pid(&self) -> u32 {
        self.child.as_ref().expect("it runs").id()
    }

    /// Kilobytes of a line of `/proc/PID/status`.
    fn memory_kb(&self, line: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid()));
        let status = status.expect("Linux");
        let found = status.lines().find_map(|it| it.strip_prefix(line));
        let digits = found.expect("such a line").trim_matches([':', ' ', '\t']);
        let digits = digits.trim_end_matches(" kB").trim();
        digits.parse().expect("a number")
    }

    /// From here on the peak is of what comes.
    fn forget_peak(&self) {
        fs::write(format!("/proc/{}/clear_refs", self.pid()), "5").expect("Linux");
    }

    fn connection(&self) -> Connection {
        Connection::open(self.port)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

#[derive(Debug, Default)]
struct Load {
    alerts_per_second: f64,
    p50: Duration,
    p99: Duration,
    refused: usize,
}

fn quantile(sorted: &[Duration], part: f64) -> Duration {
    let place = (sorted.len() as f64 * part) as usize;
    sorted
        .get(place.min(sorted.len().saturating_sub(1)))
        .copied()
        .unwrap_or_default()
}

/// Sends requests from all connections: as fast as they are answered, or at a rate of requests a second.
fn load(server: &Server, requests: &Arc<Vec<Vec<u8>>>, batch: usize, rate: Option<f64>) -> Load {
    let next = Arc::new(AtomicUsize::new(0));
    let is_over = Arc::new(AtomicBool::new(false));
    let started = Instant::now();
    let length = if rate.is_some() {
        OPEN_LOOP
    } else {
        CLOSED_LOOP
    };
    let threads: Vec<_> = (0..CONNECTIONS)
        .map(|_| {
            let mut connection = server.connection();
            let (requests, next, is_over) = (requests.clone(), next.clone(), is_over.clone());
            thread::spawn(move || {
                let mut seen = Vec::new();
                let mut refused = 0;
                while !is_over.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let due = match rate {
                        None => Instant::now(),
                        Some(rate) => {
                            let due = started + Duration::from_secs_f64(number as f64 / rate);
                            thread::sleep(due.saturating_duration_since(Instant::now()));
                            due
                        }
                    };
                    let (status, _) = connection.exchange(&requests[number % requests.len()]);
                    refused += usize::from(status != 200);
                    seen.push(due.elapsed());
                    if started.elapsed() > length {
                        is_over.store(true, Ordering::Relaxed);
                    }
                }
                (seen, refused)
            })
        })
        .collect();
    let mut all = Vec::new();
    let mut refused = 0;
    for thread in threads {
        let (seen, not_taken) = thread.join().expect("it does not panic");
        all.extend(seen);
        refused += not_taken;
    }
    let taken = started.elapsed();
    all.sort_unstable();
    Load {
        alerts_per_second: (all.len() * batch) as f64 / taken.as_secs_f64(),
        p50: quantile(&all, 0.5),
        p99: quantile(&all, 0.99),
        refused,
    }
}

fn get(server: &Server, path: &str) -> (Duration, u64, usize) {
    let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let mut connection = server.connection();
    server.forget_peak();
    let before = server.memory_kb("VmRSS");
    let started = Instant::now();
    let (status, bytes) = connection.exchange(request.as_bytes());
    let taken = started.elapsed();
    assert_eq!(status, 200, "{path}");
    let extra = server.memory_kb("VmHWM").saturating_sub(before);
    (taken, extra, bytes)
}

fn measure(server: &mut Server) {
    println!("\n{}", server.name);
    println!(
        "  start, empty store                {:>10.1} ms",
        server.start().as_secs_f64() * 1e3
    );
    let fill = Arc::new(requests(256));
    let mut connection = server.connection();
    // Buffers and pools get the size they keep: they are not per alert.
    for _ in 0..WARM_UP {
        assert_eq!(connection.exchange(&fill[0]).0, 200);
    }
    let empty_kb = server.memory_kb("VmRSS");
    let started = Instant::now();
    for request in fill.iter() {
        assert_eq!(connection.exchange(request).0, 200);
    }
    println!(
        "  100,000 new alerts, 1 connection  {:>10.0} alerts/s",
        SERIES as f64 / started.elapsed().as_secs_f64()
    );
    let filled_kb = server.memory_kb("VmRSS");
    println!(
        "  resident memory, warm and full    {:>10.1} MB {:>8.1} MB, {:.2} kB an alert",
        empty_kb as f64 / 1e3,
        filled_kb as f64 / 1e3,
        (filled_kb.saturating_sub(empty_kb)) as f64 * 1.024 / (SERIES - 256) as f64
    );
    for path in ["/api/v2/alerts", "/api/v2/alerts/groups"] {
        let (taken, extra_kb, bytes) = get(server, path);
        println!(
            "  GET {path:<27}   {:>10.3} s, {:>7.1} MB beside it, {:.1} MB of answer",
            taken.as_secs_f64(),
            extra_kb as f64 * 1.024 / 1e3,
            bytes as f64 / 1e6
        );
    }
    for batch in BATCHES {
        let requests = if batch == 256 {
            Arc::clone(&fill)
        } else {
            Arc::new(requests(batch))
        };
        let closed = load(server, &requests, batch, None);
        let rate = closed.alerts_per_second / batch as f64 * OPEN_LOOP_LOAD;
        let open = load(server, &requests, batch, Some(rate));
        println!(
            "  known alerts, batches of {batch:>3}       {:>10.0} alerts/s, closed loop p50 {:.2} ms p99 {:.2} ms; at half of it p50 {:.2} ms p99 {:.2} ms; refused {}",
            closed.alerts_per_second,
            closed.p50.as_secs_f64() * 1e3,
            closed.p99.as_secs_f64() * 1e3,
            open.p50.as_secs_f64() * 1e3,
            open.p99.as_secs_f64() * 1e3,
            closed.refused + open.refused
        );
    }
    println!(
        "  resident memory at the end        {:>10.1} MB, peak {:.1} MB",
        server.memory_kb("VmRSS") as f64 * 1.024 / 1e3,
        server.memory_kb("VmHWM") as f64 * 1.024 / 1e3
    );
    server.kill();
    let again = server.start();
    let (_, _, bytes) = get(server, "/api/v2/alerts");
    println!(
        "  kill -9 to ready, alerts there    {:>10.3} s, {:.1} MB of alerts",
        again.as_secs_f64(),
        bytes as f64 / 1e6
    );
    server.kill();
}

fn main() {
    let only = std::env::args()
        .skip(1)
        .find(|word| !word.starts_with("--"));
    let root = std::env::var_os("TOCSIN_BENCH_DIR").map_or_else(std::env::temp_dir, PathBuf::from);
    let root = root.join(format!("tocsin-bench-{}", std::process::id()));
    let is_wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    let program = PathBuf::from(env!("CARGO_BIN_EXE_tocsin"));
    let ours: [(_, _, &[_]); 2] = [
        ("tocsin", 19_093, &[]),
        ("bare", 19_095, &["--history=off"]),
    ];
    for (name, port, flags) in ours.into_iter().filter(|it| is_wanted(it.0)) {
        measure(&mut Server::new(name, program.clone(), &root, port, flags));
    }
    if is_wanted("peer") {
        let found = Command::new(PEER).arg("--version").output();
        match found {
            Ok(_) => measure(&mut Server::new(
                "peer",
                PathBuf::from(PEER),
                &root,
                19_094,
                &[],
            )),
            Err(fault) => println!("\n{PEER} cannot be run ({fault}): install it with apt-get"),
        }
    }
    fs::remove_dir_all(&root).expect("our own directory");
}
