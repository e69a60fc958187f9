//! Sets up RCE and the configuration for one connection.
//!
//! | module | owns |
//! |---|---|
//! | [`wish`], [`secrets`], [`source`], [`agents`], [`events`] | what the user wants |
//! | [`account`] | what RCE has |
//! | [`plan`] | what is to be done: pure |
//! | [`apply`] | does it |
//! | [`by_hand`] | what a person does, as clicks |
//! | [`config_file`], [`section`], [`record`] | what is kept |
//! | [`shelf`], [`files`], `stage` | where: on disk, or with a stage on AWS |
//! | [`remove`] | undoes it |
//! | [`terminal`], [`patience`], [`report`], [`words`] | the person who watches |

mod account;
mod agents;
mod apply;
mod by_hand;
mod config_file;
mod events;
mod files;
mod patience;
mod plan;
mod record;
mod remove;
mod report;
mod secrets;
mod section;
mod shelf;
mod source;
#[cfg(feature = "aws")]
mod stage;
mod terminal;
mod wish;
mod words;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use handover_core::ports::RingCxError;
use handover_machine::{Environment, SystemClock};
use handover_ringcx::console::{Console, ConsoleError, User};
use handover_ringcx::{Account, ProcessBudget, RestBudget, RingCxClient, http};

use crate::cli::Setup;
use crate::commands::Failure;
use account::Rights;
use config_file::ConfigFile;
use patience::Patience;
use plan::{Given, Plan, Verdict};
use record::{Entry, Record};
use shelf::{FileShelf, Home, Shelf};
use wish::{Gather, Login, Wish};

pub(crate) use events::Events;
pub(crate) use report::Report;
pub(crate) use terminal::{Terminal, restore_echo};

/// How long is waited for people where nobody sits at a terminal, unless something else is said.
const WAIT: Duration = Duration::from_mins(10);
/// RCE allows 500 requests a minute to all integrations together; the bridge may be running.
const REQUESTS_PER_MINUTE: u32 = 250;

/// The exit code when all is done but what a person was left with.
const SOMETHING_LEFT: u8 = 3;

/// Does what the arguments say.
pub(crate) async fn run(args: &Setup, terminal: &Arc<Terminal>, report: &Report) -> Result<(), Failure> {
    check_arguments(args, terminal)?;
    let _alone = alone(args)?;
    let (config, record) = Box::pin(open(args)).await?;
    let entry = record.entry();
    let gather = Gather {
        args,
        config: &config,
        entry: &entry,
        terminal,
        lookup: &Environment,
    };
    if args.remove && entry == Entry::default() && !config.has_section() {
        return Err(nothing_to_undo(args, &config));
    }
    gather.check_complete()?;
    if !args.remove {
        gather.check_channel()?;
    }
    let login = gather.login().await?;
    report.begin(&args.connection, login.api_base.host_str().unwrap_or_default());
    let tools = Tools::new(&login, terminal);
    let patience = Patience {
        terminal,
        for_people: match args.wait {
            Some(seconds) => Some(Duration::from_secs(seconds)),
            None => (!terminal.asks()).then_some(WAIT),
        },
    };
    let who = whoami(&tools.console, &patience, &login).await?;
    if args.remove {
        return Box::pin(remove::run(
            args,
            &tools.console,
            &patience,
            report,
            &who.0,
            config,
            record,
        ))
        .await;
    }
    Box::pin(set_up(
        args, &tools, &patience, report, who, &login, config, record,
    ))
    .await
}

/// Two set-ups at once would make everything twice. A stage's parameters tell it themselves.
fn alone(args: &Setup) -> Result<Option<std::fs::File>, Failure> {
    if args.stage.is_some() || args.dry_run {
        return Ok(None);
    }
    let path = FileShelf::new(&args.config).path().to_owned();
    files::check_directory(&path)?;
    let lock = files::lock(&path)?;
    files::remove_leftovers(&path);
    Ok(lock)
}

fn nothing_to_undo(args: &Setup, config: &ConfigFile) -> Failure {
    let others = match agents::listed(config.connections()).as_str() {
        "none" => "there is none".to_owned(),
        others => format!("there are: {others}"),
    };
    Failure::Theirs(format!(
        "{} has no connection \"{}\" ({others}), and setup made nothing for it that is still there: nothing to undo",
        config.name(),
        args.connection
    ))
}

