//! What REST cannot do, as clicks with the values to paste.

use handover_ringcx::console::{Source, User};

use super::account::called;
use super::agents::listed;
use super::terminal::Terminal;

/// One thing that a person does in RCE's console.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ByHand {
    pub(crate) title: String,
    /// Each is one click, or one paste with its value.
    pub(crate) clicks: Vec<Click>,
    /// Not in the console after all.
    is_elsewhere: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Click {
    pub(crate) what: String,
    pub(crate) value: Option<String>,
    /// For how many people it is done.
    pub(crate) times: usize,
}

/// Those for whom the same is done one after the other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct People {
    names: String,
    count: usize,
}

impl People {
    pub(crate) fn these<'a>(users: impl IntoIterator<Item = &'a User>) -> Self {
        let names: Vec<String> = users.into_iter().map(called).collect();
        Self {
            count: names.len().max(1),
            names: listed(names),
        }
    }

    /// Nobody sees who they are.
    pub(crate) fn unknown() -> Self {
        Self {
            names: "everybody who answers".to_owned(),
            count: 1,
        }
    }
}

impl ByHand {
    pub(crate) fn new(title: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            clicks: Vec::new(),
            is_elsewhere: false,
        }
    }

    pub(crate) fn click(mut self, what: impl Into<String>) -> Self {
        self.clicks.push(Click {
            what: what.into(),
            value: None,
            times: 1,
        });
        self
    }

    fn each(mut self, people: &People, what: impl Into<String>) -> Self {
        self.clicks.push(Click {
            what: what.into(),
            value: None,
            times: people.count,
        });
        self
    }

    /// Both, one after the other.
    pub(crate) fn and(mut self, next: Self) -> Self {
        self.title = format!("{}; {}", self.title, next.title);
        self.clicks.extend(next.clicks);
        self
    }

    /// About how many clicks and pastes it is: each menu on the way is one.
    pub(crate) fn count(&self) -> usize {
        let of = |click: &Click| (1 + click.what.matches(" > ").count()) * click.times;
        self.clicks.iter().map(of).sum()
    }

    pub(crate) fn paste(mut self, field: &str, value: impl Into<String>) -> Self {
        self.clicks.push(Click {
            what: format!("{field}, paste:"),
            value: Some(value.into()),
            times: 1,
        });
        self
    }

    pub(crate) fn say(&self, terminal: &Terminal) {
        terminal.say("");
        let place = if self.is_elsewhere {
            ""
        } else {
            ", in RingCentral's console"
        };
        terminal.say(&format!("By hand{place}: {}", self.title));
        for (count, click) in self.clicks.iter().enumerate() {
            terminal.say(&format!("  {}. {}", count + 1, click.what));
            if let Some(value) = &click.value {
                terminal.say(&format!("       {value}"));
            }
        }
    }
}

/// The source's page, the Base URI, save.
pub(crate) fn base_uri(source: &str, url: &str) -> ByHand {
    ByHand::new(format!("where the source \"{source}\" reaches the bridge"))
        .click("Admin > Sources")
        .click(format!("\"{source}\" > Edit"))
        .paste("Base URI", url)
        .click("Save")
}

/// A source that does not exist yet.
pub(crate) fn source(url: &str) -> ByHand {
    ByHand::new("a source for the bot's conversations")
        .click("Admin > Communities > Add > Engage Digital Source SDK")
        .paste("Name", "Bot")
        .click("Save")
        .click("Admin > Sources > Add > Engage Digital Source SDK")
        .paste("Name", "Bot")
        .click("Community: the one just made; Active: on")
        .paste("Base URI", url)
        .click("Save")
}

/// A tick on both faces of the company.
pub(crate) fn controlled(bot: Option<&str>, agent: Option<&str>) -> ByHand {
    let mut all = ByHand::new("the bot and the agents speak for the company");
    for name in bot.into_iter().chain(agent) {
        all = all
            .click(format!(
                "Search > Identities, look for \"{name}\" on this source, open it"
            ))
            .click("Tick \"Controlled identity\"")
            .click("Save");
    }
    all
}

