//! URL to handler.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use handover_core::ids::{CONVERSATION_ID_MAX_CHARS, ConnectionId, ConversationId};
use handover_core::settings::Connection;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::json;

use crate::respond::{self, Answer, Problem};
use crate::{App, bot_api, chatlayer, cognigy, files, openapi, operator, rce, source_sdk, webhook_intake};

/// Largest body that RCE's calls may have, in bytes.
pub const RCE_BODY_LIMIT: usize = 5 * 1024 * 1024;
/// Largest body of the bot API, in bytes.
pub const BOT_API_BODY_LIMIT: usize = 1024 * 1024;

/// Largest file of an upload, in bytes: base64 makes it 5.3 MiB, and a Lambda function takes 6 MB.
pub const FILE_UPLOAD_LIMIT: usize = 4 * 1024 * 1024;

/// A listener puts this into a request whose body it stopped reading at [`RCE_BODY_LIMIT`].
#[derive(Clone, Copy, Debug)]
pub struct BodyTooLarge;

/// Every address below `/{connection}`, for the router's test and the API's description.
pub const ROUTES: &[(&str, &str)] = &[
    ("GET", "/handover/rce"),
    ("POST", "/handover/rce"),
    ("POST", "/handover/rce/source"),
    ("GET", "/handover/rce/webhook"),
    ("POST", "/handover/rce/webhook"),
    ("POST", "/handover/cognigy"),
    ("GET", "/handover/chatlayer"),
    ("POST", "/handover/chatlayer"),
    ("POST", "/handover/cognigy/outputs"),
    ("POST", "/handover/chatlayer/messages"),
    ("POST", "/conversations/{id}/messages"),
    ("POST", "/conversations/{id}/handover"),
    ("DELETE", "/conversations/{id}/handover"),
    ("GET", "/conversations/{id}"),
    ("GET", "/conversations/{id}/timeline"),
    ("POST", "/conversations/{id}/typing"),
    ("POST", "/conversations/{id}/read"),
    ("GET", "/availability"),
    ("POST", "/conversations/{id}/files"),
    ("GET", "/files/{key}/{filename}"),
    ("GET", "/operator/status"),
    ("GET", "/operator/conversations"),
    ("POST", "/operator/conversations/{id}/release"),
    ("GET", "/operator/dead-letters"),
    ("POST", "/operator/dead-letters/{letter}/replay"),
    ("DELETE", "/operator/dead-letters/{letter}"),
    ("GET", "/operator/doctor"),
    ("POST", "/operator/doctor"),
    ("GET", "/operator/drain"),
    ("POST", "/operator/drain"),
    ("DELETE", "/operator/drain"),
];

/// A request whose connection is known. Not yet authenticated.
pub struct Call {
    pub connection: Arc<Connection>,
    pub request: Request<Bytes>,
}

impl Call {
    pub fn header(&self, name: &str) -> Option<&[u8]> {
        self.request.headers().get(name).map(HeaderValue::as_bytes)
    }

    pub fn query(&self) -> Option<&str> {
        self.request.uri().query()
    }

    pub fn body(&self) -> &Bytes {
        self.request.body()
    }

    pub fn exceeds(&self, limit: usize) -> bool {
        self.request.extensions().get::<BodyTooLarge>().is_some() || self.body().len() > limit
    }
}

/// Answers any request.
pub async fn handle(app: &App, mut request: Request<Bytes>) -> Answer {
    join_repeated(request.headers_mut());
    dispatch(app, request).await.unwrap_or_else(Problem::into_answer)
}

/// A header that comes several times is one with all values in a list (RFC 9110, 5.3), as API Gateway has it: so nobody before us
/// can have looked at another one of two credentials, and a list is no credential.
fn join_repeated(headers: &mut HeaderMap) {
    let repeated: Vec<HeaderName> = headers
        .keys()
        .filter(|name| headers.get_all(*name).iter().nth(1).is_some())
        .cloned()
        .collect();
    for name in repeated {
        let values: Vec<&[u8]> = headers.get_all(&name).iter().map(HeaderValue::as_bytes).collect();
        match HeaderValue::from_bytes(&values.join(&b", "[..])) {
            Ok(joined) => headers.insert(name, joined),
            Err(_) => headers.remove(name),
        };
    }
}

