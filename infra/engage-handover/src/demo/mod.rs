//! `engage-handover demo`: the whole way from a chatbot to an agent's desk on one machine.
//!
//! It starts a simulated RingCentral Engage Digital, the one-machine stage of the bridge, a small
//! scripted bot, and a page that shows all of them side by side. Nothing leaves the machine, and all
//! secrets are made up at the start.
//!
//! | module | owns |
//! |---|---|
//! | `config` | the secrets and the connection's TOML |
//! | `bridge` | the bot's client of the bot API |
//! | `bot` | what the bot understands and says |
//! | `host` | the bot at work: chat windows, wording and bridge joined |
//! | `inbox` | where the bridge's signed events arrive |
//! | `events` | what they mean for a chat |
//! | `chat` | one conversation as the customer sees it |
//! | `customers` | who chats |
//! | `desk` | the way to the simulated desk |
//! | `live` | the stream that the page follows |
//! | `native` | the second tab: a channel that RCE owns |
//! | `web`, `page` | the HTTP server and the page's files |

mod bot;
mod bridge;
mod chat;
mod config;
mod customers;
mod desk;
mod events;
mod host;
mod inbox;
mod live;
mod native;
mod page;
mod start;
mod web;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use start::{Demo, start};

/// How to start the demo.
#[derive(Clone, Debug)]
pub struct DemoOptions {
    /// Where the page is served; if the port is taken, a free one is used.
    pub listen: SocketAddr,
    /// Whether to open the page in the browser of this machine.
    pub open_browser: bool,
    /// Where the bridge keeps its database; a temporary directory if not given.
    pub data: Option<PathBuf>,
    /// Divides the times after which the simulated RCE tries again what failed.
    pub speed: f64,
}

impl Default for DemoOptions {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from((Ipv4Addr::LOCALHOST, 8080)),
            open_browser: true,
            data: None,
            speed: 1.0,
        }
    }
}

/// Runs the demo until Ctrl-C.
pub async fn run(options: DemoOptions) -> anyhow::Result<()> {
    let open_browser = options.open_browser;
    let demo = start(options).await?;
    out(&format!("The demo runs at {}", demo.url()));
    out("On the left you are a customer, on the right an agent; watch the bridge between them.");
    out("The second tab shows a channel of RingCentral's own, such as WhatsApp.");
    out("The RingCentral Engage Digital you see is simulated. Ctrl-C stops everything.");
    if open_browser {
        browse(demo.url());
    }
    tokio::signal::ctrl_c().await?;
    out("");
    out("Stopping.");
    demo.stop().await
}

/// Opens the page if there is a screen. Nobody misses it if not.
fn browse(url: &str) {
    let (program, has_screen) = if cfg!(target_os = "macos") {
        ("open", true)
    } else {
        let is_set = |name| std::env::var_os(name).is_some_and(|value| !value.is_empty());
        ("xdg-open", is_set("DISPLAY") || is_set("WAYLAND_DISPLAY"))
    };
    if !has_screen {
        return;
    }
    let quiet = std::process::Stdio::null;
    let started = tokio::process::Command::new(program)
        .arg(url)
        .stdin(quiet())
        .stdout(quiet())
        .stderr(quiet())
        .spawn();
    if let Ok(mut child) = started {
        tokio::spawn(async move { child.wait().await });
    }
}

#[expect(
    clippy::print_stdout,
    reason = "the command's own words to the person who started it"
)]
fn out(line: &str) {
    println!("{line}");
}

/// A pause as people make it: nothing of the bridge waits here.
#[expect(
    clippy::disallowed_methods,
    reason = "the demo plays people; no work of the bridge waits here"
)]
async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}

/// Unix milliseconds, for the page.
#[expect(
    clippy::disallowed_methods,
    reason = "times on a page of the demo, not of the bridge"
)]
fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
