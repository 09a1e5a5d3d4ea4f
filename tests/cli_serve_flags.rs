//! The command line of the server. What stands to the right of a command line is what kingpin 2.4 with
//! promslog's flags made of it, unless a line says otherwise.

use std::ffi::OsString;

use tocsin::cli::serve::flags::{
    self, ExternalUrl, Features, HistoryMode, ListenAddress, LogFormat, LogLevel, Note, Parsed,
    ServeArgs, ServeOptions, TornTail, WalSync,
};
use tocsin::model::{Duration, Mode};
use tocsin::sys::MemoryFiles;

fn parse(words: &[&str]) -> Parsed {
    let words: Vec<OsString> = words.iter().map(OsString::from).collect();
    let files = MemoryFiles::new([
        ("one", "a\n"),
        ("spaces", "\n  --log.silences  \n"),
        ("several", "--log.silences\n\n#x\n--config.file\nz"),
        ("nested", "@one\n"),
        ("itself", "@itself\n"),
    ]);
    flags::parse("alertmanager", &words, &files)
}

fn args(words: &[&str]) -> ServeArgs {
    match parse(words) {
        Parsed::Run(args) => *args,
        other => panic!("{words:?} is {other:?}"),
    }
}

/// What the words are: the flags that tests look at, a mistake, or a text.
fn seen(words: &[&str]) -> String {
    match parse(words) {
        Parsed::Run(args) => format!(
            "file {:?}, silences {} {}, retention {}, ratio {}, {:?}, {:?}",
            args.config_file,
            args.log_silences,
            args.silences_max,
            args.data_retention.go(),
            args.auto_gomemlimit_ratio,
            args.log_level,
            args.log_format,
        ),
        Parsed::Mistake(text) => format!("E: {text}"),
        Parsed::Text(text) => format!("T: {}", text.lines().next().unwrap_or_default()),
    }
}

/// The options, or why there are none.
fn options(words: &[&str]) -> Result<ServeOptions, String> {
    args(words).options().map_err(|error| error.to_string())
}

const DEFAULTS: &str =
    "file \"alertmanager.yml\", silences false 0, retention 120h0m0s, ratio 0.9, Info, Logfmt";

