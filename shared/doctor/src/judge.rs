//! What the facts mean. Pure: nobody is asked anything here.

mod account;
mod agents;
mod bot;
mod categories;
mod configuration;
mod faces;
mod native;
mod reach;
mod source;
mod webhook;
mod work;

use handover_core::settings::{Connection, Topology};

use crate::check::{Check, Sheet};
use crate::facts::{Facts, Seen, SourceFacts};

/// How many names, events or reasons a sentence lists.
const LISTED: usize = 10;

/// Judges a connection; one check for each entry of the catalogue, in its order.
pub fn judge(connection: &Connection, neighbours: &[Connection], facts: &Facts) -> Vec<Check> {
    let mut sheet = Sheet::default();
    let case = Case {
        connection,
        neighbours,
        facts,
    };
    configuration::judge(&case, &mut sheet);
    account::judge(&case, &mut sheet);
    categories::judge(&case, &mut sheet);
    source::judge(&case, &mut sheet);
    webhook::judge(&case, &mut sheet);
    reach::judge(&case, &mut sheet);
    faces::judge(&case, &mut sheet);
    native::judge(&case, &mut sheet);
    agents::judge(&case, &mut sheet);
    bot::judge(&case, &mut sheet);
    work::judge(&case, &mut sheet);
    sheet.finish()
}

/// What is judged.
struct Case<'a> {
    connection: &'a Connection,
    neighbours: &'a [Connection],
    facts: &'a Facts,
}

impl Case<'_> {
    /// Whether RCE accepts the token, as far as anybody knows: RCE answers 403 both to a token that it does not know
    /// and to an account without a right (REST API, "Errors").
    ///
    /// One answer of any kind shows that it is not the token.
    fn token_is_refused(&self) -> bool {
        let facts = self.facts;
        let seen = facts.account.me.yes().is_some()
            || facts.sources.iter().any(|facts| facts.source.yes().is_some())
            || facts.channels.yes().is_some()
            || facts.webhooks.yes().is_some()
            || facts.agent_category.yes().is_some();
        let forbidden = facts.account.me == Seen::Forbidden
            || facts.sources.iter().any(|facts| facts.source == Seen::Forbidden);
        forbidden && !seen
    }

    /// Why nothing of a Source SDK channel is looked at; `None`: it is one.
    fn without_source_sdk(&self) -> Option<&'static str> {
        match self.connection.topology() {
            Topology::Mirrored => None,
            Topology::TaskOnly => Some("does not apply: no messages are relayed"),
            Topology::Native => Some("does not apply: the channel is RingCentral's own"),
        }
    }

    /// Each source of the connection, judged by itself and told together.
    fn each_source(&self, sheet: &mut Sheet, judge: impl Fn(&SourceFacts, &mut Sheet)) {
        let each = self.facts.sources.iter().map(|facts| {
            let mut own = Sheet::default();
            judge(facts, &mut own);
            let name = match &facts.source {
                Seen::Yes(Some(source)) => format!("{:?} ({})", source.name, facts.id),
                _ => facts.id.to_string(),
            };
            (name, own)
        });
        sheet.merge(each.collect());
    }

    /// Whether RCE refused our signature: it signs its own calls with the same token.
    fn source_token_is_refused(&self) -> bool {
        use handover_core::ports::RingCxError::{NotPermitted, SecretRefused};
        matches!(
            self.facts.send_api,
            Some(Err(SecretRefused { .. } | NotPermitted { .. }))
        )
    }

    /// Why something was not seen, in words; for checks that cannot be made then.
    fn unseen<T>(&self, seen: &Seen<T>) -> String {
        match seen {
            Seen::Forbidden if self.token_is_refused() => {
                "not looked at: the token is not accepted".to_owned()
            }
            Seen::Forbidden => "the token's account may not see this".to_owned(),
            Seen::NotFound => "RingCentral does not know it".to_owned(),
            Seen::Held if self.facts.limited_calls == 0 => {
                "not looked at: requests_per_minute of this connection allows no more calls just now"
                    .to_owned()
            }
            Seen::Limited | Seen::Held => {
                "not looked at: RingCentral limits the number of calls just now".to_owned()
            }
            Seen::NoApi(_) => "not looked at: what answers there is not RingCentral's REST API".to_owned(),
            Seen::Failed(_) if matches!(self.facts.account.me, Seen::Failed(_)) => {
                "not looked at: RingCentral was not reached, or gives no usable answers".to_owned()
            }
            Seen::Failed(why) => format!("RingCentral gave no usable answer: {why}"),
            Seen::NotAsked | Seen::Yes(_) => "does not apply to this connection".to_owned(),
        }
    }
}

/// How somebody tells where the bridge is.
const SAY_WHERE: &str = "Say it with --public-url https://…, or set files.public_url in the configuration.";

/// Where to give the token's account rights.
const GIVE_RIGHTS: &str = "In RingCentral: Admin > Roles, the role of the token's account";

/// So many of something.
fn many(count: usize, what: &str) -> String {
    let s = if count == 1 { "" } else { "s" };
    format!("{count} {what}{s}")
}

/// A list for a sentence, cut where it gets long.
fn list<T: AsRef<str>>(all: &[T]) -> String {
    let shown: Vec<&str> = all.iter().take(LISTED).map(AsRef::as_ref).collect();
    let more = all.len().saturating_sub(LISTED);
    if more == 0 {
        shown.join(", ")
    } else {
        format!("{} and {more} more", shown.join(", "))
    }
}

#[cfg(test)]
mod tests;
