//! API Gateway's HTTP API: a request to payload 2.0 by the template's routes, and the answer back.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

use crate::function::{Failed, Function, now};

const TEMPLATE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/template.yaml");
/// The largest request that API Gateway takes, and the largest event that Lambda takes.
const LARGEST_REQUEST: usize = 10 * 1024 * 1024;
const LARGEST_EVENT: usize = 6 * 1024 * 1024;

/// A route and the function behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Route {
    /// `POST /{connection}/handover/rce`
    pub key: String,
    /// `source-sdk`
    pub function: String,
}

/// The routes as the template has them.
pub fn routes() -> Vec<Route> {
    let template = std::fs::read_to_string(TEMPLATE).expect("infra/template.yaml");
    let value = |line: &str, name: &str| {
        line.trim()
            .strip_prefix(name)
            .map(|value| value.trim().to_owned())
    };
    let mut routes = Vec::new();
    let mut key = None;
    for line in template.lines() {
        if let Some(found) = value(line, "RouteKey:") {
            key = Some(found.trim_matches('"').to_owned());
        }
        let Some(target) = value(line, "Target: !Sub integrations/${") else {
            continue;
        };
        let integration = target.trim_end_matches('}').trim_end_matches("Integration");
        let key = key.take().expect("a route has its key before its target");
        routes.push(Route {
            key,
            function: kebab(integration),
        });
    }
    assert!(!routes.is_empty(), "no routes found in infra/template.yaml");
    routes
}

fn kebab(name: &str) -> String {
    let mut kebab = String::new();
    for letter in name.chars() {
        if letter.is_uppercase() && !kebab.is_empty() {
            kebab.push('-');
        }
        kebab.extend(letter.to_lowercase());
    }
    kebab
}

impl Route {
    /// The path's parameters, if this is its route.
    fn matches(&self, method: &str, path: &str) -> Option<Map<String, Value>> {
        let (own_method, own_path) = self.key.split_once(' ')?;
        let (own, given): (Vec<&str>, Vec<&str>) = (own_path.split('/').collect(), path.split('/').collect());
        if own_method != method || own.len() != given.len() {
            return None;
        }
        let mut parameters = Map::new();
        for (own, given) in own.iter().zip(given) {
            match own.strip_prefix('{').and_then(|own| own.strip_suffix('}')) {
                Some(name) => {
                    let value = percent_decode_str(given).decode_utf8_lossy().into_owned();
                    parameters.insert(name.to_owned(), value.into());
                }
                None if *own != given => return None,
                None => {}
            }
        }
        Some(parameters)
    }
}

