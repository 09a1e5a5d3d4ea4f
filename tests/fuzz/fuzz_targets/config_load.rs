//! The loader of configurations: no text makes it panic or hang, and what it takes can be shown.
#![no_main]

use tocsin::config::{Options, load};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    // Any answer will do, as long as there is one.
    match load(text, &Options::default()) {
        Ok(loaded) => {
            let rendered = loaded.config.rendered();
            assert!(rendered.ends_with('\n'));
            let _ = loaded.config.route_tree();
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
});
