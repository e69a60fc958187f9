//! The real binary, as somebody would run it: `engage-handover serve`.

use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command as Blocking, Stdio};
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use bytes::Bytes;
use handover_bench::fixtures;
use handover_bench::process::{self, Memory};
use http::Request;
use tempfile::TempDir;
use tokio::process::{Child, Command};

use crate::client::Client;

const STARTS_WITHIN: Duration = Duration::from_secs(20);

/// How a bridge is started.
#[derive(Clone, Debug)]
pub(crate) struct Setup {
    pub(crate) binary: PathBuf,
    /// Where its data goes; a directory of its own is made in it.
    pub(crate) data: PathBuf,
    /// What it logs (`RUST_LOG`).
    pub(crate) log: String,
    pub(crate) forward_only: bool,
    /// Only this core, if there is a `taskset`.
    pub(crate) core: Option<usize>,
}

/// A running bridge; killed when it is dropped.
pub(crate) struct Bridge {
    child: Child,
    pub(crate) address: SocketAddr,
    pid: u32,
    dir: TempDir,
}

impl Bridge {
    pub(crate) async fn start(setup: &Setup, outside: SocketAddr) -> anyhow::Result<Self> {
        let dir = tempfile::tempdir_in(&setup.data).context("cannot make a data directory")?;
        let config = dir.path().join("connections.toml");
        fs::write(&config, fixtures::connections_toml(outside, setup.forward_only))?;
        let address = free_address()?;
        // The log goes to a file, as it would under any supervisor.
        let log = fs::File::create(dir.path().join("log"))?;
        let child = on_core(setup.core, &setup.binary)
            .arg("serve")
            .arg("--config")
            .arg(&config)
            .arg("--data")
            .arg(dir.path().join("data"))
            .args(["--listen", &address.to_string()])
            .env("RUST_LOG", &setup.log)
            .stdin(Stdio::null())
            .stderr(log)
            .kill_on_drop(true)
            .spawn()
            .with_context(|| format!("cannot start {}", setup.binary.display()))?;
        let pid = child.id().context("the bridge is gone at once")?;
        let mut bridge = Self {
            child,
            address,
            pid,
            dir,
        };
        bridge.ready().await?;
        Ok(bridge)
    }

    async fn ready(&mut self) -> anyhow::Result<()> {
        let health = Request::get("/health").body(Bytes::new())?;
        let deadline = Instant::now() + STARTS_WITHIN;
        loop {
            if let Ok(mut client) = Client::connect(self.address).await
                && client.expect(&health, 200).await.is_ok()
            {
                return Ok(());
            }
            if let Some(status) = self.child.try_wait()? {
                bail!("the bridge did not start ({status}): {}", self.log());
            }
            if Instant::now() > deadline {
                bail!(
                    "the bridge was not ready within {STARTS_WITHIN:?}: {}",
                    self.log()
                );
            }
            crate::pause(Duration::from_millis(20)).await;
        }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    pub(crate) fn cpu(&self) -> anyhow::Result<Duration> {
        Ok(process::cpu(self.pid)?)
    }

    pub(crate) fn memory(&self) -> anyhow::Result<Memory> {
        Ok(process::memory(self.pid)?)
    }

    /// The directory that holds all that it writes.
    pub(crate) fn dir(&self) -> &Path {
        self.dir.path()
    }

    /// Bytes of the database and its log.
    pub(crate) fn stored(&self) -> u64 {
        let files = fs::read_dir(self.dir.path().join("data"))
            .into_iter()
            .flatten()
            .flatten();
        files.filter_map(|file| Some(file.metadata().ok()?.len())).sum()
    }

    fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }
}

/// A program, bound to a core where that is asked for and possible.
pub(crate) fn on_core(core: Option<usize>, program: &Path) -> Command {
    match core {
        Some(core) if can_pin() => {
            let mut command = Command::new("taskset");
            command.args(["-c", &core.to_string()]).arg(program);
            command
        }
        _ => Command::new(program),
    }
}

/// Binds this process to a core. Threads that exist already stay where they are.
pub(crate) fn stay_on_core(core: usize) {
    if can_pin() {
        let own = std::process::id().to_string();
        let _ = quietly("taskset").args(["-cp", &core.to_string(), &own]).status();
    }
}

/// Whether processes can be bound to cores here, so that a measured server and its clients share none.
pub(crate) fn can_pin() -> bool {
    static CAN_PIN: LazyLock<bool> = LazyLock::new(|| {
        // Asked before this process is bound itself: then it would see one core only.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        cores > 1
            && quietly("taskset")
                .arg("--version")
                .status()
                .is_ok_and(|status| status.success())
    });
    *CAN_PIN
}

fn quietly(program: &str) -> Blocking {
    let mut command = Blocking::new(program);
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind(("127.0.0.1", 0))?.local_addr()?)
}

/// The binary to measure: what was asked for, or a fresh build of the production form.
pub(crate) fn binary(given: Option<PathBuf>) -> anyhow::Result<PathBuf> {
    if let Some(binary) = given {
        return Ok(binary);
    }
    let own = std::env::current_exe()?;
    let target = own
        .ancestors()
        .nth(2)
        .context("this program is not in a target directory")?;
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../Cargo.toml");
    let status = Blocking::new("cargo")
        .args([
            "build",
            "--release",
            "-p",
            "engage-handover",
            "--no-default-features",
            "--manifest-path",
        ])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .status()
        .context("cannot run cargo; name a binary with --binary")?;
    if !status.success() {
        bail!("engage-handover cannot be built");
    }
    Ok(target.join("release").join("engage-handover"))
}
