//! Connections: straight or through a proxy, then TLS if the URL wants it.

use std::error::Error;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::Uri;
use hyper::rt::{Read, ReadBufCursor, Write};
use hyper_rustls::{HttpsConnector, MaybeHttpsStream, ResolveServerName};
use hyper_util::client::legacy::connect::proxy::{SocksV5, Tunnel};
use hyper_util::client::legacy::connect::{Connected, Connection, HttpConnector};
use hyper_util::rt::TokioIo;
use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tower::{Service, ServiceExt};

use super::CONNECT_TIMEOUT;
use super::proxy::{Proxies, Proxy, ProxyKind};

/// How often an idle connection is asked whether it is still there, as Go does.
const KEEPALIVE: Duration = Duration::from_secs(15);

type BoxError = Box<dyn Error + Send + Sync>;
type Connecting<T> = Pin<Box<dyn Future<Output = Result<T, BoxError>> + Send>>;

/// Makes connections, within [`CONNECT_TIMEOUT`].
#[derive(Clone)]
pub(super) struct Connector {
    https: HttpsConnector<Road>,
}

impl Connector {
    pub(super) fn new(
        proxies: Proxies,
        config: &ClientConfig,
        names: Arc<dyn ResolveServerName + Send + Sync>,
        is_http2_enabled: bool,
    ) -> Self {
        let mut direct = HttpConnector::new();
        direct.enforce_http(false);
        direct.set_nodelay(true);
        direct.set_keepalive(Some(KEEPALIVE));
        // Of several addresses the first may be dead.
        direct.set_connect_timeout(Some(CONNECT_TIMEOUT / 2));
        let protocols = |protocols: &[&[u8]]| {
            let mut config = config.clone();
            config.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
            config
        };
        let to_host = match is_http2_enabled {
            true => protocols(&[b"h2", b"http/1.1"]),
            false => protocols(&[b"http/1.1"]),
        };
        let to_proxy = protocols(&[b"http/1.1"]);
        let road = Road {
            proxies: Arc::new(proxies),
            to_proxy: HttpsConnector::new(direct.clone(), to_proxy, false, names.clone()),
            direct,
        };
        Self {
            https: HttpsConnector::new(road, to_host, false, names),
        }
    }
}

impl Service<Uri> for Connector {
    type Response = MaybeHttpsStream<Stream>;
    type Error = BoxError;
    type Future = Connecting<Self::Response>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        self.https.poll_ready(context)
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        let connecting = self.https.call(uri);
        Box::pin(async move {
            match timeout(CONNECT_TIMEOUT, connecting).await {
                Ok(connected) => connected,
                Err(_) => Err(format!("no connection within {CONNECT_TIMEOUT:?}").into()),
            }
        })
    }
}

/// The way to the host, without the host's TLS.
#[derive(Clone)]
struct Road {
    proxies: Arc<Proxies>,
    direct: HttpConnector,
    to_proxy: HttpsConnector<HttpConnector>,
}

impl Road {
    async fn go(self, uri: Uri) -> Result<Stream, BoxError> {
        let Some(proxy) = self.proxies.choose(&uri) else {
            let stream = self.direct.oneshot(uri).await?;
            return Ok(Stream::straight(MaybeHttpsStream::Http(stream)));
        };
        match proxy.kind {
            ProxyKind::Socks5 => socks(proxy, self.direct, uri).await,
            ProxyKind::Http | ProxyKind::Https if uri.scheme_str() == Some("https") => {
                let headers = self.proxies.connect_headers(proxy);
                let tunnel =
                    Tunnel::new(proxy.address.clone(), self.to_proxy).with_headers(headers);
                Ok(Stream::straight(tunnel.oneshot(uri).await?))
            }
            ProxyKind::Http | ProxyKind::Https => Ok(Stream {
                io: self.to_proxy.oneshot(proxy.address.clone()).await?,
                is_forwarded: true,
            }),
        }
    }
}

async fn socks(proxy: &Proxy, direct: HttpConnector, uri: Uri) -> Result<Stream, BoxError> {
    let mut socks = SocksV5::new(proxy.address.clone(), direct);
    if let Some(user) = &proxy.user {
        let (name, password) = user.parts();
        socks = socks.with_auth(name.to_owned(), password.to_owned());
    }
    Ok(Stream::straight(MaybeHttpsStream::Http(
        socks.oneshot(uri).await?,
    )))
}

impl Service<Uri> for Road {
    type Response = Stream;
    type Error = BoxError;
    type Future = Connecting<Stream>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, uri: Uri) -> Self::Future {
        Box::pin(self.clone().go(uri))
    }
}

/// A connection, to the host or to its proxy.
pub(super) struct Stream {
    io: MaybeHttpsStream<TokioIo<TcpStream>>,
    /// Whether requests on it have to name the host.
    is_forwarded: bool,
}

impl Stream {
    fn straight(io: MaybeHttpsStream<TokioIo<TcpStream>>) -> Self {
        Self {
            io,
            is_forwarded: false,
        }
    }
}

impl Connection for Stream {
    fn connected(&self) -> Connected {
        let connected = self.io.connected();
        connected.proxy(self.is_forwarded)
    }
}

impl Read for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_read(context, buffer)
    }
}

impl Write for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, buffer)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffers: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write_vectored(context, buffers)
    }
}
