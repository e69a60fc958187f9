//! One signed call to the Send API (the channel's "Realtime endpoint URL").

use std::time::Instant;

use handover_core::ports::{Api, RingCxError};
use handover_core::secret::Secret;
use handover_core::settings::Connection;
use reqwest::header::CONTENT_TYPE;
use serde::Serialize;

use super::RingCxClient;
use super::wire::Envelope;
use crate::answer::{Answer, no_answer};
use crate::signature::{SIGNATURE_HEADER, sign};

/// Longest request that RCE takes, in bytes (Send API, "Limits").
pub(super) const REQUEST_MAX_BYTES: usize = 20_971_520;

/// A success is the bare word `ok`, an error one line; more is not read.
const ANSWER_CAP: usize = 4 * 1024;

impl RingCxClient {
    /// Calls and judges by the general rules.
    pub(super) async fn call_send_api<P: Serialize + Sync>(
        &self,
        connection: &Connection,
        action: &'static str,
        params: &P,
    ) -> Result<(), RingCxError> {
        self.post_signed(connection, action, params).await?.send_outcome()
    }

    /// Posts `{action, params}` to the URL as it is configured. Serialised once: exactly the bytes
    /// that are signed are sent. A signature that is not accepted is made anew with the next token.
    pub(super) async fn post_signed<P: Serialize + Sync>(
        &self,
        connection: &Connection,
        action: &'static str,
        params: &P,
    ) -> Result<Answer, RingCxError> {
        let body = serde_json::to_vec(&Envelope { action, params }).map_err(|_| RingCxError::Refused {
            status: 0,
            code: "not sent: it cannot be written as JSON".to_owned(),
        })?;
        if body.len() > REQUEST_MAX_BYTES {
            return Err(RingCxError::Refused {
                status: 413,
                code: format!("not sent: longer than {REQUEST_MAX_BYTES} bytes"),
            });
        }
        let (last, others) = connection
            .ringcx
            .realtime_access_tokens
            .split_last()
            .ok_or_else(|| RingCxError::NotPermitted {
                status: 0,
                code: "not sent: no realtime access token".to_owned(),
            })?;
        // RCE knows one token at a time. While it is being changed, nobody here can know which.
        for token in others {
            let answer = self.post(connection, action, token, body.clone()).await?;
            if !matches!(answer.send_outcome(), Err(RingCxError::SecretRefused { .. })) {
                return Ok(answer);
            }
        }
        self.post(connection, action, last, body).await
    }

    async fn post(
        &self,
        connection: &Connection,
        action: &'static str,
        token: &Secret,
        body: Vec<u8>,
    ) -> Result<Answer, RingCxError> {
        let settings = &connection.ringcx;
        let started = Instant::now();
        let outcome = self
            .http
            .post(settings.realtime_endpoint_url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(SIGNATURE_HEADER, sign(token, &body))
            .body(body)
            .send()
            .await;
        let status = outcome.as_ref().ok().map(|response| response.status().as_u16());
        tracing::debug!(
            connection = %connection.id,
            operation = action,
            status,
            duration_ms = started.elapsed().as_millis(),
            "send api"
        );
        let answer = match outcome {
            Ok(response) => Ok(Answer::read(response, ANSWER_CAP, self.clock.now()).await),
            Err(error) => Err(no_answer(error)),
        };
        let judged = answer.as_ref().map_or_else(
            |error| Some(error.code()),
            |answer| answer.send_outcome().err().map(|error| error.code()),
        );
        self.count(connection, Api::Send, action, judged, started);
        answer
    }
}
