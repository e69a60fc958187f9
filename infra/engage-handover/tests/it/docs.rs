//! Every command that the documentation shows is run as it stands, against a real bridge, or is on a list that says who
//! runs it instead. A new command that is neither fails this test.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};

use crate::bridge::{BOT_KEY, Bridge, OPERATOR_KEY};

const PATIENCE: Duration = Duration::from_mins(2);

/// Pages whose commands belong together with programs that somebody else starts.
const PAGES_ELSEWHERE: [(&str, &str); 4] = [
    (
        "docs/bots/python.md",
        "tests/integrations lives through it with the real bot",
    ),
    (
        "docs/bots/javascript.md",
        "tests/integrations lives through it with the real bot",
    ),
    (
        "docs/bots/rasa.md",
        "tests/integrations lives through it with Rasa's interfaces",
    ),
    ("docs/aws.md", "infra/aws/rehearse.py and tests/aws-stage"),
];

/// How commands begin that are not run here, and who runs them.
const ELSEWHERE: [(&str, &str); 12] = [
    ("cargo", ".ci/run builds and tests"),
    (".ci/run", "it runs this test"),
    ("integrations/install.sh", ".ci/run"),
    ("target/debug/soak", ".ci/run"),
    ("target/aws-tools/bin/python", ".ci/run"),
    ("python", ".ci/run"),
    (
        "sudo",
        "changes the machine; `the_unit_and_the_proxies_are_accepted` checks what is installed",
    ),
    ("podman", "needs a container engine"),
    ("sam", "infra/aws/rehearse.py deploys into an emulator"),
    (
        "aws",
        "tests/aws-stage and infra/aws/rehearse.py call the same with an emulator",
    ),
    ("git", "nothing of ours"),
    ("journalctl", "needs systemd"),
];

/// What is run here, by its first word.
const RUN: [&str; 8] = [
    "engage-handover",
    "curl",
    "openssl",
    "echo",
    "export",
    "sqlite3",
    "kill",
    "caddy",
];

#[derive(Debug)]
struct Command {
    text: String,
    /// What the page shows as its output.
    output: String,
}

#[tokio::test]
async fn every_command_in_the_documentation_works() {
    let mut unknown = Vec::new();
    let mut ran = 0;
    for page in pages() {
        if PAGES_ELSEWHERE.iter().any(|(elsewhere, _)| *elsewhere == page) {
            continue;
        }
        let commands = commands(&std::fs::read_to_string(root().join(&page)).unwrap());
        let mut here = Vec::new();
        for command in commands {
            if ELSEWHERE.iter().any(|(start, _)| begins(&command.text, start)) || names_a_stage(&command.text)
            {
                continue;
            }
            if RUN.iter().any(|start| begins(&command.text, start)) {
                let program = command.text.split(' ').next().unwrap_or_default();
                if program == "engage-handover" || is_installed(program) {
                    here.push(command);
                }
            } else {
                unknown.push(format!("{page}: {}", command.text));
            }
        }
        if !here.is_empty() {
            ran += here.len();
            run_page(&page, &here).await;
        }
    }
    assert!(
        unknown.is_empty(),
        "nobody runs these commands; add them to RUN or ELSEWHERE:\n{}",
        unknown.join("\n")
    );
    assert!(ran > 10, "only {ran} commands were found");
}

