//! The executor of templates, as text and as HTML, with Alertmanager's data, functions and default
//! templates: no template makes it panic or run for ever, and it stays within its limits.
//!
//! The first byte says which data it gets; what follows a NUL is a template file that is loaded
//! first.
#![no_main]

use std::sync::{Arc, LazyLock};

use gotemplate::Limits;
use gotemplate::time::{Time, Zone};
use tocsin::template::{Data, Mode, Options, Templates};

/// Small enough for hundreds of executions a second; the rules are those of the server's limits.
const LIMITS: Limits = Limits {
    max_output_bytes: 1 << 20,
    max_made_bytes: 8 << 20,
    max_steps: 200_000,
    max_template_depth: 1000,
};

static TEMPLATES: LazyLock<Templates> = LazyLock::new(|| {
    let options = Options {
        now: Arc::new(|| Time::from_unix(1_750_000_000, 123, Zone::utc()).with_monotonic(1)),
        local_zone: Zone::utc(),
        limits: LIMITS,
    };
    Templates::new(&options).expect("the default templates parse")
});

static DATA: LazyLock<Vec<Data>> = LazyLock::new(|| {
    let fixtures = include_str!("../../conformance/templates/fixtures.json");
    let fixtures: std::collections::BTreeMap<String, Data> =
        serde_json::from_str(fixtures).expect("the fixtures are data");
    fixtures.into_values().collect()
});

libfuzzer_sys::fuzz_target!(|input: &[u8]| {
    let Some((choice, rest)) = input.split_first() else {
        return;
    };
    let mut parts = rest.splitn(2, |&byte| byte == 0);
    let template = parts.next().unwrap_or_default();
    // The server's strings come out of YAML and JSON and are UTF-8; files need not be.
    let Ok(template) = std::str::from_utf8(template) else {
        return;
    };
    let mut templates = TEMPLATES.clone();
    if let Some(file) = parts.next()
        && templates.add("own.tmpl", file).is_err()
    {
        return;
    }
    let data = &DATA[usize::from(choice >> 1) % DATA.len()];
    let value = if choice & 1 == 0 {
        data.to_pointer()
    } else {
        data.to_value()
    };
    for mode in [Mode::Text, Mode::Html] {
        if let Ok(output) = templates.render(mode, template, &value, data) {
            assert!(output.len() <= LIMITS.max_output_bytes);
        }
    }
});
