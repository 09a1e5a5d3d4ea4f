//! The loader of configurations: no text makes it panic or hang, and what it takes can be shown.
#![no_main]

use tocsin::config::{Options, load_with_document, picture};

libfuzzer_sys::fuzz_target!(
    // The loader fences the parser of YAML in, which has places that panic: a panic that is caught must
    // not end the run, and one that is not ends it at the edge of this function.
    init: std::panic::set_hook(Box::new(|_| {})),
    |text: &[u8]| {
        match load_with_document(text, &Options::default()) {
            Ok(loaded) => {
                let rendered = loaded.config.rendered();
                assert!(rendered.ends_with('\n'));
                assert!(!loaded.config.route_tree().routes().is_empty());
            }
            Err((error, document)) => {
                assert!(!error.to_string().is_empty());
                let _ = picture::draw("fuzz", text, &error, document.as_deref());
            }
        }
    }
);
