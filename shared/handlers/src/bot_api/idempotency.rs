//! Repeats are harmless: same answer, one effect, remembered for 72 hours.

use handover_core::ids::{ConnectionId, ForeignThreadId};
use handover_core::ports::{Claim, ClaimKey, Commit, KEPT_FOR, Measured, Recorded, StoreError};
use http::StatusCode;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Ask, unavailable};
use crate::App;
use crate::respond::{Answer, Problem, json as json_answer};

/// Longest idempotency key or message id, in characters.
pub const KEY_MAX_CHARS: usize = 256;

/// What makes a call happen once: its key, if it has one. The scope is connection, method and path.
pub struct Once(Option<Key>);

struct Key {
    connection: ConnectionId,
    claim: ClaimKey,
    body_hash: String,
}

impl Once {
    /// The header's key, else the body's `id`; without either every call is a new one.
    pub fn of(
        ask: &Ask<'_>,
        method: &str,
        what: &str,
        body: &Value,
        id: Option<&str>,
    ) -> Result<Self, Problem> {
        let Some(key) = ask.key.as_deref().filter(|key| !key.is_empty()).or(id) else {
            return Ok(Self(None));
        };
        if key.chars().count() > KEY_MAX_CHARS {
            return Err(Problem::Invalid(vec![format!(
                "an idempotency key has at most {KEY_MAX_CHARS} characters"
            )]));
        }
        let mut hash = Sha256::new();
        for part in [
            ask.connection.id.as_str(),
            method,
            ask.conversation.as_str(),
            what,
            key,
        ] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        // serde_json's maps are sorted, so the order of members does not matter.
        let body_hash = hex::encode(Sha256::digest(body.to_string()));
        let name = format!("idempotency:{}", hex::encode(hash.finalize()));
        let claim = ClaimKey::of(&ask.connection.id, &ForeignThreadId::of(ask.conversation), name);
        Ok(Self(Some(Key {
            connection: ask.connection.id.clone(),
            claim,
            body_hash,
        })))
    }

    /// The answer of the first call with this key, if there was one.
    pub async fn answered(&self, app: &App) -> Result<Option<Answer>, Problem> {
        let Some(key) = &self.0 else { return Ok(None) };
        let recorded = app
            .store
            .claimed(&key.claim, app.now())
            .await
            .map_err(unavailable)?;
        recorded.map(|recorded| key.replay(app, &recorded)).transpose()
    }

    /// Commits a call's change together with its claim and gives the answer: this call's own, or the first
    /// one's if another call with this key was faster. `None`: somebody else changed the conversation first, so
    /// it has to be decided again.
    pub async fn settle(
        &self,
        app: &App,
        mut commit: Commit,
        status: StatusCode,
        answer: &Value,
    ) -> Result<Option<Answer>, Problem> {
        commit
            .claims
            .extend(self.0.as_ref().map(|key| key.claim(app, status, answer)));
        match (app.store.commit(commit).await, &self.0) {
            (Ok(()), _) => Ok(Some(json_answer(status, answer))),
            (Err(StoreError::Claimed(recorded)), Some(key)) => key.replay(app, &recorded).map(Some),
            (Err(StoreError::Conflict), _) => Ok(None),
            (Err(error), _) => Err(unavailable(error)),
        }
    }
}

impl Key {
    fn claim(&self, app: &App, status: StatusCode, answer: &Value) -> Claim {
        Claim {
            key: self.claim.clone(),
            holder: app.ids.next(),
            record: json!({"hash": self.body_hash, "status": status.as_u16(), "answer": answer}).to_string(),
            expires_at: app.now() + KEPT_FOR,
        }
    }

    /// The stored answer, unless it belongs to another body.
    fn replay(&self, app: &App, recorded: &Recorded) -> Result<Answer, Problem> {
        let record: Value = serde_json::from_str(&recorded.record).map_err(unavailable)?;
        if record["hash"] != self.body_hash.as_str() {
            return Err(Problem::IdempotencyMismatch);
        }
        app.metrics.record(&self.connection, Measured::DuplicateDropped);
        let status = record["status"].as_u64().and_then(|s| u16::try_from(s).ok());
        let status = status
            .and_then(|s| StatusCode::from_u16(s).ok())
            .unwrap_or(StatusCode::ACCEPTED);
        Ok(json_answer(status, &record["answer"]))
    }
}
