//! Files in one S3 bucket, by presigned URLs and the HTTP client that everything else uses.
//!
//! An object is `<connection>/<key>`. What is known about a file travels with it as one piece of metadata, so that an
//! object is whole or not there. The bucket deletes objects some time after they have expired; until then an expired
//! one is treated as if it were not there.

use std::time::{Duration, SystemTime};

use async_trait::async_trait;
use aws_sdk_ssm::config::Credentials;
use aws_sigv4::http_request::{
    PercentEncodingMode, SignableBody, SignableRequest, SignatureLocation, SigningSettings,
    UriPathNormalizationMode, sign,
};
use aws_sigv4::sign::v4::SigningParams;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use handover_core::Timestamp;
use handover_core::files::{FileFacts, FileKey};
use handover_core::ids::ConnectionId;
use handover_core::ports::{Clock, FileStore, FileStoreError, OpenedFile};
use handover_handlers::files::disposition;
use http::StatusCode;
use reqwest::header::{CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_TYPE};
use reqwest::{Client, Method, Response};
use std::sync::Arc;
use url::Url;

use crate::client::Account;

/// How long a link works. Whoever was redirected follows at once.
const LINK: Duration = Duration::from_mins(5);
/// How long one of our own requests may take to arrive.
const REQUEST: Duration = Duration::from_mins(1);
/// How long storing the largest file may take.
const TIMEOUT: Duration = Duration::from_secs(15);
/// S3's limit for metadata is 2 KB; a file's name has 100 characters at most.
const FACTS: &str = "x-amz-meta-facts";

/// Keeps files in a bucket.
#[derive(Clone)]
pub struct S3Files {
    account: Account,
    http: Client,
    /// The bucket, with a trailing slash.
    bucket: Url,
    clock: Arc<dyn Clock>,
}

#[derive(Debug, thiserror::Error)]
#[error("S3 answered {0}")]
struct Refused(StatusCode);

#[derive(Debug, thiserror::Error)]
#[error("an object in the bucket is not one of ours")]
struct Foreign;

