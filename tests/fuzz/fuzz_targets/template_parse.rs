//! The parser of templates: no text makes it panic or hang.
#![no_main]

use gotemplate::{Environment, TextSet};

libfuzzer_sys::fuzz_target!(|text: &[u8]| {
    let mut set = TextSet::new(Environment::default());
    // Any answer will do, as long as there is one.
    let _ = set.parse("fuzz", text);
});
