//! One request of a command, with the client that integrations use.

use std::sync::Arc;

use http::header::{ACCEPT, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue};
use tokio::time::Instant;

use crate::cli::World;
use crate::cli::http::{ANSWER_BYTES_MAX, HttpAnswer, HttpCall, HttpFault};
use crate::config::http::HttpConfig;
use crate::receivers::http_client::{self, Call, Client};

/// Makes a request and reads the whole answer.
pub(super) fn request(
    config: &HttpConfig,
    call: &HttpCall<'_>,
    world: &World,
) -> Result<HttpAnswer, HttpFault> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| HttpFault::Failed(error.to_string()))?;
    // What is wrong with the system's certificates shows when one is needed.
    let (roots, _) = super::system_roots();
    let outside = http_client::World {
        files: Arc::clone(&world.files),
        roots: Arc::new(roots),
        proxies: super::proxy_environment(),
        clock: Arc::clone(&world.clock),
        entropy: Arc::clone(&world.entropy),
    };
    let mut headers = HeaderMap::new();
    let json = HeaderValue::from_static("application/json");
    headers.insert(ACCEPT, json.clone());
    if call.body.is_some() {
        headers.insert(CONTENT_TYPE, json);
    }
    runtime.block_on(async {
        let client = Client::new(config, &outside)
            .map_err(|error| HttpFault::Configuration(error.to_string()))?;
        let now = Instant::now();
        let deadline = now.checked_add(call.timeout).unwrap_or(now);
        let sent = Call {
            method: call.method.clone(),
            url: call.url,
            headers,
            body: call.body.clone().unwrap_or_default(),
        };
        let answer = client.fetch(sent, ANSWER_BYTES_MAX, deadline).await;
        let answer = answer.map_err(|error| HttpFault::Failed(error.to_string()))?;
        Ok(HttpAnswer {
            status: answer.status.as_u16(),
            body: answer.body,
        })
    })
}
