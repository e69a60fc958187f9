//! Sets up RCE and the configuration for one connection.
//!
//! | module | owns |
//! |---|---|
//! | [`wish`], [`secrets`], [`agents`], [`events`] | what the user wants |
//! | [`account`] | what RCE has |
//! | [`plan`] | what is to be done: pure |
//! | [`apply`] | does it |
//! | [`by_hand`] | what a person does, as clicks |
//! | [`config_file`], [`section`], [`record`] | what is kept |
//! | [`shelf`], [`files`], `stage` | where: on disk, or with a stage on AWS |
//! | [`remove`] | undoes it |
//! | [`terminal`], [`patience`], [`report`] | the person who watches |

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
#[cfg(feature = "aws")]
mod stage;
mod terminal;
mod wish;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use handover_core::ports::RingCxError;
use handover_machine::{Environment, SystemClock};
use handover_ringcx::console::{Console, ConsoleError, Source, User};
use handover_ringcx::{Account, ProcessBudget, RestBudget, RingCxClient, http};
use url::Url;

use crate::cli::Setup;
use crate::commands::Failure;
use account::Rights;
use config_file::ConfigFile;
use patience::{Patience, Waited};
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

/// Does what the arguments say.
pub(crate) async fn run(args: &Setup, terminal: &Arc<Terminal>, report: &Report) -> Result<(), Failure> {
    check_arguments(args, terminal)?;
    let (config, record) = Box::pin(open(args)).await?;
    let entry = record.entry();
    let gather = Gather {
        args,
        config: &config,
        entry: &entry,
        terminal,
        lookup: &Environment,
    };
    gather.check_complete()?;
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

/// What is there already, beside each other or with a stage.
async fn open(args: &Setup) -> Result<(ConfigFile, Record), Failure> {
    let name = &args.connection;
    let (home, settings, remembered): (_, Arc<dyn Shelf>, Arc<dyn Shelf>) = if let Some(stage) = &args.stage {
        on_aws(stage, name).await?
    } else {
        let file = FileShelf::new(&args.config);
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
    let (source, realtime_url, public_url) =
        find_source(&gather, tools, patience, report, &mut record).await?;
    let wish = gather
        .rest(source.id.clone(), realtime_url, public_url, login)
        .await?;
    let connection = apply::with_ids(&config, &wish, login)?;
    let users = patience.maybe(async || tools.console.users(None).await).await?;
    let chosen = choose_agents(&gather, tools, patience, users.as_deref(), &who.0).await?;
    let observed = account::read(&tools.console, patience, &wish, who, source, users, &chosen).await?;
    let plan = make_plan(
        &observed,
        &wish,
        login,
        &record.entry(),
        &chosen,
        &config,
        &connection,
    )?;
    report.planned(&plan);

    terminal.say("");
    terminal.say(&format!(
        "Connection \"{}\": {} {} {}",
        wish.connection,
        login.api_base.host_str().unwrap_or_default(),
        terminal.arrow(),
        wish.public_url,
    ));
    terminal.say(&format!(
        "as {}{}; source \"{}\" ({})",
        account::called(&observed.me),
        observed
            .rights
            .role
            .as_ref()
            .map(|role| format!(", role \"{}\"", role.label))
            .unwrap_or_default(),
        observed.source.name,
        observed.source.id,
    ));
    terminal.say("");
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
        wish: &wish,
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
    };
    run.apply(&plan).await?;
    report.end("done", None);
    say_what_next(&wish, &run.config, &run.record.entry(), terminal, report);
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

/// The source; also its realtime URL and our public one, if they came up on the way.
async fn find_source(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
    report: &Report,
    record: &mut Record,
) -> Result<(Source, Option<Url>, Option<String>), Failure> {
    let console = &tools.console;
    let (named, url) = gather.source()?;
    let all = async || console.sources().await;
    if let Some(named) = named {
        let by_id = patience
            .maybe(async || console.source(&named).await)
            .await?
            .flatten();
        let found = if by_id.is_some() {
            by_id
        } else {
            let all = patience.read(all).await?;
            all.into_iter()
                .find(|source| account::same_name(&source.name, &named))
        };
        let sdk = async || -> Result<String, Failure> {
            let all = patience.read(all).await?;
            Ok(agents::listed(
                all.iter()
                    .filter(|source| source.is_sdk())
                    .map(|source| format!("{} ({})", source.name, source.id)),
            ))
        };
        let Some(found) = found else {
            return Err(Failure::Theirs(format!(
                "there is no source {named}, or the token's account may not read it (Admin > Users > the account > permissions on the source). Engage Digital Source SDK sources that it may read: {}. Nothing was changed",
                sdk().await?
            )));
        };
        if !found.is_sdk() {
            return Err(Failure::Theirs(format!(
                "the source \"{}\" is of type {}; a bot's conversations need one of type Engage Digital Source SDK. There are: {}. Nothing was changed",
                found.name,
                found.kind.as_deref().unwrap_or("?"),
                sdk().await?
            )));
        }
        return Ok((found, url, None));
    }
    let mut found: Vec<Source> = patience.read(all).await?;
    found.retain(Source::is_sdk);
    if found.is_empty() {
        return new_source(gather, console, patience, report, record).await;
    }
    let there_are = agents::listed(
        found
            .iter()
            .map(|source| format!("{} ({})", source.name, source.id)),
    );
    let default = (found.len() == 1).then(|| found[0].name.clone());
    loop {
        let hint = format!("By name or id. Engage Digital Source SDK sources: {there_are}");
        let typed = gather
            .terminal
            .ask(
                "The source that the bot's conversations are on",
                &hint,
                default.as_deref(),
            )
            .await?;
        let chosen = found
            .iter()
            .find(|source| source.id == typed || account::same_name(&source.name, &typed));
        if let Some(chosen) = chosen {
            return Ok((chosen.clone(), url, None));
        }
        gather.terminal.say("  There is no such source.");
    }
}

/// There is none yet: a person makes it, with the Base URI in the same visit.
async fn new_source(
    gather: &Gather<'_>,
    console: &Console,
    patience: &Patience<'_>,
    report: &Report,
    record: &mut Record,
) -> Result<(Source, Option<Url>, Option<String>), Failure> {
    let public_url = gather.public_url().await?;
    let uri = wish::base_uri(&public_url, &gather.args.connection, gather.separate_urls());
    let clicks = by_hand::source(&uri);
    report.by_hand(&clicks);
    gather.terminal.say("");
    gather
        .terminal
        .say("The account has no Engage Digital Source SDK source yet.");
    clicks.say(gather.terminal);
    let look = async || {
        let all = console.sources().await?;
        Ok(all.into_iter().find(Source::is_sdk))
    };
    match patience
        .until("waiting until I see the source", false, look)
        .await?
    {
        Waited::Seen(source) => {
            gather.terminal.say(&format!(
                "  {} seen: source \"{}\"",
                gather.terminal.mark(),
                source.name
            ));
            record
                .change(|entry| {
                    entry.confirmed.insert(plan::BASE_URI.to_owned(), uri.clone());
                })
                .await?;
            Ok((source, None, Some(public_url)))
        }
        Waited::Said | Waited::TooLong => Err(Failure::Theirs(
            "there is no source yet; run this again when it is there. Nothing was changed".to_owned(),
        )),
    }
}

async fn choose_agents(
    gather: &Gather<'_>,
    tools: &Tools,
    patience: &Patience<'_>,
    users: Option<&[User]>,
    me: &User,
) -> Result<BTreeSet<String>, Failure> {
    let mut named = gather.args.agents.clone();
    if named.is_empty() && !gather.entry.agents.is_empty() {
        // Who left meanwhile is no reason to stop.
        let is_there =
            |id: &&String| users.is_none_or(|users| users.iter().any(|user| user.enabled && user.id == **id));
        return Ok(gather.entry.agents.iter().filter(is_there).cloned().collect());
    }
    let Some(users) = users else {
        return Ok(BTreeSet::new());
    };
    loop {
        if named.is_empty() {
            named = agents::ask(gather.terminal, Some(users), me).await?;
        }
        match agents::choose(&tools.console, patience, &named, users, me).await {
            Err(Failure::Theirs(error)) if gather.terminal.asks() => {
                gather.terminal.say(&format!("  {error}"));
                named.clear();
            }
            outcome => return outcome,
        }
    }
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

fn say_what_next(wish: &Wish, config: &ConfigFile, entry: &Entry, terminal: &Terminal, report: &Report) {
    let (name, arguments) = (config.name(), config.home().arguments());
    terminal.say("");
    terminal.say(&format!("Done. Clicks and pastes by hand: {}.", report.clicks()));
    let left: Vec<&String> = entry
        .told
        .iter()
        .filter(|(name, value)| entry.confirmed.get(*name) != Some(value))
        .map(|(name, _)| name)
        .collect();
    if !left.is_empty() {
        terminal.say("Still yours, as shown above; no REST call shows whether it is done:");
        for name in left {
            terminal.say(&format!("  - {}", name.replace('_', " ")));
        }
    }
    terminal.say("");
    terminal.say("Next:");
    terminal.say(&if config.home().is_stage() {
        "  1. The bridge runs already: the stage's functions have the settings.".to_owned()
    } else {
        format!("  1. Keep the bridge running:  engage-handover serve {arguments} --data data")
    });
    let bot = match wish.bot.kind {
        crate::cli::BotKind::Webhook => {
            "Give your bot its key (bot_keys) and the secret that signs its events (bot.signing_secrets): docs/bots/generic.md"
        }
        crate::cli::BotKind::Cognigy => {
            "Give Cognigy the bridge's address and key (bot_keys): docs/bots/cognigy.md"
        }
        crate::cli::BotKind::Chatlayer => {
            "Give Chatlayer's Offloading Webhook its verify token (bot.verify_tokens): docs/bots/chatlayer.md"
        }
    };
    terminal.say(&format!("  2. {bot}"));
    terminal.say(&format!(
        "     Secrets are in {name}, section [connections.{}].",
        wish.connection
    ));
    terminal.say(&format!(
        "  3. Look at everything:      engage-handover doctor {arguments}"
    ));
    terminal.say(&format!(
        "To undo: engage-handover setup --remove --connection {} {arguments}",
        wish.connection
    ));
}
