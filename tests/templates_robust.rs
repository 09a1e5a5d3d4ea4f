//! Whatever a template says, rendering it ends, and ends alike each time.

use std::sync::Arc;

use gotemplate::Limits;
use gotemplate::time::{Time, Zone};
use proptest::prelude::*;
use tocsin::template::{Data, Mode, Options, Templates};

/// Pieces of which templates are made, so that many combinations get past the parser.
const PIECES: [&str; 48] = [
    "{{ ",
    " }}",
    "{{- ",
    " -}}",
    "{{ end }}",
    "{{ if . }}",
    "{{ else }}",
    "{{ range .Alerts }}",
    "{{ range 3 }}",
    "{{ break }}",
    "{{ with .Status }}",
    "{{ define \"x\" }}",
    "{{ template \"x\" . }}",
    "{{ template \"email.default.html\" . }}",
    "{{/*",
    "*/}}",
    "(",
    ")",
    "|",
    " . ",
    "$",
    "$x",
    ":=",
    "=",
    "nil",
    "printf \"%v %[2]*d\" ",
    "print ",
    "index . 1 ",
    "slice \"é\" 1 ",
    "list 1 \"a\" ",
    "dict \"a\" 1 ",
    "append (list) ",
    ".Alerts",
    ".CommonLabels",
    "9223372036854775807",
    "0x1p-2",
    "'\\xff'",
    "`raw`",
    "reReplaceAll \"(a*)\" \"$1\" \"ba\"",
    "<a href=\"",
    "<script>",
    "</script>",
    "<style>",
    "'",
    "\\",
    "<!--",
    "\u{fffd}é",
    "\n",
];

fn outcome(mode: Mode, template: &str) -> Result<Vec<u8>, String> {
    let limits = Limits {
        max_steps: 20_000,
        max_output_bytes: 1 << 20,
        max_made_bytes: 16 << 20,
        max_template_depth: 1000,
    };
    let options = Options {
        now: Arc::new(|| Time::from_unix(0, 0, Zone::utc())),
        local_zone: Zone::utc(),
        limits,
    };
    let templates = Templates::new(&options).map_err(|error| error.to_string())?;
    let data = Data {
        status: "firing".to_owned(),
        ..Data::default()
    };
    let value = data.to_pointer();
    templates
        .render(mode, template, &value, &data)
        .map_err(|error| error.to_string())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn any_template_comes_to_the_same_end_twice(
        pieces in prop::collection::vec(
            prop_oneof![prop::sample::select(&PIECES[..]).prop_map(str::to_owned), ".{0,3}"],
            0..12,
        ),
    ) {
        let template = pieces.concat();
        for mode in [Mode::Text, Mode::Html] {
            prop_assert_eq!(outcome(mode, &template), outcome(mode, &template));
        }
    }
}
