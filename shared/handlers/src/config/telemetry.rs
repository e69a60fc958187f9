//! `[telemetry]`: where the one-machine stage exports traces and metrics to.

use handover_core::secret::Secret;
use handover_ringcx::base_url;
use http::{HeaderName, HeaderValue};
use url::Url;

use super::Lookup;
use super::section::{SecretOf, Section};

/// The variable that every OpenTelemetry program understands.
const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";

/// An OpenTelemetry collector.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// Its address for OTLP over HTTP, without `/v1/…`.
    pub endpoint: Url,
    /// Sent along with every request.
    pub headers: Vec<(String, Secret)>,
    pub service_name: String,
}

/// `None`: nothing is exported, or something is wrong with the section. `environment`: whether the variable counts.
pub(super) fn read(root: &mut Section<'_>, environment: Option<&dyn Lookup>) -> Option<Telemetry> {
    let is_there = root.has("telemetry");
    let mut section = root.below("telemetry");
    let variable = environment.and_then(|environment| environment.env(ENDPOINT));
    let set = section.optional_text("otlp_endpoint");
    let text = set.or(variable.filter(|value| !value.trim().is_empty()));
    let headers = headers(section.below("headers"));
    let service_name = section.optional_text("service_name");
    if text.is_none() && is_there && environment.is_some() && !section.has_errors() {
        section.error(
            "otlp_endpoint",
            "is missing, and OTEL_EXPORTER_OTLP_ENDPOINT is not set",
        );
    }
    let endpoint = text.and_then(|text| endpoint(&mut section, &text, !headers.is_empty()));
    section.finish();
    Some(Telemetry {
        endpoint: endpoint?,
        headers,
        service_name: service_name.unwrap_or_else(|| "engage-handover".to_owned()),
    })
}

/// Traces hold ids only, so a collector in a private network needs no TLS; headers are mostly keys.
fn endpoint(section: &mut Section<'_>, text: &str, has_headers: bool) -> Option<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .filter(|url| url.username().is_empty() && url.password().is_none() && url.query().is_none());
    let Some(url) = url else {
        section.error("otlp_endpoint", "is not a URL such as http://127.0.0.1:4318");
        return None;
    };
    if has_headers && base_url::check_scheme(&url).is_err() {
        section.error(
            "otlp_endpoint",
            "needs https:// because there are headers, which may be secrets",
        );
        return None;
    }
    Some(url)
}

fn headers(mut section: Section<'_>) -> Vec<(String, Secret)> {
    let mut headers = Vec::new();
    for name in section.keys() {
        let is_name = HeaderName::from_bytes(name.as_bytes()).is_ok();
        let Some(value) = section.secret(&name, SecretOf::Vendor) else {
            continue;
        };
        if is_name && HeaderValue::from_str(value.expose()).is_ok() {
            headers.push((name, value));
        } else {
            section.error("(one of them)", "is not a header's name and value");
        }
    }
    section.finish();
    headers
}
