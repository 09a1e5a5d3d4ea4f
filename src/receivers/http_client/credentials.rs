//! What a request shows of who sends it: `http_headers`, `authorization`, `basic_auth`, `oauth2`.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::header::AUTHORIZATION;
use http::{HeaderName, HeaderValue, Request};
use http_body_util::Full;

use super::World;
use super::error::{BuildError, HttpError};
use super::oauth2::OAuth2;
use super::secret_file::read_secret;
use crate::config::http::{Authorization, BasicAuth, Headers, HttpConfig};
use crate::config::values::Secret;
use crate::sys::Files;

/// Whether a request goes where the configuration sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Trust {
    /// To that host, or to one below it.
    Home,
    /// To one that a redirect named. For the rest of the chain it is shown no secret.
    Stranger,
}

/// A name and a password.
#[derive(Clone)]
pub(super) struct UserInfo {
    name: String,
    password: String,
}

impl UserInfo {
    pub(super) fn new(name: String, password: String) -> Self {
        Self { name, password }
    }

    pub(super) fn parts(&self) -> (&str, &str) {
        (&self.name, &self.password)
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("UserInfo")
    }
}

/// What is shown with each request.
pub(super) struct Credentials {
    files: Arc<dyn Files>,
    headers: Option<Headers>,
    way: Way,
}

enum Way {
    None,
    Authorization(Authorization),
    Basic(BasicAuth),
    OAuth2(Box<OAuth2>),
}

/// There is no secret manager, in Alertmanager neither.
pub(super) fn refuse_reference(reference: &str, what: &str) -> Result<(), BuildError> {
    match reference {
        "" => Ok(()),
        _ => Err(BuildError(format!(
            "unable to use {what}: cannot use secret ref without manager"
        ))),
    }
}

impl Credentials {
    pub(super) fn new(config: &HttpConfig, world: &World) -> Result<Self, BuildError> {
        let way = if let Some(authorization) = &config.authorization {
            refuse_reference(&authorization.credentials_ref, "credentials")?;
            Way::Authorization(authorization.clone())
        } else if let Some(basic) = &config.basic_auth {
            refuse_reference(&basic.username_ref, "username")?;
            refuse_reference(&basic.password_ref, "password")?;
            Way::Basic(basic.clone())
        } else if let Some(oauth2) = &config.oauth2 {
            Way::OAuth2(Box::new(OAuth2::new(oauth2, world)?))
        } else {
            Way::None
        };
        for name in config
            .http_headers
            .iter()
            .flat_map(|headers| headers.0.keys())
        {
            if HeaderName::try_from(name.as_str()).is_err() {
                return Err(BuildError(format!("invalid header name {name:?}")));
            }
        }
        Ok(Self {
            files: world.files.clone(),
            headers: config.http_headers.clone(),
            way,
        })
    }

    /// Adds to a request what it is to show.
    pub(super) async fn add(
        &self,
        request: &mut Request<Full<Bytes>>,
        trust: Trust,
    ) -> Result<(), HttpError> {
        self.add_headers(request, trust).await?;
        if trust == Trust::Stranger || request.headers().contains_key(AUTHORIZATION) {
            return Ok(());
        }
        let user = request.extensions().get::<UserInfo>().cloned();
        let header = match (&self.way, user) {
            (Way::Authorization(authorization), _) => self.authorization(authorization).await?,
            (Way::Basic(basic), _) => self.basic(basic).await?,
            (Way::OAuth2(oauth2), _) => oauth2.header().await?,
            (Way::None, Some(user)) => user.header(),
            (Way::None, None) => return Ok(()),
        };
        let value = secret_value(&header, "Authorization")?;
        request.headers_mut().insert(AUTHORIZATION, value);
        Ok(())
    }

    async fn authorization(&self, authorization: &Authorization) -> Result<String, HttpError> {
        let credentials = self
            .inline_or_file(
                &authorization.credentials,
                &authorization.credentials_file,
                "authorization credentials",
            )
            .await?;
        Ok(format!("{} {credentials}", authorization.kind))
    }

    async fn basic(&self, basic: &BasicAuth) -> Result<String, HttpError> {
        let name = Secret::new(basic.username.clone());
        let name = self
            .inline_or_file(&name, &basic.username_file, "username")
            .await?;
        let password = &basic.password;
        let password = self
            .inline_or_file(password, &basic.password_file, "password")
            .await?;
        Ok(UserInfo::new(name, password).header())
    }

    async fn inline_or_file(
        &self,
        inline: &Secret,
        path: &str,
        what: &str,
    ) -> Result<String, HttpError> {
        if path.is_empty() {
            return Ok(inline.expose().to_owned());
        }
        let read = read_secret(&self.files, path).await;
        read.map_err(|error| {
            HttpError::new(format!(
                "unable to read {what}: unable to read file {path}: {error}"
            ))
        })
    }

    /// Adds the configured headers: values, then secrets, then what files hold.
    async fn add_headers(
        &self,
        request: &mut Request<Full<Bytes>>,
        trust: Trust,
    ) -> Result<(), HttpError> {
        for (name, header) in self.headers.iter().flat_map(|headers| &headers.0) {
            let mut values: Vec<String> = header.values.clone();
            if trust == Trust::Home {
                values.extend(
                    header
                        .secrets
                        .iter()
                        .map(|secret| secret.expose().to_owned()),
                );
                for path in &header.files {
                    let read = read_secret(&self.files, path).await;
                    values.push(read.map_err(|error| {
                        HttpError::new(format!("unable to read headers file {path}: {error}"))
                    })?);
                }
            }
            for value in values {
                let value = secret_value(&value, name)?;
                let header = HeaderName::try_from(name.as_str())
                    .map_err(|_| HttpError::new(format!("invalid header name {name:?}")))?;
                request.headers_mut().append(header, value);
            }
        }
        Ok(())
    }
}

/// The value of a header, which does not appear in debug output.
fn secret_value(text: &str, name: &str) -> Result<HeaderValue, HttpError> {
    let mut value = HeaderValue::try_from(text).map_err(|_| {
        HttpError::new(format!("net/http: invalid header field value for {name:?}"))
    })?;
    value.set_sensitive(true);
    Ok(value)
}
