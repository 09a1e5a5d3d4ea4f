//! `oauth2`: a token that is fetched, kept until it expires, and shown.
//!
//! Two grants: client credentials, and JWT bearer (RFC 7523), for which a key signs who we are. A
//! token is fetched anew ten seconds before it expires, and when the secret in its file changed.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use gotemplate::strconv::query_escape;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method};
use ring::rand::SystemRandom;
use ring::signature::{
    RSA_PKCS1_SHA256, RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RsaEncoding, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::credentials::{UserInfo, refuse_reference};
use super::error::{BuildError, HttpError};
use super::secret_file::read_secret;
use super::{Answer, Call, Client, World};
use crate::config::block::Block;
use crate::config::http::{HttpConfig, JWT_GRANT, OAuth2 as Config};
use crate::receivers::json::{AnyJson, encode};

/// A token is taken for expired so long before it is, as in Go.
const EXPIRY_MARGIN: Duration = Duration::from_secs(10);

/// How long the token's server has to answer. The notification has a deadline of its own, which is
/// often sooner.
const TOKEN_TIMEOUT: Duration = Duration::from_secs(30);

/// How long an assertion of ours holds, as in Alertmanager 0.34.
const ASSERTION_SECONDS: i64 = 10 * 60;

/// Where tokens come from.
pub(super) struct OAuth2 {
    config: Config,
    client: Box<Client>,
    world: World,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    token: Option<Token>,
    /// Whether the server wants the secret in the body; known once it took it one way.
    is_in_body: Option<bool>,
}

struct Token {
    header: String,
    expires_at: Option<Instant>,
    /// What it was fetched with.
    secret: String,
}

/// What the server answers.
#[derive(Deserialize, Default)]
#[serde(default)]
struct Granted {
    access_token: String,
    token_type: String,
    expires_in: serde_json::Value,
    error: String,
    error_description: String,
}

impl fmt::Debug for OAuth2 {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("OAuth2")
    }
}

impl OAuth2 {
    pub(super) fn new(config: &Config, world: &World) -> Result<Self, BuildError> {
        refuse_reference(&config.client_secret_ref, "client secret")?;
        refuse_reference(&config.client_certificate_key_ref, "client certificate key")?;
        let mut http = HttpConfig::with_defaults();
        http.tls_config = config.tls_config.clone();
        http.proxy_url = config.proxy_url.clone();
        http.no_proxy.clone_from(&config.no_proxy);
        http.proxy_from_environment = config.proxy_from_environment;
        http.proxy_connect_header = config.proxy_connect_header.clone();
        Ok(Self {
            config: config.clone(),
            client: Box::new(Client::new(&http, world)?),
            world: world.clone(),
            state: Mutex::default(),
        })
    }

    /// The value of the `Authorization` header.
    pub(super) async fn header(&self) -> Result<String, HttpError> {
        let secret = self.secret().await?;
        // Held while a token is fetched: whoever comes meanwhile wants the same token.
        let mut state = self.state.lock().await;
        let now = Instant::now();
        if let Some(token) = &state.token {
            let is_fresh = token.expires_at.is_none_or(|expires_at| now < expires_at);
            if is_fresh && token.secret == secret {
                return Ok(token.header.clone());
            }
        }
        let granted = match self.config.grant_type == JWT_GRANT {
            true => self.ask_with_assertion(&secret).await?,
            false => self.ask_with_secret(&secret, &mut state.is_in_body).await?,
        };
        let header = granted.header();
        state.token = Some(Token {
            header: header.clone(),
            expires_at: granted
                .lifetime()
                .and_then(|lifetime| now.checked_add(lifetime.saturating_sub(EXPIRY_MARGIN))),
            secret,
        });
        Ok(header)
    }

