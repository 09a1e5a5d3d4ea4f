//! `amtool config routes`, `tocsin check-config` and `tocsin test-routes`, as their users meet them:
//! each test is one scenario on files in memory and ends in one comparison of all that is printed.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::ffi::OsString;
use std::sync::Arc;

use tocsin::cli::{self, World};
use tocsin::sys::{Disk, Image, MemoryFiles, SeededEntropy, SimDisk, VirtualClock, WallTime};

/// 2026-11-22T03:00:00Z.
const NIGHT: WallTime = WallTime(1_795_316_400_000_000_000);

/// What a run printed and how it ended.
#[derive(Debug, PartialEq, Eq)]
struct Ran {
    exit: u8,
    out: String,
    err: String,
}

fn ran(exit: u8, out: &str, err: &str) -> Ran {
    Ran {
        exit,
        out: out.to_owned(),
        err: err.to_owned(),
    }
}

fn run(files: &[(&str, &str)], words: &[&str]) -> Ran {
    let world = World {
        open_disk: Box::new(|_| Arc::new(SimDisk::new(&Image::default())) as Arc<dyn Disk>),
        clock: Arc::new(VirtualClock::at(NIGHT)),
        entropy: Arc::new(SeededEntropy::new(1)),
        files: Arc::new(MemoryFiles::new(files.iter().copied())),
        stdin: Box::new(|_| Ok(Vec::new())),
        stdin_is_terminal: true,
        home: None,
        user: None,
        shows_progress: false,
        prints_to_terminal: false,
        serve: |_, _| unreachable!("no test of commands runs the server"),
        request: |_, _, _| unreachable!("no test of commands has a network"),
    };
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let words = words.iter().map(OsString::from);
    let exit = cli::run(words, &world, &mut out, &mut err).code();
    Ran {
        exit,
        out: String::from_utf8(out).unwrap(),
        err: String::from_utf8(err).unwrap(),
    }
}

const ROUTES: &str = r#"
route:
  receiver: def
  group_by: [alertname]
  routes:
  - matchers: ['service=~"mysql|cassandra"', 'x!="y"']
    receiver: db
    continue: true
    routes:
    - matchers: [severity=critical]
      receiver: db-pager
      group_by: [alertname, service]
      mute_time_intervals: [night]
  - matchers: [service=database]
    receiver: team-DB
  - receiver: catch
    continue: true
receivers:
- name: def
- name: db
- name: db-pager
- name: team-DB
- name: catch
inhibit_rules:
- source_matchers: [alertname=ClusterDown]
  target_matchers: [severity=critical]
  equal: [cluster]
time_intervals:
- name: night
  time_intervals:
  - times: [{start_time: '22:00', end_time: '24:00'}, {start_time: '00:00', end_time: '06:00'}]
"#;

fn amtool(words: &[&str]) -> Ran {
    let head = ["amtool", "config", "routes", "--config.file=am.yml"];
    run(&[("am.yml", ROUTES)], &[&head, words].concat())
}

#[test]
fn amtool_draws_the_tree_of_routes() {
    let expected = r#"Routing tree:
.
└── default-route  receiver: def
    ├── {service=~"mysql|cassandra",x!="y"}  continue: true  receiver: db
    │   └── {severity="critical"}  receiver: db-pager
    ├── {service="database"}  receiver: team-DB
    └── default-route  continue: true  receiver: catch

"#;
    assert_eq!(
        [amtool(&[]), amtool(&["show"])],
        [ran(0, expected, ""), ran(0, expected, "")]
    );
}

#[test]
fn amtool_shows_the_way_of_an_alert() {
    let tree = r#"Matching routes:
.
└── default-route
    ├── {service=~"mysql|cassandra",x!="y"}
    │   └── {severity="critical"}  receiver: db-pager
    └── default-route  receiver: catch


db-pager,catch
"#;
    let test = ["test", "service=mysql", "severity=critical"];
    let seen = [
        amtool(&[&test[..], &["--tree"]].concat()),
        amtool(&[&test[..], &["--verify.receivers=db-pager,catch"]].concat()),
        amtool(&[&test[..], &["--verify.receivers=db-pager"]].concat()),
        amtool(&["test"]),
    ];
    let warning = "WARNING: Expected receivers did not match resolved receivers.\n";
    assert_eq!(
        seen,
        [
            ran(0, tree, ""),
            ran(0, "db-pager,catch\n", ""),
            ran(1, &format!("db-pager,catch\n{warning}"), ""),
            ran(0, "catch\n", ""),
        ]
    );
}

