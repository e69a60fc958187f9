//! `[telemetry]`: what is exported, and where to.

use std::collections::HashMap;

use handover_handlers::config::{Lookup, Telemetry, read};

use crate::samples::LEAST;

struct Machine(HashMap<&'static str, &'static str>);

impl Lookup for Machine {
    fn env(&self, name: &str) -> Option<String> {
        self.0.get(name).map(|value| (*value).to_owned())
    }

    fn file(&self, _: &str) -> Result<String, std::io::Error> {
        Err(std::io::ErrorKind::NotFound.into())
    }
}

fn telemetry(
    section: &str,
    environment: &[(&'static str, &'static str)],
) -> Result<Option<Telemetry>, Vec<String>> {
    let machine = Machine(environment.iter().copied().collect());
    let read = read(&format!("{section}\n{LEAST}"), &machine);
    read.map(|read| read.telemetry).map_err(|error| error.0)
}

#[test]
fn nothing_is_exported_unless_somebody_says_where_to() {
    assert!(telemetry("", &[]).unwrap().is_none());
    let variable = [("OTEL_EXPORTER_OTLP_ENDPOINT", "http://collector:4318")];
    let found = telemetry("", &variable).unwrap().unwrap();
    assert_eq!(
        (
            found.endpoint.as_str(),
            found.service_name.as_str(),
            found.headers.len()
        ),
        ("http://collector:4318/", "engage-handover", 0)
    );
    let section = "[telemetry]\notlp_endpoint = \"https://otel.example.org/x\"\nservice_name = \"bridge\"\n
        headers = { authorization = \"env:OTEL_KEY\" }";
    let both = [variable[0], ("OTEL_KEY", "Bearer 0123")];
    let found = telemetry(section, &both).unwrap().unwrap();
    assert_eq!(
        (found.endpoint.as_str(), found.service_name.as_str()),
        ("https://otel.example.org/x", "bridge"),
        "the file counts more than the variable"
    );
    assert_eq!(found.headers[0].0, "authorization");
    assert_eq!(found.headers[0].1.expose(), "Bearer 0123");
}

#[test]
fn what_is_wrong_is_said() {
    for (section, said) in [
        (
            "[telemetry]\nservice_name = \"x\"",
            "telemetry.otlp_endpoint is missing",
        ),
        (
            "[telemetry]\notlp_endpoint = \"localhost:4318\"",
            "telemetry.otlp_endpoint is not a URL",
        ),
        (
            "[telemetry]\notlp_endpoint = \"http://u:p@localhost/\"",
            "telemetry.otlp_endpoint is not a URL",
        ),
        (
            "[telemetry]\notlp_endpoint = \"http://a/\"\ncolour = 1",
            "telemetry.colour is not a known setting",
        ),
        ("telemetry = 7", "telemetry is not a section"),
        (
            "[telemetry]\notlp_endpoint = \"http://collector:4318\"\nheaders = { key = \"s3cret\" }",
            "telemetry.otlp_endpoint needs https://",
        ),
        (
            "[telemetry]\notlp_endpoint = \"https://a/\"\nheaders = { \"a b\" = \"s3cret\" }",
            "telemetry.headers.(one of them) is not a header",
        ),
    ] {
        let errors = telemetry(section, &[]).unwrap_err();
        assert!(
            errors.len() == 1 && errors[0].starts_with(said),
            "{section}: {errors:?}"
        );
        assert!(!errors[0].contains("s3cret"));
    }
    assert_eq!(
        telemetry("", &[("OTEL_EXPORTER_OTLP_ENDPOINT", "nonsense")])
            .unwrap_err()
            .len(),
        1
    );
}