/// Runs a page's commands in one shell, in their order.
async fn run_page(page: &str, commands: &[Command]) {
    let mut bridge = Bridge::start().await;
    let dead_letter = prepare(&bridge).await;
    if commands.iter().any(|command| serves(&command.text)) {
        bridge.terminate().await;
    }
    let mut script = String::from("trap 'kill $(jobs -p) 2>/dev/null' EXIT\n");
    let health = bridge.url("").replace("/default", "/health");
    for (number, command) in commands.iter().enumerate() {
        let text = filled_in(&command.text, &bridge, &dead_letter);
        // tests/it/setup sets up whole accounts; here its arguments are read, and nobody's account is called.
        let text = if begins(&text, "engage-handover setup") {
            format!("{} --help", text.split("  #").next().unwrap_or_default())
        } else {
            text
        };
        let text = if serves(&text) {
            // A page may show several ways to start; one bridge at a time works on a directory.
            let listen = if text.contains("--listen") {
                String::new()
            } else {
                format!(
                    "--listen {}",
                    bridge.url("").replace("http://", "").replace("/default", "")
                )
            };
            format!("{text} {listen} &\nuntil curl -fs {health} >/dev/null; do :; done")
        } else {
            text
        };
        let _ = write!(script, "echo '@@@ {number}'\n{text}\necho \"@@@ status $?\"\n");
    }
    let binary = Path::new(env!("CARGO_BIN_EXE_engage-handover"));
    let folder = binary.parent().unwrap().display();
    let script = format!(
        "PATH={folder}:$PATH
{script}"
    );
    let output = tokio::process::Command::new("bash")
        .args(["-c", &script])
        .current_dir(bridge.dir.path())
        .env("BOT_KEY", BOT_KEY)
        .env("OPERATOR_KEY", OPERATOR_KEY)
        .kill_on_drop(true)
        .output();
    let output = tokio::time::timeout(PATIENCE, output)
        .await
        .unwrap_or_else(|_| panic!("{page}: its commands take too long:\n{script}"))
        .unwrap();
    let (stdout, stderr) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    let results = results(&stdout);
    for (number, command) in commands.iter().enumerate() {
        let (said, status) = results.get(&number).cloned().unwrap_or_default();
        // A diagnosis that finds something to improve is one that worked.
        let diagnosed = begins(&command.text, "engage-handover doctor")
            && [3, 4].contains(&status)
            && said.contains("default")
            && said.contains("webhook");
        let fine = status == 0 || diagnosed;
        assert!(
            fine,
            "{page}: exit {status} of\n$ {}\n{said}\n{stderr}",
            command.text
        );
        expect(page, command, &said);
    }
}

/// A conversation that the pages talk about, and a dead letter.
async fn prepare(bridge: &Bridge) -> String {
    bridge.bot_answers(Some(400));
    let message = json!({"id": "m-0", "from": "user", "text": "Hello", "user": {"id": "u-7"}});
    bridge
        .insist("/conversations/c-41/messages", message.clone())
        .await;
    bridge.insist("/conversations/c-42/messages", message).await;
    bridge
        .insist(
            "/conversations/c-7/messages",
            json!({"id": "m-0", "from": "user", "text": "Hello"}),
        )
        .await;
    bridge.insist("/conversations/c-7/handover", json!({})).await;
    bridge.insist("/conversations/c-41/handover", json!({})).await;
    let (status, _) = bridge
        .api(Method::DELETE, "/conversations/c-41/handover", json!({}))
        .await
        .unwrap();
    assert_eq!(status, 202);
    // The bot refuses to be told of it.
    loop {
        let listed = tokio::process::Command::new(env!("CARGO_BIN_EXE_engage-handover"))
            .args(["dead-letters", "list", "--json", "--config"])
            .arg(bridge.config())
            .arg("--data")
            .arg(bridge.data())
            .output()
            .await
            .unwrap();
        let letters: Value = serde_json::from_slice(&listed.stdout).unwrap();
        if let Some(id) = letters[0]["id"].as_str() {
            bridge.bot_answers(None);
            return id.to_owned();
        }
    }
}

