//! A bot that knows the bridge by its document only.

use bytes::Bytes;
use handover_core::secret::Secret;
use handover_ringcx::signature;
use http::Request;
use serde_json::{Value, json};

use crate::host::{BOT_KEY, Host, WEBHOOK_SECRET};
use crate::schemas::{assert_valid, closed_document, resolve};

/// A bot that reads the document and checks every answer against it.
pub(crate) struct Bot {
    pub(crate) host: Host,
    pub(crate) document: Value,
    pub(crate) key: &'static str,
}

impl Bot {
    pub(crate) fn start() -> Self {
        Self {
            host: Host::start(),
            document: closed_document(),
            key: BOT_KEY,
        }
    }

    /// Calls as described under `path`, with `id` for the conversation. The answer must have the status, and
    /// the content type and form that the document has for it.
    #[track_caller]
    pub(crate) fn call<'a>(
        &'a self,
        what: &'a str,
        id: &'a str,
        body: impl Into<Bytes>,
        status: u16,
    ) -> impl Future<Output = Value> + 'a {
        let body = body.into();
        async move {
            let (method, path) = what.split_once(' ').expect("method and path");
            let uri = path.replace("{connection}", "on").replace("{id}", id);
            let uri = uri.replace("{letter}", "17");
            let request = Request::builder()
                .method(method)
                .uri(&uri)
                .header("authorization", format!("Bearer {}", self.key))
                .body(body)
                .expect("a request");
            let answer = self.host.answer(request).await;
            let text = String::from_utf8_lossy(answer.body()).into_owned();
            assert_eq!(answer.status(), status, "{what}: {text}");
            let described =
                &self.document["paths"][path][method.to_lowercase()]["responses"][status.to_string()];
            let described = resolve(&self.document, described);
            let content_type = answer.headers()["content-type"].to_str().expect("a content type");
            let schema = &described["content"][content_type]["schema"];
            assert!(
                schema.is_object(),
                "{what}: {status} {content_type} is not described"
            );
            for header in described["headers"]
                .as_object()
                .into_iter()
                .flat_map(|headers| headers.keys())
            {
                assert!(
                    answer.headers().contains_key(header),
                    "{what}: {status} without {header}"
                );
            }
            let value = serde_json::from_str(&text).expect("JSON");
            assert_valid(&self.document, schema, &value, what);
            value
        }
    }

    pub(crate) async fn ringcx_calls(&self, body: Value) {
        let body = body.to_string();
        let request = Request::post("/on/handover/rce/source")
            .header(
                signature::SIGNATURE_HEADER,
                signature::sign(&Secret::new("source-token"), body.as_bytes()),
            )
            .body(Bytes::from(body))
            .expect("a request");
        assert_eq!(self.host.answer(request).await.status(), 200);
        self.host.work().await;
    }

    pub(crate) async fn ringcx_reports(&self, event: &str, more: Value) {
        let mut metadata = json!({"source_id": "source-1", "thread_id": "t-1"});
        metadata
            .as_object_mut()
            .expect("an object")
            .extend(more.as_object().expect("an object").clone());
        let event = json!({"type": event, "id": format!("e-{event}"), "issued_at": "2026-11-20T10:00:00.5Z",
            "resource": {"type": "intervention", "id": "i-1", "metadata": metadata}});
        let request = Request::post("/on/handover/rce/webhook")
            .header("x-dimelo-secret", WEBHOOK_SECRET)
            .body(Bytes::from(json!({"id": "d-1", "events": [event]}).to_string()))
            .expect("a request");
        assert_eq!(self.host.answer(request).await.status(), 200);
        self.host.work().await;
    }
}

pub(crate) const MESSAGES: &str = "POST /{connection}/conversations/{id}/messages";
pub(crate) const HANDOVER: &str = "POST /{connection}/conversations/{id}/handover";
pub(crate) const CANCEL: &str = "DELETE /{connection}/conversations/{id}/handover";
pub(crate) const SHOW: &str = "GET /{connection}/conversations/{id}";
pub(crate) const TIMELINE: &str = "GET /{connection}/conversations/{id}/timeline";
pub(crate) const TYPING: &str = "POST /{connection}/conversations/{id}/typing";
pub(crate) const READ: &str = "POST /{connection}/conversations/{id}/read";
pub(crate) const AVAILABILITY: &str = "GET /{connection}/availability";
pub(crate) const FILES: &str = "POST /{connection}/conversations/{id}/files";

pub(crate) const HELLO: &str = r#"{"id": "m-1", "from": "user", "text": "Hello"}"#;
