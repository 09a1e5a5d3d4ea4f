//! What does the web configuration file do? (`http-api.md` §7.) What is expected is what
//! exporter-toolkit 0.17 did with the same files, unless a line says otherwise.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http_body_util::{BodyExt, Empty};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tocsin::api::Options;
use tocsin::api::serve::{Limits, Listener, Web, serve_with};
use tocsin::sys::{Entry, Files, SeededEntropy, VirtualClock};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsConnector;

use crate::memory::{NOW, service};

/// Files that a test changes while they are read.
#[derive(Debug, Clone, Default)]
struct Changing(Arc<Mutex<BTreeMap<PathBuf, Vec<u8>>>>);

impl Changing {
    fn put(&self, name: &str, text: impl Into<Vec<u8>>) {
        let path = Path::new("/etc/am").join(name);
        self.0.lock().expect("no panic").insert(path, text.into());
    }

    fn remove(&self, name: &str) {
        let path = Path::new("/etc/am").join(name);
        self.0.lock().expect("no panic").remove(&path);
    }
}

impl Files for Changing {
    fn read(&self, path: &Path, _bytes_max: u64) -> io::Result<Vec<u8>> {
        let files = self.0.lock().expect("no panic");
        let text = files.get(path).cloned();
        text.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn list(&self, _dir: &Path) -> io::Result<Vec<Entry>> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

fn open(files: &Changing, clock: &Arc<VirtualClock>) -> Result<Web, String> {
    let clock: Arc<VirtualClock> = Arc::clone(clock);
    Web::open(
        Path::new("/etc/am/web.yml"),
        Arc::new(files.clone()),
        clock,
        &SeededEntropy::new(7),
    )
    .map_err(|error| error.to_string())
}

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
    files: Changing,
    clock: Arc<VirtualClock>,
    dial: mpsc::Sender<DuplexStream>,
}

impl Server {
    fn new(files: &Changing) -> Self {
        let clock = Arc::new(VirtualClock::at(NOW));
        let web = open(files, &clock).expect("a web configuration");
        let (dial, dialled) = mpsc::channel(8);
        tokio::spawn(serve_with(
            Dialled(dialled),
            service(&Arc::default(), Options::default()),
            Limits::default(),
            Some(Arc::new(web)),
            std::future::pending(),
        ));
        Self {
            files: files.clone(),
            clock,
            dial,
        }
    }

    async fn dial(&self) -> DuplexStream {
        let (near, far) = tokio::io::duplex(64 << 10);
        self.dial.send(far).await.expect("the server serves");
        near
    }

    /// Asks for `/-/healthy` with those headers: status line, the headers that matter, body.
    async fn ask(&self, headers: &str) -> String {
        told(self.dial().await, headers).await.expect("an answer")
    }
}

/// What a server on a connection says to a request.
async fn told(mut io: impl AsyncRead + AsyncWrite + Unpin, headers: &str) -> io::Result<String> {
    let request =
        format!("GET /-/healthy HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{headers}\r\n");
    io.write_all(request.as_bytes()).await?;
    let mut answer = String::new();
    io.read_to_string(&mut answer).await?;
    let is_dull = |line: &str| {
        ["date:", "content-type:", "content-length:", "connection:"]
            .iter()
            .any(|name| line.starts_with(name))
    };
    let lines = answer.lines().filter(|line| !is_dull(line));
    Ok(lines.collect::<Vec<_>>().join("\n"))
}

const OK: &str = "HTTP/1.1 200 OK\n\nOK";
const UNAUTHORIZED: &str = "HTTP/1.1 401 Unauthorized\nx-content-type-options: nosniff\nwww-authenticate: Basic\n\nUnauthorized";

/// A certificate authority and a certificate of a server, as PEM.
struct Authority(CertifiedIssuer<'static, KeyPair>);

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        Self(CertifiedIssuer::self_signed(params, key).expect("an authority"))
    }

    fn pem(&self) -> String {
        self.0.pem()
    }

    /// A certificate and its key.
    fn issue(&self, names: Vec<SanType>) -> (String, String) {
        let mut params = CertificateParams::new(Vec::new()).expect("no names");
        params.subject_alt_names = names;
        let key = KeyPair::generate().expect("a key");
        let cert = params.signed_by(&key, &self.0).expect("a certificate");
        (cert.pem(), key.serialize_pem())
    }

