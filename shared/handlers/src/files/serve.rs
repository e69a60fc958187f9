//! `GET /{connection}/files/{key}/{filename}`: whoever has the address may open the file.

use handover_core::files::{FileFacts, FileKey};
use handover_core::ports::OpenedFile;
use http::header::{
    CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_SECURITY_POLICY, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use percent_encoding::utf8_percent_encode;

use super::KEPT;
use crate::App;
use crate::respond::{Answer, Problem, raw};
use crate::routes::Call;

/// Answers with the file, or with where it is.
pub(crate) async fn serve(app: &App, call: &Call, key: &str) -> Result<Answer, Problem> {
    let key = FileKey::parse(key).ok_or(Problem::UnknownFile)?;
    let opened = app.files.store.open(&call.connection.id, &key, app.now()).await;
    let opened = opened.map_err(|error| {
        tracing::error!(error = &error as &dyn std::error::Error, "files unavailable");
        Problem::Unavailable
    })?;
    match opened {
        Some(OpenedFile::Here { facts, bytes }) if facts.refused.is_none() => {
            let mut answer = raw(StatusCode::OK, "application/octet-stream", bytes);
            let age = facts.expires_at.duration_since(app.now()).as_secs().max(0);
            put(&mut answer, http::header::CONTENT_TYPE, &facts.content_type);
            put(&mut answer, CONTENT_DISPOSITION, &disposition(&facts));
            put(
                &mut answer,
                CACHE_CONTROL,
                &format!("private, max-age={}", age.min(DAY)),
            );
            Ok(harmless(answer))
        }
        Some(OpenedFile::Elsewhere { link }) => {
            let mut answer = raw(StatusCode::FOUND, "text/plain", "");
            put(&mut answer, LOCATION, &link);
            // The link is short-lived, so nobody may remember this answer.
            put(&mut answer, CACHE_CONTROL, "no-store");
            Ok(harmless(answer))
        }
        Some(OpenedFile::Here { .. }) | None => Err(Problem::UnknownFile),
    }
}

/// Longest time that a browser keeps a file, in seconds.
const DAY: i64 = 86_400;

/// Nothing in a stranger's file runs, is taken for something else, or learns where it was linked.
fn harmless(mut answer: Answer) -> Answer {
    put(&mut answer, X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(
        &mut answer,
        CONTENT_SECURITY_POLICY,
        "sandbox; default-src 'none'",
    );
    put(&mut answer, REFERRER_POLICY, "no-referrer");
    answer
}

fn put(answer: &mut Answer, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        answer.headers_mut().insert(name, value);
    }
}

/// Pictures, sound and film may be shown; everything else is offered for saving (RFC 6266).
pub fn disposition(facts: &FileFacts) -> String {
    let shown = ["image/", "audio/", "video/"]
        .iter()
        .any(|kind| facts.content_type.starts_with(kind))
        && facts.content_type != "image/svg+xml";
    let how = if shown { "inline" } else { "attachment" };
    let plain: String = facts
        .filename
        .chars()
        .map(|c| {
            if c.is_ascii_graphic() && !"\"\\%".contains(c) || c == ' ' {
                c
            } else {
                '_'
            }
        })
        .collect();
    let encoded = utf8_percent_encode(&facts.filename, KEPT);
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{encoded}")
}
