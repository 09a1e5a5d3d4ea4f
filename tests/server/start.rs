//! Starts that fail say why, and leave everything as it was.

use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::os::unix::process::CommandExt;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tocsin::node::RealDisk;
use tocsin::record::{AlertBatchV1, AlertV1, Record};
use tocsin::sys::{Clock, SeededEntropy, VirtualClock, WallTime};
use tocsin::wal::{Environment, IgnoreReplay, Lane, LogOptions, open};

use crate::support::{PROGRAM, Place, Request, Sink, one_webhook, told};

/// Nobody is told anything.
fn quiet() -> Place {
    Place::new(&one_webhook("http://127.0.0.1:9/", "1h", "1h"))
}

/// The error of a start that failed: its exit code, and the last line's `err`.
fn refused(place: &Place, flags: &[&str]) -> (Option<i32>, String) {
    let ended = place.spawn(flags).wait();
    let line = ended.log.lines().last().unwrap_or_default();
    let (_, err) = line.split_once(" err=").unwrap_or(("", line));
    let place = place.path("").display().to_string();
    (ended.code, err.trim_matches('"').replace(&place, "…/"))
}

#[test]
fn a_configuration_that_does_not_load_ends_the_start_with_1_and_its_fault() {
    let place = quiet();
    let mut seen = Vec::new();
    for text in [
        "route: {receiver: nobody}\nreceivers: []\n",
        "route: [\n",
        "rute: {}\n",
        "",
    ] {
        place.configure(text);
        seen.push(refused(&place, &[]));
    }
    std::fs::remove_file(place.path("alertmanager.yml")).unwrap();
    seen.push(refused(&place, &[]));
    let expected = [
        r#"error loading configuration file: undefined receiver \"nobody\" used in route"#,
        "error loading configuration file: yaml: line 1: did not find expected node content",
        "error loading configuration file: yaml: unmarshal errors:\\n  line 1: field rute not found in type config.plain",
        "error loading configuration file: no route provided in config",
        "error loading configuration file: open …/alertmanager.yml: no such file or directory",
    ];
    let expected = expected.map(|err| (Some(1), err.to_owned()));
    assert_eq!(seen, expected);
}

#[test]
fn an_integration_that_is_not_there_yet_is_refused_by_name_and_an_unused_one_is_not() {
    let config = one_webhook("http://127.0.0.1:9/", "1h", "1h");
    let slack = "- name: chat\n  slack_configs: [{api_url: 'http://127.0.0.1:9/', channel: c}]\n";
    let place =
        Place::new(&format!("{config}{slack}").replace("receiver: r\n", "receiver: chat\n"));
    let used = refused(&place, &[]);
    place.configure(&format!("{config}{slack}"));
    let unused = place.start().get("/api/v2/receivers").body;
    assert_eq!(
        (used, unused),
        (
            (
                Some(1),
                r#"error loading configuration file: receiver \"chat\": receiver \"chat\": slack_configs is not supported by this version"#
                    .to_owned()
            ),
            "[{\"labels\":{\"name\":\"r\"},\"name\":\"r\"},{\"labels\":{\"name\":\"chat\"},\"name\":\"chat\"}]\n".to_owned()
        )
    );
}

#[test]
fn a_port_that_is_taken_ends_the_start_with_1_and_touches_no_log() {
    let place = quiet();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port();
    // The first address is free.
    let flag = format!("--web.listen-address=127.0.0.1:{port}");
    let (code, err) = refused(&place, &[&flag]);
    let err = err.replace(&port.to_string(), "PORT");
    let has_log = place.data().join("wal").exists();
    assert_eq!(
        (code, err, has_log),
        (
            Some(1),
            r#"alertmanager/app: listen \"127.0.0.1:PORT\": Address already in use (os error 98)"#
                .to_owned(),
            false
        )
    );
}

#[test]
fn w29_a_second_server_on_the_same_data_ends_with_4_and_the_first_goes_on() {
    let place = quiet();
    let server = place.start();
    let (code, err) = refused(&place, &[]);
    let names_the_first = err.contains(&format!("pid {}", server.pid()));
    let status = server.fire(&["A"]);
    assert_eq!(
        (code, names_the_first, status),
        (Some(4), true, 200),
        "{err}"
    );
}

