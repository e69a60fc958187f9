//! What a receipt's token says: until when it is good, for which job, and SQS's own handle.

use handover_core::Timestamp;
use handover_core::ids::JobId;
use handover_core::ports::{QueueError, Receipt};

pub(super) struct Token<'a> {
    pub(super) job: JobId,
    pub(super) handle: &'a str,
}

/// `<milliseconds>:<job>:<handle>`. Our job ids have no colon; of SQS's handles nothing is known.
pub(super) fn write(visible_until: Timestamp, job: &JobId, handle: &str) -> String {
    format!("{}:{job}:{handle}", visible_until.as_millisecond())
}

/// The token, if the job is still ours. SQS would say so too, but some emulators let an old handle delete.
pub(super) fn read(receipt: &Receipt, now: Timestamp) -> Result<Token<'_>, QueueError> {
    let mut parts = receipt.token.splitn(3, ':');
    let (Some(until), Some(job), Some(handle)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(QueueError::StaleReceipt);
    };
    let until: i64 = until.parse().map_err(|_| QueueError::StaleReceipt)?;
    if now.as_millisecond() >= until {
        return Err(QueueError::StaleReceipt);
    }
    Ok(Token {
        job: JobId::new(job),
        handle,
    })
}

#[cfg(test)]
mod tests {
    use handover_core::job::QueueName;

    use super::*;

    fn receipt(token: impl Into<String>) -> Receipt {
        Receipt {
            queue: QueueName::ToBot,
            token: token.into(),
        }
    }

    #[test]
    fn a_token_is_good_until_its_time_and_keeps_any_handle() {
        let until = Timestamp::from_millisecond(1_000).unwrap();
        let written = receipt(write(until, &JobId::new("job"), "a:b+/="));
        let token = read(&written, Timestamp::from_millisecond(999).unwrap()).unwrap();
        assert_eq!((token.job.as_str(), token.handle), ("job", "a:b+/="));
        assert!(matches!(read(&written, until), Err(QueueError::StaleReceipt)));
    }

    #[test]
    fn what_is_no_token_is_stale() {
        for token in ["", "nonsense", "1:job", "soon:job:handle"] {
            let receipt = receipt(token);
            let found = read(&receipt, Timestamp::UNIX_EPOCH);
            assert!(matches!(found, Err(QueueError::StaleReceipt)), "{token}");
        }
    }
}
