//! TLS of the server: rustls with ring.
//!
//! What rustls cannot do is refused: versions below 1.2 alone, suites with CBC, the curve P-521.

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;

use ring::digest::{Context, SHA256};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, ring as provider};
use rustls::crypto::{verify_tls12_signature, verify_tls13_signature};
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{
    CertificateError, DigitallySignedStruct, DistinguishedName, Error, RootCertStore, ServerConfig,
    SignatureScheme, SupportedProtocolVersion, version,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use x509_parser::certificate::X509Certificate;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::FromDer;

use super::WebError;
use crate::config::go_words;
use crate::config::tls::TlsVersion;
use crate::config::web::TlsServerConfig;
use crate::sys::Files;

/// A file of certificates is not longer than this.
const FILE_BYTES_MAX: u64 = 1 << 20;

/// What the files and fields hold at some moment.
pub(super) struct Material {
    cert: Vec<u8>,
    key: Vec<u8>,
    client_ca: Vec<u8>,
}

impl Material {
    /// Reads it. May wait for a disk.
    pub(super) fn read(config: &TlsServerConfig, files: &dyn Files) -> Result<Self, WebError> {
        let read = |path: &str, inline: &str, what: &str| match path {
            "" => Ok(inline.as_bytes().to_vec()),
            path => files
                .read(Path::new(path), FILE_BYTES_MAX)
                .map_err(|error| {
                    let error = format!("open {path}: {}", go_words(&error));
                    WebError(match what {
                        "" => error,
                        what => format!("failed to read {what} ({path}): {error}"),
                    })
                }),
        };
        if config.cert.is_empty() && config.cert_file.is_empty() {
            return Err(refused("missing one of cert or cert_file"));
        }
        if config.key.is_empty() && config.key_file.is_empty() {
            return Err(refused("missing one of key or key_file"));
        }
        Ok(Self {
            cert: read(&config.cert_file, &config.cert, "cert_file")?,
            key: read(&config.key_file, config.key.expose(), "key_file")?,
            client_ca: read(&config.client_ca_file, &config.client_ca, "")?,
        })
    }

    /// What tells it, together with the configuration, from any other.
    pub(super) fn digest(&self, config: &TlsServerConfig) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        // A key in the configuration is masked there; it is in the material.
        let settings = format!("{config:?}");
        for part in [settings.as_bytes(), &self.cert, &self.key, &self.client_ca] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

fn refused(text: impl Into<String>) -> WebError {
    WebError(text.into())
}

/// How connections are secured.
pub(super) fn server_config(
    config: &TlsServerConfig,
    material: &Material,
    has_http2: bool,
) -> Result<ServerConfig, WebError> {
    let versions = versions(config)?;
    let provider = Arc::new(provider(config)?);
    let unusable = |error: String| refused(format!("failed to load X509KeyPair: tls: {error}"));
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&material.cert).collect();
    let chain = chain.map_err(|error| unusable(error.to_string()))?;
    if chain.is_empty() {
        return Err(unusable(
            "failed to find any PEM data in certificate input".to_owned(),
        ));
    }
    let key = PrivateKeyDer::from_pem_slice(&material.key)
        .map_err(|_| unusable("failed to find any PEM data in key input".to_owned()))?;
    let verifier = client_verifier(config, material, &provider)?;
    let builder = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&versions)
        .map_err(|error| refused(format!("tls_server_config: {error}")))?;
    let builder = match verifier {
        Some(verifier) => builder.with_client_cert_verifier(verifier),
        None => builder.with_no_client_auth(),
    };
    let mut made = builder.with_single_cert(chain, key).map_err(|error| {
        unusable(match error {
            Error::InconsistentKeys(_) => "private key does not match public key".to_owned(),
            error => error.to_string(),
        })
    })?;
    made.alpn_protocols = match has_http2 {
        true => vec![b"h2".to_vec(), b"http/1.1".to_vec()],
        false => vec![b"http/1.1".to_vec()],
    };
    Ok(made)
}

fn versions(config: &TlsServerConfig) -> Result<Vec<&'static SupportedProtocolVersion>, WebError> {
    let least = config.min_version.unwrap_or(TlsVersion::Tls12);
    let most = config.max_version.unwrap_or(TlsVersion::Tls13);
    let has_suites_of_12 =
        config.cipher_suites.is_empty() || config.cipher_suites.iter().any(|name| !is_of_13(name));
    let known = [
        (TlsVersion::Tls12, &version::TLS12, has_suites_of_12),
        (TlsVersion::Tls13, &version::TLS13, true),
    ];
    let chosen: Vec<_> = known
        .into_iter()
        .filter(|(number, _, is_possible)| (least..=most).contains(number) && *is_possible)
        .map(|(_, version, _)| version)
        .collect();
    match chosen.is_empty() {
        true => Err(refused(
            "tls_server_config: no version of TLS is left between min_version and max_version: TLS12 and TLS13 are supported",
        )),
        false => Ok(chosen),
    }
}

/// Suites of TLS 1.3, which Go does not let anybody choose: all are used.
fn is_of_13(name: &str) -> bool {
    matches!(
        name,
        "TLS_AES_128_GCM_SHA256" | "TLS_AES_256_GCM_SHA384" | "TLS_CHACHA20_POLY1305_SHA256"
    )
}

/// Suites that Go takes and rustls does not have.
const CBC_SUITES: [&str; 4] = [
    "TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA",
    "TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA",
];

