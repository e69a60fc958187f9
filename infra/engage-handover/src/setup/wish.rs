//! What the user wants: from arguments, else from the configuration and the last run, else asked for. What is typed is judged in `typed`.

mod typed;

use handover_core::ids::SourceId;
use handover_handlers::config::Lookup;
use handover_ringcx::base_url;
use url::Url;

use super::config_file::ConfigFile;
use super::events::Events;
use super::record::Entry;
use super::secrets::{self, Given};
use super::terminal::Terminal;
use crate::cli::{BotEndpoint, BotKind, Setup, SetupChannel};
use crate::commands::Failure;
use typed::{account, bot_url, capital, endpoint_of, https};

pub(crate) use typed::{check_realtime_url, console_of};

pub(crate) const PARENT: &str = "Bot handover";
pub(crate) const BOT_CATEGORY: &str = "Bot";
pub(crate) const AGENT_CATEGORY: &str = "Agent";
const FOLDER: &str = "Handed over by the bot";

/// How to reach the account.
pub(crate) struct Login {
    /// As it is written down: without the version.
    pub(crate) base_api_url: String,
    /// Ends in `/1.0`.
    pub(crate) api_base: Url,
    pub(crate) token: Given,
}

/// Everything else that is wanted; needs the account to be asked for.
#[derive(Clone, Debug)]
pub(crate) struct Wish {
    pub(crate) connection: String,
    /// How messages are sent to a Source SDK channel; `None`: the channels are RCE's own.
    pub(crate) realtime: Option<Realtime>,
    /// One, but on channels of RCE's own.
    pub(crate) source_ids: Vec<String>,
    /// Without a slash at its end.
    pub(crate) public_url: String,
    pub(crate) separate_urls: bool,
    pub(crate) bot: BotWish,
    pub(crate) parent: String,
    pub(crate) folder: String,
    pub(crate) bot_face: Face,
    pub(crate) agent_face: Face,
    pub(crate) events: Events,
    pub(crate) delete_other_webhooks: bool,
}

/// The Send API of a Source SDK channel.
#[derive(Clone, Debug)]
pub(crate) struct Realtime {
    pub(crate) url: Url,
    pub(crate) token: Given,
}

/// The bot's section. `None`: as the configuration has it.
#[derive(Clone, Debug)]
pub(crate) struct BotWish {
    pub(crate) kind: BotKind,
    pub(crate) url: Option<String>,
    pub(crate) access_token: Option<Given>,
    pub(crate) bot_id: Option<String>,
    /// What more a platform needs to be told what people write.
    pub(crate) asked: Asked,
}

/// On channels of RCE's own, by the names of the settings. `None`: as the configuration has it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked {
    pub(crate) endpoint: Option<BotEndpoint>,
    pub(crate) url_token: Option<Given>,
    pub(crate) webhook_channel_url: Option<String>,
    pub(crate) webhook_channel_token: Option<Given>,
}

/// An identity that speaks for the company.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Face {
    pub(crate) id: String,
    pub(crate) name: String,
}

impl Wish {
    /// Whether people write on channels of RCE's own.
    pub(crate) fn is_native(&self) -> bool {
        self.realtime.is_none()
    }

    /// Events that are registered by REST.
    pub(crate) fn event_list(&self) -> Vec<&'static str> {
        self.events.list(self.is_native())
    }

    /// Where RCE sends agents' words.
    pub(crate) fn base_uri(&self) -> String {
        base_uri(&self.public_url, &self.connection, self.separate_urls)
    }

    /// Where RCE reports events.
    pub(crate) fn webhook_url(&self) -> String {
        let end = if self.separate_urls { "/webhook" } else { "" };
        format!("{}/{}/handover/rce{end}", self.public_url, self.connection)
    }

    /// Whether a webhook leads to this connection of this bridge.
    pub(crate) fn is_ours(&self, url: &str) -> bool {
        let (Ok(theirs), Ok(ours)) = (Url::parse(url), Url::parse(&self.webhook_url())) else {
            return false;
        };
        let stem = ours.path().trim_end_matches("/webhook").to_owned();
        theirs.origin() == ours.origin()
            && (theirs.path().trim_end_matches('/') == stem || theirs.path().starts_with(&format!("{stem}/")))
    }
}

pub(crate) fn base_uri(public_url: &str, connection: &str, separate_urls: bool) -> String {
    let end = if separate_urls { "/source" } else { "" };
    format!("{public_url}/{connection}/handover/rce{end}")
}

