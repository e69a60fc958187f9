//! The operator page: one document, with its style and its scripts, part of the binary.
//!
//! It holds nothing secret and is given to anybody; what it shows it asks for with the operator's key. Its policy lets it
//! run its own scripts, by their hash, and talk to its own origin, and nothing else.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use handover_handlers::respond::{self, Answer};
use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS};
use http::{HeaderValue, StatusCode};
use sha2::{Digest as _, Sha256};

const HTML: &str = include_str!("operator/page.html");
const STYLE: &str = include_str!("operator/page.css");
const SCRIPTS: [&str; 2] = [
    include_str!("operator/plots.js"),
    include_str!("operator/page.js"),
];

struct Page {
    html: Bytes,
    policy: HeaderValue,
}

static PAGE: LazyLock<Page> = LazyLock::new(|| {
    let scripts = SCRIPTS
        .map(|script| format!("<script>{script}</script>\n"))
        .concat();
    let html = HTML.replace("{{style}}", STYLE).replace("{{scripts}}", &scripts);
    let policy = format!(
        "default-src 'none'; script-src {}; style-src {}; connect-src 'self'; base-uri 'none'; \
         form-action 'none'; frame-ancestors 'none'",
        SCRIPTS.map(hash).join(" "),
        hash(STYLE)
    );
    Page {
        html: Bytes::from(html),
        policy: HeaderValue::try_from(policy).unwrap_or(HeaderValue::from_static("default-src 'none'")),
    }
});

/// A source of the Content Security Policy (CSP level 3, "hash-source").
fn hash(text: &str) -> String {
    format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)))
}

pub(crate) fn page() -> Answer {
    let mut answer = respond::raw(StatusCode::OK, "text/html; charset=utf-8", PAGE.html.clone());
    let headers = answer.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, PAGE.policy.clone());
    for (name, value) in [
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (REFERRER_POLICY, "no-referrer"),
        (CACHE_CONTROL, "no-cache"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    answer
}
