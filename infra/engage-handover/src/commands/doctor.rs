use std::io::IsTerminal as _;
use std::path::Path;
use std::sync::Arc;

use handover_bots::Bots;
use handover_core::Timestamp;
use handover_core::settings::Connection;
use handover_doctor::facts::MachineFacts;
use handover_doctor::{Check, Instruments, Patient, Report, Status, examine};
use handover_embedded::{Embedded, OpenError};
use handover_handlers::App;
use handover_handlers::operator::drain;
use handover_machine::{RandomIds, SystemClock};
use handover_ringcx::ProcessBudget;
use serde_json::{Value, json};
use url::Url;

use super::place::Place;
use super::{Failure, read_config};
use crate::cli::{Doctor, Where};
use crate::output;

const WARNINGS: u8 = 3;
const ERRORS: u8 = 4;

/// Examines connections.
pub(crate) async fn run(options: &Doctor) -> Result<(), Failure> {
    let public_url = options.public_url.as_deref().map(public_url).transpose()?;
    let found = find(options).await?;
    let chosen = choose(&found.connections, options.connection.as_deref())?;
    let instruments = instruments(found.app.as_ref());
    let mut reports = Vec::new();
    for connection in chosen {
        tell(&format!(
            "examining {}, usually less than half a minute …",
            connection.id
        ));
        let of_stage = found.app.as_ref().and_then(|app| app.files.public_url.clone());
        let patient = Patient {
            connection: connection.clone(),
            neighbours: found.connections.clone(),
            public_url: public_url
                .clone()
                .or_else(|| connection.files.public_url.clone())
                .or_else(|| of_stage.clone()),
            stage_knows_its_address: of_stage.is_some(),
            store: found.app.as_ref().map(|app| Arc::clone(&app.store)),
            queue: found.app.as_ref().map(|app| Arc::clone(&app.queue)),
            machine: found.machine.clone(),
            draining_since: draining_since(found.app.as_ref(), connection).await,
            round_trip: !options.no_round_trip,
        };
        reports.push(Box::pin(examine(&patient, &instruments)).await);
    }
    let worst = reports.iter().map(Report::worst).max().unwrap_or(Status::Ok);
    if options.json {
        let all: Vec<Value> = reports.iter().map(Report::view).collect();
        super::json(&json!({"worst": worst, "connections": all}))?;
    } else {
        for report in &reports {
            show(report, options.verbose);
        }
    }
    match worst {
        Status::Ok | Status::Skipped => Ok(()),
        Status::Warning => Err(Failure::Verdict(WARNINGS)),
        Status::Error => Err(Failure::Verdict(ERRORS)),
    }
}

struct Found {
    connections: Vec<Connection>,
    /// `None`: only the configuration is at hand.
    app: Option<App>,
    machine: Option<MachineFacts>,
}

async fn find(options: &Doctor) -> Result<Found, Failure> {
    if let (None, Some(config), None) = (&options.stage, &options.config, &options.data) {
        return Ok(Found {
            connections: read_config(config)?,
            app: None,
            machine: None,
        });
    }
    // Before the first `serve` there is no work to look at, and everything else can be examined.
    if let (Some(config), Some(data)) = (&options.config, &options.data)
        && let Err(OpenError::NoData { .. }) = Embedded::open_existing(data, Arc::new(SystemClock))
    {
        output::complain(&format!(
            "no bridge ran on {} yet: what only the bridge knows is skipped",
            data.display()
        ));
        return Ok(Found {
            connections: read_config(config)?,
            app: None,
            machine: Some(MachineFacts {
                has_begun: false,
                not_writable: None,
                free_bytes: None,
                is_serving: false,
            }),
        });
    }
    let place = Place::open(&Where {
        config: options.config.clone(),
        data: options.data.clone(),
        stage: options.stage.clone(),
        json: options.json,
    })
    .await?;
    let machine = options.data.as_deref().map(look).transpose()?;
    Ok(Found {
        connections: place.connections,
        app: Some(place.app),
        machine,
    })
}

async fn draining_since(app: Option<&App>, connection: &Connection) -> Option<Timestamp> {
    drain::since(app?, &connection.id).await.ok().flatten()
}

