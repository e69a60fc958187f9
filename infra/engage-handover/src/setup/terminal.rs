//! The person at the terminal: what they read, and what they are asked.

use std::io::{IsTerminal as _, Write as _};
use std::sync::Mutex;
use std::sync::OnceLock;

use handover_handlers::config::Lookup;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::sync::mpsc;

use crate::commands::Failure;
use crate::output;

/// What the terminal was like before its echo was switched off: who interrupts us wants it back.
static WITH_ECHO: OnceLock<Mutex<Option<Termios>>> = OnceLock::new();

/// The terminal, or what stands in for it.
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is something that a terminal has or not"
)]
pub(crate) struct Terminal {
    /// Standard output is for one JSON document; what people read goes to standard error.
    json: bool,
    /// Whether there is somebody who can answer.
    asks: bool,
    /// Whether a line may be written over.
    live: bool,
    marks: bool,
    lines: tokio::sync::Mutex<Option<mpsc::UnboundedReceiver<String>>>,
    /// Whether the last line is one that is written over.
    over: Mutex<bool>,
}

impl Terminal {
    pub(crate) fn new(json: bool, lookup: &dyn Lookup) -> Self {
        let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
            .into_iter()
            .find_map(|name| lookup.env(name).filter(|value| !value.is_empty()))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let out_is_terminal = if json {
            std::io::stderr().is_terminal()
        } else {
            std::io::stdout().is_terminal()
        };
        Self {
            json,
            asks: !json && std::io::stdin().is_terminal(),
            live: out_is_terminal,
            marks: locale.contains("utf-8") || locale.contains("utf8"),
            lines: tokio::sync::Mutex::new(None),
            over: Mutex::new(false),
        }
    }

    pub(crate) fn asks(&self) -> bool {
        self.asks
    }

    pub(crate) fn is_json(&self) -> bool {
        self.json
    }

    /// In front of what is done.
    pub(crate) fn mark(&self) -> &'static str {
        if self.marks { "✓" } else { "ok" }
    }

    pub(crate) fn arrow(&self) -> &'static str {
        if self.marks { "→" } else { "->" }
    }

    pub(crate) fn say(&self, text: &str) {
        self.end_of_passing_line();
        self.write(&output::harmless(text), "\n");
    }

    /// A line that the next one replaces, where that is possible; elsewhere it is not written.
    pub(crate) fn pass(&self, text: &str) {
        if self.live {
            self.write(&format!("\r\x1b[K{}", output::harmless(text)), "");
            self.set_over(true);
        }
    }

    /// Nothing more will be said.
    pub(crate) fn end(&self) {
        self.end_of_passing_line();
    }

    fn end_of_passing_line(&self) {
        if self.set_over(false) {
            self.write("\r\x1b[K", "");
        }
    }

    fn set_over(&self, to: bool) -> bool {
        let mut over = self
            .over
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        std::mem::replace(&mut over, to)
    }

    fn write(&self, text: &str, end: &str) {
        // A reader that is gone (`| head`) is no error.
        let _ = if self.json {
            let mut out = std::io::stderr().lock();
            write!(out, "{text}{end}").and_then(|()| out.flush())
        } else {
            let mut out = std::io::stdout().lock();
            write!(out, "{text}{end}").and_then(|()| out.flush())
        };
    }

    /// Asks for a line; empty is the default, if there is one.
    pub(crate) async fn ask(
        &self,
        question: &str,
        hint: &str,
        default: Option<&str>,
    ) -> Result<String, Failure> {
        self.say("");
        self.say(&format!("{question}\n  {hint}"));
        loop {
            let prompt = default.map_or_else(|| "> ".to_owned(), |default| format!("[{default}] > "));
            let line = self.line(&prompt).await?;
            match (line.trim(), default) {
                ("", Some(default)) => return Ok(default.to_owned()),
                ("", None) => self.say("  Something is needed here."),
                (line, _) => return Ok(line.to_owned()),
            }
        }
    }

    /// Asks until the answer can be used.
    pub(crate) async fn ask_for<T>(
        &self,
        question: &str,
        hint: &str,
        default: Option<&str>,
        read: impl Fn(&str) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        loop {
            let typed = self.ask(question, hint, default).await?;
            match read(&typed) {
                Err(Failure::Theirs(error)) => self.say(&format!("  {error}")),
                outcome => return outcome,
            }
        }
    }

    /// Asks for what nobody shall see.
    pub(crate) async fn ask_secret(&self, question: &str, hint: &str) -> Result<String, Failure> {
        self.say("");
        self.say(&format!("{question}\n  {hint}"));
        loop {
            let hidden = Hidden::new();
            let line = self.line("(not shown) > ").await;
            drop(hidden);
            self.say("");
            let line = line?;
            if !line.trim().is_empty() {
                return Ok(line.trim().to_owned());
            }
            self.say("  Something is needed here.");
        }
    }

    /// Yes only if somebody says so.
    pub(crate) async fn confirm(&self, question: &str) -> Result<bool, Failure> {
        let line = self.line(&format!("{question} [y/N] ")).await?;
        Ok(matches!(line.trim().to_ascii_lowercase().as_str(), "y" | "yes"))
    }

    /// The next line that the person types.
    async fn line(&self, prompt: &str) -> Result<String, Failure> {
        self.end_of_passing_line();
        self.write(prompt, "");
        self.typed().await.ok_or_else(|| {
            Failure::Theirs("the terminal was closed before everything was answered".to_owned())
        })
    }

    /// What was typed while nobody asked answers no question.
    pub(crate) async fn forget_typed(&self) {
        let mut lines = self.lines.lock().await;
        while lines.as_mut().is_some_and(|lines| lines.try_recv().is_ok()) {}
    }

    /// Waits for a line; may be abandoned. `None`: there will be none.
    pub(crate) async fn typed(&self) -> Option<String> {
        self.lines
            .lock()
            .await
            .get_or_insert_with(read_lines)
            .recv()
            .await
    }
}

/// Standard input, line by line, by a thread of its own: a read cannot be abandoned, waiting for it can.
fn read_lines() -> mpsc::UnboundedReceiver<String> {
    let (sender, receiver) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines() {
            let Ok(line) = line else { return };
            if sender.send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

/// No echo, as long as it lives.
struct Hidden;

impl Hidden {
    fn new() -> Self {
        let stdin = std::io::stdin();
        if let Ok(before) = tcgetattr(&stdin) {
            let mut without = before.clone();
            without.local_modes.remove(LocalModes::ECHO);
            let cell = WITH_ECHO.get_or_init(Mutex::default);
            *cell.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Some(before);
            let _ = tcsetattr(&stdin, OptionalActions::Now, &without);
        }
        Self
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        restore_echo();
    }
}

/// Leaves the terminal as it was found.
pub(crate) fn restore_echo() {
    let before = WITH_ECHO.get().and_then(|cell| {
        cell.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
            .take()
    });
    if let Some(before) = before {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, &before);
    }
}
