//! What the system knows of the world outside: whom to trust, and which proxies there are.

use std::env;

use rustls::RootCertStore;

use crate::receivers::http_client::ProxyEnvironment;

/// The certificate authorities of the system, and what could not be read of them.
#[must_use]
pub fn system_roots() -> (RootCertStore, Vec<String>) {
    let found = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    let (_, unusable) = roots.add_parsable_certificates(found.certs);
    let mut problems: Vec<String> = found.errors.iter().map(ToString::to_string).collect();
    if unusable > 0 {
        problems.push(format!(
            "{unusable} certificates of the system cannot be used"
        ));
    }
    (roots, problems)
}

/// The proxies that the environment names, in the spelling of Go: upper case before lower case.
///
/// A CGI program gets `HTTP_PROXY` from its caller's headers and must not believe it.
#[must_use]
pub fn proxy_environment() -> ProxyEnvironment {
    let first = |names: [&str; 2]| {
        let mut values = names.iter().filter_map(|name| env::var(name).ok());
        values.find(|value| !value.is_empty()).unwrap_or_default()
    };
    let is_cgi = env::var_os("REQUEST_METHOD").is_some();
    ProxyEnvironment {
        http: if is_cgi {
            String::new()
        } else {
            first(["HTTP_PROXY", "http_proxy"])
        },
        https: first(["HTTPS_PROXY", "https_proxy"]),
        no: first(["NO_PROXY", "no_proxy"]),
    }
}
