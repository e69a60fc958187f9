//! API Gateway request ↔ plain request.

use std::sync::Arc;

use bytes::Bytes;
use handover_handlers::{App, routes};
use http::{Request, Response};
use lambda_http::{Body, Error, service_fn};

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
pub fn from_lambda(request: Request<Body>) -> Request<Bytes> {
    request.map(|body| match body {
        Body::Text(text) => Bytes::from(text),
        Body::Binary(bytes) => Bytes::from(bytes),
        _ => Bytes::new(),
    })
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

    #[test]
    fn an_answer_keeps_its_bytes() {
        let answer = |bytes: &'static [u8]| into_lambda(Response::new(Bytes::from_static(bytes))).into_body();
        assert_eq!(&*answer(b"{}"), b"{}");
        assert_eq!(&*answer(b""), b"");
        assert_eq!(&*answer(&[0xff, 0x00]), &[0xff, 0x00]);
    }
}
