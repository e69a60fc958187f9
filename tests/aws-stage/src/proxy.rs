//! Sees every call that passes: counts it, or lets it fail.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::{Method, StatusCode, header};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What happens to a call instead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// AWS has no capacity for it.
    Throttled,
    /// A fault of the service, or of a bot.
    Status500,
    /// Nothing answers: the connection breaks, and nothing happened.
    Lost,
    /// It happens, and the answer is lost.
    AnswerLost,
}

/// A call that passes.
#[derive(Clone, Debug)]
pub struct Call {
    /// AWS's operation (`SendMessage`), or the path.
    pub operation: String,
    pub body: Bytes,
}

impl Call {
    pub fn mentions(&self, text: &str) -> bool {
        String::from_utf8_lossy(&self.body).contains(text)
    }
}

type Condition = Box<dyn Fn(&Call) -> bool + Send>;

#[derive(Default)]
struct Memory {
    calls: Vec<Call>,
    rules: Vec<(Condition, Fault, usize)>,
    hit: usize,
}

struct Shared {
    memory: Mutex<Memory>,
    dynamodb: String,
    others: String,
    client: reqwest::Client,
}

impl Shared {
    fn memory(&self) -> MutexGuard<'_, Memory> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A listener in front of something.
pub struct Proxy {
    url: String,
    shared: Arc<Shared>,
    server: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Proxy {
    /// In front of one address.
    pub async fn before(upstream: &str) -> Self {
        Self::before_aws(upstream, upstream).await
    }

    /// In front of AWS, where `DynamoDB` has an address of its own.
    pub async fn before_aws(dynamodb: &str, others: &str) -> Self {
        let shared = Arc::new(Shared {
            memory: Mutex::default(),
            dynamodb: dynamodb.to_owned(),
            others: others.to_owned(),
            client: crate::world::client(),
        });
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let router = Router::new().fallback(pass).with_state(Arc::clone(&shared));
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        Self { url, shared, server }
    }

    pub fn url(&self) -> &str {
        &self.url
    }

    /// The next `times` calls for which this is true suffer `fault`.
    pub fn fail(&self, fault: Fault, times: usize, when: impl Fn(&Call) -> bool + Send + 'static) {
        self.shared.memory().rules.push((Box::new(when), fault, times));
    }

    /// Every call passes again.
    pub fn heal(&self) {
        self.shared.memory().rules.clear();
    }

    /// How many calls suffered a fault.
    pub fn hit(&self) -> usize {
        self.shared.memory().hit
    }

    /// The operations that passed, in order.
    pub fn operations(&self) -> Vec<String> {
        let memory = self.shared.memory();
        memory.calls.iter().map(|call| call.operation.clone()).collect()
    }

    pub fn forget(&self) {
        self.shared.memory().calls.clear();
    }
}

impl Memory {
    fn fault(&mut self, call: &Call) -> Option<Fault> {
        let (_, fault, times) = self
            .rules
            .iter_mut()
            .find(|(when, _, times)| *times > 0 && when(call))?;
        *times -= 1;
        self.hit += 1;
        Some(*fault)
    }
}

async fn pass(State(shared): State<Arc<Shared>>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    if parts.method != Method::POST {
        // A function opens its connections with a request for nothing while it starts.
        return StatusCode::METHOD_NOT_ALLOWED.into_response();
    }
    let body = axum::body::to_bytes(body, usize::MAX).await.unwrap_or_default();
    let target = parts
        .headers
        .get("x-amz-target")
        .and_then(|target| target.to_str().ok());
    let operation = target.and_then(|target| target.rsplit('.').next());
    let call = Call {
        operation: operation.unwrap_or(parts.uri.path()).to_owned(),
        body: body.clone(),
    };
    let is_dynamodb = target.is_some_and(|target| target.starts_with("DynamoDB"));
    let fault = {
        let mut memory = shared.memory();
        let fault = memory.fault(&call);
        memory.calls.push(call);
        fault
    };
    match fault {
        Some(Fault::Throttled) => return throttled(is_dynamodb),
        Some(Fault::Status500) => return (StatusCode::INTERNAL_SERVER_ERROR, "{}").into_response(),
        Some(Fault::Lost) => return broken(),
        Some(Fault::AnswerLost) | None => {}
    }
    let upstream = if is_dynamodb {
        &shared.dynamodb
    } else {
        &shared.others
    };
    let path = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    let mut headers = parts.headers;
    headers.remove(header::HOST);
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    let passed = shared
        .client
        .request(parts.method, format!("{upstream}{path}"))
        .headers(headers)
        .body(body)
        .timeout(Duration::from_mins(1));
    let Ok(answer) = passed.send().await else {
        return broken();
    };
    let (status, mut headers) = (answer.status(), answer.headers().clone());
    let Ok(body) = answer.bytes().await else {
        return broken();
    };
    if fault == Some(Fault::AnswerLost) {
        return broken();
    }
    headers.remove(header::CONTENT_LENGTH);
    headers.remove(header::TRANSFER_ENCODING);
    (status, headers, body).into_response()
}

fn throttled(is_dynamodb: bool) -> Response {
    let kind = if is_dynamodb {
        "com.amazonaws.dynamodb.v20120810#ProvisionedThroughputExceededException"
    } else {
        "com.amazonaws.sqs#RequestThrottled"
    };
    let body = serde_json::json!({"__type": kind, "message": "too much at once"});
    (
        StatusCode::BAD_REQUEST,
        [(header::CONTENT_TYPE, "application/x-amz-json-1.0")],
        body.to_string(),
    )
        .into_response()
}

/// An answer that cannot be sent, so that the connection breaks.
fn broken() -> Response {
    Response::new(Body::from_stream(futures_util::stream::once(async {
        Err::<Bytes, _>(std::io::Error::other("the connection breaks"))
    })))
}
