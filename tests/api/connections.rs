//! What may a connection do, and how does it end? On streams in memory and on a virtual clock.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tocsin::api::serve::{
    HEADER_SECONDS_MAX, IDLE_SECONDS_MAX, Limits, Listener, STALL_SECONDS_MAX, serve,
};
use tocsin::api::{Api, Options};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, timeout};

use crate::memory::{Memory, alert, listed, service, set};

/// Connections that the test makes.
struct Dialled(mpsc::Receiver<DuplexStream>);

impl Listener for Dialled {
    type Io = DuplexStream;

    async fn accept(&mut self) -> io::Result<DuplexStream> {
        match self.0.recv().await {
            Some(stream) => Ok(stream),
            None => std::future::pending().await,
        }
    }
}

struct Server {
    api: Arc<Api<Memory>>,
    dial: mpsc::Sender<DuplexStream>,
    stop: Option<oneshot::Sender<()>>,
    served: JoinHandle<()>,
}

impl Server {
    fn new(backend: &Arc<Memory>, limits: Limits) -> Self {
        let api = service(backend, Options::default());
        let (dial, dialled) = mpsc::channel(8);
        let (stop, stopped) = oneshot::channel();
        let stopped = async {
            let _ = stopped.await;
        };
        let served = tokio::spawn(serve(Dialled(dialled), Arc::clone(&api), limits, stopped));
        Self {
            api,
            dial,
            stop: Some(stop),
            served,
        }
    }

    /// A connection whose two directions hold that many bytes.
    async fn dial(&self, bytes: usize) -> DuplexStream {
        let (near, far) = tokio::io::duplex(bytes);
        self.dial
            .send(far)
            .await
            .expect("the server takes connections");
        near
    }

    fn stop(&mut self) {
        let _ = self.stop.take().map(|stop| stop.send(()));
    }
}

/// All that comes until the other side closes, but the date.
async fn rest(stream: &mut DuplexStream) -> String {
    let mut bytes = Vec::new();
    // A stream that was cut off ends with an error, after what had been sent.
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    let lines = text
        .split_inclusive('\n')
        .filter(|line| !line.starts_with("date: "));
    lines.collect()
}

async fn send(stream: &mut DuplexStream, text: &str) {
    stream
        .write_all(text.as_bytes())
        .await
        .expect("the server reads");
}

const HEALTHY: &str = "GET /-/healthy HTTP/1.1\r\nHost: x\r\n\r\n";
const OK: &str =
    "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 2\r\n";