    /// The secret of the grant: a password, or a key.
    async fn secret(&self) -> Result<String, HttpError> {
        let config = &self.config;
        let (inline, path) = match config.grant_type == JWT_GRANT {
            true => (
                &config.client_certificate_key,
                &config.client_certificate_key_file,
            ),
            false => (&config.client_secret, &config.client_secret_file),
        };
        if path.is_empty() {
            return Ok(inline.expose().to_owned());
        }
        let read = read_secret(&self.world.files, path).await;
        read.map_err(|error| {
            HttpError::new(format!(
                "unable to read oauth2 client secret: unable to read file {path}: {error}"
            ))
        })
    }

    /// With the secret in a header, and, if that is not liked, in the body, as Go's library does.
    async fn ask_with_secret(
        &self,
        secret: &str,
        is_in_body: &mut Option<bool>,
    ) -> Result<Granted, HttpError> {
        let mut form = vec![("grant_type", "client_credentials".to_owned())];
        if !self.config.scopes.is_empty() {
            form.push(("scope", self.config.scopes.join(" ")));
        }
        let ways = match *is_in_body {
            None => vec![false, true],
            Some(known) => vec![known],
        };
        let mut result = Err(HttpError::new("oauth2: cannot fetch token"));
        for way in ways {
            result = self.ask_one_way(secret, form.clone(), way).await;
            if result.is_ok() {
                *is_in_body = Some(way);
                break;
            }
        }
        result
    }

    async fn ask_one_way(
        &self,
        secret: &str,
        mut form: Vec<(&str, String)>,
        is_in_body: bool,
    ) -> Result<Granted, HttpError> {
        if is_in_body {
            form.push(("client_id", self.config.client_id.clone()));
            form.push(("client_secret", secret.to_owned()));
            return self.ask(form, None).await;
        }
        let escaped =
            |text: &str| String::from_utf8_lossy(&query_escape(text.as_bytes())).into_owned();
        let user = UserInfo::new(escaped(&self.config.client_id), escaped(secret));
        self.ask(form, Some(user.header())).await
    }

    async fn ask_with_assertion(&self, key: &str) -> Result<Granted, HttpError> {
        let assertion = self.assertion(key)?;
        let form = vec![
            ("grant_type", JWT_GRANT.to_owned()),
            ("assertion", assertion),
        ];
        self.ask(form, None).await
    }

    async fn ask(
        &self,
        mut form: Vec<(&str, String)>,
        authorization: Option<String>,
    ) -> Result<Granted, HttpError> {
        let extra = self.config.endpoint_params.iter();
        form.extend(extra.map(|(name, value)| (name.as_str(), value.clone())));
        form.sort();
        let mut body = Vec::new();
        for (name, value) in &form {
            if !body.is_empty() {
                body.push(b'&');
            }
            body.extend(query_escape(name.as_bytes()));
            body.push(b'=');
            body.extend(query_escape(value.as_bytes()));
        }
        let mut headers = HeaderMap::new();
        let kind = HeaderValue::from_static("application/x-www-form-urlencoded");
        headers.insert(CONTENT_TYPE, kind);
        if let Some(authorization) = authorization {
            let value = HeaderValue::try_from(authorization)
                .map_err(|_| HttpError::new("oauth2: invalid client_id or client_secret"))?;
            headers.insert(AUTHORIZATION, value);
        }
        let call = Call {
            method: Method::POST,
            url: &self.config.token_url,
            headers,
            body: Bytes::from(body),
        };
        // The recursion of types ends here: a client's credentials hold a client.
        let sending = Box::pin(self.client.send(call, Instant::now() + TOKEN_TIMEOUT));
        let answer: Answer = sending.await?;
        Granted::of(&answer)
    }