#[test]
fn the_grammar_is_that_of_kingpin() {
    let flag = |from: &str, to: &str| DEFAULTS.replace(from, to);
    let file = |name: &str| flag("alertmanager.yml", name);
    let cases: [(&[&str], String); 64] = [
        (&[], DEFAULTS.to_owned()),
        (&["--nosuch"], "E: unknown long flag '--nosuch'".to_owned()),
        (
            &["--nosuch=1"],
            "E: unknown long flag '--nosuch'".to_owned(),
        ),
        (
            &["--no-nosuch"],
            "E: unknown long flag '--no-nosuch'".to_owned(),
        ),
        (
            &["--Config.file=x"],
            "E: unknown long flag '--Config.file'".to_owned(),
        ),
        (
            &["--config.fil=x"],
            "E: unknown long flag '--config.fil'".to_owned(),
        ),
        (
            &["---config.file=x"],
            "E: unknown long flag '---config.file'".to_owned(),
        ),
        (&["--=x"], "E: unknown long flag '--'".to_owned()),
        (
            &["--no-no-log.silences"],
            "E: unknown long flag '--no-no-log.silences'".to_owned(),
        ),
        (&["foo"], "E: unexpected foo".to_owned()),
        (&["foo", "--nosuch"], "E: unexpected foo".to_owned()),
        (&[""], "E: unexpected ".to_owned()),
        (&["-"], "E: unexpected ".to_owned()),
        (&["-x"], "E: unknown short flag '-x'".to_owned()),
        (&["-é"], "E: unknown short flag '-é'".to_owned()),
        (&["-config.file=x"], "E: unknown short flag '-c'".to_owned()),
        (&["-hx"], "E: unknown short flag '-x'".to_owned()),
        (
            &["--config.file"],
            "E: expected argument for flag '--config.file'".to_owned(),
        ),
        (&["--config.file="], file("")),
        (&["--config.file", ""], file("")),
        (&["--config.file", "-"], file("")),
        (&["--config.file", "a"], file("a")),
        (&["--config.file=a=b"], file("a=b")),
        (&["--config.file", "5-"], file("5-")),
        (
            &["--config.file", "-5"],
            "E: expected argument for flag '--config.file'".to_owned(),
        ),
        (
            &["--config.file", "--log.silences"],
            "E: expected argument for flag '--config.file'".to_owned(),
        ),
        (
            &["--config.file", "--"],
            "E: expected argument for flag '--config.file'".to_owned(),
        ),
        (&["--config.file", "a", "b"], "E: unexpected b".to_owned()),
        (
            &["--config.file=a", "--config.file=b"],
            "E: flag 'config.file' cannot be repeated".to_owned(),
        ),
        (
            &["--config.file=a", "--config.file=a", "--nosuch"],
            "E: unknown long flag '--nosuch'".to_owned(),
        ),
        (
            &["--data.retention=x", "--config.file=a", "--config.file=b"],
            "E: time: invalid duration \"x\"".to_owned(),
        ),
        (
            &["--config.file=a", "--config.file=b", "--data.retention=x"],
            "E: flag 'config.file' cannot be repeated".to_owned(),
        ),
        (
            &["--data.retention=x", "--nosuch"],
            "E: unknown long flag '--nosuch'".to_owned(),
        ),
        (&["--log.silences"], flag("silences false", "silences true")),
        (&["--no-log.silences"], DEFAULTS.to_owned()),
        (&["--log.silences=true"], "E: unexpected true".to_owned()),
        (&["--no-log.silences=true"], "E: unexpected true".to_owned()),
        (&["--log.silences", "true"], "E: unexpected true".to_owned()),
        (
            &["--log.silences", "--no-log.silences"],
            "E: flag 'log.silences' cannot be repeated".to_owned(),
        ),
        (
            &["--no-config.file"],
            "E: unknown long flag '--no-config.file'".to_owned(),
        ),
        (&["--"], DEFAULTS.to_owned()),
        (&["--", "--nosuch"], "E: unexpected --nosuch".to_owned()),
        (&["--", "@one"], "E: unexpected @one".to_owned()),
        (&["@one"], "E: unexpected a".to_owned()),
        (&["@spaces"], "E: unexpected   --log.silences  ".to_owned()),
        (
            &["@several"],
            file("z").replace("silences false", "silences true"),
        ),
        (&["@nested"], "E: unexpected a".to_owned()),
        (&["--config.file", "@nested"], file("a")),
        (&["--config.file=@one"], file("@one")),
        (
            &["@"],
            "E: expected @ file to expand arguments from".to_owned(),
        ),
        (
            &["@none"],
            "E: failed to open arguments file \"none\": open none: no such file or directory"
                .to_owned(),
        ),
        (
            &["--config.file", "@none"],
            "E: expected argument for flag '--config.file'".to_owned(),
        ),
        // kingpin reads for ever.
        (
            &["@itself"],
            "E: failed to open arguments file \"itself\": too many files, or one that names itself"
                .to_owned(),
        ),
        (
            &["--silences.max-silences", "-1"],
            "E: expected argument for flag '--silences.max-silences'".to_owned(),
        ),
        (&["--silences.max-silences=-1"], flag("false 0", "false -1")),
        (&["--silences.max-silences=1.5"], flag("false 0", "false 1")),
        (
            &["--silences.max-silences=1e3"],
            flag("false 0", "false 1000"),
        ),
        (
            &["--silences.max-silences=x"],
            "E: strconv.ParseFloat: parsing \"x\": invalid syntax".to_owned(),
        ),
        (
            &["--auto-gomemlimit.ratio="],
            "E: strconv.ParseFloat: parsing \"\": invalid syntax".to_owned(),
        ),
        (&["--auto-gomemlimit.ratio=0x1p-1"], flag("0.9", "0.5")),
        (
            &["--log.level=WARN", "--log.format=json"],
            flag("Info, Logfmt", "Warn, Json"),
        ),
        (
            &["--log.level=foo"],
            "E: unrecognized log level foo".to_owned(),
        ),
        (
            &["--log.format=JSON"],
            "E: unrecognized log format JSON".to_owned(),
        ),
        (
            &["--log.level=info", "--log.level=debug"],
            "E: flag 'log.level' cannot be repeated".to_owned(),
        ),
    ];
    let results: Vec<String> = cases.iter().map(|(words, _)| seen(words)).collect();
    let expected: Vec<String> = cases.into_iter().map(|(_, expected)| expected).collect();
    assert_eq!(results, expected);
}

