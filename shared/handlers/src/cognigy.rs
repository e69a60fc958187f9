//! `POST /handover/cognigy`: what the transformer kit of Cognigy.AI sends.
//!
//! `{type, timestamp, data}` with `data.conversation` = `{user_id, session_id, url_token?, channel?}`. Each type is
//! translated into a call of the bot API and answered like it: `handler` tells the transformer whether the Flow may
//! run. Authenticated by a Bearer key of the connection, or by a Standard Webhooks signature over the raw body.

mod call;
pub mod outputs;
mod profile;
mod signature;
mod transcript;

use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::json::cut_depth;
use handover_core::settings::{BotKind, CognigySettings};
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

use crate::App;
use crate::bot_api::{self, Ask, handover, input, messages, presence};
use crate::respond::{Answer, Problem};
use crate::routes::{BOT_API_BODY_LIMIT, Call};
use call::{Conversation, Kind, Message};

/// Answers a call of the kit.
pub async fn handle(app: &App, call: &Call) -> Result<Answer, Problem> {
    let BotKind::Cognigy(settings) = &call.connection.bot.kind else {
        return Err(Problem::WrongKind("cognigy"));
    };
    let webhook_id = authenticate(app, call, settings)?;
    if call.exceeds(BOT_API_BODY_LIMIT) {
        return Err(Problem::TooLarge {
            limit: BOT_API_BODY_LIMIT,
        });
    }
    let mut body = Value::Object(input::parsed(call.body())?);
    // What is nested too deeply is data for machines; what was said beside it must not be lost.
    cut_depth(&mut body);
    let sent = call::read(body.as_object().unwrap_or(&Map::new()), settings)?;
    let id = conversation_id(app, call, &sent.conversation).await?;
    // A message that has an id is the same whichever call brings it.
    let key = match &sent.kind {
        Kind::Message(message) if message.members.contains_key("id") => None,
        _ => webhook_id.or(sent.id),
    };
    let ask = |body| Ask {
        connection: &call.connection,
        conversation: &id,
        body,
        key: key.clone(),
    };
    match sent.kind {
        Kind::Message(message) => messages::take(app, ask(message.body(&sent.conversation))).await,
        Kind::HandoverRequested(request) => handover::begin(app, ask(request)).await,
        Kind::HandoverCancelled { cause } => handover::end(app, ask(object(json!({"cause": cause})))).await,
        Kind::Typing { state, preview } => {
            presence::types(app, ask(object(json!({"state": state, "preview": preview})))).await
        }
        Kind::Read { message } => presence::reads(app, ask(object(json!({"message_id": message})))).await,
        Kind::Presence { connected } => presence::came_or_went(app, &ask(object(json!({}))), connected).await,
        Kind::ProfileUpdated { user } => presence::profile(app, ask(object(json!({"user": user})))).await,
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(object) => object,
        _ => Map::new(),
    }
}

/// By a signature if there is one, else by a key. The id of a signed call makes its repeats harmless.
fn authenticate(app: &App, call: &Call, settings: &CognigySettings) -> Result<Option<String>, Problem> {
    if call.header(signature::HEADER).is_none() {
        bot_api::authenticate_bot(call)?;
        return Ok(None);
    }
    signature::verify(&settings.signing_secrets, call, app.now())
        .map(Some)
        .map_err(|why| {
            tracing::warn!(connection.id = %call.connection.id, why, "cognigy call refused");
            Problem::Unauthorized
        })
}

/// The session's id; the pair of user and session is what names a conversation in Cognigy, so a second user of the same
/// session gets a conversation of their own.
async fn conversation_id(app: &App, call: &Call, named: &Conversation) -> Result<ConversationId, Problem> {
    let id = ConversationId::new(named.session_id.clone());
    if call.connection.is_native() {
        // The session is what we called it, and RCE may take its person for another.
        bot_api::on_native_channel(app, &call.connection, &id).await?;
        return Ok(id);
    }
    let thread = ForeignThreadId::of(&id);
    let found = app.store.glance(&call.connection.id, &thread).await;
    let found = found.map_err(bot_api::unavailable)?;
    let owner = found.and_then(|found| found.conversation.platform?.user_id);
    if owner.is_none_or(|owner| owner == named.user_id) {
        return Ok(id);
    }
    let user = hex::encode(&Sha256::digest(&named.user_id)[..8]);
    let session = hex::encode(&Sha256::digest(&named.session_id)[..8]);
    let readable: String = named.session_id.chars().take(200).collect();
    Ok(ConversationId::new(format!("{readable}~{session}{user}")))
}

impl Message {
    /// In the bot API's words.
    fn body(self, conversation: &Conversation) -> Map<String, Value> {
        let mut body = self.members;
        body.insert("from".to_owned(), json!(self.from));
        body.insert("platform".to_owned(), conversation.platform());
        if self.from == "user" {
            let user = self.user.unwrap_or_else(|| json!({"id": conversation.user_id}));
            body.insert("user".to_owned(), user);
        }
        body
    }
}