    fn issue_to(&self, name: &str) -> (String, String) {
        self.issue(vec![SanType::DnsName(name.try_into().expect("a name"))])
    }
}

fn chain(pem: &str) -> Vec<CertificateDer<'static>> {
    let chain = CertificateDer::pem_slice_iter(pem.as_bytes());
    chain.collect::<Result<_, _>>().expect("certificates")
}

/// How a client that trusts the authority speaks TLS.
fn client(authority: &Authority, own: Option<&(String, String)>, alpn: &[&str]) -> ClientConfig {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(chain(&authority.pem()));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots);
    let mut config = match own {
        None => builder.with_no_client_auth(),
        Some((cert, key)) => {
            let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("a key");
            builder
                .with_client_auth_cert(chain(cert), key)
                .expect("a certificate")
        }
    };
    config.alpn_protocols = alpn.iter().map(|name| name.as_bytes().to_vec()).collect();
    config
}

/// Asks over TLS; the answer, or that there is none.
async fn ask_secured(server: &Server, config: ClientConfig) -> String {
    let name = ServerName::try_from("localhost").expect("a name");
    let connector = TlsConnector::from(Arc::new(config));
    let Ok(secured) = connector.connect(name, server.dial().await).await else {
        return "no handshake".to_owned();
    };
    match told(secured, "").await {
        Ok(answer) if !answer.is_empty() => answer,
        _ => "no answer".to_owned(),
    }
}

/// Files of a server with TLS.
fn with_tls(authority: &Authority, more: &str) -> Changing {
    let files = Changing::default();
    let (cert, key) = authority.issue_to("localhost");
    files.put("cert.pem", cert);
    files.put("key.pem", key);
    files.put("ca.pem", authority.pem());
    files.put(
        "web.yml",
        format!("tls_server_config: {{cert_file: cert.pem, key_file: key.pem{more}}}"),
    );
    files
}