#[test]
fn durations_have_days_and_weeks() {
    let cases = [
        ("5d", "120h0m0s"),
        ("1w2d3h", "219h0m0s"),
        ("1.5d", "36h0m0s"),
        ("3h1d", "27h0m0s"),
        ("1d.5h", "24h30m0s"),
        ("+1d", "24h0m0s"),
        ("-5h", "-5h0m0s"),
        ("0", "0s"),
        ("1ms2us", "1.002ms"),
        ("15250w", "2562000h0m0s"),
        ("", "E: time: invalid duration \"\""),
        ("10", "E: time: missing unit in duration \"10\""),
        (
            "1h 1m",
            "E: time: unknown unit \"h \" in duration \"1h 1m\"",
        ),
        ("1y", "E: time: unknown unit \"y\" in duration \"1y\""),
        ("1D", "E: time: unknown unit \"D\" in duration \"1D\""),
        ("15251w", "E: time: invalid duration \"15251w\""),
    ];
    let seen = cases.map(
        |(text, _)| match parse(&[&format!("--data.retention={text}")]) {
            Parsed::Run(args) => args.data_retention.go(),
            Parsed::Mistake(mistake) => format!("E: {mistake}"),
            Parsed::Text(text) => text,
        },
    );
    assert_eq!(seen, cases.map(|(_, expected)| expected.to_owned()));
}

#[test]
fn helps_and_the_version_are_texts_and_take_effect_where_kingpin_lets_them() {
    let cases: [(&[&str], &str); 12] = [
        (&["--help"], "T: An alertmanager that does not forget"),
        (&["-hh"], "T: An alertmanager that does not forget"),
        (&["--no-help"], "T: An alertmanager that does not forget"),
        (
            &["--help-long", "--nosuch"],
            "T: An alertmanager that does not forget",
        ),
        (
            &["--help", "--data.retention=x"],
            "T: An alertmanager that does not forget",
        ),
        (&["--help", "--nosuch"], "E: unknown long flag '--nosuch'"),
        (&["--help=false"], "E: unexpected false"),
        (
            &["-h", "--config.file"],
            "E: expected argument for flag '--config.file'",
        ),
        (
            &["--version=x", "foo"],
            concat!(
                "T: alertmanager, version ",
                env!("CARGO_PKG_VERSION"),
                " (branch: unknown, revision: unknown)"
            ),
        ),
        (
            &["--nosuch", "--version"],
            "E: unknown long flag '--nosuch'",
        ),
        (&["--help-man"], "T: .ie \\n(.g .ds Aq \\(aq"),
        (
            &["--completion-script-bash"],
            "T: _alertmanager_complete() {",
        ),
    ];
    assert_eq!(
        cases.map(|(words, _)| seen(words)),
        cases.map(|(_, expected)| expected.to_owned())
    );
}

#[test]
fn completion_offers_flags_and_the_values_of_some() {
    let candidates = |words: &[&str]| {
        let all = [["--completion-bash"].as_slice(), words].concat();
        match parse(&all) {
            Parsed::Text(text) => text.lines().map(str::to_owned).collect::<Vec<_>>(),
            other => panic!("{other:?}"),
        }
    };
    assert_eq!(
        [
            candidates(&["--log.s"]),
            candidates(&["--no-"]),
            candidates(&["--config.file=x", "--log.format", ""]),
            candidates(&["foo"]),
        ],
        [
            vec!["--log.silences".to_owned()],
            [
                "--no-log.silences",
                "--no-web.systemd-socket",
                "--no-cluster.allow-insecure-public-advertise-address-discovery"
            ]
            .map(str::to_owned)
            .to_vec(),
            ["logfmt", "json"].map(str::to_owned).to_vec(),
            Vec::new(),
        ]
    );
}

#[test]
fn a_mistake_is_one_line_that_names_the_program() {
    assert_eq!(
        flags::mistake_line("alertmanager", "unexpected foo"),
        "alertmanager: error: unexpected foo, try --help"
    );
}

