//! The desk's actions by name, as the page sends them.

use serde_json::{Value, json};

use crate::cases::Reply;
use crate::config::AgentStatus;
use crate::error::DeskError;
use crate::model::SyncStatus;
use crate::state::State;

impl State {
    pub(crate) fn thread_action(
        &mut self,
        thread: &str,
        action: &str,
        body: &Value,
    ) -> Result<Value, DeskError> {
        let thread = &self.resolve(thread)?;
        let member = |name: &str| {
            body[name]
                .as_str()
                .filter(|text| !text.is_empty())
                .ok_or_else(|| DeskError::Invalid(format!("{name} is missing")))
        };
        match action {
            "take" => self.take(thread, member("agent_id")?)?,
            "reply" => {
                let reply = Reply {
                    body: body["body"]
                        .as_str()
                        .filter(|text| !text.is_empty())
                        .map(str::to_owned),
                    format: body["format"].as_str().map(str::to_owned),
                    structured_content: Some(body["structured_content"].clone()).filter(Value::is_object),
                    attachments: body["attachments"].as_array().cloned().unwrap_or_default(),
                    private: body["private"].as_bool().unwrap_or(false),
                    in_reply_to_id: None,
                    auto_submitted: false,
                    as_supervisor: body["as_supervisor"].as_bool().unwrap_or(false),
                };
                let content = self.reply(thread, member("agent_id")?, reply)?;
                return Ok(json!({"content_id": content}));
            }
            "defer" => self.defer(thread)?,
            "reactivate" => self.reactivate(thread)?,
            "transfer" => self.transfer(thread, member("to_agent_id")?, None)?,
            "close" => self.close(thread, None)?,
            "cancel" => self.cancel(thread, None)?,
            "reopen" => self.reopen(thread, member("agent_id")?)?,
            "move" => self.move_to(thread, member("category")?, body["agent_id"].as_str())?,
            "engage" => {
                let intervention = self.engage_by_hand(thread, member("agent_id")?)?;
                return Ok(json!({"intervention_id": intervention}));
            }
            "defer_from_folder" => self.defer_from_folder(thread, member("agent_id")?)?,
            "close_from_folder" => self.close_from_folder(thread, member("agent_id")?)?,
            "close_thread" => self.set_closed(thread, true, body["agent_id"].as_str()),
            "open_thread" => self.set_closed(thread, false, body["agent_id"].as_str()),
            "ignore" => self.archive(thread),
            "post_outside" => {
                let content = self.post_outside(thread, member("body")?)?;
                return Ok(json!({"content_id": content}));
            }
            "automatic_message" => {
                let by_api = body["created_from"] == "api";
                let content = self.automatic(thread, member("body")?, by_api)?;
                return Ok(json!({"content_id": content}));
            }
            "survey_invitation" => {
                let content = self.invite_to_survey(thread)?;
                return Ok(json!({"content_id": content}));
            }
            "merge" => {
                let into = self.resolve(member("into")?)?;
                self.merge(thread, &into)?;
            }
            "move_to_identity" => {
                let name = body["customer_name"].as_str().unwrap_or_default();
                self.move_to_identity(thread, member("customer_id")?, name);
            }
            "undeliver" => self.undeliver(thread)?,
            "expire" => self.expire(thread)?,
            "survey" => {
                let rating = body["rating"].as_i64().unwrap_or(5);
                self.survey(thread, rating, body["comment"].as_str())?;
            }
            "summarise" => {
                let submitted = body["submitted"].as_bool().unwrap_or(false);
                self.summarise(thread, member("summary")?, submitted)?;
            }
            _ => return Err(DeskError::NotFound(format!("no action {action}"))),
        }
        Ok(Value::Null)
    }

    /// Moves a thread between the bot and the agents; its other categories stay.
    pub(crate) fn move_to(
        &mut self,
        thread_id: &str,
        category: &str,
        user: Option<&str>,
    ) -> Result<(), DeskError> {
        user.map_or(Ok(()), |user| self.agent(user).map(drop))?;
        let (bot, agent) = (self.bot_category(), self.agent_category());
        let wanted = match category {
            "bot" => bot.clone(),
            "agent" => agent.clone(),
            _ => return Err(DeskError::Invalid("category: bot or agent".to_owned())),
        };
        let wanted =
            wanted.ok_or_else(|| DeskError::Conflict(format!("this account has no {category} category")))?;
        let Some(thread) = self.threads.get(thread_id) else {
            return Err(DeskError::NotFound(format!("no thread {thread_id}")));
        };
        let others = thread
            .category_ids
            .iter()
            .filter(|id| bot.as_ref() != Some(id) && agent.as_ref() != Some(id))
            .cloned();
        let categories = others.chain([wanted]).collect();
        self.categorise(thread_id, categories, user);
        Ok(())
    }

    pub(crate) fn set_availability(&mut self, agent_id: &str, status: AgentStatus) -> Result<(), DeskError> {
        let before = self.agent(agent_id)?.status;
        if let Some(agent) = self.agents.iter_mut().find(|agent| agent.id == agent_id) {
            agent.status = status;
        }
        match (before, status) {
            (before, after) if before == after => {}
            (AgentStatus::Disconnected, _) => self.emit_agent("connected", agent_id),
            (_, AgentStatus::Disconnected) => self.emit_agent("disconnected", agent_id),
            _ => self.emit_agent("availability_change", agent_id),
        }
        Ok(())
    }

    /// An agent asks for another attempt of a message that could not be delivered.
    pub(crate) fn retry_export(&mut self, content: &str) -> Result<(), DeskError> {
        let failed = self.content(content).filter(|content| {
            let status = content.synchronization_status;
            matches!(status, SyncStatus::ExportFailure | SyncStatus::ExportAborted)
        });
        let Some(id) = failed.map(|content| content.id.clone()) else {
            return Err(DeskError::Conflict(format!("no failed message {content}")));
        };
        if let Some(content) = self.contents.get_mut(&id) {
            content.synchronization_status = SyncStatus::ExportPending;
        }
        self.export(&id);
        Ok(())
    }
}
