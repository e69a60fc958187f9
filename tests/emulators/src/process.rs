//! A program on a port of its own that ends with its test.

use std::fs::{self, File};
use std::io;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::time::{Instant, interval};

use crate::{api, tools};

const STARTS_WITHIN: Duration = Duration::from_mins(1);
/// Somebody else may take the free port in between.
const ATTEMPTS: usize = 3;

/// Runs a program until the input ends: when the value is dropped, or this process ends in whatever way.
const UNTIL_INPUT_ENDS: &str = r#"
exec 3<&0
"$@" </dev/null 3<&- &
program=$!
{ read -r _ <&3; kill -KILL "$program"; } 2>/dev/null &
exec 3<&-
wait "$program"
"#;

/// The running program.
#[derive(Debug)]
pub(crate) struct Program {
    shell: Child,
    pub(crate) port: u16,
    log: PathBuf,
}

impl Program {
    /// Starts what `command` makes of a free port and waits until it answers HTTP on it.
    pub(crate) async fn start(name: &str, command: impl Fn(u16) -> Command) -> io::Result<Self> {
        let mut last = None;
        for _ in 0..ATTEMPTS {
            let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
            let log = tools::log_file(name)?;
            let mut program = Self {
                shell: spawn(&command(port), &log)?,
                port,
                log,
            };
            match program.until_it_answers().await {
                Ok(()) => return Ok(program),
                Err(error) => last = Some(error),
            }
        }
        Err(last.unwrap_or_else(|| io::Error::other("not started")))
    }

    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    async fn until_it_answers(&mut self) -> io::Result<()> {
        let client = api::client();
        let deadline = Instant::now() + STARTS_WITHIN;
        let mut look = interval(Duration::from_millis(20));
        loop {
            look.tick().await;
            if client.get(self.url()).send().await.is_ok() {
                return Ok(());
            }
            let ended = self.shell.try_wait()?;
            if ended.is_some() || Instant::now() > deadline {
                let written = fs::read_to_string(&self.log).unwrap_or_default();
                let last: Vec<&str> = written.lines().rev().take(5).collect();
                let error = format!("does not start, see {}: {last:?}", self.log.display());
                return Err(io::Error::other(error));
            }
        }
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        let _ = self.shell.wait();
    }
}

fn spawn(command: &Command, log: &Path) -> io::Result<Child> {
    let output = File::create(log)?;
    let mut shell = Command::new("sh");
    shell
        .args(["-c", UNTIL_INPUT_ENDS, "sh"])
        .arg(command.get_program());
    shell.args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => shell.env(name, value),
            None => shell.env_remove(name),
        };
    }
    if let Some(directory) = command.get_current_dir() {
        shell.current_dir(directory);
    }
    shell
        .stdin(Stdio::piped())
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
}