#[tokio::test(start_paused = true)]
async fn headers_that_have_begun_must_end_soon() {
    let server = Server::new(&Arc::default(), Limits::default());
    let mut stream = server.dial(1 << 10).await;
    let begun = Instant::now();
    let trickle = async {
        // One byte a second, so that no single read waits for long.
        for byte in HEALTHY.bytes() {
            if stream.write_all(&[byte]).await.is_err() {
                break;
            }
            sleep(Duration::from_secs(1)).await;
        }
        rest(&mut stream).await
    };
    let told = trickle.await;
    let took = begun.elapsed().as_secs();
    assert_eq!(
        (told.as_str(), took <= HEADER_SECONDS_MAX + 2),
        ("", true),
        "{took} s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_connection_may_wait_long_for_its_next_request_but_not_for_ever() {
    let server = Server::new(&Arc::default(), Limits::default());
    let mut stream = server.dial(1 << 10).await;
    send(&mut stream, HEALTHY).await;
    sleep(Duration::from_secs(IDLE_SECONDS_MAX - 30)).await;
    send(&mut stream, HEALTHY).await;
    let begun = Instant::now();
    let told = rest(&mut stream).await;
    let waited = begun.elapsed().as_secs();
    let expected = format!("{OK}\r\nOK{OK}\r\nOK");
    assert_eq!((told, waited), (expected, IDLE_SECONDS_MAX));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_read_its_answer_is_cut_off() {
    let backend = Arc::<Memory>::default();
    // Not so many that they are sorted aside: the virtual clock does not wait for that.
    let text = "x".repeat(2 << 10);
    let names: Vec<String> = (0..1_000).map(|i| format!("{i}{text}")).collect();
    let alerts = names
        .iter()
        .map(|name| listed(alert(&[("name", name)]), &[]));
    set(&backend.alerts, alerts.collect());
    let server = Server::new(&backend, Limits::default());
    let mut stream = server.dial(1 << 10).await;
    send(
        &mut stream,
        "GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    .await;
    let metrics = Arc::clone(server.api.metrics());
    while metrics.gets.get() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    while metrics.gets.get() > 0 {
        sleep(Duration::from_secs(1)).await;
    }
    let stalled = begun.elapsed().as_secs();
    let limit = STALL_SECONDS_MAX;
    assert_eq!(
        (
            (limit - 1..=limit + 2).contains(&stalled),
            metrics.connections.get()
        ),
        (true, 0),
        "{stalled} s"
    );
}

#[tokio::test(start_paused = true)]
async fn a_client_that_goes_in_mid_answer_leaves_nothing_behind() {
    let backend = Arc::<Memory>::default();
    // Not so many that they are sorted aside: the virtual clock does not wait for that.
    let text = "x".repeat(2 << 10);
    let names: Vec<String> = (0..1_000).map(|i| format!("{i}{text}")).collect();
    let alerts = names
        .iter()
        .map(|name| listed(alert(&[("name", name)]), &[]));
    set(&backend.alerts, alerts.collect());
    let server = Server::new(&backend, Limits::default());
    let mut stream = server.dial(1 << 10).await;
    send(
        &mut stream,
        "GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n",
    )
    .await;
    let mut some = [0; 4_000];
    stream
        .read_exact(&mut some)
        .await
        .expect("an answer begins");
    let during = server.api.metrics().gets.get();
    drop(stream);
    let gone = async {
        while server.api.metrics().gets.get() > 0 {
            sleep(Duration::from_millis(1)).await;
        }
    };
    let is_gone = timeout(Duration::from_secs(1), gone).await.is_ok();
    assert_eq!((during, is_gone), (1, true));
}

#[tokio::test(start_paused = true)]
async fn headers_without_end_are_refused() {
    let server = Server::new(&Arc::default(), Limits::default());
    let mut stream = server.dial(1 << 20).await;
    let long = format!(
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nX: {}\r\n\r\n",
        "x".repeat(300 << 10)
    );
    send(&mut stream, &long).await;
    let told = rest(&mut stream).await;
    let status = told.lines().next().unwrap_or_default();
    assert_eq!(status, "HTTP/1.1 431 Request Header Fields Too Large");
}

#[tokio::test(start_paused = true)]
async fn one_connection_too_many_is_told_so() {
    let limits = Limits {
        connections_max: 1,
        ..Limits::default()
    };
    let server = Server::new(&Arc::default(), limits);
    let mut first = server.dial(1 << 10).await;
    let mut second = server.dial(1 << 10).await;
    let refused = rest(&mut second).await;
    send(
        &mut first,
        "GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n",
    )
    .await;
    let answered = rest(&mut first).await;
    assert_eq!(
        (
            refused.lines().next(),
            answered,
            server.api.metrics().connections_refused.get()
        ),
        (
            Some("HTTP/1.1 503 Service Unavailable"),
            "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\nconnection: close\r\ncontent-length: 2\r\n\r\nOK".to_owned(),
            1
        )
    );
}

#[tokio::test(start_paused = true)]
async fn open_requests_are_answered_at_shutdown_and_idle_connections_are_closed() {
    let gate = tokio::sync::Semaphore::new(0);
    let backend = Arc::new(Memory {
        gate,
        ..Memory::default()
    });
    let mut server = Server::new(&backend, Limits::default());
    let mut idle = server.dial(1 << 10).await;
    send(&mut idle, HEALTHY).await;
    let mut busy = server.dial(1 << 10).await;
    send(&mut busy, "GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n").await;
    while server.api.metrics().gets.get() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    server.stop();
    let idle = rest(&mut idle).await;
    backend.gate.add_permits(1);
    let busy = rest(&mut busy).await;
    let ended = server.served.await.is_ok();
    let status = busy.lines().next().unwrap_or_default();
    assert_eq!(
        (idle, status, busy.ends_with("[]\n"), ended),
        (format!("{OK}\r\nOK"), "HTTP/1.1 200 OK", true, true)
    );
}

#[tokio::test(start_paused = true)]
async fn what_does_not_end_within_the_time_of_grace_is_cut_off() {
    let gate = tokio::sync::Semaphore::new(0);
    let backend = Arc::new(Memory {
        gate,
        ..Memory::default()
    });
    let mut server = Server::new(&backend, Limits::default());
    let mut busy = server.dial(1 << 10).await;
    send(&mut busy, "GET /api/v2/alerts HTTP/1.1\r\nHost: x\r\n\r\n").await;
    while server.api.metrics().gets.get() == 0 {
        sleep(Duration::from_millis(1)).await;
    }
    let begun = Instant::now();
    server.stop();
    let ended = server.served.await.is_ok();
    assert_eq!(
        (ended, begun.elapsed().as_secs()),
        (true, Limits::default().grace.as_secs())
    );
}

/// Quotes and angle brackets have no place in a URL, but Go takes them there, and so do people.
#[tokio::test(start_paused = true)]
async fn a_filter_may_be_written_with_quotes_as_they_are() {
    let backend = Arc::<Memory>::default();
    set(
        &backend.alerts,
        vec![listed(alert(&[("a", "<\"b\">")]), &[])],
    );
    let server = Server::new(&backend, Limits::default());
    let mut stream = server.dial(64 << 10).await;
    let ask = |value: &str, more: &str| {
        format!("GET /api/v2/alerts?filter=a=\"{value}\" HTTP/1.1\r\nHost: x\r\n{more}\r\n")
    };
    // In three pieces, to see that a line need not come in one.
    let first = ask(r#"<\"b\">"#, "");
    let (one, rest_of_it) = first.split_at(30);
    let (two, three) = rest_of_it.split_at(10);
    for piece in [one, two, three] {
        send(&mut stream, piece).await;
        sleep(Duration::from_millis(1)).await;
    }
    sleep(Duration::from_secs(1)).await;
    send(&mut stream, &ask("no", "Connection: close\r\n")).await;
    let told = rest(&mut stream).await;
    let statuses: Vec<&str> = told
        .lines()
        .filter(|line| line.contains("HTTP/1.1"))
        .collect();
    assert_eq!(
        (
            statuses.len(),
            told.matches("\"fingerprint\"").count(),
            told.matches(" 200 OK").count()
        ),
        (2, 1, 2),
        "{told}"
    );
}

/// Where a body ends that nobody has read is not guessed.
#[tokio::test(start_paused = true)]
async fn a_body_that_is_refused_unread_ends_the_connection() {
    let server = Server::new(&Arc::default(), Limits::default());
    let mut stream = server.dial(64 << 10).await;
    let head = "POST /api/v2/alerts HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\n";
    let inner = "GET /-/healthy HTTP/1.1\r\nHost: \"x\r\n\r\n";
    send(
        &mut stream,
        &format!("{head}Content-Length: {}\r\n\r\n{inner}", inner.len()),
    )
    .await;
    let told = rest(&mut stream).await;
    assert_eq!(
        (
            told.matches("HTTP/1.1").count(),
            told.contains("connection: close"),
            told.get(..12)
        ),
        (1, true, Some("HTTP/1.1 415"))
    );
}
