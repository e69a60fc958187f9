//! API Gateway request ↔ plain request.

use std::sync::Arc;

use bytes::Bytes;
use handover_handlers::{App, routes};
use http::{Request, Response, Uri};
use lambda_http::{Body, Error, RequestExt as _, service_fn};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::metrics::Emf;

/// Runs a function that answers HTTP.
pub(crate) async fn run(app: App, metrics: Arc<Emf>) -> Result<(), Error> {
    lambda_http::run(service_fn(move |request: Request<Body>| {
        let (app, metrics) = (app.clone(), Arc::clone(&metrics));
        async move {
            let answer = into_lambda(routes::handle(&app, from_lambda(request)).await);
            metrics.flush(app.now(), &mut std::io::stdout().lock());
            Ok::<_, Error>(answer)
        }
    }))
    .await
}

/// The request with its body as bytes. API Gateway's base64 is undone by the runtime; nothing else may touch
/// the body, because signatures are over its bytes.
pub fn from_lambda(mut request: Request<Body>) -> Request<Bytes> {
    if let Some(uri) = encoded_again(&request) {
        *request.uri_mut() = uri;
    }
    request.map(|body| match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    })
}

/// What a path's segment may have in it without being encoded (RFC 3986, `pchar`), and what separates segments.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~')
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b';')
    .remove(b'=')
    .remove(b':')
    .remove(b'@')
    .remove(b'/');

/// API Gateway decodes the path of an HTTP API before a function sees it. A conversation id with a space, a question
/// mark or an umlaut has to be encoded again, or what follows is lost. `None`: the path is as it was sent.
fn encoded_again(request: &Request<Body>) -> Option<Uri> {
    let path = request.extensions().raw_http_path();
    let encoded: String = utf8_percent_encode(path, KEPT).to_string();
    let decoded_before = encoded != path && !is_encoded(path);
    let uri = decoded_before.then(|| match request.uri().query() {
        Some(query) if !path.contains(['?', '#']) => format!("{encoded}?{query}"),
        _ => encoded,
    });
    uri?.parse().ok()
}

/// Whether a path could have been sent as it is: its percent signs begin an encoded byte, and nothing in it needs to
/// be encoded.
fn is_encoded(path: &str) -> bool {
    let mut rest = path;
    while let Some((before, after)) = rest.split_once('%') {
        let digits = after
            .get(..2)
            .is_some_and(|hex| hex.bytes().all(|b| b.is_ascii_hexdigit()));
        if !digits || !is_plain(before) {
            return false;
        }
        rest = &after[2..];
    }
    is_plain(rest)
}

fn is_plain(path: &str) -> bool {
    utf8_percent_encode(path, KEPT).all(|part| part == path)
}

/// The answer; text stays text, so that API Gateway sends exactly the bytes that were signed.
pub fn into_lambda(answer: Response<Bytes>) -> Response<Body> {
    answer.map(|bytes| match String::from_utf8(bytes.into()) {
        Ok(text) if text.is_empty() => Body::Empty,
        Ok(text) => Body::Text(text),
        Err(error) => Body::Binary(error.into_bytes()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn br_003_bodies_pass_unchanged_whatever_form_the_gateway_gave_them() {
        let escaped = r#"{"body":"\u00e9 <é> \/"}"#;
        for body in [Body::from(escaped), Body::from(escaped.as_bytes().to_vec())] {
            assert_eq!(from_lambda(Request::new(body)).body(), escaped.as_bytes());
        }
        let event = r#"{"version":"2.0","routeKey":"$default","rawPath":"/default/handover/rce","rawQueryString":"",
                "headers":{"host":"h","x-smccsdk-signature":"ab"},"isBase64Encoded":true,
                "body":"eyJhIjoiw6kifQ==",
                "requestContext":{"http":{"method":"POST","path":"/default/handover/rce","protocol":"HTTP/1.1",
                "sourceIp":"127.0.0.1","userAgent":"t"},"stage":"$default","timeEpoch":0,"accountId":"1","apiId":"1"}}"#;
        let request = lambda_http::request::from_str(event).unwrap();
        let request = from_lambda(request);
        assert_eq!(request.body(), r#"{"a":"é"}"#.as_bytes());
        assert_eq!(request.uri().path(), "/default/handover/rce");
    }

    fn path(raw_path: &str) -> String {
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "$default", "rawPath": raw_path, "rawQueryString": "",
            "headers": {"host": "h"}, "isBase64Encoded": false,
            "requestContext": {"http": {"method": "GET", "path": raw_path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "t"}, "stage": "$default", "timeEpoch": 0,
                "accountId": "1", "apiId": "1"}
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        from_lambda(request).uri().path().to_owned()
    }

    #[test]
    fn a_path_that_was_decoded_is_encoded_again() {
        let conversation = |id: &str| path(&format!("/acme/conversations/{id}/messages"));
        for id in ["c-1_~.", "whatsapp:+49-1", "a@b.test", "50%25", "a%20b", "a%2Fb"] {
            assert_eq!(
                conversation(id),
                format!("/acme/conversations/{id}/messages"),
                "as it was sent"
            );
        }
        for (decoded, id) in [
            ("a b", "a%20b"),
            ("why?", "why%3F"),
            ("a#1", "a%231"),
            ("50%", "50%25"),
            ("Zoë", "Zo%C3%AB"),
            ("a|b", "a%7Cb"),
        ] {
            assert_eq!(
                conversation(decoded),
                format!("/acme/conversations/{id}/messages")
            );
        }
    }

    #[test]
    fn an_answer_keeps_its_bytes() {
        let answer = |bytes: &'static [u8]| into_lambda(Response::new(Bytes::from_static(bytes))).into_body();
        assert_eq!(&*answer(b"{}"), b"{}");
        assert_eq!(&*answer(b""), b"");
        assert_eq!(&*answer(&[0xff, 0x00]), &[0xff, 0x00]);
    }
}
