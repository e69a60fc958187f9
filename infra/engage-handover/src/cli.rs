//! Arguments and their help.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// The open handover bridge between chatbots and RingCentral Engage Digital.
#[derive(Debug, Parser)]
#[command(name = "engage-handover", version, max_term_width = 100)]
#[command(after_help = "Without a command, the demo starts: everything on this machine, nothing to set up.")]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Try it: a bot, a simulated RingCentral Engage Digital and the bridge, on this machine only
    #[cfg(feature = "demo")]
    Demo(Demo),
    /// Run the bridge on this machine
    Serve(Serve),
    /// Check a configuration without starting anything
    Check(Check),
    /// Check a connection from end to end against the live account: what is wrong, why it matters, how to mend it
    Doctor(Doctor),
    /// List conversations, the most recently changed first
    Conversations(Conversations),
    /// Show everything that happened to one conversation
    Timeline(Timeline),
    /// Look at what could not be delivered, and try again
    #[command(subcommand)]
    DeadLetters(DeadLetters),
    /// Give a conversation back to the bot by hand
    Release(Release),
    /// Let no new handover begin, and wait until those under way are over
    Drain(Drain),
    /// Erase everything that is kept about a conversation, or about a person
    Erase(Erase),
    /// Print the OpenAPI description of the bot API
    Openapi,
    /// Set up RingCentral and the configuration for a connection, or undo that
    Setup(Box<Setup>),
}

#[cfg(feature = "demo")]
impl Default for Command {
    fn default() -> Self {
        Self::Demo(Demo::default())
    }
}

#[cfg(not(feature = "demo"))]
impl Default for Command {
    fn default() -> Self {
        use clap::CommandFactory as _;
        Cli::command()
            .error(
                clap::error::ErrorKind::MissingSubcommand,
                "a command is missing; see --help",
            )
            .exit()
    }
}

#[cfg(feature = "demo")]
#[derive(Debug, Args)]
pub(crate) struct Demo {
    /// Where the demo page listens
    #[arg(long, default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Do not open a browser
    #[arg(long)]
    pub(crate) no_browser: bool,
    /// Keep the demo's data in this directory [default: a temporary one]
    #[arg(long, value_name = "DIR")]
    pub(crate) data: Option<PathBuf>,
    /// How many times faster than the real one the simulated RingCentral repeats failed calls
    #[arg(long, default_value_t = 10.0)]
    pub(crate) speed: f64,
}

#[cfg(feature = "demo")]
impl Default for Demo {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 8080)),
            no_browser: false,
            data: None,
            speed: 10.0,
        }
    }
}

#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// The configuration (connections.toml)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Where conversations and queues are kept; created if it is not there
    #[arg(long, value_name = "DIR")]
    pub(crate) data: PathBuf,
    /// Where to listen
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:8080")]
    pub(crate) listen: SocketAddr,
    /// Answer GET /metrics here without a key, for a scraper in a private network
    #[arg(long, value_name = "ADDR")]
    pub(crate) metrics_listen: Option<SocketAddr>,
    /// How to write the log to standard error
    #[arg(long, value_enum, default_value_t)]
    pub(crate) log: LogFormat,
}

#[derive(Clone, Copy, Debug, Default, ValueEnum)]
pub(crate) enum LogFormat {
    /// For people
    #[default]
    Plain,
    /// One JSON object a line
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct Check {
    /// The configuration (connections.toml)
    #[arg(long, value_name = "FILE")]
    pub(crate) config: PathBuf,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Two things are written, and neither changes anything: the bot's identity is announced to RingCentral with the same \
body as ever, and the connection's webhook, if it is active and answers here, is saved as it is, which makes \
RingCentral validate it (not with --no-round-trip). It is not saved if its verify token is another one than \
configured, or is not shown by RingCentral and no validation went well in the last 24 hours: RingCentral would switch \
it off. A webhook that RingCentral cannot reach, or that has another secret, is switched off by saving it; it delivers \
nothing before either.

Exit codes: 0 all is well; 3 there are warnings; 4 there are errors; 1 and 2 as ever (it failed here; wrong use).
docs/doctor.md explains every check.")]
pub(crate) struct Doctor {
    /// The configuration (connections.toml)
    #[arg(long, value_name = "FILE", required_unless_present = "stage")]
    pub(crate) config: Option<PathBuf>,
    /// The data directory that `serve` uses: what waits and what was given up is checked, too
    #[arg(long, value_name = "DIR", requires = "config")]
    pub(crate) data: Option<PathBuf>,
    /// A stage on AWS instead, by its name; region and credentials as the AWS CLI exports them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["config", "data"])]
    pub(crate) stage: Option<String>,
    /// Only this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Where the bridge is reached from outside, if neither the configuration nor the webhook tells, or without relayed messages
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// Do not save the webhook to make RingCentral call the bridge
    #[arg(long)]
    pub(crate) no_round_trip: bool,
    /// Say what was found also where all is well, and why each check matters
    #[arg(long)]
    pub(crate) verbose: bool,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Which bridge: one on this machine, also while it runs, or a stage on AWS.
#[derive(Debug, Args)]
pub(crate) struct Where {
    /// The configuration (connections.toml) of a bridge on this machine
    #[arg(
        long,
        value_name = "FILE",
        required_unless_present = "stage",
        requires = "data"
    )]
    pub(crate) config: Option<PathBuf>,
    /// The data directory that `serve` uses
    #[arg(
        long,
        value_name = "DIR",
        required_unless_present = "stage",
        requires = "config"
    )]
    pub(crate) data: Option<PathBuf>,
    /// A stage on AWS instead, by its name; region and credentials as the AWS CLI exports them
    #[arg(long, value_name = "NAME", conflicts_with_all = ["config", "data"])]
    pub(crate) stage: Option<String>,
    /// Write JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Conversations {
    #[command(flatten)]
    pub(crate) at: Where,
    /// List at most so many
    #[arg(long, default_value_t = 50)]
    pub(crate) limit: usize,
    /// Only handovers that are under way: those with an agent first, then who waits longest
    #[arg(long)]
    pub(crate) open: bool,
    /// Only those that this one has: bot or agent
    #[arg(long, value_name = "WHO")]
    pub(crate) handler: Option<String>,
    /// Only those whose current or last handover has this status, such as queued
    #[arg(long, value_name = "STATUS")]
    pub(crate) status: Option<String>,
    /// Only those of this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct Release {
    /// The conversation's id, as the bot knows it
    #[arg(value_name = "CONVERSATION")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) at: Where,
    /// The connection, if there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
}