#[test]
fn every_flag_of_alertmanager_is_known_and_its_default_may_be_given() {
    let given = [
        "--config.file=alertmanager.yml",
        "--storage.path=data/",
        "--data.retention=120h",
        "--data.maintenance-interval=15m",
        "--silences.max-silences=0",
        "--silences.max-silence-size-bytes=0",
        "--no-log.silences",
        "--alerts.gc-interval=30m",
        "--alerts.per-alertname-limit=0",
        "--dispatch.maintenance-interval=30s",
        "--dispatch.start-delay=0s",
        "--no-web.systemd-socket",
        "--web.listen-address=:9093",
        "--web.config.file=",
        "--web.external-url=",
        "--web.route-prefix=",
        "--web.get-concurrency=0",
        "--web.timeout=0",
        "--auto-gomemlimit.ratio=0.9",
        "--cluster.listen-address=0.0.0.0:9094",
        "--cluster.advertise-address=",
        "--cluster.peer-name=",
        "--cluster.peer-timeout=15s",
        "--cluster.peers-resolve-timeout=15s",
        "--cluster.gossip-interval=200ms",
        "--cluster.pushpull-interval=1m0s",
        "--cluster.tcp-timeout=10s",
        "--cluster.probe-timeout=500ms",
        "--cluster.probe-interval=1s",
        "--cluster.settle-timeout=1m0s",
        "--cluster.reconnect-interval=10s",
        "--cluster.reconnect-timeout=6h0m0s",
        "--cluster.tls-config=",
        "--no-cluster.allow-insecure-public-advertise-address-discovery",
        "--cluster.label=",
        "--enable-feature=",
        "--log.level=info",
        "--log.format=logfmt",
    ];
    assert_eq!(options(&given), options(&[]));
}

#[test]
fn without_flags_the_options_are_alertmanagers_defaults() {
    let mut options = options(&[]).expect("defaults are options");
    let web = options.web.clone();
    assert_eq!(
        (
            web.listen,
            web.config_file,
            web.given_url,
            web.gets_max,
            web.timeout
        ),
        (vec![address("", 9093)], None, None, None, None)
    );
    options.web = args(&[]).options().expect("defaults are options").web;
    let expected = ServeOptions {
        config_file: "alertmanager.yml".into(),
        data_dir: "data/".into(),
        retention: Duration::from_secs(120 * 3600),
        maintenance_interval: Duration::from_secs(900),
        silences_max: None,
        silence_bytes_max: None,
        logs_silences: false,
        alerts_gc_interval: Duration::from_secs(1800),
        alerts_per_name_max: None,
        dispatch_maintenance_interval: Duration::from_secs(30),
        dispatch_start_delay: Duration::ZERO,
        recovery_grace: None,
        torn_tail: TornTail::Cut,
        wal_sync: WalSync::Always,
        wal_segment_bytes: 16 * 1024 * 1024,
        history: HistoryMode::Sled,
        history_retention: Duration::from_secs(30 * 24 * 3600),
        history_bytes_max: 1_000_000_000,
        web: options.web.clone(),
        features: Features::default(),
        log_level: LogLevel::Info,
        log_format: LogFormat::Logfmt,
        notes: vec![Note(
            "Clustering is not part of this version: running alone, as with --cluster.listen-address=",
        )],
    };
    assert_eq!(options, expected);
}

fn address(host: &str, port: u16) -> ListenAddress {
    ListenAddress {
        host: host.to_owned(),
        port,
    }
}

#[test]
fn flags_become_options() {
    let options = options(&[
        "--cluster.listen-address=",
        "--cluster.peer=a:9094",
        "--cluster.reconnect-timeout=5m",
        "--web.listen-address=127.0.0.1:1",
        "--web.listen-address",
        "[::1]:2",
        "--web.config.file=web.yml",
        "--web.external-url=https://alerts.example/am/",
        "--web.get-concurrency=3",
        "--web.timeout=1m",
        "--silences.max-silences=99999999999",
        "--silences.max-silence-size-bytes=100",
        "--alerts.per-alertname-limit=-7",
        "--log.silences",
        "--recovery.grace=1d",
        "--wal.repair=none",
        "--wal.sync=always",
        "--enable-feature=auto-gomemlimit,classic-mode",
        "--log.level=error",
    ])
    .expect("all of it is there");
    assert_eq!(
        (
            options.web.listen.clone(),
            options.web.config_file.clone(),
            options.web.external_url("host", 9093),
            options.web.gets_max,
            options.web.timeout,
        ),
        (
            vec![address("127.0.0.1", 1), address("::1", 2)],
            Some("web.yml".into()),
            Ok(ExternalUrl {
                url: "https://alerts.example/am".to_owned(),
                route_prefix: "/am".to_owned(),
            }),
            Some(3),
            Some(Duration::from_secs(60)),
        )
    );
    assert_eq!(
        (
            (
                options.silences_max,
                options.silence_bytes_max,
                options.alerts_per_name_max
            ),
            (
                options.logs_silences,
                options.recovery_grace,
                options.torn_tail
            ),
            (
                options.features.mode,
                options.features.auto_gomemlimit,
                options.log_level
            ),
            options.notes,
        ),
        (
            (Some(u32::MAX), Some(100), None),
            (true, Some(Duration::from_secs(86_400)), TornTail::Refuse),
            (Mode::Classic, true, LogLevel::Error),
            vec![
                Note(
                    "Automatically set GOMEMLIMIT to match the Linux container or system memory limit."
                ),
                Note("Classic mode enabled"),
                Note(
                    "There is no Go here whose memory could be limited: auto-gomemlimit has no effect"
                ),
            ],
        )
    );
}