#[test]
fn a_file_is_refused_in_the_words_of_the_toolkit() {
    let authority = Authority::new();
    let files = with_tls(&authority, "");
    files.put("bad.pem", "bad");
    let (_, other) = authority.issue_to("other");
    files.put("other.pem", other);
    let tls =
        |more: &str| format!("tls_server_config: {{cert_file: cert.pem, key_file: key.pem{more}}}");
    let hash = "X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG";
    let cases: Vec<(String, &str)> = vec![
        (String::new(), ""),
        ("{}".into(), ""),
        ("null".into(), ""),
        (
            "x: 1".into(),
            "yaml: unmarshal errors:\n  line 1: field x not found in type web.Config",
        ),
        (
            "tls_server_config: {x: 1}".into(),
            "yaml: unmarshal errors:\n  line 1: field x not found in type web.TLSConfig",
        ),
        (
            "http_server_config: {x: 1}".into(),
            "yaml: unmarshal errors:\n  line 1: field x not found in type web.HTTPConfig",
        ),
        (
            "rate_limit: {x: 1}".into(),
            "yaml: unmarshal errors:\n  line 1: field x not found in type web.RateLimiterConfig",
        ),
        (
            "rate_limit: {interval: 1d}".into(),
            "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!str `1d` into time.Duration",
        ),
        (
            "basic_auth_users: [a]".into(),
            "yaml: unmarshal errors:\n  line 1: cannot unmarshal !!seq into map[string]config.Secret",
        ),
        ("tls_server_config: {}".into(), ""),
        (
            "tls_server_config: {cert_file: cert.pem}".into(),
            "missing one of key or key_file",
        ),
        (
            "tls_server_config: {key_file: key.pem}".into(),
            "missing one of cert or cert_file",
        ),
        (
            "tls_server_config: {client_auth_type: NoClientCert}".into(),
            "missing one of cert or cert_file",
        ),
        (tls(""), ""),
        (
            "tls_server_config: {cert_file: none.pem, key_file: key.pem}".into(),
            "failed to read cert_file (/etc/am/none.pem): open /etc/am/none.pem: no such file or directory",
        ),
        (
            "tls_server_config: {cert_file: cert.pem, key_file: none.pem}".into(),
            "failed to read key_file (/etc/am/none.pem): open /etc/am/none.pem: no such file or directory",
        ),
        (
            "tls_server_config: {cert_file: bad.pem, key_file: key.pem}".into(),
            "failed to load X509KeyPair: tls: failed to find any PEM data in certificate input",
        ),
        (
            "tls_server_config: {cert_file: cert.pem, key_file: bad.pem}".into(),
            "failed to load X509KeyPair: tls: failed to find any PEM data in key input",
        ),
        (
            "tls_server_config: {cert_file: cert.pem, key_file: other.pem}".into(),
            "failed to load X509KeyPair: tls: private key does not match public key",
        ),
        (
            tls(", client_ca_file: ca.pem"),
            "client CA's have been configured without a Client Auth Policy",
        ),
        (
            tls(", client_ca_file: none.pem, client_auth_type: RequireAndVerifyClientCert"),
            "open /etc/am/none.pem: no such file or directory",
        ),
        // The toolkit lets nobody in then.
        (
            tls(", client_ca_file: bad.pem, client_auth_type: RequireAndVerifyClientCert"),
            "client_auth_type RequireAndVerifyClientCert needs a client_ca or client_ca_file with at least one certificate",
        ),
        (tls(", client_auth_type: Foo"), "invalid ClientAuth: Foo"),
        (
            tls(", client_auth_type: RequireClientCert, client_ca_file: ca.pem"),
            "",
        ),
        (tls(", cipher_suites: [foo]"), "unknown cipher: foo"),
        (
            tls(", cipher_suites: [TLS_RSA_WITH_AES_128_CBC_SHA]"),
            "unknown cipher: TLS_RSA_WITH_AES_128_CBC_SHA",
        ),
        (
            tls(", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, TLS_AES_128_GCM_SHA256]"),
            "",
        ),
        // rustls has no such suite.
        (
            tls(", cipher_suites: [TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA]"),
            "cipher TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA is not supported: its mode, CBC, is no longer safe; use one with GCM or CHACHA20",
        ),
        (tls(", curve_preferences: [foo]"), "unknown curve: foo"),
        (tls(", curve_preferences: [X25519, CurveP256]"), ""),
        // Nor such a curve.
        (
            tls(", curve_preferences: [CurveP521]"),
            "curve CurveP521 is not supported; use CurveP256, CurveP384 or X25519",
        ),
        (tls(", min_version: foo"), "unknown TLS version: foo"),
        (tls(", min_version: TLS10"), ""),
        // The toolkit refuses every handshake.
        (
            tls(", max_version: TLS11"),
            "tls_server_config: no version of TLS is left between min_version and max_version: TLS12 and TLS13 are supported",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: deny}}".into(),
            "",
        ),
        (
            "http_server_config: {headers: {X-Frame-Options: DENY}}".into(),
            "invalid value for X-Frame-Options. Expected one of: [\"deny\" \"sameorigin\"], but got: \"DENY\"",
        ),
        (
            "http_server_config: {headers: {x-frame-options: deny}}".into(),
            "HTTP header \"x-frame-options\" can not be configured",
        ),
        (
            "basic_auth_users: {a: b}".into(),
            "crypto/bcrypt: hashedSecret too short to be a bcrypted password",
        ),
        (format!("basic_auth_users: {{a: $2y$10${hash}}}"), ""),
        (
            format!("basic_auth_users: {{a: $2y$99${hash}}}"),
            "crypto/bcrypt: cost 99 is outside allowed inclusive range 4..31",
        ),
        (
            format!("basic_auth_users: {{a: $2y$03${hash}}}"),
            "crypto/bcrypt: cost 3 is outside allowed inclusive range 4..31",
        ),
        (
            "a: [".into(),
            "yaml: line 1: did not find expected node content",
        ),
    ];
    let clock = Arc::new(VirtualClock::at(NOW));
    let seen: Vec<String> = cases
        .iter()
        .map(|(text, _)| {
            files.put("web.yml", text.as_str());
            open(&files, &clock).err().unwrap_or_default()
        })
        .collect();
    let expected: Vec<&str> = cases.iter().map(|(_, expected)| *expected).collect();
    assert_eq!(seen, expected);
}

/// `Authorization` of a user.
fn basic(user: &str, password: &str) -> String {
    use base64::Engine;
    let encoded = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Authorization: Basic {encoded}\r\n")
}