#[test]
fn amtool_refuses_what_are_no_labels_and_what_it_cannot_reach() {
    let seen = [
        amtool(&["test", "service=~mysql"]),
        amtool(&["test", "nonsense"]),
        run(&[], &["amtool", "config", "routes"]),
        run(
            &[],
            &["amtool", "config", "routes", "--config.file=none.yml"],
        ),
    ];
    let error = |text: &str| ran(1, "", &format!("amtool: error: {text}\n\n"));
    assert_eq!(
        seen,
        [
            error("Labels must be specified as key=value pairs"),
            error("Failed to parse labels: bad matcher format: nonsense"),
            error("You have to specify one of --config.file or --alertmanager.url flags."),
            error("open none.yml: no such file or directory"),
        ]
    );
}

const TESTS: &str = r#"config: am.yml
tests:
- name: critical database alerts page
  labels: {alertname: Slow, service: mysql, severity: critical, cluster: eu}
  time: 2026-11-22T03:00:00Z
  firing:
  - {alertname: ClusterDown, cluster: eu}
  expect:
    receivers: [db-pager, catch]
    inhibited: true
    routes:
    - receiver: db-pager
      group_labels: {alertname: Slow, service: mysql}
      group_key: '{}/{service=~"mysql|cassandra",x!="y"}/{severity="critical"}:{alertname="Slow", service="mysql"}'
      muted_by: [night]
    - muted_by: []
- name: another cluster inhibits nothing
  labels: {alertname: Slow, severity: critical, cluster: us}
  firing:
  - {alertname: ClusterDown, cluster: eu}
  expect:
    inhibited: false
    group_labels: {alertname: Slow}
"#;

#[test]
fn tests_of_routes_pass_where_everything_is_as_expected() {
    let seen = run(
        &[("etc/t.yml", TESTS), ("etc/am.yml", ROUTES)],
        &["tocsin", "test-routes", "etc/t.yml"],
    );
    assert_eq!(seen, ran(0, "etc/t.yml: 2 passed, 0 failed\n", ""));
}

#[test]
fn tests_of_routes_say_what_they_expected_and_what_they_got() {
    let tests = TESTS
        .replace("receivers: [db-pager, catch]", "receivers: [db-pager]")
        .replace("inhibited: false", "inhibited: true")
        .replace("muted_by: []", "muted_by: [night]");
    let files = [("t.yml", tests.as_str()), ("other.yml", ROUTES)];
    let words = ["tocsin", "test-routes", "t.yml", "--config.file=other.yml"];
    let text = "t.yml:3: FAILED: critical database alerts page
    receivers
      expected  [db-pager]
      got       [db-pager, catch]
    muted_by of route 2
      expected  [night]
      got       []
t.yml:17: FAILED: another cluster inhibits nothing
    inhibited
      expected  true
      got       false
t.yml: 0 passed, 2 failed
";
    let json = concat!(
        r#"{"file":"t.yml","config":"other.yml","passed":0,"failed":2,"tests":["#,
        r#"{"name":"critical database alerts page","line":3,"passed":false,"differences":["#,
        r#"{"what":"receivers","expected":"[db-pager]","got":"[db-pager, catch]"},"#,
        r#"{"what":"muted_by of route 2","expected":"[night]","got":"[]"}]},"#,
        r#"{"name":"another cluster inhibits nothing","line":17,"passed":false,"differences":["#,
        r#"{"what":"inhibited","expected":"true","got":"false"}]}]}"#,
        "\n"
    );
    let seen = [
        run(&files, &words),
        run(&files, &[&words[..], &["--format=json"]].concat()),
    ];
    assert_eq!(seen, [ran(1, text, ""), ran(1, json, "")]);
}