    /// Who we are, signed.
    fn assertion(&self, key: &str) -> Result<String, HttpError> {
        let config = &self.config;
        let failure = |why: &str| HttpError::new(format!("oauth2: {why}"));
        let (algorithm, encoding): (&str, &'static dyn RsaEncoding) =
            match config.signature_algorithm.as_str() {
                "RS384" => ("RS384", &RSA_PKCS1_SHA384),
                "RS512" => ("RS512", &RSA_PKCS1_SHA512),
                _ => ("RS256", &RSA_PKCS1_SHA256),
            };
        let mut header = BTreeMap::from([("alg", algorithm), ("typ", "JWT")]);
        if !config.client_certificate_key_id.is_empty() {
            header.insert("kid", &config.client_certificate_key_id);
        }
        let mut signed = URL_SAFE_NO_PAD.encode(trimmed(encode(&header))?);
        signed.push('.');
        signed.push_str(&URL_SAFE_NO_PAD.encode(trimmed(encode(&self.claims()))?));
        let key = match PrivateKeyDer::from_pem_slice(key.as_bytes()) {
            Ok(PrivateKeyDer::Pkcs1(der)) => RsaKeyPair::from_der(der.secret_pkcs1_der()).ok(),
            Ok(PrivateKeyDer::Pkcs8(der)) => RsaKeyPair::from_pkcs8(der.secret_pkcs8_der()).ok(),
            _ => None,
        };
        let key = key.ok_or_else(|| failure("client_certificate_key is no RSA key in PEM form"))?;
        let mut signature = vec![0; key.public().modulus_len()];
        key.sign(
            encoding,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .map_err(|_| failure("the assertion could not be signed"))?;
        signed.push('.');
        signed.push_str(&URL_SAFE_NO_PAD.encode(signature));
        Ok(signed)
    }

    fn claims(&self) -> BTreeMap<&str, AnyJson> {
        let config = &self.config;
        let text = |text: &str| AnyJson::from(text.to_owned());
        let or = |given: &str, other: &str| text(if given.is_empty() { other } else { given });
        let now = self.world.clock.wall().0.div_euclid(1_000_000_000);
        let id = uuid::Builder::from_random_bytes(self.world.entropy.next_16_bytes()).into_uuid();
        let mut claims = BTreeMap::from([
            ("iss", or(&config.iss, &config.client_id)),
            ("sub", text(&config.client_id)),
            ("jti", text(&id.to_string())),
            ("aud", or(&config.audience, &config.token_url)),
            ("iat", AnyJson::from(now)),
            ("exp", AnyJson::from(now.saturating_add(ASSERTION_SECONDS))),
        ]);
        if !config.scopes.is_empty() {
            claims.insert("scope", text(&config.scopes.join(" ")));
        }
        let own = config.claims.iter();
        claims.extend(own.map(|(name, value)| (name.as_str(), AnyJson::from(value.clone()))));
        claims
    }
}

/// JSON without the newline at its end.
fn trimmed(json: Result<Vec<u8>, serde_json::Error>) -> Result<Vec<u8>, HttpError> {
    let mut json = json.map_err(|error| HttpError::new(format!("oauth2: claims: {error}")))?;
    json.pop();
    Ok(json)
}

impl Granted {
    /// Reads an answer. Of a refusal the codes are shown, but not the body.
    fn of(answer: &Answer) -> Result<Self, HttpError> {
        let granted: Self = serde_json::from_slice(&answer.body).unwrap_or_default();
        if answer.status.is_success() && !granted.access_token.is_empty() {
            return Ok(granted);
        }
        let text = match (granted.error.as_str(), answer.status.is_success()) {
            ("", true) => "oauth2: server response missing access_token".to_owned(),
            ("", false) => format!("oauth2: cannot fetch token: {}", answer.status),
            (code, _) => format!("oauth2: {code:?} {:?}", granted.error_description),
        };
        Err(HttpError::new(text))
    }

    fn header(&self) -> String {
        let kind = match self.token_type.to_ascii_lowercase().as_str() {
            "" | "bearer" => "Bearer",
            "mac" => "MAC",
            "basic" => "Basic",
            _ => &self.token_type,
        };
        format!("{kind} {}", self.access_token)
    }

    /// How long it holds; `None` for ever.
    fn lifetime(&self) -> Option<Duration> {
        let seconds = match &self.expires_in {
            serde_json::Value::String(text) => text.parse().ok(),
            number => number.as_u64(),
        };
        seconds
            .filter(|&seconds| seconds > 0)
            .map(Duration::from_secs)
    }
}