fn user(name: &str, password: &str) -> String {
    let hash = bcrypt::hash(password, 4).expect("a hash");
    format!("basic_auth_users: {{{name}: \"{hash}\"}}\n")
}

#[tokio::test]
async fn users_are_asked_for_their_passwords_and_changes_count_at_once() {
    let files = Changing::default();
    files.put("web.yml", user("alice", "secret: with a colon"));
    let server = Server::new(&files);
    let alice = basic("alice", "secret: with a colon");
    let mut seen = vec![
        server.ask("").await,
        server.ask(&basic("alice", "wrong")).await,
        server.ask(&basic("bob", "secret: with a colon")).await,
        server.ask("Authorization: Bearer x\r\n").await,
        server.ask("Authorization: Basic %%%\r\n").await,
        server.ask(&alice).await,
        server.ask(&alice.replace("Basic", "bAsIC")).await,
        // Results are remembered, and are the same.
        server.ask(&alice).await,
        server.ask(&basic("alice", "wrong")).await,
    ];
    files.put("web.yml", user("alice", "new"));
    seen.push(server.ask(&alice).await);
    seen.push(server.ask(&basic("alice", "new")).await);
    files.put("web.yml", "{}");
    seen.push(server.ask("").await);
    let expected = [
        UNAUTHORIZED,
        UNAUTHORIZED,
        UNAUTHORIZED,
        UNAUTHORIZED,
        UNAUTHORIZED,
        OK,
        OK,
        OK,
        UNAUTHORIZED,
        UNAUTHORIZED,
        OK,
        OK,
    ];
    assert_eq!(seen, expected);
}

#[tokio::test]
async fn good_passwords_are_remembered_whatever_a_guesser_tries() {
    let files = Changing::default();
    files.put("web.yml", user("alice", "secret"));
    let server = Server::new(&files);
    let mut seen = vec![server.ask(&basic("alice", "secret")).await];
    for guess in 0..150 {
        let guessed = server.ask(&basic("alice", &guess.to_string())).await;
        seen.extend(Some(guessed).filter(|guessed| guessed != UNAUTHORIZED));
    }
    seen.push(server.ask(&basic("alice", "secret")).await);
    assert_eq!(seen, [OK, OK]);
}

#[tokio::test]
async fn headers_are_said_in_every_answer_and_a_file_that_breaks_is_a_500() {
    let files = Changing::default();
    let headers = "http_server_config: {headers: {X-Frame-Options: deny, Strict-Transport-Security: max-age=1}}\n";
    files.put("web.yml", headers);
    let server = Server::new(&files);
    let mut seen = vec![server.ask("").await];
    server
        .files
        .put("web.yml", format!("{headers}{}", user("a", "b")));
    seen.push(server.ask("").await);
    server.files.put("web.yml", "x: [");
    seen.push(server.ask("").await);
    server.files.remove("web.yml");
    seen.push(server.ask("").await);
    server.files.put("web.yml", "{}");
    seen.push(server.ask("").await);
    let said = "strict-transport-security: max-age=1\nx-frame-options: deny";
    let broken = "HTTP/1.1 500 Internal Server Error\nx-content-type-options: nosniff\n\nInternal Server Error";
    assert_eq!(
        seen,
        [
            format!("HTTP/1.1 200 OK\n{said}\n\nOK"),
            format!(
                "HTTP/1.1 401 Unauthorized\nx-content-type-options: nosniff\nwww-authenticate: Basic\n{said}\n\nUnauthorized"
            ),
            broken.to_owned(),
            broken.to_owned(),
            OK.to_owned(),
        ]
    );
}

#[tokio::test]
async fn more_requests_than_the_limit_lets_through_are_turned_away() {
    let files = Changing::default();
    files.put("web.yml", "rate_limit: {interval: 10s, burst: 2}");
    let server = Server::new(&files);
    let mut seen = Vec::new();
    for seconds in [0, 0, 0, 10, 0] {
        server.clock.advance(Duration::from_secs(seconds));
        seen.push(server.ask("").await);
    }
    let over =
        "HTTP/1.1 429 Too Many Requests\nx-content-type-options: nosniff\n\nToo Many Requests";
    assert_eq!(seen, [OK, OK, over, OK, over]);
}

