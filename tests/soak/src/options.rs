//! What may be chosen about a run.

use std::path::PathBuf;

use anyhow::bail;
use clap::Parser;

/// The real binary among faults: killed, refused, unheard. Exit code 1: a promise is broken; 2: it could not be run.
#[derive(Clone, Debug, Parser)]
#[command(name = "soak")]
pub struct Options {
    /// How long people talk and faults happen; then everything is ended and judged
    #[arg(long, default_value_t = 120, value_parser = clap::value_parser!(u64).range(5..=3_600))]
    pub seconds: u64,
    /// Conversations at the same time that the bridge mirrors
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=500))]
    pub conversations: u64,
    /// Conversations besides on a channel that RCE owns
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u64).range(0..=200))]
    pub native: u64,
    /// Where chance begins [default: another one each time; it is printed]
    #[arg(long)]
    pub seed: Option<u64>,
    /// How far RCE's clock is ahead of ours, in seconds; may be negative [default: by chance, up to an hour]
    #[arg(long, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-86_400..=86_400))]
    pub clock: Option<i64>,
    /// Half-way, RCE's clock jumps by so many seconds
    #[arg(long, default_value_t = 0, allow_negative_numbers = true, value_parser = clap::value_parser!(i64).range(-86_400..=86_400))]
    pub clock_step: i64,
    /// REST requests a minute that RCE allows and the bridge may use. By chance RCE refuses some (429), after which only a tenth may be left for minutes
    #[arg(long, default_value_t = 30_000, value_parser = clap::value_parser!(u32).range(60..=100_000))]
    pub requests_per_minute: u32,
    /// Without any fault, to know what is not their doing
    #[arg(long)]
    pub calm: bool,
    /// Print one JSON object instead of a table
    #[arg(long)]
    pub json: bool,
    /// Keep the bridge's data and log, and say where
    #[arg(long)]
    pub keep: bool,
    /// The engage-handover binary [default: what `ENGAGE_HANDOVER` names, else the one beside this program]
    #[arg(long, value_name = "FILE")]
    pub binary: Option<PathBuf>,
}

const BINARY: &str = "engage-handover";

impl Options {
    /// The binary to run. Nothing is built here.
    pub fn binary(&self) -> anyhow::Result<PathBuf> {
        let told = self.binary.clone();
        if let Some(told) = told.or_else(|| std::env::var_os("ENGAGE_HANDOVER").map(PathBuf::from)) {
            if !told.is_file() {
                bail!("there is no {}", told.display());
            }
            return Ok(told);
        }
        let own = std::env::current_exe()?;
        // target/PROFILE/soak, or target/PROFILE/deps/short-0123 for a test.
        let beside = own.ancestors().skip(1).take(2).map(|dir| dir.join(BINARY));
        let profiles = own.ancestors().skip(2).take(2);
        let others =
            profiles.flat_map(|dir| ["debug", "release"].map(|profile| dir.join(profile).join(BINARY)));
        match beside.chain(others).find(|path| path.is_file()) {
            Some(found) => Ok(found),
            None => bail!(
                "there is no {BINARY} beside {}; build it: cargo build -p engage-handover",
                own.display()
            ),
        }
    }
}