#[test]
fn a_file_of_tests_that_makes_no_sense_is_refused_with_its_line() {
    let with = |tests: &str| run(&[("t.yml", tests)], &["tocsin", "test-routes", "t.yml"]);
    let seen = [
        with("tests:\n- name: a\n  labels: {a: b}\n  expect: {}\n"),
        with("tests:\n- name: a\n  expects: {}\n"),
        with("tests:\n- name: a\n  time: noon\n  expect: {receivers: [x]}\n"),
        with("tests:\n- name: a\n  expect: {muted_by: []}\n"),
        with("tests:\n- name: a\n  expect: {inhibited: true}\n"),
        with("tests: []\n"),
        run(&[], &["tocsin", "test-routes", "t.yml"]),
    ]
    .map(|ran| (ran.exit, ran.err));
    let error = |text: &str| (2, format!("tocsin: error: t.yml: {text}\n"));
    assert_eq!(
        seen,
        [
            error("line 4: a test must expect something"),
            error("yaml: unmarshal errors:\n  line 3: field expects not found in type a test"),
            error("line 3: \"noon\" is not a time such as 2026-11-22T03:00:00Z"),
            error("line 3: a test that expects muted_by needs a time"),
            error("it names no configuration: write `config: FILE`, or use --config.file"),
            error("line 1: there are no tests"),
            error("there is no such file"),
        ]
    );
}

const FAULTY: &str = r#"global:
  resolve_timeout: 5m
route:
  receiver: web
  group_interval: 20s
  repeat_interval: 10s
  routes:
  - matchers: [team=a]
    receiver: gone
    routes:
    - matchers: [team=b]
    - matchers: [sev=~"x|y", sev!~"x|y"]
  - matchers: [team=~"a|b"]
    receiver: slow
    repeat_interval: 1h
  - matchers: [team=b, sev=critical]
    receiver: empty
    repeat_interval: 1h
  - matchers: [foo='x y'z]
    continue: true
    repeat_interval: 1h
  - matchers: [foo='x y'z]
    repeat_interval: 1h
receivers:
- name: web
  webhook_configs:
  - url: http://example.com/
    http_config:
      tls_config: {ca_file: ca.pem}
- name: slow
  webhook_configs:
  - url: http://example.com/
    timeout: 1m
- name: empty
- name: gone
- name: unused
  slack_configs:
  - api_url: http://example.com/
    title: '{{ template "nope" . }}'
    text: '{{ nope }}'
    icon_url: 'no url'
templates: ['*.tmpl']
inhibit_rules:
- name: same
  source_matchers: [sev=critical]
  target_matchers: [sev="critical"]
- source_matchers: [sev=critical, cluster=eu]
  target_matchers: [sev=warning, cluster=us]
  equal: [cluster]
time_intervals:
- name: past
  time_intervals:
  - years: ['2020:2022']
"#;

const FOUND: &str = r#"am.yml:3: warning: route {}: repeat_interval 10s is less than group_interval 20s: nothing repeats before the next group_interval [repeat-before-group]
    set repeat_interval to a multiple of 20s
am.yml:11: error: route {}/{team="a"}/{team="b"}: no alert gets here: together with the routes above it needs team="b" and team="a" [unreachable]
    move the route out of its parent, or correct the matchers
am.yml:12: error: route {}/{team="a"}/{sev=~"x|y",sev!~"x|y"}: no alert can match sev=~"x|y" and sev!~"x|y" [never-matches]
    correct the matchers, or remove the route
am.yml:13: warning: route {}/{team=~"a|b"}: group_interval 20s ends an attempt that receiver slow may take 1m for (its timeout): if it is slow, it is never told [timeout-beyond-group-interval]
    set group_interval to more than 1m, or the timeout to less than 20s
am.yml:16: warning: route {}/{sev="critical",team="b"}: no alert gets here: the route {team=~"a|b"} before it takes them all [shadowed]
    move it before that route (line 13), or let that route `continue: true`
am.yml:19: warning: matcher foo='x y'z: Alertmanager is moving to a new parser for labels and matchers, and this input is incompatible. Alertmanager has instead parsed the input using the classic matchers parser as a fallback. To make this input compatible with the UTF-8 matchers parser please make sure all regular expressions and values are double-quoted and backslashes are escaped. If you are still seeing this message please open an issue. [matcher]
    write it as foo="'x y'z"
am.yml:22: warning: matcher foo='x y'z: Alertmanager is moving to a new parser for labels and matchers, and this input is incompatible. Alertmanager has instead parsed the input using the classic matchers parser as a fallback. To make this input compatible with the UTF-8 matchers parser please make sure all regular expressions and values are double-quoted and backslashes are escaped. If you are still seeing this message please open an issue. [matcher]
    write it as foo="'x y'z"
am.yml:22: warning: route {}/{foo="'x y'z"}: it is the same as the route before it, which continues: web is told everything twice [notified-twice]
    remove one of the two
