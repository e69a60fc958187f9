//! Finds, starts and stops the browser.

use std::env;
use std::io::{self, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::process::{Child, Command};

const ARGUMENTS: [&str; 9] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--hide-scrollbars",
];

/// The programs of this machine.
pub(crate) struct Programs {
    driver: PathBuf,
    browser: PathBuf,
}

impl Programs {
    /// `None` where a browser is missing and nobody insists on one; that is said aloud.
    pub(crate) fn find() -> Option<Self> {
        let browser = ["chromium", "chromium-browser", "google-chrome"]
            .into_iter()
            .find_map(on_path);
        if let (Some(driver), Some(browser)) = (on_path("chromedriver"), browser) {
            return Some(Self { driver, browser });
        }
        let missing = "no browser: chromedriver and chromium are not on the PATH";
        assert!(
            env::var_os("CI").is_none_or(|value| value.is_empty()),
            "{missing}"
        );
        skipped(missing);
        None
    }
}

/// Past the harness, which swallows what passing tests print.
fn skipped(why: &str) {
    let _ = writeln!(io::stderr(), "SKIPPED: {why}");
}

fn on_path(program: &str) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    env::split_paths(&path)
        .map(|folder| folder.join(program))
        .find(|file| file.is_file())
}

/// What the page is looked at with.
#[derive(Clone, Copy)]
pub(crate) enum Screen {
    Desktop,
    /// 360 pixels wide.
    Phone,
}

/// A browser with an empty profile.
pub(crate) struct Browser {
    pub(crate) client: Client,
    driver: Child,
    _profile: TempDir,
}

impl Browser {
    pub(crate) async fn start(programs: &Programs, screen: Screen) -> anyhow::Result<Self> {
        let profile = tempfile::tempdir()?;
        let port = free_port()?;
        let driver = Command::new(&programs.driver)
            .arg(format!("--port={port}"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .context("chromedriver does not start")?;
        wait_for(port).await?;
        let mut options = json!({ "binary": programs.browser, "args": ARGUMENTS });
        let arguments = options["args"].as_array_mut().context("a list")?;
        arguments.push(json!(format!("--user-data-dir={}", profile.path().display())));
        match screen {
            Screen::Desktop => arguments.push(json!("--window-size=1440,1000")),
            Screen::Phone => {
                let metrics = json!({ "width": 360, "height": 740, "pixelRatio": 2.0, "touch": true });
                options["mobileEmulation"] = json!({ "deviceMetrics": metrics });
            }
        }
        let Value::Object(wanted) = json!({ "browserName": "chrome", "goog:chromeOptions": options }) else {
            anyhow::bail!("capabilities are an object");
        };
        let client = ClientBuilder::new(HttpConnector::new())
            .capabilities(wanted)
            .connect(&format!("http://127.0.0.1:{port}"))
            .await
            .context("the browser does not start")?;
        Ok(Self {
            client,
            driver,
            _profile: profile,
        })
    }

    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        self.client.close().await?;
        self.driver.kill().await?;
        Ok(())
    }
}

fn free_port() -> anyhow::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

async fn wait_for(port: u16) -> anyhow::Result<()> {
    for _ in 0..200 {
        if tokio::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port))
            .await
            .is_ok()
        {
            return Ok(());
        }
        pause(Duration::from_millis(50)).await;
    }
    ensure!(false, "chromedriver does not listen");
    Ok(())
}

#[expect(
    clippy::disallowed_methods,
    reason = "between two looks at another process; there is nothing to be woken by"
)]
pub(crate) async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