#[tokio::test]
async fn certificates_are_read_anew_at_each_handshake() {
    let (authority, other) = (Authority::new(), Authority::new());
    let files = with_tls(&authority, "");
    let server = Server::new(&files);
    let mut seen = Vec::new();
    let both = || [client(&authority, None, &[]), client(&other, None, &[])];
    for config in both() {
        seen.push(ask_secured(&server, config).await);
    }
    let (cert, key) = other.issue_to("localhost");
    files.put("cert.pem", cert);
    files.put("key.pem", key);
    for config in both() {
        seen.push(ask_secured(&server, config).await);
    }
    files.remove("key.pem");
    for config in both() {
        seen.push(ask_secured(&server, config).await);
    }
    let none = "no handshake";
    assert_eq!(seen, [OK, none, none, OK, none, none]);
}

#[tokio::test]
async fn plain_http_where_tls_is_spoken_is_answered_in_words() {
    let server = Server::new(&with_tls(&Authority::new(), ""));
    assert_eq!(
        server.ask("").await,
        "HTTP/1.0 400 Bad Request\n\nClient sent an HTTP request to an HTTPS server."
    );
}

#[tokio::test]
async fn clients_show_certificates_as_the_file_demands() {
    let (authority, other) = (Authority::new(), Authority::new());
    let known = authority.issue_to("client");
    let by_address = authority.issue(vec![
        SanType::IpAddress("10.1.2.3".parse().expect("an address")),
        SanType::Rfc822Name("a@b".try_into().expect("an address")),
    ]);
    let stranger = other.issue_to("client");
    let mut seen = Vec::new();
    for kind in [
        "client_auth_type: RequestClientCert",
        "client_auth_type: RequireAnyClientCert",
        "client_auth_type: RequireClientCert",
        "client_auth_type: VerifyClientCertIfGiven, client_ca_file: ca.pem",
        "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem",
        "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [client]",
        "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [10.1.2.3]",
        "client_auth_type: RequireAndVerifyClientCert, client_ca_file: ca.pem, client_allowed_sans: [a@b, x]",
    ] {
        let server = Server::new(&with_tls(&authority, &format!(", {kind}")));
        let mut line = String::new();
        for own in [None, Some(&known), Some(&by_address), Some(&stranger)] {
            let answer = ask_secured(&server, client(&authority, own, &[])).await;
            line.push(if answer == OK { '+' } else { '-' });
        }
        seen.push(line);
    }
    // Without a certificate, with two known ones, with a stranger's.
    assert_eq!(
        seen,
        [
            "++++", "-+++", "-+++", "+++-", "-++-", "-+--", "--+-", "--+-"
        ]
    );
}

#[tokio::test]
async fn http_2_is_spoken_over_tls_unless_the_file_says_no() {
    let authority = Authority::new();
    let mut seen = Vec::new();
    for more in ["", "}\nhttp_server_config: {http2: false"] {
        let server = Server::new(&with_tls(&authority, more));
        let name = ServerName::try_from("localhost").expect("a name");
        let config = client(&authority, None, &["h2", "http/1.1"]);
        let connector = TlsConnector::from(Arc::new(config));
        let secured = connector
            .connect(name, server.dial().await)
            .await
            .expect("TLS");
        let protocol = secured.get_ref().1.alpn_protocol().map(<[u8]>::to_vec);
        if protocol.as_deref() != Some(b"h2") {
            seen.push(told(secured, "").await.expect("an answer"));
            continue;
        }
        let (mut send, connection) =
            hyper::client::conn::http2::handshake(TokioExecutor::new(), TokioIo::new(secured))
                .await
                .expect("HTTP/2");
        tokio::spawn(connection);
        for path in ["/-/healthy", "/nosuch"] {
            let request = hyper::Request::get(format!("https://localhost{path}"))
                .body(Empty::<bytes::Bytes>::new())
                .expect("a request");
            let answer = send.send_request(request).await.expect("an answer");
            let (version, status) = (answer.version(), answer.status());
            let body = answer
                .into_body()
                .collect()
                .await
                .expect("a body")
                .to_bytes();
            seen.push(format!(
                "{version:?} {status}\n\n{}",
                String::from_utf8_lossy(&body)
            ));
        }
    }
    assert_eq!(
        seen,
        [
            "HTTP/2.0 200 OK\n\nOK",
            "HTTP/2.0 404 Not Found\n\n404 page not found\n",
            OK
        ]
    );
}
