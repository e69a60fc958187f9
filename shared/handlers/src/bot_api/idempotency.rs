//! Repeats are harmless: same answer, one effect, remembered for 72 hours.

use handover_core::ids::ConversationId;
use handover_core::ports::{Claim, KEPT_FOR, Recorded};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::unavailable;
use crate::App;
use crate::respond::{Answer, Problem, json as json_answer};
use crate::routes::Call;

/// Longest idempotency key or message id, in characters.
pub const KEY_MAX_CHARS: usize = 256;

/// The key of one call: its scope is connection, method and path.
pub struct Key {
    claim: String,
    body_hash: String,
}

impl Key {
    /// The `Idempotency-Key` header, else the body's `id`; `None` if there is neither.
    pub fn of(
        call: &Call,
        conversation: &ConversationId,
        what: &str,
        body: &Value,
        id: Option<&str>,
    ) -> Result<Option<Self>, Problem> {
        let header =
            match call.header("idempotency-key") {
                None => None,
                Some(value) => Some(std::str::from_utf8(value).map_err(|_| {
                    Problem::Invalid(vec!["the Idempotency-Key header is not UTF-8".to_owned()])
                })?),
            };
        let Some(key) = header.filter(|key| !key.is_empty()).or(id) else {
            return Ok(None);
        };
        if key.chars().count() > KEY_MAX_CHARS {
            return Err(Problem::Invalid(vec![format!(
                "an idempotency key has at most {KEY_MAX_CHARS} characters"
            )]));
        }
        let scope = [
            call.connection.id.as_str(),
            call.request.method().as_str(),
            conversation.as_str(),
            what,
            key,
        ];
        let mut hash = Sha256::new();
        for part in scope {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // serde_json's maps are sorted, so the order of members does not matter.
        let body_hash = hex::encode(Sha256::digest(body.to_string()));
        Ok(Some(Self {
            claim: format!("idempotency:{}", hex::encode(hash.finalize())),
            body_hash,
        }))
    }

    /// The answer of the first call with this key, if there was one.
    pub async fn answered(&self, app: &App) -> Result<Option<Answer>, Problem> {
        let recorded = app
            .store
            .claimed(&self.claim, app.now())
            .await
            .map_err(unavailable)?;
        recorded.map(|recorded| self.replay(&recorded)).transpose()
    }

    /// The claim that makes a call the first with this key and remembers its answer.
    pub fn claim(&self, app: &App, status: StatusCode, answer: &Value) -> Claim {
        Claim {
            key: self.claim.clone(),
            holder: app.ids.next(),
            record: json!({"hash": self.body_hash, "status": status.as_u16(), "answer": answer}).to_string(),
            expires_at: app.now() + KEPT_FOR,
        }
    }

    /// The stored answer, unless it belongs to another body.
    pub fn replay(&self, recorded: &Recorded) -> Result<Answer, Problem> {
        let record: Value = serde_json::from_str(&recorded.record).map_err(unavailable)?;
        if record["hash"] != self.body_hash.as_str() {
            return Err(Problem::IdempotencyMismatch);
        }
        let status = record["status"].as_u64().and_then(|s| u16::try_from(s).ok());
        let status = status
            .and_then(|s| StatusCode::from_u16(s).ok())
            .unwrap_or(StatusCode::ACCEPTED);
        Ok(json_answer(status, &record["answer"]))
    }
}
