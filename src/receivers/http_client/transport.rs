//! A pool of connections, made anew when the files of TLS changed.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::header::PROXY_AUTHORIZATION;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper_util::client::legacy;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::RootCertStore;

use super::World;
use super::connector::Connector;
use super::error::{BuildError, HttpError};
use super::proxy::Proxies;
use super::tls::{self, Material};
use crate::config::tls::TlsConfig;
use crate::sys::Files;

/// How long a connection is kept that nobody uses, as in Alertmanager 0.34.
const IDLE_TIMEOUT: Duration = Duration::from_secs(5 * 60);

/// How many of them are kept for a host: as many as one integration uses at once.
const IDLE_PER_HOST_MAX: usize = 128;

/// After so much silence an HTTP/2 connection is asked whether it is alive, as in Alertmanager 0.34.
const PING_AFTER: Duration = Duration::from_secs(60);

/// How long it has for the answer, as in Go.
const PING_TIMEOUT: Duration = Duration::from_secs(15);

type Pool = legacy::Client<Connector, Full<Bytes>>;

/// Carries requests of one `tls_config` and one set of proxies.
pub(super) struct Transport {
    maker: Arc<Maker>,
    files: Arc<dyn Files>,
    current: Mutex<([u8; 32], Pool)>,
}

/// What a pool is made of.
struct Maker {
    config: TlsConfig,
    proxies: Proxies,
    is_http2_enabled: bool,
    roots: Arc<RootCertStore>,
}

impl Transport {
    pub(super) fn new(
        config: &TlsConfig,
        proxies: Proxies,
        is_http2_enabled: bool,
        world: &World,
    ) -> Result<Self, BuildError> {
        let maker = Maker {
            config: config.clone(),
            proxies,
            is_http2_enabled,
            roots: world.roots.clone(),
        };
        let material = Material::read(config, &*world.files)?;
        let current = (material.digest(), maker.pool(&material)?);
        Ok(Self {
            maker: Arc::new(maker),
            files: world.files.clone(),
            current: Mutex::new(current),
        })
    }

    pub(super) async fn request(
        &self,
        mut request: Request<Full<Bytes>>,
    ) -> Result<Response<Incoming>, HttpError> {
        let pool = self.pool().await?;
        if let Some(value) = self.maker.proxies.forwarded_authorization(request.uri()) {
            request.headers_mut().insert(PROXY_AUTHORIZATION, value);
        }
        pool.request(request)
            .await
            .map_err(|error| HttpError::of_chain(&error))
    }

    /// The pool for the files as they are now.
    async fn pool(&self) -> Result<Pool, HttpError> {
        let current = || {
            let current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
            current.clone()
        };
        if !tls::has_files(&self.maker.config) {
            return Ok(current().1);
        }
        let (maker, files) = (self.maker.clone(), self.files.clone());
        let known = current().0;
        let reading = tokio::task::spawn_blocking(move || {
            let material = Material::read(&maker.config, &*files)?;
            let digest = material.digest();
            let made = (digest != known)
                .then(|| maker.pool(&material))
                .transpose()?;
            Ok::<_, BuildError>(made.map(|pool| (digest, pool)))
        });
        let made = match reading.await {
            Ok(made) => made.map_err(|error| HttpError::new(error.to_string()))?,
            Err(_) => return Err(HttpError::new("the files of tls_config could not be read")),
        };
        let mut current = self.current.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(made) = made {
            *current = made;
        }
        Ok(current.1.clone())
    }
}

impl Maker {
    fn pool(&self, material: &Material) -> Result<Pool, BuildError> {
        let config = tls::client_config(&self.config, material, &self.roots)?;
        let names = tls::server_names(&self.config)?;
        let connector = Connector::new(self.proxies.clone(), &config, names, self.is_http2_enabled);
        Ok(legacy::Client::builder(TokioExecutor::new())
            .timer(TokioTimer::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(IDLE_PER_HOST_MAX)
            .http2_keep_alive_interval(PING_AFTER)
            .http2_keep_alive_timeout(PING_TIMEOUT)
            .build(connector))
    }
}
