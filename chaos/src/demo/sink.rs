//! A webhook that notes what it is told.

use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::Result;
use bytes::Bytes;
use hyper::{Request, Response};

use super::RunClock;
use super::book::Book;
use super::ledger::Telling;
use super::message::Notification;
use super::nemesis::{Moment, Nemesis};
use crate::harness::http::{Answer, Handler, serve, whole};

/// A sink that runs.
#[derive(Debug)]
pub(super) struct Sink {
    pub(super) address: SocketAddr,
}

#[derive(Clone)]
struct Listening {
    clock: RunClock,
    book: Arc<Book>,
    nemesis: Arc<Nemesis>,
}

impl Sink {
    pub(super) async fn start(
        clock: RunClock,
        book: Arc<Book>,
        nemesis: Arc<Nemesis>,
    ) -> Result<Self> {
        let listening = Listening {
            clock,
            book,
            nemesis,
        };
        let address = serve(listening).await?;
        Ok(Self { address })
    }
}

impl Handler for Listening {
    async fn handle(self, request: Request<Bytes>) -> Result<Response<Answer>> {
        let key = request.headers().get("Idempotency-Key");
        let key = key.and_then(|key| key.to_str().ok()).map(str::to_owned);
        let notification = Notification::parse(request.body())?;
        self.book.note_telling(Telling {
            at: self.clock.elapsed(),
            key,
            alerts: notification.alerts()?,
            group: notification.group_key,
        });
        // From here on the receiver knows; the server does not, before it has the answer.
        self.nemesis.sees(Moment::Told);
        Ok(Response::new(whole("")))
    }
}
