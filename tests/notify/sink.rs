//! Servers on the loopback that note what they are sent.

use std::collections::{BTreeMap, VecDeque};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Request, Response, Version};
use http_body_util::BodyExt;
use hyper::body::{Body, Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

/// A request as it arrived.
#[derive(Debug, Clone, PartialEq)]
pub struct Got {
    pub method: String,
    pub uri: String,
    pub version: Version,
    pub headers: BTreeMap<String, Vec<String>>,
    pub body: String,
}

impl Got {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.first().map(String::as_str)
    }
}

/// What is answered.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This, with headers.
    Say(u16, Vec<(&'static str, String)>, &'static str),
    /// Nothing, ever.
    Silence,
    /// A status, the beginning of a body, and the end of the connection.
    BreakOff(u16),
    /// A status and a body of so many bytes.
    Huge(u16, usize),
    /// A status and a body that does not end.
    Trickle(u16),
}

pub fn say(status: u16) -> Reply {
    Reply::Say(status, Vec::new(), "")
}

pub fn redirect(status: u16, location: String) -> Reply {
    Reply::Say(status, vec![("location", location)], "")
}

/// A server.
#[derive(Clone)]
pub struct Sink {
    pub address: SocketAddr,
    got: Arc<Mutex<Vec<Got>>>,
    replies: Arc<Mutex<VecDeque<Reply>>>,
    connections: Arc<Mutex<usize>>,
}

impl Sink {
    /// A plain one. The last reply is repeated.
    pub async fn start(replies: &[Reply]) -> Self {
        Self::start_with(replies, None).await
    }

    /// One with TLS, if there is an acceptor.
    pub async fn start_with(replies: &[Reply], tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let sink = Self {
            address: listener.local_addr().unwrap(),
            got: Arc::default(),
            replies: Arc::new(Mutex::new(replies.iter().cloned().collect())),
            connections: Arc::default(),
        };
        let server = sink.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, tls) = (server.clone(), tls.clone());
                tokio::spawn(async move {
                    match tls {
                        None => server.serve(stream).await,
                        Some(tls) => {
                            if let Ok(stream) = tls.accept(stream).await {
                                server.serve(stream).await;
                            }
                        }
                    }
                });
            }
        });
        sink
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(self, stream: S) {
        *self.connections.lock().unwrap() += 1;
        let service = service_fn(move |request| {
            let sink = self.clone();
            async move { Ok::<_, Infallible>(sink.answer(request).await) }
        });
        // A client that goes away is what some tests are about.
        let _ = auto::Builder::new(TokioExecutor::new())
            .serve_connection(TokioIo::new(stream), service)
            .await;
    }

    async fn answer(&self, request: Request<Incoming>) -> Response<ReplyBody> {
        let (parts, body) = request.into_parts();
        let body = body
            .collect()
            .await
            .map(http_body_util::Collected::to_bytes)
            .unwrap_or_default();
        self.got.lock().unwrap().push(Got {
            method: parts.method.to_string(),
            uri: parts.uri.to_string(),
            version: parts.version,
            headers: by_name(&parts.headers),
            body: String::from_utf8_lossy(&body).into_owned(),
        });
        let reply = {
            let mut replies = self.replies.lock().unwrap();
            match replies.len() {
                1 => replies[0].clone(),
                _ => replies.pop_front().unwrap(),
            }
        };
        let (status, headers, body) = match reply {
            Reply::Say(status, headers, text) => (status, headers, ReplyBody::text(text)),
            Reply::Silence => std::future::pending().await,
            Reply::BreakOff(status) => (status, Vec::new(), ReplyBody::BreakOff(0)),
            Reply::Huge(status, bytes) => (status, Vec::new(), ReplyBody::Huge(bytes)),
            Reply::Trickle(status) => (status, Vec::new(), ReplyBody::Trickle),
        };
        let mut response = Response::builder().status(status);
        for (name, value) in headers {
            response = response.header(name, value);
        }
        response.body(body).unwrap()
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn connections(&self) -> usize {
        *self.connections.lock().unwrap()
    }
}

fn by_name(headers: &HeaderMap) -> BTreeMap<String, Vec<String>> {
    let mut all: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        all.entry(name.to_string()).or_default().push(value);
    }
    all
}

/// The body of an answer, good or bad.
pub enum ReplyBody {
    Text(Option<Bytes>),
    /// The pieces so far.
    BreakOff(u8),
    Huge(usize),
    Trickle,
}

impl ReplyBody {
    fn text(text: &'static str) -> Self {
        Self::Text((!text.is_empty()).then(|| Bytes::from_static(text.as_bytes())))
    }
}

impl Body for ReplyBody {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        const CHUNK: usize = 64 * 1024;
        let frame = match &mut *self {
            Self::Text(text) => text.take().map(|text| Ok(Frame::data(text))),
            Self::BreakOff(pieces) => {
                *pieces += 1;
                match pieces {
                    1 => Some(Ok(Frame::data(Bytes::from_static(b"the beginning")))),
                    // The server sends what it has while it waits, and nothing of it otherwise.
                    2 => {
                        context.waker().wake_by_ref();
                        return Poll::Pending;
                    }
                    _ => Some(Err(std::io::Error::other("broken off"))),
                }
            }
            Self::Huge(0) => None,
            Self::Huge(left) => {
                let size = CHUNK.min(*left);
                *left -= size;
                Some(Ok(Frame::data(Bytes::from(vec![b'x'; size]))))
            }
            Self::Trickle => return Poll::Pending,
        };
        Poll::Ready(frame)
    }
}

/// A proxy that opens tunnels. It notes the heads of the requests.
pub async fn tunnel_proxy() -> (SocketAddr, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let heads: Arc<Mutex<Vec<String>>> = Arc::default();
    let noted = heads.clone();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(open_tunnel(stream, noted.clone()));
        }
    });
    (address, heads)
}

async fn open_tunnel(mut stream: TcpStream, heads: Arc<Mutex<Vec<String>>>) {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return,
        }
    }
    let head = String::from_utf8_lossy(&head).into_owned();
    let port = head
        .split([' ', ':'])
        .nth(2)
        .and_then(|port| port.parse().ok())
        .unwrap_or(0);
    heads.lock().unwrap().push(head);
    // Whatever the name, it is on this host.
    let Ok(mut host) = TcpStream::connect(("127.0.0.1", port)).await else {
        return;
    };
    if stream
        .write_all(b"HTTP/1.1 200 Connection established\r\n\r\n")
        .await
        .is_ok()
    {
        // It ends when either side does.
        let _ = copy_bidirectional(&mut stream, &mut host).await;
    }
}