fn provider(config: &TlsServerConfig) -> Result<CryptoProvider, WebError> {
    let mut provider = provider::default_provider();
    if !config.cipher_suites.is_empty() {
        let all = provider.cipher_suites.iter().copied();
        let (mut suites, of_12): (Vec<_>, Vec<_>) = all.partition(|suite| suite.tls13().is_some());
        for name in config.cipher_suites.iter().filter(|name| !is_of_13(name)) {
            if CBC_SUITES.contains(&name.as_str()) {
                return Err(refused(format!(
                    "cipher {name} is not supported: its mode, CBC, is no longer safe; use one with GCM or CHACHA20"
                )));
            }
            let found = of_12
                .iter()
                .find(|suite| format!("{:?}", suite.suite()) == *name);
            let suite = found.ok_or_else(|| refused(format!("unknown cipher: {name}")))?;
            suites.push(*suite);
        }
        provider.cipher_suites = suites;
    }
    if !config.curve_preferences.is_empty() {
        let mut groups = Vec::new();
        for name in &config.curve_preferences {
            groups.push(match name.as_str() {
                "CurveP256" => provider::kx_group::SECP256R1,
                "CurveP384" => provider::kx_group::SECP384R1,
                "X25519" => provider::kx_group::X25519,
                "CurveP521" => {
                    return Err(refused(
                        "curve CurveP521 is not supported; use CurveP256, CurveP384 or X25519",
                    ));
                }
                _ => return Err(refused(format!("unknown curve: {name}"))),
            });
        }
        provider.kx_groups = groups;
    }
    Ok(provider)
}

/// Who looks at the certificates of clients; `None` if none are asked for.
fn client_verifier(
    config: &TlsServerConfig,
    material: &Material,
    provider: &Arc<CryptoProvider>,
) -> Result<Option<Arc<dyn ClientCertVerifier>>, WebError> {
    let any = |is_mandatory| -> Arc<dyn ClientCertVerifier> {
        Arc::new(AnyCertificate {
            is_mandatory,
            provider: Arc::clone(provider),
        })
    };
    let verifier = match config.client_auth_type.as_str() {
        "" | "NoClientCert" if !material.client_ca.is_empty() => {
            return Err(refused(
                "client CA's have been configured without a Client Auth Policy",
            ));
        }
        "" | "NoClientCert" => return Ok(None),
        "RequestClientCert" => any(false),
        "RequireAnyClientCert" | "RequireClientCert" => any(true),
        kind @ ("VerifyClientCertIfGiven" | "RequireAndVerifyClientCert") => {
            let mut roots = RootCertStore::empty();
            let found = CertificateDer::pem_slice_iter(&material.client_ca).filter_map(Result::ok);
            roots.add_parsable_certificates(found);
            if roots.is_empty() {
                return Err(refused(format!(
                    "client_auth_type {kind} needs a client_ca or client_ca_file with at least one certificate"
                )));
            }
            let builder =
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider));
            let builder = match kind {
                "VerifyClientCertIfGiven" => builder.allow_unauthenticated(),
                _ => builder,
            };
            builder
                .build()
                .map_err(|error| refused(format!("client_ca: {error}")))?
        }
        kind => return Err(refused(format!("invalid ClientAuth: {kind}"))),
    };
    Ok(Some(match config.client_allowed_sans.is_empty() {
        true => verifier,
        false => Arc::new(NamedCertificate {
            inner: verifier,
            names: config.client_allowed_sans.clone(),
        }),
    }))
}

/// Takes every certificate. That the client has the key is still checked.
#[derive(Debug)]
struct AnyCertificate {
    is_mandatory: bool,
    provider: Arc<CryptoProvider>,
}

impl ClientCertVerifier for AnyCertificate {
    fn client_auth_mandatory(&self) -> bool {
        self.is_mandatory
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls12_signature(message, cert, signed, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.provider.signature_verification_algorithms;
        verify_tls13_signature(message, cert, signed, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        let algorithms = &self.provider.signature_verification_algorithms;
        algorithms.supported_schemes()
    }
}

/// Takes, of the certificates that another takes, those that are made out to one of the names.
#[derive(Debug)]
struct NamedCertificate {
    inner: Arc<dyn ClientCertVerifier>,
    names: Vec<String>,
}

impl NamedCertificate {
    fn allows(&self, cert: &CertificateDer<'_>) -> bool {
        let Ok((_, cert)) = X509Certificate::from_der(cert) else {
            return false;
        };
        let Ok(Some(names)) = cert.subject_alternative_name() else {
            return false;
        };
        let mut names = names.value.general_names.iter();
        names.any(|name| match name {
            GeneralName::DNSName(name) | GeneralName::RFC822Name(name) | GeneralName::URI(name) => {
                self.names.iter().any(|allowed| allowed == name)
            }
            GeneralName::IPAddress(bytes) => {
                address(bytes).is_some_and(|address| self.names.contains(&address.to_string()))
            }
            _ => false,
        })
    }
}

fn address(bytes: &[u8]) -> Option<IpAddr> {
    let of_4 = <[u8; 4]>::try_from(bytes).map(IpAddr::from);
    let of_6 = || <[u8; 16]>::try_from(bytes).map(IpAddr::from);
    of_4.or_else(|_| of_6()).ok()
}

impl ClientCertVerifier for NamedCertificate {
    fn offer_client_auth(&self) -> bool {
        self.inner.offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner.client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        self.inner.root_hint_subjects()
    }

    fn verify_client_cert(
        &self,
        cert: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        let verified = self.inner.verify_client_cert(cert, intermediates, now)?;
        match self.allows(cert) {
            true => Ok(verified),
            false => Err(Error::InvalidCertificate(
                CertificateError::ApplicationVerificationFailure,
            )),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls12_signature(message, cert, signed)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner.verify_tls13_signature(message, cert, signed)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}
