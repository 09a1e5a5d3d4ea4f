//! TLS: whom to trust, who we are, which protocol.

use std::sync::Arc;

use http::Version;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, SanType};
use rustls::server::WebPkiClientVerifier;
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

use crate::files::Place;
use crate::sink::{Sink, say};
use crate::webhook::attempt;

/// A certificate authority.
pub struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
}

impl Authority {
    pub fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        Self { issuer }
    }

    pub fn pem(&self) -> String {
        self.issuer.pem()
    }

    /// A certificate for a name, and its key.
    pub fn issue(&self, name: &str) -> (String, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.subject_alt_names.push(match name.parse() {
            Ok(address) => SanType::IpAddress(address),
            Err(_) => SanType::DnsName(name.try_into().unwrap()),
        });
        let key = KeyPair::generate().unwrap();
        let cert = params.signed_by(&key, &self.issuer).unwrap();
        (cert.pem(), key.serialize_pem())
    }

    /// A server with a certificate for that name.
    pub async fn sink(&self, name: &str, clients: Option<&Self>) -> Sink {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = ServerConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .unwrap();
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(authority) => {
                let mut roots = RootCertStore::empty();
                roots.add(certificates(&authority.pem()).remove(0)).unwrap();
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let (cert, key) = self.issue(name);
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap();
        let mut config = builder.with_single_cert(certificates(&cert), key).unwrap();
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Sink::start_with(&[say(200)], Some(TlsAcceptor::from(Arc::new(config)))).await
    }
}

fn certificates(pem: &str) -> Vec<CertificateDer<'static>> {
    CertificateDer::pem_slice_iter(pem.as_bytes())
        .map(Result::unwrap)
        .collect()
}

/// PEM as an element of a flow mapping.
pub fn quoted(pem: &str) -> String {
    format!("\"{}\"", pem.replace('\r', "").replace('\n', "\\n"))
}

fn webhook(place: &Place, sink: &Sink, http: &str) -> String {
    let yaml = format!(
        "url: 'https://{}/secret'\nhttp_config:\n  {http}",
        sink.address
    );
    place.webhook(&yaml).map_or_else(|error| error, |_| yaml)
}

async fn attempt_with(sink: &Sink, http: &str) -> String {
    let place = Place::new();
    let yaml = webhook(&place, sink, http);
    attempt(&place.webhook(&yaml).unwrap()).await
}

#[tokio::test]
async fn only_a_certificate_that_is_trusted_for_the_name_will_do() {
    let (authority, other) = (Authority::new(), Authority::new());
    let by_address = authority.sink("127.0.0.1", None).await;
    let by_name = authority.sink("receiver.example", None).await;
    let (ca, wrong) = (quoted(&authority.pem()), quoted(&other.pem()));
    let seen = [
        attempt_with(&by_address, &format!("tls_config: {{ca: {ca}}}")).await,
        attempt_with(
            &by_name,
            &format!("tls_config: {{ca: {ca}, server_name: receiver.example}}"),
        )
        .await,
        attempt_with(&by_name, "tls_config: {insecure_skip_verify: true}").await,
        attempt_with(&by_address, &format!("tls_config: {{ca: {wrong}}}")).await,
        attempt_with(&by_address, "follow_redirects: true").await,
        attempt_with(&by_name, &format!("tls_config: {{ca: {ca}}}")).await,
    ];
    // The other authority has the same name and another key.
    let bad_signature = "retry other Post \"<redacted>\": invalid peer certificate: BadSignature";
    let unknown = "retry other Post \"<redacted>\": invalid peer certificate: UnknownIssuer";
    let is_for = "retry other Post \"<redacted>\": invalid peer certificate: certificate not valid for name \"127.0.0.1\"; certificate is only valid for DnsName(\"receiver.example\")";
    assert_eq!(
        seen,
        [
            "delivered",
            "delivered",
            "delivered",
            bad_signature,
            unknown,
            is_for
        ]
    );
}

#[tokio::test]
async fn http_2_is_spoken_if_it_is_enabled() {
    let authority = Authority::new();
    let sink = authority.sink("127.0.0.1", None).await;
    let ca = quoted(&authority.pem());
    let mut seen = Vec::new();
    for http in [
        "enable_http2: true",
        "enable_http2: false",
        "follow_redirects: true",
    ] {
        seen.push(attempt_with(&sink, &format!("{http}\n  tls_config: {{ca: {ca}}}")).await);
    }
    let versions: Vec<_> = sink.got().iter().map(|got| got.version).collect();
    assert_eq!(
        (seen, versions),
        (
            vec!["delivered".to_owned(); 3],
            vec![Version::HTTP_2, Version::HTTP_11, Version::HTTP_2]
        )
    );
}

#[tokio::test]
async fn versions_of_tls_are_chosen() {
    let authority = Authority::new();
    let sink = authority.sink("127.0.0.1", None).await;
    let ca = quoted(&authority.pem());
    let mut seen = Vec::new();
    for versions in [
        "min_version: TLS10",
        "max_version: TLS12",
        "min_version: TLS13",
    ] {
        seen.push(attempt_with(&sink, &format!("tls_config: {{ca: {ca}, {versions}}}")).await);
    }
    assert_eq!(seen, ["delivered"; 3]);
}

#[tokio::test]
async fn a_client_shows_its_certificate() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let sink = authority.sink("127.0.0.1", Some(&clients)).await;
    let ca = quoted(&authority.pem());
    let (cert, key) = clients.issue("client.example");
    let (cert, key) = (quoted(&cert), quoted(&key));
    let with = attempt_with(
        &sink,
        &format!("tls_config: {{ca: {ca}, cert: {cert}, key: {key}}}"),
    )
    .await;
    let without = attempt_with(&sink, &format!("tls_config: {{ca: {ca}}}")).await;
    assert_eq!(
        (
            with.as_str(),
            without.starts_with("retry other Post \"<redacted>\": "),
            sink.got().len()
        ),
        ("delivered", true, 1)
    );
}

#[tokio::test]
async fn a_changed_file_of_authorities_makes_new_connections() {
    let (authority, other) = (Authority::new(), Authority::new());
    let sink = authority.sink("127.0.0.1", None).await;
    let place = Place::new();
    let mut seen = Vec::new();
    place.files.put("/ca", &authority.pem());
    let yaml = format!(
        "url: 'https://{}/'\nhttp_config: {{tls_config: {{ca_file: /ca}}}}",
        sink.address
    );
    let webhook = place.webhook(&yaml).unwrap();
    for (pem, connections) in [
        (authority.pem(), 1),
        (authority.pem(), 1),
        (other.pem(), 1),
        (authority.pem(), 2),
    ] {
        place.files.put("/ca", &pem);
        let is_delivered = attempt(&webhook).await == "delivered";
        seen.push((is_delivered, sink.connections() == connections));
    }
    assert_eq!(
        seen,
        [(true, true), (true, true), (false, true), (true, true)]
    );
}
