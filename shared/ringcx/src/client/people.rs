//! Who somebody is (`GET /identities/{id}`), and who we are (`GET /users/me`).

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use handover_core::Timestamp;
use handover_core::ids::{AgentId, IdentityId};
use handover_core::ports::{Person, RingCxError, Urgency};
use handover_core::profile::UserProfile;
use handover_core::settings::Connection;
use reqwest::Method;
use serde_json::Value;

use super::RingCxClient;
use crate::json;
use crate::rest::Call;

/// How long it is remembered whose the token is. Who puts it on another account makes a new one.
const KEPT: Duration = Duration::from_hours(1);
/// And that RCE does not say.
const UNKNOWN_KEPT: Duration = Duration::from_mins(10);

/// Where a profile keeps what the channel calls the person.
const FOREIGN_ID: &str = "foreign-id";

/// What RCE said about a token.
#[derive(Clone)]
struct Asked {
    account: Option<AgentId>,
    at: Timestamp,
}

/// Whose token is whose, by REST base and token.
#[derive(Default)]
pub(super) struct OwnAccounts {
    known: Mutex<HashMap<(String, String), Asked>>,
}

impl OwnAccounts {
    fn get(&self, key: &(String, String), now: Timestamp) -> Option<Asked> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = |asked: &&Asked| {
            now < asked.at
                + if asked.account.is_some() {
                    KEPT
                } else {
                    UNKNOWN_KEPT
                }
        };
        known.get(key).filter(kept).cloned()
    }

    fn put(&self, key: (String, String), asked: Asked) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.insert(key, asked);
    }
}

impl RingCxClient {
    pub(super) async fn get_person(
        &self,
        connection: &Connection,
        identity: &IdentityId,
        urgency: Urgency,
    ) -> Result<Person, RingCxError> {
        let path = ["identities", identity.as_str()];
        let call = Call {
            urgency,
            ..Call::new("person", Method::GET, &path)
        };
        let answer = self.rest(connection, call).await?;
        person(&answer.json()?).ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })
    }

    /// The account that the token acts as. `None` where RCE does not say, which an older one may not.
    pub(super) async fn find_own_account(
        &self,
        connection: &Connection,
    ) -> Result<Option<AgentId>, RingCxError> {
        let settings = &connection.ringcx;
        let token = settings.api_access_token.expose().to_owned();
        let key = (settings.api_base.to_string(), token);
        if let Some(known) = self.own_accounts.get(&key, self.clock.now()) {
            return Ok(known.account);
        }
        let call = Call::new("own_account", Method::GET, &["users", "me"]);
        let account = match self.rest(connection, call).await {
            Ok(answer) => json::id(answer.json()?.get("id")).map(AgentId::new),
            Err(RingCxError::NotPermitted { .. } | RingCxError::NotFound) => None,
            Err(error) => return Err(error),
        };
        let asked = Asked {
            account: account.clone(),
            at: self.clock.now(),
        };
        self.own_accounts.put(key, asked);
        Ok(account)
    }
}

/// An identity; nothing if the record is none.
fn person(record: &Value) -> Option<Person> {
    json::id(record.get("id"))?;
    let member = |name: &str| json::text(record.get(name)).map(str::to_owned);
    let foreign_id = json::id(record.get("foreign_id"));
    let extra = foreign_id
        .iter()
        .map(|id| (FOREIGN_ID.to_owned(), Value::from(id.as_str())));
    Some(Person {
        profile: UserProfile {
            firstname: member("firstname"),
            lastname: member("lastname"),
            screenname: member("screenname").or_else(|| member("display_name")),
            email: member("email"),
            home_phone: member("home_phone"),
            mobile_phone: member("mobile_phone"),
            avatar_url: member("avatar_url"),
            gender: member("gender"),
            language: member("language"),
            extra: extra.collect::<BTreeMap<_, _>>(),
            id: foreign_id,
        },
        is_company: !json::items(record.get("user_ids")).is_empty(),
    })
}
