//! What a hostile template may not do: overflow the stack, run for ever, or fill the memory.

use gotemplate::time::Zone;
use gotemplate::types::{ANY, ANY_SLICE};
use gotemplate::{
    Environment, Fault, FuncMap, Function, HtmlSet, Limits, MAX_PARSE_DEPTH, MissingKey, Slice,
    Stop, TextSet, Value,
};

fn environment(limits: Limits) -> Environment {
    let mut functions = FuncMap::new();
    let list = |_: &gotemplate::Call<'_>, args: &[Value]| -> Result<Value, Fault> {
        Ok(Slice::new(&ANY_SLICE, args.to_vec()).into())
    };
    functions.insert("list", Function::variadic([&ANY as gotemplate::Type], list));
    let append = |_: &gotemplate::Call<'_>, args: &[Value]| match args.split_first() {
        Some((Value::Slice(list), more)) => Ok(list.append(more.to_vec()).into()),
        _ => Err(Fault::new("no list")),
    };
    let params: [gotemplate::Type; 2] = [&ANY_SLICE, &ANY];
    functions.insert("append", Function::variadic(params, append));
    Environment {
        functions,
        missing_key: MissingKey::Default,
        limits,
        local_zone: Zone::utc(),
    }
}

/// How a template ends: its output, or the limit or the text of its error.
fn run(limits: Limits, text: &str) -> Result<String, Result<Stop, String>> {
    let mut set = TextSet::new(environment(limits));
    let tree = set.parse("", text).map_err(|error| Err(error.message))?;
    let output = set.execute_tree(&tree, &Value::None);
    let output = output.map_err(|error| error.stop.ok_or(error.message))?;
    Ok(String::from_utf8_lossy(&output).into_owned())
}

fn escape(text: &str) -> Result<(), String> {
    let mut set = HtmlSet::new(environment(Limits::default()));
    set.parse("", text).map_err(|error| error.to_string())?;
    set.escape("")
        .map(|_| ())
        .map_err(|error| error.to_string())
}

#[test]
fn nesting_beyond_the_bound_is_a_parse_error_and_up_to_it_runs() {
    let parens = |depth: usize| format!("{{{{ {}1{} }}}}", "(".repeat(depth), ")".repeat(depth));
    let blocks = |depth: usize| "{{ if true }}".repeat(depth) + "x" + &"{{ end }}".repeat(depth);
    let chain = "{{ if false }}".to_owned()
        + &"{{ else if false }}".repeat(20_000)
        + "{{ else }}y{{ end }}";
    let calls = format!("{{{{ {}1{} }}}}", "print (".repeat(150), ")".repeat(150));
    let seen = [
        run(Limits::default(), &parens(MAX_PARSE_DEPTH)),
        run(Limits::default(), &parens(100_000)),
        run(Limits::default(), &blocks(MAX_PARSE_DEPTH)),
        run(Limits::default(), &blocks(100_000)),
        run(Limits::default(), &chain),
        run(Limits::default(), &calls),
    ];
    let too_deep = || Err(Err("max expression depth exceeded".to_owned()));
    let expected = [
        Ok("1".into()),
        too_deep(),
        Ok("x".into()),
        too_deep(),
        Ok("y".into()),
        Ok("1".into()),
    ];
    assert_eq!(seen, expected);
}

#[test]
fn templates_that_call_themselves_end_at_the_depth_of_go() {
    let text = r#"{{ define "a" }}{{ if true }}{{ range 1 }}{{ template "a" . }}{{ end }}{{ end }}{{ end }}{{ template "a" }}"#;
    let seen = run(Limits::default(), text);
    assert_eq!(
        seen,
        Err(Err("exceeded maximum template depth (100000)".to_owned()))
    );
}

#[test]
fn loops_and_growing_strings_end_at_their_limits() {
    let limits = Limits {
        max_steps: 100_000,
        max_output_bytes: 1 << 20,
        ..Limits::default()
    };
    let seen = [
        "{{ range 9223372036854775807 }}{{ end }}",
        "{{ $x := \"x\" }}{{ range 1000 }}{{ $x = print $x $x }}{{ end }}",
        "{{ $x := list 1 }}{{ range 60 }}{{ $x = list $x $x }}{{ end }}{{ print $x }}",
        "{{ range 40000 }}0123456789abcdef0123456789abcdef{{ end }}",
        "{{ printf \"%1000000d%1000000d\" 1 2 }}",
    ]
    .map(|text| run(limits, text));
    let stop = |stop| Err(Ok(stop));
    let expected = [
        Stop::Steps,
        Stop::Output,
        Stop::Output,
        Stop::Output,
        Stop::Output,
    ]
    .map(stop);
    assert_eq!(seen, expected);
}

#[test]
fn values_that_nest_too_deeply_or_contain_themselves_cannot_be_printed() {
    let deep = "{{ $x := list 1 }}{{ range 100000 }}{{ $x = list $x }}{{ end }}";
    let own = "{{ $a := append (list 1 2 3) 4 }}{{ $b := append $a 5 }}{{ $c := append $a $b }}";
    let seen = [
        run(Limits::default(), &format!("{deep}{{{{ len $x }}}}")),
        run(Limits::default(), &format!("{deep}{{{{ $x }}}}")),
        run(Limits::default(), &format!("{own}{{{{ $b }}}}")),
    ];
    assert_eq!(
        seen,
        [
            Ok("1".to_owned()),
            Err(Ok(Stop::Depth)),
            Err(Ok(Stop::Depth))
        ]
    );
}

#[test]
fn escaping_bounds_its_depth_and_its_work() {
    let chain: String = (0..5_000)
        .map(|at| {
            format!(
                "{{{{ define \"t{at}\" }}}}{{{{ template \"t{}\" }}}}{{{{ end }}}}",
                at + 1
            )
        })
        .collect();
    let loops = |depth: usize| "{{ range . }}".repeat(depth) + "x" + &"{{ end }}".repeat(depth);
    let seen = [
        escape(&(chain + "{{ define \"t5000\" }}{{ end }}{{ template \"t0\" }}")),
        escape(&loops(10)),
        escape(&loops(100)),
    ];
    let failed: Vec<bool> = seen.iter().map(Result::is_err).collect();
    assert_eq!(failed, [true, false, true], "{seen:?}");
}

#[test]
fn what_was_written_before_a_failure_is_kept() {
    let mut set = TextSet::new(environment(Limits::default()));
    set.parse("t", "before {{ template \"none\" }} after")
        .expect("it is a template");
    let error = set
        .execute("t", &Value::None)
        .expect_err("it calls no template");
    assert_eq!(error.partial, b"before ");
}