/// The page's example values, made those of the bridge that runs here.
fn filled_in(text: &str, bridge: &Bridge, dead_letter: &str) -> String {
    let origin = bridge.url("").replace("/default", "");
    let listen = origin.trim_start_matches("http://");
    let (config, data) = (bridge.config(), bridge.data());
    let replacements = [
        ("https://bridge.example.org", origin.as_str()),
        ("127.0.0.1:8080", listen),
        ("/etc/engage-handover/connections.toml", config.to_str().unwrap()),
        ("/var/lib/engage-handover", data.to_str().unwrap()),
        ("/var/backups", bridge.dir.path().to_str().unwrap()),
        ("--config FILE", "--config connections.toml"),
        ("--data DIR", "--data data"),
        ("CONVERSATION", "c-42"),
        ("USER_ID", "u-7"),
        (" ID", &format!(" {dead_letter}")),
        (
            "infra/one-machine",
            root().join("infra/one-machine").to_str().unwrap(),
        ),
    ]
    .map(|(from, to)| (from.to_owned(), to.to_owned()));
    replacements
        .iter()
        .fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
}

/// What a page shows as JSON must be what comes, member by member. `…` stands for anything.
fn expect(page: &str, command: &Command, said: &str) {
    let Ok(shown) = serde_json::from_str::<Value>(&command.output) else {
        return;
    };
    let came: Value = serde_json::from_str(said.trim())
        .unwrap_or_else(|_| panic!("{page}: no JSON came of\n$ {}\n{said}", command.text));
    assert!(
        is_like(&shown, &came),
        "{page}: $ {}\nshown: {shown}\ncame:  {came}",
        command.text
    );
}

fn is_like(shown: &Value, came: &Value) -> bool {
    match (shown, came) {
        (Value::String(any), _) if any == "…" => true,
        (Value::Object(shown), Value::Object(came)) => {
            shown.keys().eq(came.keys()) && shown.iter().all(|(key, value)| is_like(value, &came[key]))
        }
        (Value::Array(shown), Value::Array(came)) => {
            shown.len() == came.len() && shown.iter().zip(came).all(|(shown, came)| is_like(shown, came))
        }
        _ => shown == came,
    }
}

/// What each command printed, and how it ended.
fn results(stdout: &str) -> BTreeMap<usize, (String, i32)> {
    let mut results = BTreeMap::new();
    for part in stdout.split("@@@ ").skip(1) {
        if let Some(status) = part.strip_prefix("status ") {
            if let Some(mut last) = results.last_entry() {
                let last: &mut (String, i32) = last.get_mut();
                last.1 = status.trim().parse().unwrap();
            }
        } else if let Some((number, said)) = part.split_once('\n') {
            results.insert(number.trim().parse().unwrap(), (said.to_owned(), -1));
        }
    }
    results
}

/// Whether the shell knows a program; says so if not. CI has them all.
fn is_installed(program: &str) -> bool {
    let found = std::process::Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output();
    let found = found.unwrap().status.success();
    if !found {
        let mut log = std::io::stderr();
        let _ = std::io::Write::write_fmt(&mut log, format_args!("SKIPPED: {program} is not installed\n"));
    }
    found
}

fn begins(text: &str, start: &str) -> bool {
    text == start
        || text
            .strip_prefix(start)
            .is_some_and(|rest| rest.starts_with([' ', '3']))
}

fn serves(text: &str) -> bool {
    begins(text, "engage-handover serve")
}

/// Commands against AWS are run by tests/aws-stage.
fn names_a_stage(text: &str) -> bool {
    begins(text, "engage-handover") && text.contains("--stage ")
}

/// The commands of a page's `console` blocks.
fn commands(page: &str) -> Vec<Command> {
    let mut commands: Vec<Command> = Vec::new();
    let mut inside = false;
    let mut goes_on = false;
    for line in page.lines() {
        let line = line.trim_start();
        if line.starts_with("```") {
            inside = line == "```console";
            goes_on = false;
            continue;
        }
        if !inside {
            continue;
        }
        if let Some(command) = line.strip_prefix("$ ") {
            commands.push(Command {
                text: command.to_owned(),
                output: String::new(),
            });
        } else if let (true, Some(last)) = (goes_on, commands.last_mut()) {
            last.text += "\n";
            last.text += line;
        } else if let (false, Some(last)) = (line.starts_with('#'), commands.last_mut()) {
            last.output += line;
            last.output += "\n";
            continue;
        }
        goes_on = line.ends_with('\\');
    }
    commands
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../..")
        .canonicalize()
        .unwrap()
}