async fn dispatch(app: &App, request: Request<Bytes>) -> Result<Answer, Problem> {
    let path = request.uri().path().to_owned();
    let segments = segments(&path)?;
    let segments: Vec<&str> = segments.iter().map(AsRef::as_ref).collect();
    let method = request.method().clone();
    match segments.as_slice() {
        ["health"] => return only(&method, "GET", || respond::json(StatusCode::OK, &health())),
        ["openapi.json"] => {
            return only(&method, "GET", || {
                respond::raw(StatusCode::OK, "application/json", openapi::DOCUMENT)
            });
        }
        _ => {}
    }
    let Some((connection, rest)) = segments.split_first() else {
        return Err(Problem::UnknownRoute);
    };
    let connection = app
        .connections
        .get(&ConnectionId::from(*connection))
        .await
        .map_err(|error| {
            tracing::error!(error = &error as &dyn std::error::Error, "settings unavailable");
            Problem::Unavailable
        })?;
    let call = Call {
        connection: connection.ok_or(Problem::UnknownConnection)?,
        request,
    };
    match (rest, method.as_str()) {
        (["handover", "rce"] | ["handover", "rce", "webhook"], "GET") => {
            Ok(webhook_intake::validate(app, &call).await)
        }
        (["handover", "rce"], "POST") => Ok(rce::handle(app, call).await),
        (["handover", "rce", "source"], "POST") => Ok(source_sdk::handle(app, call).await),
        (["handover", "rce", "webhook"], "POST") => Ok(webhook_intake::handle(app, call).await),
        (["handover", "rce"] | ["handover", "rce", "webhook"], _) => {
            Err(Problem::MethodNotAllowed("GET, POST"))
        }
        (["handover", "cognigy"], "POST") => cognigy::handle(app, &call).await,
        (["handover", "chatlayer"], "GET") => chatlayer::check(&call),
        (["handover", "chatlayer"], "POST") => Box::pin(chatlayer::receive(app, &call)).await,
        (["handover", "chatlayer"], _) => Err(Problem::MethodNotAllowed("GET, POST")),
        (["handover", "cognigy", "outputs"], "POST") => Box::pin(cognigy::outputs::take(app, &call)).await,
        (["handover", "chatlayer", "messages"], "POST") => {
            Box::pin(chatlayer::channel::take(app, &call)).await
        }
        (
            ["handover", "rce", "source"]
            | ["handover", "cognigy"]
            | ["handover", "cognigy", "outputs"]
            | ["handover", "chatlayer", "messages"],
            _,
        ) => Err(Problem::MethodNotAllowed("POST")),
        (["availability"], "GET") => bot_api::availability(app, &call).await,
        (["files", key, _], "GET") => files::serve(app, &call, key).await,
        (["availability"] | ["files", _, _], _) => Err(Problem::MethodNotAllowed("GET")),
        (["operator", what @ ..], method) => Box::pin(operator::handle(app, &call, what, method)).await,
        (["conversations", id, what @ ..], method) => {
            bot_api::authenticate_reader(&call)?;
            let id = conversation_id(id)?;
            match (what, method) {
                ([], "GET") => bot_api::conversation::show(app, &call, &id).await,
                (["timeline"], "GET") => bot_api::conversation::timeline(app, &call, &id).await,
                (["messages"], "POST") => bot_api::messages::post(app, &call, &id).await,
                (["handover"], "POST") => bot_api::handover::request(app, &call, &id).await,
                (["handover"], "DELETE") => bot_api::handover::cancel(app, &call, &id).await,
                (["typing"], "POST") => bot_api::presence::typing(app, &call, &id).await,
                (["read"], "POST") => bot_api::presence::read(app, &call, &id).await,
                (["files"], "POST") => bot_api::files::upload(app, &call, &id).await,
                ([] | ["timeline"], _) => Err(Problem::MethodNotAllowed("GET")),
                (["messages" | "typing" | "read" | "files"], _) => Err(Problem::MethodNotAllowed("POST")),
                (["handover"], _) => Err(Problem::MethodNotAllowed("POST, DELETE")),
                _ => Err(Problem::UnknownRoute),
            }
        }
        _ => Err(Problem::UnknownRoute),
    }
}

/// Path segments, each percent-decoded on its own: an id may contain an encoded slash.
fn segments(path: &str) -> Result<Vec<Cow<'_, str>>, Problem> {
    let path = path.strip_prefix('/').unwrap_or(path);
    let path = path.strip_suffix('/').unwrap_or(path);
    path.split('/')
        .map(|segment| {
            percent_decode_str(segment)
                .decode_utf8()
                .map_err(|_| Problem::UnknownRoute)
        })
        .collect()
}

pub(crate) fn conversation_id(id: &str) -> Result<ConversationId, Problem> {
    let length = id.chars().count();
    if length == 0 || length > CONVERSATION_ID_MAX_CHARS || id.chars().any(char::is_control) {
        return Err(Problem::Invalid(vec![format!(
            "the conversation id has 1 to {CONVERSATION_ID_MAX_CHARS} characters, none of them a control character"
        )]));
    }
    Ok(ConversationId::new(id))
}

fn only(method: &Method, allowed: &'static str, answer: impl FnOnce() -> Answer) -> Result<Answer, Problem> {
    if method.as_str() == allowed {
        Ok(answer())
    } else {
        Err(Problem::MethodNotAllowed(allowed))
    }
}

fn health() -> serde_json::Value {
    json!({"status": "ok", "version": env!("CARGO_PKG_VERSION")})
}