#[test]
fn what_cannot_be_done_is_refused_and_never_ignored() {
    let cases: [(&[&str], &str); 20] = [
        (
            &["--config.file="],
            "alertmanager/app: Options.ConfigFile is required",
        ),
        (
            &["--storage.path="],
            "alertmanager/app: Options.DataDir is required",
        ),
        (
            &["--data.retention=0"],
            "alertmanager/app: Options.Retention must be positive",
        ),
        (
            &["--data.maintenance-interval=-1s"],
            "alertmanager/app: Options.MaintenanceInterval must be positive",
        ),
        (
            &["--enable-feature=nosuch"],
            "unknown option 'nosuch' for --enable-feature",
        ),
        (
            &["--enable-feature=classic-mode, utf8-strict-mode"],
            "unknown option ' utf8-strict-mode' for --enable-feature",
        ),
        (
            &["--enable-feature=auto-gomaxprocs"],
            "unknown option 'auto-gomaxprocs' for --enable-feature",
        ),
        (
            &["--enable-feature=classic-mode,utf8-strict-mode"],
            "cannot have both classic and UTF-8 modes enabled",
        ),
        (
            &[
                "--enable-feature=auto-gomemlimit",
                "--auto-gomemlimit.ratio=NaN",
            ],
            "--auto-gomemlimit.ratio must be greater than 0 and less than or equal to 1.",
        ),
        (
            &["--enable-feature=event-recorder"],
            "--enable-feature=event-recorder is not part of this version: leave it out",
        ),
        (
            &["--cluster.peer=a:9094"],
            "--cluster.peer is not part of this version: there is no cluster yet; switch it off with --cluster.listen-address=",
        ),
        (
            &["--cluster.listen-address=:9094"],
            "--cluster.listen-address is not part of this version: there is no cluster yet; switch it off with --cluster.listen-address=",
        ),
        (
            &["--cluster.settle-timeout=0"],
            "--cluster.settle-timeout is not part of this version: there is no cluster yet; switch it off with --cluster.listen-address=",
        ),
        (
            &["--web.systemd-socket"],
            "--web.systemd-socket is not part of this version: use --web.listen-address",
        ),
        (
            &["--web.listen-address=vsock://:90"],
            "alertmanager/app: listen \"vsock://:90\": vsock is not part of this version",
        ),
        (
            &["--web.listen-address=9093"],
            "alertmanager/app: listen \"9093\": listen tcp: address 9093: missing port in address",
        ),
        (
            &["--web.external-url=ftp://x"],
            "failed to determine external URL: \"ftp://x\": invalid \"ftp\" scheme, only 'http' and 'https' are supported",
        ),
        (&["--auto-gomemlimit.ratio=7"], "none"),
        (&["--cluster.listen-address=", "--cluster.peer=a"], "none"),
        (
            &["--alerts.gc-interval=0s"],
            "alertmanager/app: Options.AlertGCInterval must be positive",
        ),
    ];
    let seen = cases.map(|(words, _)| options(words).err().unwrap_or("none".to_owned()));
    assert_eq!(seen, cases.map(|(_, expected)| expected.to_owned()));
}

#[test]
fn what_is_taken_and_has_no_effect_is_told() {
    let options = options(&[
        "--cluster.listen-address=",
        "--data.maintenance-interval=15m",
        "--alerts.gc-interval=1m",
        "--dispatch.maintenance-interval=1m",
    ]);
    assert_eq!(
        options.expect("they are taken").notes,
        [
            Note(
                "--alerts.gc-interval has no effect: alerts that are over are dropped at times of their own"
            ),
            Note(
                "--dispatch.maintenance-interval has no effect: empty groups are dropped at times of their own"
            ),
        ]
    );
}

#[test]
fn own_flags_name_the_way_out() {
    assert_eq!(
        [
            seen(&["--wal.repair=salvage"]),
            seen(&["--wal.sync=never"]),
            seen(&["--wal.repair=x"])
        ],
        [
            "E: --wal.repair=salvage is not done while starting: run `tocsin wal repair salvage` on the data directory",
            "E: --wal.sync=never is not part of this version: only `always` is",
            "E: unrecognized value for --wal.repair: x (tail or none)",
        ]
    );
}
