//! What is said of a case besides who has it: the summary of a part of it, and the customer's survey.

use serde_json::json;

use crate::error::DeskError;
use crate::events::SURVEY;
use crate::model::Intervention;
use crate::state::State;
use crate::time::seconds;

impl State {
    /// The customer answers the survey about the last intervention of the thread.
    pub(crate) fn survey(
        &mut self,
        thread_id: &str,
        rating: i64,
        said: Option<&str>,
    ) -> Result<(), DeskError> {
        let it = self.last_intervention(thread_id)?;
        let mut questions = vec![json!({
            "foreign_id": "main",
            "text": "How satisfied are you?",
            "replies": [{"text": rating.to_string(), "value": rating.to_string()}],
        })];
        questions.extend(said.map(|said| {
            json!({
                "foreign_id": "free",
                "text": "Anything else?",
                "replies": [{"text": said, "value": said}],
            })
        }));
        let resource = json!({"type": "survey_response", "id": self.ids.next(), "metadata": {
            "intervention_id": it.id,
            "main_indicator": rating,
            "main_indicator_scaled": f64::from(i32::try_from(rating - 1).unwrap_or(0)) / 4.0,
            "questions": questions,
            "response_foreign_id": self.ids.next(),
            "source_id": self.source_of(thread_id),
            "submitted_at": seconds(self.now()),
            "survey_id": SURVEY,
            "user_id": it.user_id,
        }});
        self.emit("survey_response.imported", None, None, resource);
        Ok(())
    }

    /// The part of the last intervention that is under way gets a summary: generated, or submitted by the agent.
    pub(crate) fn summarise(
        &mut self,
        thread_id: &str,
        summary: &str,
        submitted: bool,
    ) -> Result<(), DeskError> {
        let it = self.last_intervention(thread_id)?;
        let resource = self.segment_resource(&it, summary);
        let (kind, user) = if submitted {
            ("summary_submitted", Some(it.user_id.as_str()))
        } else {
            ("summary_generated", None)
        };
        self.emit(&format!("intervention_segment.{kind}"), user, None, resource);
        Ok(())
    }

    fn last_intervention(&self, thread_id: &str) -> Result<Intervention, DeskError> {
        let last = self.interventions(thread_id).next_back().cloned();
        last.ok_or_else(|| DeskError::Conflict("no agent ever had this thread".to_owned()))
    }
}