fn pages() -> Vec<String> {
    let mut pages = vec![];
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(root()).unwrap().to_str().unwrap().to_owned();
            if path.is_dir() && (name == "docs" || name.starts_with("docs/")) {
                folders.push(path);
            } else if Path::new(&name)
                .extension()
                .is_some_and(|extension| extension == "md")
            {
                pages.push(name);
            }
        }
    }
    pages.sort();
    pages
}

#[test]
fn a_page_is_read_as_a_person_reads_it() {
    let page = "text\n   ```console\n   # first\n   $ curl a \\\n       -d b\n   {\"x\": 1}\n   $ echo c\n   ```\n```toml\n$ no\n```\n";
    let commands = commands(page);
    assert_eq!(commands.len(), 2, "{commands:?}");
    assert_eq!(commands[0].text, "curl a \\\n-d b");
    assert_eq!(commands[0].output, "{\"x\": 1}\n");
}

/// All files below a folder.
fn sources(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                sources(&path)
            } else {
                vec![std::fs::read_to_string(path).unwrap()]
            }
        })
        .collect()
}

/// What the workers give up with, and where they say it. Each reason has a row in docs/operations.md.
#[test]
fn every_reason_of_a_dead_letter_is_explained() {
    let page = std::fs::read_to_string(root().join("docs/operations.md")).unwrap();
    let mut reasons = Vec::new();
    for source in sources(&root().join("shared/handlers/src/work")) {
        // `Why::new(code, "reason")` and `reason: "…"`.
        for part in source.split("Why::new(").skip(1) {
            let call = part.split_once(')').map_or(part, |(call, _)| call);
            reasons.extend(call.split('"').nth(3).map(str::to_owned));
        }
        for part in source.split("reason: \"").skip(1) {
            reasons.extend(part.split('"').next().map(str::to_owned));
        }
    }
    for ports in ["bot.rs", "ringcx.rs"] {
        let source = std::fs::read_to_string(root().join("shared/core/src/ports").join(ports)).unwrap();
        for part in source.split("#[error(").skip(1) {
            reasons.extend(part.split('"').nth(1).map(str::to_owned));
        }
    }
    assert!(reasons.len() > 15, "{reasons:?}");
    // What only waits is never given up.
    let waits = [
        "our own REST budget is used up",
        "the limit of calls to the bot is reached",
    ];
    let unexplained: Vec<&String> = reasons
        .iter()
        .filter(|reason| !waits.contains(&reason.as_str()))
        .filter(|reason| {
            let start: String = reason
                .split(['(', ',', ';', ':', '{'])
                .next()
                .unwrap_or_default()
                .trim()
                .to_owned();
            !page.contains(&start)
        })
        .collect();
    assert!(
        unexplained.is_empty(),
        "no row in docs/operations.md for {unexplained:#?}"
    );
}

/// The systemd unit and the proxies' files that the pages tell people to install.
#[tokio::test]
async fn the_unit_and_the_proxies_are_accepted() {
    let kit = root().join("infra/one-machine");
    if is_installed("systemd-analyze") {
        let checked = std::process::Command::new("systemd-analyze")
            .arg("verify")
            .arg(kit.join("engage-handover.service"))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&checked.stderr).into_owned();
        let complaints: Vec<&str> = said
            .lines()
            .filter(|line| line.contains("engage-handover.service") && !line.contains("is not executable"))
            .collect();
        assert!(complaints.is_empty(), "{said}");
    }
    if is_installed("caddy") {
        let checked = std::process::Command::new("caddy")
            .args(["validate", "--adapter", "caddyfile", "--config"])
            .arg(kit.join("Caddyfile"))
            .output()
            .unwrap();
        assert!(
            checked.status.success(),
            "{}",
            String::from_utf8_lossy(&checked.stderr)
        );
    }
}