/// What is there already, beside each other or with a stage.
async fn open(args: &Setup) -> Result<(ConfigFile, Record), Failure> {
    let name = &args.connection;
    let (home, settings, remembered): (_, Arc<dyn Shelf>, Arc<dyn Shelf>) = if let Some(stage) = &args.stage {
        on_aws(stage, name).await?
    } else {
        let file = FileShelf::new(&args.config);
        files::check_directory(file.path())?;
        let record = FileShelf::new(&record::beside(file.path()));
        (
            Home::File(file.path().to_owned()),
            Arc::new(file),
            Arc::new(record),
        )
    };
    let config = ConfigFile::open(home, settings, name).await?;
    Ok((config, Record::open(remembered, name).await?))
}

#[cfg(feature = "aws")]
use stage::open as on_aws;

#[cfg(not(feature = "aws"))]
#[expect(clippy::unused_async, reason = "the one that knows AWS waits for it")]
async fn on_aws(_: &str, _: &str) -> Result<(Home, Arc<dyn Shelf>, Arc<dyn Shelf>), Failure> {
    Err(Failure::Theirs(crate::commands::WITHOUT_AWS.to_owned()))
}

/// What calls RCE and the bridge.
struct Tools {
    http: reqwest::Client,
    console: Console,
    client: RingCxClient,
}

impl Tools {
    fn new(login: &Login, terminal: &Arc<Terminal>) -> Self {
        let http = http::client();
        let budget: Arc<dyn RestBudget> = Arc::new(ProcessBudget::new());
        let account = Account {
            api_base: login.api_base.clone(),
            api_access_token: login.token.value.clone(),
            requests_per_minute: REQUESTS_PER_MINUTE,
        };
        let told = Arc::clone(terminal);
        let console = Console::new(http.clone(), Arc::clone(&budget), Arc::new(SystemClock), account)
            .telling_waits(move |wait| {
                told.say(&format!(
                    "  RingCentral's limit of requests a minute: waiting {} s",
                    wait.as_secs() + 1
                ));
            });
        let client = RingCxClient::new(http.clone(), budget, Arc::new(SystemClock));
        Self {
            http,
            console,
            client,
        }
    }
}

fn check_arguments(args: &Setup, terminal: &Terminal) -> Result<(), Failure> {
    let name = &args.connection;
    let is_legal = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_';
    if name.is_empty() || name.len() > 64 || !name.bytes().all(is_legal) {
        return Err(Failure::Theirs(
            "--connection: a name has 1 to 64 letters, digits, - or _; it is the first part of the bridge's addresses"
                .to_owned(),
        ));
    }
    if terminal.is_json() && !args.yes && !args.dry_run {
        return Err(Failure::Theirs(
            "--json asks nothing: add --dry-run to see the plan, or --yes to go ahead".to_owned(),
        ));
    }
    Ok(())
}

async fn whoami(
    console: &Console,
    patience: &Patience<'_>,
    login: &Login,
) -> Result<(User, Rights), Failure> {
    let at = login.api_base.host_str().unwrap_or_default();
    // A name that was mistyped is no trouble that passes.
    let mut reached = console.me().await;
    if matches!(&reached, Err(error) if is_no_answer(error)) {
        patience::pause(Duration::from_secs(2)).await;
        reached = console.me().await;
    }
    if matches!(&reached, Err(error) if is_no_answer(error)) {
        return Err(Failure::Theirs(format!(
            "{at} cannot be reached. Is the base API URL right, and does this machine reach it? Nothing was changed"
        )));
    }
    account::whoami(console, patience).await.map_err(|error| {
        if error.is_forbidden() {
            Failure::Theirs(format!(
                "{at} does not accept the API access token. Copy it again from Admin > API access tokens, and look that it is enabled there. Nothing was changed"
            ))
        } else if error.is_not_found() || error.is_refusal() {
            Failure::Theirs(format!(
                "{at} does not answer like RingCentral's REST API ({error}). The base API URL is the console's address, with \"api\" after the account's name. Nothing was changed"
            ))
        } else {
            error.into()
        }
    })
}

fn is_no_answer(error: &ConsoleError) -> bool {
    matches!(error.error, RingCxError::NoAnswer(_))
}

