//! The AWS stage in miniature: seven functions, the gateway, the event sources, and AWS's stand-ins.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::sync::Arc;
use std::time::Duration;

use handover_emulators::{CREDENTIALS, DynamoDb, Ministack, Queue, Queues, REGION, Tools, unique};
use serde_json::json;
use tokio::process::Command;

use crate::event_source::EventSource;
use crate::function::{Definition, Failed, Function};
use crate::gateway::Gateway;
use crate::proxy::Proxy;
use crate::world::{CONNECTION, PUBLIC_URL, Stage, World, eventually};

const TARGET: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target");

/// The functions with the time that the template gives them.
const FUNCTIONS: [(&str, u64); 7] = [
    ("webhook-intake", 10),
    ("source-sdk", 10),
    ("handover-requests", 10),
    ("agent-messages", 30),
    ("ringcx-delivery", 60),
    ("queue-updates", 30),
    (WATCH, 60),
];
/// The function that a schedule invokes.
const WATCH: &str = "handover-watch";

/// What is different from the usual.
#[derive(Clone, Copy, Debug, Default)]
pub struct Setup {
    /// The functions run behind the official emulator of the Runtime API.
    pub official: bool,
    /// The connection's timers, as its settings have them.
    pub timers: &'static str,
    /// The bot answers people on a channel of RCE's own.
    pub native: bool,
}

/// The running stage.
pub struct AwsStage {
    // Dropped in this order: first those who ask, then those who answer.
    pub to_bot: EventSource,
    pub to_ringcx: EventSource,
    pub queue_updates: EventSource,
    pub gateway: Gateway,
    functions: BTreeMap<&'static str, Arc<Function>>,
    proxies: BTreeMap<&'static str, Proxy>,
    world: World,
    name: String,
    /// Between the command and AWS.
    operator: Proxy,
    pub table: String,
    pub settings: String,
    pub dynamodb: DynamoDb,
    pub aws: Ministack,
}

impl AwsStage {
    /// `None`: something cannot be had here, and SKIPPED was printed.
    pub async fn start() -> Option<Self> {
        Self::start_with(Setup::default()).await
    }

    pub async fn start_with(setup: Setup) -> Option<Self> {
        let dynamodb = DynamoDb::start().await?;
        let aws = Ministack::start().await?;
        let mut world = World::start(setup.timers, setup.native).await;
        let stage = unique("stage");
        let table = unique("handover");
        let settings = format!("/engage-handover/{stage}/connections");
        dynamodb.create_table(&table).await;
        let bucket = unique("files");
        aws.create_bucket(&bucket).await;
        let queues = Queues::create(aws.url(), &format!("engage-handover-{stage}")).await;
        aws.put_parameter(&format!("{settings}/{CONNECTION}"), &world.toml())
            .await;

        let described = json!({
            "table": table,
            "to_bot_queue_url": queues.to_bot.url,
            "to_ringcx_queue_url": queues.to_ringcx.url,
            "queue_updates_queue_url": queues.queue_updates.url,
            "settings_path": settings,
            "files_bucket": bucket,
            "public_url": PUBLIC_URL,
        });
        let parameter = json!({
            "Name": format!("/engage-handover/{stage}/stage"), "Type": "String", "Value": described.to_string(),
        });
        aws.call("AmazonSSM.PutParameter", &parameter).await;

        let mut functions = BTreeMap::new();
        let mut proxies = BTreeMap::new();
        for (name, seconds) in FUNCTIONS {
            let proxy = Proxy::before_aws(dynamodb.url(), aws.url()).await;
            let mut environment: Vec<(String, String)> = CREDENTIALS
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .to_vec();
            let mut set = |name: &str, value: &str| environment.push((name.to_owned(), value.to_owned()));
            set("AWS_ENDPOINT_URL", proxy.url());
            set("HANDOVER_STAGE", &stage);
            set("HANDOVER_TABLE", &table);
            set("HANDOVER_TO_BOT_QUEUE_URL", &queues.to_bot.url);
            set("HANDOVER_TO_RINGCX_QUEUE_URL", &queues.to_ringcx.url);
            set("HANDOVER_QUEUE_UPDATES_QUEUE_URL", &queues.queue_updates.url);
            set("HANDOVER_SETTINGS_PATH", &settings);
            // Signatures are for the host that is asked, so nobody stands in between.
            set("AWS_ENDPOINT_URL_S3", aws.url());
            set("HANDOVER_FILES_BUCKET", &bucket);
            set("HANDOVER_PUBLIC_URL", PUBLIC_URL);
            set("HANDOVER_LOG", "info");
            if let Some(queue) = works_off(name, &queues) {
                set("HANDOVER_DEAD_LETTERS_URL", &queue.dead_letters_url);
            }
            let definition = Definition {
                name,
                bootstrap: bootstrap(name),
                environment,
                timeout: Duration::from_secs(seconds),
                concurrency: if setup.official { 1 } else { 4 },
                official: setup.official.then(official_emulator),
                log: PathBuf::from(format!("{TARGET}/emulators/{stage}-{name}.log")),
            };
            // Of another process that had our number.
            let _ = std::fs::remove_file(&definition.log);
            proxies.insert(name, proxy);
            functions.insert(name, Arc::new(Function::new(definition)));
        }
        let source = |name: &str| {
            let queue = works_off(name, &queues).expect("a worker");
            EventSource::new(queue.clone(), Arc::clone(&functions[name]))
        };
        let gateway = Gateway::start(functions.values().map(Arc::clone)).await;
        world.connect(gateway.url()).await;
        let operator = Proxy::before_aws(dynamodb.url(), aws.url()).await;
        Some(Self {
            name: stage,
            operator,
            to_bot: source("agent-messages"),
            to_ringcx: source("ringcx-delivery"),
            queue_updates: source("queue-updates"),
            gateway,
            functions,
            proxies,
            world,
            table,
            settings,
            dynamodb,
            aws,
        })
    }