/// The running gateway.
pub struct Gateway {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

struct Shared {
    routes: Vec<Route>,
    functions: HashMap<&'static str, Arc<Function>>,
    all_base64: AtomicBool,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Gateway {
    pub async fn start(functions: impl IntoIterator<Item = Arc<Function>>) -> Self {
        let shared = Arc::new(Shared {
            routes: routes(),
            functions: functions
                .into_iter()
                .map(|function| (function.name(), function))
                .collect(),
            all_base64: AtomicBool::new(false),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { url, shared, server }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// From now on every body is passed as base64, not only where the content type is not a text.
    pub fn encode_everything(&self) {
        self.shared.all_base64.store(true, Ordering::Relaxed);
    }
}

async fn answer(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let Ok(body) = axum::body::to_bytes(body, LARGEST_REQUEST).await else {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    };
    let found = shared.routes.iter().find_map(|route| {
        let parameters = route.matches(parts.method.as_str(), parts.uri.path())?;
        Some((route, parameters))
    });
    let Some((route, parameters)) = found else {
        return message(StatusCode::NOT_FOUND, "Not Found");
    };
    let event = event(
        &route.key,
        parameters,
        &parts,
        &body,
        shared.all_base64.load(Ordering::Relaxed),
    );
    if event.to_string().len() > LARGEST_EVENT {
        return message(StatusCode::PAYLOAD_TOO_LARGE, "Request Entity Too Large");
    }
    let function = shared.functions.get(route.function.as_str());
    let function = function.unwrap_or_else(|| panic!("{} is not a function", route.function));
    match function.invoke(&event).await {
        Ok(answer) => of_lambda(&answer)
            .unwrap_or_else(|| message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")),
        Err(Failed::TimedOut) => message(StatusCode::SERVICE_UNAVAILABLE, "Service Unavailable"),
        Err(Failed::Error(_) | Failed::Died) => {
            message(StatusCode::INTERNAL_SERVER_ERROR, "Internal Server Error")
        }
    }
}

fn message(status: StatusCode, text: &str) -> Response {
    (
        status,
        [("content-type", "application/json")],
        json!({"message": text}).to_string(),
    )
        .into_response()
}

fn event(key: &str, parameters: Map<String, Value>, parts: &Parts, body: &Bytes, all_base64: bool) -> Value {
    let mut headers: Map<String, Value> = Map::new();
    for name in parts.headers.keys() {
        let values: Vec<_> = parts
            .headers
            .get_all(name)
            .iter()
            .map(|value| String::from_utf8_lossy(value.as_bytes()).into_owned())
            .collect();
        headers.insert(name.as_str().to_owned(), values.join(",").into());
    }
    // HTTP APIs decode the path, other than its member's name says, and cut it where it then seems to have a query.
    let path = percent_decode_str(parts.uri.path()).decode_utf8_lossy();
    let path = path.split('?').next().unwrap_or_default();
    let encoded = all_base64 || !is_text(&parts.headers) || std::str::from_utf8(body).is_err();
    let mut event = json!({
        "version": "2.0",
        "routeKey": key,
        "rawPath": path,
        "rawQueryString": parts.uri.query().unwrap_or_default(),
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "miniature",
            "domainName": "miniature.example.test",
            "domainPrefix": "miniature",
            "http": {
                "method": parts.method.as_str(),
                "path": path,
                "protocol": "HTTP/1.1",
                "sourceIp": "127.0.0.1",
                "userAgent": headers.get("user-agent").cloned().unwrap_or_default(),
            },
            "requestId": "miniature",
            "routeKey": key,
            "stage": "$default",
            "time": now().strftime("%d/%b/%Y:%H:%M:%S +0000").to_string(),
            "timeEpoch": now().as_millisecond(),
        },
        "isBase64Encoded": encoded && !body.is_empty(),
    });
    if !parameters.is_empty() {
        event["pathParameters"] = parameters.into();
    }
    if !body.is_empty() {
        event["body"] = if encoded {
            BASE64_STANDARD.encode(body).into()
        } else {
            String::from_utf8_lossy(body).into()
        };
    }
    event
}

/// What HTTP APIs pass as text.
fn is_text(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(http::header::CONTENT_TYPE)
        .and_then(|kind| kind.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default()
        .trim();
    kind.starts_with("text/")
        || ["application/json", "application/javascript", "application/xml"].contains(&kind)
}

fn of_lambda(answer: &Value) -> Option<Response> {
    let text = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true {
        Bytes::from(BASE64_STANDARD.decode(text).ok()?)
    } else {
        Bytes::from(text.to_owned())
    };
    let status = u16::try_from(answer["statusCode"].as_u64()?).ok()?;
    let mut response = Response::new(axum::body::Body::from(body));
    *response.status_mut() = StatusCode::from_u16(status).ok()?;
    for members in ["headers", "multiValueHeaders"] {
        for (name, value) in answer[members].as_object().into_iter().flatten() {
            let values = value.as_array().map_or_else(|| vec![value.clone()], Clone::clone);
            let name: HeaderName = name.parse().ok()?;
            response.headers_mut().remove(&name);
            for value in values {
                let value = HeaderValue::from_str(value.as_str()?).ok()?;
                response.headers_mut().append(name.clone(), value);
            }
        }
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_routes_lead_to_functions() {
        let routes = routes();
        let to = |method: &str, path: &str| {
            let mut found = routes
                .iter()
                .filter(|route| route.matches(method, path).is_some());
            let function = found.next().map(|route| route.function.clone());
            assert!(found.next().is_none(), "{method} {path} has two routes");
            function
        };
        assert_eq!(to("POST", "/acme/handover/rce").as_deref(), Some("source-sdk"));
        assert_eq!(
            to("POST", "/acme/handover/rce/webhook").as_deref(),
            Some("webhook-intake")
        );
        assert_eq!(
            to("DELETE", "/acme/conversations/a%2Fb/handover").as_deref(),
            Some("handover-requests")
        );
        assert_eq!(to("PUT", "/acme/availability"), None);
        for (method, path) in handover_handlers::routes::ROUTES {
            let path = format!("/acme{path}").replace("{id}", "c1");
            assert!(
                to(method, &path).is_some(),
                "{method} {path} has no route in the template"
            );
        }
    }
}
