//! An HTTP/1.1 client that costs almost nothing, so that a shared machine's CPU is left to the bridge.

use std::net::SocketAddr;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http::Request;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// One connection, used for one request after another.
pub(crate) struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
}

pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) async fn connect(address: SocketAddr) -> anyhow::Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("cannot connect to {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    /// Sends a request and waits for its answer.
    pub(crate) async fn call(&mut self, request: &Request<Bytes>) -> anyhow::Result<Reply> {
        self.call_raw(&on_the_wire(request)).await
    }

    /// As [`call`](Self::call), with a request as it goes over the wire.
    pub(crate) async fn call_raw(&mut self, request: &[u8]) -> anyhow::Result<Reply> {
        self.stream.write_all(request).await?;
        self.buffer.clear();
        loop {
            if let Some(reply) = complete(&self.buffer)? {
                return Ok(reply);
            }
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection was closed before the answer");
            }
        }
    }

    /// As [`call`](Self::call); any other status than `expected` is an error.
    pub(crate) async fn expect(&mut self, request: &Request<Bytes>, expected: u16) -> anyhow::Result<Reply> {
        let reply = self.call(request).await?;
        if reply.status != expected {
            let body = String::from_utf8_lossy(&reply.body);
            bail!(
                "{} was answered {} instead of {expected}: {body}",
                request.uri(),
                reply.status
            );
        }
        Ok(reply)
    }
}

pub(crate) fn on_the_wire(request: &Request<Bytes>) -> Vec<u8> {
    let body = request.body();
    let mut bytes = Vec::with_capacity(512 + body.len());
    bytes.extend_from_slice(
        format!(
            "{} {} HTTP/1.1\r\nhost: bench\r\n",
            request.method(),
            request.uri()
        )
        .as_bytes(),
    );
    for (name, value) in request.headers() {
        for part in [name.as_str().as_bytes(), b": ", value.as_bytes(), b"\r\n"] {
            bytes.extend_from_slice(part);
        }
    }
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    bytes.extend_from_slice(body);
    bytes
}

/// The answer, once all of it is there. What answers here always says how long it is.
fn complete(buffer: &[u8]) -> anyhow::Result<Option<Reply>> {
    let Some(end) = buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&buffer[..end]).context("the answer's head is not text")?;
    let status = head
        .get(9..12)
        .and_then(|status| status.parse().ok())
        .context("the answer has no status")?;
    let length = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-length")
            .then(|| value.trim().parse::<usize>().ok())?
    });
    let body = &buffer[end + 4..];
    let length = length.unwrap_or_default();
    Ok((body.len() >= length).then(|| Reply {
        status,
        body: body[..length].to_vec(),
    }))
}
