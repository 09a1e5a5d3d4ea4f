//! Commands that ask a server: the real one, under the name of Alertmanager.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Run, amtool, run};

/// How long the server has to be ready on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

const CONFIG: &str = "\
route:
  receiver: def
  routes:
    - receiver: db
      matchers: [service=~\"mysql|cassandra\", x!=\"y\"]
      continue: true
      routes:
        - receiver: db-pager
          matchers: [severity=\"critical\"]
    - receiver: team-DB
      matchers: [service=database]
receivers:
  - name: def
  - name: db
  - name: db-pager
  - name: team-DB
";

/// A server that ends with its handle.
struct Server {
    child: Child,
    address: String,
    _dir: tempfile::TempDir,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Server {
    fn start() -> Self {
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("am.yml"), CONFIG).unwrap();
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let child = Command::new(env!("CARGO_BIN_EXE_tocsin"))
            .arg0("alertmanager")
            .args(["--config.file=am.yml", "--storage.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .current_dir(dir.path())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            child,
            address,
            _dir: dir,
        };
        let deadline = Instant::now() + PATIENCE;
        while !server.is_ready() {
            assert!(Instant::now() < deadline, "the server is not ready");
            std::thread::sleep(Duration::from_millis(20));
        }
        server
    }

    fn is_ready(&self) -> bool {
        let Ok(mut stream) = TcpStream::connect(&self.address) else {
            return false;
        };
        let asked = b"GET /-/ready HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
        let mut answer = String::new();
        stream.write_all(asked).is_ok()
            && stream.read_to_string(&mut answer).is_ok()
            && answer.starts_with("HTTP/1.1 200")
    }

    fn url(&self) -> String {
        format!("--alertmanager.url=http://{}", self.address)
    }

    /// Runs `amtool` against it.
    fn amtool(&self, args: &[&str]) -> Run {
        self.amtool_with(&[], args, None)
    }

    fn amtool_with(&self, files: &[(&str, &str)], args: &[&str], stdin: Option<&str>) -> Run {
        let url = self.url();
        let mut all = vec![url.as_str()];
        all.extend(args);
        amtool(files, &all, stdin)
    }
}

#[test]
fn the_running_configuration_is_shown_and_its_routes_are_tried() {
    let server = Server::start();
    let (shown, err, code) = server.amtool(&["config", "show"]);
    let (with_version, ..) = server.amtool(&["-o", "extended", "config"]);
    let keys: Vec<&str> = with_version
        .strip_prefix(&shown)
        .unwrap_or_default()
        .lines()
        .map(|line| line.split(' ').next().unwrap_or_default())
        .collect();
    let (json, ..) = server.amtool(&["-o", "json", "config"]);
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    let original = format!("{}\n", json["config"]["original"].as_str().unwrap());
    // The parts that would not be there if it were anything else.
    let has_routes = shown.contains("receiver: team-DB") && shown.starts_with("global:\n");
    let labels = ["service=mysql", "severity=critical"];
    let test = |more: &[&str]| {
        server.amtool(&[&["config", "routes", "test"], more, labels.as_slice()].concat())
    };
    let warning = "WARNING: Expected receivers did not match resolved receivers.\n";
    assert_eq!(
        (
            (err, code, has_routes, original == shown, keys),
            [
                server.amtool(&["config", "routes"]),
                test(&[]),
                test(&["--tree"]),
                test(&["--verify.receivers=db"]),
                test(&["--verify.receivers=db-pager"]),
            ]
        ),
        (
            (
                String::new(),
                0,
                true,
                true,
                vec![
                    "buildUser",
                    "goVersion",
                    "revision",
                    "version",
                    "branch",
                    "buildDate",
                    "uptime"
                ]
            ),
            [
                run(
                    "\
Routing tree:
.
└── default-route  receiver: def
    ├── {service=~\"mysql|cassandra\",x!=\"y\"}  continue: true  receiver: db
    │   └── {severity=\"critical\"}  receiver: db-pager
    └── {service=\"database\"}  receiver: team-DB

",
                    "",
                    0
                ),
                run("db-pager\n", "", 0),
                run(
                    "\
Matching routes:
.
└── default-route
    └── {service=~\"mysql|cassandra\",x!=\"y\"}
        └── {severity=\"critical\"}  receiver: db-pager


db-pager
",
                    "",
                    0
                ),
                run(&format!("db-pager\n{warning}"), "", 1),
                run("db-pager\n", "", 0),
            ]
        )
    );
}

#[test]
fn alerts_are_added_and_found() {
    let server = Server::start();
    let add = |args: &[&str]| server.amtool(&[&["alert", "add"], args].concat());
    let query = |args: &[&str]| server.amtool(args);
    let times = ["--start=2030-01-01T00:00:00Z", "--end=2030-01-01T01:00:00Z"];
    let summary = "--annotation=summary=hello world";
    let source = "--generator-url=http://source/";
    assert_eq!(
        [
            add(&[&["foo", "node=bar", summary, source], times.as_slice()].concat()),
            add(&["a!=b"]),
            add(&[]),
            query(&["alert"]),
            query(&["alert", "foo"]),
            query(&["alert", "query", "node=other"]),
            query(&["-o", "extended", "alert", "query", "node=bar"]),
            query(&["alert", "query", "-s"]),
            query(&["alert", "query", "a=b", "c=~("]),
        ],
        [
            run("", "", 0),
            run(
                "",
                "amtool: error: labels must be specified as key=value pairs\n\n",
                1
            ),
            run(
                "",
                "amtool: error: [POST /alerts][400] postAlertsBadRequest \"at least one label pair required\"\n\n",
                1
            ),
            run(
                "\
Alertname  Starts At                Summary      State   
foo        2030-01-01 00:00:00 UTC  hello world  active  
",
                "",
                0
            ),
            run(
                "\
Alertname  Starts At                Summary      State   
foo        2030-01-01 00:00:00 UTC  hello world  active  
",
                "",
                0
            ),
            run("Alertname  Starts At  Summary  State  \n", "", 0),
            run(
                "\
Labels                      Annotations            Starts At                Ends At                  Generator URL   State   
alertname=\"foo\" node=\"bar\"  summary=\"hello world\"  2030-01-01 00:00:00 UTC  2030-01-01 01:00:00 UTC  http://source/  active  
",
                "",
                0
            ),
            run("Alertname  Starts At  Summary  State  \n", "", 0),
            run(
                "",
                "amtool: error: [GET /alerts][400] getAlertsBadRequest \"error parsing regexp: missing closing ): `^(?:()$`\"\n\n",
                1
            ),
        ]
    );
}

#[test]
fn silences_are_made_changed_ended_and_imported() {
    let server = Server::start();
    let silence = |args: &[&str]| server.amtool(&[&["silence"], args].concat());
    let end = "--end=2035-01-01T00:00:00Z";
    let (id, ..) = silence(&[
        "add",
        "-a",
        "me",
        "-c",
        "my comment",
        end,
        "foo",
        "node=bar",
    ]);
    let id = id.trim();
    let table = |id: &str, comment: &str, end: &str| {
        let pad = " ".repeat(comment.len().saturating_sub("Comment".len()) + 2);
        let text = format!(
            "\
ID                                    Matchers                    Ends At                  Created By  Comment{pad}
{id}  alertname=\"foo\" node=\"bar\"  {end}  me          {comment}  
"
        );
        run(&text, "", 0)
    };
    let first = silence(&[]);
    let (updated, ..) = silence(&["update", "-c", "another", "--end=2036-01-01T00:00:00Z", id]);
    let (exported, ..) = server.amtool(&["-o", "json", "silence", "query"]);
    let ended = silence(&["expire", id]);
    let left = silence(&["query", "-q"]);
    let (imported, ..) =
        server.amtool_with(&[("in", &exported)], &["silence", "import", "in"], None);
    let new_id = imported.trim();
    assert_eq!(
        (
            first,
            run(&updated, "", 0),
            ended,
            left,
            silence(&["query"]),
            new_id != id,
            [
                silence(&["add", "-c", "x"]),
                silence(&["add", "a=b"]),
                silence(&["add", "-c", "x", "-d", "1x", "a=b"]),
                silence(&["expire"]),
                silence(&["expire", "8188b168-1332-4398-83a5-a9df6b2a2a92"]),
                server.amtool_with(&[], &["silence", "import"], Some("{}")),
            ]
        ),
        (
            table(id, "my comment", "2035-01-01 00:00:00 UTC"),
            table(id, "another", "2036-01-01 00:00:00 UTC"),
            run("", "", 0),
            run("", "", 0),
            table(new_id, "another", "2036-01-01 00:00:00 UTC"),
            true,
            [
                run("", "amtool: error: no matchers specified\n\n", 1),
                run("", "amtool: error: comment required by config\n\n", 1),
                run(
                    "",
                    "amtool: error: unknown unit \"x\" in duration \"1x\"\n\n",
                    1
                ),
                run("", "amtool: error: no silence IDs specified\n\n", 1),
                run(
                    "",
                    "amtool: error: [DELETE /silence/{silenceID}][404] deleteSilenceNotFound\n\n",
                    1
                ),
                run("", "", 0),
            ]
        )
    );
}

#[test]
fn the_cluster_the_users_file_and_http_config_are_heeded() {
    let server = Server::start();
    let file = format!(
        "alertmanager.url: http://{}\nauthor: filed\nrequire-comment: 'false'\n",
        server.address
    );
    let files = [
        (".config/amtool/config.yml", file.as_str()),
        ("http.yml", "basic_auth: {username: a, password: b}\n"),
        ("bad.yml", "basic_auth: {user: a}\n"),
    ];
    let told = |args: &[&str]| amtool(&files, args, None);
    let with_user = "--alertmanager.url=http://u:p@127.0.0.1:1";
    let (id, ..) = told(&["silence", "add", "a=b"]);
    let (silences, ..) = told(&["-o", "json", "silence", "query"]);
    let silences: serde_json::Value = serde_json::from_str(&silences).unwrap();
    assert_eq!(
        (
            [
                told(&["cluster", "show"]),
                told(&["-o", "json", "cluster"]),
                told(&["-o", "extended", "cluster"]),
                told(&["--http.config.file=http.yml", "silence", "query", "-q"]),
                told(&["--http.config.file=bad.yml", "cluster"]),
                told(&["--http.config.file=http.yml", with_user, "cluster"]),
                told(&["--timeout=x", "cluster"]),
            ],
            silences[0]["createdBy"].as_str()
        ),
        (
            [
                run("Cluster Status:  disabled\nNode Name:       \n", "", 0),
                run("{\"peers\":[],\"status\":\"disabled\"}\n", "", 0),
                run(
                    "Cluster Status:  disabled\nNode Name:       \n\nAddress  Name\n",
                    "",
                    0
                ),
                run(&id, "", 0),
                run(
                    "",
                    "amtool: error: failed to load HTTP config file: yaml: unmarshal errors:\n  line 1: field user not found in type config.plain\n",
                    1
                ),
                run(
                    "",
                    "amtool: error: basic authentication and http.config.file are mutually exclusive\n",
                    1
                ),
                run("", "amtool: error: time: invalid duration \"x\"\n\n", 1),
            ],
            Some("filed")
        )
    );
}