impl S3Files {
    /// `Err`: the bucket's name or the endpoint makes no URL.
    pub fn new(
        account: Account,
        http: Client,
        bucket: &str,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, url::ParseError> {
        let bucket = if let Some(endpoint) = &account.endpoint {
            format!("{}/{bucket}/", endpoint.trim_end_matches('/'))
        } else {
            let china = if account.region.starts_with("cn-") {
                ".cn"
            } else {
                ""
            };
            format!("https://{bucket}.s3.{}.amazonaws.com{china}/", account.region)
        };
        let bucket = Url::parse(&bucket)?;
        Ok(Self {
            account,
            http,
            bucket,
            clock,
        })
    }

    /// A URL that allows one kind of request for a while. `headers` must be sent along exactly as they are.
    fn presigned(
        &self,
        method: &Method,
        object: &str,
        headers: &[(&str, &str)],
        valid: Duration,
    ) -> Result<Url, FileStoreError> {
        let mut url = self.bucket.join(object).map_err(failed)?;
        let Account {
            access_key_id,
            secret_access_key,
            session_token,
            ..
        } = &self.account;
        let credentials = Credentials::new(
            access_key_id,
            secret_access_key.expose(),
            session_token.as_ref().map(|token| token.expose().to_owned()),
            None,
            "environment",
        );
        let mut settings = SigningSettings::default();
        settings.signature_location = SignatureLocation::QueryParams;
        settings.expires_in = Some(valid);
        // S3 takes the path as it is ("Signature Version 4", Amazon S3 API reference).
        settings.percent_encoding_mode = PercentEncodingMode::Single;
        settings.uri_path_normalization_mode = UriPathNormalizationMode::Disabled;
        let identity = credentials.into();
        let params = SigningParams::builder()
            .identity(&identity)
            .region(&self.account.region)
            .name("s3")
            .time(SystemTime::from(self.clock.now()))
            .settings(settings)
            .build()
            .map_err(failed)?
            .into();
        let request = SignableRequest::new(
            method.as_str(),
            url.as_str(),
            headers.iter().copied(),
            SignableBody::UnsignedPayload,
        );
        let signed = sign(request.map_err(failed)?, &params).map_err(failed)?;
        let (instructions, _) = signed.into_parts();
        let mut query = url.query_pairs_mut();
        for (name, value) in instructions.params() {
            query.append_pair(name, value);
        }
        drop(query);
        Ok(url)
    }

    async fn send(
        &self,
        method: Method,
        object: &str,
        headers: &[(&str, &str)],
        body: Bytes,
    ) -> Result<Response, FileStoreError> {
        let url = self.presigned(&method, object, headers, REQUEST)?;
        let mut request = self.http.request(method, url).timeout(TIMEOUT);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.body(body).send().await;
        // The URL holds a signature.
        answer.map_err(|error| failed(error.without_url()))
    }
}

fn object(connection: &ConnectionId, key: &FileKey) -> String {
    format!("{connection}/{}", key.as_str())
}

fn failed(error: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> FileStoreError {
    FileStoreError(error.into())
}

fn encoded(facts: &FileFacts) -> Result<String, FileStoreError> {
    let json = serde_json::to_vec(facts).map_err(failed)?;
    Ok(URL_SAFE_NO_PAD.encode(json))
}

fn decoded(answer: &Response) -> Result<FileFacts, FileStoreError> {
    let header = answer.headers().get(FACTS).ok_or(Foreign).map_err(failed)?;
    let json = URL_SAFE_NO_PAD.decode(header.as_bytes()).map_err(failed)?;
    serde_json::from_slice(&json).map_err(failed)
}

#[async_trait]
impl FileStore for S3Files {
    async fn put(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        facts: &FileFacts,
        bytes: Bytes,
    ) -> Result<(), FileStoreError> {
        let (about, disposition) = (encoded(facts)?, disposition(facts));
        let headers = [
            (CACHE_CONTROL.as_str(), "private"),
            (CONTENT_DISPOSITION.as_str(), disposition.as_str()),
            (CONTENT_TYPE.as_str(), facts.content_type.as_str()),
            (FACTS, about.as_str()),
        ];
        let answer = self
            .send(Method::PUT, &object(connection, key), &headers, bytes)
            .await?;
        match answer.status() {
            status if status.is_success() => Ok(()),
            status => Err(failed(Refused(status))),
        }
    }

    async fn facts(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        now: Timestamp,
    ) -> Result<Option<FileFacts>, FileStoreError> {
        let answer = self
            .send(Method::HEAD, &object(connection, key), &[], Bytes::new())
            .await?;
        match answer.status() {
            StatusCode::NOT_FOUND => Ok(None),
            status if status.is_success() => {
                Ok(Some(decoded(&answer)?).filter(|facts| facts.expires_at > now))
            }
            status => Err(failed(Refused(status))),
        }
    }

    async fn open(
        &self,
        connection: &ConnectionId,
        key: &FileKey,
        now: Timestamp,
    ) -> Result<Option<OpenedFile>, FileStoreError> {
        let Some(facts) = self.facts(connection, key, now).await? else {
            return Ok(None);
        };
        if facts.refused.is_some() {
            let bytes = Bytes::new();
            return Ok(Some(OpenedFile::Here { facts, bytes }));
        }
        let link = self.presigned(&Method::GET, &object(connection, key), &[], LINK)?;
        Ok(Some(OpenedFile::Elsewhere { link: link.into() }))
    }
}

#[cfg(test)]
mod tests {
    use handover_core::secret::Secret;

    use super::*;

    struct Fixed(&'static str);

    impl Clock for Fixed {
        fn now(&self) -> Timestamp {
            self.0.parse().expect("a time")
        }
    }

    /// The example of "Authenticating Requests: Using Query Parameters" (Amazon S3 API reference), which is at an
    /// address without a region.
    #[test]
    fn a_presigned_url_is_that_of_the_documentation() {
        let account = Account {
            region: "us-east-1".to_owned(),
            access_key_id: "AKIAIOSFODNN7EXAMPLE".to_owned(),
            secret_access_key: Secret::new("wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"),
            session_token: None,
            endpoint: None,
            dynamodb_endpoint: None,
        };
        let http = handover_ringcx::http::client();
        let clock = Arc::new(Fixed("2013-05-24T00:00:00Z"));
        let mut files = S3Files::new(account, http, "examplebucket", clock).unwrap();
        assert_eq!(
            files.bucket.as_str(),
            "https://examplebucket.s3.us-east-1.amazonaws.com/"
        );
        files.bucket = "https://examplebucket.s3.amazonaws.com/".parse().unwrap();
        let url = files
            .presigned(&Method::GET, "test.txt", &[], Duration::from_hours(24))
            .unwrap();
        let signature = url.query_pairs().find(|(name, _)| name == "X-Amz-Signature");
        assert_eq!(
            signature.unwrap().1,
            "aeeed9bbccd4d02ee5c0109b86d86835f995330da4c265957d157751f604d404"
        );
    }
}
