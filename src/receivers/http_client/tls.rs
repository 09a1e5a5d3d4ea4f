//! TLS from `tls_config`: rustls with ring.
//!
//! rustls knows TLS 1.2 and 1.3 only, so that a `min_version` below means 1.2, and a `max_version`
//! below is refused.

use std::path::Path;
use std::sync::Arc;

use hyper_rustls::{DefaultServerNameResolver, FixedServerNameResolver, ResolveServerName};
use ring::digest::{Context, SHA256};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{
    CryptoProvider, ring as provider, verify_tls12_signature, verify_tls13_signature,
};
use rustls::{
    ClientConfig, DigitallySignedStruct, Error, RootCertStore, SignatureScheme,
    SupportedProtocolVersion, version,
};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};

use super::credentials::refuse_reference;
use super::error::{BuildError, describe};
use super::secret_file::SECRET_BYTES_MAX;
use crate::config::tls::{TlsConfig, TlsVersion};
use crate::sys::Files;

/// What the fields and files of a `tls_config` hold at some moment.
#[derive(Default, PartialEq, Eq)]
pub(super) struct Material {
    ca: Vec<u8>,
    cert: Vec<u8>,
    key: Vec<u8>,
}

impl Material {
    /// Reads it. May wait for a disk.
    pub(super) fn read(config: &TlsConfig, files: &dyn Files) -> Result<Self, BuildError> {
        let read =
            |inline: &str, path: &str, what: &str| -> Result<Vec<u8>, BuildError> {
                if path.is_empty() {
                    return Ok(inline.as_bytes().to_vec());
                }
                files.read(Path::new(path), SECRET_BYTES_MAX).map_err(|error| {
                let error = describe(&error);
                BuildError(format!(
                    "unable to read {what}: unable to read file {path}: open {path}: {error}"
                ))
            })
            };
        Ok(Self {
            ca: read(&config.ca, &config.ca_file, "CA cert")?,
            cert: read(&config.cert, &config.cert_file, "specified client cert")?,
            key: read(
                config.key.expose(),
                &config.key_file,
                "specified client key",
            )?,
        })
    }

    /// What tells it from any other, and can be kept without keeping the key.
    pub(super) fn digest(&self) -> [u8; 32] {
        let mut context = Context::new(&SHA256);
        for part in [&self.ca, &self.cert, &self.key] {
            context.update(&(part.len() as u64).to_le_bytes());
            context.update(part);
        }
        let mut digest = [0; 32];
        digest.copy_from_slice(context.finish().as_ref());
        digest
    }
}

/// Whether the material may change.
pub(super) fn has_files(config: &TlsConfig) -> bool {
    let paths = [&config.ca_file, &config.cert_file, &config.key_file];
    paths.iter().any(|path| !path.is_empty())
}

/// How connections are secured, without the protocols above TLS.
pub(super) fn client_config(
    config: &TlsConfig,
    material: &Material,
    roots: &Arc<RootCertStore>,
) -> Result<ClientConfig, BuildError> {
    refuse_reference(&config.ca_ref, "CA cert")?;
    refuse_reference(&config.cert_ref, "client certificate")?;
    refuse_reference(&config.key_ref, "client key")?;
    let provider = Arc::new(provider::default_provider());
    let versions = versions(config)?;
    let builder = ClientConfig::builder_with_provider(provider.clone())
        .with_protocol_versions(&versions)
        .map_err(|error| BuildError(format!("tls_config: {error}")))?;
    let builder = if config.insecure_skip_verify {
        let verifier = AnyCertificate { provider };
        builder
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
    } else if material.ca.is_empty() {
        builder.with_root_certificates(roots.clone())
    } else {
        builder.with_root_certificates(own_roots(config, &material.ca)?)
    };
    if material.cert.is_empty() {
        return Ok(builder.with_no_client_auth());
    }
    let described = |path: &str| match path {
        "" => "inline".to_owned(),
        _ => format!("file {path}"),
    };
    let unusable = |error: String| {
        BuildError(format!(
            "unable to use specified client cert ({}) & key ({}): {error}",
            described(&config.cert_file),
            described(&config.key_file)
        ))
    };
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&material.cert).collect();
    let chain = chain.map_err(|error| unusable(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_slice(&material.key)
        .map_err(|error| unusable(error.to_string()))?;
    builder
        .with_client_auth_cert(chain, key)
        .map_err(|error| unusable(error.to_string()))
}

fn own_roots(config: &TlsConfig, pem: &[u8]) -> Result<RootCertStore, BuildError> {
    let mut roots = RootCertStore::empty();
    let found = CertificateDer::pem_slice_iter(pem).filter_map(Result::ok);
    roots.add_parsable_certificates(found);
    if !roots.is_empty() {
        return Ok(roots);
    }
    let place = match config.ca_file.as_str() {
        "" => "inline".to_owned(),
        path => format!("file {path}"),
    };
    Err(BuildError(format!(
        "unable to use specified CA cert {place}"
    )))
}

fn versions(config: &TlsConfig) -> Result<Vec<&'static SupportedProtocolVersion>, BuildError> {
    let least = config.min_version.unwrap_or(TlsVersion::Tls12);
    let most = config.max_version.unwrap_or(TlsVersion::Tls13);
    if config.min_version.is_some_and(|least| least > most) {
        return Err(BuildError(
            "tls_config.max_version must be greater than or equal to tls_config.min_version if both are specified"
                .to_owned(),
        ));
    }
    let known = [
        (TlsVersion::Tls12, &version::TLS12),
        (TlsVersion::Tls13, &version::TLS13),
    ];
    let chosen: Vec<_> = known
        .into_iter()
        .filter(|(number, _)| (least..=most).contains(number))
        .map(|(_, version)| version)
        .collect();
    match chosen.is_empty() {
        true => Err(BuildError(
            "tls_config.max_version is below TLS12, and no version below it is supported"
                .to_owned(),
        )),
        false => Ok(chosen),
    }
}

/// Whose certificate is expected.
pub(super) fn server_names(
    config: &TlsConfig,
) -> Result<Arc<dyn ResolveServerName + Send + Sync>, BuildError> {
    if config.server_name.is_empty() {
        return Ok(Arc::new(DefaultServerNameResolver::default()));
    }
    let name = ServerName::try_from(config.server_name.clone()).map_err(|error| {
        BuildError(format!(
            "tls_config.server_name {:?}: {error}",
            config.server_name
        ))
    })?;
    Ok(Arc::new(FixedServerNameResolver::new(name)))
}

/// Takes every certificate: `insecure_skip_verify`. That the server has the key is still checked.
#[derive(Debug)]
struct AnyCertificate {
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for AnyCertificate {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(
            message,
            cert,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(
            message,
            cert,
            signed,
            &self.provider.signature_verification_algorithms,
        )
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider
            .signature_verification_algorithms
            .supported_schemes()
    }
}
