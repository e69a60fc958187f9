//! Lambda: a real bootstrap behind the Runtime API.

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Path as Segment, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use bytes::Bytes;
use http::StatusCode;
use jiff::Timestamp;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinHandle;

/// Why an invocation has no answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Failed {
    /// The function answered with an error.
    Error(Value),
    /// Its process ended.
    Died,
    /// It was stopped because it took too long.
    TimedOut,
}

/// What a function is.
#[derive(Clone, Debug)]
pub struct Definition {
    pub name: &'static str,
    pub bootstrap: PathBuf,
    pub environment: Vec<(String, String)>,
    pub timeout: Duration,
    /// How many run at once.
    pub concurrency: usize,
    /// The official emulator of the Runtime API; ours is used otherwise.
    pub official: Option<PathBuf>,
    pub log: PathBuf,
}

/// A function with its instances.
pub struct Function {
    definition: Definition,
    permits: Semaphore,
    idle: Mutex<Vec<Instance>>,
    /// Ends the processes of all instances, busy or not.
    kill: watch::Sender<usize>,
    cold_starts: AtomicUsize,
    kills: AtomicUsize,
}

impl Function {
    pub fn new(definition: Definition) -> Self {
        Self {
            permits: Semaphore::new(definition.concurrency),
            idle: Mutex::default(),
            kill: watch::Sender::new(0),
            cold_starts: AtomicUsize::new(0),
            kills: AtomicUsize::new(0),
            definition,
        }
    }

    pub fn name(&self) -> &'static str {
        self.definition.name
    }

    /// How often a process was started.
    pub fn cold_starts(&self) -> usize {
        self.cold_starts.load(Ordering::Relaxed)
    }

    /// `kill -9` to every process of the function, at work or not. The next invocation starts a new one.
    pub fn kill(&self) {
        self.kills.fetch_add(1, Ordering::Relaxed);
        self.kill.send_modify(|kills| *kills += 1);
    }

    /// Ends the processes that wait for work, as Lambda does at any time.
    pub fn retire(&self) {
        self.idle().clear();
    }

    /// Whether it was killed; its callers may have had no answer then.
    pub fn was_killed(&self) -> bool {
        self.kills.load(Ordering::Relaxed) > 0
    }

    /// One invocation, on an idle instance or a new one.
    pub async fn invoke(&self, event: &Value) -> Result<Value, Failed> {
        let _permit = self.permits.acquire().await.expect("never closed");
        let mut instance = self.instance().await;
        let invoked = instance.invoke(Bytes::from(event.to_string()), self.definition.timeout);
        match tokio::time::timeout(self.definition.timeout, invoked).await {
            Ok(Err(Failed::Died)) => Err(Failed::Died),
            Ok(answered) => {
                self.idle().push(instance);
                answered
            }
            // The instance ends with its process.
            Err(_) => Err(Failed::TimedOut),
        }
    }

    fn idle(&self) -> std::sync::MutexGuard<'_, Vec<Instance>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn instance(&self) -> Instance {
        loop {
            let Some(instance) = self.idle().pop() else {
                self.cold_starts.fetch_add(1, Ordering::Relaxed);
                return Instance::start(&self.definition, self.kill.subscribe()).await;
            };
            if !*instance.dead.borrow() {
                return instance;
            }
        }
    }
}

/// One process.
struct Instance {
    invocations: Invocations,
    dead: watch::Receiver<bool>,
    tasks: Vec<JoinHandle<()>>,
}

enum Invocations {
    Ours(mpsc::Sender<Invocation>),
    Official { url: String, client: reqwest::Client },
}

struct Invocation {
    event: Bytes,
    deadline: Timestamp,
    answer: oneshot::Sender<Result<Value, Failed>>,
}

impl Drop for Instance {
    fn drop(&mut self) {
        // Dropping the process kills it.
        for task in &self.tasks {
            task.abort();
        }
    }
}

impl Instance {
    async fn start(definition: &Definition, kill: watch::Receiver<usize>) -> Self {
        match &definition.official {
            Some(emulator) => Self::behind_the_official(definition, emulator, kill).await,
            None => Self::behind_ours(definition, kill).await,
        }
    }

    async fn behind_ours(definition: &Definition, kill: watch::Receiver<usize>) -> Self {
        let (invocations, waiting) = mpsc::channel(1);
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("an address");
        let runtime = Arc::new(Runtime {
            function: definition.name,
            waiting: tokio::sync::Mutex::new(waiting),
            open: Mutex::default(),
            last: AtomicUsize::new(0),
        });
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route(
                "/2018-06-01/runtime/init/error",
                post(|| async { StatusCode::ACCEPTED }),
            )
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(runtime);
        let server = tokio::spawn(async move {
            let _ = axum::serve(listener, router).await;
        });
        let mut command = command(&definition.bootstrap, definition);
        command.env("AWS_LAMBDA_RUNTIME_API", address.to_string());
        let (process, dead) = watch_over(command.spawn(), definition, kill);
        Self {
            invocations: Invocations::Ours(invocations),
            dead,
            tasks: vec![server, process],
        }
    }

