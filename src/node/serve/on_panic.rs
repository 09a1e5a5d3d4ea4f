//! A thread without which the server is none must not end unnoticed.

/// Does something if the thread panics in whose hands it is.
pub(super) struct OnPanic<F: FnMut()>(pub(super) F);

impl<F: FnMut()> Drop for OnPanic<F> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            (self.0)();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::OnPanic;

    #[test]
    fn it_is_done_after_a_panic_and_not_after_an_end() {
        let count = Arc::new(AtomicU32::new(0));
        let mut seen = Vec::new();
        for panics in [false, true] {
            let counted = Arc::clone(&count);
            let thread = std::thread::spawn(move || {
                let _watch = OnPanic(|| {
                    counted.fetch_add(1, Ordering::Relaxed);
                });
                assert!(!panics, "as planned");
            });
            let is_err = thread.join().is_err();
            seen.push((is_err, count.load(Ordering::Relaxed)));
        }
        assert_eq!(seen, [(false, 0), (true, 1)]);
    }
}
