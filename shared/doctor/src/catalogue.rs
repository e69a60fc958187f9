//! Which checks there are, in their order, and why each matters. `docs/doctor.md` has the same list.

/// A check before it is made.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// Stable: programs and the documentation name checks by it.
    pub id: &'static str,
    pub group: &'static str,
    pub title: &'static str,
    pub why: &'static str,
}

const fn entry_of(group: &'static str, id: &'static str, title: &'static str, why: &'static str) -> Entry {
    Entry {
        id,
        group,
        title,
        why,
    }
}

const CONFIGURATION: &str = "configuration";
const TOKEN: &str = "token and rights";
const SOURCE: &str = "source";
const CATEGORIES: &str = "categories";
const WEBHOOK: &str = "webhook";
const REACH: &str = "reaching the bridge";
const FACES: &str = "sending and identities";
const AGENTS: &str = "agents";
const BOT: &str = "bot";
const WORK: &str = "work in hand";

/// Every check.
#[rustfmt::skip]
pub const CATALOGUE: &[Entry] = &[
    entry_of(CONFIGURATION, "slider", "the connection is switched on", "While it is off every handover request is answered \"disabled\"."),
    entry_of(CONFIGURATION, "file-hosting", "files can be hosted as configured", "A bridge that is told to host all files and cannot does not start."),
    entry_of(CONFIGURATION, "shared-source", "the source belongs to one connection", "With two, both bots act on the same conversations."),
    entry_of(CONFIGURATION, "realtime-url", "the realtime endpoint URL fits source and account", "Messages would go to another source than the one whose threads are moved."),
    entry_of(CONFIGURATION, "public-address", "the bridge's own address is known", "Without it nobody can try whether RingCentral reaches the bridge."),
    entry_of(CONFIGURATION, "rest-budget", "the REST budget suffices and is not exceeded", "RingCentral allows 500 calls a minute to all integrations of an account together; what is above is refused."),
    entry_of(CONFIGURATION, "unused-settings", "every setting means something on this channel", "Somebody expects of a setting what will not happen."),
    entry_of(TOKEN, "token", "the API access token is accepted", "Without REST no handover can be started, ended or looked after."),
    entry_of(TOKEN, "clock", "this machine's clock agrees with RingCentral's", "Events are told apart from those of an earlier handover by their times, and bots refuse signatures that are too old."),
    entry_of(TOKEN, "right-interventions", "the account may see interventions", "Lost events cannot be made up for: a handover whose end was not reported stays with the agents until a timer ends it."),
    entry_of(TOKEN, "right-monitor-tasks", "the account may monitor tasks", "Whether agents are available is unknown."),
    entry_of(TOKEN, "right-users", "the account may see agents", "Customers read the name that an agent signs with, or none, and agents' permissions cannot be checked."),
    entry_of(TOKEN, "right-time-sheets", "the account may see time sheets", "Opening hours do not count."),
    entry_of(TOKEN, "right-identities", "the account may see identities", "Whether agents may speak cannot be checked; without relayed messages nobody is found."),
    entry_of(TOKEN, "right-close-interventions", "the account may close interventions of others", "Who leaves a conversation stays on the agent's list until the agent closes it."),
    entry_of(TOKEN, "right-open-threads", "the account may open closed threads", "A person whose thread was closed cannot reach an agent in it."),
    entry_of(TOKEN, "virtual-agent", "RingCentral has the virtual agent", "With virtual_agent the bot's interventions are opened and handed over by RingCentral's Bots API, which acts as one."),
    entry_of(TOKEN, "own-account", "the token's account is the bot's alone", "On a channel of RingCentral's own the bot's answers are written by it: an agent who uses it, too, cannot be told from the bot."),
    entry_of(SOURCE, "source", "the source exists and can be read", "Without read permission its threads cannot be found, and handovers fail."),
    entry_of(SOURCE, "source-type", "the source is of the right kind", "Only a Source SDK channel sends agents' messages to the bridge; only a channel of RingCentral's own is answered by REST."),
    entry_of(SOURCE, "source-active", "the source is active", "An inactive source takes no messages and delivers none."),
    entry_of(SOURCE, "source-status", "the source synchronises without error", "While synchronisation fails nothing is sent or received on the source."),
    entry_of(SOURCE, "source-group", "the source is in a channel group", "Tasks are routed, and places in the queue are told, by channel group."),
    entry_of(SOURCE, "default-categories", "new threads begin in the Bot category", "Otherwise agents see conversations that the bot still leads."),
    entry_of(SOURCE, "reply-permission", "the token's account may answer on the source", "On a channel of RingCentral's own the bot's answers are written by the token's account: without reply each becomes a dead letter."),
    entry_of(CATEGORIES, "bot-category", "the Bot category exists and can be set", "The thread goes there when the bot has the conversation."),
    entry_of(CATEGORIES, "agent-category", "the Agent category exists and can be set", "A handover is this category: without it no agent sees the thread."),
    entry_of(CATEGORIES, "category-parent", "both categories have a parent", "A category without a parent is a heading; agents cannot hold it as a skill."),
    entry_of(CATEGORIES, "agent-category-held", "agents hold the Agent category", "Agents see only what carries one of their categories, so handovers would wait for ever."),
    entry_of(CATEGORIES, "bot-category-free", "no agent holds the Bot category", "Who holds it is given every conversation of the bot."),
    entry_of(WEBHOOK, "webhook", "a webhook reports to this connection", "Nobody tells the bridge that an agent closed the conversation, so the person does not come back to the bot."),
    entry_of(WEBHOOK, "webhook-single", "only one webhook reports to this connection", "Every event comes twice; the bridge drops repeats, but RingCentral's effort and yours double."),
    entry_of(WEBHOOK, "webhook-active", "the webhook is active", "RingCentral delivers nothing by it, and what happens meanwhile is lost."),
    entry_of(WEBHOOK, "webhook-events", "the webhook reports the end of a conversation", "Without it handovers end only by reconciliation, a minute or more late."),
    entry_of(WEBHOOK, "webhook-imported", "the webhook reports what people write", "On a channel of RingCentral's own nobody else tells the bridge, so the bot hears nothing."),
    entry_of(WEBHOOK, "webhook-answers", "the webhook reports what is answered", "On a channel of RingCentral's own both the delivery of answers and agents' words are told by these events."),
    entry_of(WEBHOOK, "webhook-recommended-events", "the webhook reports what is worth knowing", "What is not reported is found out late, or not at all."),
    entry_of(WEBHOOK, "webhook-verify-token", "the webhook's verify token is the configured one", "RingCentral's next validation is refused, and it switches the webhook off."),
    entry_of(REACH, "reachable", "the bridge answers at its address", "RingCentral cannot deliver agents' messages or events."),
    entry_of(REACH, "source-sdk", "the bridge answers Source SDK calls of this source", "Agents' messages are refused, and RingCentral may switch the source off."),
    entry_of(REACH, "source-sdk-strangers", "the bridge refuses unsigned Source SDK calls", "Anybody could speak as an agent."),
    entry_of(REACH, "source-sdk-options", "the declared options are the configured ones", "RingCentral sends places in the queue only to a source that declares them."),
    entry_of(REACH, "source-calls", "RingCentral calls the bridge for this source", "Agents' messages go to the Endpoint URL on the source's page, wherever that is."),
    entry_of(REACH, "webhook-validation", "the bridge answers a validation request", "RingCentral validates a webhook when it is saved, and switches off one that fails."),
    entry_of(REACH, "webhook-delivery", "the bridge takes deliveries with the configured secret", "Events are lost, and RingCentral switches off a webhook that fails often."),
    entry_of(REACH, "webhook-strangers", "the bridge refuses deliveries with a wrong secret", "Somebody else answers at this address, or anybody could end handovers."),
    entry_of(REACH, "answer-time", "the bridge answers within two seconds", "RingCentral counts slow answers as failures."),
    entry_of(REACH, "bot-key", "the running bridge knows the configured bot key", "The bridge that runs has another configuration than the one examined; bots with this key are refused."),
    entry_of(REACH, "running-settings", "the running bridge has read this configuration", "Until it reads it again it answers the sources, and tells the bot, as it was configured before."),
    entry_of(REACH, "round-trip", "RingCentral itself reaches the bridge", "Only RingCentral's own call shows that its secret, its network and its settings are right."),
    entry_of(FACES, "send-api", "RingCentral takes what the bridge sends", "No message of the person or the bot reaches an agent."),
    entry_of(FACES, "bot-identity", "the bot's identity exists", "The bot's words look like those of a second customer."),
    entry_of(FACES, "bot-identity-controlled", "the bot's identity is controlled", "RingCentral refuses structured messages of, or counts as a customer, an identity that it may not speak as."),
    entry_of(FACES, "agent-identity", "the agents' identity exists and is controlled", "Agents have no face on the source, so they cannot answer."),
    entry_of(FACES, "agent-identity-assigned", "every agent may speak as the agents' identity", "An agent without it sees the conversation and cannot answer."),
    entry_of(FACES, "author-identity", "the bot has a face on the channel", "On a channel of RingCentral's own an answer needs an identity that the token's account speaks as there; without one RingCentral refuses it."),
    entry_of(AGENTS, "agent-permissions", "agents may read and reply on the source", "Without read an agent does not see the conversation; without reply they cannot answer. The most frequent fault of all."),
    entry_of(AGENTS, "agents-now", "an agent could take a conversation now", "Handovers wait until somebody is there."),
    entry_of(AGENTS, "opening-hours", "opening hours", "Outside of them handovers are refused (\"closed\")."),
    entry_of(BOT, "bot", "the bot is reachable", "Nobody tells the bot what agents say, nor that it has the conversation again."),
    entry_of(BOT, "bot-signature", "the bot accepts our signature", "The bot refuses every event; each becomes a dead letter."),
    entry_of(BOT, "bot-verifies", "the bot refuses a wrong signature", "Anybody who knows the bot's address could speak as an agent."),
    entry_of(BOT, "queue-subscribers", "the other subscribers of queue updates answer", "They do not learn the places in the queue."),
    entry_of(WORK, "dead-letters", "nothing was given up", "Each dead letter is a message or an event that did not arrive."),
    entry_of(WORK, "jobs-waiting", "work is done as it comes", "What waits reaches neither the agent nor the bot."),
    entry_of(WORK, "overdue", "handovers are looked after in time", "Timers do not fire, and lost events are not made up for."),
    entry_of(WORK, "data-directory", "the data directory can be written and has room", "Without room nothing is accepted any more."),
    entry_of(WORK, "serving", "a bridge runs on the data directory", "Nothing is answered or delivered while none runs."),
];

pub(crate) fn entry(id: &str) -> Option<&'static Entry> {
    CATALOGUE.iter().find(|entry| entry.id == id)
}
