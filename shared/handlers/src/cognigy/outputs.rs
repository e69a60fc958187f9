//! `POST /handover/cognigy/outputs`: what a Webhook endpoint of Cognigy's posts, each output of a Flow by itself, as
//! `{userId, sessionId, AIOutput: {text, data, traceId}}` (Cognigy documentation, "Webhook endpoint").
//!
//! The endpoint can send a user name and a password (HTTP Basic): the password is one of the connection's `bot_keys`. Outputs
//! have no id of their own. `traceId` is that of the execution, so the same words of one execution are one output,
//! and without it every call is a new one.

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use handover_core::ids::{ConversationId, ForeignThreadId};
use handover_core::ports::{Commit, Expected};
use handover_core::secret::any_matches;
use handover_core::settings::{BotKind, CognigyEndpoint};
use handover_platforms::cognigy::{Command, output_from_cognigy};
use http::StatusCode;
use serde_json::{Map, Value, json};

use crate::App;
use crate::bot_api::input::{self, Errors};
use crate::bot_api::{self, Ask, CONFLICT_RETRIES, handover, messages};
use crate::chatlayer::digest;
use crate::respond::{Answer, Problem, json as json_answer};
use crate::routes::{BOT_API_BODY_LIMIT, Call, conversation_id};

/// Answers a call of the endpoint.
pub async fn take(app: &App, call: &Call) -> Result<Answer, Problem> {
    let connection = &call.connection;
    let BotKind::Cognigy(settings) = &connection.bot.kind else {
        return Err(Problem::WrongKind("cognigy"));
    };
    authenticate(call)?;
    let endpoint = settings.asks.as_ref().map(|asks| asks.endpoint);
    if !connection.is_native() || endpoint != Some(CognigyEndpoint::Webhook) {
        return Err(Problem::Forbidden(
            "this address is for connections with channel = \"native\" whose bot has endpoint = \"webhook\"",
        ));
    }
    let posted = Posted::read(call.body())?;
    let id = &posted.conversation;
    bot_api::on_native_channel(app, connection, id).await?;
    let output = output_from_cognigy(&posted.output);
    let said = !output.content.is_empty();
    let mut answer = None;
    if said {
        let ask = Ask {
            connection,
            conversation: id,
            body: posted.message(app, &output.content),
            key: None,
        };
        answer = Some(messages::take(app, ask).await?);
    }
    match output.command {
        Some(Command::Handover(mut wish)) => {
            if let Some(name) = posted.name("handover") {
                wish.insert("id".to_owned(), json!(name));
            }
            let ask = Ask {
                connection,
                conversation: id,
                body: wish,
                key: None,
            };
            return handover::begin(app, ask).await;
        }
        Some(Command::End) => {
            let ask = Ask {
                connection,
                conversation: id,
                body: Map::from_iter([("cause".to_owned(), json!("bot_ended"))]),
                key: posted.name("end"),
            };
            return handover::end(app, ask).await;
        }
        Some(Command::Nothing) => nothing_to_say(app, call, id).await?,
        None => {}
    }
    if let Some(answer) = answer {
        return Ok(answer);
    }
    tracing::debug!(connection.id = %connection.id, "an output of a flow that says nothing to people");
    Ok(json_answer(
        StatusCode::OK,
        &json!({"status": "ok", "ignored": true}),
    ))
}

/// By the password that Cognigy's endpoint can send, or as any bot.
fn authenticate(call: &Call) -> Result<(), Problem> {
    let basic = call.header("authorization").and_then(|header| {
        let (scheme, credentials) = header.split_at_checked(6)?;
        scheme.eq_ignore_ascii_case(b"basic ").then_some(credentials)
    });
    let Some(credentials) = basic else {
        return bot_api::authenticate_bot(call).map_err(|problem| match problem {
            Problem::Unauthorized => Problem::WrongPassword,
            problem => problem,
        });
    };
    let decoded = BASE64_STANDARD
        .decode(credentials.trim_ascii())
        .unwrap_or_default();
    let colon = decoded.iter().position(|byte| *byte == b':');
    let password = colon.map_or(&[][..], |colon| &decoded[colon + 1..]);
    if password.is_empty() || !any_matches(&call.connection.bot_keys, password) {
        tracing::warn!(connection.id = %call.connection.id, "cognigy call refused");
        return Err(Problem::WrongPassword);
    }
    if call.exceeds(BOT_API_BODY_LIMIT) {
        return Err(Problem::TooLarge {
            limit: BOT_API_BODY_LIMIT,
        });
    }
    Ok(())
}

/// One call, read.
struct Posted {
    conversation: ConversationId,
    output: Value,
}

impl Posted {
    fn read(body: &[u8]) -> Result<Self, Problem> {
        let mut members = input::parsed(body)?;
        let mut errors = Errors::default();
        let session = input::text(&members, "sessionId", &mut errors).unwrap_or_default();
        let conversation = conversation_id(&session).unwrap_or_else(|_| {
            errors.add("sessionId has 1 to 256 characters, none of them a control character");
            ConversationId::new("")
        });
        let output = members.remove("AIOutput").unwrap_or_default();
        if !output.is_object() {
            errors.add("AIOutput is not an object with text or data");
        }
        errors.into_result(Self { conversation, output })
    }

    /// What a repeat is known by, for one of the things that it does.
    fn name(&self, what: &str) -> Option<String> {
        let trace = self.output["traceId"]
            .as_str()
            .filter(|trace| !trace.is_empty())?;
        let (text, data) = (self.output["text"].to_string(), self.output["data"].to_string());
        Some(format!("cognigy-{}", digest(&[what, trace, &text, &data])))
    }

    fn message(&self, app: &App, content: &handover_platforms::Content) -> Map<String, Value> {
        let mut body = match serde_json::to_value(content) {
            Ok(Value::Object(members)) => members,
            _ => Map::new(),
        };
        let name = self
            .name("message")
            .unwrap_or_else(|| format!("cognigy-{}", app.ids.next()));
        body.insert("id".to_owned(), json!(name));
        body.insert("from".to_owned(), json!("bot"));
        // While somebody waits for an agent a Flow speaks only of that.
        body.insert("notice".to_owned(), json!(true));
        body
    }
}

/// The Flow has heard the person and has nothing to say.
async fn nothing_to_say(app: &App, call: &Call, id: &ConversationId) -> Result<(), Problem> {
    let connection = &call.connection;
    let thread = ForeignThreadId::of(id);
    for _ in 0..CONFLICT_RETRIES {
        let found = app.store.conversation(&connection.id, &thread).await;
        let Some(mut found) = found.map_err(bot_api::unavailable)? else {
            return Ok(());
        };
        found.conversation.bot_reacted();
        let expected = Expected::Version(found.version);
        let commit = Commit::writing(found.conversation, expected, &connection.timers);
        match app.store.commit(commit).await {
            Err(handover_core::ports::StoreError::Conflict) => {}
            done => return done.map_err(bot_api::unavailable),
        }
    }
    Err(Problem::Unavailable)
}