    /// The emulator starts the bootstrap at the first invocation, and answers what it answers.
    async fn behind_the_official(
        definition: &Definition,
        emulator: &Path,
        kill: watch::Receiver<usize>,
    ) -> Self {
        let (outside, inside) = (free_address(), free_address());
        let mut command = command(emulator, definition);
        // Both addresses, or it listens on all interfaces.
        command
            .args(["--runtime-interface-emulator-address", &outside])
            .args(["--runtime-api-address", &inside])
            .arg(&definition.bootstrap);
        let (process, dead) = watch_over(command.spawn(), definition, kill);
        let mut look = tokio::time::interval(Duration::from_millis(10));
        while tokio::net::TcpStream::connect(&outside).await.is_err() {
            look.tick().await;
            assert!(!*dead.borrow(), "the official emulator does not start");
        }
        Self {
            invocations: Invocations::Official {
                url: format!("http://{outside}/2015-03-31/functions/function/invocations"),
                client: crate::world::client(),
            },
            dead,
            tasks: vec![process],
        }
    }

    async fn invoke(&mut self, event: Bytes, timeout: Duration) -> Result<Value, Failed> {
        match &self.invocations {
            Invocations::Ours(invocations) => {
                let (answer, answered) = oneshot::channel();
                let invocation = Invocation {
                    event,
                    deadline: now() + timeout,
                    answer,
                };
                let _ = invocations.send(invocation).await;
                tokio::select! {
                    answered = answered => answered.unwrap_or(Err(Failed::Died)),
                    _ = self.dead.wait_for(|dead| *dead) => Err(Failed::Died),
                }
            }
            Invocations::Official { url, client } => {
                let invoked = async {
                    let answer = client.post(url).body(event).timeout(timeout).send().await.ok()?;
                    serde_json::from_slice::<Value>(&answer.bytes().await.ok()?).ok()
                };
                tokio::select! {
                    answer = invoked => match answer {
                        Some(answer) if answer["errorMessage"].is_string() => Err(Failed::Error(answer)),
                        Some(answer) => Ok(answer),
                        None => Err(Failed::Died),
                    },
                    _ = self.dead.wait_for(|dead| *dead) => Err(Failed::Died),
                }
            }
        }
    }
}

fn command(program: &Path, definition: &Definition) -> Command {
    let log = OpenOptions::new().create(true).append(true).open(&definition.log);
    let log: File = log.expect("a log file");
    let mut command = Command::new(program);
    command
        .env_clear()
        .envs(definition.environment.iter().cloned())
        .env("AWS_LAMBDA_FUNCTION_NAME", definition.name)
        .env("AWS_LAMBDA_FUNCTION_VERSION", "$LATEST")
        .env("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "256")
        .env(
            "AWS_LAMBDA_FUNCTION_TIMEOUT",
            definition.timeout.as_secs().to_string(),
        )
        .stdin(Stdio::null())
        .stdout(log.try_clone().expect("a log file"))
        .stderr(log)
        .kill_on_drop(true);
    command
}

/// Ends the process when it is told to, and says when it is dead.
fn watch_over(
    started: std::io::Result<Child>,
    definition: &Definition,
    mut kill: watch::Receiver<usize>,
) -> (JoinHandle<()>, watch::Receiver<bool>) {
    let mut process = started.unwrap_or_else(|error| {
        panic!(
            "{} does not start: {error}; is it built?",
            definition.bootstrap.display()
        )
    });
    let (died, dead) = watch::channel(false);
    let task = tokio::spawn(async move {
        tokio::select! {
            _ = process.wait() => {}
            _ = kill.changed() => {
                let _ = process.kill().await;
            }
        }
        died.send_replace(true);
    });
    (task, dead)
}

/// What the process asks.
struct Runtime {
    function: &'static str,
    waiting: tokio::sync::Mutex<mpsc::Receiver<Invocation>>,
    open: Mutex<HashMap<String, oneshot::Sender<Result<Value, Failed>>>>,
    last: AtomicUsize,
}

impl Runtime {
    fn open(&self) -> std::sync::MutexGuard<'_, HashMap<String, oneshot::Sender<Result<Value, Failed>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn finish(&self, id: &str, answer: Result<Value, Failed>) -> StatusCode {
        match self.open().remove(id) {
            Some(waiting) => {
                let _ = waiting.send(answer);
                StatusCode::ACCEPTED
            }
            None => StatusCode::FORBIDDEN,
        }
    }
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response {
    let Some(invocation) = runtime.waiting.lock().await.recv().await else {
        return std::future::pending().await;
    };
    let id = format!(
        "{}-{}",
        runtime.function,
        runtime.last.fetch_add(1, Ordering::Relaxed)
    );
    runtime.open().insert(id.clone(), invocation.answer);
    let arn = format!(
        "arn:aws:lambda:eu-central-1:000000000000:function:{}",
        runtime.function
    );
    let headers = [
        ("lambda-runtime-aws-request-id", id),
        (
            "lambda-runtime-deadline-ms",
            invocation.deadline.as_millisecond().to_string(),
        ),
        ("lambda-runtime-invoked-function-arn", arn),
        ("lambda-runtime-trace-id", "Root=1-0-0;Sampled=0".to_owned()),
        ("content-type", "application/json".to_owned()),
    ];
    (headers, invocation.event).into_response()
}

async fn response(
    State(runtime): State<Arc<Runtime>>,
    Segment(id): Segment<String>,
    body: Bytes,
) -> StatusCode {
    let answer = serde_json::from_slice(&body).unwrap_or(Value::Null);
    runtime.finish(&id, Ok(answer))
}

async fn error(State(runtime): State<Arc<Runtime>>, Segment(id): Segment<String>, body: Bytes) -> StatusCode {
    let error = serde_json::from_slice(&body).unwrap_or(Value::Null);
    runtime.finish(&id, Err(Failed::Error(error)))
}

fn free_address() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("an address").to_string()
}

#[expect(clippy::disallowed_methods, reason = "Lambda's clock is the machine's")]
pub(crate) fn now() -> Timestamp {
    Timestamp::now()
}
