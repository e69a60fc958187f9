//! The bot's own interventions: as the token's account, or as one of RCE's virtual agents (REST API, "Bots").

use handover_core::ids::{CategoryId, ContentId, InterventionId};
use handover_core::ports::{Intervention, RingCxError};
use handover_core::settings::Connection;
use reqwest::Method;

use super::RingCxClient;
use super::interventions::{self, INTERVENTIONS};
use crate::rest::Call;

const BOTS: &str = "bots";
const COMMENTS: &str = "intervention_comments";

impl RingCxClient {
    /// Opens an intervention. RCE answers 422 where one is open already.
    pub(super) async fn post_intervention(
        &self,
        connection: &Connection,
        content: &ContentId,
    ) -> Result<Intervention, RingCxError> {
        let path: &[&str] = if connection.ringcx.native.virtual_agent {
            &[BOTS, "engage"]
        } else {
            &[INTERVENTIONS]
        };
        let call = Call {
            form: Some(&[("content_id", content.as_str())]),
            ..Call::new("engage", Method::POST, path)
        };
        let answer = self.rest(connection, call).await?;
        interventions::read(&answer.json()?).ok_or(RingCxError::Unavailable {
            status: answer.status.as_u16(),
        })
    }

    /// RCE's pages disagree whether a comment names its author: it is the token's account either way.
    pub(super) async fn post_comment(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        text: &str,
    ) -> Result<(), RingCxError> {
        let mut form = vec![("intervention_id", intervention.as_str()), ("body", text)];
        let refused = match self.comment_with(connection, &form).await {
            Err(
                error @ RingCxError::Refused {
                    status: 400 | 422, ..
                },
            ) => error,
            outcome => return outcome,
        };
        let Ok(Some(account)) = self.find_own_account(connection).await else {
            return Err(refused);
        };
        // Refused, so it left nothing behind.
        form.push(("user_id", account.as_str()));
        self.comment_with(connection, &form).await
    }

    async fn comment_with(&self, connection: &Connection, form: &[(&str, &str)]) -> Result<(), RingCxError> {
        let call = Call {
            form: Some(form),
            ..Call::rest_of("comment", Method::POST, &[COMMENTS])
        };
        self.rest(connection, call).await.map(drop)
    }

    /// The texts of the newest hundred and fifty; more than a few are rare.
    pub(super) async fn list_comments(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<Vec<String>, RingCxError> {
        let call = Call {
            query: &[("intervention_id", intervention.as_str()), ("limit", "150")],
            ..Call::rest_of("comments", Method::GET, &[COMMENTS])
        };
        let answer = self.rest(connection, call).await?;
        let page = answer.json()?;
        let bodies = answer.records(&page)?.iter();
        let bodies = bodies.filter_map(|comment| comment.get("body")?.as_str());
        Ok(bodies.map(str::to_owned).collect())
    }

    /// Without categories the thread's stay as they are.
    pub(super) async fn post_handover(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
        categories: &[CategoryId],
    ) -> Result<(), RingCxError> {
        let mut form = vec![
            ("from", "bot"),
            ("to", "agent"),
            ("type", "engage_virtual_agent"),
            ("intervention_id", intervention.as_str()),
        ];
        let categories = categories.iter().map(CategoryId::as_str);
        form.extend(categories.map(|category| ("thread_category_ids[]", category)));
        let call = Call {
            form: Some(&form),
            ..Call::rest_of("hand_over", Method::POST, &[BOTS, "handover"])
        };
        self.rest(connection, call).await.map(drop)
    }

    pub(super) async fn post_complete(
        &self,
        connection: &Connection,
        intervention: &InterventionId,
    ) -> Result<(), RingCxError> {
        let call = Call {
            form: Some(&[("intervention_id", intervention.as_str())]),
            ..Call::rest_of("complete", Method::POST, &[BOTS, "complete"])
        };
        self.rest(connection, call).await.map(drop)
    }
}