/// Handover requests are answered `unavailable` (`disabled`) from then on, also after this command
/// ended and after restarts, until `drain --off`. Messages go on.
#[derive(Debug, Args)]
pub(crate) struct Drain {
    #[command(flatten)]
    pub(crate) at: Where,
    /// Only this connection
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Let handovers begin again
    #[arg(long, conflicts_with_all = ["show", "timeout"])]
    pub(crate) off: bool,
    /// Only show how far it is
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) show: bool,
    /// Wait at most so long; 0 does not wait [default: until everything is over]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<u64>,
}

/// The conversation, its timeline and messages, stored answers, jobs and dead letters. Nothing at RingCentral, at the bot and in
/// logs; hosted files end by themselves. There is no way back.
#[derive(Debug, Args)]
pub(crate) struct Erase {
    /// The conversation's id, as the bot knows it
    #[arg(value_name = "CONVERSATION")]
    pub(crate) id: Option<String>,
    /// All conversations of the person whom the bot calls so; looks through everything
    #[arg(long, value_name = "USER_ID", conflicts_with = "id")]
    pub(crate) person: Option<String>,
    #[command(flatten)]
    pub(crate) at: Where,
    /// The connection, if there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Also while agents have the conversation
    #[arg(long)]
    pub(crate) force: bool,
    /// Do not ask
    #[arg(long)]
    pub(crate) yes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct Timeline {
    /// The conversation's id, as the bot knows it
    #[arg(value_name = "CONVERSATION")]
    pub(crate) id: String,
    #[command(flatten)]
    pub(crate) at: Where,
    /// The connection, if there are several
    #[arg(long, value_name = "NAME")]
    pub(crate) connection: Option<String>,
    /// Show message text as well
    #[arg(long)]
    pub(crate) text: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DeadLetters {
    /// List them, oldest first
    List {
        #[command(flatten)]
        at: Where,
    },
    /// Show one, without message text
    Show {
        /// Its id, from the list
        id: String,
        #[command(flatten)]
        at: Where,
    },
    /// Send one again, or all of them
    Replay {
        /// Its id, from the list
        #[arg(required_unless_present = "all")]
        id: Option<String>,
        /// All of them
        #[arg(long, conflicts_with = "id")]
        all: bool,
        #[command(flatten)]
        at: Where,
    },
    /// Forget one for good
    Discard {
        /// Its id, from the list
        id: String,
        #[command(flatten)]
        at: Where,
    },
}

/// What is not given is taken from the configuration, or asked for at the terminal.
///
/// A secret is `env:NAME`, `file:PATH`, or - for a line of standard input; typed as it is, it stays in the shell's history.
#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
#[command(
    after_help = "Nothing is changed before you have seen the plan and said yes. A second run changes nothing; \
one that was interrupted goes on where it stopped. docs/setup-ringcentral.md has every step, also by hand."
)]
pub(crate) struct Setup {
    /// The account: its console's address, or the API's, such as `https://acme.api.engagement.dimelo.com`
    #[arg(long, value_name = "URL")]
    pub(crate) base_api_url: Option<String>,
    /// The API access token (a secret)
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    pub(crate) api_access_token: Option<String>,
    /// The source's Realtime Endpoint URL
    #[arg(long, value_name = "URL")]
    pub(crate) realtime_endpoint_url: Option<String>,
    /// The source's own API access token (a secret)
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    pub(crate) realtime_access_token: Option<String>,
    /// Whose channel people write on [default: source-sdk]
    #[arg(long, value_enum)]
    pub(crate) channel: Option<SetupChannel>,
    /// The source, by id or name [default: the one of the Realtime Endpoint URL]; with --channel native any number of them
    #[arg(long, value_name = "SOURCE")]
    pub(crate) source: Vec<String>,
    /// Where the bridge is reached from outside, such as `https://bridge.example.org`
    #[arg(long, value_name = "URL")]
    pub(crate) public_url: Option<String>,
    /// The connection's name, the first part of its addresses
    #[arg(long, value_name = "NAME", default_value = "default")]
    pub(crate) connection: String,
    /// Where the bot takes events (webhook), Cognigy's endpoints (cognigy), or Chatlayer's region or API (chatlayer)
    #[arg(long, value_name = "URL")]
    pub(crate) bot_url: Option<String>,
    /// What kind of bot it is [default: webhook]
    #[arg(long, value_enum)]
    pub(crate) bot_kind: Option<BotKind>,
    /// Chatlayer's API token (a secret)
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    pub(crate) bot_access_token: Option<String>,
    /// With --channel native and Cognigy: the end of the endpoint's URL (a secret) [default: that of --bot-url]
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    pub(crate) bot_url_token: Option<String>,
    /// With --channel native and Cognigy: what kind of endpoint it is [default: rest]
    #[arg(long, value_enum)]
    pub(crate) bot_endpoint: Option<BotEndpoint>,
    /// With --channel native and Chatlayer: the address that the page of the bot's webhook channel shows
    #[arg(long, value_name = "URL")]
    pub(crate) bot_channel_url: Option<String>,
    /// With --channel native and Chatlayer: the token for it (a secret)
    #[arg(long, value_name = "SECRET", allow_hyphen_values = true)]
    pub(crate) bot_channel_token: Option<String>,
    /// Chatlayer's id of the bot
    #[arg(long, value_name = "ID")]
    pub(crate) bot_id: Option<String>,
    /// The category above Bot and Agent [default: Bot handover]
    #[arg(long, value_name = "NAME")]
    pub(crate) parent: Option<String>,
    /// Who answers: e-mail addresses, ids, team:NAME, role:NAME or all, separated by commas
    #[arg(long, value_name = "WHO", value_delimiter = ',')]
    pub(crate) agents: Vec<String>,
    /// The name that the bot speaks under [default: Bot]
    #[arg(long, value_name = "NAME")]
    pub(crate) bot_name: Option<String>,
    /// The name that agents speak under [default: Agent]
    #[arg(long, value_name = "NAME")]
    pub(crate) agent_name: Option<String>,
    /// The agents' folder [default: Handed over by the bot]
    #[arg(long, value_name = "NAME")]
    pub(crate) folder: Option<String>,
    /// Which events the webhook reports [default: recommended]
    #[arg(long, value_enum)]
    pub(crate) events: Option<crate::setup::Events>,
    /// Two addresses, one for the source and one for the webhook, instead of one for both
    #[arg(long)]
    pub(crate) separate_urls: bool,
    /// The configuration to write
    #[arg(long, value_name = "FILE", default_value = "connections.toml")]
    pub(crate) config: PathBuf,
    /// A stage on AWS instead, by its name; region and credentials as the AWS CLI exports them
    #[arg(long, value_name = "NAME", conflicts_with = "config")]
    pub(crate) stage: Option<String>,
    /// Show the plan and change nothing
    #[arg(long)]
    pub(crate) dry_run: bool,
    /// Do not ask whether to go ahead
    #[arg(long)]
    pub(crate) yes: bool,
    /// Also delete other webhooks that lead to this connection
    #[arg(long)]
    pub(crate) delete_other_webhooks: bool,
    /// Longest time to wait for somebody to do something by hand, or for the bridge [default: for ever at a terminal, else 600]
    #[arg(long, value_name = "SECONDS")]
    pub(crate) wait: Option<u64>,
    /// Write one JSON document to standard output, and what people read to standard error
    #[arg(long)]
    pub(crate) json: bool,
    /// Undo what setup did for this connection
    #[arg(long)]
    pub(crate) remove: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SetupChannel {
    /// The bot's own, mirrored into an Engage Digital Source SDK channel
    SourceSdk,
    /// RingCentral's: `WhatsApp`, Messenger, Apple Messages, e-mail, SMS, …
    Native,
}

/// Cognigy's endpoints, by their kinds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BotEndpoint {
    Rest,
    Webhook,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum BotKind {
    /// A bot of your own, told by Standard Webhooks
    Webhook,
    /// Cognigy.AI
    Cognigy,
    /// Chatlayer
    Chatlayer,
}