pub(crate) fn category(name: &str, parent: Option<&str>) -> ByHand {
    let all = ByHand::new(format!("the category \"{name}\""))
        .click("Admin > Categories > Add")
        .paste("Name", name);
    match parent {
        Some(parent) => all.click(format!("Parent: \"{parent}\"")),
        None => all.click("Unselectable: on"),
    }
    .click("Save")
}

pub(crate) fn defaults(source: &str, category: &str) -> ByHand {
    ByHand::new(format!("new conversations on \"{source}\" belong to the bot"))
        .click("Admin > Sources")
        .click(format!("\"{source}\" > Edit"))
        .click(format!("Default categories: \"{category}\" only"))
        .click(format!(
            "Default categories (agent messages): \"{category}\" only"
        ))
        .click("Save")
}

pub(crate) fn folder(label: &str, query: &str) -> ByHand {
    ByHand::new("the agents' folder")
        .click("Admin > Folders > Add")
        .paste("Label", label)
        .paste("Query", query)
        .click("Save")
}

/// `sources`: as they are shown.
pub(crate) fn agents(sources: &str, category: &str, who: &People) -> ByHand {
    ByHand::new(format!("agents may answer: {}", who.names))
        .each(who, "Admin > Users, then for each of them:")
        .each(who, format!("Permissions on {sources}: tick Read and Reply"))
        .each(who, format!("Categories: add \"{category}\""))
        .each(who, "Save")
}

/// The token's own account, which answers on channels of RCE's own. `sources`: as they are shown.
pub(crate) fn own_account(sources: &str, account: &User) -> ByHand {
    let name = called(account);
    ByHand::new(format!("the token's account may answer: {name}"))
        .click(format!("Admin > Users > {name}"))
        .click(format!("Permissions on {sources}: tick Read and Reply"))
        .click("Save")
}

/// Whom it speaks as on each of `sources`.
pub(crate) fn own_face(sources: &[Source], account: &User) -> ByHand {
    let name = called(account);
    let mut all =
        ByHand::new(format!("whom the bot speaks as: {name}")).click(format!("Admin > Users > {name}"));
    for source in sources {
        all = all.click(format!(
            "Identities: add the page, number or address of \"{}\"",
            source.name
        ));
    }
    all.click("Save")
}

pub(crate) fn no_bot_category(category: &str, who: &People) -> ByHand {
    ByHand::new(format!("nobody is given the bot's conversations: {}", who.names))
        .each(who, "Admin > Users, then for each of them:")
        .each(who, format!("Categories: remove \"{category}\""))
        .each(who, "Save")
}

pub(crate) fn face(identity: &str, who: &People) -> ByHand {
    ByHand::new(format!("agents speak as \"{identity}\": {}", who.names))
        .each(who, "Admin > Users, then for each of them:")
        .each(who, format!("Identities: add \"{identity}\""))
        .each(who, "Save")
}

/// `sources`: as they are shown. Secrets are named by their place in the configuration, never shown.
pub(crate) fn webhook(url: &str, config: &str, sources: &str, events: &[&str]) -> ByHand {
    ByHand::new("the webhook")
        .click("Admin > Webhooks > Add")
        .click("Access token: the one that set-up uses; Active: on")
        .paste("URL", url)
        .paste("Verify token", format!("ringcx.verification_token in {config}"))
        .paste(
            "Secret",
            format!("the first of ringcx.webhook_secrets in {config}"),
        )
        .click(format!("Channels filtering: none except {sources}"))
        .click(format!("Events: {}", events.join(", ")))
        .click("Save")
}

/// Whatever runs has read the configuration as it was before.
pub(crate) fn restart(config: &str) -> ByHand {
    let all = ByHand::new("the running bridge reads the configuration").click(format!(
        "Restart the bridge that runs with {config}, or send it SIGHUP (kill -HUP, systemctl reload)"
    ));
    ByHand {
        is_elsewhere: true,
        ..all
    }
}

pub(crate) fn delete_webhook(url: &str) -> ByHand {
    ByHand::new("a second webhook brings each event twice")
        .click("Admin > Webhooks")
        .click(format!("Delete the one whose URL is {url}"))
}