am.yml:25: error: receiver web: webhook_configs.http_config.tls_config.ca_file: ca.pem: there is no PEM block in it [file]
am.yml:34: note: receiver empty: it has no integrations: alerts that are routed to it are told nobody [receiver-empty]
am.yml:35: note: receiver gone: it has no integrations: alerts that are routed to it are told nobody [receiver-empty]
am.yml:36: warning: receiver unused: no route uses it, so it is not even built [receiver-unused]
    use it in a route, or remove it
am.yml:36: error: receiver unused: slack_configs.title: template: :1:12: executing "" at <{{template "nope" .}}>: template "nope" not defined [template]
    `tocsin template preview` shows what a template makes of alerts
am.yml:36: error: receiver unused: slack_configs.text: template: :1: function "nope" not defined [template]
    `tocsin template preview` shows what a template makes of alerts
am.yml:36: warning: receiver unused: slack_configs.icon_url: no url: unsupported scheme "" for URL [url]
am.yml:44: error: inhibition rule same: its sources and its targets are the same alerts, which inhibit each other never [rule-inhibits-itself]
    make targets of the alerts that are less severe than the sources
am.yml:47: error: inhibition rule 2: sources and targets never have an equal cluster: eu and us [rule-never-equal]
    remove cluster from `equal`, or from one side
am.yml:51: warning: time interval past: no route uses it [interval-unused]
am.yml:51: warning: time interval past: its part 1 never applies: the year 2022 is over [interval-never]
am.yml: errors: 7, warnings: 10, notes: 2
"#;

#[test]
fn check_config_finds_what_cannot_be_meant() {
    let files = [("am.yml", FAULTY), ("ca.pem", "no certificate")];
    let seen = run(&files, &["tocsin", "check-config", "am.yml"]);
    assert_eq!(seen, ran(1, FOUND, ""));
}

#[test]
fn check_config_is_content_with_what_is_meant() {
    let files = [("am.yml", ROUTES)];
    let note = |line: usize, name: &str| {
        format!(
            "am.yml:{line}: note: receiver {name}: it has no integrations: alerts that are routed to it are told nobody [receiver-empty]\n"
        )
    };
    let names = ["def", "db", "db-pager", "team-DB", "catch"];
    let notes: String = (19..)
        .zip(names)
        .map(|(line, name)| note(line, name))
        .collect();
    let text = format!("{notes}am.yml: errors: 0, warnings: 0, notes: 5\n");
    let seen = run(&files, &["tocsin", "check-config", "am.yml", "--strict"]);
    assert_eq!(seen, ran(0, &text, ""));
}

#[test]
fn check_config_tells_scripts_the_same() {
    let config = "route: {receiver: a}\nreceivers: [{name: a}, {name: b}]\n";
    let words = [
        "tocsin",
        "check-config",
        "am.yml",
        "--format=json",
        "--strict",
    ];
    let json = concat!(
        r#"{"file":"am.yml","errors":0,"warnings":1,"notes":1,"findings":["#,
        r#"{"severity":"note","check":"receiver-empty","line":2,"subject":"receiver a","#,
        r#""message":"it has no integrations: alerts that are routed to it are told nobody"},"#,
        r#"{"severity":"warning","check":"receiver-unused","line":2,"subject":"receiver b","#,
        r#""message":"no route uses it, so it is not even built","#,
        r#""suggestion":"use it in a route, or remove it"}]}"#,
        "\n"
    );
    assert_eq!(run(&[("am.yml", config)], &words), ran(1, json, ""));
}

#[test]
fn check_config_says_why_a_file_does_not_load() {
    let with = |text: &str| run(&[("am.yml", text)], &["tocsin", "check-config", "am.yml"]);
    let seen = [
        with("route:\n  receiver: a\n  group_intervall: 5m\nreceivers: [{name: a}]\n"),
        with("route:\n  receiver: b\nreceivers: [{name: a}]\n"),
        run(&[], &["tocsin", "check-config", "am.yml"]),
    ];
    let expected = [
        "am.yml:3: error: line 3: field group_intervall not found in type config.plain [load]\n    did you mean `group_interval`?\n",
        "am.yml:2: error: undefined receiver \"b\" used in route [load]\n",
        "am.yml: error: open am.yml: no such file or directory [load]\n",
    ];
    let count = "am.yml: errors: 1, warnings: 0, notes: 0\n";
    assert_eq!(
        seen,
        expected.map(|text| ran(1, &format!("{text}{count}"), ""))
    );
}