fn look(data: &Path) -> Result<MachineFacts, Failure> {
    let embedded = Embedded::open_existing(data, Arc::new(SystemClock))?;
    Ok(local_stage::look(data, &embedded))
}

fn public_url(text: &str) -> Result<Url, Failure> {
    let url = Url::parse(text).ok().filter(Url::has_host);
    url.ok_or_else(|| {
        Failure::Theirs("--public-url is no URL; it looks like https://bridge.example.org".to_owned())
    })
}

fn choose<'a>(connections: &'a [Connection], name: Option<&str>) -> Result<Vec<&'a Connection>, Failure> {
    let chosen: Vec<&Connection> = connections
        .iter()
        .filter(|connection| name.is_none_or(|name| connection.id.as_str() == name))
        .collect();
    if chosen.is_empty() {
        let names: Vec<&str> = connections
            .iter()
            .map(|connection| connection.id.as_str())
            .collect();
        return Err(Failure::Theirs(format!(
            "there is no such connection; there are: {}",
            names.join(", ")
        )));
    }
    Ok(chosen)
}

/// The bridge's own clients where there is a bridge at hand.
fn instruments(app: Option<&App>) -> Instruments {
    let http = handover_ringcx::http::client();
    let budget = Arc::new(ProcessBudget::new());
    match app {
        Some(app) => Instruments {
            http,
            budget,
            bots: Arc::clone(&app.bots),
            clock: Arc::clone(&app.clock),
            ids: Arc::clone(&app.ids),
            tell,
        },
        None => Instruments {
            bots: Arc::new(Bots::new(http.clone())),
            clock: Arc::new(SystemClock),
            ids: Arc::new(RandomIds),
            tell,
            http,
            budget,
        },
    }
}

/// Who waits at a terminal sees what is looked at.
fn tell(what: &str) {
    if std::io::stderr().is_terminal() {
        output::complain(what);
    }
}

fn show(report: &Report, verbose: bool) {
    output::line(&format!("Connection {}", report.connection));
    let count = |status| {
        report
            .checks
            .iter()
            .filter(|check| check.status == status)
            .count()
    };
    // Without REST most checks are skipped, all for the same reason.
    let rest_failed = report
        .checks
        .iter()
        .any(|check| check.id == "token" && check.status != Status::Ok);
    let shows_skipped = verbose || !rest_failed;
    let mut group = "";
    for check in &report.checks {
        let is_elsewhere = check.what.starts_with("does not apply");
        if check.status == Status::Skipped && (!shows_skipped || is_elsewhere && !verbose) {
            continue;
        }
        if check.group != group {
            group = check.group;
            output::line("");
            output::line(&format!("  {group}"));
        }
        one(check, verbose);
    }
    output::line("");
    if !shows_skipped {
        output::line(&format!(
            "{} checks were skipped, most of them because RingCentral's REST API could not be read; --verbose lists them",
            count(Status::Skipped)
        ));
    }
    output::line(&format!(
        "{} ok, {} skipped, {}, {}; {}",
        count(Status::Ok),
        count(Status::Skipped),
        output::many(count(Status::Warning), "warning"),
        output::many(count(Status::Error), "error"),
        output::many(report.rest_calls as usize, "REST call"),
    ));
    let errors = report.checks.iter().filter(|check| check.status == Status::Error);
    let errors: Vec<&str> = errors.map(|check| check.id).collect();
    if !errors.is_empty() {
        output::line(&format!("errors: {}", errors.join(", ")));
    }
}

fn one(check: &Check, verbose: bool) {
    let status = check.status.as_str();
    let Check { id, title, why, .. } = check;
    // Names, labels and addresses of others are in them.
    let (what, how) = (output::of_others(&check.what), output::of_others(&check.how));
    match check.status {
        Status::Ok if verbose => output::line(&format!("    {status:<8}{id}: {title}: {what}")),
        Status::Ok => output::line(&format!("    {status:<8}{id}: {title}")),
        Status::Skipped => {
            output::line(&format!("    {status:<8}{id}: {what}"));
            if !how.is_empty() {
                output::line(&format!("            look: {how}"));
            }
        }
        Status::Warning | Status::Error => {
            output::line(&format!("    {:<8}{id}: {what}", status.to_uppercase()));
            output::line(&format!("            why:  {why}"));
            output::line(&format!("            mend: {how}"));
        }
    }
}
