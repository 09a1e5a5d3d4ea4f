//! Paths of a configuration are relative to the directory of its file.
//!
//! Alertmanager 0.34 resolves some and leaves others to the working directory; which ones stands in
//! each block's `resolve`. It also resolves a global `http_config` once for every receiver that
//! inherits it; here each path is resolved once.

/// The directory of the configuration file.
#[derive(Debug, Clone)]
pub struct Directory(String);

impl Directory {
    /// The directory in which a file of that path lies.
    #[must_use]
    pub fn of(path: &str) -> Self {
        Self(match path.rfind('/') {
            Some(0) => "/".to_owned(),
            Some(end) => cleaned(&path[..end]),
            None => ".".to_owned(),
        })
    }

    /// Joins a path to the directory, unless it is absolute or empty.
    pub fn join(&self, path: &mut String) {
        if path.is_empty() || path.starts_with('/') {
            return;
        }
        *path = cleaned(&format!("{}/{path}", self.0));
    }
}

/// The shortest path that means the same, without asking the file system.
fn cleaned(path: &str) -> String {
    let is_absolute = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." if parts.last().is_some_and(|last| *last != "..") => {
                parts.pop();
            }
            ".." if is_absolute => {}
            part => parts.push(part),
        }
    }
    match (is_absolute, parts.is_empty()) {
        (true, _) => format!("/{}", parts.join("/")),
        (false, true) => ".".to_owned(),
        (false, false) => parts.join("/"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_joined_to_the_directory_of_the_file_and_cleaned() {
        let joined = |file: &str, path: &str| {
            let mut path = path.to_owned();
            Directory::of(file).join(&mut path);
            path
        };
        assert_eq!(
            [
                joined("am.yml", "x"),
                joined("am.yml", "../x"),
                joined("conf/am.yml", "../x/*.tmpl"),
                joined("conf/am.yml", "/etc/x"),
                joined("/etc/am/am.yml", "./t//x/../y"),
                joined("/am.yml", "../x"),
                joined("../a/am.yml", "../../x"),
                joined("am.yml", ""),
            ],
            [
                "x",
                "../x",
                "x/*.tmpl",
                "/etc/x",
                "/etc/am/t/y",
                "/x",
                "../../x",
                ""
            ]
        );
    }
}