    /// What an operator types, with `--stage` and the emulators' credentials.
    pub async fn command(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(built("engage-handover"));
        command
            .args(arguments)
            .args(["--stage", &self.name])
            .env_clear()
            .envs(CREDENTIALS)
            .env("AWS_ENDPOINT_URL", self.operator.url())
            .kill_on_drop(true);
        command.output().await.expect("the command runs")
    }

    /// What the command asks AWS.
    pub fn calls_of_operator(&self) -> &Proxy {
        &self.operator
    }

    pub fn function(&self, name: &str) -> &Function {
        &self.functions[name]
    }

    pub fn functions(&self) -> impl Iterator<Item = &Function> {
        self.functions.values().map(AsRef::as_ref)
    }

    /// What a function asks AWS.
    pub fn calls_of(&self, name: &str) -> &Proxy {
        &self.proxies[name]
    }

    pub fn proxies(&self) -> impl Iterator<Item = &Proxy> {
        self.proxies.values()
    }

    pub fn sources(&self) -> [&EventSource; 3] {
        [&self.to_bot, &self.to_ringcx, &self.queue_updates]
    }

    /// The schedule's event. How many handovers somebody was sent to look after.
    pub async fn try_tick(&self) -> Result<u64, Failed> {
        let event = json!({
            "version": "0",
            "source": "aws.events",
            "detail-type": "Scheduled Event",
            "region": REGION,
            "resources": ["arn:aws:events:eu-central-1:000000000000:rule/miniature"],
            "detail": {},
        });
        let answer = self.function(WATCH).invoke(&event).await?;
        let sent = answer["sent"].as_u64();
        Ok(sent.unwrap_or_else(|| panic!("{WATCH} answers {answer}")))
    }

    /// Waits until no queue holds anything.
    pub async fn until_quiet(&self) {
        for _ in 0..2 {
            // Twice: what one queue held may be on another by now.
            for source in self.sources() {
                let empty = async || source.queue().depth().await == (0, 0);
                eventually("a queue is empty", empty).await;
            }
        }
    }
}

impl Stage for AwsStage {
    fn world(&self) -> &World {
        &self.world
    }

    async fn tick(&self) {
        // What fails is due at the next one.
        drop(self.try_tick().await);
    }

    async fn restart(&mut self) {
        self.functions().for_each(Function::retire);
    }

    async fn finish(self) {
        self.until_quiet().await;
        for source in self.sources() {
            let dead = source.queue().look_at_dead_letters().await;
            assert!(dead.is_empty(), "unexpected dead letters: {dead:#?}");
        }
        let put_aside = put_aside(&self).await;
        assert!(put_aside.is_empty(), "unexpected dead letters: {put_aside:#?}");
        // Where a function dies, the gateway answers for it, and cannot sign.
        self.world.check(self.functions().any(Function::was_killed));
    }
}

/// What the code put aside.
async fn put_aside(stage: &AwsStage) -> Vec<serde_json::Value> {
    let mut items = stage.dynamodb.items(&stage.table).await;
    items.retain(|item| item["pk"]["S"] == "dead");
    items
}

fn works_off<'a>(function: &str, queues: &'a Queues) -> Option<&'a Queue> {
    match function {
        "agent-messages" => Some(&queues.to_bot),
        "ringcx-delivery" => Some(&queues.to_ringcx),
        "queue-updates" => Some(&queues.queue_updates),
        _ => None,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "which binaries are tested is not a setting of the bridge"
)]
fn bootstrap(name: &str) -> PathBuf {
    let path = match std::env::var("HANDOVER_BOOTSTRAPS") {
        Ok(directory) => PathBuf::from(directory).join(name).join("bootstrap"),
        Err(_) => return built(name),
    };
    // Tests run in their crate's directory, people name paths from the top.
    exists(&path)
}

/// A program of the debug build.
fn built(name: &str) -> PathBuf {
    exists(&PathBuf::from(TARGET).join("debug").join(name))
}

fn exists(path: &Path) -> PathBuf {
    let from_top = PathBuf::from(TARGET).join("..").join(path);
    from_top.canonicalize().unwrap_or_else(|error| {
        panic!(
            "{}: {error}; build the functions first, see the crate's documentation",
            path.display()
        )
    })
}

/// The program that AWS's own tools use to run a function.
fn official_emulator() -> PathBuf {
    let tools = Tools::python().expect("the tools, which had an emulator for us before");
    let architecture = match std::env::consts::ARCH {
        "aarch64" => "arm64",
        other => other,
    };
    let libraries = std::fs::read_dir(tools.path("lib")).expect("a virtualenv");
    let found = libraries.flatten().find_map(|library| {
        let packages = library.path().join("site-packages");
        let emulator = packages.join(format!("samcli/local/rapid/aws-lambda-rie-{architecture}"));
        emulator.exists().then_some(emulator)
    });
    found.expect("aws-lambda-rie in aws-sam-cli")
}
