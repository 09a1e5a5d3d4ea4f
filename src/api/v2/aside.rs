//! Work that takes long, on threads of its own, so that other connections do not wait for it.
//!
//! There is a thread for each processor, and what comes is done in its order. More threads would be no faster:
//! a hundred clients that send at once would take the caches from each other, and the heaps of the allocator,
//! of which glibc has eight for each processor. With heaps that threads share, all of them allocate more
//! slowly: on two processors the index of history then cost a tenth of all ingest instead of a twentieth.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use hyper::StatusCode;
use tokio::sync::oneshot;

use crate::api::answer::{Answer, said};

type Job = Box<dyn FnOnce() + Send>;

/// See the module header. The threads end with it.
#[derive(Debug)]
pub struct Aside {
    /// As many as there are requests: each waits for its own.
    jobs: Sender<Job>,
}

impl Aside {
    /// Starts the threads for that many processors.
    ///
    /// # Errors
    /// That the system has no threads to give.
    pub fn start(processors: usize) -> io::Result<Self> {
        let (jobs, waiting) = channel();
        let waiting = Arc::new(Mutex::new(waiting));
        for number in 0..processors.max(1) {
            let waiting = Arc::clone(&waiting);
            std::thread::Builder::new()
                .name(format!("aside-{number}"))
                .spawn(move || work_off(&waiting))?;
        }
        Ok(Self { jobs })
    }

    /// Does it: where it is, or aside if that takes long.
    ///
    /// # Errors
    /// An answer, that it panicked.
    pub(super) async fn work<T: Send + 'static>(
        &self,
        is_long: bool,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Answer> {
        if !is_long {
            return Ok(work());
        }
        let (done, result) = oneshot::channel();
        let job = move || {
            // Whoever asked may be gone.
            if !done.is_closed() {
                let _ = done.send(work());
            }
        };
        let failed = || {
            said(
                StatusCode::INTERNAL_SERVER_ERROR,
                "the request could not be processed",
            )
        };
        self.jobs.send(Box::new(job)).map_err(|_| failed())?;
        result.await.map_err(|_| failed())
    }
}

fn work_off(waiting: &Mutex<Receiver<Job>>) {
    loop {
        let job = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(job) = job else { return };
        // Whoever waits is told by the end of its channel; the hook has said what happened.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

#[cfg(test)]
mod tests {
    use std::pin::Pin;
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn what_panics_is_answered_and_the_thread_goes_on() {
        let aside = Aside::start(1).unwrap();
        let failed = aside.work(true, || -> u32 { panic!("as if") }).await;
        let status = failed.map_err(|answer| answer.status());
        let thread = || std::thread::current().name().map(str::to_owned);
        assert_eq!(
            (
                status,
                aside.work(true, thread).await.unwrap(),
                aside.work(false, thread).await.unwrap() == thread(),
            ),
            (
                Err(StatusCode::INTERNAL_SERVER_ERROR),
                Some("aside-0".to_owned()),
                true,
            )
        );
    }

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_not_done() {
        let aside = Aside::start(1).unwrap();
        let (begin, begun) = channel();
        let is_done = Arc::new(AtomicBool::new(false));
        let doing = Arc::clone(&is_done);
        let mut held = Box::pin(aside.work(true, move || begun.recv().is_ok()));
        let mut given_up = Box::pin(aside.work(true, move || doing.store(true, Ordering::Relaxed)));
        // Looked at once, both are on their way; then one is gone.
        let are_waiting = [is_waiting(&mut held), is_waiting(&mut given_up)];
        drop(given_up);
        begin.send(()).unwrap();
        let after = aside.work(true, || 7).await.ok();
        assert_eq!(
            (
                are_waiting,
                held.await.ok(),
                after,
                is_done.load(Ordering::Relaxed)
            ),
            ([true, true], Some(true), Some(7), false)
        );
    }

    fn is_waiting<F: Future + Unpin>(future: &mut F) -> bool {
        let mut context = Context::from_waker(Waker::noop());
        Pin::new(future).poll(&mut context).is_pending()
    }
}