#[expect(clippy::too_many_arguments, reason = "one run, told once")]
async fn set_up(
    args: &Setup,
    tools: &Tools,
    patience: &Patience<'_>,
    report: &Report,
    who: (User, Rights),
    login: &Login,
    config: ConfigFile,
    mut record: Record,
) -> Result<(), Failure> {
    let terminal = patience.terminal;
    let entry = record.entry();
    let gather = Gather {
        args,
        config: &config,
        entry: &entry,
        terminal,
        lookup: &Environment,
    };
    let found = source::find(&gather, tools, patience, report, &mut record).await?;
    source::check(&found, &gather)?;
    let ids = found.sources.iter().map(|source| source.id.clone()).collect();
    let wish = gather
        .rest(ids, found.realtime_url, found.public_url, login)
        .await?;
    let (sources, left) = (found.sources, found.left);
    let connection = apply::with_ids(&config, &wish, login)?;
    let users = patience.maybe(async || tools.console.users(None).await).await?;
    let (chosen, disabled) = agents::chosen(&gather, tools, patience, users.as_deref(), &who.0).await?;
    let mut observed = account::read(&tools.console, patience, &wish, who, sources, users, &chosen).await?;
    observed.left = left;
    let mut plan = make_plan(
        &observed,
        &wish,
        login,
        &record.entry(),
        &chosen,
        &config,
        &connection,
    )?;
    if !disabled.is_empty() {
        let who = agents::listed(disabled);
        plan.notes
            .push(format!("Disabled in RingCentral, and so left out: {who}."));
    }
    report.planned(&plan);

    words::say_heading(&wish, login, &observed, terminal);
    report::show(&plan, terminal);
    terminal.say("");
    if plan.is_empty() {
        report.end("nothing_to_change", None);
        terminal.say("Nothing to change.");
        if plan.steps.iter().any(|step| step.verdict == Verdict::Check) {
            terminal.say(
                "What says \"check\" was yours to do by hand; look that it is so, no REST call shows it.",
            );
        }
        return Ok(());
    }
    if args.dry_run {
        terminal.say("This was a dry run: nothing was changed.");
        return Ok(());
    }
    if !go_ahead(args, terminal, report).await? {
        return Ok(());
    }
    let mut run = apply::Run {
        console: &tools.console,
        client: &tools.client,
        http: &tools.http,
        patience,
        report,
        wish: wish.clone(),
        wish_changed: false,
        login,
        observed: &observed,
        chosen: &chosen,
        config,
        record,
        parent: observed
            .category_named(&wish.parent, None)
            .map(|parent| parent.id.clone()),
        bot: None,
        agent: None,
        settles_at: None,
        bridge_answers: false,
        is_held_back: false,
    };
    run.apply(&plan).await?;
    let leaves_something = report.leaves_something();
    report.end(if leaves_something { "left" } else { "done" }, None);
    words::say_what_next(&wish, &run.config, terminal, report);
    if leaves_something {
        return Err(Failure::Verdict(SOMETHING_LEFT));
    }
    Ok(())
}

/// Asks, unless that was said beforehand.
async fn go_ahead(args: &Setup, terminal: &Terminal, report: &Report) -> Result<bool, Failure> {
    if args.yes {
        return Ok(true);
    }
    if !terminal.asks() {
        return Err(Failure::Theirs(
            "there is no terminal to ask at, so nothing was changed: add --yes to do what the plan says"
                .to_owned(),
        ));
    }
    let yes = terminal.confirm("Go ahead?").await?;
    if !yes {
        report.end("declined", None);
        terminal.say("Nothing was changed.");
    }
    Ok(yes)
}

fn make_plan(
    observed: &account::Observed,
    wish: &Wish,
    login: &Login,
    entry: &Entry,
    chosen: &BTreeSet<String>,
    config: &ConfigFile,
    connection: &handover_core::settings::Connection,
) -> Result<Plan, Failure> {
    let given = Given {
        wish,
        entry,
        chosen,
        configured: (
            config.text(&["ringcx", "bot_category_id"]),
            config.text(&["ringcx", "agent_category_id"]),
        ),
        settings: Vec::new(),
        config_exists: config.has_section(),
        written_sources: config.sources_of(&wish.connection),
        verification_token: config
            .has(&["ringcx", "verification_token"])
            .then(|| connection.ringcx.verification_token.clone()),
    };
    // Which settings will differ depends on which categories are found.
    let (bot, agent) = plan::category_ids(observed, &given);
    let mut filled = config.clone();
    let ids = section::Ids {
        bot: bot.as_deref().unwrap_or(section::NOT_YET),
        agent: agent.as_deref().unwrap_or(section::NOT_YET),
    };
    section::fill(&mut filled, wish, login, ids)?;
    let settings = section::differing(config, &filled);
    Ok(plan::plan(observed, &Given { settings, ..given }))
}
