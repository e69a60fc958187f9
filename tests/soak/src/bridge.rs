//! The bridge as a process: started, killed, asked.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use reqwest::Method;
use serde_json::Value;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};
use tokio::sync::Mutex;

use crate::world::pause;

/// A connection: its name, and the key of its bot.
#[derive(Clone, Copy)]
pub(crate) struct Door {
    pub(crate) name: &'static str,
    pub(crate) key: &'static str,
}

/// Where people write to the bot's own channel, which is mirrored into RCE.
pub(crate) const MIRRORED: Door = Door {
    name: "default",
    key: "bot-key-of-the-soak-tests",
};
/// Where they write to a channel of RCE's own.
pub(crate) const NATIVE: Door = Door {
    name: "native",
    key: "bot-key-of-the-native-soak-tests",
};

/// How long a start or a stop may take.
const PATIENCE: Duration = Duration::from_mins(1);

pub(crate) struct Bridge {
    binary: PathBuf,
    dir: PathBuf,
    port: u16,
    http: reqwest::Client,
    process: Mutex<Option<Child>>,
}

impl Bridge {
    /// Takes a port and a directory; the configuration is the caller's to write.
    pub(crate) async fn new(binary: PathBuf, dir: &Path) -> anyhow::Result<Self> {
        let free = TcpListener::bind("127.0.0.1:0").await?;
        Ok(Self {
            binary,
            dir: dir.to_owned(),
            port: free.local_addr()?.port(),
            http: handover_ringcx::http::client(),
            process: Mutex::new(None),
        })
    }

    pub(crate) fn binary(&self) -> &Path {
        &self.binary
    }

    pub(crate) fn config(&self) -> PathBuf {
        self.dir.join("connections.toml")
    }

    fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    pub(crate) fn url(&self, door: Door, path: &str) -> String {
        format!("http://127.0.0.1:{}/{}{path}", self.port, door.name)
    }

    /// Where RCE's calls go, webhooks and the Source SDK's.
    pub(crate) fn webhook_url(&self, door: Door) -> String {
        self.url(door, "/handover/rce")
    }

    /// Starts `serve` and waits until it is ready.
    pub(crate) async fn start(&self) -> anyhow::Result<()> {
        let log = self.dir.join("log");
        let log = std::fs::File::options().create(true).append(true).open(log)?;
        let listen = format!("127.0.0.1:{}", self.port);
        let process = Command::new(&self.binary)
            .args(["serve", "--log", "json", "--listen", &listen, "--config"])
            .arg(self.config())
            .arg("--data")
            .arg(self.data())
            .kill_on_drop(true)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(log)
            .spawn()
            .with_context(|| format!("cannot start {}", self.binary.display()))?;
        *self.process.lock().await = Some(process);
        let health = format!("http://{listen}/health");
        let began = Instant::now();
        loop {
            let answer = self.http.get(&health).send().await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            if began.elapsed() > PATIENCE {
                bail!("the bridge did not get ready: {}", self.end_of_log());
            }
            pause(Duration::from_millis(10)).await;
        }
    }

    /// SIGKILL: no instruction of the process runs after this one.
    pub(crate) async fn kill(&self) -> anyhow::Result<()> {
        if let Some(mut process) = self.process.lock().await.take() {
            process.kill().await?;
        }
        Ok(())
    }

    /// SIGTERM, and how it ended.
    pub(crate) async fn terminate(&self) -> anyhow::Result<Option<ExitStatus>> {
        let Some(mut process) = self.process.lock().await.take() else {
            return Ok(None);
        };
        let id = process.id().context("the bridge ended by itself")?.to_string();
        Command::new("kill").args(["-TERM", &id]).status().await?;
        let ended = tokio::time::timeout(PATIENCE, process.wait()).await;
        Ok(Some(ended.context("the bridge does not stop")??))
    }

    fn end_of_log(&self) -> String {
        let log = std::fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        let from = log.lines().count().saturating_sub(10);
        log.lines().skip(from).collect::<Vec<_>>().join("\n")
    }

    /// One call of the bot API; `None` when the bridge is not there, or did not answer.
    pub(crate) async fn call(
        &self,
        door: Door,
        method: Method,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Option<(u16, Value)> {
        let mut request = self
            .http
            .request(method.clone(), self.url(door, path))
            .bearer_auth(door.key);
        if method != Method::GET {
            request = request.header("Idempotency-Key", key).body(body.to_string());
        }
        let answer = request.send().await.ok()?;
        let status = answer.status().as_u16();
        let body = answer.bytes().await.ok()?;
        Some((status, serde_json::from_slice(&body).unwrap_or(Value::Null)))
    }

    /// What a command says in JSON; also while the bridge runs.
    pub(crate) async fn command(&self, words: &[&str]) -> anyhow::Result<Value> {
        let text = self.run(words, true).await?;
        serde_json::from_str(&text).with_context(|| format!("{words:?} said {text}"))
    }

    /// The timeline as people read it.
    pub(crate) async fn timeline(&self, door: Door, conversation: &str) -> String {
        let words = ["timeline", conversation, "--connection", door.name];
        let text = self.run(&words, false).await;
        text.unwrap_or_else(|error| format!("no timeline: {error:#}"))
    }

    async fn run(&self, words: &[&str], json: bool) -> anyhow::Result<String> {
        let mut command = Command::new(&self.binary);
        command.args(words).arg("--config").arg(self.config());
        command
            .arg("--data")
            .arg(self.data())
            .stdin(Stdio::null())
            .kill_on_drop(true);
        if json {
            command.arg("--json");
        }
        let output = tokio::time::timeout(PATIENCE, command.output()).await??;
        if !output.status.success() {
            bail!("{words:?}: {}", String::from_utf8_lossy(&output.stderr));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}
