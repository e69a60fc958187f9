//! API Gateway request ↔ plain request.

use std::sync::Arc;

use bytes::Bytes;
use handover_handlers::{App, routes};
use http::{Request, Response, Uri};
use lambda_http::request::RequestContext;
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
    if let Some(uri) = sent_uri(&request) {
        *request.uri_mut() = uri;
    }
    request.map(|body| match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    })
}

/// What may stand in a segment of a path without being encoded: unreserved characters (RFC 3986).
const KEPT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// The address as it was sent, for routes with parameters. `None`: it has none.
///
/// API Gateway decodes the path of an HTTP API before a function sees it, and cuts it where it then seems to have
/// a query; the parameters of the route are decoded, and whole.
fn sent_uri(request: &Request<Body>) -> Option<Uri> {
    let extensions = request.extensions();
    let RequestContext::ApiGatewayV2(context) = extensions.request_context_ref()? else {
        return None;
    };
    let (_, route) = context.route_key.as_deref()?.split_once(' ')?;
    let parameters = extensions.path_parameters_ref()?;
    let mut path = String::new();
    for segment in route.split('/').skip(1) {
        path.push('/');
        match segment.strip_prefix('{').and_then(|rest| rest.strip_suffix('}')) {
            Some(name) => path.extend(utf8_percent_encode(parameters.first(name)?, KEPT)),
            None => path.push_str(segment),
        }
    }
    if let Some(query) = request
        .uri()
        .query()
        .filter(|_| !extensions.raw_http_path().contains(['?', '#']))
    {
        path = format!("{path}?{query}");
    }
    path.parse().ok()
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

    /// The path that a function sees of `/acme/conversations/{id}/messages`, by what API Gateway makes of it.
    fn path(raw_path: &str, id: &str) -> String {
        let event = serde_json::json!({
            "version": "2.0", "routeKey": "POST /{connection}/conversations/{id}/messages",
            "rawPath": raw_path, "rawQueryString": "", "headers": {"host": "h"}, "isBase64Encoded": false,
            "pathParameters": {"connection": "acme", "id": id},
            "requestContext": {"http": {"method": "POST", "path": raw_path, "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1", "userAgent": "t"}, "stage": "$default", "timeEpoch": 0,
                "routeKey": "POST /{connection}/conversations/{id}/messages", "accountId": "1", "apiId": "1"}
        });
        let request = lambda_http::request::from_str(&event.to_string()).unwrap();
        from_lambda(request).uri().to_string()
    }

    #[test]
    fn an_id_in_a_path_is_what_was_sent() {
        for (id, encoded) in [
            ("c-1_~.", "c-1_~."),
            ("a b", "a%20b"),
            ("why?", "why%3F"),
            ("a#1", "a%231"),
            ("50%", "50%25"),
            ("a%2Fb", "a%252Fb"),
            ("Zoë", "Zo%C3%AB"),
        ] {
            let cut = id.split(['?', '#']).next().unwrap();
            let raw_path = format!("/acme/conversations/{cut}/messages");
            let expected = format!("/acme/conversations/{encoded}/messages");
            assert_eq!(path(&raw_path, id), expected, "{id}");
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
