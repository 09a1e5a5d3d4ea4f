//! Configuration files: paths, hashes, and what cannot be read.

use std::path::Path;

use tocsin::config::{Config, Options, load_file};
use tocsin::sys::MemoryFiles;

const TEXT: &str = "
global:
  http_config: {tls_config: {ca_file: g_ca}}
  opsgenie_api_key_file: g_key
route: {receiver: r}
receivers:
- name: r
  webhook_configs:
  - url_file: u
  - url_file: u
    http_config:
      basic_auth: {username: u, password_file: ../p}
      http_headers: {X: {files: [h, /abs/h]}}
  opsgenie_configs:
  - {}
  incidentio_configs:
  - url_file: i
    http_config: {authorization: {credentials_file: c}}
templates: ['*.tmpl', ../t/*.tmpl, /abs/*.tmpl]
event_recorder: {file_outputs: [{path: e}]}
";

fn config(path: &str) -> Config {
    let files = MemoryFiles::new([(path, TEXT)]);
    let loaded = load_file(&files, Path::new(path), &Options::default());
    loaded.expect("the file is sound").config
}

#[test]
fn relative_paths_are_joined_once_to_the_directory_of_the_file_and_some_are_left() {
    let rendered = config("conf/am.yml").rendered();
    let paths: Vec<&str> = rendered
        .lines()
        .map(str::trim)
        .filter(|line| {
            line.contains("_file: ")
                || line.contains("path: ")
                || line.contains("tmpl")
                || line.ends_with("/h")
        })
        .collect();
    assert_eq!(
        paths,
        [
            "ca_file: conf/g_ca",
            "opsgenie_api_key_file: g_key",
            // incident.io: Alertmanager leaves it to the working directory.
            "credentials_file: c",
            "url_file: i",
            "ca_file: conf/g_ca",
            "url_file: u",
            "password_file: p",
            "- conf/h",
            "- /abs/h",
            "url_file: u",
            "ca_file: conf/g_ca",
            "api_key_file: g_key",
            "- conf/*.tmpl",
            "- t/*.tmpl",
            "- /abs/*.tmpl",
            "- path: conf/e",
        ]
    );
}

#[test]
fn the_hash_is_that_of_the_text_wherever_the_file_lies() {
    let hashes = ["am.yml", "/etc/am.yml"].map(|path| config(path).hash());
    assert_eq!(hashes[0], hashes[1]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let error = load_file(
        &MemoryFiles::default(),
        Path::new("conf/am.yml"),
        &Options::default(),
    );
    assert_eq!(
        error.map(|_| ()).map_err(|error| error.to_string()),
        Err("open conf/am.yml: no such file or directory".to_owned())
    );
}
