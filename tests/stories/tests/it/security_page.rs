//! What the security model says is there: its files and its tests, and the access log of the AWS stage.

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The text of every Rust file that holds tests.
fn tests_below(directory: &Path, found: &mut String) {
    for entry in fs::read_dir(directory).expect("a directory") {
        let path = entry.expect("an entry").path();
        if path.is_dir() && !path.ends_with("target") {
            tests_below(&path, found);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push_str(&fs::read_to_string(&path).expect("a text"));
        }
    }
}

fn extension(name: &str) -> Option<&str> {
    Path::new(name).extension()?.to_str()
}

#[test]
fn every_file_and_every_test_that_the_security_model_names_exists() {
    let page = read("docs/security.md");
    let named: Vec<&str> = page.split('`').skip(1).step_by(2).collect();
    let mut tests = String::new();
    for directory in ["shared", "infra", "tests"] {
        tests_below(&root().join(directory), &mut tests);
    }
    let (mut files, mut functions) = (0, 0);
    for name in named {
        let is_word = name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
        if [Some("rs"), Some("py")].contains(&extension(name)) {
            assert!(root().join(name).is_file(), "{name} is not there");
            files += 1;
        } else if is_word && name.len() > 28 {
            assert!(tests.contains(&format!("fn {name}(")), "there is no test {name}");
            functions += 1;
        }
    }
    assert!(files > 15 && functions > 15, "{files} files, {functions} tests");
}

#[test]
fn the_access_log_of_the_template_shows_no_path_and_no_query() {
    let template = read("infra/template.yaml");
    let (_, settings) = template.split_once("AccessLogSettings:").expect("an access log");
    let (format, _) = settings.split_once("\n  ApiLogs:").expect("its format");
    assert!(format.contains("$context.routeKey"));
    let logged: Vec<&str> = format.split("$context.").skip(1).collect();
    for what in logged {
        let name: String = what.chars().take_while(char::is_ascii_alphanumeric).collect();
        let harmless = [
            "requestTimeEpoch",
            "requestId",
            "routeKey",
            "status",
            "responseLatency",
            "integrationLatency",
            "responseLength",
            "integrationErrorMessage",
        ];
        assert!(
            harmless.contains(&name.as_str()),
            "{name} may show a path, a query or a person"
        );
    }
    assert_eq!(template.matches("AccessLogSettings:").count(), 1);
}
