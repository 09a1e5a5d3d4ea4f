//! Files that can change while a client uses them, and clients made of YAML.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use rustls::RootCertStore;
use tocsin::config::receivers::Webhook as Config;
use tocsin::config::yaml::{Decoder, parse};
use tocsin::receivers::http_client::{ProxyEnvironment, World};
use tocsin::receivers::webhook::{OwnHeaders, Webhook};
use tocsin::sys::{Entry, Files, SeededEntropy, VirtualClock, WallTime};
use tocsin::template::{Options, Templates};

/// Files in memory that can be replaced.
#[derive(Debug, Default)]
pub struct Changing(Mutex<BTreeMap<PathBuf, Vec<u8>>>);

impl Changing {
    pub fn put(&self, path: &str, contents: &str) {
        self.0
            .lock()
            .unwrap()
            .insert(path.into(), contents.as_bytes().to_vec());
    }
}

impl Files for Changing {
    fn read(&self, path: &Path, _: u64) -> io::Result<Vec<u8>> {
        let files = self.0.lock().unwrap();
        files
            .get(path)
            .cloned()
            .ok_or_else(|| io::Error::from(io::ErrorKind::NotFound))
    }

    fn list(&self, _: &Path) -> io::Result<Vec<Entry>> {
        Ok(Vec::new())
    }
}

/// What clients are made with.
pub struct Place {
    pub files: Arc<Changing>,
    pub world: World,
}

impl Place {
    pub fn new() -> Self {
        Self::with_proxies(ProxyEnvironment::default())
    }

    pub fn with_proxies(proxies: ProxyEnvironment) -> Self {
        let files = Arc::new(Changing::default());
        let world = World {
            files: files.clone(),
            roots: Arc::new(RootCertStore::empty()),
            proxies,
            // 2026-01-02T03:04:05Z
            clock: Arc::new(VirtualClock::at(WallTime(1_767_323_045_000_000_000))),
            entropy: Arc::new(SeededEntropy::new(1)),
        };
        Self { files, world }
    }

    /// A webhook of this YAML.
    pub fn webhook(&self, yaml: &str) -> Result<Webhook, String> {
        self.webhook_with(yaml, OwnHeaders::Sent)
    }

    pub fn webhook_with(&self, yaml: &str, own_headers: OwnHeaders) -> Result<Webhook, String> {
        let config = config(yaml);
        let templates = Arc::new(templates());
        Webhook::new(&config, templates, &self.world, own_headers)
            .map_err(|error| error.to_string())
    }
}

pub fn config(yaml: &str) -> Config {
    let document = parse(yaml.as_bytes()).expect("it is YAML");
    let mut decoder = Decoder::new(
        &document,
        tocsin::model::Mode::Fallback,
        jiff::tz::TimeZone::UTC,
    );
    let mut config = Config::default();
    decoder.read_document(&mut config).expect("it is a webhook");
    config
}

fn templates() -> Templates {
    let options = Options {
        now: Arc::new(|| gotemplate::time::Time::ZERO),
        local_zone: gotemplate::time::Zone::utc(),
        limits: gotemplate::Limits::default(),
    };
    Templates::new(&options).expect("the default templates are sound")
}