#[test]
fn a_data_directory_that_cannot_be_written_ends_the_start_with_13() {
    const NOBODY: u32 = 65_534;
    let place = quiet();
    std::fs::create_dir(place.data()).unwrap();
    let set_mode = |path: &str, mode: u32| {
        let mode = std::fs::Permissions::from_mode(mode);
        std::fs::set_permissions(place.path(path), mode).unwrap();
    };
    set_mode("", 0o755);
    set_mode("data", 0o555);
    let words = place.command(&[]);
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).stdin(Stdio::null());
    // Whoever made the directory; root can write everywhere.
    if std::fs::metadata(place.data()).unwrap().uid() == 0 {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = match command.output() {
        Ok(output) => output,
        Err(fault) => {
            #[expect(clippy::print_stderr, reason = "a test that shows nothing says so")]
            {
                eprintln!("SKIPPED: {PROGRAM} cannot be run as another user: {fault}");
            }
            return;
        }
    };
    let log = String::from_utf8_lossy(&output.stderr).into_owned();
    let names_it = log.contains(&place.data().display().to_string()) && log.contains("ermission");
    assert_eq!((output.status.code(), names_it), (Some(13), true), "{log}");
}

/// A store whose last sign of life is a day ahead, with an alert that fires for an hour more.
fn store_from_tomorrow(place: &Place, labels: &[(&str, &str)]) {
    let now = i64::try_from(jiff::Timestamp::now().as_nanosecond()).unwrap();
    let clock = Arc::new(VirtualClock::at(WallTime(now)));
    clock.advance(Duration::from_secs(24 * 3600));
    let disk = RealDisk::new(&place.data());
    disk.create_root().unwrap();
    let environment = Environment {
        disk: Arc::new(disk),
        clock: clock.clone(),
        entropy: Arc::new(SeededEntropy::new(7)),
    };
    let (mut writer, _) = open(&environment, &LogOptions::default(), &mut IgnoreReplay).unwrap();
    let at = clock.wall().0;
    let pairs = labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    let record = Record::AlertBatch(AlertBatchV1 {
        tenant: String::new(),
        received_at_ns: at,
        alerts: vec![AlertV1 {
            labels: pairs.collect(),
            annotations: vec![],
            starts_at_ns: at,
            ends_at_ns: at + 3_600_000_000_000,
            is_timeout: false,
            generator_url: String::new(),
        }],
    });
    let record = record.encoded().unwrap();
    writer.append(Lane::Normal, &[&record]).unwrap();
}

#[test]
fn r30_h16_a_clock_behind_the_log_is_warned_of_and_timers_go_on_with_what_they_had_left() {
    let sink = Sink::start();
    let place = Place::new(&one_webhook(&sink.url("/"), "2s", "1s"));
    store_from_tomorrow(&place, &[("alertname", "A")]);
    let server = place.start();
    let got = sink.wait_for(1);
    // What is told is remembered, however late the log's last entry was.
    let results = || place.records("notify_result").len();
    crate::support::until("the result", || (results() == 1).then_some(()));
    server.fire(&["A"]);
    server.fire(&["B"]);
    sink.wait_for(2);
    let log = server.log();
    let warnings = log
        .lines()
        .filter(|line| line.contains("The clock is behind the last sign of life"));
    assert_eq!(
        (told(&got), told(&sink.got()), warnings.count()),
        (
            vec!["A firing".to_owned()],
            vec!["A firing".to_owned(), "A firing, B firing".to_owned()],
            1
        )
    );
}

#[test]
fn r33_integrations_that_change_places_at_a_reload_are_named_in_a_warning() {
    let sink = Sink::start();
    let config = |first: &str, second: &str| {
        let first = one_webhook(&sink.url(first), "0s", "1h");
        format!("{first}  - url: {}\n", sink.url(second))
    };
    let place = Place::new(&config("/one", "/two"));
    let server = place.start();
    place.configure(&config("/two", "/one"));
    let answer = server.ask(&Request::post("/-/reload", ""));
    let log = server.log();
    let warned: Vec<&str> = log
        .lines()
        .filter(|line| line.contains("An integration has another place now"))
        .filter_map(|line| line.split_once("component=configuration ").map(|it| it.1))
        .collect();
    assert_eq!(
        (answer.said(), warned),
        (
            (200, ""),
            vec![
                "receiver=r integration=webhook[0] now=webhook[1]",
                "receiver=r integration=webhook[1] now=webhook[0]"
            ]
        )
    );
}