/// Where values come from.
pub(crate) struct Gather<'a> {
    pub(crate) args: &'a Setup,
    pub(crate) config: &'a ConfigFile,
    pub(crate) entry: &'a Entry,
    pub(crate) terminal: &'a Terminal,
    pub(crate) lookup: &'a dyn Lookup,
}

impl Gather<'_> {
    /// Without a terminal: everything that is missing, at once.
    pub(crate) fn check_complete(&self) -> Result<(), Failure> {
        if self.terminal.asks() {
            return Ok(());
        }
        let args = self.args;
        let is_there = |given: bool, path: &[&str]| given || self.config.text(path).is_some();
        let mut missing = Vec::new();
        if !is_there(args.base_api_url.is_some(), &["ringcx", "base_api_url"]) {
            missing.push("--base-api-url URL                 your account, such as https://acme.api.engagement.dimelo.com");
        }
        if !is_there(args.api_access_token.is_some(), &["ringcx", "api_access_token"]) {
            missing.push("--api-access-token env:NAME        console: Admin, API access tokens");
        }
        if !args.remove {
            self.check_rest(&mut missing);
        }
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure::Theirs(format!(
            "there is no terminal to ask at, and this is missing:\n  {}\nSecrets are env:NAME, file:PATH, or - for a line of standard input.",
            missing.join("\n  ")
        )))
    }

    fn check_rest(&self, missing: &mut Vec<&'static str>) {
        let args = self.args;
        let is_there = |given: bool, path: &[&str]| given || self.config.text(path).is_some();
        let knows_realtime = is_there(
            args.realtime_endpoint_url.is_some(),
            &["ringcx", "realtime_endpoint_url"],
        );
        if self.is_native() {
            if args.source.is_empty() && self.config.sources_of(&args.connection).is_empty() {
                missing.push("--source SOURCE                    the channels that the bot answers, by id or name; once for each");
            }
        } else {
            if !knows_realtime && args.source.is_empty() {
                missing.push("--realtime-endpoint-url URL        console: Admin, Sources, the source's page");
            }
            if !is_there(
                args.realtime_access_token.is_some(),
                &["ringcx", "realtime_access_tokens"],
            ) {
                missing.push("--realtime-access-token env:NAME   console: Admin, Sources, the source's page");
            }
        }
        if args.public_url.is_none() && self.known_public_url().is_none() {
            missing.push("--public-url URL                   where RingCentral reaches the bridge");
        }
        match self.bot_kind() {
            BotKind::Webhook if !is_there(args.bot_url.is_some(), &["bot", "url"]) => {
                missing.push("--bot-url URL                      where your bot takes events");
            }
            BotKind::Cognigy
                if !is_there(args.bot_url.is_some(), &["bot", "endpoint_base_url"])
                    && !is_there(false, &["bot", "api_base_url"]) =>
            {
                missing.push("--bot-url URL                      Cognigy's endpoints, such as https://endpoint-trial.cognigy.ai");
            }
            BotKind::Chatlayer => {
                if !is_there(args.bot_access_token.is_some(), &["bot", "access_token"]) {
                    missing.push("--bot-access-token env:NAME        Chatlayer's API token");
                }
                if !is_there(args.bot_id.is_some(), &["bot", "bot_id"]) {
                    missing.push("--bot-id ID                        Chatlayer's id of the bot");
                }
            }
            _ => {}
        }
        if self.is_native() {
            self.check_asked(missing);
        }
        if args.agents.is_empty() && self.entry.agents.is_empty() {
            missing.push("--agents WHO                       who answers: e-mail addresses, ids, team:NAME, role:NAME or all");
        }
    }

    /// What a platform needs to be told what people write on channels of RCE's own.
    fn check_asked(&self, missing: &mut Vec<&'static str>) {
        let args = self.args;
        let is_there = |given: bool, key: &str| given || self.config.text(&["bot", key]).is_some();
        match self.bot_kind() {
            BotKind::Webhook => {}
            BotKind::Cognigy => {
                let is_given = args.bot_url_token.is_some() || self.split_bot_url().1.is_some();
                if !is_there(is_given, "url_token") {
                    missing
                        .push("--bot-url-token env:NAME           the end of the URL of Cognigy's endpoint");
                }
            }
            BotKind::Chatlayer => {
                if !is_there(args.bot_channel_url.is_some(), "webhook_channel_url") {
                    missing
                        .push("--bot-channel-url URL              the page of Chatlayer's webhook channel");
                }
                if !is_there(args.bot_channel_token.is_some(), "webhook_channel_token") {
                    missing
                        .push("--bot-channel-token env:NAME       the token of Chatlayer's webhook channel");
                }
            }
        }
    }

    /// `--bot-url`; of Cognigy's on a channel of RCE's own, whose whole URL may be pasted, without the token at its end,
    /// and the token.
    fn split_bot_url(&self) -> (Option<String>, Option<String>) {
        let given = self.args.bot_url.as_deref();
        if self.is_native() && self.bot_kind() == BotKind::Cognigy {
            return given.map_or((None, None), |given| {
                let (base, token) = endpoint_of(given);
                (Some(base), token)
            });
        }
        (given.map(str::to_owned), None)
    }

    pub(crate) async fn login(&self) -> Result<Login, Failure> {
        let given = self.args.base_api_url.clone();
        let known = given.or_else(|| self.config.text(&["ringcx", "base_api_url"]));
        let api_base = match known {
            Some(known) => account(&known)?,
            None => self
                .terminal
                .ask_for(
                    "Your RingCentral account",
                    "The address of its console in your browser, such as https://acme.engagement.dimelo.com",
                    None,
                    account,
                )
                .await?,
        };
        let base_api_url = api_base.as_str().trim_end_matches("/1.0").to_owned();
        let token = self
            .secret(
                "the API access token",
                self.args.api_access_token.as_deref(),
                &["ringcx", "api_access_token"],
                "Console: Admin, API access tokens. Its account needs to be able to manage categories, sources, folders and agents",
            )
            .await?;
        Ok(Login {
            base_api_url,
            api_base,
            token,
        })
    }

    async fn secret(
        &self,
        what: &str,
        argument: Option<&str>,
        path: &[&str],
        hint: &str,
    ) -> Result<Given, Failure> {
        let known = argument.map(str::to_owned).or_else(|| self.config.text(path));
        let text = match known {
            Some(known) => known,
            None => self.terminal.ask_secret(&capital(what), hint).await?,
        };
        let given = secrets::given(what, &text, self.lookup).map_err(Failure::Theirs)?;
        Ok(if self.config.home().is_stage() {
            given.into_literal()
        } else {
            given
        })
    }

    /// Whether people write on channels of RCE's own: as it is said, else as it is written.
    pub(crate) fn is_native(&self) -> bool {
        match self.args.channel {
            Some(channel) => channel == SetupChannel::Native,
            None => self.is_written_native(),
        }
    }

    fn is_written_native(&self) -> bool {
        self.config.text(&["ringcx", "channel"]).as_deref() == Some("native")
    }

    /// A connection stays what it is: its conversations are of one kind.
    pub(crate) fn check_channel(&self) -> Result<(), Failure> {
        let args = self.args;
        if self.config.has(&["ringcx"]) && self.is_native() != self.is_written_native() {
            let (is, wanted) = if self.is_written_native() {
                ("native", "source-sdk")
            } else {
                ("source-sdk", "native")
            };
            return Err(Failure::Theirs(format!(
                "the connection \"{}\" is set up with --channel {is}; for --channel {wanted} name another one with --connection, or --remove this one first. Nothing was changed",
                args.connection
            )));
        }
        let is_given = [&args.realtime_endpoint_url, &args.realtime_access_token];
        if self.is_written_native() && is_given.into_iter().any(Option::is_some) {
            return Err(Failure::Theirs(format!(
                "the connection \"{}\" is on channels of RingCentral's own; for a Source SDK channel name another one with --connection. Nothing was changed",
                args.connection
            )));
        }
        if self.is_native() && is_given.into_iter().any(Option::is_some) {
            return Err(Failure::Theirs(
                "--realtime-endpoint-url and --realtime-access-token are of a Source SDK channel; on RingCentral's own the bot answers by REST. Leave them out. Nothing was changed".to_owned(),
            ));
        }
        if !self.is_native() && args.source.len() > 1 {
            return Err(Failure::Theirs(
                "a Source SDK channel is one --source; several are for --channel native. Nothing was changed"
                    .to_owned(),
            ));
        }
        Ok(())
    }

    /// The source that is meant, if something says so: an id or a name, and the realtime URL.
    pub(crate) fn source(&self) -> Result<(Option<String>, Option<Url>), Failure> {
        let given = self.args.realtime_endpoint_url.clone();
        let url = given.or_else(|| {
            let known = self.config.text(&["ringcx", "realtime_endpoint_url"])?;
            self.args.source.is_empty().then_some(known)
        });
        let url = url
            .map(|text| https("realtime endpoint URL", &text))
            .transpose()?;
        let learnt = || {
            url.as_ref()
                .and_then(base_url::source_id)
                .as_ref()
                .map(SourceId::to_string)
        };
        let source = self.args.source.first().cloned();
        let source = source
            .or_else(|| self.args.realtime_endpoint_url.as_ref().and_then(|_| learnt()))
            .or_else(|| self.config.text(&["ringcx", "source_id"]))
            .or_else(learnt);
        Ok((source, url))
    }

    /// Everything but who answers, when the source is known.
    pub(crate) async fn rest(
        &self,
        source_ids: Vec<String>,
        realtime_url: Option<Url>,
        public_url: Option<String>,
        login: &Login,
    ) -> Result<Wish, Failure> {
        let realtime = match source_ids.first() {
            Some(source) if !self.is_native() => Some(self.realtime(source, realtime_url, login).await?),
            _ => None,
        };
        let public_url = match public_url {
            Some(url) => url,
            None => self.public_url().await?,
        };
        let args = self.args;
        let events = args
            .events
            .or_else(|| {
                use clap::ValueEnum as _;
                Events::from_str(self.entry.events.as_deref()?, true).ok()
            })
            .unwrap_or_default();
        Ok(Wish {
            connection: args.connection.clone(),
            realtime,
            source_ids,
            public_url,
            separate_urls: self.separate_urls(),
            bot: self.bot().await?,
            parent: self.name(args.parent.as_ref(), self.entry.parent.as_ref(), PARENT),
            folder: self.name(args.folder.as_ref(), self.entry.folder.as_ref(), FOLDER),
            bot_face: self.face("bot_identity", args.bot_name.as_ref(), ("bot", "Bot")),
            agent_face: self.face("agent_identity", args.agent_name.as_ref(), ("agent", "Agent")),
            events,
            delete_other_webhooks: args.delete_other_webhooks,
        })
    }

    async fn realtime(&self, source: &str, url: Option<Url>, login: &Login) -> Result<Realtime, Failure> {
        let url = match url {
            Some(url) => url,
            None => self.realtime_url(source, &login.api_base).await?,
        };
        let token = self
            .secret(
                "the realtime access token",
                self.args.realtime_access_token.as_deref(),
                &["ringcx", "realtime_access_tokens"],
                "Console: Admin, Sources, the source, \"API access token\" under the implementation's details",
            )
            .await?;
        Ok(Realtime { url, token })
    }

    pub(crate) fn separate_urls(&self) -> bool {
        // On AWS each is a function of its own.
        self.config.home().is_stage()
            || self.args.separate_urls
            || (self.args.public_url.is_none() && self.entry.separate_urls)
    }

    /// Without a slash at its end.
    pub(crate) async fn public_url(&self) -> Result<String, Failure> {
        let known = self.args.public_url.clone().or_else(|| self.known_public_url());
        let read = |text: &str| {
            let url = https("public URL", text)?;
            if url.query().is_some() || url.fragment().is_some() {
                return Err(Failure::Theirs("public URL: it has no ? and no #".to_owned()));
            }
            Ok(url.as_str().trim_end_matches('/').to_owned())
        };
        match known {
            Some(url) => read(&url),
            None => self
                .terminal
                .ask_for(
                    "Where RingCentral reaches this bridge",
                    "The https address of your reverse proxy or tunnel, such as https://bridge.example.org",
                    None,
                    read,
                )
                .await,
        }
    }

    #[expect(clippy::unused_self, reason = "reads like its neighbours")]
    fn name(&self, given: Option<&String>, last: Option<&String>, default: &str) -> String {
        given.or(last).map_or(default, |name| name.trim()).to_owned()
    }

    fn face(&self, key: &str, name: Option<&String>, default: (&str, &str)) -> Face {
        let known = |member: &str| self.config.text(&["ringcx", key, member]);
        Face {
            id: known("id").unwrap_or_else(|| default.0.to_owned()),
            name: name
                .cloned()
                .or_else(|| known("name"))
                .unwrap_or_else(|| default.1.to_owned()),
        }
    }

    async fn realtime_url(&self, source: &str, api_base: &Url) -> Result<Url, Failure> {
        let likely = console_of(api_base).map(|console| format!("{console}/realtime/sdk/{source}"));
        if !self.terminal.asks() {
            let likely =
                likely.ok_or_else(|| Failure::Theirs("--realtime-endpoint-url is missing".to_owned()))?;
            return https("realtime endpoint URL", &likely);
        }
        self.terminal
            .ask_for(
                "The source's Realtime Endpoint URL",
                "Console: Admin, Sources, the source, under the implementation's details",
                likely.as_deref(),
                |text| {
                    let url = https("realtime endpoint URL", text)?;
                    check_realtime_url(&url, source)?;
                    Ok(url)
                },
            )
            .await
    }

    fn known_public_url(&self) -> Option<String> {
        let written = || self.config.text(&["files", "public_url"]);
        match self.config.home().public_url() {
            Some(stage) => written().or_else(|| Some(stage.to_owned())),
            None => self.entry.public_url.clone().or_else(written),
        }
    }

    fn bot_kind(&self) -> BotKind {
        self.args
            .bot_kind
            .unwrap_or_else(|| match self.config.text(&["bot", "kind"]).as_deref() {
                Some("cognigy") => BotKind::Cognigy,
                Some("chatlayer") => BotKind::Chatlayer,
                _ => BotKind::Webhook,
            })
    }

    async fn bot(&self) -> Result<BotWish, Failure> {
        let kind = self.bot_kind();
        let known = |key: &str| self.config.has(&["bot", key]);
        let (mut url, mut url_token) = self.split_bot_url();
        let mut access_token = None;
        let mut bot_id = self.args.bot_id.clone();
        match kind {
            BotKind::Webhook if url.is_none() && !known("url") => {
                let hint = "Your own bot's address for events; for Cognigy or Chatlayer stop here and add --bot-kind";
                url = Some(
                    self.terminal
                        .ask_for("Where your bot takes events", hint, None, bot_url)
                        .await?,
                );
            }
            BotKind::Cognigy if url.is_none() && !known("endpoint_base_url") && !known("api_base_url") => {
                let hint =
                    "The host of your endpoint's URL in Cognigy, such as https://endpoint-trial.cognigy.ai";
                let typed = self
                    .terminal
                    .ask_for("Cognigy's endpoints", hint, None, bot_url)
                    .await?;
                if self.is_native() {
                    let (base, token) = endpoint_of(&typed);
                    (url, url_token) = (Some(base), token);
                } else {
                    url = Some(typed);
                }
            }
            BotKind::Chatlayer => {
                let argument = self.args.bot_access_token.as_deref();
                let hint = "Chatlayer: Settings, API";
                let token = self
                    .secret("Chatlayer's API token", argument, &["bot", "access_token"], hint)
                    .await?;
                access_token = Some(token);
                if bot_id.is_none() && !known("bot_id") {
                    let hint = "Chatlayer: the part of its address behind /bots/";
                    bot_id = Some(self.terminal.ask("Chatlayer's id of the bot", hint, None).await?);
                }
            }
            _ => {}
        }
        if let (Some(url), BotKind::Webhook | BotKind::Cognigy) = (&url, kind) {
            bot_url(url)?;
        }
        let asked = self.asked(kind, url_token).await?;
        Ok(BotWish {
            kind,
            url,
            access_token,
            bot_id,
            asked,
        })
    }

    /// `url_token`: what stood at the end of the endpoint's URL.
    async fn asked(&self, kind: BotKind, url_token: Option<String>) -> Result<Asked, Failure> {
        let args = self.args;
        let mut asked = Asked::default();
        match kind {
            BotKind::Cognigy if self.is_native() => {
                asked.endpoint = args.bot_endpoint;
                let given = args.bot_url_token.clone().or(url_token);
                let hint = "The end of the endpoint's URL, behind the host: Cognigy, the endpoint's page";
                let token = self.secret(
                    "Cognigy's URL token",
                    given.as_deref(),
                    &["bot", "url_token"],
                    hint,
                );
                asked.url_token = Some(token.await?);
            }
            BotKind::Chatlayer if self.is_native() => {
                let known = self.config.has(&["bot", "webhook_channel_url"]);
                asked.webhook_channel_url = match &args.bot_channel_url {
                    Some(given) => Some(bot_url(given)?),
                    None if known => None,
                    None => {
                        let hint = "Chatlayer: the page of the bot's webhook channel shows it";
                        let question = "Where Chatlayer's webhook channel takes messages";
                        Some(self.terminal.ask_for(question, hint, None, bot_url).await?)
                    }
                };
                let what = "the webhook channel's token";
                let hint = "Chatlayer: the page of the bot's webhook channel";
                let given = args.bot_channel_token.as_deref();
                let token = self.secret(what, given, &["bot", "webhook_channel_token"], hint);
                asked.webhook_channel_token = Some(token.await?);
            }
            _ => {}
        }
        Ok(asked)
    }
}
